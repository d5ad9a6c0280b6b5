// Bindings of the losses: a NumPy scalar for "mean" and "sum", one number an element or row for "none".
//
// Two shapes of arguments serve all of them: losses that go element by element, and class losses. Each loss takes the
// options of its family; the public functions pass on those it has.
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

// Weights, or None: numbers of any dtype, converted to the input's.
class Weights {
 public:
  // Of exactly this shape.
  void read(const char* function, const char* name, py::handle value, const Input& like, const py::ssize_t* shape,
            int nd) {
    if (value.is_none()) return;
    convert(function, name, value, like);
    input_->expect_shape(shape, nd);
    input_->make_contiguous();
  }
  // Of the input's shape, or of one that broadcasts to it.
  void read_broadcast(const char* function, const char* name, py::handle value, const Input& like) {
    if (value.is_none()) return;
    convert(function, name, value, like);
    if (!is_shape(like.shape(), like.nd())) {
      if (like.nd() > 1 && is_shape(like.shape() + 1, like.nd() - 1)) {
        stride_ = 0;  // a row for all samples
      } else {
        broadcast(function, name, like);
      }
    }
    input_->make_contiguous();
  }
  const void* data() const { return input_ ? input_->data() : nullptr; }
  // Between rows of `outputs` elements.
  i64 stride(i64 outputs) const { return stride_ == 0 ? 0 : outputs; }

 private:
  bool is_shape(const py::ssize_t* shape, int nd) const {
    bool same = input_->nd() == nd;
    for (int i = 0; same && i < nd; ++i) same = input_->dim(i) == shape[i];
    return same;
  }
  void convert(const char* function, const char* name, py::handle value, const Input& like) {
    object_ = py::reinterpret_borrow<py::object>(value);
    input_.emplace(function, name, object_);
    if (input_->dtype() == like.dtype()) return;
    object_ = py::module_::import("numpy").attr("asarray")(object_, like.dtype() == NNF_F32 ? "f4" : "f8");
    input_.emplace(function, name, object_);
  }
  void broadcast(const char* function, const char* name, const Input& like) {
    py::tuple shape(like.nd());
    for (int i = 0; i < like.nd(); ++i) shape[static_cast<std::size_t>(i)] = like.dim(i);
    py::object wide;
    try {
      wide = py::module_::import("numpy").attr("broadcast_to")(object_, shape);
    } catch (py::error_already_set& e) {
      if (!e.matches(PyExc_ValueError)) throw;
      fail_value("%s: %s: expected a shape that broadcasts to %s, got %s", function, name,
                 shape_text(like.shape(), like.nd()).c_str(), shape_text(input_->shape(), input_->nd()).c_str());
    }
    object_ = wide;
    input_.emplace(function, name, object_);
  }

  py::object object_;
  std::optional<Input> input_;
  i64 stride_ = -1;
};

// What both families hand to the C interface; backward: with `g` as the gradient that comes back.
struct Call {
  nnf_loss loss;
  nnf_loss_options options = nnf_loss_defaults();
  nnf_loss_batch batch{};
  // The shape of the losses before a reduction.
  const py::ssize_t* shape = nullptr;
  int nd = 0;

  py::object forward(const char* function, const Input& x) const {
    const int dimensions = options.reduction == NNF_REDUCE_NONE ? nd : 0;
    py::object value = new_array(x.dtype(), shape, dimensions);
    char* to = array_data(value);
    check_as(function, release(static_cast<double>(x.size()),
                               [&] { return nnf_loss_forward(x.dtype(), loss, &options, &batch, to); }));
    return dimensions == 0 ? as_scalar(value) : value;
  }
  py::object backward(const char* function, const Input& x, py::handle grad_output) const {
    const LossGradient g(function, grad_output, options.reduction, x, shape, nd);
    py::object gx = new_array(x.dtype(), x.shape(), x.nd());
    char* to = array_data(gx);
    check_as(function, release(static_cast<double>(x.size()),
                               [&] { return nnf_loss_backward(x.dtype(), loss, &options, &batch, g.data(), to); }));
    return gx;
  }
};

nnf_reduction read_any_reduction(const char* function, nnf_loss loss, py::handle value) {
  static const char* const kNames[] = {"none", "mean", "sum", "batchmean"};  // in the order of nnf_reduction
  return static_cast<nnf_reduction>(read_choice(function, "reduction", value, kNames, loss == NNF_LOSS_KL_DIV ? 4 : 3));
}

// ---------------------------------------------------------------- element by element

