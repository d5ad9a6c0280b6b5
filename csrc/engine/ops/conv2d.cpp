// The convolution layers, channels-last (PyTorch's Conv2d and Conv1d, which is a convolution of images of height 1).
//
// The weight lies as (kh, kw, in / groups, out), what the batch-reduce GEMM reads in place; Python sees the view
// (out, in / groups, kh, kw), of Conv1d (out, in / groups, k). Layers of few channels take in the pooling behind them.
#include <optional>

#include "engine/ops/families.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/planar_pooled.h"
#include "kernels/elementwise/elementwise.h"

namespace nnf {
namespace {

class Conv2dSpec;

template <class T>
class Conv2dOp final : public Op<T> {
 public:
  Conv2dOp(const Conv2dSpec& spec, int);

  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::channels_last;
    t.backward_needs_input = t.input_for_params = true;
    const bool activated = act_ != NNF_ACT_IDENTITY;
    t.backward_needs_output = activated && !pool_;
    if (pool_ && (activated || max_)) t.saved_bytes = shape_.oc * shape_.oh * shape_.ow * static_cast<i64>(sizeof(T));
    return t;
  }

  bool fuse_activation(nnf_activation act, double alpha) override {
    if (act_ != NNF_ACT_IDENTITY || pool_) return false;
    act_ = act;
    alpha_ = static_cast<T>(alpha);
    return true;
  }

  bool fuse_pooling(const PoolShape& pool, bool max) override {
    if (pool_ || !planar_pooled_pays<T>(shape_, pool, max)) return false;
    pool_ = pool;
    max_ = max;
    return true;
  }

  void forward(const ForwardArgs<T>& a) override {
    if (pool_) {
      planar_pooled_forward<T>(pooled(a.n), a.x[0], a.params[0], bias_ ? a.params[1] : nullptr,
                               static_cast<T*>(a.saved), a.y);
      return;
    }
    Epilogue<T> e;
    e.bias = bias_ ? a.params[1] : nullptr;
    e.act = act_;
    e.alpha = alpha_;
    conv2d_forward<T>(batch(a.n), a.x[0], a.params[0], e, a.y);
  }

  void backward(const BackwardArgs<T>& a) override {
    if (pool_) {
      planar_pooled_backward<T>(pooled(a.n), a.g, a.x[0], a.params[0], static_cast<const T*>(a.saved), a.gparams[0],
                                bias_ ? a.gparams[1] : nullptr, a.gx[0], a.accumulate);
      return;
    }
    const ConvShape s = batch(a.n);
    if (act_ != NNF_ACT_IDENTITY) {
      activation_backward_from_output<T>(act_, alpha_, s.n * s.oh * s.ow * s.oc, a.g, a.y, a.g);
    }
    if (a.gparams[0] != nullptr) {
      conv2d_backward_weight<T>(s, a.g, a.x[0], a.gparams[0], bias_ ? a.gparams[1] : nullptr, a.accumulate);
    }
    if (a.gx[0] != nullptr) conv2d_backward_data<T>(s, a.g, a.params[0], a.gx[0]);
  }

 private:
  ConvShape batch(i64 n) const {
    ConvShape s = shape_;
    s.n = n;
    return s;
  }
  PooledConv<T> pooled(i64 n) const {
    PooledConv<T> p{batch(n), *pool_, max_, act_, alpha_};
    p.pool.n = n;
    return p;
  }

  ConvShape shape_;
  bool bias_;
  std::optional<PoolShape> pool_;  // taken in
  bool max_ = false;
  nnf_activation act_ = NNF_ACT_IDENTITY;
  T alpha_ = 0;
};

class Conv2dSpec final : public OpSpec {
 public:
  // dims: 2 for images, 1 for signals.
  Conv2dSpec(int dims_, const std::vector<Shape>& inputs, Attrs& attrs)
      : dims(dims_), shape(read(dims, dims == 2 ? only_image(attrs, inputs) : only_signal(attrs, inputs), attrs)),
        bias(attrs.flag("bias", true)) {}

  Shape output_shape() const override {
    return dims == 2 ? Shape{shape.oc, shape.oh, shape.ow} : Shape{shape.oc, shape.ow};
  }
  std::vector<ParamSpec> params() const override {
    const i64 oc = shape.oc, icg = shape.c / shape.groups, kh = shape.kh, kw = shape.kw;
    ParamSpec weight{"weight", {oc, icg, kh, kw}, {1, oc, kw * icg * oc, icg * oc}, oc * icg * kh * kw};
    if (dims == 1) {
      weight.shape = {oc, icg, kw};
      weight.strides = {1, oc, icg * oc};
    }
    std::vector<ParamSpec> p{weight};
    if (bias) p.push_back({"bias", {oc}, {1}, oc});
    return p;
  }
  NNF_MAKES_OP(Conv2dOp)

  int dims;
  ConvShape shape;
  bool bias;

 private:
  static ConvShape read(int dims, const Shape& in, Attrs& attrs) {
    const i64 ones[2] = {1, 1}, none[4] = {0, 0, 0, 0};
    const auto kernel = attrs.integers("kernel_size", dims, nullptr);
    const auto stride = attrs.integers("stride", dims, ones);
    const auto padding = attrs.integers("padding", 2 * dims, none);
    const auto dilation = attrs.integers("dilation", dims, ones);
    nnf_conv2d_shape s{};
    s.n = 1;
    s.c = in[0], s.h = dims == 2 ? in[1] : 1, s.w = in.back();
    s.oc = attrs.integer("out_channels");
    s.kh = s.stride_h = s.dilation_h = 1;
    if (dims == 2) {
      s.kh = kernel[0], s.stride_h = stride[0], s.dilation_h = dilation[0];
      s.pad_top = padding[0], s.pad_bottom = padding[1];
    }
    s.kw = kernel.back(), s.stride_w = stride.back(), s.dilation_w = dilation.back();
    s.pad_left = *(padding.end() - 2), s.pad_right = padding.back();
    s.groups = attrs.integer("groups", 1);
    return ConvShape(s, attrs.op().c_str());
  }
};

template <class T>
Conv2dOp<T>::Conv2dOp(const Conv2dSpec& spec, int) : shape_(spec.shape), bias_(spec.bias) {}

}  // namespace

std::unique_ptr<OpSpec> make_conv2d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<Conv2dSpec>(2, inputs, attrs);
}

std::unique_ptr<OpSpec> make_conv1d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<Conv2dSpec>(1, inputs, attrs);
}

}  // namespace nnf
