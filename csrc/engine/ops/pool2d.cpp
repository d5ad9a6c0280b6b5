// Max and average pooling layers, channels-last (PyTorch's MaxPool2d, AvgPool2d).
#include "base/error.h"
#include "engine/ops/families.h"
#include "kernels/pool/pool2d.h"

namespace nnf {
namespace {

class PoolSpec;

template <class T>
class PoolOp final : public Op<T> {
 public:
  PoolOp(const PoolSpec& spec, int);

  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::channels_last;
    // The maximum's place is found again from input and output: no index array is kept.
    t.backward_needs_input = t.backward_needs_output = max_;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    const PoolShape s = batch(a.n);
    max_ ? max_pool2d_forward<T>(s, a.x[0], a.y) : avg_pool2d_forward<T>(s, a.x[0], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] == nullptr) return;
    const PoolShape s = batch(a.n);
    max_ ? max_pool2d_backward<T>(s, a.g, a.x[0], a.y, a.gx[0]) : avg_pool2d_backward<T>(s, a.g, a.gx[0]);
  }

 private:
  PoolShape batch(i64 n) const {
    PoolShape s = shape_;
    s.n = n;
    return s;
  }
  PoolShape shape_;
  bool max_;
};

class PoolSpec final : public OpSpec {
 public:
  PoolSpec(bool is_max, const std::vector<Shape>& inputs, Attrs& attrs) : max(is_max) {
    const Shape& in = only_image(attrs, inputs);
    const i64 ones[2] = {1, 1}, zeros[2] = {0, 0};
    const auto kernel = attrs.integers("kernel_size", 2, nullptr);
    const auto stride = attrs.integers("stride", 2, kernel.data());
    const auto padding = attrs.integers("padding", 2, zeros);
    const auto dilation = attrs.integers("dilation", 2, ones);
    nnf_pool2d_shape s{};
    s.n = 1;
    s.c = in[0], s.h = in[1], s.w = in[2];
    s.kh = kernel[0], s.kw = kernel[1];
    s.stride_h = stride[0], s.stride_w = stride[1];
    s.pad_h = padding[0], s.pad_w = padding[1];
    s.dilation_h = dilation[0], s.dilation_w = dilation[1];
    s.ceil_mode = attrs.flag("ceil_mode", false);
    s.count_include_pad = attrs.flag("count_include_pad", true);
    if (!max && (s.dilation_h != 1 || s.dilation_w != 1)) {
      throw_invalid("avg_pool2d: dilation: expected 1, got (%lld, %lld)", static_cast<long long>(s.dilation_h),
                    static_cast<long long>(s.dilation_w));
    }
    shape = make_pool_shape(s);
  }
  Shape output_shape() const override { return {shape.c, shape.oh, shape.ow}; }
  NNF_MAKES_OP(PoolOp)

  PoolShape shape;
  bool max;
};

template <class T>
PoolOp<T>::PoolOp(const PoolSpec& spec, int) : shape_(spec.shape), max_(spec.max) {}

}  // namespace

std::unique_ptr<OpSpec> make_max_pool2d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<PoolSpec>(true, inputs, attrs);
}

std::unique_ptr<OpSpec> make_avg_pool2d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<PoolSpec>(false, inputs, attrs);
}

}  // namespace nnf
