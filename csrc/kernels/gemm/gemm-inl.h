// The GEMM microkernel: a tile of C in registers, A broadcast element by element through row pointers, B a vector at a
// time. Included by the ISA files after their Vec; blocking, packing decisions and threads are gemm.cpp.
//
// What bounds it. Per k a tile of M rows and V vectors issues M * V FMAs, V loads of B and M broadcasts, so with two
// FMAs and two loads a cycle it must keep M * V >= M + V, and with a latency of 4 cycles M * V >= 8 chains. The tile
// takes M * V + V + 1 registers:
//
//   registers   V = 4        V = 3        V = 2         V = 1
//      32       6 (29)       9 (31)       12 (27)       12 (14)
//      16                                 6 (15)        12 (14)
//
// Measured on a Sapphire Rapids core, float, k = 512, share of the FMA peak: 6x64 96-98 %, 9x48 95 %, 12x32 91 %,
// 12x16 70 % (there every FMA has a load of its own). 7x64 and 14x32 fill all 32 registers and gain nothing.
// A masked load of the last vector costs 3-5 % of a 6x64 tile, hence the second set of bodies for whole vectors.
//
// GCC keeps the accumulators in registers because every index below is a template argument; written as loops with
// `#pragma GCC unroll` the array goes to the stack. It also makes a copy of the k loop for a_cs == 1 by itself.
#ifndef NNF_KERNELS_GEMM_GEMM_INL_H
#define NNF_KERNELS_GEMM_GEMM_INL_H

#include "kernels/gemm/contract.h"
#include "kernels/gemm/dots-inl.h"
#include "kernels/gemm/gemv-inl.h"
#include "kernels/gemm/geometry-inl.h"
#include "kernels/gemm/pack-inl.h"
#include "kernels/gemm/unroll-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// M rows by V vectors; with Tail the last vector has fewer than N columns. The sum over segments and k goes through one
// accumulator an element, C is added last: the same order in every body.
template <class T, int M, int V, bool Tail>
__attribute__((noinline)) void gemm_tile(const GemmTile<T>& t, const T* const* rows, T* c) {
  constexpr int N = Vec<T>::N;
  const int last = static_cast<int>(t.n) - (V - 1) * N;
  const T* row[M];
  Vec<T> acc[M * V];
  unroll<M>([&](auto i) NNF_LAMBDA_INLINE { row[i.value] = rows[i.value]; });
  unroll<M * V>([&](auto i) NNF_LAMBDA_INLINE { acc[i.value] = zero<T>(); });
  // Lines of C that will be read travel while the sum is made. (Those only written need no such help, and fetching them
  // all at once keeps B's loads waiting: 64x64x4 lost a quarter.)
  const bool accumulate = t.accumulate;
  const i64 ldc = t.ldc;
  if (accumulate) {
    unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
      unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
        if constexpr (j.value * N * sizeof(T) % 64 == 0) __builtin_prefetch(c + i.value * ldc + j.value * N, 1);
      });
    });
  }
  const i64 k = t.k, a_cs = t.a_cs, ldb = t.ldb;
  for (i64 s = 0; s < t.segments; ++s) {
    i64 a = t.a_seg ? t.a_seg[s] : 0;
    const T* b = t.b + s * t.b_seg;
    for (i64 p = k; p > 0; --p) {
      Vec<T> bv[V];
      unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
        if constexpr (Tail && j.value == V - 1) {
          bv[j.value] = load_n<T>(b + j.value * N, last);
        } else {
          bv[j.value] = load<T>(b + j.value * N);
        }
      });
      unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
        const Vec<T> x = set1<T>(row[i.value][a]);
        unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
          acc[i.value * V + j.value] = fma(x, bv[j.value], acc[i.value * V + j.value]);
        });
      });
      b += ldb;
      a += a_cs;
    }
  }
  unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
    unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
      T* out = c + i.value * ldc + j.value * N;
      Vec<T> r = acc[i.value * V + j.value];
      if constexpr (Tail && j.value == V - 1) {
        if (accumulate) r = load_n<T>(out, last) + r;
        store_n(out, r, last);
      } else {
        if (accumulate) r = load<T>(out) + r;
        store(out, r);
      }
    });
  });
}

// The body for exactly m rows.
template <class T, int V, bool Tail, int M>
NNF_INLINE void gemm_pick_rows(i64 m, const GemmTile<T>& t, const T* const* rows, T* c) {
  if (m == M) {
    gemm_tile<T, M, V, Tail>(t, rows, c);
  } else if constexpr (M > 1) {
    gemm_pick_rows<T, V, Tail, M - 1>(m, t, rows, c);
  }
}

// More rows than the body takes are split evenly.
template <class T, int V>
NNF_INLINE void gemm_pick_vectors(i64 vectors, const GemmTile<T>& t) {
  if (vectors == V) {
    constexpr int kRows = gemm_rows(V);
    i64 parts = (t.m + kRows - 1) / kRows;
    for (i64 i = 0; i < t.m; --parts) {
      const i64 m = (t.m - i + parts - 1) / parts;
      if (t.n == V * Vec<T>::N) {
        gemm_pick_rows<T, V, false, kRows>(m, t, t.rows + i, t.c + i * t.ldc);
      } else {
        gemm_pick_rows<T, V, true, kRows>(m, t, t.rows + i, t.c + i * t.ldc);
      }
      i += m;
    }
  } else if constexpr (V > 1) {
    gemm_pick_vectors<T, V - 1>(vectors, t);
  }
}

template <class T>
void gemm_micro(const GemmTile<T>& tile) {
  gemm_pick_vectors<T, kGemmVectors>((tile.n + Vec<T>::N - 1) / Vec<T>::N, tile);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_GEMM_INL_H
