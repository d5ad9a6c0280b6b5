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
// 12x16 70 % (there every FMA had a load of its own; now thin-inl.h). 7x64 and 14x32 fill all 32 registers and gain nothing.
// A masked load of the last vector costs 3-5 % of a 6x64 tile, hence the second set of bodies for whole vectors.
//
// A short k shows what stands around its loop. On a Zen 5 core, GFLOPS of a peak of 245:
//   rows by pointer, evenly spaced    12x16, k 27: 166, 202; 12x32, k 9: 167, 206; 6x64, k 5: 157, 199, k 256: 229, 232
//   a call a panel, a call for all    300 x 2000 x 3: 77, 87; 32 cubed: 102, 111
//   a call for a tile's panels, C's addresses found row by row    1000 x 1000 x 9: 142, 179; 32 cubed: 175, 184
//   bias and relu in a pass of their own, in registers    linear layer of 64 cubed: +13 %, +6 %; of 256 cubed: +3 %, 0
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
#include "kernels/gemm/rows-inl.h"
#include "kernels/gemm/thin-inl.h"
#include "kernels/gemm/unroll-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// Keeps GCC from working out the addresses of all of a tile's vectors before it stores the first: more than the integer
// registers hold, they went to the stack and to vector registers and back.
template <class P>
NNF_INLINE P* opaque(P* p) {
  asm("" : "+r"(p));
  return p;
}

// M rows by V vectors, `panels` times side by side; with Tail the last vector has fewer than N columns (n in all).
// The sum over segments and k goes through one accumulator an element, C is added last: the same order in every
// body.
template <class T, template <class, int> class Rows, int M, int V, bool Tail>
__attribute__((noinline)) void gemm_tile(const GemmTile<T>& t, i64 i0, i64 j0, i64 n, const T* panel, i64 panels) {
  constexpr int N = Vec<T>::N;
  const int last = static_cast<int>(n) - (V - 1) * N;
  const bool bare = !t.accumulate && t.bias == nullptr && !t.relu;
  Rows<T, M> rows(t, i0);
  const auto loaded = [&](const T* from, auto masked) NNF_LAMBDA_INLINE {
    if constexpr (masked.value) return load_n<T>(from, last);
    if constexpr (!masked.value) return load<T>(from);
  };
  for (T* c = t.c + i0 * t.ldc + j0;; c += t.step, j0 += t.step, panel += t.b_panel) {
    Vec<T> acc[M * V];
    unroll<M * V>([&](auto i) NNF_LAMBDA_INLINE { acc[i.value] = zero<T>(); });
    // f(accumulator, its place in C, j, masked), row by row
    const auto each = [&](auto f) NNF_LAMBDA_INLINE {
      T* row = c;
      unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
        row = opaque(row);
        unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
          f(acc[i.value * V + j.value], row + j.value * N, j, Index<Tail && j.value == V - 1>{});
        });
        row += t.ldc;
      });
    };
    // Lines that will be read travel while the sum is made. (Those of C only written need no such help, and
    // fetching them all at once keeps B's loads waiting: 64x64x4 lost a quarter.)
    if (!bare && t.accumulate) {
      each([&](const Vec<T>&, const T* out, auto j, auto) NNF_LAMBDA_INLINE {
        if constexpr (j.value * N * sizeof(T) % 64 == 0) __builtin_prefetch(out, 1);
      });
    }
    for (i64 s = 0; s < t.segments; ++s) {
      const GemmTile<T>& u = *opaque(&t);  // read here what else would take registers from the loop
      rows.start(u.a_seg ? u.a_seg[s] : 0);
      const T* b = panel + (u.b_at ? u.b_at[s] : s * u.b_seg);
      const i64 ldb = u.ldb;
      i64 p = u.k;
      if constexpr (V == 1 && N > 1) p = gemm_thin<T, M, Tail>(rows, b, ldb, p, last, acc);
      for (; p > 0; --p) {
        Vec<T> bv[V];
        unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
          bv[j.value] = loaded(b + j.value * N, Index<Tail && j.value == V - 1>{});
        });
        unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
          const Vec<T> x = set1<T>(*rows.template get<i.value>());
          unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
            acc[i.value * V + j.value] = fma(x, bv[j.value], acc[i.value * V + j.value]);
          });
        });
        b += ldb;
        rows.next(1);
      }
    }
    if (!bare) {  // C, then the bias, then the activation: the order of separate passes, and so their bits
      if (t.accumulate) {
        each([&](Vec<T>& r, const T* out, auto, auto masked) NNF_LAMBDA_INLINE { r = loaded(out, masked) + r; });
      }
      if (t.bias != nullptr) {
        const T* bias = t.bias + j0;
        each([&](Vec<T>& r, const T*, auto j, auto masked) NNF_LAMBDA_INLINE {
          r = r + loaded(bias + j.value * N, masked);
        });
      }
      if (t.relu) {
        each([&](Vec<T>& r, const T*, auto, auto) NNF_LAMBDA_INLINE { r = max(zero<T>(), r); });  // a NaN stays
      }
    }
    each([&](const Vec<T>& r, T* out, auto, auto masked) NNF_LAMBDA_INLINE {
      if constexpr (masked.value) store_n(out, r, last);
      if constexpr (!masked.value) store(out, r);
    });
    if (--panels == 0) return;
  }
}

