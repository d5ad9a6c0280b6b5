// Bindings of the losses: a NumPy scalar for "mean" and "sum", one number an element or row for "none".
#include <optional>

#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

// The gradient that flows into a loss: a number, or (for "none") an array of the loss's own shape.
class LossGradient {
 public:
  LossGradient(const char* function, py::handle value, nnf_reduction reduction, const Input& input,
               const py::ssize_t* shape, int nd) {
    if (reduction == NNF_REDUCE_NONE && nd > 0) {
      array_ = py::reinterpret_borrow<py::object>(value);
      input_.emplace(function, "grad_output", value);
      input_->expect_same_dtype(input);
      input_->expect_shape(shape, nd);
      input_->make_contiguous();
      data_ = input_->data();
      return;
    }
    const double x = read_double(function, "grad_output", value);
    f64_ = x;
    f32_ = static_cast<float>(x);
    data_ = input.dtype() == NNF_F32 ? static_cast<const void*>(&f32_) : static_cast<const void*>(&f64_);
  }
  LossGradient(const LossGradient&) = delete;
  LossGradient& operator=(const LossGradient&) = delete;
  const void* data() const { return data_; }

 private:
  py::object array_;
  std::optional<Input> input_;
  float f32_ = 0;
  double f64_ = 0;
  const void* data_ = nullptr;
};

// ---------------------------------------------------------------- mean squared error

void check_pair(const Input& input, Input& target) {
  target.expect_same_dtype(input);
  target.expect_shape(input.shape(), input.nd());
}

py::object mse_loss(py::handle input_, py::handle target_, py::handle reduction_) {
  Input x("mse_loss", "input", input_), t("mse_loss", "target", target_);
  check_pair(x, t);
  const nnf_reduction red = read_reduction("mse_loss", reduction_);
  py::object loss = new_array(x.dtype(), x.shape(), red == NNF_REDUCE_NONE ? x.nd() : 0);
  x.make_contiguous();
  t.make_contiguous();
  char* to = array_data(loss);
  run(static_cast<double>(x.size()), [&] { return nnf_mse_loss(x.dtype(), red, x.size(), x.data(), t.data(), to); });
  return red == NNF_REDUCE_NONE ? loss : as_scalar(loss);
}

py::object mse_loss_backward(py::handle grad_output, py::handle input_, py::handle target_, py::handle reduction_) {
  Input x("mse_loss_backward", "input", input_), t("mse_loss_backward", "target", target_);
  check_pair(x, t);
  const nnf_reduction red = read_reduction("mse_loss_backward", reduction_);
  const LossGradient g("mse_loss_backward", grad_output, red, x, x.shape(), x.nd());
  py::object gx = new_array(x.dtype(), x.shape(), x.nd());
  x.make_contiguous();
  t.make_contiguous();
  char* to = array_data(gx);
  run(static_cast<double>(x.size()),
      [&] { return nnf_mse_loss_backward(x.dtype(), red, x.size(), g.data(), x.data(), t.data(), to); });
  return gx;
}

// ---------------------------------------------------------------- class losses

// input (n, classes) or one sample (classes,); target: labels (n,) or (), or probabilities of the input's shape.
struct ClassLoss {
  Input x;
  std::optional<Labels> labels;
  std::optional<Input> probs;
  i64 rows, classes;
  nnf_reduction reduction;
  py::ssize_t loss_shape[1];
  int loss_nd;

  ClassLoss(const char* function, py::handle input, py::handle target, py::handle reduction_, bool allow_probs)
      : x(function, "input", input) {
    if (x.nd() != 1 && x.nd() != 2) {
      x.expect_nd(2, "(n, classes), or one sample's (classes,)");
    }
    classes = x.dim(x.nd() - 1);
    rows = x.nd() == 2 ? x.dim(0) : 1;
    loss_shape[0] = static_cast<py::ssize_t>(rows);
    reduction = read_reduction(function, reduction_);
    loss_nd = reduction == NNF_REDUCE_NONE && x.nd() == 2 ? 1 : 0;
    if (classes == 0) fail_value("%s: input: expected at least one class, got none", function);
    py::object array;
    const bool integers = holds_integers(function, "target", target, &array);
    if (!integers && !allow_probs) {
      fail_type("%s: target: expected integers as class labels, got dtype %s; convert with target.astype(int)",
                function, py::str(array.attr("dtype")).cast<std::string>().c_str());
    }
    if (integers) {
      labels.emplace(function, "target", array);
      if (labels->nd() != x.nd() - 1 || labels->size() != rows) {
        if (x.nd() == 1) fail_value("%s: target: expected one label for the one sample of input", function);
        fail_value("%s: target: expected labels of shape (%lld,), one a row of input, got %s", function,
                   static_cast<long long>(rows), shape_text(labels->shape(), labels->nd()).c_str());
      }
    } else {
      // One float a row: labels of the wrong dtype rather than probabilities of the wrong shape.
      if (ArrayFields(array.ptr()).nd() == x.nd() - 1) {
        fail_type("%s: target: expected integer class labels, or probabilities of input's shape %s, got dtype %s; "
                  "convert labels with target.astype(int)",
                  function, shape_text(x.shape(), x.nd()).c_str(),
                  py::str(array.attr("dtype")).cast<std::string>().c_str());
      }
      probs.emplace(function, "target", array);
      probs->expect_same_dtype(x);
      probs->expect_shape(x.shape(), x.nd());
      probs->make_contiguous();
    }
    x.make_contiguous();
  }
  const i64* label_data() const { return labels ? labels->data() : nullptr; }
  const void* prob_data() const { return probs ? probs->data() : nullptr; }
};

