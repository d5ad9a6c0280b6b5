// PReLU over arrays (outer, channels, inner) with a slope a channel; channels == 1 is one slope for all.
#ifndef NNF_KERNELS_ELEMENTWISE_PRELU_H
#define NNF_KERNELS_ELEMENTWISE_PRELU_H

#include "base/types.h"

namespace nnf {

// y = x > 0 ? x : w[channel] x; y may be x.
template <class T>
void prelu_forward(i64 outer, i64 channels, i64 inner, const T* x, const T* w, T* y);
// gx = x > 0 ? g : w[channel] g; gx may be g.
template <class T>
void prelu_backward(i64 outer, i64 channels, i64 inner, const T* g, const T* x, const T* w, T* gx);
// gw (channels): the sums of g x over where x > 0 does not hold, in pieces that follow from the shape.
template <class T>
void prelu_weight_gradient(i64 outer, i64 channels, i64 inner, const T* g, const T* x, T* gw, bool accumulate);

}  // namespace nnf

#endif  // NNF_KERNELS_ELEMENTWISE_PRELU_H
