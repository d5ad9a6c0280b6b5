// Inputs side by side along the first axis of a sample: features, or channels of images.
//
// Channels-last images and plain samples alike are rows of the inputs' widths set beside each other: (n h w) rows of
// the channels, or n rows of whole samples.
#include <algorithm>

#include "base/error.h"
#include "engine/ops/families.h"

namespace nnf {
namespace {

class ConcatSpec;

template <class T>
class ConcatOp final : public Op<T> {
 public:
  ConcatOp(const ConcatSpec& spec, int);
  OpTraits traits() const override {
    OpTraits t;
    t.wish = image_ ? LayoutWish::channels_last : LayoutWish::plain;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    i64 column = 0;
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      const i64 w = widths_[i];
      for (i64 r = 0; r < a.n * rows_; ++r) std::copy_n(a.x[i] + r * w, w, a.y + r * width_ + column);
      column += w;
    }
  }
  void backward(const BackwardArgs<T>& a) override {
    i64 column = 0;
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      const i64 w = widths_[i];
      for (i64 r = 0; a.gx[i] != nullptr && r < a.n * rows_; ++r) {
        std::copy_n(a.g + r * width_ + column, w, a.gx[i] + r * w);
      }
      column += w;
    }
  }

 private:
  std::vector<i64> widths_;  // of each input's row
  i64 width_ = 0, rows_;     // of the output's row; rows a sample
  bool image_;
};

class ConcatSpec final : public OpSpec {
 public:
  explicit ConcatSpec(const std::vector<Shape>& in) : inputs(in) {
    if (in.size() < 2) throw_invalid("concat: inputs: expected at least 2 nodes, got %d", static_cast<int>(in.size()));
    shape = in[0];
    for (std::size_t i = 1; i < in.size(); ++i) {
      Shape rest = in[i];
      if (rest.size() == shape.size()) rest[0] = in[0][0];
      if (rest != in[0]) {
        throw_invalid("concat: inputs: expected equal shapes but for the first size, got %s and %s",
                      to_string(in[0]).c_str(), to_string(in[i]).c_str());
      }
      shape[0] += in[i][0];
    }
  }
  Shape output_shape() const override { return shape; }
  NNF_MAKES_OP(ConcatOp)
  std::vector<Shape> inputs;
  Shape shape;
};

template <class T>
ConcatOp<T>::ConcatOp(const ConcatSpec& spec, int)
    : rows_(spec.shape.size() == 3 ? spec.shape[1] * spec.shape[2] : 1), image_(spec.shape.size() == 3) {
  for (const Shape& s : spec.inputs) {
    widths_.push_back(element_count(s) / rows_);
    width_ += widths_.back();
  }
}

}  // namespace

std::unique_ptr<OpSpec> make_concat(const std::vector<Shape>& inputs, Attrs&) {
  return std::make_unique<ConcatSpec>(inputs);
}

}  // namespace nnf
