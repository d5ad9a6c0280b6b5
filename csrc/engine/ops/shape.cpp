// Operations that move no numbers, or only move them: flatten and reshape (views) and the change of a layout.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "engine/ops/families.h"
#include "kernels/layout/layout.h"

namespace nnf {
namespace {

class ViewSpec;

template <class T>
class ViewOp final : public Op<T> {
 public:
  ViewOp(const ViewSpec& spec, int);
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

class ViewSpec final : public OpSpec {
 public:
  explicit ViewSpec(Shape to) : shape(std::move(to)) {}
  Shape output_shape() const override { return shape; }
  NNF_MAKES_OP(ViewOp)
  Shape shape;
};

// `wanted` for `size` elements: one -1 stands for what is left.
Shape resolve_shape(const Shape& in, Shape wanted) {
  const i64 size = element_count(in);
  i64 known = 1;
  int open = -1;
  bool fits = true;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == -1 && open < 0) {
      open = static_cast<int>(i);
    } else if (wanted[i] < 1 || wanted[i] > size / known) {
      fits = false;
      break;
    } else {
      known *= wanted[i];
    }
  }
  fits = fits && (open < 0 ? known == size : size % known == 0);
  if (!fits) {
    throw_invalid("reshape: shape: expected positive sizes, at most one of them -1, for the %lld elements of %s, "
                  "got %s", static_cast<long long>(size), to_string(in).c_str(), to_string(wanted).c_str());
  }
  if (open >= 0) wanted[static_cast<std::size_t>(open)] = size / known;
  return wanted;
}

template <class T>
ViewOp<T>::ViewOp(const ViewSpec& spec, int) : size_(element_count(spec.shape)) {}

template <class T>
class LayoutOp final : public Op<T> {
 public:
  LayoutOp(const Shape& shape, Layout to)
      : c_(shape[0]), hw_(element_count(shape) / shape[0]), to_last_(to == Layout::channels_last) {}
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
  return std::make_unique<ViewSpec>(Shape{element_count(only_input(attrs, inputs))});
}

std::unique_ptr<OpSpec> make_reshape(const std::vector<Shape>& inputs, Attrs& attrs) {
  const Shape& in = only_input(attrs, inputs);
  return std::make_unique<ViewSpec>(resolve_shape(in, attrs.integers("shape")));
}

template <class T>
std::unique_ptr<Op<T>> make_layout_op(const Shape& shape, Layout to) {
  return std::make_unique<LayoutOp<T>>(shape, to);
}
template std::unique_ptr<Op<float>> make_layout_op(const Shape&, Layout);
template std::unique_ptr<Op<double>> make_layout_op(const Shape&, Layout);

}  // namespace nnf
