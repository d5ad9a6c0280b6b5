// Contract of the softmax kernels. Plain data only (see registry.h).
#ifndef NNF_KERNELS_SOFTMAX_CONTRACT_H
#define NNF_KERNELS_SOFTMAX_CONTRACT_H

#include "base/types.h"

namespace nnf {

// x, y (rows, len) dense; y == x allowed. y = exp(x - max) / sum exp(x - max), or its logarithm when log is true.
// Exponentials below the smallest normal number of T count as 0 (see softmax-inl.h).
template <class T>
using SoftmaxRowsFn = void (*)(i64 rows, i64 len, const T* x, T* y, bool log);
// From the forward's output y: softmax gx = y * (g - sum(g * y)); log_softmax gx = g - exp(y) * sum(g).
// gx == g and gx == y allowed.
template <class T>
using SoftmaxRowsBackwardFn = void (*)(i64 rows, i64 len, const T* g, const T* y, T* gx, bool log);
// The same from the forward's input x, without the forward's last pass. Row r leaves its exponentials at e + r * e_step
// (len): gx or x will do unless it is g. gx == g and gx == x allowed.
template <class T>
using SoftmaxRowsGradFn = void (*)(i64 rows, i64 len, const T* g, const T* x, T* e, i64 e_step, T* gx, bool log);

}  // namespace nnf

#endif  // NNF_KERNELS_SOFTMAX_CONTRACT_H
