// Convolutions in many small groups (ResNeXt's), channels-last, by the kernels of grouped_contract.h. Private to
// kernels/conv, whose functions choose.
#ifndef NNF_KERNELS_CONV_GROUPED_H
#define NNF_KERNELS_CONV_GROUPED_H

#include "kernels/conv/conv2d.h"

namespace nnf {

// Whether the kernels take the shape: groups of 2, 4 or 8 channels in and out, in this CPU's vectors.
template <class T>
bool is_grouped_small(const ConvShape& s);

// As the functions of conv2d.h. The data's gradient only for strides of 1.
template <class T>
void grouped_forward(const ConvShape& s, const T* x, const T* weight, const Epilogue<T>& epilogue, T* y);
template <class T>
void grouped_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx);
// Images n0..n1-1 of the sums, added to gweight.
template <class T>
void grouped_backward_weight(const ConvShape& s, i64 n0, i64 n1, const T* g, const T* x, T* gweight);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_GROUPED_H
