// Bindings of what gives images another size: adaptive and global pooling, nearest-neighbour upsampling, padding.
// Options arrive complete from nnfast/functional: pairs are (height, width).
#include <climits>

#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

void expect_image(const Input& x) { x.expect_nd(4, "(n, c, h, w)"); }

// ---------------------------------------------------------------- adaptive pooling

struct Adaptive {
  Input x;
  i64 size[2];
  py::ssize_t shape[4];

  // output_size: two integers.
  Adaptive(const char* function, py::handle x_, py::handle output_size) : x(function, "x", x_) {
    expect_image(x);
    read_integers(function, "output_size", output_size, 2, size);
    for (int i = 0; i < 4; ++i) shape[i] = x.shape()[i];
    if (shape[1] < 1 || shape[2] < 1 || shape[3] < 1) {
      fail_value("%s: x: expected channels, height and width of at least 1, got shape %s", function,
                 shape_text(x.shape(), 4).c_str());
    }
    if (size[0] < 1 || size[1] < 1 || size[0] > INT_MAX || size[1] > INT_MAX) {
      fail_value("%s: output_size: expected both at least 1, got (%lld, %lld)", function,
                 static_cast<long long>(size[0]), static_cast<long long>(size[1]));
    }
    shape[2] = static_cast<py::ssize_t>(size[0]);
    shape[3] = static_cast<py::ssize_t>(size[1]);
  }
};

py::object adaptive_avg_pool2d(py::handle x, py::handle output_size, py::handle out) {
  Adaptive a("adaptive_avg_pool2d", x, output_size);
  py::object y = get_or_make("adaptive_avg_pool2d", out, a.x.dtype(), a.shape, 4, {&a.x});
  a.x.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(a.x.size()), [&] {
    return nnf_adaptive_avg_pool2d(a.x.dtype(), a.x.dim(0), a.x.dim(1), a.x.dim(2), a.x.dim(3), a.size[0], a.size[1],
                                   a.x.data(), to);
  });
  return y;
}

py::object adaptive_avg_pool2d_backward(py::handle grad_output, py::handle x, py::handle output_size) {
  const char* function = "adaptive_avg_pool2d_backward";
  Input g(function, "grad_output", grad_output);
  Adaptive a(function, x, output_size);
  g.expect_same_dtype(a.x);
  g.expect_shape(a.shape, 4);
  py::object gx = new_array(a.x.dtype(), a.x.shape(), 4);
  g.make_contiguous();
  char* to = array_data(gx);
  run(static_cast<double>(a.x.size()), [&] {
    return nnf_adaptive_avg_pool2d_backward(a.x.dtype(), a.x.dim(0), a.x.dim(1), a.x.dim(2), a.x.dim(3), a.size[0],
                                            a.size[1], g.data(), to);
  });
  return gx;
}

// ---------------------------------------------------------------- global pooling

// A pooling whose only window is the whole image, or the whole signal: an image of height 1 (Dims = 1).
template <int Dims>
struct Global {
  Input x;
  nnf_pool2d_shape s{};
  py::ssize_t shape[4];
  int nd;  // of the output

  Global(const char* function, py::handle x_, py::handle keepdims) : x(function, "x", x_) {
    x.expect_nd(Dims + 2, Dims == 2 ? "(n, c, h, w)" : "(n, c, l)");
    nd = read_bool(function, "keepdims", keepdims) ? Dims + 2 : 2;
    s.n = x.dim(0), s.c = x.dim(1);
    s.h = s.kh = s.stride_h = Dims == 2 ? x.dim(2) : 1;
    s.w = s.kw = s.stride_w = x.dim(Dims + 1);
    s.dilation_h = s.dilation_w = 1;
    if (s.c < 1 || s.h < 1 || s.w < 1) {
      fail_value("%s: x: expected channels, %s of at least 1, got shape %s", function,
                 Dims == 2 ? "height and width" : "length", shape_text(x.shape(), Dims + 2).c_str());
    }
    shape[0] = x.shape()[0], shape[1] = x.shape()[1];
    shape[2] = shape[3] = 1;
  }
};

template <bool Max, int Dims>
py::object global_pool(py::handle x, py::handle keepdims, py::handle out) {
  const char* function = Dims == 2 ? (Max ? "global_max_pool2d" : "global_avg_pool2d")
                                   : (Max ? "global_max_pool1d" : "global_avg_pool1d");
  Global<Dims> p(function, x, keepdims);
  py::object y = get_or_make(function, out, p.x.dtype(), p.shape, p.nd, {&p.x});
  p.x.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(p.x.size()), [&] {
    return Max ? nnf_max_pool2d(p.x.dtype(), &p.s, p.x.data(), to) : nnf_avg_pool2d(p.x.dtype(), &p.s, p.x.data(), to);
  });
  return y;
}

