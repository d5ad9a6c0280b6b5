// Several updates in a row of the same few parameters, which stay in registers meanwhile (contract.h).
//
// The same operations in the same order as adam_step and sgd_step with the penalty's slope added before: the same bits.
// A step is one chain of dependent operations with a root and a division in it: several vectors go side by side.
#ifndef NNF_KERNELS_OPTIM_REPLAY_INL_H
#define NNF_KERNELS_OPTIM_REPLAY_INL_H

#include "kernels/optim/optim-inl.h"

namespace nnf {
namespace {

constexpr int kReplayVectors = kMixedVectors > 1 ? 8 : 4;  // three or two registers each: hides the root's latency

// Constants in registers: the compiler cannot know that the stores of a step leave the options alone.
template <class T>
struct AdamReplay {
  T *first, *second;  // m, v
  Vec<T> fresh1, beta2, fresh2;

  struct Now {
    Vec<T> step_size, root_scale, eps, shrink;
  };
  static NNF_INLINE Now now(const ReplayStep<T>& s) {
    return {set1<T>(s.step_size), set1<T>(s.root_scale), set1<T>(s.eps), set1<T>(s.shrink)};
  }
  NNF_INLINE Vec<T> apply(const Now& now, Vec<T> p, Vec<T> g, Vec<T>& m, Vec<T>& v) const {
    m = m + fresh1 * (g - m);
    v = beta2 * v + fresh2 * (g * g);
    return p * now.shrink - now.step_size * m / (sqrt(v) * now.root_scale + now.eps);
  }
};

enum class Momentum { none, heavy, nesterov };

template <class T, Momentum kMomentum>
struct SgdReplay {
  T *first, *second;  // the buffer, null without momentum; nothing
  Vec<T> momentum, fresh;

  struct Now {
    Vec<T> lr;
  };
  static NNF_INLINE Now now(const ReplayStep<T>& s) { return {set1<T>(s.step_size)}; }
  NNF_INLINE Vec<T> apply(const Now& now, Vec<T> p, Vec<T> g, Vec<T>& b, Vec<T>&) const {
    if constexpr (kMomentum != Momentum::none) {
      b = momentum * b + fresh * g;
      g = kMomentum == Momentum::nesterov ? g + momentum * b : b;
    }
    return p - now.lr * g;
  }
};

// U vectors from element i on, of the last one `tail` elements.
template <class T, int U, class Rule>
NNF_INLINE void replay_panel(i64 i, i64 tail, i64 steps, T* param, const T* grad, const Rule rule,
                             const ReplayStep<T>* step, T* squares) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> p[U], a[U], b[U];
  const auto lanes = [=](int u) NNF_LAMBDA_INLINE { return u == U - 1 ? tail : N; };
  for (int u = 0; u < U; ++u) {
    const i64 k = i + u * N;
    p[u] = load_n<T>(param + k, lanes(u));
    a[u] = rule.first != nullptr ? load_n<T>(rule.first + k, lanes(u)) : zero<T>();
    b[u] = rule.second != nullptr ? load_n<T>(rule.second + k, lanes(u)) : zero<T>();
  }
  for (i64 s = 0; s < steps; ++s) {
    const auto now = Rule::now(step[s]);
    const T slope = step[s].slope, weight_decay = step[s].weight_decay;
    const bool last = grad != nullptr && s == steps - 1;
    Vec<T> sum = load<T>(squares + s * kReplayLanes), g[U];
    for (int u = 0; u < U; ++u) {
      sum = sum + p[u] * p[u];
      g[u] = last ? load_n<T>(grad + i + u * N, lanes(u)) : zero<T>();
    }
    store(squares + s * kReplayLanes, sum);
    // Where a penalty is off the parameter is not touched: 0 * inf would make a NaN.
    if (slope != T(0)) {
      for (int u = 0; u < U; ++u) g[u] = g[u] + set1<T>(slope) * p[u];
    }
    if (weight_decay != T(0)) {
      for (int u = 0; u < U; ++u) g[u] = g[u] + set1<T>(weight_decay) * p[u];
    }
    for (int u = 0; u < U; ++u) p[u] = rule.apply(now, p[u], g[u], a[u], b[u]);
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
  const AdamReplay<T> rule{m, v, constant<T>(1.0 - o.beta1), constant<T>(o.beta2), constant<T>(1.0 - o.beta2)};
  replay(n, steps, param, grad, rule, step, squares);
}

template <class T, Momentum kMomentum>
inline void sgd_replay_any(i64 n, i64 steps, T* param, const T* grad, T* buf, const SgdOptions& o,
                           const ReplayStep<T>* step, T* squares) {
  const SgdReplay<T, kMomentum> rule{buf, nullptr, constant<T>(o.momentum), constant<T>(1.0 - o.dampening)};
  replay(n, steps, param, grad, rule, step, squares);
}

template <class T>
void sgd_replay(i64 n, i64 steps, T* param, const T* grad, T* buf, const SgdOptions& o, const ReplayStep<T>* step,
                T* squares) {
  if (buf == nullptr) return sgd_replay_any<T, Momentum::none>(n, steps, param, grad, buf, o, step, squares);
  if (o.nesterov) return sgd_replay_any<T, Momentum::nesterov>(n, steps, param, grad, buf, o, step, squares);
  sgd_replay_any<T, Momentum::heavy>(n, steps, param, grad, buf, o, step, squares);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_OPTIM_REPLAY_INL_H
