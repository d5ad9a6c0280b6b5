// The rows of A as the microkernel walks along them.
#ifndef NNF_KERNELS_GEMM_ROWS_INL_H
#define NNF_KERNELS_GEMM_ROWS_INL_H

#include "kernels/gemm/contract.h"
#include "kernels/gemm/unroll-inl.h"

namespace nnf {
namespace {

// Where the rows of a tile are: anywhere, or a constant apart. Three rows share a pointer, so that twelve take five
// registers, the distance included, and a load reaches each by its addressing mode.
template <class T, int M>
struct PointerRows {
  const T* row[M];
  i64 at, step;
  NNF_INLINE PointerRows(const GemmTile<T>& t, i64 first) : at(0), step(t.a_cs) {
    unroll<M>([&](auto i) NNF_LAMBDA_INLINE { row[i.value] = t.rows[first + i.value]; });
  }
  NNF_INLINE void start(i64 offset) { at = offset; }
  template <int I>
  NNF_INLINE const T* get() const {
    return row[I] + at;
  }
  NNF_INLINE void next(i64 count) { at += count * step; }
};

template <class T, int M>
struct EvenRows {
  static constexpr int kGroups = (M + 2) / 3;
  const T* first;
  const T* group[kGroups];
  i64 apart, step;
  NNF_INLINE EvenRows(const GemmTile<T>& t, i64 i) : first(t.a + i * t.a_rs), apart(t.a_rs), step(t.a_cs) {}
  NNF_INLINE void start(i64 offset) {
    unroll<kGroups>([&](auto g) NNF_LAMBDA_INLINE { group[g.value] = first + offset + g.value * 3 * apart; });
  }
  template <int I>
  NNF_INLINE const T* get() const {
    return group[I / 3] + I % 3 * apart;
  }
  NNF_INLINE void next(i64 count) {
    unroll<kGroups>([&](auto g) NNF_LAMBDA_INLINE { group[g.value] += count * step; });
  }
};

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_ROWS_INL_H
