// The transposed 2-D convolution layer, channels-last (PyTorch's ConvTranspose2d).
//
// The weight lies as (kh, kw, out / groups, in), that of the convolution it transposes; Python sees the view
// (in, out / groups, kh, kw).
#include "engine/ops/families.h"
#include "kernels/conv/transpose.h"

namespace nnf {
namespace {

class ConvTranspose2dSpec;

template <class T>
class ConvTranspose2dOp final : public Op<T> {
 public:
  ConvTranspose2dOp(const ConvTranspose2dSpec& spec, int);

  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::channels_last;
    t.backward_needs_input = t.input_for_params = true;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    conv_transpose2d_forward<T>(batch(a.n), a.x[0], a.params[0], bias_ ? a.params[1] : nullptr, a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    conv_transpose2d_backward<T>(batch(a.n), a.g, a.x[0], a.params[0], a.gx[0], a.gparams[0],
                                 bias_ ? a.gparams[1] : nullptr, a.accumulate);
  }

 private:
  ConvShape batch(i64 n) const {
    ConvShape s = shape_;
    s.n = n;
    return s;
  }
  ConvShape shape_;
  bool bias_;
};

class ConvTranspose2dSpec final : public OpSpec {
 public:
  ConvTranspose2dSpec(const std::vector<Shape>& inputs, Attrs& attrs)
      : shape(read(only_image(attrs, inputs), attrs)), bias(attrs.flag("bias", true)) {}

  Shape output_shape() const override { return {shape.c, shape.h, shape.w}; }
  std::vector<ParamSpec> params() const override {
    const i64 in = shape.oc, ocg = shape.c / shape.groups, kh = shape.kh, kw = shape.kw;
    std::vector<ParamSpec> p{{"weight", {in, ocg, kh, kw}, {1, in, kw * ocg * in, ocg * in}, in * ocg * kh * kw}};
    p[0].transposed_groups = shape.groups;
    if (bias) p.push_back({"bias", {shape.c}, {1}, shape.c});
    return p;
  }
  NNF_MAKES_OP(ConvTranspose2dOp)

  ConvShape shape;  // of the convolution that is transposed
  bool bias;

 private:
  static ConvShape read(const Shape& in, Attrs& attrs) {
    const i64 ones[2] = {1, 1}, none[2] = {0, 0};
    const auto kernel = attrs.integers("kernel_size", 2, nullptr);
    const auto stride = attrs.integers("stride", 2, ones);
    const auto padding = attrs.integers("padding", 2, none);
    const auto output_padding = attrs.integers("output_padding", 2, none);
    const auto dilation = attrs.integers("dilation", 2, ones);
    nnf_conv_transpose2d_shape s{};
    s.n = 1;
    s.c = in[0], s.h = in[1], s.w = in[2];
    s.oc = attrs.integer("out_channels");
    s.kh = kernel[0], s.kw = kernel[1];
    s.stride_h = stride[0], s.stride_w = stride[1];
    s.pad_h = padding[0], s.pad_w = padding[1];
    s.output_pad_h = output_padding[0], s.output_pad_w = output_padding[1];
    s.dilation_h = dilation[0], s.dilation_w = dilation[1];
    s.groups = attrs.integer("groups", 1);
    return transposed_conv(s, "conv_transpose2d");
  }
};

template <class T>
ConvTranspose2dOp<T>::ConvTranspose2dOp(const ConvTranspose2dSpec& spec, int) : shape_(spec.shape), bias_(spec.bias) {}

}  // namespace

std::unique_ptr<OpSpec> make_conv_transpose2d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<ConvTranspose2dSpec>(inputs, attrs);
}

}  // namespace nnf
