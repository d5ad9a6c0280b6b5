// Channels of a group, copied out of an image's pixels to lie densely. Private to kernels/conv.
#ifndef NNF_KERNELS_CONV_GATHER_H
#define NNF_KERNELS_CONV_GATHER_H

#include <cstring>

#include "base/memory.h"

namespace nnf {

// `count` runs of `run` elements, a stride apart in x, one after the other.
template <class T>
void gather_runs(i64 count, i64 run, const T* x, i64 stride, T* to) {
  constexpr i64 kLine = kAlignment / static_cast<i64>(sizeof(T));
  for (i64 i = 0; i < count; ++i, x += stride, to += run) {
    i64 e = 0;
    for (; e + kLine <= run; e += kLine) std::memcpy(to + e, x + e, kAlignment);
    for (; e < run; ++e) to[e] = x[e];
  }
}

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_GATHER_H
