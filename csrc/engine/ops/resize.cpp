// Layers that give an image another size without parameters, channels-last: adaptive average pooling, nearest-neighbour
// upsampling, constant padding (PyTorch's AdaptiveAvgPool2d, Upsample, ConstantPad2d).
#include "base/error.h"
#include "engine/ops/families.h"
#include "kernels/layout/resize.h"
#include "kernels/pool/adaptive.h"

namespace nnf {
namespace {

OpTraits channels_last_traits() {
  OpTraits t;
  t.wish = LayoutWish::channels_last;
  return t;
}

// ---------------------------------------------------------------- adaptive average pooling

class AdaptiveSpec;

template <class T>
class AdaptiveOp final : public Op<T> {
 public:
  AdaptiveOp(const AdaptiveSpec& spec, int);
  OpTraits traits() const override { return channels_last_traits(); }
  void forward(const ForwardArgs<T>& a) override {
    shape_.n = a.n;
    adaptive_avg_pool2d_forward<T>(shape_, a.x[0], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] == nullptr) return;
    shape_.n = a.n;
    adaptive_avg_pool2d_backward<T>(shape_, a.g, a.gx[0]);
  }

 private:
  AdaptiveShape shape_;
};

class AdaptiveSpec final : public OpSpec {
 public:
  AdaptiveSpec(const std::vector<Shape>& inputs, Attrs& attrs) {
    const Shape& in = only_image(attrs, inputs);
    const auto size = attrs.integers("output_size", 2, nullptr);
    shape = {1, in[0], in[1], in[2], size[0], size[1]};
    check_adaptive_shape(shape, "adaptive_avg_pool2d");
  }
  Shape output_shape() const override { return {shape.c, shape.oh, shape.ow}; }
  NNF_MAKES_OP(AdaptiveOp)
  AdaptiveShape shape{};
};

template <class T>
AdaptiveOp<T>::AdaptiveOp(const AdaptiveSpec& spec, int) : shape_(spec.shape) {}

// ---------------------------------------------------------------- upsampling

class UpsampleSpec;

template <class T>
class UpsampleOp final : public Op<T> {
 public:
  UpsampleOp(const UpsampleSpec& spec, int);
  OpTraits traits() const override { return channels_last_traits(); }
  void forward(const ForwardArgs<T>& a) override {
    shape_.n = a.n;
    upsample_nearest_forward<T>(shape_, a.x[0], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] == nullptr) return;
    shape_.n = a.n;
    upsample_nearest_backward<T>(shape_, a.g, a.gx[0]);
  }

 private:
  UpsampleShape shape_;
};

class UpsampleSpec final : public OpSpec {
 public:
  UpsampleSpec(const std::vector<Shape>& inputs, Attrs& attrs) {
    const Shape& in = only_image(attrs, inputs);
    const auto size = attrs.integers("size", 2, nullptr);
    shape = {1, in[1], in[2], in[0], size[0], size[1], attrs.number("scale_h", 0), attrs.number("scale_w", 0)};
    check_upsample_shape(shape, "upsample_nearest");
  }
  Shape output_shape() const override { return {shape.c, shape.oh, shape.ow}; }
  NNF_MAKES_OP(UpsampleOp)
  UpsampleShape shape{};
};

template <class T>
UpsampleOp<T>::UpsampleOp(const UpsampleSpec& spec, int) : shape_(spec.shape) {}

// ---------------------------------------------------------------- constant padding

class PadSpec;

template <class T>
class PadOp final : public Op<T> {
 public:
  PadOp(const PadSpec& spec, int);
  OpTraits traits() const override { return channels_last_traits(); }
  void forward(const ForwardArgs<T>& a) override {
    const i64 sizes[4] = {a.n, h_, w_, c_}, before[4] = {0, top_, left_, 0}, after[4] = {0, bottom_, right_, 0};
    pad_constant<T>(4, sizes, before, after, value_, a.x[0], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] == nullptr) return;
    const i64 sizes[4] = {a.n, h_ + top_ + bottom_, w_ + left_ + right_, c_};
    const i64 before[4] = {0, -top_, -left_, 0}, after[4] = {0, -bottom_, -right_, 0};
    pad_constant<T>(4, sizes, before, after, T{0}, a.g, a.gx[0]);
  }

 private:
  i64 c_, h_, w_, left_, right_, top_, bottom_;
  T value_;
};

class PadSpec final : public OpSpec {
 public:
  PadSpec(const std::vector<Shape>& inputs, Attrs& attrs) : in(only_image(attrs, inputs)) {
    sides = attrs.integers("padding", 4, nullptr);
    value = attrs.number("value", 0.0);
    constexpr i64 limit = i64{1} << 31;
    for (i64 s : sides) {
      if (s < -limit || s > limit) {
        throw_invalid("constant_pad2d: padding: expected at most 2^31, got %lld", static_cast<long long>(s));
      }
    }
    if (in[1] + sides[2] + sides[3] < 1 || in[2] + sides[0] + sides[1] < 1) {
      throw_invalid("constant_pad2d: padding: expected to leave at least one cell of (%lld, %lld), got (left %lld, "
                    "right %lld, top %lld, bottom %lld)", static_cast<long long>(in[1]),
                    static_cast<long long>(in[2]), static_cast<long long>(sides[0]),
                    static_cast<long long>(sides[1]), static_cast<long long>(sides[2]),
                    static_cast<long long>(sides[3]));
    }
  }
  Shape output_shape() const override {
    return {in[0], in[1] + sides[2] + sides[3], in[2] + sides[0] + sides[1]};
  }
  NNF_MAKES_OP(PadOp)
  Shape in;
  std::vector<i64> sides;  // left, right, top, bottom
  double value;
};

template <class T>
PadOp<T>::PadOp(const PadSpec& spec, int)
    : c_(spec.in[0]), h_(spec.in[1]), w_(spec.in[2]), left_(spec.sides[0]), right_(spec.sides[1]),
      top_(spec.sides[2]), bottom_(spec.sides[3]), value_(static_cast<T>(spec.value)) {}

}  // namespace

std::unique_ptr<OpSpec> make_adaptive_avg_pool2d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<AdaptiveSpec>(inputs, attrs);
}

std::unique_ptr<OpSpec> make_upsample_nearest(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<UpsampleSpec>(inputs, attrs);
}

std::unique_ptr<OpSpec> make_constant_pad2d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<PadSpec>(inputs, attrs);
}

}  // namespace nnf
