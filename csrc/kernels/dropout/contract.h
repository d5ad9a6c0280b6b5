// Contract of the dropout kernel. Plain data only (see registry.h).
#ifndef NNF_KERNELS_DROPOUT_CONTRACT_H
#define NNF_KERNELS_DROPOUT_CONTRACT_H

#include "base/types.h"

namespace nnf {

// y[i] = bits(first + i) >= threshold ? x[i] * scale : 0, with bits(e) 16 bits of Philox 4x32-10 under the key
// `seed` and the counter (low, high word of e / 8, layer, step): word (e % 8) / 2, its low half for even e.
// threshold in 0..65536. y == x allowed. Forward and backward are the same call. Source: Salmon et al., SC'11.
struct DropoutKey {
  u64 seed;
  u32 layer, step;
};
template <class T>
using DropoutFn = void (*)(const DropoutKey& key, u32 threshold, T scale, i64 first, i64 n, const T* x, T* y);

}  // namespace nnf

#endif  // NNF_KERNELS_DROPOUT_CONTRACT_H
