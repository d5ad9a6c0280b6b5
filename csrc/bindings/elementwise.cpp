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
                    py::handle output_, py::handle out) {
  GradientFromOutput q(function, grad_output, x_, output_);
  py::object gx = q.make_result(function, out);
  char* to = array_data(gx);
  run(static_cast<double>(q.x.size()), [&] {
    return nnf_activation_backward(q.x.dtype(), act, alpha, q.x.size(), q.g.data(), q.x.data(), q.given(), to);
  });
  return gx;
}

// The names must be literals: the module keeps the pointers.
void def_forward(py::module_& m, const char* function, nnf_activation act) {
  m.def(
      function, [function, act](py::handle x, py::handle out) { return forward(function, act, 0.0, x, out); },
      py::arg("x"), py::arg("out") = py::none());
}

void def_activation(py::module_& m, const char* function, const char* backward_function, nnf_activation act) {
  def_forward(m, function, act);
  m.def(
      backward_function,
      [backward_function, act](py::handle grad_output, py::handle x, py::handle out) {
        return backward(backward_function, act, 0.0, grad_output, x, py::none(), out);
      },
      py::arg("grad_output"), py::arg("x"), py::arg("out") = py::none());
}

// The same for a function whose derivative is cheaper from its output, which the caller may have.
void def_sigmoid(py::module_& m, const char* function, const char* backward_function, nnf_activation act) {
  def_forward(m, function, act);
  m.def(
      backward_function,
      [backward_function, act](py::handle grad_output, py::handle x, py::handle output, py::handle out) {
        return backward(backward_function, act, 0.0, grad_output, x, output, out);
      },
      py::arg("grad_output"), py::arg("x"), py::arg("output") = py::none(), py::arg("out") = py::none());
}

double read_finite(const char* function, const char* name, py::handle value) {
  const double number = read_double(function, name, value);
  if (!std::isfinite(number)) fail_value("%s: %s: expected a finite number, got %g", function, name, number);
  return number;
}

// The same for a function of one finite parameter.
void def_activation(py::module_& m, const char* function, const char* backward_function, nnf_activation act,
                    const char* option, double fallback) {
  m.def(
      function,
      [function, act, option](py::handle x, py::handle alpha, py::handle out) {
        return forward(function, act, read_finite(function, option, alpha), x, out);
      },
      py::arg("x"), py::arg(option) = fallback, py::arg("out") = py::none());
  m.def(
      backward_function,
      [backward_function, act, option](py::handle grad_output, py::handle x, py::handle alpha, py::handle out) {
        const double option_value = read_finite(backward_function, option, alpha);
        return backward(backward_function, act, option_value, grad_output, x, py::none(), out);
      },
      py::arg("grad_output"), py::arg("x"), py::arg(option) = fallback, py::arg("out") = py::none());
}

nnf_activation read_gelu(const char* function, py::handle approximate) {
  static const char* const kChoices[] = {"none", "tanh"};
  return read_choice(function, "approximate", approximate, kChoices, 2) == 0 ? NNF_ACT_GELU : NNF_ACT_GELU_TANH;
}

struct Softplus {
  double beta, threshold;
  Softplus(const char* function, py::handle beta_, py::handle threshold_)
      : beta(read_finite(function, "beta", beta_)), threshold(read_finite(function, "threshold", threshold_)) {
    if (!(beta > 0)) fail_value("%s: beta: expected a finite number > 0, got %g", function, beta);
  }
};

py::object softplus(py::handle x_, py::handle beta, py::handle threshold, py::handle out) {
  Input x("softplus", "x", x_);
  const Softplus p("softplus", beta, threshold);
  py::object y = get_or_make("softplus", out, x.dtype(), x.shape(), x.nd(), {&x}, &x);
  x.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(x.size()),
      [&] { return nnf_softplus_forward(x.dtype(), p.beta, p.threshold, x.size(), x.data(), to); });
  return y;
}

py::object softplus_backward(py::handle grad_output, py::handle x_, py::handle beta, py::handle threshold,
                             py::handle out) {
  static const char* const kName = "softplus_backward";
  Input g(kName, "grad_output", grad_output);
  Input x(kName, "x", x_);
  const Softplus p(kName, beta, threshold);
  g.expect_same_dtype(x);
  g.expect_shape(x.shape(), x.nd());
  py::object gx = get_or_make(kName, out, x.dtype(), x.shape(), x.nd(), {&g, &x}, &g);
  g.make_contiguous();
  x.make_contiguous();
  char* to = array_data(gx);
  run(static_cast<double>(x.size()),
      [&] { return nnf_softplus_backward(x.dtype(), p.beta, p.threshold, x.size(), g.data(), x.data(), to); });
  return gx;
}

