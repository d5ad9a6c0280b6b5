// Bindings of the activation functions and dropout: one input, any shape, in place allowed.
#include <cmath>

#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

py::object forward(const char* function, nnf_activation act, double alpha, py::handle x_, py::handle out) {
  Input x(function, "x", x_);
  py::object y = get_or_make(function, out, x.dtype(), x.shape(), x.nd(), {&x}, &x);
  x.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(x.size()),
      [&] { return nnf_activation_forward(x.dtype(), act, alpha, x.size(), x.data(), to); });
  return y;
}

py::object backward(const char* function, nnf_activation act, double alpha, py::handle grad_output, py::handle x_,
                    py::handle out) {
  Input g(function, "grad_output", grad_output);
  Input x(function, "x", x_);
  g.expect_same_dtype(x);
  g.expect_shape(x.shape(), x.nd());
  py::object gx = get_or_make(function, out, x.dtype(), x.shape(), x.nd(), {&g, &x}, &g);
  g.make_contiguous();
  x.make_contiguous();
  char* to = array_data(gx);
  run(static_cast<double>(x.size()),
      [&] { return nnf_activation_backward(x.dtype(), act, alpha, x.size(), g.data(), x.data(), to); });
  return gx;
}

// `function` and `backward_function` must be literals: the module keeps the pointers.
void def_activation(py::module_& m, const char* function, const char* backward_function, nnf_activation act) {
  m.def(
      function, [function, act](py::handle x, py::handle out) { return forward(function, act, 0.0, x, out); },
      py::arg("x"), py::arg("out") = py::none());
  m.def(
      backward_function,
      [backward_function, act](py::handle grad_output, py::handle x, py::handle out) {
        return backward(backward_function, act, 0.0, grad_output, x, out);
      },
      py::arg("grad_output"), py::arg("x"), py::arg("out") = py::none());
}

double read_slope(const char* function, py::handle value) {
  const double slope = read_double(function, "negative_slope", value);
  if (!std::isfinite(slope)) fail_value("%s: negative_slope: expected a finite number, got %g", function, slope);
  return slope;
}

py::object dropout(const char* function, const char* name, py::handle x_, py::handle p_, py::handle training,
                   py::handle seed_, py::handle step_, py::handle layer_, py::handle out) {
  Input x(function, name, x_);
  double p = read_double(function, "p", p_);
  if (!(p >= 0 && p <= 1)) fail_value("%s: p: expected 0 <= p <= 1, got %g", function, p);
  if (!read_bool(function, "training", training)) p = 0;
  const std::uint64_t seed = read_unsigned(function, "seed", seed_, UINT64_MAX);
  const auto step = static_cast<std::uint32_t>(read_unsigned(function, "step", step_, UINT32_MAX));
  const auto layer = static_cast<std::uint32_t>(read_unsigned(function, "layer", layer_, UINT32_MAX));
  py::object y = get_or_make(function, out, x.dtype(), x.shape(), x.nd(), {&x}, &x);
  x.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(x.size()),
      [&] { return nnf_dropout(x.dtype(), p, seed, step, layer, 0, x.size(), x.data(), to); });
  return y;
}

}  // namespace

void init_elementwise(py::module_& m) {
  def_activation(m, "sigmoid", "sigmoid_backward", NNF_ACT_SIGMOID);
  def_activation(m, "tanh", "tanh_backward", NNF_ACT_TANH);
  def_activation(m, "relu", "relu_backward", NNF_ACT_RELU);
  m.def(
      "leaky_relu",
      [](py::handle x, py::handle slope, py::handle out) {
        return forward("leaky_relu", NNF_ACT_LEAKY_RELU, read_slope("leaky_relu", slope), x, out);
      },
      py::arg("x"), py::arg("negative_slope") = 0.01, py::arg("out") = py::none());
  m.def(
      "leaky_relu_backward",
      [](py::handle grad_output, py::handle x, py::handle slope, py::handle out) {
        return backward("leaky_relu_backward", NNF_ACT_LEAKY_RELU, read_slope("leaky_relu_backward", slope),
                        grad_output, x, out);
      },
      py::arg("grad_output"), py::arg("x"), py::arg("negative_slope") = 0.01, py::arg("out") = py::none());
  m.def(
      "dropout",
      [](py::handle x, py::handle p, py::handle training, py::handle seed, py::handle step, py::handle layer,
         py::handle out) { return dropout("dropout", "x", x, p, training, seed, step, layer, out); },
      py::arg("x"), py::arg("p"), py::arg("training"), py::arg("seed"), py::arg("step"), py::arg("layer"),
      py::arg("out") = py::none());
  m.def(
      "dropout_backward",
      [](py::handle grad_output, py::handle p, py::handle training, py::handle seed, py::handle step,
         py::handle layer, py::handle out) {
        return dropout("dropout_backward", "grad_output", grad_output, p, training, seed, step, layer, out);
      },
      py::arg("grad_output"), py::arg("p"), py::arg("training"), py::arg("seed"), py::arg("step"), py::arg("layer"),
      py::arg("out") = py::none());
}

}  // namespace nnf::bindings
