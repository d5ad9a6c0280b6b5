// The gradient of a convolution's weight, tap by tap, for all but few channels; private to kernels/conv (what calls it:
// backward_weight.cpp).
#ifndef NNF_KERNELS_CONV_TAP_SUMS_H
#define NNF_KERNELS_CONV_TAP_SUMS_H

#include "kernels/conv/conv2d.h"

namespace nnf {

// Whether a tap has enough channels to be the rows of a microkernel call.
template <class T>
bool tap_sums_pay(const ConvShape& s);
// As conv2d_backward_weight, without the bias; s.n > 0.
template <class T>
void tap_sums(const ConvShape& s, const T* g, const T* x, T* gweight, bool accumulate);
// The same in PyTorch's order (oc, c / groups, kh, kw), overwritten: where each panel has all its sums from one task,
// which reorders them while they are in its caches.
template <class T>
bool tap_sums_can_reorder(const ConvShape& s);
template <class T>
void tap_sums_reordered(const ConvShape& s, const T* g, const T* x, T* gweight);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_TAP_SUMS_H
