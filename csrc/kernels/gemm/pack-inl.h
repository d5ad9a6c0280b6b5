// Copies a piece of B into a panel: k rows of nr columns, each row one contiguous run, the columns past n zero.
#ifndef NNF_KERNELS_GEMM_PACK_INL_H
#define NNF_KERNELS_GEMM_PACK_INL_H

#include "kernels/gemm/contract.h"
#include "kernels/gemm/geometry-inl.h"
#include "kernels/gemm/unroll-inl.h"
#include "kernels/layout/transpose-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

template <class T>
void gemm_pack_b(i64 k, i64 n, const T* b, i64 b_rs, i64 b_cs, T* panel) {
  constexpr i64 N = Vec<T>::N, nr = kGemmGeometry<T>.nr;
  if (b_cs == 1) {
    // Rows of B are contiguous: a copy, the last vector masked. Without `kept` GCC makes calls of memcpy and memset of
    // these short loops: 784 x 512 in 93 us, in 32 so. (Prefetching eight rows ahead: 31.)
    for (i64 p = 0; p < k; ++p, b += b_rs, panel += nr) {
      i64 j = 0;
      for (; j + N <= n; j += N) store(panel + j, kept(load<T>(b + j)));
      if (j < n) store(panel + j, load_n<T>(b + j, n - j)), j += N;
      for (; j < nr; j += N) store(panel + j, kept(zero<T>()));
    }
    return;
  }
  if (b_rs == 1 && b_cs >= k) {
    // Columns of B are contiguous. A cache line of the panel's rows at a time, so that no more lines of B are in
    // use than a set of L1 holds when the columns lie a power of two apart: ns an element with all columns at once,
    // and so: 512 rows 0.166, 0.076; 1024 rows 0.31, 0.15; 1000 rows 0.070, 0.071. (Blocks of 16 x 16 in AVX-512
    // registers: 0.073, 0.107, 0.075.)
    constexpr i64 kLine = 64 / static_cast<i64>(sizeof(T));
    for (i64 j = 0; j < n; j += kLine) {
      transpose<T>(n - j < kLine ? n - j : kLine, k, b + j * b_cs, b_cs, panel + j, nr);
    }
  } else {  // neither: element by element, down the columns, as an array that is not row-major mostly lies
    for (i64 j = 0; j < n; ++j) {
      for (i64 p = 0; p < k; ++p) panel[p * nr + j] = b[p * b_rs + j * b_cs];
    }
  }
  for (i64 p = 0; p < k && n < nr; ++p) {
    T* row = panel + p * nr;
    i64 j = n;
    for (; j + N <= nr; j += N) store(row + j, zero<T>());
    store_n(row + j, zero<T>(), nr - j);
  }
}

// A line of the source serves a strip and a third: all strips are filled while p runs once over the source. A
// strip's rows are copied as a block of fixed size, which the compiler moves in whole vectors of less than Vec's
// width: 784 x 200 in 14 us, in 21 with a masked vector, in 16 with whole vectors that overlap.
//
// The few lines of a row that are read lie far from those of the next, so no prefetcher of the CPU sees what comes:
// from memory 10.8 GB/s, with rows fetched 8, 16, 32 ahead 16, 19, 15, into L2 alone 15. 784 x 100 x 8192 1.1 to 1.4
// times as fast so. (The next task's rows, fetched into L2 during this one's products: 10 % slower than this.)
template <class T>
void gemm_pack_strips(i64 k, i64 m, const T* a, i64 a_cs, i64 strip, T* out) {
  constexpr i64 N = Vec<T>::N, mr = kGemmGeometry<T>.mr;
  constexpr i64 kAhead = 16, kLine = 64 / static_cast<i64>(sizeof(T)), kLarge = (1 << 20) / static_cast<i64>(sizeof(T));
  const bool fetch = k * a_cs > kLarge;
  for (i64 p = 0; p < k; ++p, a += a_cs, out += mr) {
    if (fetch && p + kAhead < k) {
      for (i64 i = 0; i < m; i += kLine) __builtin_prefetch(a + kAhead * a_cs + i);
    }
    T* to = out;
    for (i64 i = 0; i < m; i += mr, to += strip) {
      if (m - i >= mr) {
        __builtin_memcpy(to, a + i, mr * sizeof(T));
        continue;
      }
      const i64 rows = m - i;
      i64 j = 0;
      for (; j + N <= rows; j += N) store(to + j, load<T>(a + i + j));
      if (j < rows) store_n(to + j, load_n<T>(a + i + j, rows - j), rows - j);
    }
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_PACK_INL_H
