// Depthwise sums over rows of planes that lie split in scratch, zeros around them (depthwise_planes-inl.h), for kernels
// of any size: a block of output rows by vectors of columns in registers. A vector of x is loaded once for all of the
// block's rows that it meets, a weight once for all of the block: 5x5, four rows by two vectors, 21 loads for 40 FMAs
// of a column of taps. (One output vector at a time, a chain of dependent FMAs, took four times as long.)
#ifndef NNF_KERNELS_CONV_DEPTHWISE_ROWS_INL_H
#define NNF_KERNELS_CONV_DEPTHWISE_ROWS_INL_H

#include "kernels/conv/depthwise_contract.h"
#include "kernels/gemm/unroll-inl.h"
#include "kernels/layout/split-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// What the blocks of a band share. (Their own pointers are no part of it: copies of this, read as whole vectors while
// still in the store buffer, took a sixth of the time.)
template <class T>
struct DepthwiseBlock {
  i64 tap_row;      // elements of scratch between two taps of a column
  i64 row_step;     // and between two of the block's rows
  const i64* taps;  // (kw): see DepthwisePlanes
  i64 kh, kw;
  const T* w;       // (kh, kw) of the plane; w_step -1: from the last one back
  i64 w_step;
  T start;
  i64 y_step, columns;
  bool apart;       // rows of y between the block's are finished: nothing may be written beyond a row's end
  const T* y_end;
};

// Taps a0..a0+Taps-1 of every column; the block's rows lie Stride tap rows apart (any distance for one row).
template <class T, int Rows, int Vectors, int Taps, int Stride>
NNF_INLINE void depthwise_add_taps(const DepthwiseBlock<T>& t, const T* x0, i64 a0, Vec<T> (&acc)[Rows * Vectors]) {
  constexpr int N = Vec<T>::N;
  const T *top = x0 + a0 * t.tap_row, *weights = t.w + a0 * t.kw * t.w_step;
  for (i64 b = 0; b < t.kw; ++b) {
    Vec<T> w[Taps];
    unroll<Taps>([&](auto a) NNF_LAMBDA_INLINE {
      w[a.value] = set1(weights[(a.value * t.kw + b) * t.w_step]);
      keep(&w[a.value]);
    });
    const T* x = top + t.taps[b];
    unroll<(Rows - 1) * Stride + Taps>([&](auto i) NNF_LAMBDA_INLINE {
      constexpr int row = decltype(i)::value;
      unroll<Vectors>([&](auto c) NNF_LAMBDA_INLINE {
        constexpr int column = decltype(c)::value;
        Vec<T> v = load(x + column * N);
        keep(&v);
        unroll<Taps>([&](auto a) NNF_LAMBDA_INLINE {
          constexpr int tap = decltype(a)::value, above = row - tap, r = above / Stride;
          if constexpr (above >= 0 && above % Stride == 0 && r < Rows) {
            acc[r * Vectors + column] = fma(v, w[tap], acc[r * Vectors + column]);
          }
        });
      });
      x += t.tap_row;
    });
  }
}

// Rows x Vectors outputs from column j on; x: in scratch, what lies under tap (0, 0) of the first of them.
template <class T, int Rows, int Vectors, int Stride>
NNF_INLINE void depthwise_block_at(const DepthwiseBlock<T>& t, const T* x, i64 j, T* y) {
  constexpr int N = Vec<T>::N;
  Vec<T> acc[Rows * Vectors];
  unroll<Rows * Vectors>([&](auto k) NNF_LAMBDA_INLINE { acc[k.value] = set1(t.start); });
  for (i64 a = 0; a < t.kh;) {
    const i64 left = t.kh - a;
    if (left >= 7) {
      depthwise_add_taps<T, Rows, Vectors, 7, Stride>(t, x, a, acc), a += 7;
    } else if (left >= 5) {
      depthwise_add_taps<T, Rows, Vectors, 5, Stride>(t, x, a, acc), a += 5;
    } else if (left >= 3) {
      depthwise_add_taps<T, Rows, Vectors, 3, Stride>(t, x, a, acc), a += 3;
    } else {
      depthwise_add_taps<T, Rows, Vectors, 1, Stride>(t, x, a, acc), a += 1;
    }
  }
  unroll<Rows>([&](auto r) NNF_LAMBDA_INLINE {
    unroll<Vectors>([&](auto c) NNF_LAMBDA_INLINE {
      const i64 at = j + c.value * N, left = t.columns - at;
      T* to = y + r.value * t.y_step + c.value * N;
      if (left <= 0) return;
      if (t.apart && left < N) {
        store_n(to, acc[r.value * Vectors + c.value], left);
      } else {
        store_before(to, acc[r.value * Vectors + c.value], left, t.y_end);
      }
    });
  });
}

