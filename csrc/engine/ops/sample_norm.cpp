// Normalisations within a sample: over its last axes (Ba, Kiros, Hinton 2016) or over groups of its channels (Wu, He 2018).
#include <cmath>

#include "base/error.h"
#include "engine/ops/channels.h"
#include "engine/ops/families.h"
#include "kernels/norm/norm.h"

namespace nnf {
namespace {

double read_eps(Attrs& attrs) {
  const double eps = attrs.number("eps", 1e-5);
  if (!(eps >= 0) || std::isinf(eps)) {
    throw_invalid("%s: eps: expected a finite number >= 0, got %g", attrs.op().c_str(), eps);
  }
  return eps;
}

// ---------------------------------------------------------------- layer_norm

class LayerNormSpec;

template <class T>
class LayerNormOp final : public Op<T> {
 public:
  LayerNormOp(const LayerNormSpec& spec, int);
  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::plain;
    t.in_place = true;
    t.backward_needs_input = true;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    layer_norm_forward<T>(a.n * rows_, len_, a.x[0], affine_ ? a.params[0] : nullptr, bias_ ? a.params[1] : nullptr,
                          eps_, a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    layer_norm_backward<T>(a.n * rows_, len_, a.g, a.x[0], affine_ ? a.params[0] : nullptr, eps_, a.gx[0],
                           affine_ ? a.gparams[0] : nullptr, bias_ ? a.gparams[1] : nullptr, a.accumulate);
  }

 private:
  i64 rows_, len_;  // rows a sample
  bool affine_, bias_;
  double eps_;
};

class LayerNormSpec final : public OpSpec {
 public:
  LayerNormSpec(const std::vector<Shape>& inputs, Attrs& attrs)
      : shape(only_input(attrs, inputs)),
        eps(read_eps(attrs)),
        affine(attrs.flag("elementwise_affine", true)),
        bias(attrs.flag("bias", true) && affine) {
    const i64 axes = attrs.integer("axes", 1);
    if (axes < 1 || axes > static_cast<i64>(shape.size())) {
      throw_invalid("layer_norm: axes: expected 1..%d, got %lld", static_cast<int>(shape.size()),
                    static_cast<long long>(axes));
    }
    normalized.assign(shape.end() - axes, shape.end());
    len = element_count(normalized);
  }
  Shape output_shape() const override { return shape; }
  std::vector<ParamSpec> params() const override {
    std::vector<i64> strides(normalized.size(), 1);
    for (std::size_t i = normalized.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * normalized[i + 1];
    std::vector<ParamSpec> p;
    if (affine) p.push_back({"weight", normalized, strides, len});
    if (bias) p.push_back({"bias", normalized, strides, len});
    return p;
  }
  NNF_MAKES_OP(LayerNormOp)

  Shape shape, normalized;
  double eps;
  bool affine, bias;
  i64 len;
};

template <class T>
LayerNormOp<T>::LayerNormOp(const LayerNormSpec& spec, int)
    : rows_(element_count(spec.shape) / spec.len), len_(spec.len), affine_(spec.affine), bias_(spec.bias),
      eps_(spec.eps) {}

// ---------------------------------------------------------------- group_norm

class GroupNormSpec;

template <class T>
class GroupNormOp final : public Op<T> {
 public:
  GroupNormOp(const GroupNormSpec& spec, int);
  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::channels_last;
    t.in_place = true;
    t.backward_needs_input = true;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    T* buffer = ch_.template scratch<T>(a.n, 1);
    const T* x = ch_.rows_of(a.n, a.x[0], buffer);
    group_norm_forward<T>(a.n, ch_.inner, ch_.c, groups_, x, affine_ ? a.params[0] : nullptr,
                          affine_ ? a.params[1] : nullptr, eps_, buffer != nullptr ? buffer : a.y);
    ch_.put_back(a.n, buffer, a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    T* buffer = ch_.template scratch<T>(a.n, 2);
    T* g_buffer = buffer != nullptr ? buffer + a.n * ch_.inner * ch_.c : nullptr;
    const T* x = ch_.rows_of(a.n, a.x[0], buffer);
    const T* g = ch_.rows_of(a.n, static_cast<const T*>(a.g), g_buffer);
    T* gx = a.gx[0] == nullptr ? nullptr : buffer != nullptr ? g_buffer : a.gx[0];
    group_norm_backward<T>(a.n, ch_.inner, ch_.c, groups_, g, x, affine_ ? a.params[0] : nullptr, eps_, gx,
                           affine_ ? a.gparams[0] : nullptr, affine_ ? a.gparams[1] : nullptr, a.accumulate);
    if (a.gx[0] != nullptr) ch_.put_back(a.n, g_buffer, a.gx[0]);
  }

 private:
  Channels ch_;
  i64 groups_;
  bool affine_;
  double eps_;
};

class GroupNormSpec final : public OpSpec {
 public:
  GroupNormSpec(const std::vector<Shape>& inputs, Attrs& attrs)
      : shape(only_input(attrs, inputs)),
        groups(attrs.integer("num_groups")),
        eps(read_eps(attrs)),
        affine(attrs.flag("affine", true)) {
    if (groups < 1 || shape[0] % groups != 0) {
      throw_invalid("group_norm: num_groups: expected a divisor of the %lld channels, got %lld",
                    static_cast<long long>(shape[0]), static_cast<long long>(groups));
    }
  }
  Shape output_shape() const override { return shape; }
  std::vector<ParamSpec> params() const override {
    if (!affine) return {};
    return {{"weight", {shape[0]}, {1}, shape[0]}, {"bias", {shape[0]}, {1}, shape[0]}};
  }
  NNF_MAKES_OP(GroupNormOp)

  Shape shape;
  i64 groups;
  double eps;
  bool affine;
};

template <class T>
GroupNormOp<T>::GroupNormOp(const GroupNormSpec& spec, int)
    : ch_(spec.shape), groups_(spec.groups), affine_(spec.affine), eps_(spec.eps) {}

}  // namespace

std::unique_ptr<OpSpec> make_layer_norm(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<LayerNormSpec>(inputs, attrs);
}
std::unique_ptr<OpSpec> make_group_norm(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<GroupNormSpec>(inputs, attrs);
}

}  // namespace nnf
