// Depthwise sums over rows of planes that lie split in scratch, zeros around them (depthwise_planes-inl.h), for kernels
// of any size: a block of output rows by vectors of columns in registers. A vector of x is loaded once for all of the
// block's rows that it meets, a weight once for all of the block: 5x5, seven rows by two vectors, 27 loads for 70 FMAs
// of a column of taps. (One output vector at a time, a chain of dependent FMAs, took four times as long. Rows of x read
// in place, what lies beyond their ends masked off: 1.3 to 2.5 times, since masked loads that miss the first-level
// cache are slow.)
#ifndef NNF_KERNELS_CONV_DEPTHWISE_ROWS_INL_H
#define NNF_KERNELS_CONV_DEPTHWISE_ROWS_INL_H

#include "kernels/conv/depthwise_contract.h"
#include "kernels/gemm/unroll-inl.h"
#include "kernels/layout/split-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// What all blocks share. (What differs from plane to plane is no part of it: written for each, and read again while
// still in the store buffer, it took a sixth of the time.)
template <class T>
struct DepthwiseBlock {
  i64 tap_row;      // elements of scratch between two taps of a column
  i64 row_step;     // and between two of the block's rows
  const i64* taps;  // (kw): see DepthwisePlanes
  i64 kh, kw;
  i64 w_step;       // -1: the weights come from the last one back
  i64 y_step, columns;
  bool apart;       // rows of y between the block's are finished: nothing may be written beyond a row's end
  const T* y_end;
};

// What a plane has of its own: the weights, (kh, kw), from the first that is used, and what its sums begin with.
template <class T>
struct DepthwiseWeights {
  const T* w;
  T start;
};

