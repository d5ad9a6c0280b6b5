// The sum of one segment for the microkernel's tiles one vector wide.
#ifndef NNF_KERNELS_GEMM_THIN_INL_H
#define NNF_KERNELS_GEMM_THIN_INL_H

#include "kernels/gemm/geometry-inl.h"
#include "kernels/gemm/rows-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// Here FMAs each wait for a load of their own. So half of the rows are loaded four elements at a time, which are then
// spread over the lanes in registers, where shuffles and FMAs share more ports than there are loads. (Share of the
// peak of a Zen 5 core, 12x16 of depth 152: element by element 79 %, every row so 77 %, every other 95 %.) The four
// are of one row where its elements follow each other, of four rows where theirs do: a product with A, or with its
// transpose. Returns how many of k it leaves.
template <class T, template <class, int> class Rows, int M, bool Tail>
NNF_INLINE i64 gemm_thin_along(Rows<T, M>& rows, const T*& b, i64 ldb, i64 k, int last, Vec<T>* acc) {
  constexpr int W = Vec<T>::N < 4 ? Vec<T>::N : 4;
  for (; k >= W; k -= W, b += W * ldb, rows.next(W)) {
    Vec<T> bv[W];
    unroll<W>([&](auto p) NNF_LAMBDA_INLINE {
      bv[p.value] = Tail ? load_n<T>(b + p.value * ldb, last) : load<T>(b + p.value * ldb);
    });
    unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
      const T* row = rows.template get<i.value>();
      if constexpr (i.value % 2 == 0) {
        unroll<W>([&](auto p) NNF_LAMBDA_INLINE {
          acc[i.value] = fma(set1<T>(row[p.value]), bv[p.value], acc[i.value]);
        });
      } else {
        const Vec<T> four = repeat4(row);
        unroll<W>([&](auto p) NNF_LAMBDA_INLINE {
          acc[i.value] = fma(spread<W, p.value>(four), bv[p.value], acc[i.value]);
        });
      }
    });
  }
  return k;
}

template <class T, int M, bool Tail>
NNF_INLINE i64 gemm_thin_across(EvenRows<T, M>& rows, const T*& b, i64 ldb, i64 k, int last, Vec<T>* acc) {
  constexpr int W = Vec<T>::N < 4 ? Vec<T>::N : 4;
  const T* a = rows.template get<0>();
  for (; k > 0; --k, b += ldb, a += rows.step) {
    const Vec<T> bv = Tail ? load_n<T>(b, last) : load<T>(b);
    unroll<(M + W - 1) / W>([&](auto g) NNF_LAMBDA_INLINE {
      constexpr int first = g.value * W, count = M - first < W ? M - first : W;
      if constexpr (count == W && g.value % 2 == 1) {
        const Vec<T> four = repeat4(a + first);
        unroll<W>([&](auto i) NNF_LAMBDA_INLINE {
          acc[first + i.value] = fma(spread<W, i.value>(four), bv, acc[first + i.value]);
        });
      } else {
        unroll<count>([&](auto i) NNF_LAMBDA_INLINE {
          acc[first + i.value] = fma(set1<T>(a[first + i.value]), bv, acc[first + i.value]);
        });
      }
    });
  }
  return 0;
}

constexpr bool kThinAlong = kGemmVectors > 2;  // 12 sums, 4 vectors of B and one of A: more than 16 registers
template <class T, int M, bool Tail>
NNF_INLINE i64 gemm_thin(PointerRows<T, M>& rows, const T*& b, i64 ldb, i64 k, int last, Vec<T>* acc) {
  if constexpr (kThinAlong) {
    if (rows.step == 1) return gemm_thin_along<T, PointerRows, M, Tail>(rows, b, ldb, k, last, acc);
  }
  return k;
}
template <class T, int M, bool Tail>
NNF_INLINE i64 gemm_thin(EvenRows<T, M>& rows, const T*& b, i64 ldb, i64 k, int last, Vec<T>* acc) {
  if constexpr (kThinAlong) {
    if (rows.step == 1) return gemm_thin_along<T, EvenRows, M, Tail>(rows, b, ldb, k, last, acc);
  }
  return rows.apart == 1 ? gemm_thin_across<T, M, Tail>(rows, b, ldb, k, last, acc) : k;
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_THIN_INL_H
