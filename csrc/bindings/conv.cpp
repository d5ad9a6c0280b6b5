// Bindings of conv2d and conv1d. Options arrive complete from nnfast/functional: pairs are (height, width), padding is
// (top, bottom, left, right); conv1d's have one axis. Images that lie channels-last in memory are read and returned so,
// and beside them a weight that lies as networks hold it.
#include <optional>

#include "bindings/channels_last.h"
#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

// conv1d is conv2d of height 1: `dims` is the number of axes its images and options have.
struct Conv {
  const char* function;
  int dims;
  Input x, weight;
  nnf_conv2d_shape s{};
  i64 oh = 0, ow = 0;

  Conv(const char* function_, int dims_, py::handle x_, py::handle weight_, py::handle stride, py::handle padding,
       py::handle dilation, py::handle groups)
      : function(function_), dims(dims_), x(function, "x", x_), weight(function, "weight", weight_) {
    x.expect_nd(dims + 2, dims == 2 ? "(n, c, h, w)" : "(n, c, l)");
    weight.expect_nd(dims + 2, dims == 2 ? "(out_channels, in_channels / groups, kernel_height, kernel_width)"
                                         : "(out_channels, in_channels / groups, kernel_size)");
    weight.expect_same_dtype(x);
    s.n = x.dim(0);
    s.c = x.dim(1);
    s.h = dims == 2 ? x.dim(2) : 1;
    s.w = x.dim(dims + 1);
    s.oc = weight.dim(0);
    s.kh = dims == 2 ? weight.dim(2) : 1;
    s.kw = weight.dim(dims + 1);
    i64 four[4] = {0, 0, 0, 0};
    read_axes("stride", stride, &s.stride_h, &s.stride_w);
    read_integers(function, "padding", padding, 2 * dims, four + (dims == 2 ? 0 : 2));
    s.pad_top = four[0];
    s.pad_bottom = four[1];
    s.pad_left = four[2];
    s.pad_right = four[3];
    read_axes("dilation", dilation, &s.dilation_h, &s.dilation_w);
    s.groups = read_integer(function, "groups", groups);
    if (s.groups < 1 || s.c % s.groups != 0 || s.oc % s.groups != 0) {
      fail_value("%s: groups: expected a divisor of x's %lld channels and weight's %lld output channels, got %lld",
                 function, static_cast<long long>(s.c), static_cast<long long>(s.oc),
                 static_cast<long long>(s.groups));
    }
    if (dims == 2) {
      weight.expect_shape({s.oc, s.c / s.groups, s.kh, s.kw});
    } else {
      weight.expect_shape({s.oc, s.c / s.groups, s.kw});
    }
    check_as(function, nnf_conv2d_output(&s, &oh, &ow));
  }
  int nd() const { return dims + 2; }
  void output_shape(py::ssize_t* shape) const {
    shape[0] = static_cast<py::ssize_t>(s.n);
    shape[1] = static_cast<py::ssize_t>(s.oc);
    if (dims == 2) shape[2] = static_cast<py::ssize_t>(oh);
    shape[dims + 1] = static_cast<py::ssize_t>(ow);
  }
  double work() const {
    return static_cast<double>(s.n * s.oc) * static_cast<double>(oh * ow) *
           (static_cast<double>(s.c / s.groups) * static_cast<double>(s.kh * s.kw) + 1);
  }

 private:
  void read_axes(const char* name, py::handle value, i64* down, i64* across) {
    i64 two[2] = {1, 1};
    read_integers(function, name, value, dims, two + (dims == 2 ? 0 : 1));
    *down = two[0];
    *across = two[1];
    if (dims == 1 && *across < 1) {
      fail_value("%s: %s: expected at least 1, got %lld", function, name, static_cast<long long>(*across));
    }
  }
};

py::object forward(const char* function, int dims, py::handle x, py::handle weight, py::handle bias_,
                   py::handle stride, py::handle padding, py::handle dilation, py::handle groups, py::handle out) {
  Conv c(function, dims, x, weight, stride, padding, dilation, groups);
  std::optional<Input> bias;
  if (!bias_.is_none()) {
    bias.emplace(function, "bias", bias_);
    bias->expect_same_dtype(c.x);
    bias->expect_shape({c.s.oc});
  }
  py::ssize_t shape[4];
  c.output_shape(shape);
  if (out.is_none() && lies_only_as(c.x, kChannelsLast)) {
    char* to = nullptr;
    py::object y = new_lying_as(c.x.dtype(), shape, kChannelsLast, &to);
    const bool as_in_networks = lies_only_as(c.weight, kNetworkWeight);
    if (!as_in_networks) c.weight.make_contiguous();
    const void* b = bias ? bias->make_contiguous().data() : nullptr;
    run(c.work(), [&] {
      return nnf_conv2d_channels_last(c.x.dtype(), &c.s, as_in_networks ? NNF_HWIO : NNF_OIHW, c.x.data(),
                                      c.weight.data(), b, to);
    });
    return y;
  }
  py::object y = bias ? get_or_make(function, out, c.x.dtype(), shape, c.nd(), {&c.x, &c.weight, &*bias})
                      : get_or_make(function, out, c.x.dtype(), shape, c.nd(), {&c.x, &c.weight});
  c.x.make_contiguous();
  c.weight.make_contiguous();
  const void* b = bias ? bias->make_contiguous().data() : nullptr;
  char* to = array_data(y);
  run(c.work(), [&] { return nnf_conv2d(c.x.dtype(), &c.s, c.x.data(), c.weight.data(), b, to); });
  return y;
}

