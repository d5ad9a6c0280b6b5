// Several updates in a row of the same few parameters, which stay in registers meanwhile (contract.h).
//
// The same operations in the same order as adam_step and sgd_step with the penalty's slope added before: the same bits.
// A step is one chain of dependent operations with a root and a division in it: several vectors go side by side.
// What lost on a Zen 5: roots by estimate, Goldschmidt's iteration and an exact residual (the same bits, and alone 1.3
// to 1.5 times as fast, but then the multiplications are the limit: no gain at 100 units), and panels that several rows
// of the same lag share (a tenth gained at 20 units, a third lost at 100).
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

// U vectors from element i on, of the last one `tail` elements that are new: of several the last one begins within the
// one before it, so that it is whole, too. The next row may begin right behind, and a load waits for a masked store
// whose lanes, counted or not, lie in its way: narrow rows took up to twice as long.
template <class T, int U, class Rule>
NNF_INLINE void replay_panel(i64 i, i64 tail, i64 steps, T* param, const T* grad, const Rule rule,
                             const ReplayStep<T>* step, T* squares) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> p[U], a[U], b[U];
  const i64 met = U > 1 ? N - tail : 0, lanes = U > 1 ? N : tail;
  const auto place = [=](int u) NNF_LAMBDA_INLINE { return i + u * N - (u == U - 1 ? met : 0); };
  const auto read = [=](const T* from, int u) NNF_LAMBDA_INLINE {
    return U > 1 ? load<T>(from + place(u)) : load_n<T>(from + i, lanes);
  };
  const auto write = [=](T* to, int u, Vec<T> v) NNF_LAMBDA_INLINE {
    U > 1 ? store(to + place(u), v) : store_n(to + i, v, lanes);
  };
  for (int u = 0; u < U; ++u) {
    p[u] = read(param, u);
    a[u] = rule.first != nullptr ? read(rule.first, u) : zero<T>();
    b[u] = rule.second != nullptr ? read(rule.second, u) : zero<T>();
  }
  for (i64 s = 0; s < steps; ++s) {
    const auto now = Rule::now(step[s]);
    const T slope = step[s].slope, weight_decay = step[s].weight_decay;
    const bool last = grad != nullptr && s == steps - 1;
    Vec<T> sum = load<T>(squares + s * kReplayLanes), g[U];
    for (int u = 0; u < U; ++u) {
      const Vec<T> fresh = u == U - 1 ? select(first_n<T>(met), zero<T>(), p[u]) : p[u];
      sum = sum + fresh * fresh;
      g[u] = last ? read(grad, u) : zero<T>();
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
    write(param, u, p[u]);
    if (rule.first != nullptr) write(rule.first, u, a[u]);
    if (rule.second != nullptr) write(rule.second, u, b[u]);
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
