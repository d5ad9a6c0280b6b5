// Contract of the GEMM microkernel, on which matmul, linear and convolution stand. Plain data only (see registry.h).
#ifndef NNF_KERNELS_GEMM_CONTRACT_H
#define NNF_KERNELS_GEMM_CONTRACT_H

#include "base/types.h"

namespace nnf {

struct GemmGeometry {
  int mr;  // most rows a microkernel call takes
  int nr;  // most columns: the width of a packed panel of B
  int vectors;  // of such a panel's row
  int lanes;  // of a vector
  int rows[5];  // most rows that are kept in registers beside a panel of so many vectors; a call of more is split
};

// Tiles of C side by side, each a sum over segments of dot products ("batch-reduce GEMM"):
//
//   C[i][j] (+)= sum_{s < segments} sum_{p < k} A_s[i][p] * B_s[p][j]      0 <= i < m, 0 <= j < n
//   A_s[i][p] = rows[i][a_seg[s] + p * a_cs]      rows[i]: any address, so A may be a matrix or the pixels of an image
//               a[i * a_rs + a_seg[s] + p * a_cs]  when rows is null: rows a constant apart, up to 1.4 times as fast,
//                                                 as twelve pointers are more than the integer registers hold (set_rows)
//   B_s[p][j] = b[j / step * b_panel + b_seg * s + p * ldb + j % step]   row-major in place (b_panel = step) or packed
//                                                                        panels (ldb = nr); step <= nr
//               b_at[s] in place of b_seg * s                            when b_at is given
//
// At most mr rows by pointer, any number of evenly spaced ones. a_seg may be null when segments == 1 (offset 0). C
// is row-major with row stride ldc, and is read only when accumulate is true. Nothing outside the named elements is
// read or written (masked tails). The order of the summation depends on k and segments alone, never on m, n or
// threads: a tile's row gives the same bits whatever tile it falls in.
template <class T>
struct GemmTile {
  i64 m, n, k;
  i64 segments;
  const T* const* rows;  // m pointers, or null
  const T* a;            // without them
  i64 a_rs;
  const i64* a_seg;  // segments offsets in elements
  i64 a_cs;
  const T* b;
  i64 ldb, b_seg;
  const i64* b_at;  // segments offsets in elements, or null
  i64 step, b_panel;
  T* c;
  i64 ldc;
  bool accumulate;
  const T* bias;  // (n) or null: added to every row of the finished C
  bool relu;      // max(0, C) after that
};

// Gives the tile, whose m is set, its rows: as one address and a distance when they are evenly spaced.
template <class T>
inline void set_rows(GemmTile<T>* tile, const T* const* rows) {
  const i64 apart = tile->m > 1 ? rows[1] - rows[0] : 0;
  bool even = true;
  for (i64 i = 2; i < tile->m; ++i) even &= rows[i] - rows[i - 1] == apart;
  tile->rows = even ? nullptr : rows;
  tile->a = rows[0];
  tile->a_rs = apart;
}

template <class T>
using GemmMicroFn = void (*)(const GemmTile<T>& tile);

// Packs k rows and n <= nr columns of a matrix given by strides into a panel (k, nr), padded with zeros.
template <class T>
using GemmPackFn = void (*)(i64 k, i64 n, const T* b, i64 b_rs, i64 b_cs, T* panel);

// Copies `m` rows of a transposed A (row i's element p at a[p * a_cs + i]) into strips of `mr` rows: strip s at
// out + s * strip, row i's element p at [p * mr + i % mr] of it. Rows past m in the last strip are left alone.
template <class T>
using GemmPackStripsFn = void (*)(i64 k, i64 m, const T* a, i64 a_cs, i64 strip, T* out);

// C[i][j] (+)= dot(a + i * a_rs, b + j * b_cs) over k contiguous elements of both, 0 <= i < m, 0 <= j < n. C is read
// only when accumulate is true. The summation depends on k alone.
template <class T>
struct DotsTile {
  i64 m, n, k;
  const T* a;
  i64 a_rs;
  const T* b;
  i64 b_cs;
  T* c;
  i64 ldc;
  bool accumulate;
};

template <class T>
using GemmDotsFn = void (*)(const DotsTile<T>& tile);

// One row of C: y[j] (+)= sum_p x[p] * B[p][j] for 0 <= j < n, x dense (k), B[p][j] = b[p * b_rs + j * b_cs] with
// b_cs == 1 or b_rs == 1. y is read only when accumulate is true. The summation depends on k and on which stride is 1.
template <class T>
using GemmRowFn = void (*)(i64 n, i64 k, const T* x, const T* b, i64 b_rs, i64 b_cs, T* y, bool accumulate);

}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_CONTRACT_H
