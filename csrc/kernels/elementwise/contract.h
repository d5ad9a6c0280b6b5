// Contract of the elementwise kernels. Plain data only (see registry.h).
//
// All arrays are dense; n >= 0; y == x and gx == g (or gx == y) are allowed, other overlaps are not.
#ifndef NNF_KERNELS_ELEMENTWISE_CONTRACT_H
#define NNF_KERNELS_ELEMENTWISE_CONTRACT_H

#include "base/types.h"

namespace nnf {

constexpr int kActivationCount = 16;  // lines of NNF_ACTIVATIONS; equal to NNF_ACT_COUNT (asserted in dispatch.cpp)

// y[i] = f(x[i])
template <class T>
using ActForwardFn = void (*)(i64 n, const T* x, T* y, T alpha);
// gx[i] = g[i] * f'(x[i])
template <class T>
using ActBackwardFn = void (*)(i64 n, const T* g, const T* x, T* gx, T alpha);
// gx[i] = g[i] * f'(f^-1(y[i])), from the forward's output; null where f' does not follow from y.
template <class T>
using ActBackwardOutFn = void (*)(i64 n, const T* g, const T* y, T* gx, T alpha);

template <class T>
struct ActivationKernels {
  ActForwardFn<T> forward;
  ActBackwardFn<T> backward;
  ActBackwardOutFn<T> backward_from_output;
  double least_alpha;  // backward_from_output holds for alpha >= least_alpha
  int cost;            // of an element, in parallel_for's unit (base/thread_pool.h)
};

// softplus of any slope beta > 0 and threshold: y[i] = log(1 + exp(beta x[i])) / beta; x[i] where
// beta x[i] > threshold
template <class T>
using SoftplusFn = void (*)(i64 n, const T* x, T* y, T beta, T threshold);
// gx[i] = g[i] / (1 + exp(-beta x[i])); g[i] where beta x[i] > threshold
template <class T>
using SoftplusBackwardFn = void (*)(i64 n, const T* g, const T* x, T* gx, T beta, T threshold);

// Dense x, y, g, gx (rows, n) and slopes w (n): y[i][j] = x[i][j] > 0 ? x[i][j] : w[j] x[i][j]
template <class T>
using PreluRowsFn = void (*)(i64 rows, i64 n, const T* x, const T* w, T* y);
// gx[i][j] = x[i][j] > 0 ? g[i][j] : w[j] g[i][j]
template <class T>
using PreluRowsBackwardFn = void (*)(i64 rows, i64 n, const T* g, const T* x, const T* w, T* gx);
// The gradient of a slope: the sum of g[i] x[i] over the i where x[i] > 0 does not hold; in a tree fixed by n
template <class T>
using PreluSlopeSumFn = T (*)(i64 n, const T* g, const T* x);
// The same for each column of (rows, n): out (n), overwritten; summed in the order of the rows
template <class T>
using PreluSlopeColumnsFn = void (*)(i64 rows, i64 n, const T* g, const T* x, T* out);

// y[i] += x[i]
template <class T>
using AddIntoFn = void (*)(i64 n, const T* x, T* y);
// `runs` of these, n elements each: y[r * y_step + i] += x[r * x_step + i]. The runs must not overlap.
template <class T>
using AddRunsFn = void (*)(i64 runs, i64 n, const T* x, i64 x_step, T* y, i64 y_step);
// y[i] = x[i] * s
template <class T>
using ScaleIntoFn = void (*)(i64 n, const T* x, T s, T* y);
// True when every x[i] is finite
template <class T>
using AllFiniteFn = bool (*)(i64 n, const T* x);
// c (rows, n) with row stride ldc: c[i][j] += bias[j]
template <class T>
using BiasAddFn = void (*)(i64 rows, i64 n, const T* bias, T* c, i64 ldc);
// out[j] = sum over i of x[i][j] (+= when accumulate); x (rows, n) with row stride ldx; summed in the order of i
template <class T>
using ColumnSumFn = void (*)(i64 rows, i64 n, const T* x, i64 ldx, T* out, bool accumulate);

}  // namespace nnf

#endif  // NNF_KERNELS_ELEMENTWISE_CONTRACT_H
