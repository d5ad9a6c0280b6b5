// The PReLU layer: x where x > 0, a trained slope times x elsewhere; one slope, or one a channel, which is the first
// axis of a sample (PyTorch's PReLU).
#include "base/error.h"
#include "engine/ops/families.h"
#include "kernels/elementwise/prelu.h"

namespace nnf {
namespace {

class PreluSpec;

template <class T>
class PreluOp final : public Op<T> {
 public:
  PreluOp(const PreluSpec& spec, int);

  OpTraits traits() const override {
    OpTraits t;
    // Slopes of channels run along the last axis of images, which one vector of slopes can follow.
    if (slopes_ > 1) t.wish = images_ ? LayoutWish::channels_last : LayoutWish::plain;
    t.in_place = true;
    t.backward_needs_input = true;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    prelu_forward<T>(a.n * outer_, slopes_, inner_, a.x[0], a.params[0], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    const i64 outer = a.n * outer_;
    if (a.gparams[0] != nullptr) {
      prelu_weight_gradient<T>(outer, slopes_, inner_, a.g, a.x[0], a.gparams[0], a.accumulate);
    }
    if (a.gx[0] != nullptr) prelu_backward<T>(outer, slopes_, inner_, a.g, a.x[0], a.params[0], a.gx[0]);
  }

 private:
  i64 outer_, slopes_, inner_;  // a sample as (outer, slopes, inner)
  bool images_;
};

class PreluSpec final : public OpSpec {
 public:
  PreluSpec(const std::vector<Shape>& inputs, Attrs& attrs)
      : shape(only_input(attrs, inputs)), slopes(attrs.integer("num_parameters", 1)) {
    if (slopes != 1 && slopes != shape[0]) {
      throw_invalid("prelu: num_parameters: expected 1 or %lld, the input's channels, got %lld",
                    static_cast<long long>(shape[0]), static_cast<long long>(slopes));
    }
  }
  Shape output_shape() const override { return shape; }
  std::vector<ParamSpec> params() const override { return {{"weight", {slopes}, {1}, slopes}}; }
  NNF_MAKES_OP(PreluOp)

  Shape shape;
  i64 slopes;
};

template <class T>
PreluOp<T>::PreluOp(const PreluSpec& spec, int)
    : outer_(1),
      slopes_(spec.slopes),
      inner_(element_count(spec.shape) / spec.slopes),
      images_(spec.shape.size() == 3) {
  if (images_ && slopes_ > 1) {  // channels last
    outer_ = inner_;
    inner_ = 1;
  }
}

}  // namespace

std::unique_ptr<OpSpec> make_prelu(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<PreluSpec>(inputs, attrs);
}

}  // namespace nnf
