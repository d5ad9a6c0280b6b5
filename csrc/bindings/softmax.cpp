// Bindings of softmax and log_softmax over one axis.
#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

// A dense array seen as (outer, len, inner) around one axis.
struct Axis {
  i64 outer = 1, len = 1, inner = 1;
  Axis(const char* function, const Input& x, py::handle axis_) {
    const i64 axis = read_integer(function, "axis", axis_);
    const int nd = x.nd();
    x.expect_min_nd(1, "or more");
    if (axis < -nd || axis >= nd) {
      fail_value("%s: axis: expected %d..%d, got %lld", function, -nd, nd - 1, static_cast<long long>(axis));
    }
    const int a = static_cast<int>(axis < 0 ? axis + nd : axis);
    for (int i = 0; i < a; ++i) outer *= x.dim(i);
    len = x.dim(a);
    for (int i = a + 1; i < nd; ++i) inner *= x.dim(i);
  }
};

py::object forward(const char* function, int log, py::handle x_, py::handle axis, py::handle out) {
  Input x(function, "x", x_);
  const Axis a(function, x, axis);
  py::object y = get_or_make(function, out, x.dtype(), x.shape(), x.nd(), {&x}, &x);
  x.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(x.size()),
      [&] { return nnf_softmax(x.dtype(), log, a.outer, a.len, a.inner, x.data(), to); });
  return y;
}

py::object backward(const char* function, int log, py::handle grad_output, py::handle x_, py::handle axis,
                    py::handle output_, py::handle out) {
  GradientFromOutput q(function, grad_output, x_, output_);
  const Axis a(function, q.x, axis);
  py::object gx = q.make_result(function, out);
  char* to = array_data(gx);
  run(static_cast<double>(q.x.size()), [&] {
    return nnf_softmax_backward(q.x.dtype(), log, a.outer, a.len, a.inner, q.g.data(), q.x.data(), q.given(), to);
  });
  return gx;
}

void def_softmax(py::module_& m, const char* function, const char* backward_function, int log) {
  m.def(
      function,
      [function, log](py::handle x, py::handle axis, py::handle out) { return forward(function, log, x, axis, out); },
      py::arg("x"), py::arg("axis") = -1, py::arg("out") = py::none());
  m.def(
      backward_function,
      [backward_function, log](py::handle grad_output, py::handle x, py::handle axis, py::handle output,
                               py::handle out) {
        return backward(backward_function, log, grad_output, x, axis, output, out);
      },
      py::arg("grad_output"), py::arg("x"), py::arg("axis") = -1, py::arg("output") = py::none(),
      py::arg("out") = py::none());
}

}  // namespace

void init_softmax(py::module_& m) {
  def_softmax(m, "softmax", "softmax_backward", 0);
  def_softmax(m, "log_softmax", "log_softmax_backward", 1);
}

}  // namespace nnf::bindings
