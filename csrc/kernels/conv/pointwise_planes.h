// 1x1 convolutions of NCHW images as they lie: a matrix product an image, no conversion to channels-last. For the C
// interface's convolution.
#ifndef NNF_KERNELS_CONV_POINTWISE_PLANES_H
#define NNF_KERNELS_CONV_POINTWISE_PLANES_H

#include "kernels/conv/conv2d.h"

namespace nnf {

// Whether these take the shape and are faster than the conversions and a product of all pixels.
template <class T>
bool pointwise_planes_pay(const ConvShape& s);

// x (n, c, h, w), weight (oc, c), y (n, oc, h, w); bias may be null.
template <class T>
void pointwise_planes_forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_POINTWISE_PLANES_H
