// Contract of the convolution's own kernels, for few channels: vectors run along an image's rows. Plain data only (see
// registry.h).
#ifndef NNF_KERNELS_CONV_CONTRACT_H
#define NNF_KERNELS_CONV_CONTRACT_H

#include "base/types.h"

namespace nnf {

constexpr i64 kPlanarMost = 6;  // output channels of one call

// Some output rows of m <= kPlanarMost channels:
//
//   y[r * y_row + i * y_plane + j] = bias[i] +
//       sum_{s < segments} sum_{p < kw} w[(s * kw + p) * m + i] * x[r * x_row + s * pitch + j + p]
//
// for 0 <= r < rows, 0 <= j < n. Of x also the elements up to the next whole vector of j are read, which change
// nothing. bias may be null. A sum's order depends on segments and kw alone.
template <class T>
struct PlanarRows {
  i64 rows, m, n, segments, kw;
  const T* w;
  const T* x;
  i64 pitch, x_row;
  const T* bias;
  T* y;
  i64 y_plane, y_row;
};

template <class T>
using PlanarRowsFn = void (*)(const PlanarRows<T>& rows);

// The gradient of such weights: sums over `lines` lines of n pixels, for `count` taps p of one line of the kernel,
//
//   out[i * out_row + p] += sum_{r < lines} sum_{j < n} g[i * g_plane + r * g_line + j] * x[r * x_line + j + p]
//
// for 0 <= i < m. The order depends on lines and n alone.
template <class T>
struct PlanarSums {
  i64 m, count, lines, n;
  const T* g;
  i64 g_plane, g_line;
  const T* x;
  i64 x_line;
  T* out;
  i64 out_row;
};

// The sum of overlapping runs, a row of n elements:
//
//   y[e] = sum_{j < runs} x[j * pitch + e - start - j * apart]     where 0 <= e - start - j * apart < run
//
// Before each run of x and after it lie at least a vector of zeros. The order of a sum follows from the numbers here.
template <class T>
struct OverlapRow {
  i64 n, runs, run, apart, start;
  const T* x;
  i64 pitch;
  T* y;
};

template <class T>
using OverlapRowFn = void (*)(const OverlapRow<T>& row);

template <class T>
using PlanarSumsFn = void (*)(const PlanarSums<T>& sums);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_CONTRACT_H
