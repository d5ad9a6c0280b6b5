// Max and average pooling layers, channels-last: of images, of signals (images of height 1), and global ones, whose
// only window is the whole image (PyTorch's MaxPool2d, AvgPool2d, MaxPool1d, AvgPool1d; Keras' GlobalAveragePooling).
#include <utility>

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
    // A maximum's place, a byte an output: neither input nor output is kept. Finding the places again from both,
    // without an array of them, took three times as long.
    if (max_) t.saved_bytes = pool_places_bytes<T>(shape_, shape_.c * shape_.oh * shape_.ow);
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    const PoolShape s = batch(a.n);
    max_ ? max_pool2d_forward<T>(s, a.x[0], a.y, a.saved) : avg_pool2d_forward<T>(s, a.x[0], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] == nullptr) return;
    const PoolShape s = batch(a.n);
    max_ ? max_pool2d_backward<T>(s, a.g, a.saved, a.gx[0]) : avg_pool2d_backward<T>(s, a.g, a.gx[0]);
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
  PoolSpec(bool is_max, const PoolShape& s, Shape out) : shape(s), max(is_max), output(std::move(out)) {}
  Shape output_shape() const override { return output; }
  bool as_pooling(PoolShape* windows, bool* is_max) const override {
    *windows = shape;
    *is_max = max;
    return true;
  }
  NNF_MAKES_OP(PoolOp)

  PoolShape shape;
  bool max;
  Shape output;
};

// dims: 2 for images, 1 for signals.
std::unique_ptr<OpSpec> make_pool(bool max, int dims, const std::vector<Shape>& inputs, Attrs& attrs) {
  const Shape& in = dims == 2 ? only_image(attrs, inputs) : only_signal(attrs, inputs);
  const i64 ones[2] = {1, 1}, zeros[2] = {0, 0};
  const auto kernel = attrs.integers("kernel_size", dims, nullptr);
  const auto stride = attrs.integers("stride", dims, kernel.data());
  const auto padding = attrs.integers("padding", dims, zeros);
  const auto dilation = attrs.integers("dilation", dims, ones);
  nnf_pool2d_shape s{};
  s.n = 1;
  s.c = in[0], s.h = dims == 2 ? in[1] : 1, s.w = in.back();
  s.kh = s.stride_h = s.dilation_h = 1;
  if (dims == 2) s.kh = kernel[0], s.stride_h = stride[0], s.pad_h = padding[0], s.dilation_h = dilation[0];
  s.kw = kernel.back(), s.stride_w = stride.back(), s.pad_w = padding.back(), s.dilation_w = dilation.back();
  s.ceil_mode = attrs.flag("ceil_mode", false);
  s.count_include_pad = attrs.flag("count_include_pad", true);
  if (!max && (s.dilation_h != 1 || s.dilation_w != 1)) {
    throw_invalid("%s: dilation: expected 1, got (%lld, %lld)", attrs.op().c_str(),
                  static_cast<long long>(s.dilation_h), static_cast<long long>(s.dilation_w));
  }
  const PoolShape p = make_pool_shape(s, attrs.op().c_str());
  return std::make_unique<PoolSpec>(max, p, dims == 2 ? Shape{p.c, p.oh, p.ow} : Shape{p.c, p.ow});
}

std::unique_ptr<OpSpec> make_global_pool(bool max, int dims, const std::vector<Shape>& inputs, Attrs& attrs) {
  const Shape& in = dims == 2 ? only_image(attrs, inputs) : only_signal(attrs, inputs);
  nnf_pool2d_shape s{};
  s.n = 1;
  s.c = in[0];
  s.h = s.kh = s.stride_h = dims == 2 ? in[1] : 1;
  s.w = s.kw = s.stride_w = in.back();
  s.dilation_h = s.dilation_w = 1;
  Shape out{in[0]};
  if (attrs.flag("keepdims", false)) out.resize(in.size(), 1);
  return std::make_unique<PoolSpec>(max, make_pool_shape(s, attrs.op().c_str()), out);
}

template <class T>
PoolOp<T>::PoolOp(const PoolSpec& spec, int) : shape_(spec.shape), max_(spec.max) {}

}  // namespace

std::unique_ptr<OpSpec> make_max_pool2d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return make_pool(true, 2, inputs, attrs);
}

std::unique_ptr<OpSpec> make_avg_pool2d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return make_pool(false, 2, inputs, attrs);
}

std::unique_ptr<OpSpec> make_max_pool1d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return make_pool(true, 1, inputs, attrs);
}

std::unique_ptr<OpSpec> make_avg_pool1d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return make_pool(false, 1, inputs, attrs);
}

std::unique_ptr<OpSpec> make_global_pool2d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return make_global_pool(attrs.op() == "global_max_pool2d", 2, inputs, attrs);
}

std::unique_ptr<OpSpec> make_global_pool1d(const std::vector<Shape>& inputs, Attrs& attrs) {
  return make_global_pool(attrs.op() == "global_max_pool1d", 1, inputs, attrs);
}

}  // namespace nnf
