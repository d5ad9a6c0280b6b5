// Optimizer updates, one pass over parameters, gradients and states. The formulas are in contract.h.
//
// Every operation is rounded once and in the order of the formula (no fused multiply-add), so the results are the same
// bits on every instruction set. Large arrays are bound by memory (SGD moves 12 bytes a float, momentum and RMSprop 20,
// Adam 28), arrays in the cache by one division and one square root an element: nothing is gained by fusing.
//
// A new optimizer: its options and function type in contract.h, a function here, a line in kernels/registry.h.
#ifndef NNF_KERNELS_OPTIM_OPTIM_INL_H
#define NNF_KERNELS_OPTIM_OPTIM_INL_H

#include "kernels/optim/contract.h"
#include "simd/loop-inl.h"

namespace nnf {
namespace {

// A hyperparameter in all lanes, rounded to T once.
template <class T>
NNF_INLINE Vec<T> constant(double x) {
  return set1<T>(static_cast<T>(x));
}

// g' of the contract. Without decay the parameter is not touched: 0 * inf would make a NaN.
template <bool kDecay, class T>
NNF_INLINE Vec<T> decayed(Vec<T> g, Vec<T> p, Vec<T> weight_decay) {
  if constexpr (kDecay) {
    return g + weight_decay * p;
  } else {
    (void)p;
    (void)weight_decay;
    return g;
  }
}

template <class T, bool kDecay>
inline void sgd_plain(i64 n, T* param, const T* grad, const SgdOptions& o) {
  const Vec<T> lr = constant<T>(o.lr), wd = constant<T>(o.weight_decay);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> p = lanes.load(param + i);
    lanes.store(param + i, p - lr * decayed<kDecay>(lanes.load(grad + i), p, wd));
  });
}

template <class T, bool kDecay, bool kFirst, bool kNesterov>
inline void sgd_momentum(i64 n, T* param, const T* grad, T* buf, const SgdOptions& o) {
  const Vec<T> lr = constant<T>(o.lr), wd = constant<T>(o.weight_decay);
  const Vec<T> momentum = constant<T>(o.momentum), fresh = constant<T>(1.0 - o.dampening);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> p = lanes.load(param + i);
    const Vec<T> g = decayed<kDecay>(lanes.load(grad + i), p, wd);
    Vec<T> b = g;
    if constexpr (!kFirst) b = momentum * lanes.load(buf + i) + fresh * g;
    lanes.store(buf + i, b);
    if constexpr (kNesterov) b = g + momentum * b;
    lanes.store(param + i, p - lr * b);
  });
}

template <class T, bool kDecay>
inline void sgd_any(i64 n, T* param, const T* grad, T* buf, const SgdOptions& o) {
  if (buf == nullptr) return sgd_plain<T, kDecay>(n, param, grad, o);
  if (o.first_step) {
    if (o.nesterov) return sgd_momentum<T, kDecay, true, true>(n, param, grad, buf, o);
    return sgd_momentum<T, kDecay, true, false>(n, param, grad, buf, o);
  }
  if (o.nesterov) return sgd_momentum<T, kDecay, false, true>(n, param, grad, buf, o);
  return sgd_momentum<T, kDecay, false, false>(n, param, grad, buf, o);
}

template <class T>
void sgd_step(i64 n, T* param, const T* grad, T* buf, const SgdOptions& o) {
  if (o.weight_decay != 0) return sgd_any<T, true>(n, param, grad, buf, o);
  sgd_any<T, false>(n, param, grad, buf, o);
}

template <class T, bool kDecay, bool kCentered, bool kMomentum>
inline void rmsprop_any(i64 n, T* param, const T* grad, T* square_avg, T* grad_avg, T* buf, const RmspropOptions& o) {
  const Vec<T> lr = constant<T>(o.lr), wd = constant<T>(o.weight_decay), eps = constant<T>(o.eps);
  const Vec<T> alpha = constant<T>(o.alpha), fresh = constant<T>(1.0 - o.alpha), momentum = constant<T>(o.momentum);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> p = lanes.load(param + i);
    const Vec<T> g = decayed<kDecay>(lanes.load(grad + i), p, wd);
    const Vec<T> s = alpha * lanes.load(square_avg + i) + fresh * (g * g);
    lanes.store(square_avg + i, s);
    Vec<T> variance = s;
    if constexpr (kCentered) {
      Vec<T> a = lanes.load(grad_avg + i);
      a = a + fresh * (g - a);
      lanes.store(grad_avg + i, a);
      variance = max(zero<T>(), s - a * a);  // a gradient that stays the same would leave minus a rounding
    } else {
      (void)grad_avg;
    }
    if constexpr (kMomentum) {
      const Vec<T> b = momentum * lanes.load(buf + i) + g / (sqrt(variance) + eps);
      lanes.store(buf + i, b);
      lanes.store(param + i, p - lr * b);
    } else {
      (void)buf;
      (void)momentum;
      lanes.store(param + i, p - lr * g / (sqrt(variance) + eps));
    }
  });
}

