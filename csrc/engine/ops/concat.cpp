// Inputs side by side along an axis of a sample, the first (features, channels) where none is said.
//
// In memory that is rows of the inputs' widths set beside each other: what stands before the axis in the layout counts
// the rows, what stands behind it and the axis make their widths. Images are channels-last: (n h w) rows of channels,
// or n rows of whole lines.
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
  i64 width_ = 0, rows_ = 1;  // of the output's row; rows a sample
  bool image_;
};

class ConcatSpec final : public OpSpec {
 public:
  ConcatSpec(const std::vector<Shape>& in, Attrs& attrs) : inputs(in) {
    if (in.size() < 2) throw_invalid("concat: inputs: expected at least 2 nodes, got %d", static_cast<int>(in.size()));
    shape = in[0];
    axis = sample_axis(attrs, shape.size(), 1);
    for (std::size_t i = 1; i < in.size(); ++i) {
      Shape rest = in[i];
      if (rest.size() == shape.size()) rest[axis] = in[0][axis];
      if (rest != in[0]) {
        throw_invalid("concat: inputs: expected equal shapes but along axis %d (0 is the batch), got %s and %s",
                      static_cast<int>(axis) + 1, to_string(in[0]).c_str(), to_string(in[i]).c_str());
      }
      shape[axis] += in[i][axis];
    }
  }
  Shape output_shape() const override { return shape; }
  NNF_MAKES_OP(ConcatOp)
  std::vector<Shape> inputs;
  Shape shape;
  std::size_t axis;  // of a sample
};

template <class T>
ConcatOp<T>::ConcatOp(const ConcatSpec& spec, int) : image_(spec.shape.size() == 3) {
  Shape before(spec.shape.begin(), spec.shape.begin() + static_cast<std::ptrdiff_t>(spec.axis));
  if (image_) {  // (height, width, channels) in memory
    if (spec.axis == 0) before = {spec.shape[1], spec.shape[2]};
    if (spec.axis == 1) before = {};
    if (spec.axis == 2) before = {spec.shape[1]};
  }
  for (i64 size : before) rows_ *= size;
  for (const Shape& s : spec.inputs) {
    widths_.push_back(element_count(s) / rows_);
    width_ += widths_.back();
  }
}

}  // namespace

std::unique_ptr<OpSpec> make_concat(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<ConcatSpec>(inputs, attrs);
}

}  // namespace nnf
