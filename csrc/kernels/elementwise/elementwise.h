// Elementwise work on whole arrays: cut into pieces by size and spread over threads.
#ifndef NNF_KERNELS_ELEMENTWISE_ELEMENTWISE_H
#define NNF_KERNELS_ELEMENTWISE_ELEMENTWISE_H

#include "base/types.h"
#include "nnfast/nnfast.h"

namespace nnf {

template <class T>
void activation_forward(nnf_activation act, T alpha, i64 n, const T* x, T* y);
template <class T>
void activation_backward(nnf_activation act, T alpha, i64 n, const T* g, const T* x, T* gx);
// True where the derivative follows from the output alone, so the engine need not keep the input.
bool activation_has_backward_from_output(nnf_activation act, double alpha);
template <class T>
void activation_backward_from_output(nnf_activation act, T alpha, i64 n, const T* g, const T* y, T* gx);
// softplus with any threshold; NNF_ACT_SOFTPLUS is the one with 20.
template <class T>
void softplus_forward(T beta, T threshold, i64 n, const T* x, T* y);
template <class T>
void softplus_backward(T beta, T threshold, i64 n, const T* g, const T* x, T* gx);
template <class T>
void add_into(i64 n, const T* x, T* y);
template <class T>
void scale_into(i64 n, const T* x, T s, T* y);
// out (n) = column sums of the dense x (rows, n), summed over fixed chunks of rows, the chunks in order.
template <class T>
void column_sum(i64 rows, i64 n, const T* x, T* out, bool accumulate);
// True when every element is finite.
template <class T>
bool all_finite(i64 n, const T* x);

}  // namespace nnf

#endif  // NNF_KERNELS_ELEMENTWISE_ELEMENTWISE_H
