// Transposed 2-D convolution, channels-last: the gradient of a convolution's input as an operation of its own.
//
// Everything here is in terms of that convolution: its input is this operation's output y (n, h, w, c), its output is
// this operation's input x (n, oh, ow, oc), and its weight (kh, kw, c / groups, oc) is this operation's weight.
#ifndef NNF_KERNELS_CONV_TRANSPOSE_H
#define NNF_KERNELS_CONV_TRANSPOSE_H

#include "kernels/conv/conv2d.h"

namespace nnf {

// The convolution whose input gradient `s` describes; throws Error(invalid_value) naming `op` and the field.
ConvShape transposed_conv(const nnf_conv_transpose2d_shape& s, const char* op);

// bias (c) may be null.
template <class T>
void conv_transpose2d_forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y);
// gx, gweight and gbias may be null; the last two are added to when accumulate, all others overwritten.
template <class T>
void conv_transpose2d_backward(const ConvShape& s, const T* g, const T* x, const T* weight, T* gx, T* gweight,
                               T* gbias, bool accumulate);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_TRANSPOSE_H
