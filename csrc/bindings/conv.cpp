// Bindings of conv2d. Options arrive complete from functional.py: pairs are (height, width), padding is
// (top, bottom, left, right).
#include <optional>

#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

struct Conv {
  Input x, weight;
  nnf_conv2d_shape s{};
  i64 oh = 0, ow = 0;

  Conv(const char* function, py::handle x_, py::handle weight_, py::handle stride, py::handle padding,
       py::handle dilation, py::handle groups)
      : x(function, "x", x_), weight(function, "weight", weight_) {
    x.expect_nd(4, "(n, c, h, w)");
    weight.expect_nd(4, "(out_channels, in_channels / groups, kernel_height, kernel_width)");
    weight.expect_same_dtype(x);
    i64 two[2], four[4];
    s.n = x.dim(0);
    s.c = x.dim(1);
    s.h = x.dim(2);
    s.w = x.dim(3);
    s.oc = weight.dim(0);
    s.kh = weight.dim(2);
    s.kw = weight.dim(3);
    read_integers(function, "stride", stride, 2, two);
    s.stride_h = two[0];
    s.stride_w = two[1];
    read_integers(function, "padding", padding, 4, four);
    s.pad_top = four[0];
    s.pad_bottom = four[1];
    s.pad_left = four[2];
    s.pad_right = four[3];
    read_integers(function, "dilation", dilation, 2, two);
    s.dilation_h = two[0];
    s.dilation_w = two[1];
    s.groups = read_integer(function, "groups", groups);
    if (s.groups < 1 || s.c % s.groups != 0 || s.oc % s.groups != 0) {
      fail_value("%s: groups: expected a divisor of x's %lld channels and weight's %lld output channels, got %lld",
                 function, static_cast<long long>(s.c), static_cast<long long>(s.oc),
                 static_cast<long long>(s.groups));
    }
    weight.expect_shape({s.oc, s.c / s.groups, s.kh, s.kw});
    check_as(function, nnf_conv2d_output(&s, &oh, &ow));
  }
  void output_shape(py::ssize_t* shape) const {
    shape[0] = static_cast<py::ssize_t>(s.n);
    shape[1] = static_cast<py::ssize_t>(s.oc);
    shape[2] = static_cast<py::ssize_t>(oh);
    shape[3] = static_cast<py::ssize_t>(ow);
  }
  double work() const {
    return static_cast<double>(s.n * s.oc) * static_cast<double>(oh * ow) *
           (static_cast<double>(s.c / s.groups) * static_cast<double>(s.kh * s.kw) + 1);
  }
};

py::object conv2d(py::handle x, py::handle weight, py::handle bias_, py::handle stride, py::handle padding,
                  py::handle dilation, py::handle groups, py::handle out) {
  Conv c("conv2d", x, weight, stride, padding, dilation, groups);
  std::optional<Input> bias;
  if (!bias_.is_none()) {
    bias.emplace("conv2d", "bias", bias_);
    bias->expect_same_dtype(c.x);
    bias->expect_shape({c.s.oc});
  }
  py::ssize_t shape[4];
  c.output_shape(shape);
  py::object y = bias ? get_or_make("conv2d", out, c.x.dtype(), shape, 4, {&c.x, &c.weight, &*bias})
                      : get_or_make("conv2d", out, c.x.dtype(), shape, 4, {&c.x, &c.weight});
  c.x.make_contiguous();
  c.weight.make_contiguous();
  const void* b = bias ? bias->make_contiguous().data() : nullptr;
  char* to = array_data(y);
  run(c.work(), [&] { return nnf_conv2d(c.x.dtype(), &c.s, c.x.data(), c.weight.data(), b, to); });
  return y;
}

py::object conv2d_backward(py::handle grad_output, py::handle x, py::handle weight, py::handle stride,
                           py::handle padding, py::handle dilation, py::handle groups) {
  Input g("conv2d_backward", "grad_output", grad_output);
  Conv c("conv2d_backward", x, weight, stride, padding, dilation, groups);
  py::ssize_t shape[4];
  c.output_shape(shape);
  g.expect_same_dtype(c.x);
  g.expect_shape(shape, 4);
  py::object gx = new_array(c.x.dtype(), c.x.shape(), 4), gweight = new_array(c.x.dtype(), c.weight.shape(), 4);
  py::object gbias = new_array(c.x.dtype(), c.weight.shape(), 1);
  g.make_contiguous();
  c.x.make_contiguous();
  c.weight.make_contiguous();
  char *to_x = array_data(gx), *to_weight = array_data(gweight), *to_bias = array_data(gbias);
  run(2 * c.work(), [&] {
    return nnf_conv2d_backward(c.x.dtype(), &c.s, g.data(), c.x.data(), c.weight.data(), to_x, to_weight, to_bias);
  });
  return py::make_tuple(gx, gweight, gbias);
}

}  // namespace

void init_conv(py::module_& m) {
  m.def("conv2d", &conv2d, py::arg("x"), py::arg("weight"), py::arg("bias"), py::arg("stride"), py::arg("padding"),
        py::arg("dilation"), py::arg("groups"), py::arg("out") = py::none());
  m.def("conv2d_backward", &conv2d_backward, py::arg("grad_output"), py::arg("x"), py::arg("weight"),
        py::arg("stride"), py::arg("padding"), py::arg("dilation"), py::arg("groups"));
}

}  // namespace nnf::bindings
