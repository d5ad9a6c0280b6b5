// Bindings of max_pool2d and avg_pool2d. Options arrive complete from functional.py: pairs are (height, width).
#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

struct Pool {
  Input x;
  nnf_pool2d_shape s{};
  py::ssize_t shape[4];  // of the output

  Pool(const char* function, py::handle x_, py::handle kernel_size, py::handle stride, py::handle padding,
       py::handle dilation, py::handle ceil_mode, py::handle count_include_pad)
      : x(function, "x", x_) {
    x.expect_nd(4, "(n, c, h, w)");
    i64 two[2], oh = 0, ow = 0;
    s.n = x.dim(0);
    s.c = x.dim(1);
    s.h = x.dim(2);
    s.w = x.dim(3);
    read_integers(function, "kernel_size", kernel_size, 2, two);
    s.kh = two[0];
    s.kw = two[1];
    read_integers(function, "stride", stride, 2, two);
    s.stride_h = two[0];
    s.stride_w = two[1];
    read_integers(function, "padding", padding, 2, two);
    s.pad_h = two[0];
    s.pad_w = two[1];
    s.dilation_h = s.dilation_w = 1;
    if (dilation) {
      read_integers(function, "dilation", dilation, 2, two);
      s.dilation_h = two[0];
      s.dilation_w = two[1];
    }
    s.ceil_mode = read_bool(function, "ceil_mode", ceil_mode);
    if (count_include_pad) s.count_include_pad = read_bool(function, "count_include_pad", count_include_pad);
    check_as(function, nnf_pool2d_output(&s, &oh, &ow));
    shape[0] = x.shape()[0];
    shape[1] = x.shape()[1];
    shape[2] = static_cast<py::ssize_t>(oh);
    shape[3] = static_cast<py::ssize_t>(ow);
  }
  double work() const { return static_cast<double>(x.size()); }
};

py::object max_pool2d(py::handle x, py::handle kernel_size, py::handle stride, py::handle padding,
                      py::handle dilation, py::handle ceil_mode, py::handle out) {
  Pool p("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode, {});
  py::object y = get_or_make("max_pool2d", out, p.x.dtype(), p.shape, 4, {&p.x});
  p.x.make_contiguous();
  char* to = array_data(y);
  run(p.work(), [&] { return nnf_max_pool2d(p.x.dtype(), &p.s, p.x.data(), to); });
  return y;
}

py::object avg_pool2d(py::handle x, py::handle kernel_size, py::handle stride, py::handle padding,
                      py::handle ceil_mode, py::handle count_include_pad, py::handle out) {
  Pool p("avg_pool2d", x, kernel_size, stride, padding, {}, ceil_mode, count_include_pad);
  py::object y = get_or_make("avg_pool2d", out, p.x.dtype(), p.shape, 4, {&p.x});
  p.x.make_contiguous();
  char* to = array_data(y);
  run(p.work(), [&] { return nnf_avg_pool2d(p.x.dtype(), &p.s, p.x.data(), to); });
  return y;
}

py::object max_pool2d_backward(py::handle grad_output, py::handle x, py::handle kernel_size, py::handle stride,
                               py::handle padding, py::handle dilation, py::handle ceil_mode) {
  Input g("max_pool2d_backward", "grad_output", grad_output);
  Pool p("max_pool2d_backward", x, kernel_size, stride, padding, dilation, ceil_mode, {});
  g.expect_same_dtype(p.x);
  g.expect_shape(p.shape, 4);
  py::object gx = new_array(p.x.dtype(), p.x.shape(), 4);
  g.make_contiguous();
  p.x.make_contiguous();
  char* to = array_data(gx);
  run(p.work(), [&] { return nnf_max_pool2d_backward(p.x.dtype(), &p.s, g.data(), p.x.data(), to); });
  return gx;
}

py::object avg_pool2d_backward(py::handle grad_output, py::handle x, py::handle kernel_size, py::handle stride,
                               py::handle padding, py::handle ceil_mode, py::handle count_include_pad) {
  Input g("avg_pool2d_backward", "grad_output", grad_output);
  Pool p("avg_pool2d_backward", x, kernel_size, stride, padding, {}, ceil_mode, count_include_pad);
  g.expect_same_dtype(p.x);
  g.expect_shape(p.shape, 4);
  py::object gx = new_array(p.x.dtype(), p.x.shape(), 4);
  g.make_contiguous();
  char* to = array_data(gx);
  run(p.work(), [&] { return nnf_avg_pool2d_backward(p.x.dtype(), &p.s, g.data(), to); });
  return gx;
}

}  // namespace

void init_pool(py::module_& m) {
  m.def("max_pool2d", &max_pool2d, py::arg("x"), py::arg("kernel_size"), py::arg("stride"), py::arg("padding"),
        py::arg("dilation"), py::arg("ceil_mode"), py::arg("out") = py::none());
  m.def("max_pool2d_backward", &max_pool2d_backward, py::arg("grad_output"), py::arg("x"), py::arg("kernel_size"),
        py::arg("stride"), py::arg("padding"), py::arg("dilation"), py::arg("ceil_mode"));
  m.def("avg_pool2d", &avg_pool2d, py::arg("x"), py::arg("kernel_size"), py::arg("stride"), py::arg("padding"),
        py::arg("ceil_mode"), py::arg("count_include_pad"), py::arg("out") = py::none());
  m.def("avg_pool2d_backward", &avg_pool2d_backward, py::arg("grad_output"), py::arg("x"), py::arg("kernel_size"),
        py::arg("stride"), py::arg("padding"), py::arg("ceil_mode"), py::arg("count_include_pad"));
}

}  // namespace nnf::bindings
