// The dropout layer: masks regenerated in the backward pass from (seed, step, layer, element), never stored.
#include "base/error.h"
#include "engine/ops/families.h"
#include "kernels/dropout/dropout.h"

namespace nnf {
namespace {

class DropoutSpec;

template <class T>
class DropoutOp final : public Op<T> {
 public:
  DropoutOp(const DropoutSpec& spec, int index);

  OpTraits traits() const override {
    OpTraits t;
    // Elements of images are counted in the engine's layout (ARCHITECTURE.md), all others as their shape says.
    t.wish = image_ ? LayoutWish::channels_last : LayoutWish::plain;
    t.in_place = true;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override { apply(a.n, a.run, a.x[0], a.y); }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] != nullptr) apply(a.n, a.run, a.g, a.gx[0]);
  }

 private:
  void apply(i64 n, const RunState& run, const T* x, T* y) const {
    const double p = run.training ? p_ : 0.0;
    if (p == 0.0 && x == y) return;
    dropout<T>(p, DropoutKey{run.seed, layer_, run.step}, 0, n * size_, x, y);
  }
  double p_;
  bool image_;
  i64 size_;
  u32 layer_;
};

class DropoutSpec final : public OpSpec {
 public:
  DropoutSpec(const std::vector<Shape>& inputs, Attrs& attrs) : shape(only_input(attrs, inputs)) {
    p = attrs.number("p", 0.5);
    if (!(p >= 0 && p <= 1)) throw_invalid("dropout: p: expected 0 <= p <= 1, got %g", p);
  }
  Shape output_shape() const override { return shape; }
  bool is_random() const override { return true; }
  NNF_MAKES_OP(DropoutOp)

  Shape shape;
  double p;
};

template <class T>
DropoutOp<T>::DropoutOp(const DropoutSpec& spec, int index)
    : p_(spec.p), image_(spec.shape.size() == 3), size_(element_count(spec.shape)), layer_(static_cast<u32>(index)) {}

}  // namespace

std::unique_ptr<OpSpec> make_dropout(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<DropoutSpec>(inputs, attrs);
}

}  // namespace nnf