// input and target of one shape; samples are counted along the first axis. Options of one loss alone are read after it
// by one of the read_ functions, before `call` is used.
struct ElementLoss {
  Input x, t;
  Weights sample_weight, weight, pos_weight;
  Call call;

  ElementLoss(const char* function, nnf_loss loss, py::handle input, py::handle target, py::handle reduction,
              py::handle sample_weight_)
      : x(function, "input", input), t(function, "target", target) {
    t.expect_same_dtype(x);
    t.expect_shape(x.shape(), x.nd());
    call.loss = loss;
    call.options.reduction = read_any_reduction(function, loss, reduction);
    const int batch_nd = x.nd() > 0 ? 1 : 0;
    sample_weight.read(function, "sample_weight", sample_weight_, x, x.shape(), batch_nd);
    x.make_contiguous();
    t.make_contiguous();
    call.batch = {batch_nd == 1 ? x.dim(0) : 1, product(x.shape() + batch_nd, x.nd() - batch_nd), x.data(), t.data(),
                  nullptr, sample_weight.data()};
    call.shape = x.shape();
    call.nd = loss == NNF_LOSS_QUADRATIC ? batch_nd : x.nd();
  }
};

void read_nothing(ElementLoss&, const char*) {}
void read_beta(ElementLoss& c, const char* function, py::handle beta) {
  c.call.options.beta = read_double(function, c.call.loss == NNF_LOSS_HUBER ? "delta" : "beta", beta);
}
void read_weight(ElementLoss& c, const char* function, py::handle weight) {
  c.weight.read_broadcast(function, "weight", weight, c.x);
  c.call.options.weight = c.weight.data();
  c.call.options.weight_stride = c.weight.stride(c.call.batch.outputs);
}
void read_weights(ElementLoss& c, const char* function, py::handle weight, py::handle pos_weight) {
  read_weight(c, function, weight);
  c.pos_weight.read_broadcast(function, "pos_weight", pos_weight, c.x);
  c.call.options.pos_weight = c.pos_weight.data();
  c.call.options.pos_weight_stride = c.pos_weight.stride(c.call.batch.outputs);
}
void read_log_target(ElementLoss& c, const char* function, py::handle log_target) {
  c.call.options.log_target = read_bool(function, "log_target", log_target) ? 1 : 0;
}
void read_poisson(ElementLoss& c, const char* function, py::handle log_input, py::handle full, py::handle eps) {
  c.call.options.log_input = read_bool(function, "log_input", log_input) ? 1 : 0;
  c.call.options.full = read_bool(function, "full", full) ? 1 : 0;
  c.call.options.eps = read_double(function, "eps", eps);
}

// The loss and its gradient, with the further arguments that `read` takes; in the order of the public functions.
template <class... H, class... Args>
void def_element_loss(py::module_& m, nnf_loss loss, const char* backward_function,
                      void (*read)(ElementLoss&, const char*, H...), const Args&... args) {
  const char* function = nnf_loss_name(loss);
  const py::arg_v reduction = py::arg("reduction") = "mean", sample_weight = py::arg("sample_weight") = py::none();
  m.def(
      function,
      [loss, function, read](py::handle x, py::handle t, H... further, py::handle red, py::handle s) {
        ElementLoss c(function, loss, x, t, red, s);
        read(c, function, further...);
        return c.call.forward(function, c.x);
      },
      py::arg("input"), py::arg("target"), args..., reduction, sample_weight);
  m.def(
      backward_function,
      [loss, backward_function, read](py::handle g, py::handle x, py::handle t, H... further, py::handle red,
                                      py::handle s) {
        ElementLoss c(backward_function, loss, x, t, red, s);
        read(c, backward_function, further...);
        return c.call.backward(backward_function, c.x, g);
      },
      py::arg("grad_output"), py::arg("input"), py::arg("target"), args..., reduction, sample_weight);
}

// ---------------------------------------------------------------- class losses

// input (n, classes) or one sample (classes,); target: labels (n,) or (), or probabilities of the input's shape.
struct ClassLoss {
  Input x;
  std::optional<Labels> labels;
  std::optional<Input> probs;
  Weights sample_weight, weight;
  Call call;
  py::ssize_t loss_shape[1];