using Forward = nnf_status (*)(const ClassLoss&, void*);
using Backward = nnf_status (*)(const ClassLoss&, const void*, void*);

py::object class_loss(const char* function, bool allow_probs, Forward call, py::handle input, py::handle target,
                      py::handle reduction) {
  const ClassLoss c(function, input, target, reduction, allow_probs);
  py::object loss = new_array(c.x.dtype(), c.loss_shape, c.loss_nd);
  char* to = array_data(loss);
  check_as(function, release(static_cast<double>(c.x.size()), [&] { return call(c, to); }));
  return c.loss_nd == 0 ? as_scalar(loss) : loss;
}

py::object class_loss_backward(const char* function, bool allow_probs, Backward call, py::handle grad_output,
                               py::handle input, py::handle target, py::handle reduction) {
  const ClassLoss c(function, input, target, reduction, allow_probs);
  const LossGradient g(function, grad_output, c.reduction, c.x, c.loss_shape, c.loss_nd);
  py::object gx = new_array(c.x.dtype(), c.x.shape(), c.x.nd());
  char* to = array_data(gx);
  check_as(function, release(static_cast<double>(c.x.size()), [&] { return call(c, g.data(), to); }));
  return gx;
}

nnf_status cross_entropy(const ClassLoss& c, void* loss) {
  return nnf_cross_entropy(c.x.dtype(), c.reduction, c.rows, c.classes, c.x.data(), c.label_data(), c.prob_data(),
                           loss);
}
nnf_status cross_entropy_backward(const ClassLoss& c, const void* g, void* gx) {
  return nnf_cross_entropy_backward(c.x.dtype(), c.reduction, c.rows, c.classes, g, c.x.data(), c.label_data(),
                                    c.prob_data(), gx);
}
nnf_status nll_loss(const ClassLoss& c, void* loss) {
  return nnf_nll_loss(c.x.dtype(), c.reduction, c.rows, c.classes, c.x.data(), c.label_data(), loss);
}
nnf_status nll_loss_backward(const ClassLoss& c, const void* g, void* gx) {
  return nnf_nll_loss_backward(c.x.dtype(), c.reduction, c.rows, c.classes, g, c.x.data(), c.label_data(), gx);
}

void def_class_loss(py::module_& m, const char* function, const char* backward_function, bool allow_probs,
                    Forward forward, Backward backward) {
  m.def(
      function,
      [function, allow_probs, forward](py::handle input, py::handle target, py::handle reduction) {
        return class_loss(function, allow_probs, forward, input, target, reduction);
      },
      py::arg("input"), py::arg("target"), py::arg("reduction") = "mean");
  m.def(
      backward_function,
      [backward_function, allow_probs, backward](py::handle grad_output, py::handle input, py::handle target,
                                                 py::handle reduction) {
        return class_loss_backward(backward_function, allow_probs, backward, grad_output, input, target, reduction);
      },
      py::arg("grad_output"), py::arg("input"), py::arg("target"), py::arg("reduction") = "mean");
}

}  // namespace

void init_loss(py::module_& m) {
  m.def("mse_loss", &mse_loss, py::arg("input"), py::arg("target"), py::arg("reduction") = "mean");
  m.def("mse_loss_backward", &mse_loss_backward, py::arg("grad_output"), py::arg("input"), py::arg("target"),
        py::arg("reduction") = "mean");
  def_class_loss(m, "cross_entropy", "cross_entropy_backward", true, cross_entropy, cross_entropy_backward);
  def_class_loss(m, "nll_loss", "nll_loss_backward", false, nll_loss, nll_loss_backward);
}

}  // namespace nnf::bindings