template <bool Max, int Dims>
py::object global_pool_backward(py::handle grad_output, py::handle x, py::handle keepdims) {
  const char* function = Dims == 2 ? (Max ? "global_max_pool2d_backward" : "global_avg_pool2d_backward")
                                   : (Max ? "global_max_pool1d_backward" : "global_avg_pool1d_backward");
  Input g(function, "grad_output", grad_output);
  Global<Dims> p(function, x, keepdims);
  g.expect_same_dtype(p.x);
  g.expect_shape(p.shape, p.nd);
  py::object gx = new_array(p.x.dtype(), p.x.shape(), Dims + 2);
  g.make_contiguous();
  p.x.make_contiguous();
  char* to = array_data(gx);
  run(static_cast<double>(p.x.size()), [&] {
    return Max ? nnf_max_pool2d_backward(p.x.dtype(), &p.s, g.data(), p.x.data(), to)
               : nnf_avg_pool2d_backward(p.x.dtype(), &p.s, g.data(), to);
  });
  return gx;
}

// ---------------------------------------------------------------- upsampling

struct Upsample {
  Input x;
  i64 size[2];
  double scale[2];  // 0: what the sizes say
  py::ssize_t shape[4];

  Upsample(const char* function, py::handle x_, py::handle size_, py::handle scale_h, py::handle scale_w)
      : x(function, "x", x_) {
    expect_image(x);
    read_integers(function, "size", size_, 2, size);
    scale[0] = read_double(function, "scale_factor", scale_h);
    scale[1] = read_double(function, "scale_factor", scale_w);
    for (int i = 0; i < 4; ++i) shape[i] = x.shape()[i];
    for (int i = 0; i < 2; ++i) {
      const bool fits = size[i] >= 0 && size[i] <= INT_MAX && (size[i] > 0) == (shape[2 + i] > 0);
      if (!fits) {
        fail_value("%s: size: expected both at least 1 for images of (%lld, %lld), got (%lld, %lld)", function,
                   static_cast<long long>(x.dim(2)), static_cast<long long>(x.dim(3)),
                   static_cast<long long>(size[0]), static_cast<long long>(size[1]));
      }
    }
    for (int i = 0; i < 2; ++i) shape[2 + i] = static_cast<py::ssize_t>(size[i]);
  }
  i64 planes() const { return x.dim(0) * x.dim(1); }
  double work() const {
    const double cells = static_cast<double>(size[0]) * static_cast<double>(size[1]);
    return static_cast<double>(x.size()) + static_cast<double>(planes()) * cells;
  }
};

py::object upsample_nearest(py::handle x, py::handle size, py::handle scale_h, py::handle scale_w, py::handle out) {
  Upsample u("upsample_nearest", x, size, scale_h, scale_w);
  py::object y = get_or_make("upsample_nearest", out, u.x.dtype(), u.shape, 4, {&u.x});
  u.x.make_contiguous();
  char* to = array_data(y);
  run(u.work(), [&] {
    return nnf_upsample_nearest(u.x.dtype(), u.planes(), u.x.dim(2), u.x.dim(3), u.size[0], u.size[1], u.scale[0],
                                u.scale[1], u.x.data(), to);
  });
  return y;
}

py::object upsample_nearest_backward(py::handle grad_output, py::handle x, py::handle size, py::handle scale_h,
                                     py::handle scale_w) {
  const char* function = "upsample_nearest_backward";
  Input g(function, "grad_output", grad_output);
  Upsample u(function, x, size, scale_h, scale_w);
  g.expect_same_dtype(u.x);
  g.expect_shape(u.shape, 4);
  py::object gx = new_array(u.x.dtype(), u.x.shape(), 4);
  g.make_contiguous();
  char* to = array_data(gx);
  run(u.work(), [&] {
    return nnf_upsample_nearest_backward(u.x.dtype(), u.planes(), u.x.dim(2), u.x.dim(3), u.size[0], u.size[1],
                                         u.scale[0], u.scale[1], g.data(), to);
  });
  return gx;
}

// ---------------------------------------------------------------- padding

struct Pad {
  i64 sizes[kMaxDims], before[kMaxDims] = {}, after[kMaxDims] = {};
  py::ssize_t shape[kMaxDims];  // of the output