py::object backward(const char* function, int dims, py::handle grad_output, py::handle x, py::handle weight,
                    py::handle stride, py::handle padding, py::handle dilation, py::handle groups) {
  Input g(function, "grad_output", grad_output);
  Conv c(function, dims, x, weight, stride, padding, dilation, groups);
  py::ssize_t shape[4];
  c.output_shape(shape);
  g.expect_same_dtype(c.x);
  g.expect_shape(shape, c.nd());
  py::object gbias = new_array(c.x.dtype(), c.weight.shape(), 1);
  char *to_x = nullptr, *to_weight = nullptr, *to_bias = array_data(gbias);
  // Of images with one channel, which lie both ways, grad_output decides.
  const bool channels_last = lies_as(c.x, kChannelsLast) && lies_as(g, kChannelsLast) &&
                             !(c.x.contiguous() && g.contiguous());
  if (channels_last) {
    py::object gx = new_lying_as(c.x.dtype(), c.x.shape(), kChannelsLast, &to_x);
    const bool as_in_networks = lies_only_as(c.weight, kNetworkWeight);
    py::object gweight;
    if (as_in_networks) {
      gweight = new_lying_as(c.x.dtype(), c.weight.shape(), kNetworkWeight, &to_weight);
    } else {
      c.weight.make_contiguous();
      gweight = new_array(c.x.dtype(), c.weight.shape(), 4);
      to_weight = array_data(gweight);
    }
    run(2 * c.work(), [&] {
      return nnf_conv2d_channels_last_backward(c.x.dtype(), &c.s, as_in_networks ? NNF_HWIO : NNF_OIHW, g.data(),
                                               c.x.data(), c.weight.data(), to_x, to_weight, to_bias);
    });
    return py::make_tuple(gx, gweight, gbias);
  }
  py::object gx = new_array(c.x.dtype(), c.x.shape(), c.nd());
  py::object gweight = new_array(c.x.dtype(), c.weight.shape(), c.nd());
  to_x = array_data(gx);
  to_weight = array_data(gweight);
  g.make_contiguous();
  c.x.make_contiguous();
  c.weight.make_contiguous();
  run(2 * c.work(), [&] {
    return nnf_conv2d_backward(c.x.dtype(), &c.s, g.data(), c.x.data(), c.weight.data(), to_x, to_weight, to_bias);
  });
  return py::make_tuple(gx, gweight, gbias);
}

template <int Dims>
py::object conv(py::handle x, py::handle weight, py::handle bias, py::handle stride, py::handle padding,
                py::handle dilation, py::handle groups, py::handle out) {
  return forward(Dims == 2 ? "conv2d" : "conv1d", Dims, x, weight, bias, stride, padding, dilation, groups, out);
}

template <int Dims>
py::object conv_backward(py::handle grad_output, py::handle x, py::handle weight, py::handle stride,
                         py::handle padding, py::handle dilation, py::handle groups) {
  return backward(Dims == 2 ? "conv2d_backward" : "conv1d_backward", Dims, grad_output, x, weight, stride, padding,
                  dilation, groups);
}

}  // namespace

void init_conv(py::module_& m) {
  const auto define = [&m](const char* name, const char* name_backward, auto f, auto f_backward) {
    m.def(name, f, py::arg("x"), py::arg("weight"), py::arg("bias"), py::arg("stride"), py::arg("padding"),
          py::arg("dilation"), py::arg("groups"), py::arg("out") = py::none());
    m.def(name_backward, f_backward, py::arg("grad_output"), py::arg("x"), py::arg("weight"), py::arg("stride"),
          py::arg("padding"), py::arg("dilation"), py::arg("groups"));
  };
  define("conv1d", "conv1d_backward", &conv<1>, &conv_backward<1>);
  define("conv2d", "conv2d_backward", &conv<2>, &conv_backward<2>);
}

}  // namespace nnf::bindings
