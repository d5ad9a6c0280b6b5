// Weighted sums of rows of a table, and dot products with them (contract.h).
//
// A panel of columns stays in registers over all rows. The rows lie anywhere in a table that is larger than the caches,
// so those some places ahead are asked for early.
#ifndef NNF_KERNELS_SPARSE_SPARSE_INL_H
#define NNF_KERNELS_SPARSE_SPARSE_INL_H

#include "kernels/sparse/contract.h"
#include "simd/loop-inl.h"

namespace nnf {
namespace {

constexpr int kPanelVectors = 8;  // accumulators: half of AVX2's registers
constexpr i64 kRowsAhead = 6;     // some 100 ns of additions, what memory takes to answer

// U whole vectors of columns and, with kTail, `tail` more: with whole ones before it that vector begins within the last
// of these, so that it is whole, too (a load of what lies behind waits for a masked store).
template <class T, int U, bool kTail>
NNF_INLINE void rows_panel(i64 count, i64 tail, const T* values, const i64* offsets, const T* table, T* y) {
  constexpr i64 N = Vec<T>::N, kLine = 64 / static_cast<i64>(sizeof(T));
  constexpr int kVectors = U + (kTail ? 1 : 0);
  const i64 last = U > 0 ? (U - 1) * N + tail : 0;  // where the tail's vector begins
  const auto read_tail = [=](const T* from) NNF_LAMBDA_INLINE {
    return U > 0 ? load<T>(from + last) : load_n<T>(from, tail);
  };
  Vec<T> s[kVectors];
  for (int u = 0; u < U; ++u) s[u] = load<T>(y + u * N);
  if constexpr (kTail) s[U] = read_tail(y);
  for (i64 j = 0; j < count; ++j) {
    const T* row = table + offsets[j];
    if (j + kRowsAhead < count) {
      const T* later = table + offsets[j + kRowsAhead];
      for (i64 i = 0; i < U * N + tail; i += kLine) __builtin_prefetch(later + i);
    }
    const Vec<T> v = set1<T>(values[j]);
    for (int u = 0; u < U; ++u) s[u] = fma(v, load<T>(row + u * N), s[u]);
    if constexpr (kTail) s[U] = fma(v, read_tail(row), s[U]);
  }
  for (int u = 0; u < U; ++u) store(y + u * N, s[u]);
  if constexpr (kTail) U > 0 ? store(y + last, s[U]) : store_n(y, s[U], tail);
}

// What is left of fewer than kPanelVectors vectors: `whole` of them, found by counting U down.
template <class T, int U>
inline void last_panel(i64 whole, i64 tail, i64 count, const T* values, const i64* offsets, const T* table, T* y) {
  if constexpr (U > 0) {
    if (whole < U) return last_panel<T, U - 1>(whole, tail, count, values, offsets, table, y);
  }
  if (tail > 0) return rows_panel<T, U, true>(count, tail, values, offsets, table, y);
  if constexpr (U > 0) rows_panel<T, U, false>(count, 0, values, offsets, table, y);
}

template <class T>
void weighted_rows(i64 count, i64 n, const T* values, const i64* offsets, const T* table, T* y) {
  constexpr i64 N = Vec<T>::N, kPanel = kPanelVectors * N;
  i64 i = 0;
  for (; i + kPanel <= n; i += kPanel) {
    rows_panel<T, kPanelVectors, false>(count, 0, values, offsets, table + i, y + i);
  }
  const i64 rest = n - i;
  if (rest > 0) last_panel<T, kPanelVectors - 1>(rest / N, rest % N, count, values, offsets, table + i, y + i);
}

template <class T>
void row_dots(i64 count, i64 n, const T* g, const i64* offsets, const T* table, T* out) {
  for (i64 j = 0; j < count; ++j) {
    const T* row = table + offsets[j];
    out[j] = tree_sum<T>(
        n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { return lanes.load(g + i) * lanes.load(row + i); });
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_SPARSE_SPARSE_INL_H