  // pad: pairs (before, after) from the last axis on, as PyTorch's.
  Pad(const char* function, const Input& x, py::handle pad) {
    PyObject* object = pad.ptr();
    if (!PyTuple_Check(object) && !PyList_Check(object)) {
      fail_type("%s: pad: expected a sequence of integers, got %s", function, Py_TYPE(object)->tp_name);
    }
    const py::ssize_t count = PySequence_Fast_GET_SIZE(object);
    if (count % 2 != 0 || count > 2 * x.nd()) {
      fail_value("%s: pad: expected an even number of integers, at most %d, got %zd", function, 2 * x.nd(), count);
    }
    i64 values[2 * kMaxDims];
    read_integers(function, "pad", pad, static_cast<int>(count), values);
    constexpr i64 limit = i64{1} << 44;
    double total = 1;
    for (int d = 0; d < x.nd(); ++d) {
      const py::ssize_t from_end = x.nd() - 1 - d;
      sizes[d] = x.dim(d);
      if (2 * from_end < count) {
        before[d] = values[2 * from_end];
        after[d] = values[2 * from_end + 1];
      }
      const bool sane = before[d] <= limit && after[d] <= limit && before[d] >= -limit && after[d] >= -limit;
      if (!sane || sizes[d] + before[d] + after[d] < 0) {
        fail_value("%s: pad: expected axis %d, of size %lld, to keep a size of at least 0, got (%lld, %lld)", function,
                   d, static_cast<long long>(sizes[d]), static_cast<long long>(before[d]),
                   static_cast<long long>(after[d]));
      }
      shape[d] = static_cast<py::ssize_t>(sizes[d] + before[d] + after[d]);
      total *= static_cast<double>(shape[d]);
    }
    if (total > static_cast<double>(limit)) {
      fail_value("%s: pad: the result of %g elements is too large", function, total);
    }
  }
};

void check_mode(const char* function, py::handle mode) {
  const char* modes[] = {"constant"};
  (void)read_choice(function, "mode", mode, modes, 1);
}

py::object pad(py::handle x_, py::handle pad_, py::handle mode, py::handle value_, py::handle out) {
  Input x("pad", "x", x_);
  const Pad p("pad", x, pad_);
  check_mode("pad", mode);
  const double value = read_double("pad", "value", value_);
  py::object y = get_or_make("pad", out, x.dtype(), p.shape, x.nd(), {&x});
  x.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(product(p.shape, x.nd())),
      [&] { return nnf_pad(x.dtype(), x.nd(), p.sizes, p.before, p.after, value, x.data(), to); });
  return y;
}

py::object pad_backward(py::handle grad_output, py::handle x_, py::handle pad_, py::handle mode, py::handle value) {
  Input g("pad_backward", "grad_output", grad_output);
  Input x("pad_backward", "x", x_);
  const Pad p("pad_backward", x, pad_);
  check_mode("pad_backward", mode);
  (void)read_double("pad_backward", "value", value);
  g.expect_same_dtype(x);
  g.expect_shape(p.shape, x.nd());
  py::object gx = new_array(x.dtype(), x.shape(), x.nd());
  g.make_contiguous();
  i64 sizes[kMaxDims], before[kMaxDims], after[kMaxDims];
  for (int d = 0; d < x.nd(); ++d) {
    sizes[d] = static_cast<i64>(p.shape[d]);
    before[d] = -p.before[d];
    after[d] = -p.after[d];
  }
  char* to = array_data(gx);
  run(static_cast<double>(x.size()),
      [&] { return nnf_pad(x.dtype(), x.nd(), sizes, before, after, 0.0, g.data(), to); });
  return gx;
}

}  // namespace

void init_resize(py::module_& m) {
  m.def("adaptive_avg_pool2d", &adaptive_avg_pool2d, py::arg("x"), py::arg("output_size"), py::arg("out") = py::none());
  m.def("adaptive_avg_pool2d_backward", &adaptive_avg_pool2d_backward, py::arg("grad_output"), py::arg("x"),
        py::arg("output_size"));
  const auto pool = [&](const char* name, auto f, const char* backward, auto f_backward) {
    m.def(name, f, py::arg("x"), py::arg("keepdims"), py::arg("out") = py::none());
    m.def(backward, f_backward, py::arg("grad_output"), py::arg("x"), py::arg("keepdims"));
  };
  pool("global_avg_pool1d", &global_pool<false, 1>, "global_avg_pool1d_backward", &global_pool_backward<false, 1>);
  pool("global_avg_pool2d", &global_pool<false, 2>, "global_avg_pool2d_backward", &global_pool_backward<false, 2>);
  pool("global_max_pool1d", &global_pool<true, 1>, "global_max_pool1d_backward", &global_pool_backward<true, 1>);
  pool("global_max_pool2d", &global_pool<true, 2>, "global_max_pool2d_backward", &global_pool_backward<true, 2>);
  m.def("upsample_nearest", &upsample_nearest, py::arg("x"), py::arg("size"), py::arg("scale_h"), py::arg("scale_w"),
        py::arg("out") = py::none());
  m.def("upsample_nearest_backward", &upsample_nearest_backward, py::arg("grad_output"), py::arg("x"), py::arg("size"),
        py::arg("scale_h"), py::arg("scale_w"));
  m.def("pad", &pad, py::arg("x"), py::arg("pad"), py::arg("mode"), py::arg("value"),
        py::arg("out") = py::none());
  m.def("pad_backward", &pad_backward, py::arg("grad_output"), py::arg("x"), py::arg("pad"),
        py::arg("mode"), py::arg("value"));
}

}  // namespace nnf::bindings
