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

template <class T, bool kDecay>
inline void rmsprop_any(i64 n, T* param, const T* grad, T* square_avg, const RmspropOptions& o) {
  const Vec<T> lr = constant<T>(o.lr), wd = constant<T>(o.weight_decay), eps = constant<T>(o.eps);
  const Vec<T> alpha = constant<T>(o.alpha), fresh = constant<T>(1.0 - o.alpha);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> p = lanes.load(param + i);
    const Vec<T> g = decayed<kDecay>(lanes.load(grad + i), p, wd);
    const Vec<T> s = alpha * lanes.load(square_avg + i) + fresh * (g * g);
    lanes.store(square_avg + i, s);
    lanes.store(param + i, p - lr * g / (sqrt(s) + eps));
  });
}

template <class T>
void rmsprop_step(i64 n, T* param, const T* grad, T* square_avg, const RmspropOptions& o) {
  if (o.weight_decay != 0) return rmsprop_any<T, true>(n, param, grad, square_avg, o);
  rmsprop_any<T, false>(n, param, grad, square_avg, o);
}

template <class T, bool kDecay>
inline void adam_any(i64 n, T* param, const T* grad, T* m, T* v, const AdamOptions& o) {
  const Vec<T> step_size = constant<T>(o.step_size), wd = constant<T>(o.weight_decay), eps = constant<T>(o.eps);
  const Vec<T> fresh1 = constant<T>(1.0 - o.beta1), beta2 = constant<T>(o.beta2), fresh2 = constant<T>(1.0 - o.beta2);
  // sqrt(v) / bias2_sqrt as a product: a second division would double the time in the cache for half an ULP.
  const Vec<T> root_scale = constant<T>(1.0 / o.bias2_sqrt);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> p = lanes.load(param + i);
    const Vec<T> g = decayed<kDecay>(lanes.load(grad + i), p, wd);
    Vec<T> mi = lanes.load(m + i);
    mi = mi + fresh1 * (g - mi);
    const Vec<T> vi = beta2 * lanes.load(v + i) + fresh2 * (g * g);
    lanes.store(m + i, mi);
    lanes.store(v + i, vi);
    lanes.store(param + i, p - step_size * mi / (sqrt(vi) * root_scale + eps));
  });
}

template <class T>
void adam_step(i64 n, T* param, const T* grad, T* m, T* v, const AdamOptions& o) {
  if (o.weight_decay != 0) return adam_any<T, true>(n, param, grad, m, v, o);
  adam_any<T, false>(n, param, grad, m, v, o);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_OPTIM_OPTIM_INL_H