template <class T, bool kDecay>
inline void rmsprop_kind(i64 n, T* param, const T* grad, T* square_avg, T* grad_avg, T* buf, const RmspropOptions& o) {
  if (grad_avg != nullptr) {
    if (buf != nullptr) return rmsprop_any<T, kDecay, true, true>(n, param, grad, square_avg, grad_avg, buf, o);
    return rmsprop_any<T, kDecay, true, false>(n, param, grad, square_avg, grad_avg, buf, o);
  }
  if (buf != nullptr) return rmsprop_any<T, kDecay, false, true>(n, param, grad, square_avg, grad_avg, buf, o);
  rmsprop_any<T, kDecay, false, false>(n, param, grad, square_avg, grad_avg, buf, o);
}

template <class T>
void rmsprop_step(i64 n, T* param, const T* grad, T* square_avg, T* grad_avg, T* buf, const RmspropOptions& o) {
  if (o.weight_decay != 0) return rmsprop_kind<T, true>(n, param, grad, square_avg, grad_avg, buf, o);
  rmsprop_kind<T, false>(n, param, grad, square_avg, grad_avg, buf, o);
}

template <class T, bool kDecay>
inline void adagrad_any(i64 n, T* param, const T* grad, T* sum, const AdagradOptions& o) {
  const Vec<T> lr = constant<T>(o.lr), wd = constant<T>(o.weight_decay), eps = constant<T>(o.eps);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> p = lanes.load(param + i);
    const Vec<T> g = decayed<kDecay>(lanes.load(grad + i), p, wd);
    const Vec<T> s = lanes.load(sum + i) + g * g;
    lanes.store(sum + i, s);
    lanes.store(param + i, p - lr * g / (sqrt(s) + eps));
  });
}

template <class T>
void adagrad_step(i64 n, T* param, const T* grad, T* sum, const AdagradOptions& o) {
  if (o.weight_decay != 0) return adagrad_any<T, true>(n, param, grad, sum, o);
  adagrad_any<T, false>(n, param, grad, sum, o);
}

template <class T, bool kDecay>
inline void adadelta_any(i64 n, T* param, const T* grad, T* square_avg, T* acc_delta, const AdadeltaOptions& o) {
  const Vec<T> lr = constant<T>(o.lr), wd = constant<T>(o.weight_decay), eps = constant<T>(o.eps);
  const Vec<T> rho = constant<T>(o.rho), fresh = constant<T>(1.0 - o.rho);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> p = lanes.load(param + i);
    const Vec<T> g = decayed<kDecay>(lanes.load(grad + i), p, wd);
    const Vec<T> u = lanes.load(acc_delta + i);
    const Vec<T> s = rho * lanes.load(square_avg + i) + fresh * (g * g);
    const Vec<T> d = sqrt(u + eps) / sqrt(s + eps) * g;
    lanes.store(square_avg + i, s);
    lanes.store(acc_delta + i, rho * u + fresh * (d * d));
    lanes.store(param + i, p - lr * d);
  });
}

template <class T>
void adadelta_step(i64 n, T* param, const T* grad, T* square_avg, T* acc_delta, const AdadeltaOptions& o) {
  if (o.weight_decay != 0) return adadelta_any<T, true>(n, param, grad, square_avg, acc_delta, o);
  adadelta_any<T, false>(n, param, grad, square_avg, acc_delta, o);
}

// What weight decay does to Adam's family: nothing, an L2 penalty in the gradient, or a shrinking of the parameter.
enum class Decay { none, penalty, shrink };

template <class T, Decay kDecay, bool kAmsgrad>
inline void adam_any(i64 n, T* param, const T* grad, T* m, T* v, T* max_v, const AdamOptions& o) {
  const Vec<T> step_size = constant<T>(o.step_size), wd = constant<T>(o.weight_decay), eps = constant<T>(o.eps);
  const Vec<T> fresh1 = constant<T>(1.0 - o.beta1), beta2 = constant<T>(o.beta2), fresh2 = constant<T>(1.0 - o.beta2);
  const Vec<T> shrink = constant<T>(o.shrink);
  // sqrt(v) / bias2_sqrt as a product: a second division would double the time in the cache for half an ULP.
  const Vec<T> root_scale = constant<T>(1.0 / o.bias2_sqrt);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    Vec<T> p = lanes.load(param + i);
    const Vec<T> g = decayed<kDecay == Decay::penalty>(lanes.load(grad + i), p, wd);
    if constexpr (kDecay == Decay::shrink) p = p * shrink;
    Vec<T> mi = lanes.load(m + i);
    mi = mi + fresh1 * (g - mi);
    Vec<T> vi = beta2 * lanes.load(v + i) + fresh2 * (g * g);
    lanes.store(m + i, mi);
    lanes.store(v + i, vi);
    if constexpr (kAmsgrad) {
      vi = max(lanes.load(max_v + i), vi);
      lanes.store(max_v + i, vi);
    } else {
      (void)max_v;
    }
    (void)shrink;
    lanes.store(param + i, p - step_size * mi / (sqrt(vi) * root_scale + eps));
  });
}

