// Dropout: keeps or zeroes each element by 16 bits of Philox. The contract is in contract.h.
//
// Bits are made for a few hundred elements at a time into a buffer that stays in the first-level cache, then applied;
// so an array may start anywhere in a block, and one generator serves float and double.
#ifndef NNF_KERNELS_DROPOUT_DROPOUT_INL_H
#define NNF_KERNELS_DROPOUT_DROPOUT_INL_H

#include "kernels/dropout/contract.h"
#include "kernels/dropout/philox-inl.h"
#include "simd/loop-inl.h"

namespace nnf {
namespace {

// A multiple of every batch (256 elements at most).
constexpr i64 kDropoutChunk = 512;
static_assert(kDropoutChunk % philox::kBatch == 0);

template <class T>
void dropout_apply(const DropoutKey& key, u32 threshold, T scale, i64 first, i64 n, const T* x, T* y) {
  const Vec<T> s = set1<T>(scale);
  if (threshold == 0) {
    for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { lanes.store(y + i, lanes.load(x + i) * s); });
    return;
  }
  // Kept when above this: 16 bits hold it even for a threshold of 65536.
  const u32 last_dropped = threshold - 1;
  // keep_above reads whole vectors: 16 more, so that the last one of a chunk does not run over.
  philox::u16 buffer[kDropoutChunk + 16] = {};
  for (i64 begin = first; begin < first + n;) {
    const i64 chunk = begin / kDropoutChunk * kDropoutChunk;  // the element whose bits are buffer[0]
    const i64 end = chunk + kDropoutChunk < first + n ? chunk + kDropoutChunk : first + n;
    for (i64 e = begin / philox::kBatch * philox::kBatch; e < end; e += philox::kBatch) {
      philox::make_bits(key, static_cast<u64>(e / philox::kElements), buffer + (e - chunk));
    }
    const philox::u16* bits = buffer + (begin - chunk);
    const T* from = x + (begin - first);
    T* to = y + (begin - first);
    for_each_vector<T>(end - begin, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      lanes.store(to + i, philox::keep_above(lanes.load(from + i) * s, bits + i, last_dropped));
    });
    begin = end;
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_DROPOUT_DROPOUT_INL_H
