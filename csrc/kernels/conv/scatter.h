// The gradient of a convolution's input by scattering: g weight^T, what an output pixel gives to the pixels of its
// patch, which is then added where it belongs (col2im), an image row at a time. Private to kernels/conv;
// backward_data.cpp chooses.
#ifndef NNF_KERNELS_CONV_SCATTER_H
#define NNF_KERNELS_CONV_SCATTER_H

#include "kernels/conv/conv2d.h"

namespace nnf {

// For groups == 1. gx (n, h, w, c) is overwritten.
template <class T>
void scatter_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_SCATTER_H