  ClassLoss(const char* function, nnf_loss loss, py::handle input, py::handle target, py::handle weight_,
            py::handle ignore_index, py::handle reduction, py::handle sample_weight_, py::handle label_smoothing = {})
      : x(function, "input", input) {
    if (x.nd() != 1 && x.nd() != 2) {
      x.expect_nd(2, "(n, classes), or one sample's (classes,)");
    }
    const i64 classes = x.dim(x.nd() - 1), rows = x.nd() == 2 ? x.dim(0) : 1;
    loss_shape[0] = static_cast<py::ssize_t>(rows);
    call.loss = loss;
    call.options.reduction = read_any_reduction(function, loss, reduction);
    if (classes == 0) fail_value("%s: input: expected at least one class, got none", function);
    py::object array;
    const bool integers = holds_integers(function, "target", target, &array);
    if (!integers && loss != NNF_LOSS_CROSS_ENTROPY) {
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
    const py::ssize_t class_shape[] = {static_cast<py::ssize_t>(classes)};
    weight.read(function, "weight", weight_, x, class_shape, 1);
    sample_weight.read(function, "sample_weight", sample_weight_, x, loss_shape, x.nd() - 1);
    call.options.ignore_index = read_integer(function, "ignore_index", ignore_index);
    if (label_smoothing) call.options.label_smoothing = read_double(function, "label_smoothing", label_smoothing);
    call.options.weight = weight.data();
    x.make_contiguous();
    call.batch = {rows, classes, x.data(), probs ? probs->data() : nullptr, labels ? labels->data() : nullptr,
                  sample_weight.data()};
    call.shape = loss_shape;
    call.nd = x.nd() - 1;
  }
};

// `args`: label_smoothing where the loss has it, of which there are as many as `H`.
template <class... H, class... Args>
void def_class_loss(py::module_& m, nnf_loss loss, const char* backward_function, const Args&... args) {
  static_assert(sizeof...(H) == sizeof...(Args), "an argument for each name");
  const char* function = nnf_loss_name(loss);
  const py::arg_v reduction = py::arg("reduction") = "mean", weight = py::arg("weight") = py::none(),
                  ignore_index = py::arg("ignore_index") = -100, sample_weight = py::arg("sample_weight") = py::none();
  m.def(
      function,
      [loss, function](py::handle x, py::handle t, py::handle w, py::handle ignore, H... smoothing, py::handle red,
                       py::handle s) {
        const ClassLoss c(function, loss, x, t, w, ignore, red, s, smoothing...);
        return c.call.forward(function, c.x);
      },
      py::arg("input"), py::arg("target"), weight, ignore_index, args..., reduction, sample_weight);
  m.def(
      backward_function,
      [loss, backward_function](py::handle g, py::handle x, py::handle t, py::handle w, py::handle ignore,
                                H... smoothing, py::handle red, py::handle s) {
        const ClassLoss c(backward_function, loss, x, t, w, ignore, red, s, smoothing...);
        return c.call.backward(backward_function, c.x, g);
      },
      py::arg("grad_output"), py::arg("input"), py::arg("target"), weight, ignore_index, args..., reduction,
      sample_weight);
}

}  // namespace

void init_loss(py::module_& m) {
  const py::arg_v weight = py::arg("weight") = py::none(), pos_weight = py::arg("pos_weight") = py::none();
  def_element_loss(m, NNF_LOSS_MSE, "mse_loss_backward", read_nothing);
  def_element_loss(m, NNF_LOSS_QUADRATIC, "quadratic_cost_backward", read_nothing);
  def_element_loss(m, NNF_LOSS_L1, "l1_loss_backward", read_nothing);
  def_element_loss(m, NNF_LOSS_SMOOTH_L1, "smooth_l1_loss_backward", read_beta, py::arg("beta") = 1.0);
  def_element_loss(m, NNF_LOSS_HUBER, "huber_loss_backward", read_beta, py::arg("delta") = 1.0);
  def_element_loss(m, NNF_LOSS_HINGE, "hinge_loss_backward", read_nothing);
  def_element_loss(m, NNF_LOSS_PERCEPTRON, "perceptron_loss_backward", read_nothing);
  def_element_loss(m, NNF_LOSS_BCE, "binary_cross_entropy_backward", read_weight, weight);
  def_element_loss(m, NNF_LOSS_BCE_WITH_LOGITS, "binary_cross_entropy_with_logits_backward", read_weights, weight,
                   pos_weight);
  def_element_loss(m, NNF_LOSS_KL_DIV, "kl_div_backward", read_log_target, py::arg("log_target") = false);
  def_element_loss(m, NNF_LOSS_POISSON_NLL, "poisson_nll_loss_backward", read_poisson, py::arg("log_input") = true,
                   py::arg("full") = false, py::arg("eps") = 1e-8);
  def_class_loss<py::handle>(m, NNF_LOSS_CROSS_ENTROPY, "cross_entropy_backward", py::arg("label_smoothing") = 0.0);
  def_class_loss(m, NNF_LOSS_NLL, "nll_loss_backward");
}

}  // namespace nnf::bindings
