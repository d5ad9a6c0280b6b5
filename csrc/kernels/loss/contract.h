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

// One of the losses that go element by element (elementwise-inl.h), f(x, t), on dense arrays of n elements:
//   loss[i] = weight[i] * f(x[i], t[i]);  *sum = the sum of these, in a tree fixed by n
//   gx[i]   = scale[i * scale_stride] * weight[i] * df/dx(x[i], t[i])
// forward gives the values, and the gradient too unless gx is null; loss and sum may be null. backward gives gx alone.
// gx == x allowed.
template <class T>
struct LossArrays {
  const T* x;
  const T* t;
  const T* weight;      // null: 1
  const T* pos_weight;  // (n), of binary_cross_entropy_with_logits; null: 1
  T* loss;
  T* sum;
  const T* scale;
  i64 scale_stride;  // 1, or 0: *scale for all
  T* gx;
  T beta, eps;           // options of the losses that have them, as in nnf_loss_options
  bool log_scale, full;  // log_input or log_target; full
};
template <class T>
using ElementLossFn = void (*)(i64 n, const LossArrays<T>& arrays);

template <class T>
struct ElementLossKernels {
  ElementLossFn<T> forward, backward;
  int cost;  // of an element, in parallel_for's unit (base/thread_pool.h)
};

constexpr int kElementLossCount = 11;  // lines of NNF_ELEMENT_LOSSES; equal to NNF_LOSS_ELEMENTWISE (dispatch.cpp)

}  // namespace nnf

#endif  // NNF_KERNELS_LOSS_CONTRACT_H
