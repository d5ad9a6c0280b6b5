// The sum of two or more values of one shape: where branches of a network meet.
#include <algorithm>

#include "base/error.h"
#include "engine/ops/families.h"
#include "kernels/elementwise/elementwise.h"

namespace nnf {
namespace {

class AddSpec;

template <class T>
class AddOp final : public Op<T> {
 public:
  AddOp(const AddSpec& spec, int);
  OpTraits traits() const override { return {}; }
  void forward(const ForwardArgs<T>& a) override {
    const i64 n = a.n * size_;
    std::copy(a.x[0], a.x[0] + n, a.y);
    for (int i = 1; i < inputs_; ++i) add_into<T>(n, a.x[i], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    for (int i = 0; i < inputs_; ++i) {
      if (a.gx[i] != nullptr) std::copy(a.g, a.g + a.n * size_, a.gx[i]);
    }
  }

 private:
  i64 size_;
  int inputs_;
};

class AddSpec final : public OpSpec {
 public:
  explicit AddSpec(const std::vector<Shape>& in) : count(static_cast<int>(in.size())) {
    if (in.size() < 2) throw_invalid("add: inputs: expected at least 2 nodes, got %d", count);
    shape = in[0];
    for (const Shape& s : in) {
      if (s != shape) {
        throw_invalid("add: inputs: expected equal shapes, got %s and %s", to_string(shape).c_str(),
                      to_string(s).c_str());
      }
    }
  }
  Shape output_shape() const override { return shape; }
  NNF_MAKES_OP(AddOp)
  Shape shape;
  int count;
};

template <class T>
AddOp<T>::AddOp(const AddSpec& spec, int) : size_(element_count(spec.shape)), inputs_(spec.count) {}

}  // namespace

std::unique_ptr<OpSpec> make_add(const std::vector<Shape>& inputs, Attrs&) { return std::make_unique<AddSpec>(inputs); }

}  // namespace nnf