// x as (outer, channels, inner): a slope for all, or one for each place of axis 1.
struct Slopes {
  i64 outer, channels, inner;
  Slopes(const Input& x, const Input& weight) : channels(weight.size()) {
    weight.expect_same_dtype(x);
    const i64 places = x.nd() < 2 ? 1 : x.dim(1);
    if (weight.nd() > 1 || (channels != 1 && channels != places)) {
      fail_value("%s: weight: expected shape (1,) or (%lld,), the channels of x, got %s", weight.function(),
                 static_cast<long long>(places), shape_text(weight.shape(), weight.nd()).c_str());
    }
    outer = channels == 1 ? 1 : x.dim(0);
    inner = channels == 1 ? x.size() : product(x.shape() + 2, x.nd() - 2);
  }
};

py::object prelu(py::handle x_, py::handle weight_, py::handle out) {
  Input x("prelu", "x", x_), weight("prelu", "weight", weight_);
  const Slopes s(x, weight);
  py::object y = get_or_make("prelu", out, x.dtype(), x.shape(), x.nd(), {&x, &weight}, &x);
  x.make_contiguous();
  weight.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(x.size()), [&] {
    return nnf_prelu_forward(x.dtype(), s.outer, s.channels, s.inner, x.data(), weight.data(), to);
  });
  return y;
}

py::object prelu_backward(py::handle grad_output, py::handle x_, py::handle weight_) {
  Input g("prelu_backward", "grad_output", grad_output);
  Input x("prelu_backward", "x", x_), weight("prelu_backward", "weight", weight_);
  const Slopes s(x, weight);
  g.expect_same_dtype(x);
  g.expect_shape(x.shape(), x.nd());
  g.make_contiguous();
  x.make_contiguous();
  weight.make_contiguous();
  py::object gx = new_array(x.dtype(), x.shape(), x.nd());
  py::object gweight = new_array(x.dtype(), weight.shape(), weight.nd());
  char *to = array_data(gx), *to_weight = array_data(gweight);
  run(2 * static_cast<double>(x.size()), [&] {
    return nnf_prelu_backward(x.dtype(), s.outer, s.channels, s.inner, g.data(), x.data(), weight.data(), to,
                              to_weight);
  });
  return py::make_tuple(gx, gweight);
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
  def_sigmoid(m, "sigmoid", "sigmoid_backward", NNF_ACT_SIGMOID);
  def_sigmoid(m, "tanh", "tanh_backward", NNF_ACT_TANH);
  def_activation(m, "relu", "relu_backward", NNF_ACT_RELU);
  def_activation(m, "step", "step_backward", NNF_ACT_STEP);
  def_activation(m, "hard_sigmoid", "hard_sigmoid_backward", NNF_ACT_HARD_SIGMOID);
  def_activation(m, "relu6", "relu6_backward", NNF_ACT_RELU6);
  def_activation(m, "selu", "selu_backward", NNF_ACT_SELU);
  def_activation(m, "silu", "silu_backward", NNF_ACT_SILU);
  def_activation(m, "mish", "mish_backward", NNF_ACT_MISH);
  def_activation(m, "softsign", "softsign_backward", NNF_ACT_SOFTSIGN);
  def_activation(m, "leaky_relu", "leaky_relu_backward", NNF_ACT_LEAKY_RELU, "negative_slope", 0.01);
  def_activation(m, "elu", "elu_backward", NNF_ACT_ELU, "alpha", 1.0);
  m.def(
      "gelu",
      [](py::handle x, py::handle approximate, py::handle out) {
        return forward("gelu", read_gelu("gelu", approximate), 0.0, x, out);
      },
      py::arg("x"), py::arg("approximate") = "none", py::arg("out") = py::none());
  m.def(
      "gelu_backward",
      [](py::handle grad_output, py::handle x, py::handle approximate, py::handle out) {
        const nnf_activation act = read_gelu("gelu_backward", approximate);
        return backward("gelu_backward", act, 0.0, grad_output, x, py::none(), out);
      },
      py::arg("grad_output"), py::arg("x"), py::arg("approximate") = "none", py::arg("out") = py::none());
  m.def("softplus", &softplus, py::arg("x"), py::arg("beta") = 1.0, py::arg("threshold") = 20.0,
        py::arg("out") = py::none());
  m.def("softplus_backward", &softplus_backward, py::arg("grad_output"), py::arg("x"), py::arg("beta") = 1.0,
        py::arg("threshold") = 20.0, py::arg("out") = py::none());
  m.def("prelu", &prelu, py::arg("x"), py::arg("weight"), py::arg("out") = py::none());
  m.def("prelu_backward", &prelu_backward, py::arg("grad_output"), py::arg("x"), py::arg("weight"));
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
