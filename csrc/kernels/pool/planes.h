// 2-D pooling of NCHW images as they are: plans and threading around the plane kernels of contract.h.
#ifndef NNF_KERNELS_POOL_PLANES_H
#define NNF_KERNELS_POOL_PLANES_H

#include "kernels/pool/contract.h"

namespace nnf {

// Whether the plane kernels take this shape and are faster than converting to channels-last and back: for the forward and
// the average's gradient, or for the maximum's gradient.
bool planes_pay(const PoolShape& s, bool max_gradient);

template <class T>
void max_pool2d_planes(const PoolShape& s, const T* x, T* y);
template <class T>
void max_pool2d_planes_backward(const PoolShape& s, const T* g, const T* x, T* gx);
template <class T>
void avg_pool2d_planes(const PoolShape& s, const T* x, T* y);
template <class T>
void avg_pool2d_planes_backward(const PoolShape& s, const T* g, T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_POOL_PLANES_H
