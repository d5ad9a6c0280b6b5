// Operations that move no numbers, or only move them: flatten (a view) and the change of an image's layout.
#include <algorithm>

#include "engine/ops/families.h"
#include "kernels/layout/layout.h"

namespace nnf {
namespace {

class FlattenSpec;

template <class T>
class ViewOp final : public Op<T> {
 public:
  ViewOp(const FlattenSpec& spec, int);
  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::plain;
    t.view = t.in_place = true;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override { copy(a.n, a.x[0], a.y); }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] != nullptr) copy(a.n, a.g, a.gx[0]);
  }

 private:
  void copy(i64 n, const T* from, T* to) const {
    if (from != to) std::copy(from, from + n * size_, to);
  }
  i64 size_;
};

class FlattenSpec final : public OpSpec {
 public:
  FlattenSpec(const std::vector<Shape>& inputs, Attrs& attrs) : size(element_count(only_input(attrs, inputs))) {}
  Shape output_shape() const override { return {size}; }
  NNF_MAKES_OP(ViewOp)
  i64 size;
};

template <class T>
ViewOp<T>::ViewOp(const FlattenSpec& spec, int) : size_(spec.size) {}

template <class T>
class LayoutOp final : public Op<T> {
 public:
  LayoutOp(const Shape& shape, Layout to) : c_(shape[0]), hw_(shape[1] * shape[2]), to_last_(to == Layout::channels_last) {}
  OpTraits traits() const override {
    OpTraits t;
    // One channel or one pixel lies the same in both layouts.
    t.view = t.in_place = c_ == 1 || hw_ == 1;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override { convert(a.n, to_last_, a.x[0], a.y); }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] != nullptr) convert(a.n, !to_last_, a.g, a.gx[0]);
  }

 private:
  void convert(i64 n, bool to_last, const T* from, T* to) const {
    if (from == to) return;
    to_last ? nchw_to_nhwc<T>(n, c_, hw_, from, to) : nhwc_to_nchw<T>(n, c_, hw_, from, to);
  }
  i64 c_, hw_;
  bool to_last_;
};

}  // namespace

std::unique_ptr<OpSpec> make_flatten(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<FlattenSpec>(inputs, attrs);
}

template <class T>
std::unique_ptr<Op<T>> make_layout_op(const Shape& shape, Layout to) {
  return std::make_unique<LayoutOp<T>>(shape, to);
}
template std::unique_ptr<Op<float>> make_layout_op(const Shape&, Layout);
template std::unique_ptr<Op<double>> make_layout_op(const Shape&, Layout);

}  // namespace nnf
