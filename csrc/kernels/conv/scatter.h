// The gradient of a convolution's input by scattering: cols = g weight^T, every output pixel's patch, whose elements
// are then added to the pixels they belong to (col2im). Private to kernels/conv; backward_data.cpp chooses.
#ifndef NNF_KERNELS_CONV_SCATTER_H
#define NNF_KERNELS_CONV_SCATTER_H

#include "kernels/conv/conv2d.h"

namespace nnf {

// For groups == 1. gx (n, h, w, c) is overwritten.
template <class T>
void scatter_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_SCATTER_H
