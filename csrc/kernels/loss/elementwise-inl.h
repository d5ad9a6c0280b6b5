// The losses that go element by element, over vectors and over arrays (contract.h).
//
// One functor a loss. To add one: a functor `loss_<name>`, a line in NNF_ELEMENT_LOSSES (kernels/registry.h), a line in
// the C header's nnf_loss and its name in loss.cpp. A functor has
//
//   value(x, t, o)   f(x, t)
//   slope(x, t, o)   kFactor times this is df/dx
//   kCost            of an element, in parallel_for's unit
//
// A NaN in x or t gives a NaN loss. Blocks, threads and the weights' layout are the driver's (elementwise.cpp).
#ifndef NNF_KERNELS_LOSS_ELEMENTWISE_INL_H
#define NNF_KERNELS_LOSS_ELEMENTWISE_INL_H

#include "kernels/loss/contract.h"
#include "simd/loop-inl.h"
#include "simd/math-inl.h"

namespace nnf {
namespace {

// What else a loss may depend on.
template <class T>
struct LossOptions {
  Vec<T> beta, eps, pos_weight;
  bool log_scale, full;
};

// 1, -1, 0 or NaN.
template <class T>
NNF_INLINE Vec<T> sign_of(Vec<T> d) {
  const Vec<T> one = set1<T>(1);
  return select(gt(d, zero<T>()), one, select(lt(d, zero<T>()), -one, d - d));
}

template <class T>
struct loss_mse {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = 2;
  static constexpr int kCost = 1;
  static NNF_INLINE V value(V x, V t, const O&) {
    const V d = x - t;
    return d * d;
  }
  static NNF_INLINE V slope(V x, V t, const O&) { return x - t; }
};

// Nielsen, "Neural networks and deep learning", 2015, equation 6 (for one example).
template <class T>
struct loss_quadratic {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = 1;
  static constexpr int kCost = 1;
  static NNF_INLINE V value(V x, V t, const O&) {
    const V d = x - t;
    return set1<T>(T(0.5)) * d * d;
  }
  static NNF_INLINE V slope(V x, V t, const O&) { return x - t; }
};

// The slope at 0 is 0.
template <class T>
struct loss_l1 {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = 1;
  static constexpr int kCost = 1;
  static NNF_INLINE V value(V x, V t, const O&) { return abs(x - t); }
  static NNF_INLINE V slope(V x, V t, const O&) { return sign_of(x - t); }
};

// Girshick, "Fast R-CNN", 2015, equation 3, with PyTorch's beta. beta = 0 is the L1 loss: no d is below it.
template <class T>
struct loss_smooth_l1 {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = 1;
  static constexpr int kCost = 2;
  static NNF_INLINE V value(V x, V t, const O& o) {
    const V d = abs(x - t), half = set1<T>(T(0.5));
    return select(lt(d, o.beta), half * d * d / o.beta, d - half * o.beta);
  }
  static NNF_INLINE V slope(V x, V t, const O& o) {
    const V d = x - t;
    return select(lt(abs(d), o.beta), d / o.beta, sign_of(d));
  }
};

// Huber, "Robust estimation of a location parameter", 1964; beta is delta.
template <class T>
struct loss_huber {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = 1;
  static constexpr int kCost = 2;
  static NNF_INLINE V value(V x, V t, const O& o) {
    const V d = abs(x - t), half = set1<T>(T(0.5));
    return select(le(d, o.beta), half * d * d, o.beta * (d - half * o.beta));
  }
  static NNF_INLINE V slope(V x, V t, const O& o) {
    const V d = x - t;
    return min(o.beta, max(-o.beta, d));  // in this order a NaN stays
  }
};

// max(0, 1 - t x); the slope at the bend is 0.
template <class T>
struct loss_hinge {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = 1;
  static constexpr int kCost = 1;
  static NNF_INLINE V value(V x, V t, const O&) { return max(zero<T>(), fnma(t, x, set1<T>(1))); }
  static NNF_INLINE V slope(V x, V t, const O&) {
    return select(le(fnma(t, x, set1<T>(1)), zero<T>()), zero<T>(), -t);
  }
};

// (step(x) - t) x, the perceptron criterion for targets 0 and 1: its slope is what the perceptron rule takes off. 0 where
// the answer is right, also at infinity; a NaN stays one.
template <class T>
struct loss_perceptron {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = 1;
  static constexpr int kCost = 1;
  static NNF_INLINE V value(V x, V t, const O& o) {
    const V d = slope(x, t, o);
    return select(le(abs(d), zero<T>()), min(zero<T>(), abs(x)), d * x);
  }
  static NNF_INLINE V slope(V x, V t, const O&) { return select(le(x, zero<T>()), zero<T>(), set1<T>(1)) - t; }
};

// -(t log x + (1 - t) log(1 - x)) for x in 0..1. PyTorch's bounds: the logarithms are at least -100, and the slope's
// denominator is at least 1e-12.
template <class T>
struct loss_bce {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = 1;
  static constexpr int kCost = 8;
  static NNF_INLINE V value(V x, V t, const O&) {
    const V least = set1<T>(-100), one = set1<T>(1);
    return (t - one) * max(least, log1p(-x)) - t * max(least, log(x));
  }
  static NNF_INLINE V slope(V x, V t, const O&) {
    return (x - t) / max(set1<T>(T(1e-12)), x * (set1<T>(1) - x));
  }
};

// (1 - t) softplus(x) + p t softplus(-x): for t in 0..1 no term is negative, so nothing cancels and nothing overflows.
// The slope is (1 - t) s(x) - p t s(-x), with s(|x|) = 1 / (1 + e) and s(-|x|) = e / (1 + e), e = exp(-|x|).
template <class T>
struct loss_bce_logits {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = 1;
  static constexpr int kCost = 8;
  static NNF_INLINE V value(V x, V t, const O& o) {
    const V l = log1p_to_one(exp_nonpositive(-abs(x)));
    const V up = max(zero<T>(), x) + l, down = max(zero<T>(), -x) + l;
    return fma(set1<T>(1) - t, up, (o.pos_weight * t) * down);
  }
  static NNF_INLINE V slope(V x, V t, const O& o) {
    const V e = exp_nonpositive(-abs(x)), large = set1<T>(1) / (set1<T>(1) + e), small = e * large;
    const Mask<T> negative = lt(x, zero<T>());
    const V up = select(negative, small, large), down = select(negative, large, small);
    return (set1<T>(1) - t) * up - (o.pos_weight * t) * down;
  }
};

// Kullback, Leibler, "On information and sufficiency", 1951: t (log t - x) with x and, where log_target, t logarithms.
// t = 0 has the limit 0.
template <class T>
struct loss_kl_div {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = -1;
  static constexpr int kCost = 5;
  static NNF_INLINE V value(V x, V t, const O& o) {
    if (o.log_scale) return exp(t) * (t - x);
    return t * (select(eq(t, zero<T>()), zero<T>(), log(t)) - x);
  }
  static NNF_INLINE V slope(V, V t, const O& o) { return o.log_scale ? exp(t) : t; }
};

// -log of Poisson's probability of t without the terms of t alone; full: Stirling's t log t - t + log(2 pi t) / 2 for
// log t! where t > 1.
template <class T>
struct loss_poisson_nll {
  using V = Vec<T>;
  using O = LossOptions<T>;
  static constexpr T kFactor = 1;
  static constexpr int kCost = 5;
  static NNF_INLINE V value(V x, V t, const O& o) {
    const V loss = o.log_scale ? fnma(t, x, exp(x)) : fnma(t, log(x + o.eps), x);
    if (!o.full) return loss;
    const V two_pi = set1<T>(T(6.283185307179586476925286766559));
    const V stirling = fma(t, log(t), -t) + set1<T>(T(0.5)) * log(two_pi * t);
    return loss + select(le(t, set1<T>(1)), zero<T>(), stirling);
  }
  static NNF_INLINE V slope(V x, V t, const O& o) {
    return o.log_scale ? exp(x) - t : set1<T>(1) - t / (x + o.eps);
  }
};

// ---------------------------------------------------------------- over arrays

template <class T>
NNF_INLINE LossOptions<T> loss_options(const LossArrays<T>& a) {
  return {set1<T>(a.beta), set1<T>(a.eps), set1<T>(1), a.log_scale, a.full};
}

template <class T, template <class> class Loss>
void element_loss(i64 n, const LossArrays<T>& arrays) {
  const LossArrays<T> a = arrays;
  const LossOptions<T> options = loss_options(a);
  const bool each = a.scale_stride != 0;
  const Vec<T> factor = set1<T>(Loss<T>::kFactor);
  const Vec<T> k = a.gx != nullptr && !each && n > 0 ? factor * set1<T>(*a.scale) : factor;
  const auto body = [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> x = lanes.load(a.x + i), t = lanes.load(a.t + i);
    LossOptions<T> o = options;
    if (a.pos_weight != nullptr) o.pos_weight = lanes.load(a.pos_weight + i);
    Vec<T> value = Loss<T>::value(x, t, o);
    if (a.weight != nullptr) value = value * lanes.load(a.weight + i);
    if (a.gx != nullptr) {
      Vec<T> s = each ? k * lanes.load(a.scale + i) : k;
      if (a.weight != nullptr) s = s * lanes.load(a.weight + i);
      lanes.store(a.gx + i, s * Loss<T>::slope(x, t, o));
    }
    if (a.loss != nullptr) lanes.store(a.loss + i, value);
    return lanes.or_else(value, zero<T>());  // lanes beyond the array hold f(0, 0)
  };
  T total;
  if constexpr (Loss<T>::kCost > 1) {
    total = tree_sum_long_body<T>(n, body);
  } else {
    total = tree_sum<T>(n, body);
  }
  if (a.sum != nullptr) *a.sum = total;
}

template <class T, template <class> class Loss>
void element_loss_backward(i64 n, const LossArrays<T>& arrays) {
  const LossArrays<T> a = arrays;
  const LossOptions<T> options = loss_options(a);
  const bool each = a.scale_stride != 0;
  const Vec<T> factor = set1<T>(Loss<T>::kFactor);
  const Vec<T> k = !each && n > 0 ? factor * set1<T>(*a.scale) : factor;
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    LossOptions<T> o = options;
    if (a.pos_weight != nullptr) o.pos_weight = lanes.load(a.pos_weight + i);
    Vec<T> s = each ? k * lanes.load(a.scale + i) : k;
    if (a.weight != nullptr) s = s * lanes.load(a.weight + i);
    lanes.store(a.gx + i, s * Loss<T>::slope(lanes.load(a.x + i), lanes.load(a.t + i), o));
  });
}

template <class T, template <class> class Loss>
constexpr ElementLossKernels<T> make_element_loss() {
  return {&element_loss<T, Loss>, &element_loss_backward<T, Loss>, Loss<T>::kCost};
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_LOSS_ELEMENTWISE_INL_H
