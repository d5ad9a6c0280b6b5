// 2-D pooling, channels-last: threading around the kernels of contract.h.
#ifndef NNF_KERNELS_POOL_POOL2D_H
#define NNF_KERNELS_POOL_POOL2D_H

#include "kernels/pool/contract.h"
#include "nnfast/nnfast.h"

namespace nnf {

// Checks the fields and finds the output size, PyTorch's rule for ceil_mode; throws Error(invalid_value) naming `op`.
PoolShape make_pool_shape(const nnf_pool2d_shape& s, const char* op);

// The bytes that the places of `outputs` maxima take: what backward needs of the forward.
template <class T>
i64 pool_places_bytes(const PoolShape& s, i64 outputs) {
  return outputs * (s.kh * s.kw <= kBytePlaces ? 1 : static_cast<i64>(sizeof(T)));
}

// places, of pool_places_bytes, is aligned for T; null: nobody wants them.
template <class T>
void max_pool2d_forward(const PoolShape& s, const T* x, T* y, void* places);
template <class T>
void max_pool2d_backward(const PoolShape& s, const T* g, const void* places, T* gx);
// With or by indices (contract.h), of any size. The gradient takes any cells of the image, and is false when an index
// is none.
template <class T>
void max_pool2d_indices(const PoolShape& s, const T* x, T* y, i64* indices);
template <class T>
bool max_pool2d_indices_backward(const PoolShape& s, const T* g, const i64* indices, T* gx);
template <class T>
void avg_pool2d_forward(const PoolShape& s, const T* x, T* y);
template <class T>
void avg_pool2d_backward(const PoolShape& s, const T* g, T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_POOL_POOL2D_H
