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
// A short k shows what stands around its loop. On a Zen 5 core, GFLOPS of a peak of 245:
//   rows by pointer, evenly spaced    12x16, k 27: 166, 202; 12x32, k 9: 167, 206; 6x64, k 5: 157, 199, k 256: 229, 232
//   a call a panel, a call for all    300 x 2000 x 3: 77, 87; 32 cubed: 102, 111
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
#include "kernels/gemm/unroll-inl.h"
#include "simd/vec.h"

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

// The sum of one segment for tiles one vector wide, whose FMAs each wait for a load of their own: half of the rows are
// loaded four elements at a time, which are then spread over the lanes in registers, where shuffles and FMAs share more
// ports than there are loads. (Share of the peak of a Zen 5 core, 12x16 of depth 152: element by element 79 %, every
// row so 77 %, every other 95 %.) The four are of one row where its elements follow each other, of four rows where
// theirs do: a product with A, or with its transpose. Returns how many of k it leaves.
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

// M rows by V vectors; with Tail the last vector has fewer than N columns. The sum over segments and k goes through one
// accumulator an element, C is added last: the same order in every body.
template <class T, template <class, int> class Rows, int M, int V, bool Tail>
__attribute__((noinline)) void gemm_tile(const GemmTile<T>& t, i64 i0, i64 j0, i64 n, const T* panel) {
  constexpr int N = Vec<T>::N;
  const int last = static_cast<int>(n) - (V - 1) * N;
  T* c = t.c + i0 * t.ldc + j0;
  Rows<T, M> rows(t, i0);
  Vec<T> acc[M * V];
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
  const i64 k = t.k, ldb = t.ldb;
  for (i64 s = 0; s < t.segments; ++s) {
    rows.start(t.a_seg ? t.a_seg[s] : 0);
    const T* b = panel + (t.b_at ? t.b_at[s] : s * t.b_seg);
    i64 p = k;
    if constexpr (V == 1 && Vec<T>::N > 1) p = gemm_thin<T, M, Tail>(rows, b, ldb, k, last, acc);
    for (; p > 0; --p) {
      Vec<T> bv[V];
      unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
        if constexpr (Tail && j.value == V - 1) {
          bv[j.value] = load_n<T>(b + j.value * N, last);
        } else {
          bv[j.value] = load<T>(b + j.value * N);
        }
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
  // C, then the bias, then the activation: the order of separate passes, and so their bits.
  const auto each = [&](auto f) NNF_LAMBDA_INLINE {
    unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
      unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
        constexpr bool kMasked = Tail && j.value == V - 1;
        f(acc[i.value * V + j.value], c + i.value * ldc + j.value * N, j, Index<kMasked>{});
      });
    });
  };
  const auto loaded = [&](const T* from, auto masked) NNF_LAMBDA_INLINE {
    if constexpr (masked.value) return load_n<T>(from, last);
    if constexpr (!masked.value) return load<T>(from);
  };
  if (accumulate) {
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
  each([&](const Vec<T>& r, T* out, auto, auto masked) NNF_LAMBDA_INLINE {
    if constexpr (masked.value) store_n(out, r, last);
    if constexpr (!masked.value) store(out, r);
  });
}

// The body for exactly m rows.
template <class T, template <class, int> class Rows, int V, bool Tail, int M>
NNF_INLINE void gemm_pick_rows(i64 m, const GemmTile<T>& t, i64 i0, i64 j0, i64 n, const T* panel) {
  if (m == M) {
    gemm_tile<T, Rows, M, V, Tail>(t, i0, j0, n, panel);
  } else if constexpr (M > 1) {
    gemm_pick_rows<T, Rows, V, Tail, M - 1>(m, t, i0, j0, n, panel);
  }
}

// One panel: n <= nr columns, in V vectors. More rows than the body takes are split evenly.
template <class T, template <class, int> class Rows, int V>
NNF_INLINE void gemm_panel(const GemmTile<T>& t, i64 j, i64 n, const T* panel) {
  constexpr int kRows = gemm_rows(V);
  if (n > (V - 1) * Vec<T>::N) {
    const bool tail = n < V * Vec<T>::N;
    i64 parts = (t.m + kRows - 1) / kRows;
    for (i64 i = 0; i < t.m; --parts) {
      const i64 m = (t.m - i + parts - 1) / parts;
      if (tail) {
        gemm_pick_rows<T, Rows, V, true, kRows>(m, t, i, j, n, panel);
      } else {
        gemm_pick_rows<T, Rows, V, false, kRows>(m, t, i, j, n, panel);
      }
      i += m;
    }
  } else if constexpr (V > 1) {
    gemm_panel<T, Rows, V - 1>(t, j, n, panel);
  }
}

template <class T, template <class, int> class Rows>
NNF_INLINE void gemm_panels(const GemmTile<T>& t) {
  const T* b = t.b;
  for (i64 j = 0; j < t.n; j += t.step, b += t.b_panel) {
    gemm_panel<T, Rows, kGemmVectors>(t, j, t.n - j < t.step ? t.n - j : t.step, b);
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
