// A few rows times a matrix whose columns are contiguous (a weight (out, in) seen as W^T): dot products with vectors
// along k, for which nothing is packed. What this is: the vector code; when it is taken instead of the microkernel,
// which needs such a B turned around first, is decided in gemm_narrow.cpp.
//
// Per vector of k a tile of M rows and R columns issues M * R FMAs and M + R loads: 24 and 10 for 6 x 4, so the FMAs
// bound it. Accumulators, one vector of A and R of B take 29 of 32 registers; with 16 registers 2 x 4 takes 13.
// At the end of each tile stand M * R sums over lanes, 3 to 4 instructions each by sum4. For up to three rows R is 8
// where there are 32 registers (2 x 300 x 300: 4.3 us with R = 4, 3.9 with 8 and 12; 2 x 64 x 64: 0.16, 0.11, 0.12).
//
// An element's sum is that of Vec::N interleaved sums, added in Vec's fixed tree: the bits of gemm_row's dot products,
// whatever tile the element falls in.
#ifndef NNF_KERNELS_GEMM_DOTS_INL_H
#define NNF_KERNELS_GEMM_DOTS_INL_H

#include "kernels/gemm/contract.h"
#include "kernels/gemm/geometry-inl.h"
#include "kernels/gemm/unroll-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

constexpr int kDotColumns = 4;

template <class T, int M, int R>
__attribute__((noinline)) void gemm_dots_tile(const DotsTile<T>& t, const T* a, const T* b, T* c) {
  constexpr i64 N = Vec<T>::N;
  const i64 k = t.k, a_rs = t.a_rs, b_cs = t.b_cs;
  Vec<T> acc[M * R];
  unroll<M * R>([&](auto i) NNF_LAMBDA_INLINE { acc[i.value] = zero<T>(); });
  // The smaller side's vectors are held, the other's pass by: kept, for with three columns GCC loaded the same vector
  // again for each of its FMAs, which took twice the time (128 x 3 x 512: 85 GFLOPS, 148 so).
  const auto step = [&](i64 p, auto lanes) NNF_LAMBDA_INLINE {
    Vec<T> held[M < R ? M : R];
    if constexpr (M < R) {
      unroll<M>([&](auto i) NNF_LAMBDA_INLINE { held[i.value] = lanes.load(a + i.value * a_rs + p); });
      unroll<R>([&](auto j) NNF_LAMBDA_INLINE {
        const Vec<T> w = kept(lanes.load(b + j.value * b_cs + p));
        unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
          acc[i.value * R + j.value] = fma(held[i.value], w, acc[i.value * R + j.value]);
        });
      });
    } else {
      unroll<R>([&](auto j) NNF_LAMBDA_INLINE { held[j.value] = lanes.load(b + j.value * b_cs + p); });
      unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
        const Vec<T> x = kept(lanes.load(a + i.value * a_rs + p));
        unroll<R>([&](auto j) NNF_LAMBDA_INLINE {
          acc[i.value * R + j.value] = fma(x, held[j.value], acc[i.value * R + j.value]);
        });
      });
    }
  };
  i64 p = 0;
  for (; p + N <= k; p += N) step(p, AllLanes<T>{});
  if (p < k) step(p, FirstLanes<T>{static_cast<int>(k - p)});
  const bool accumulate = t.accumulate;
  unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
    unroll<(R + 3) / 4>([&](auto g) NNF_LAMBDA_INLINE {
      constexpr int kFirst = i.value * R + 4 * g.value, kCount = R - 4 * g.value < 4 ? R - 4 * g.value : 4;
      T* out = c + i.value * t.ldc + 4 * g.value;
      const Vec<T>*s0 = acc + kFirst, *s1 = s0 + (kCount > 1), *s2 = s0 + 2 * (kCount > 2), *s3 = s0 + 3 * (kCount > 3);
      if (kCount == 4 && !accumulate) {
        sum4(*s0, *s1, *s2, *s3, out);
        return;
      }
      T s[4];
      sum4(*s0, *s1, *s2, *s3, s);
      unroll<kCount>([&](auto j) NNF_LAMBDA_INLINE {
        out[j.value] = accumulate ? out[j.value] + s[j.value] : s[j.value];
      });
    });
  });
}

template <class T, int R, int M>
NNF_INLINE void gemm_dots_rows(i64 m, const DotsTile<T>& t, const T* a, const T* b, T* c) {
  if (m == M) {
    gemm_dots_tile<T, M, R>(t, a, b, c);
  } else if constexpr (M > 1) {
    gemm_dots_rows<T, R, M - 1>(m, t, a, b, c);
  }
}

// R columns: the rows in even parts, so that no part is too thin to hide the FMAs' latency.
template <class T, int R>
NNF_INLINE void gemm_dots_columns(i64 columns, const DotsTile<T>& t, const T* b, T* c) {
  if (columns == R) {
    i64 parts = (t.m + kDotRows - 1) / kDotRows;
    for (i64 i = 0; i < t.m; --parts) {
      const i64 m = (t.m - i + parts - 1) / parts;
      gemm_dots_rows<T, R, kDotRows>(m, t, t.a + i * t.a_rs, b, c + i * t.ldc);
      i += m;
    }
  } else if constexpr (R > 1) {
    gemm_dots_columns<T, R - 1>(columns, t, b, c);
  }
}

// The columns' few rows of W stay in L1 while all rows of A pass over them: W is read once.
template <class T>
void gemm_dots(const DotsTile<T>& t) {
  i64 j = 0;
  if constexpr (kDotThinRows > 0) {
    // Few rows leave registers for more columns, and a load of A then serves more FMAs.
    for (; t.m <= kDotThinRows && j + 8 <= t.n; j += 8) {
      gemm_dots_rows<T, 8, kDotThinRows>(t.m, t, t.a, t.b + j * t.b_cs, t.c + j);
    }
  }
  i64 parts = (t.n - j + kDotColumns - 1) / kDotColumns;
  for (; j < t.n; --parts) {
    const i64 n = (t.n - j + parts - 1) / parts;
    gemm_dots_columns<T, kDotColumns>(n, t, t.b + j * t.b_cs, t.c + j);
    j += n;
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_DOTS_INL_H
