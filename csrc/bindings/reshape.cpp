// Bindings of reshape and flatten: the same elements in the same order under another shape, as new arrays.
#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

struct Shape {
  py::ssize_t sizes[kMaxDims];
  int nd = 0;
};

// `shape`: a sequence of integers, at most one of them -1, whose size follows from the others.
Shape read_shape(const char* function, const Input& x, py::handle shape) {
  Shape s;
  if (!PyTuple_Check(shape.ptr()) && !PyList_Check(shape.ptr())) {
    fail_type("%s: shape: expected an integer or a sequence of integers, got %s", function,
              Py_TYPE(shape.ptr())->tp_name);
  }
  const py::ssize_t count = PySequence_Fast_GET_SIZE(shape.ptr());
  if (count > kMaxDims) fail_value("%s: shape: expected at most %d sizes, got %zd", function, kMaxDims, count);
  i64 values[kMaxDims];
  read_integers(function, "shape", shape, static_cast<int>(count), values);
  s.nd = static_cast<int>(count);
  int open = -1;
  i64 known = 1;
  bool fits = true;
  for (int i = 0; i < s.nd; ++i) {
    s.sizes[i] = static_cast<py::ssize_t>(values[i]);
    if (values[i] == -1 && open < 0) {
      open = i;
    } else {
      fits = fits && values[i] >= 0 && !__builtin_mul_overflow(known, values[i], &known);
    }
  }
  if (fits && open >= 0) {
    fits = known > 0 && x.size() % known == 0;
    if (fits) s.sizes[open] = static_cast<py::ssize_t>(x.size() / known);
  } else {
    fits = fits && known == x.size();
  }
  if (!fits) {
    for (int i = 0; i < s.nd; ++i) s.sizes[i] = static_cast<py::ssize_t>(values[i]);
    fail_value("%s: shape: expected sizes, at most one of them -1, that make %lld elements, got %s", function,
               static_cast<long long>(x.size()), shape_text(s.sizes, s.nd).c_str());
  }
  return s;
}

// Axes first..last of x as one.
Shape flat_shape(const char* function, const Input& x, py::handle start_dim, py::handle end_dim) {
  Shape s;
  const int nd = x.nd() > 0 ? x.nd() : 1;  // a number is an array of one element, as in PyTorch
  i64 ends[2];
  const char* names[] = {"start_dim", "end_dim"};
  const py::handle given[] = {start_dim, end_dim};
  for (int i = 0; i < 2; ++i) {
    const i64 axis = read_integer(function, names[i], given[i]);
    if (axis < -nd || axis >= nd) {
      fail_value("%s: %s: expected an axis from %d to %d, got %lld", function, names[i], -nd, nd - 1,
                 static_cast<long long>(axis));
    }
    ends[i] = axis < 0 ? axis + nd : axis;
  }
  if (ends[0] > ends[1]) {
    fail_value("%s: start_dim: expected an axis not behind end_dim %lld, got %lld", function,
               static_cast<long long>(ends[1]), static_cast<long long>(ends[0]));
  }
  i64 flat = 1;
  for (int i = 0; i < nd; ++i) {
    const py::ssize_t size = x.nd() > 0 ? x.shape()[i] : 1;
    if (i >= ends[0] && i <= ends[1]) flat *= size;
    if (i < ends[0] || i > ends[1]) s.sizes[s.nd++] = size;
    if (i == ends[1]) s.sizes[s.nd++] = static_cast<py::ssize_t>(flat);
  }
  return s;
}

// A copy through the core's threads: a padding by nothing.
void copy(const Input& from, const py::object& to) {
  const i64 size = from.size(), none = 0;
  char* data = array_data(to);
  run(static_cast<double>(size),
      [&] { return nnf_pad(from.dtype(), 1, &size, &none, &none, 0.0, from.data(), data); });
}

py::object forward(const char* function, Input& x, const Shape& s, py::handle out) {
  py::object y = get_or_make(function, out, x.dtype(), s.sizes, s.nd, {&x});
  copy(x.make_contiguous(), y);
  return y;
}

py::object backward(Input& g, const Input& x, const Shape& s) {
  g.expect_same_dtype(x);
  g.expect_shape(s.sizes, s.nd);
  py::object gx = new_array(x.dtype(), x.shape(), x.nd());
  copy(g.make_contiguous(), gx);
  return gx;
}

py::object reshape(py::handle x_, py::handle shape, py::handle out) {
  Input x("reshape", "x", x_);
  return forward("reshape", x, read_shape("reshape", x, shape), out);
}

py::object reshape_backward(py::handle grad_output, py::handle x_, py::handle shape) {
  Input g("reshape_backward", "grad_output", grad_output), x("reshape_backward", "x", x_);
  return backward(g, x, read_shape("reshape_backward", x, shape));
}

py::object flatten(py::handle x_, py::handle start_dim, py::handle end_dim, py::handle out) {
  Input x("flatten", "x", x_);
  return forward("flatten", x, flat_shape("flatten", x, start_dim, end_dim), out);
}

py::object flatten_backward(py::handle grad_output, py::handle x_, py::handle start_dim, py::handle end_dim) {
  Input g("flatten_backward", "grad_output", grad_output), x("flatten_backward", "x", x_);
  return backward(g, x, flat_shape("flatten_backward", x, start_dim, end_dim));
}

}  // namespace

void init_reshape(py::module_& m) {
  m.def("reshape", &reshape, py::arg("x"), py::arg("shape"), py::arg("out") = py::none());
  m.def("reshape_backward", &reshape_backward, py::arg("grad_output"), py::arg("x"), py::arg("shape"));
  m.def("flatten", &flatten, py::arg("x"), py::arg("start_dim"), py::arg("end_dim"), py::arg("out") = py::none());
  m.def("flatten_backward", &flatten_backward, py::arg("grad_output"), py::arg("x"), py::arg("start_dim"),
        py::arg("end_dim"));
}

}  // namespace nnf::bindings
