// The peak meter: twelve chains of FMAs, more than latency x throughput asks of any CPU we know (4 cycles x 2 a cycle),
// few enough for 16 registers. Included by the ISA files after their Vec.
#ifndef NNF_KERNELS_PEAK_INL_H
#define NNF_KERNELS_PEAK_INL_H

#include "kernels/peak/contract.h"
#include "simd/vec.h"

namespace nnf {
namespace {

template <class T>
i64 fma_rounds(i64 rounds, T* sink) {
  using V = Vec<T>;
  // x -> x / 2 + 1/2 has its fixed point at 1: the values neither grow nor become denormal. The chains start apart and
  // from memory, so the compiler can neither merge nor fold them.
  const V m = set1<T>(T(0.5)), c = set1<T>(T(0.5)), x = set1<T>(*sink);
  V a0 = x, a1 = a0 + m, a2 = a1 + m, a3 = a2 + m, a4 = a3 + m, a5 = a4 + m;
  V a6 = a5 + m, a7 = a6 + m, a8 = a7 + m, a9 = a8 + m, a10 = a9 + m, a11 = a10 + m;
  for (i64 r = 0; r < rounds; ++r) {
    a0 = fma(a0, m, c), a1 = fma(a1, m, c), a2 = fma(a2, m, c), a3 = fma(a3, m, c);
    a4 = fma(a4, m, c), a5 = fma(a5, m, c), a6 = fma(a6, m, c), a7 = fma(a7, m, c);
    a8 = fma(a8, m, c), a9 = fma(a9, m, c), a10 = fma(a10, m, c), a11 = fma(a11, m, c);
  }
  *sink = sum((a0 + a1 + a2) + (a3 + a4 + a5) + (a6 + a7 + a8) + (a9 + a10 + a11));
  return rounds * 12 * 2 * V::N;
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_PEAK_INL_H
