// The softplus layer: log(1 + exp(beta x)) / beta, x itself where beta x > threshold (PyTorch's Softplus). With the
// threshold of 20 a linear layer or a convolution takes it in.
#include <cmath>

#include "base/error.h"
#include "engine/ops/families.h"
#include "kernels/elementwise/elementwise.h"

namespace nnf {
namespace {

class SoftplusSpec;

template <class T>
class SoftplusOp final : public Op<T> {
 public:
  SoftplusOp(const SoftplusSpec& spec, int);

  OpTraits traits() const override {
    OpTraits t;
    t.in_place = true;
    t.backward_needs_input = true;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    softplus_forward<T>(beta_, threshold_, a.n * size_, a.x[0], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] != nullptr) softplus_backward<T>(beta_, threshold_, a.n * size_, a.g, a.x[0], a.gx[0]);
  }

 private:
  T beta_, threshold_;
  i64 size_;
};

class SoftplusSpec final : public OpSpec {
 public:
  SoftplusSpec(const std::vector<Shape>& inputs, Attrs& attrs)
      : shape(only_input(attrs, inputs)), beta(attrs.number("beta", 1)), threshold(attrs.number("threshold", 20)) {
    if (!(std::isfinite(beta) && beta > 0)) throw_invalid("softplus: beta: expected a finite number > 0, got %g", beta);
    if (!std::isfinite(threshold)) throw_invalid("softplus: threshold: expected a finite number, got %g", threshold);
  }
  Shape output_shape() const override { return shape; }
  bool as_activation(nnf_activation* kind, double* parameter) const override {
    *kind = NNF_ACT_SOFTPLUS;
    *parameter = beta;
    return threshold == 20;
  }
  NNF_MAKES_OP(SoftplusOp)

  Shape shape;
  double beta, threshold;
};

template <class T>
SoftplusOp<T>::SoftplusOp(const SoftplusSpec& spec, int)
    : beta_(static_cast<T>(spec.beta)), threshold_(static_cast<T>(spec.threshold)), size_(element_count(spec.shape)) {}

}  // namespace

std::unique_ptr<OpSpec> make_softplus(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<SoftplusSpec>(inputs, attrs);
}

}  // namespace nnf