// Taps a0..a0+Taps-1 of every column; the block's rows lie Stride tap rows apart (any distance for one row).
template <class T, int Rows, int Vectors, int Taps, int Stride>
NNF_INLINE void depthwise_add_taps(const DepthwiseBlock<T>& t, const T* w0, const T* x0, i64 a0,
                                   Vec<T> (&acc)[Rows * Vectors]) {
  constexpr int N = Vec<T>::N;
  const T *top = x0 + a0 * t.tap_row, *weights = w0 + a0 * t.kw * t.w_step;
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
NNF_INLINE void depthwise_block_at(const DepthwiseBlock<T>& t, const DepthwiseWeights<T>& own, const T* x, i64 j,
                                   T* y) {
  constexpr int N = Vec<T>::N;
  Vec<T> acc[Rows * Vectors];
  unroll<Rows * Vectors>([&](auto k) NNF_LAMBDA_INLINE { acc[k.value] = set1(own.start); });
  for (i64 a = 0; a < t.kh;) {
    const i64 left = t.kh - a;
    if (left >= 7) {
      depthwise_add_taps<T, Rows, Vectors, 7, Stride>(t, own.w, x, a, acc), a += 7;
    } else if (left >= 5) {
      depthwise_add_taps<T, Rows, Vectors, 5, Stride>(t, own.w, x, a, acc), a += 5;
    } else if (left >= 3) {
      depthwise_add_taps<T, Rows, Vectors, 3, Stride>(t, own.w, x, a, acc), a += 3;
    } else {
      depthwise_add_taps<T, Rows, Vectors, 1, Stride>(t, own.w, x, a, acc), a += 1;
    }
  }
  const i64 left = t.columns - j - (Vectors - 1) * N, y_step = t.y_step;  // columns of the last vector, maybe more
  const T* y_end = t.y_end;
  const auto put = [&](auto last) NNF_LAMBDA_INLINE {
    T* to = y;
    unroll<Rows>([&](auto r) NNF_LAMBDA_INLINE {
      constexpr int end = (decltype(r)::value + 1) * Vectors - 1;
      unroll<Vectors - 1>([&](auto c) NNF_LAMBDA_INLINE { store(to + c.value * N, acc[end - Vectors + 1 + c.value]); });
      last(to + (Vectors - 1) * N, acc[end]);
      to += y_step;
    });
  };
  if (left >= N || (!t.apart && y_end - y > (Rows - 1) * y_step + Vectors * N)) {
    put([](T* to, Vec<T> v) NNF_LAMBDA_INLINE { store(to, v); });
  } else {
    put([left](T* to, Vec<T> v) NNF_LAMBDA_INLINE { store_n(to, v, left); });
  }
}

template <class T>
using DepthwiseStripFn = void (*)(const DepthwiseBlock<T>& t, const DepthwiseWeights<T>& own, const T* x, i64 rows,
                                  i64 j, T* y);

// Vectors of columns from j on, of `rows` rows; the last of these are made again where that fills a block.
template <class T, int Rows, int Vectors, int Stride>
void depthwise_strip(const DepthwiseBlock<T>& t, const DepthwiseWeights<T>& own, const T* x, i64 rows, i64 j, T* y) {
  for (i64 r = 0; r < rows; r += Rows) {
    const i64 from = rows - r < Rows ? rows - Rows : r;
    depthwise_block_at<T, Rows, Vectors, Stride>(t, own, x + from * t.row_step + j, j, y + from * t.y_step + j);
  }
}

// The rows of a block: as many as there are registers for, and of these what makes the fewest rows again. (Four by two
// vectors or eight by one, eight sums, which just hides the FMAs' latency: 96x28x28 5x5 took 1.2 times as long,
// 240x14x14 1.2 to 1.8 times.)
template <class T, int Vectors>
NNF_INLINE i64 depthwise_block_rows(i64 rows) {
  constexpr i64 kSizes[] = {16, 14, 8, 7, 4}, kSums = kMixedVectors > 1 ? 16 : 8;
  i64 best = 1, least = 2 * rows;
  for (const i64 size : kSizes) {
    if (size > rows || size * Vectors > kSums) continue;
    const i64 cost = (rows + size - 1) / size * (size + 1);  // a block's end takes about as long as a row
    if (cost < least) best = size, least = cost;
  }
  return best;
}

template <class T, int Vectors, int Stride>
NNF_INLINE DepthwiseStripFn<T> depthwise_strip_for(i64 rows) {
  const i64 size = depthwise_block_rows<T, Vectors>(rows);
  if constexpr (Vectors == 1 && kMixedVectors > 1) {
    if (size == 16) return depthwise_strip<T, 16, 1, Stride>;
    if (size == 14) return depthwise_strip<T, 14, 1, Stride>;
  }
  if constexpr (Vectors == 1 || kMixedVectors > 1) {
    if (size == 8) return depthwise_strip<T, 8, Vectors, Stride>;
    if (size == 7) return depthwise_strip<T, 7, Vectors, Stride>;
  }
  return size == 4 ? depthwise_strip<T, 4, Vectors, Stride> : depthwise_strip<T, 1, Vectors, 1>;
}

// Output rows of bands of planes. What follows from their number is found once.
template <class T>
class DepthwiseRows {
 public:
  NNF_INLINE DepthwiseRows(const DepthwisePlanes& p, bool mirrored, const T* y_end) {
    line_ = p.stride_w * p.split_line;
    const i64 down = p.kh > 1 ? p.dilation_h : 1, stride = p.stride_h;
    // Every down-th row together: their taps meet the same rows.
    phases_ = stride == 1 ? down : 1;
    stride_ = phases_ == 1 && down > 1 ? 0 : stride == 1 ? 1 : stride == 2 ? 2 : 0;
    t_ = {down * line_,        stride * phases_ * line_, p.taps,      p.kh, p.kw, mirrored ? -1 : 1,
          phases_ * p.ow,      p.ow,                     phases_ > 1, y_end};
  }
  // `rows` rows, whose rows of x begin at x.
  NNF_INLINE void make(const DepthwiseWeights<T>& own, const T* x, i64 rows, T* y) {
    if (phases_ == 1) return blocks(own, x, rows, y);
    for (i64 phase = 0; phase < phases_ && phase < rows; ++phase, x += line_, y += t_.columns) {
      blocks(own, x, (rows - phase + phases_ - 1) / phases_, y);
    }
  }

 private:
  template <int Vectors>
  NNF_INLINE DepthwiseStripFn<T> strip_for(i64 rows) const {
    if (stride_ == 0) return depthwise_strip<T, 1, Vectors, 1>;
    return stride_ == 1 ? depthwise_strip_for<T, Vectors, 1>(rows) : depthwise_strip_for<T, Vectors, 2>(rows);
  }
  NNF_INLINE void blocks(const DepthwiseWeights<T>& own, const T* x, i64 rows, T* y) {
    constexpr i64 N = Vec<T>::N;
    if (rows != rows_) rows_ = rows, one_ = strip_for<1>(rows), two_ = strip_for<2>(rows);
    i64 j = (t_.columns + N - 1) / N * N;  // the last vectors first
    if (j / N % 2 == 1) j -= N, one_(t_, own, x, rows, j, y);
    while (j > 0) j -= 2 * N, two_(t_, own, x, rows, j, y);
  }

  DepthwiseBlock<T> t_;
  i64 line_, phases_, stride_, rows_ = 0;  // stride_ 0: a row at a time
  DepthwiseStripFn<T> one_ = nullptr, two_ = nullptr;
};

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_ROWS_INL_H
