// Depthwise convolution of NCHW images as they lie: no conversion to channels-last. Plans and threading around the
// plane kernels of depthwise_contract.h; for the C interface's convolution.
#ifndef NNF_KERNELS_CONV_DEPTHWISE_PLANES_H
#define NNF_KERNELS_CONV_DEPTHWISE_PLANES_H

#include "kernels/conv/conv2d.h"

namespace nnf {

// Whether these take the shape, and less time than conversions and the channels-last kernels: forward, and each of the
// gradients. The data's gradient may take the other way, with other roundings, where the weight's is not asked for.
template <class T>
bool depthwise_planes_forward_pays(const ConvShape& s);
template <class T>
bool depthwise_planes_data_pays(const ConvShape& s, bool g_is_turned);  // whether g is turned for something else anyway
template <class T>
bool depthwise_planes_weight_pays(const ConvShape& s);

// x (n, c, h, w), weight (c, kh, kw), y and g (n, c, oh, ow); bias may be null. The gradients are overwritten.
template <class T>
void depthwise_planes_forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y);
template <class T>
void depthwise_planes_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx);
template <class T>
void depthwise_planes_backward_weight(const ConvShape& s, const T* g, const T* x, T* gweight);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_PLANES_H
