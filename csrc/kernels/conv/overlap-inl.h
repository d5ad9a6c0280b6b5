// The sum of overlapping runs along an image row (contract.h): each vector of the row gathers the parts of all runs that
// reach it, so that no store is waited for. Runs added one after another where they belong, as a loop over patches
// would, load what the store just before has written, and half of it only: the data's gradient of 10x20x12x12 -> 40 5x5
// took 222 microseconds so, takes 153 now.
#ifndef NNF_KERNELS_CONV_OVERLAP_INL_H
#define NNF_KERNELS_CONV_OVERLAP_INL_H

#include "kernels/conv/contract.h"
#include "simd/vec.h"

namespace nnf {
namespace {

template <class T>
void overlap_row(const OverlapRow<T>& t) {
  constexpr i64 N = Vec<T>::N;
  const i64 step = t.pitch - t.apart;
  i64 lo = 0, lo_end = t.start + t.run;  // the first run that reaches the vector, and where it ends
  i64 hi = 0, hi_start = t.start;        // the first that begins past it, and where
  for (i64 e = 0; e < t.n; e += N) {
    while (lo < t.runs && lo_end <= e) ++lo, lo_end += t.apart;
    while (hi < t.runs && hi_start < e + N) ++hi, hi_start += t.apart;
    Vec<T> even = zero<T>(), odd = zero<T>();  // two chains
    const T* x = t.x + lo * step + e - t.start;
    i64 j = hi - lo;
    for (; j > 1; j -= 2, x += 2 * step) {
      even = even + load<T>(x);
      odd = odd + load<T>(x + step);
    }
    if (j > 0) even = even + load<T>(x);
    store_n(t.y + e, even + odd, t.n - e);
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_OVERLAP_INL_H
