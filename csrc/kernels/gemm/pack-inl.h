// Copies a piece of B into a panel: k rows of nr columns, each row one contiguous run, the columns past n zero.
#ifndef NNF_KERNELS_GEMM_PACK_INL_H
#define NNF_KERNELS_GEMM_PACK_INL_H

#include "kernels/gemm/contract.h"
#include "kernels/gemm/geometry-inl.h"
#include "kernels/layout/transpose-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

template <class T>
void gemm_pack_b(i64 k, i64 n, const T* b, i64 b_rs, i64 b_cs, T* panel) {
  constexpr i64 N = Vec<T>::N, nr = kGemmGeometry<T>.nr;
  if (b_cs == 1) {  // rows of B are contiguous: a copy, the last vector masked
    for (i64 p = 0; p < k; ++p, b += b_rs, panel += nr) {
      i64 j = 0;
      for (; j + N <= n; j += N) store(panel + j, load<T>(b + j));
      if (j < n) store(panel + j, load_n<T>(b + j, n - j)), j += N;
      for (; j < nr; j += N) store(panel + j, zero<T>());
    }
    return;
  }
  if (b_rs == 1 && b_cs >= k) {  // columns of B are contiguous
    transpose<T>(n, k, b, b_cs, panel, nr);
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

// A line of the source serves a strip and a third: all strips are filled while p runs once over the source.
template <class T>
void gemm_pack_strips(i64 k, i64 m, const T* a, i64 a_cs, i64 strip, T* out) {
  constexpr i64 N = Vec<T>::N, mr = kGemmGeometry<T>.mr;
  for (i64 p = 0; p < k; ++p, a += a_cs, out += mr) {
    T* to = out;
    for (i64 i = 0; i < m; i += mr, to += strip) {
      const i64 rows = m - i < mr ? m - i : mr;
      i64 j = 0;
      for (; j + N <= rows; j += N) store(to + j, load<T>(a + i + j));
      if (j < rows) store_n(to + j, load_n<T>(a + i + j, rows - j), rows - j);
    }
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_PACK_INL_H