template <class T, int Rows, int Vectors, int Stride>
__attribute__((noinline)) void depthwise_block(const DepthwiseBlock<T>& t, const T* x, T* y) {
  constexpr i64 kStep = Vectors * Vec<T>::N;
  for (i64 j = (t.columns - 1) / kStep * kStep; j >= 0; j -= kStep) {
    depthwise_block_at<T, Rows, Vectors, Stride>(t, x + j, j, y + j);
  }
}

// `rows` rows, y_step and row_step apart; the last ones are made again where that fills a block.
template <class T, int Stride>
NNF_INLINE void depthwise_blocks(const DepthwiseBlock<T>& t, const T* x, i64 rows, T* y) {
  const bool wide = t.columns > Vec<T>::N;
  i64 r = 0;
  while (!wide && rows >= 8 && rows - r > 4) {
    if (r > rows - 8) r = rows - 8;
    depthwise_block<T, 8, 1, Stride>(t, x + r * t.row_step, y + r * t.y_step);
    r += 8;
  }
  while (rows >= 4 && rows - r > 1) {
    if (r > rows - 4) r = rows - 4;
    if (wide) {
      depthwise_block<T, 4, 2, Stride>(t, x + r * t.row_step, y + r * t.y_step);
    } else {
      depthwise_block<T, 4, 1, Stride>(t, x + r * t.row_step, y + r * t.y_step);
    }
    r += 4;
  }
  for (; r < rows; ++r) depthwise_block<T, 1, 4, 1>(t, x + r * t.row_step, y + r * t.y_step);
}

// Output rows of a band, `rows` of them, whose rows of x begin at `x`.
template <class T>
NNF_INLINE void depthwise_rows(const DepthwisePlanes& p, const T* x, const T* weight, bool mirrored, T bias, i64 rows,
                               T* y, const T* end) {
  const i64 size = p.stride_w * p.split_line, tap_row = (p.kh > 1 ? p.dilation_h : 1) * size;
  const T* first = mirrored ? weight + p.kh * p.kw - 1 : weight;
  DepthwiseBlock<T> t{tap_row, p.stride_h * size, p.taps, p.kh, p.kw, first, mirrored ? -1 : 1,
                      bias,    p.ow,              p.ow,   false, end};
  if (tap_row == size && p.stride_h == 1) return depthwise_blocks<T, 1>(t, x, rows, y);
  if (tap_row == size && p.stride_h == 2) return depthwise_blocks<T, 2>(t, x, rows, y);
  if (p.stride_h == 1) {  // every dilation_h-th row together: their taps meet the same rows
    t.apart = true;
    t.row_step = tap_row, t.y_step = p.dilation_h * p.ow;
    for (i64 phase = 0; phase < p.dilation_h && phase < rows; ++phase, x += size, y += p.ow) {
      depthwise_blocks<T, 1>(t, x, (rows - phase + p.dilation_h - 1) / p.dilation_h, y);
    }
    return;
  }
  for (i64 r = 0; r < rows; ++r, x += t.row_step, y += t.y_step) depthwise_block<T, 1, 4, 1>(t, x, y);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_ROWS_INL_H
