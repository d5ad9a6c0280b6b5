// Several updates in a row of the same few parameters, which stay in registers meanwhile (contract.h).
//
// The same operations in the same order as adam_step and sgd_step with the penalty's slope added before, so the same bits.
// A step is one chain of dependent operations with a root and a division in it: several vectors go side by side.
#ifndef NNF_KERNELS_OPTIM_REPLAY_INL_H
#define NNF_KERNELS_OPTIM_REPLAY_INL_H

#include "kernels/optim/optim-inl.h"

namespace nnf {
namespace {

constexpr int kReplayVectors = kMixedVectors > 1 ? 4 : 2;  // three or two registers each

// The loss's gradient, where there is one, and the penalties' part of it.
template <class T>
NNF_INLINE Vec<T> replay_gradient(const ReplayStep<T>& s, Vec<T> p, Vec<T> g) {
  if (s.slope != T(0)) g = g + set1<T>(s.slope) * p;
  if (s.weight_decay != T(0)) g = g + set1<T>(s.weight_decay) * p;
  return g;
}

template <class T>
struct AdamReplay {
  const AdamOptions& o;
  T *first, *second;  // m, v

  NNF_INLINE Vec<T> apply(const ReplayStep<T>& s, Vec<T> p, Vec<T> g, Vec<T>& m, Vec<T>& v) const {
    m = m + constant<T>(1.0 - o.beta1) * (g - m);
    v = constant<T>(o.beta2) * v + constant<T>(1.0 - o.beta2) * (g * g);
    p = p * set1<T>(s.shrink);
    return p - set1<T>(s.step_size) * m / (sqrt(v) * set1<T>(s.root_scale) + set1<T>(s.eps));
  }
};

template <class T>
struct SgdReplay {
  const SgdOptions& o;
  T *first, *second;  // the buffer, null without momentum; nothing

  NNF_INLINE Vec<T> apply(const ReplayStep<T>& s, Vec<T> p, Vec<T> g, Vec<T>& b, Vec<T>&) const {
    if (first != nullptr) {
      b = constant<T>(o.momentum) * b + constant<T>(1.0 - o.dampening) * g;
      g = o.nesterov ? g + constant<T>(o.momentum) * b : b;
    }
    return p - set1<T>(s.step_size) * g;
  }
};

// U vectors from element i on, of the last one `tail` elements.
template <class T, int U, class Rule>
NNF_INLINE void replay_panel(i64 i, i64 tail, i64 steps, T* param, const T* grad, const Rule& rule,
                             const ReplayStep<T>* step, T* squares) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> p[U], a[U], b[U];
  const auto lanes = [&](int u) { return u == U - 1 ? tail : N; };
  for (int u = 0; u < U; ++u) {
    const i64 k = i + u * N;
    p[u] = load_n<T>(param + k, lanes(u));
    a[u] = rule.first != nullptr ? load_n<T>(rule.first + k, lanes(u)) : zero<T>();
    b[u] = rule.second != nullptr ? load_n<T>(rule.second + k, lanes(u)) : zero<T>();
  }
  for (i64 s = 0; s < steps; ++s) {
    Vec<T> sum = load<T>(squares + s * kReplayLanes);
    for (int u = 0; u < U; ++u) sum = sum + p[u] * p[u];
    store(squares + s * kReplayLanes, sum);
    const bool last = grad != nullptr && s == steps - 1;
    for (int u = 0; u < U; ++u) {
      const Vec<T> g = last ? load_n<T>(grad + i + u * N, lanes(u)) : zero<T>();
      p[u] = rule.apply(step[s], p[u], replay_gradient<T>(step[s], p[u], g), a[u], b[u]);
    }
  }
  for (int u = 0; u < U; ++u) {
    const i64 k = i + u * N;
    store_n(param + k, p[u], lanes(u));
    if (rule.first != nullptr) store_n(rule.first + k, a[u], lanes(u));
    if (rule.second != nullptr) store_n(rule.second + k, b[u], lanes(u));
  }
}

// The vectors that are left, found by counting U down.
template <class T, int U, class Rule>
inline void replay_rest(i64 i, i64 n, i64 steps, T* param, const T* grad, const Rule& rule, const ReplayStep<T>* step,
                        T* squares) {
  constexpr i64 N = Vec<T>::N;
  if constexpr (U > 1) {
    if (n - i <= (U - 1) * N) return replay_rest<T, U - 1>(i, n, steps, param, grad, rule, step, squares);
  }
  replay_panel<T, U>(i, n - i - (U - 1) * N, steps, param, grad, rule, step, squares);
}

template <class T, class Rule>
inline void replay(i64 n, i64 steps, T* param, const T* grad, const Rule& rule, const ReplayStep<T>* step, T* squares) {
  constexpr i64 N = Vec<T>::N, kPanel = kReplayVectors * N;
  i64 i = 0;
  for (; i + kPanel < n; i += kPanel) {
    replay_panel<T, kReplayVectors>(i, N, steps, param, grad, rule, step, squares);
  }
  if (i < n) replay_rest<T, kReplayVectors>(i, n, steps, param, grad, rule, step, squares);
}

template <class T>
void adam_replay(i64 n, i64 steps, T* param, const T* grad, T* m, T* v, const AdamOptions& o,
                 const ReplayStep<T>* step, T* squares) {
  replay(n, steps, param, grad, AdamReplay<T>{o, m, v}, step, squares);
}

template <class T>
void sgd_replay(i64 n, i64 steps, T* param, const T* grad, T* buf, const SgdOptions& o, const ReplayStep<T>* step,
                T* squares) {
  replay(n, steps, param, grad, SgdReplay<T>{o, buf, nullptr}, step, squares);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_OPTIM_REPLAY_INL_H
