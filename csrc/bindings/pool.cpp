// Bindings of max_pool and avg_pool, 1-D and 2-D. Options arrive complete from nnfast/functional: pairs are
// (height, width), a 1-D function's have one number.
#include <string>

#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

// The 1-D functions are the 2-D ones of height 1: `dims` is the number of axes their images and options have.
struct Pool {
  const char* function;
  int dims;
  Input x;
  nnf_pool2d_shape s{};
  py::ssize_t shape[4];  // of the output

  Pool(const char* function_, int dims_, py::handle x_, py::handle kernel_size, py::handle stride, py::handle padding,
       py::handle dilation, py::handle ceil_mode, py::handle count_include_pad)
      : function(function_), dims(dims_), x(function, "x", x_) {
    x.expect_nd(dims + 2, dims == 2 ? "(n, c, h, w)" : "(n, c, l)");
    i64 oh = 0, ow = 0;
    s.n = x.dim(0);
    s.c = x.dim(1);
    s.h = dims == 2 ? x.dim(2) : 1;
    s.w = x.dim(dims + 1);
    read_axes("kernel_size", kernel_size, 1, &s.kh, &s.kw);
    read_axes("stride", stride, 1, &s.stride_h, &s.stride_w);
    read_axes("padding", padding, 0, &s.pad_h, &s.pad_w);
    s.dilation_h = s.dilation_w = 1;
    if (dilation) read_axes("dilation", dilation, 1, &s.dilation_h, &s.dilation_w);
    s.ceil_mode = read_bool(function, "ceil_mode", ceil_mode);
    if (count_include_pad) s.count_include_pad = read_bool(function, "count_include_pad", count_include_pad);
    check_as(function, nnf_pool2d_output(&s, &oh, &ow));
    shape[0] = x.shape()[0];
    shape[1] = x.shape()[1];
    shape[2] = static_cast<py::ssize_t>(oh);
    shape[dims + 1] = static_cast<py::ssize_t>(ow);
  }
  int nd() const { return dims + 2; }
  double work() const { return static_cast<double>(x.size()); }

 private:
  void read_axes(const char* name, py::handle value, i64 least, i64* down, i64* across) {
    i64 two[2] = {least, least};  // of the height of a 1-D function: one cell, no padding
    read_integers(function, name, value, dims, two + (dims == 2 ? 0 : 1));
    *down = two[0];
    *across = two[1];
    if (dims == 1 && *across < least) {
      fail_value("%s: %s: expected at least %lld, got %lld", function, name, static_cast<long long>(least),
                 static_cast<long long>(*across));
    }
  }
};

template <int Dims>
py::object max_pool(py::handle x, py::handle kernel_size, py::handle stride, py::handle padding, py::handle dilation,
                    py::handle ceil_mode, py::handle out) {
  const char* function = Dims == 2 ? "max_pool2d" : "max_pool1d";
  Pool p(function, Dims, x, kernel_size, stride, padding, dilation, ceil_mode, {});
  py::object y = get_or_make(function, out, p.x.dtype(), p.shape, p.nd(), {&p.x});
  p.x.make_contiguous();
  char* to = array_data(y);
  run(p.work(), [&] { return nnf_max_pool2d(p.x.dtype(), &p.s, p.x.data(), to); });
  return y;
}

template <int Dims>
py::object avg_pool(py::handle x, py::handle kernel_size, py::handle stride, py::handle padding,
                    py::handle ceil_mode, py::handle count_include_pad, py::handle out) {
  const char* function = Dims == 2 ? "avg_pool2d" : "avg_pool1d";
  Pool p(function, Dims, x, kernel_size, stride, padding, {}, ceil_mode, count_include_pad);
  py::object y = get_or_make(function, out, p.x.dtype(), p.shape, p.nd(), {&p.x});
  p.x.make_contiguous();
  char* to = array_data(y);
  run(p.work(), [&] { return nnf_avg_pool2d(p.x.dtype(), &p.s, p.x.data(), to); });
  return y;
}

template <int Dims>
py::object max_pool_backward(py::handle grad_output, py::handle x, py::handle kernel_size, py::handle stride,
                             py::handle padding, py::handle dilation, py::handle ceil_mode) {
  const char* function = Dims == 2 ? "max_pool2d_backward" : "max_pool1d_backward";
  Input g(function, "grad_output", grad_output);
  Pool p(function, Dims, x, kernel_size, stride, padding, dilation, ceil_mode, {});
  g.expect_same_dtype(p.x);
  g.expect_shape(p.shape, p.nd());
  py::object gx = new_array(p.x.dtype(), p.x.shape(), p.nd());
  g.make_contiguous();
  p.x.make_contiguous();
  char* to = array_data(gx);
  run(p.work(), [&] { return nnf_max_pool2d_backward(p.x.dtype(), &p.s, g.data(), p.x.data(), to); });
  return gx;
}

template <int Dims>
py::object avg_pool_backward(py::handle grad_output, py::handle x, py::handle kernel_size, py::handle stride,
                             py::handle padding, py::handle ceil_mode, py::handle count_include_pad) {
  const char* function = Dims == 2 ? "avg_pool2d_backward" : "avg_pool1d_backward";
  Input g(function, "grad_output", grad_output);
  Pool p(function, Dims, x, kernel_size, stride, padding, {}, ceil_mode, count_include_pad);
  g.expect_same_dtype(p.x);
  g.expect_shape(p.shape, p.nd());
  py::object gx = new_array(p.x.dtype(), p.x.shape(), p.nd());
  g.make_contiguous();
  char* to = array_data(gx);
  run(p.work(), [&] { return nnf_avg_pool2d_backward(p.x.dtype(), &p.s, g.data(), to); });
  return gx;
}

template <int Dims>
void define(py::module_& m) {
  const std::string d = Dims == 2 ? "2d" : "1d";
  m.def(("max_pool" + d).c_str(), &max_pool<Dims>, py::arg("x"), py::arg("kernel_size"), py::arg("stride"),
        py::arg("padding"), py::arg("dilation"), py::arg("ceil_mode"), py::arg("out") = py::none());
  m.def(("max_pool" + d + "_backward").c_str(), &max_pool_backward<Dims>, py::arg("grad_output"), py::arg("x"),
        py::arg("kernel_size"), py::arg("stride"), py::arg("padding"), py::arg("dilation"), py::arg("ceil_mode"));
  m.def(("avg_pool" + d).c_str(), &avg_pool<Dims>, py::arg("x"), py::arg("kernel_size"), py::arg("stride"),
        py::arg("padding"), py::arg("ceil_mode"), py::arg("count_include_pad"), py::arg("out") = py::none());
  m.def(("avg_pool" + d + "_backward").c_str(), &avg_pool_backward<Dims>, py::arg("grad_output"), py::arg("x"),
        py::arg("kernel_size"), py::arg("stride"), py::arg("padding"), py::arg("ceil_mode"),
        py::arg("count_include_pad"));
}

}  // namespace

void init_pool(py::module_& m) {
  define<1>(m);
  define<2>(m);
}

}  // namespace nnf::bindings
