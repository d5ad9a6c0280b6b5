// Contract of the layout kernels. Plain data only (see registry.h).
#ifndef NNF_KERNELS_LAYOUT_CONTRACT_H
#define NNF_KERNELS_LAYOUT_CONTRACT_H

#include "base/types.h"

namespace nnf {

// y (cols, rows) = x (rows, cols) transposed; row strides ldx >= cols and ldy >= rows. No overlap.
// An image (C, H*W) to channels-last is one call.
template <class T>
using TransposeFn = void (*)(i64 rows, i64 cols, const T* x, i64 ldx, T* y, i64 ldy);

// Types of users' numbers: those of nnf_source_type that are arrays, with the same values (asserted in layout.cpp).
enum class NumberType { float32, float64, float16, uint8, int8, int16, int32, int64, boolean, uint16, uint32 };

// y (n) = x (n), of this type, as a C cast converts it; float16 exactly. No overlap.
template <class T>
using ConvertFn = void (*)(NumberType type, i64 n, const void* x, T* y);

}  // namespace nnf

#endif  // NNF_KERNELS_LAYOUT_CONTRACT_H
