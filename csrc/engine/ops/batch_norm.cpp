// Batch normalisation (Ioffe, Szegedy 2015), and the normalisation of inputs by constants. Their statistics are arrays of
// the model that no optimizer touches.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "engine/ops/channels.h"
#include "engine/ops/families.h"
#include "kernels/norm/norm.h"

namespace nnf {
namespace {

// ---------------------------------------------------------------- batch_norm

class BatchNormSpec;

template <class T>
class BatchNormOp final : public Op<T> {
 public:
  BatchNormOp(const BatchNormSpec& spec, int);

  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::channels_last;
    t.in_place = true;
    t.backward_needs_input = true;
    return t;
  }

  void forward(const ForwardArgs<T>& a) override {
    const i64 rows = a.n * ch_.inner, c = ch_.c;
    const bool own = a.run.training || !tracks_;
    if (a.run.training && rows == 1) {
      throw_invalid("batch_norm: x: expected more than 1 value per channel when training, got 1");
    }
    if (rows == 0) return;
    T* buffer = ch_.template scratch<T>(a.n, 1);
    const T* x = ch_.rows_of(a.n, a.x[0], buffer);
    if (own) {
      channel_moments<T>(rows, c, x, mean_.data(), variance_.data());
      if (a.run.training && tracks_) {
        T* batches = a.buffers[2];
        batches[0] += T(1);
        const double factor = cumulative_ ? 1.0 / static_cast<double>(batches[0]) : momentum_;
        update_running<T>(rows, c, factor, mean_.data(), variance_.data(), a.buffers[0], a.buffers[1]);
      }
    } else {
      std::copy_n(a.buffers[0], c, mean_.data());
      std::copy_n(a.buffers[1], c, variance_.data());
    }
    inverse_deviation<T>(c, variance_.data(), eps_, rstd_.data());
    batch_norm_forward<T>(rows, c, x, mean_.data(), rstd_.data(), affine_ ? a.params[0] : nullptr,
                          affine_ ? a.params[1] : nullptr, buffer != nullptr ? buffer : a.y);
    ch_.put_back(a.n, buffer, a.y);
  }

  // With the mean and rstd that the forward left: the batch's own, or where the node is frozen the running ones.
  void backward(const BackwardArgs<T>& a) override {
    const i64 rows = a.n * ch_.inner;
    T* buffer = ch_.template scratch<T>(a.n, 2);
    T* g_buffer = buffer != nullptr ? buffer + rows * ch_.c : nullptr;
    const T* x = ch_.rows_of(a.n, a.x[0], buffer);
    const T* g = ch_.rows_of(a.n, static_cast<const T*>(a.g), g_buffer);
    T* gx = a.gx[0] == nullptr ? nullptr : buffer != nullptr ? g_buffer : a.gx[0];
    batch_norm_backward<T>(rows, ch_.c, g, x, mean_.data(), rstd_.data(), affine_ ? a.params[0] : nullptr,
                           a.run.training || !tracks_, gx, affine_ ? a.gparams[0] : nullptr, affine_ ? a.gparams[1] : nullptr, a.accumulate);
    if (a.gx[0] != nullptr) ch_.put_back(a.n, g_buffer, a.gx[0]);
  }

 private:
  Channels ch_;
  double eps_, momentum_;
  bool cumulative_, affine_, tracks_;
  std::vector<T> mean_, variance_, rstd_;  // of the last forward
};

class BatchNormSpec final : public OpSpec {
 public:
  BatchNormSpec(const std::vector<Shape>& inputs, Attrs& attrs)
      : shape(only_input(attrs, inputs)),
        eps(attrs.number("eps", 1e-5)),
        momentum(attrs.number("momentum", 0.1)),
        cumulative(attrs.flag("cumulative", false)),
        affine(attrs.flag("affine", true)),
        tracks(attrs.flag("track_running_stats", true)) {
    if (!(eps >= 0) || std::isinf(eps)) throw_invalid("batch_norm: eps: expected a finite number >= 0, got %g", eps);
    if (!std::isfinite(momentum)) throw_invalid("batch_norm: momentum: expected a finite number, got %g", momentum);
  }
  Shape output_shape() const override { return shape; }
  std::vector<ParamSpec> params() const override {
    const i64 c = shape[0];
    std::vector<ParamSpec> p;
    if (affine) p = {{"weight", {c}, {1}, c}, {"bias", {c}, {1}, c}};
    if (tracks) {
      p.push_back({"running_mean", {c}, {1}, c, false});
      p.push_back({"running_var", {c}, {1}, c, false});
      p.push_back({"num_batches_tracked", {}, {}, 1, false});
    }
    return p;
  }
  NNF_MAKES_OP(BatchNormOp)

  Shape shape;
  double eps, momentum;
  bool cumulative, affine, tracks;
};

template <class T>
BatchNormOp<T>::BatchNormOp(const BatchNormSpec& spec, int)
    : ch_(spec.shape),
      eps_(spec.eps),
      momentum_(spec.momentum),
      cumulative_(spec.cumulative),
      affine_(spec.affine),
      tracks_(spec.tracks),
      mean_(static_cast<std::size_t>(ch_.c)),
      variance_(mean_),
      rstd_(mean_) {}

// ---------------------------------------------------------------- normalize

class NormalizeSpec;

// y = (x - mean) / std, a mean and a standard deviation a channel.
template <class T>
class NormalizeOp final : public Op<T> {
 public:
  NormalizeOp(const NormalizeSpec& spec, int);
  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::channels_last;
    t.in_place = true;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    const T* std_ = a.buffers[1];
    for (i64 j = 0; j < ch_.c; ++j) inverse_[static_cast<std::size_t>(j)] = T(1) / std_[j];
    apply(a.n, a.x[0], a.buffers[0], a.y);
  }
  // The constants are those of the forward before it.
  void backward(const BackwardArgs<T>& a) override {
    if (a.gx[0] != nullptr) apply(a.n, a.g, zeros_.data(), a.gx[0]);
  }

 private:
  void apply(i64 n, const T* x, const T* mean, T* y) {
    T* buffer = ch_.template scratch<T>(n, 1);
    const T* rows = ch_.rows_of(n, x, buffer);
    batch_norm_forward<T>(n * ch_.inner, ch_.c, rows, mean, inverse_.data(), nullptr, nullptr,
                          buffer != nullptr ? buffer : y);
    ch_.put_back(n, buffer, y);
  }
  Channels ch_;
  std::vector<T> inverse_, zeros_;
};

class NormalizeSpec final : public OpSpec {
 public:
  NormalizeSpec(const std::vector<Shape>& inputs, Attrs& attrs) : shape(only_input(attrs, inputs)) {}
  Shape output_shape() const override { return shape; }
  std::vector<ParamSpec> params() const override {
    return {{"mean", {shape[0]}, {1}, shape[0], false}, {"std", {shape[0]}, {1}, shape[0], false}};
  }
  NNF_MAKES_OP(NormalizeOp)
  Shape shape;
};

template <class T>
NormalizeOp<T>::NormalizeOp(const NormalizeSpec& spec, int)
    : ch_(spec.shape), inverse_(static_cast<std::size_t>(ch_.c)), zeros_(inverse_) {}

}  // namespace

std::unique_ptr<OpSpec> make_batch_norm(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<BatchNormSpec>(inputs, attrs);
}
std::unique_ptr<OpSpec> make_normalize(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<NormalizeSpec>(inputs, attrs);
}

}  // namespace nnf
