// Groups of images whose sums were made apart, added in order: the same bits at any number of threads. Private to
// kernels/conv.
#ifndef NNF_KERNELS_CONV_GROUP_SUMS_H
#define NNF_KERNELS_CONV_GROUP_SUMS_H

#include <algorithm>

#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {

// How many groups: at least `wanted`, if `most` allows, and then a power of two, which 2, 4 and 8 threads share evenly
// (of 7 groups one of two threads had 4: a step of 1-32-64 3x3 convolutions, 28x28, took a twentieth longer).
inline i64 even_groups(i64 wanted, i64 most) {
  i64 groups = 1;
  while (groups < wanted) groups *= 2;
  return std::clamp<i64>(groups, 1, most);
}

// out (size) = or, when accumulate, += the sum of the rows of sums (groups, size).
template <class T>
void add_groups(i64 groups, i64 size, const T* sums, T* out, bool accumulate) {
  constexpr i64 kPiece = 4096;
  const KernelTable<T>& k = kernels<T>();
  parallel_for(ceil_div(size, kPiece), groups * kPiece / 8, [&](i64 begin, i64 end) {
    const i64 first = begin * kPiece, count = std::min(end * kPiece, size) - first;
    i64 group = 0;
    if (!accumulate) std::copy_n(sums + first, count, out + first), group = 1;
    for (; group < groups; ++group) k.add_into(count, sums + group * size + first, out + first);
  });
}

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_GROUP_SUMS_H
