// The kernels of contract.h: convolution with vectors along image rows. A row's tap is the same row one element on, so
// nothing is gathered: M output channels times V vectors of columns a tile, M broadcasts of weights and V loads a tap.
//
// Where the microkernel of the GEMM has one output channel a lane, 6 channels leave 10 of 16 lanes empty; here the
// lanes that a row of 28 pixels leaves empty are 4 of 32.
#ifndef NNF_KERNELS_CONV_PLANAR_INL_H
#define NNF_KERNELS_CONV_PLANAR_INL_H

#include "kernels/conv/contract.h"
#include "kernels/gemm/geometry-inl.h"
#include "kernels/gemm/unroll-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// What is loaded is kept: GCC would rather load it again for each FMA, across two cache lines as a rule. (3 rows and 32
// columns of 5 taps, AVX-512, GFLOPS: 112 so, 230 kept; the weights' sums of 6 channels 131, 193.)
//
// R rows of V vectors each, from column `first` on.
template <class T, int M, int R, int V>
__attribute__((noinline)) void planar_tile(const PlanarRows<T>& t, i64 top, i64 first) {
  constexpr i64 N = Vec<T>::N;
  constexpr int W = R * V;
  Vec<T> acc[M * W];
  unroll<M * W>([&](auto i) NNF_LAMBDA_INLINE { acc[i.value] = zero<T>(); });
  const T* w = t.w;
  const T* line = t.x + top * t.x_row + first;
  const i64 kw = t.kw, pitch = t.pitch, x_row = t.x_row;
  for (i64 s = t.segments; s > 0; --s, line += pitch) {
    for (const T* x = line; x != line + kw; ++x, w += M) {
      Vec<T> xv[W];
      unroll<W>([&](auto j) NNF_LAMBDA_INLINE {
        xv[j.value] = kept(load<T>(x + j.value / V * x_row + j.value % V * N));
      });
      unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
        const Vec<T> wi = set1<T>(w[i.value]);
        unroll<W>([&](auto j) NNF_LAMBDA_INLINE {
          acc[i.value * W + j.value] = fma(wi, xv[j.value], acc[i.value * W + j.value]);
        });
      });
    }
  }
  const i64 last = t.n - first - (V - 1) * N;  // lanes of the last vector, maybe more than it has
  unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
    const Vec<T> b = set1<T>(t.bias ? t.bias[i.value] : T{0});
    T* y = t.y + i.value * t.y_plane + top * t.y_row + first;
    unroll<W>([&](auto j) NNF_LAMBDA_INLINE {
      const Vec<T> r = t.bias ? acc[i.value * W + j.value] + b : acc[i.value * W + j.value];
      T* to = y + j.value / V * t.y_row + j.value % V * N;
      if (j.value % V < V - 1 || last >= N) {
        store(to, r);
      } else {
        store_n(to, r, last);
      }
    });
  });
}

template <class T, int M, int R, int V>
NNF_INLINE void planar_pick_rows(i64 rows, const PlanarRows<T>& t, i64 top, i64 first) {
  if (rows == R) {
    planar_tile<T, M, R, V>(t, top, first);
  } else if constexpr (R > 1) {
    planar_pick_rows<T, M, R - 1, V>(rows, t, top, first);
  }
}

// So many rows go together that, with their vectors, they fill the registers: weights are broadcast once for all.
constexpr int planar_rows_together(int vectors) { return kGemmVectors / vectors; }

template <class T, int M, int V>
NNF_INLINE void planar_pick_vectors(i64 vectors, const PlanarRows<T>& t, i64 first) {
  if (vectors == V) {
    constexpr i64 most = planar_rows_together(V);
    i64 parts = (t.rows + most - 1) / most;
    for (i64 r = 0; r < t.rows; --parts) {
      const i64 count = (t.rows - r + parts - 1) / parts;
      planar_pick_rows<T, M, most, V>(count, t, r, first);
      r += count;
    }
  } else if constexpr (V > 1) {
    planar_pick_vectors<T, M, V - 1>(vectors, t, first);
  }
}

