// Contract of the loss kernels. Plain data only (see registry.h).
#ifndef NNF_KERNELS_LOSS_CONTRACT_H
#define NNF_KERNELS_LOSS_CONTRACT_H

#include "base/types.h"

namespace nnf {

// Softmax and cross-entropy in one pass over logits x (rows, classes); exactly one of labels (rows, checked by
// the caller) and probs (rows, classes) is given.
//   loss[r]    = logsumexp(x[r]) * sum(t) - sum(t * x[r])        t: one-hot of the label, or probs[r]
//   gx[r][j]   = scale[r * scale_stride] * (softmax(x[r])[j] * sum(t) - t[j])
// loss or gx may be null. gx == x allowed.
template <class T>
using CrossEntropyRowsFn = void (*)(i64 rows, i64 classes, const T* x, const i64* labels, const T* probs, T* loss,
                                    const T* scale, i64 scale_stride, T* gx);

// d = x - t; each of the outputs may be null:
//   loss[i] = d * d;  gx[i] = 2 * scale[i * scale_stride] * d;  *sum = sum of d * d, in a tree fixed by n
// gx == x allowed.
template <class T>
using SquaredErrorFn = void (*)(i64 n, const T* x, const T* t, T* loss, T* sum, const T* scale, i64 scale_stride,
                                T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_LOSS_CONTRACT_H
