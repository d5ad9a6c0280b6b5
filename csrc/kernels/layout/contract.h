// Contract of the layout kernel. Plain data only (see registry.h).
#ifndef NNF_KERNELS_LAYOUT_CONTRACT_H
#define NNF_KERNELS_LAYOUT_CONTRACT_H

#include "base/types.h"

namespace nnf {

// y (cols, rows) = x (rows, cols) transposed; row strides ldx >= cols and ldy >= rows. No overlap.
// An image (C, H*W) to channels-last is one call.
template <class T>
using TransposeFn = void (*)(i64 rows, i64 cols, const T* x, i64 ldx, T* y, i64 ldy);

}  // namespace nnf

#endif  // NNF_KERNELS_LAYOUT_CONTRACT_H