// The body for exactly m rows.
template <class T, template <class, int> class Rows, int V, bool Tail, int M>
NNF_INLINE void gemm_pick_rows(i64 m, const GemmTile<T>& t, i64 i0, i64 j0, i64 n, const T* panel, i64 panels) {
  if (m == M) {
    gemm_tile<T, Rows, M, V, Tail>(t, i0, j0, n, panel, panels);
  } else if constexpr (M > 1) {
    gemm_pick_rows<T, Rows, V, Tail, M - 1>(m, t, i0, j0, n, panel, panels);
  }
}

// Panels of n <= nr columns, in V vectors, several only of whole vectors. More rows than the body takes are split
// evenly.
template <class T, template <class, int> class Rows, int V>
NNF_INLINE void gemm_panel(const GemmTile<T>& t, i64 j, i64 n, const T* panel, i64 panels) {
  constexpr int kRows = gemm_rows(V);
  if (n > (V - 1) * Vec<T>::N) {
    const bool tail = n < V * Vec<T>::N;
    i64 parts = (t.m + kRows - 1) / kRows;
    for (i64 i = 0; i < t.m; --parts) {
      const i64 m = (t.m - i + parts - 1) / parts;
      if (tail) {
        gemm_pick_rows<T, Rows, V, true, kRows>(m, t, i, j, n, panel, 1);
      } else {
        gemm_pick_rows<T, Rows, V, false, kRows>(m, t, i, j, n, panel, panels);
      }
      i += m;
    }
  } else if constexpr (V > 1) {
    gemm_panel<T, Rows, V - 1>(t, j, n, panel, panels);
  }
}

// A long sum's panel is used for all rows while it is in L1; with a short one a body's call would show.
template <class T, template <class, int> class Rows>
NNF_INLINE void gemm_panels(const GemmTile<T>& t) {
  constexpr i64 kShort = 64;
  const bool together = t.n >= 2 * t.step && t.k * t.segments <= kShort && t.step % Vec<T>::N == 0;
  const T* b = t.b;
  for (i64 j = 0, panels = together ? t.n / t.step : 1; j < t.n; panels = 1) {
    gemm_panel<T, Rows, kGemmVectors>(t, j, t.n - j < t.step ? t.n - j : t.step, b, panels);
    j += panels * t.step;
    b += panels * t.b_panel;
  }
}

template <class T>
void gemm_micro(const GemmTile<T>& tile) {
  if (tile.rows == nullptr) {
    gemm_panels<T, EvenRows>(tile);
  } else {
    gemm_panels<T, PointerRows>(tile);
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_GEMM_INL_H
