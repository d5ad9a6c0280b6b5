// Softmax and log_softmax layers along any axis of the batch's array but the batch itself.
#include "engine/ops/families.h"
#include "kernels/softmax/softmax.h"

namespace nnf {
namespace {

class SoftmaxSpec;

template <class T>
class SoftmaxOp final : public Op<T> {
 public:
  SoftmaxOp(const SoftmaxSpec& spec, int);

  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::plain;
    t.in_place = true;
    t.backward_needs_output = true;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    softmax_forward<T>(log_, a.n * outer_, len_, inner_, a.x[0], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] != nullptr) {
      softmax_backward_from_output<T>(log_, a.n * outer_, len_, inner_, a.g, a.y, a.gx[0]);
    }
  }

 private:
  bool log_;
  i64 outer_, len_, inner_;
};

class SoftmaxSpec final : public OpSpec {
 public:
  SoftmaxSpec(const std::vector<Shape>& inputs, Attrs& attrs)
      : shape(only_input(attrs, inputs)), log(attrs.op() == "log_softmax") {
    const std::size_t axis = sample_axis(attrs, shape.size(), -1);
    for (std::size_t i = 0; i < shape.size(); ++i) (i < axis ? outer : i == axis ? len : inner) *= shape[i];
  }
  Shape output_shape() const override { return shape; }
  NNF_MAKES_OP(SoftmaxOp)

  Shape shape;
  bool log;
  i64 outer = 1, len = 1, inner = 1;
};

template <class T>
SoftmaxOp<T>::SoftmaxOp(const SoftmaxSpec& spec, int)
    : log_(spec.log), outer_(spec.outer), len_(spec.len), inner_(spec.inner) {}

}  // namespace

std::unique_ptr<OpSpec> make_softmax(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<SoftmaxSpec>(inputs, attrs);
}

}  // namespace nnf
