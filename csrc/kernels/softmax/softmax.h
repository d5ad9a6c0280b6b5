// Softmax and log_softmax over the middle axis of (outer, len, inner): threading, and rows gathered when inner > 1.
#ifndef NNF_KERNELS_SOFTMAX_SOFTMAX_H
#define NNF_KERNELS_SOFTMAX_SOFTMAX_H

#include "base/types.h"

namespace nnf {

// y == x allowed.
template <class T>
void softmax_forward(bool log, i64 outer, i64 len, i64 inner, const T* x, T* y);
// From the forward's input x; gx == g allowed.
template <class T>
void softmax_backward(bool log, i64 outer, i64 len, i64 inner, const T* g, const T* x, T* gx);
// From its output y; gx == g and gx == y allowed.
template <class T>
void softmax_backward_from_output(bool log, i64 outer, i64 len, i64 inner, const T* g, const T* y, T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_SOFTMAX_SOFTMAX_H
