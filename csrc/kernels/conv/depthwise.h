// Depthwise convolution: every group has one input channel. The GEMM would run at one column a tile; these loops run
// over the channels instead. Private to kernels/conv.
#ifndef NNF_KERNELS_CONV_DEPTHWISE_H
#define NNF_KERNELS_CONV_DEPTHWISE_H

#include "kernels/conv/conv2d.h"

namespace nnf {

inline bool is_depthwise(const ConvShape& s) { return s.groups > 1 && s.groups == s.c; }

// As the functions of conv2d.h.
template <class T>
void depthwise_forward(const ConvShape& s, const T* x, const T* weight, const Epilogue<T>& epilogue, T* y);
template <class T>
void depthwise_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx);
template <class T>
void depthwise_backward_weight(const ConvShape& s, const T* g, const T* x, T* gweight, bool accumulate);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_H