template <class T, int M>
NNF_INLINE void planar_pick(i64 vectors, const PlanarRows<T>& t, i64 first) {
  if (t.m == M) {
    planar_pick_vectors<T, M, kGemmVectors>(vectors, t, first);
  } else if constexpr (M > 1) {
    planar_pick<T, M - 1>(vectors, t, first);
  }
}

template <class T>
void planar_rows(const PlanarRows<T>& t) {
  constexpr i64 N = Vec<T>::N;
  const i64 vectors = (t.n + N - 1) / N;
  i64 parts = (vectors + kGemmVectors - 1) / kGemmVectors;
  for (i64 v = 0; v < vectors; --parts) {
    const i64 count = (vectors - v + parts - 1) / parts;
    planar_pick<T, kPlanarMost>(count, t, v * N);
    v += count;
  }
}

// R taps of M channels; channels past the last are the last again, and are not written.
template <class T, int M, int R>
__attribute__((noinline)) void planar_sums_tile(const PlanarSums<T>& t, i64 i0, i64 m, i64 p0) {
  Vec<T> acc[M * R];
  unroll<M * R>([&](auto i) NNF_LAMBDA_INLINE { acc[i.value] = zero<T>(); });
  const T* g[M];
  unroll<M>([&](auto i) NNF_LAMBDA_INLINE { g[i.value] = t.g + (i0 + (i.value < m ? i.value : m - 1)) * t.g_plane; });
  const T* x = t.x + p0;
  const i64 n = t.n;
  for (i64 r = 0; r < t.lines; ++r, x += t.x_line) {
    const i64 at = r * t.g_line;
    for_each_vector<T>(n, [&](i64 j, auto lanes) NNF_LAMBDA_INLINE {
      Vec<T> xv[R];
      unroll<R>([&](auto p) NNF_LAMBDA_INLINE { xv[p.value] = kept(lanes.load(x + j + p.value)); });
      unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
        const Vec<T> gv = kept(lanes.load(g[i.value] + at + j));
        unroll<R>([&](auto p) NNF_LAMBDA_INLINE {
          acc[i.value * R + p.value] = fma(gv, xv[p.value], acc[i.value * R + p.value]);
        });
      });
    });
  }
  unroll<M>([&](auto i) NNF_LAMBDA_INLINE {
    if (i.value >= m) return;
    constexpr int row = i.value * R;
    T s[4];
    sum4(acc[row], acc[row + (R > 1 ? 1 : 0)], acc[row + (R > 2 ? 2 : 0)], acc[row + (R > 3 ? 3 : 0)], s);
    T* out = t.out + (i0 + i.value) * t.out_row + p0;
    unroll<R>([&](auto p) NNF_LAMBDA_INLINE { out[p.value] += s[p.value]; });
  });
}

template <class T, int M, int R>
NNF_INLINE void planar_sums_pick(i64 taps, const PlanarSums<T>& t, i64 i0, i64 m, i64 p0) {
  if (taps == R) {
    planar_sums_tile<T, M, R>(t, i0, m, p0);
  } else if constexpr (R > 1) {
    planar_sums_pick<T, M, R - 1>(taps, t, i0, m, p0);
  }
}

// With 16 registers 2 x 4 sums, with 32 of them 6 x 4.
template <class T>
void planar_sums(const PlanarSums<T>& t) {
  constexpr int M = kDotRows > kPlanarMost ? kPlanarMost : kDotRows, R = 4;
  i64 blocks = (t.m + M - 1) / M;
  for (i64 i = 0; i < t.m; --blocks) {
    const i64 m = (t.m - i + blocks - 1) / blocks;
    i64 parts = (t.count + R - 1) / R;
    for (i64 p = 0; p < t.count; --parts) {
      const i64 taps = (t.count - p + parts - 1) / parts;
      if (M > 4 && m <= 4) {
        planar_sums_pick<T, (M > 4 ? 4 : M), R>(taps, t, i, m, p);
      } else {
        planar_sums_pick<T, M, R>(taps, t, i, m, p);
      }
      p += taps;
    }
    i += m;
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_PLANAR_INL_H
