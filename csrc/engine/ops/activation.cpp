// Activation layers that no GEMM or convolution took into its epilogue: elementwise, in place where the plan can. What
// has two options (softplus) or trained ones (prelu) has a file of its own.
#include <cmath>

#include "base/error.h"
#include "engine/ops/families.h"
#include "kernels/elementwise/elementwise.h"

namespace nnf {
namespace {

struct Kind {
  const char* op;
  nnf_activation act;
  const char* option = nullptr;  // what alpha is called; null for a function without parameter
  double fallback = 0;
};

constexpr Kind kKinds[] = {
    {"elu", NNF_ACT_ELU, "alpha", 1.0},
    {"gelu", NNF_ACT_GELU},
    {"gelu_tanh", NNF_ACT_GELU_TANH},
    {"hard_sigmoid", NNF_ACT_HARD_SIGMOID},
    {"leaky_relu", NNF_ACT_LEAKY_RELU, "negative_slope", 0.01},
    {"mish", NNF_ACT_MISH},
    {"relu", NNF_ACT_RELU},
    {"relu6", NNF_ACT_RELU6},
    {"selu", NNF_ACT_SELU},
    {"sigmoid", NNF_ACT_SIGMOID},
    {"silu", NNF_ACT_SILU},
    {"softsign", NNF_ACT_SOFTSIGN},
    {"step", NNF_ACT_STEP},
    {"tanh", NNF_ACT_TANH},
};

const Kind& find_kind(const std::string& op) {
  for (const Kind& kind : kKinds) {
    if (op == kind.op) return kind;
  }
  throw_invalid("op: '%s' is no activation", op.c_str());
}

class ActivationSpec;

template <class T>
class ActivationOp final : public Op<T> {
 public:
  ActivationOp(const ActivationSpec& spec, int);

  OpTraits traits() const override {
    OpTraits t;
    t.in_place = true;
    t.backward_needs_output = from_output_;
    t.backward_needs_input = !from_output_;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    activation_forward<T>(act_, static_cast<T>(alpha_), a.n * size_, a.x[0], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] == nullptr) return;
    const T alpha = static_cast<T>(alpha_);
    if (from_output_) {
      activation_backward_from_output<T>(act_, alpha, a.n * size_, a.g, a.y, a.gx[0]);
    } else {
      activation_backward<T>(act_, alpha, a.n * size_, a.g, a.x[0], a.gx[0]);
    }
  }

 private:
  nnf_activation act_;
  double alpha_;
  i64 size_;
  bool from_output_;
};

class ActivationSpec final : public OpSpec {
 public:
  ActivationSpec(const std::vector<Shape>& inputs, Attrs& attrs) : shape(only_input(attrs, inputs)) {
    const Kind& kind = find_kind(attrs.op());
    act = kind.act;
    if (kind.option == nullptr) return;
    alpha = attrs.number(kind.option, kind.fallback);
    if (!std::isfinite(alpha)) throw_invalid("%s: %s: expected a finite number, got %g", kind.op, kind.option, alpha);
  }
  Shape output_shape() const override { return shape; }
  bool as_activation(nnf_activation* kind, double* parameter) const override {
    *kind = act;
    *parameter = alpha;
    return true;
  }
  NNF_MAKES_OP(ActivationOp)

  Shape shape;
  nnf_activation act;
  double alpha = 0;
};

template <class T>
ActivationOp<T>::ActivationOp(const ActivationSpec& spec, int)
    : act_(spec.act),
      alpha_(spec.alpha),
      size_(element_count(spec.shape)),
      from_output_(activation_has_backward_from_output(spec.act, spec.alpha)) {}

}  // namespace

std::unique_ptr<OpSpec> make_activation_spec(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<ActivationSpec>(inputs, attrs);
}

}  // namespace nnf