template <class T, Decay kDecay>
inline void adam_kind(i64 n, T* param, const T* grad, T* m, T* v, T* max_v, const AdamOptions& o) {
  if (max_v != nullptr) return adam_any<T, kDecay, true>(n, param, grad, m, v, max_v, o);
  adam_any<T, kDecay, false>(n, param, grad, m, v, max_v, o);
}

template <class T>
void adam_step(i64 n, T* param, const T* grad, T* m, T* v, T* max_v, const AdamOptions& o) {
  if (o.shrink != 1) return adam_kind<T, Decay::shrink>(n, param, grad, m, v, max_v, o);
  if (o.weight_decay != 0) return adam_kind<T, Decay::penalty>(n, param, grad, m, v, max_v, o);
  adam_kind<T, Decay::none>(n, param, grad, m, v, max_v, o);
}

template <class T, Decay kDecay>
inline void nadam_any(i64 n, T* param, const T* grad, T* m, T* v, const NadamOptions& o) {
  const Vec<T> grad_size = constant<T>(o.grad_size), moment_size = constant<T>(o.moment_size);
  const Vec<T> wd = constant<T>(o.weight_decay), eps = constant<T>(o.eps), shrink = constant<T>(o.shrink);
  const Vec<T> fresh1 = constant<T>(1.0 - o.beta1), beta2 = constant<T>(o.beta2), fresh2 = constant<T>(1.0 - o.beta2);
  const Vec<T> root_scale = constant<T>(1.0 / o.bias2_sqrt);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    Vec<T> p = lanes.load(param + i);
    const Vec<T> g = decayed<kDecay == Decay::penalty>(lanes.load(grad + i), p, wd);
    if constexpr (kDecay == Decay::shrink) p = p * shrink;
    Vec<T> mi = lanes.load(m + i);
    mi = mi + fresh1 * (g - mi);
    const Vec<T> vi = beta2 * lanes.load(v + i) + fresh2 * (g * g);
    lanes.store(m + i, mi);
    lanes.store(v + i, vi);
    (void)shrink;
    lanes.store(param + i, p - (grad_size * g + moment_size * mi) / (sqrt(vi) * root_scale + eps));
  });
}

template <class T>
void nadam_step(i64 n, T* param, const T* grad, T* m, T* v, const NadamOptions& o) {
  if (o.shrink != 1) return nadam_any<T, Decay::shrink>(n, param, grad, m, v, o);
  if (o.weight_decay != 0) return nadam_any<T, Decay::penalty>(n, param, grad, m, v, o);
  nadam_any<T, Decay::none>(n, param, grad, m, v, o);
}

template <class T>
T absolute_sum_part(i64 n, const T* w) {
  return tree_sum<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { return abs(lanes.load(w + i)); });
}

template <class T>
T square_sum_part(i64 n, const T* w) {
  return tree_sum<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> v = lanes.load(w + i);
    return v * v;
  });
}

template <class T>
void penalty_slope(i64 n, const T* w, T l1, T slope, T* g) {
  const Vec<T> s = set1<T>(slope);
  if (l1 == T{0}) {
    for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      lanes.store(g + i, lanes.load(g + i) + s * lanes.load(w + i));
    });
    return;
  }
  const Vec<T> up = set1<T>(l1);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> v = lanes.load(w + i);
    const Vec<T> sign = select(gt(v, zero<T>()), up, select(lt(v, zero<T>()), -up, zero<T>()));
    lanes.store(g + i, lanes.load(g + i) + (sign + s * v));
  });
}

template <class T>
i64 perceptron_pass(i64 n, i64 features, T* weight, T* bias, const T* x, const T* target, double lr) {
  i64 errors = 0;
  for (i64 s = 0; s < n; ++s) {
    const T* row = x + s * features;
    const T activity = *bias + tree_sum<T>(features, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      return lanes.load(weight + i) * lanes.load(row + i);
    });
    const T error = target[s] - (activity > T{0} ? T{1} : T{0});
    if (error == T{0}) continue;
    ++errors;
    const T change = static_cast<T>(lr) * error;
    const Vec<T> d = set1<T>(change);
    for_each_vector<T>(features, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      lanes.store(weight + i, lanes.load(weight + i) + d * lanes.load(row + i));
    });
    *bias += change;
  }
  return errors;
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_OPTIM_OPTIM_INL_H
