// Bindings of conv_transpose2d. Options arrive complete from nnfast/functional: all pairs are (height, width).
#include <optional>

#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

struct Transposed {
  Input x, weight;
  nnf_conv_transpose2d_shape s{};
  py::ssize_t shape[4];  // of the output
  py::ssize_t channels[1];

  Transposed(const char* function, py::handle x_, py::handle weight_, py::handle stride, py::handle padding,
             py::handle output_padding, py::handle groups, py::handle dilation)
      : x(function, "x", x_), weight(function, "weight", weight_) {
    x.expect_nd(4, "(n, c, h, w)");
    weight.expect_nd(4, "(in_channels, out_channels / groups, kernel_height, kernel_width)");
    weight.expect_same_dtype(x);
    s.n = x.dim(0);
    s.c = x.dim(1);
    s.h = x.dim(2);
    s.w = x.dim(3);
    s.kh = weight.dim(2);
    s.kw = weight.dim(3);
    read_pair(function, "stride", stride, &s.stride_h, &s.stride_w);
    read_pair(function, "padding", padding, &s.pad_h, &s.pad_w);
    read_pair(function, "output_padding", output_padding, &s.output_pad_h, &s.output_pad_w);
    read_pair(function, "dilation", dilation, &s.dilation_h, &s.dilation_w);
    s.groups = read_integer(function, "groups", groups);
    if (s.groups < 1 || s.c % s.groups != 0) {
      fail_value("%s: groups: expected a divisor of x's %lld channels, got %lld", function,
                 static_cast<long long>(s.c), static_cast<long long>(s.groups));
    }
    weight.expect_shape({s.c, weight.dim(1), s.kh, s.kw});
    constexpr i64 limit = i64{1} << 31;
    if (s.groups > limit) fail_value("%s: groups: expected at most 2^31", function);
    s.oc = weight.dim(1) * s.groups;
    i64 oh = 0, ow = 0;
    check_as(function, nnf_conv_transpose2d_output(&s, &oh, &ow));
    shape[0] = static_cast<py::ssize_t>(s.n);
    shape[1] = channels[0] = static_cast<py::ssize_t>(s.oc);
    shape[2] = static_cast<py::ssize_t>(oh);
    shape[3] = static_cast<py::ssize_t>(ow);
  }
  double work() const {
    return static_cast<double>(x.size()) * static_cast<double>(s.oc / s.groups) * static_cast<double>(s.kh * s.kw);
  }

 private:
  static void read_pair(const char* function, const char* name, py::handle value, i64* down, i64* across) {
    i64 two[2];
    read_integers(function, name, value, 2, two);
    *down = two[0];
    *across = two[1];
  }
};

py::object conv_transpose2d(py::handle x, py::handle weight, py::handle bias_, py::handle stride, py::handle padding,
                            py::handle output_padding, py::handle groups, py::handle dilation, py::handle out) {
  const char* function = "conv_transpose2d";
  Transposed c(function, x, weight, stride, padding, output_padding, groups, dilation);
  std::optional<Input> bias;
  if (!bias_.is_none()) {
    bias.emplace(function, "bias", bias_);
    bias->expect_same_dtype(c.x);
    bias->expect_shape({c.s.oc});
  }
  py::object y = bias ? get_or_make(function, out, c.x.dtype(), c.shape, 4, {&c.x, &c.weight, &*bias})
                      : get_or_make(function, out, c.x.dtype(), c.shape, 4, {&c.x, &c.weight});
  c.x.make_contiguous();
  c.weight.make_contiguous();
  const void* b = bias ? bias->make_contiguous().data() : nullptr;
  char* to = array_data(y);
  run(c.work(), [&] { return nnf_conv_transpose2d(c.x.dtype(), &c.s, c.x.data(), c.weight.data(), b, to); });
  return y;
}

py::object conv_transpose2d_backward(py::handle grad_output, py::handle x, py::handle weight, py::handle stride,
                                     py::handle padding, py::handle output_padding, py::handle groups,
                                     py::handle dilation) {
  const char* function = "conv_transpose2d_backward";
  Input g(function, "grad_output", grad_output);
  Transposed c(function, x, weight, stride, padding, output_padding, groups, dilation);
  g.expect_same_dtype(c.x);
  g.expect_shape(c.shape, 4);
  py::object gx = new_array(c.x.dtype(), c.x.shape(), 4), gweight = new_array(c.x.dtype(), c.weight.shape(), 4);
  py::object gbias = new_array(c.x.dtype(), c.channels, 1);
  g.make_contiguous();
  c.x.make_contiguous();
  c.weight.make_contiguous();
  char *to_x = array_data(gx), *to_weight = array_data(gweight), *to_bias = array_data(gbias);
  run(2 * c.work(), [&] {
    return nnf_conv_transpose2d_backward(c.x.dtype(), &c.s, g.data(), c.x.data(), c.weight.data(), to_x, to_weight,
                                         to_bias);
  });
  return py::make_tuple(gx, gweight, gbias);
}

}  // namespace

void init_conv_transpose(py::module_& m) {
  m.def("conv_transpose2d", &conv_transpose2d, py::arg("x"), py::arg("weight"), py::arg("bias"), py::arg("stride"),
        py::arg("padding"), py::arg("output_padding"), py::arg("groups"), py::arg("dilation"),
        py::arg("out") = py::none());
  m.def("conv_transpose2d_backward", &conv_transpose2d_backward, py::arg("grad_output"), py::arg("x"),
        py::arg("weight"), py::arg("stride"), py::arg("padding"), py::arg("output_padding"), py::arg("groups"),
        py::arg("dilation"));
}

}  // namespace nnf::bindings
