// Losses over whole batches: threading, and the reduction in an order fixed by the shape.
#ifndef NNF_KERNELS_LOSS_LOSS_H
#define NNF_KERNELS_LOSS_LOSS_H

#include "base/types.h"
#include "nnfast/nnfast.h"

namespace nnf {

// `loss` receives n (rows) elements for NNF_REDUCE_NONE, one otherwise; null: not wanted. `gx` receives the gradient
// to the input multiplied by g (one element, or n (rows) for NNF_REDUCE_NONE; null: 1); null: not wanted.
// The mean divides by n (mse) or rows (cross-entropy); the mean of nothing is NaN, as PyTorch's.
template <class T>
void mse_loss(nnf_reduction red, i64 n, const T* input, const T* target, T* loss, const T* g, T* gx);
// labels are checked: Error(invalid_value) naming the row and the class, before anything is written.
template <class T>
void cross_entropy(nnf_reduction red, i64 rows, i64 classes, const T* logits, const i64* labels, const T* probs, T* loss,
                   const T* g, T* gx);
// Input: log-probabilities (rows, classes).
template <class T>
void nll_loss(nnf_reduction red, i64 rows, i64 classes, const T* logp, const i64* labels, T* loss, const T* g, T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_LOSS_LOSS_H
