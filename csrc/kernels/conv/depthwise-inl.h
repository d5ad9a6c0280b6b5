// The channels-last depthwise kernels of depthwise_contract.h: vectors of channels. Up to fourteen pixels of a row are
// summed at once, eight where there are 16 registers, which hides the latency of the FMAs, and a column of x is loaded
// once for all of the pixels that it meets: of eight, 13 loads for 24 FMAs of a row of three taps. (A load for every
// tap, 27, took twice the time; eight pixels where there are 32 registers: 256x14x14 3x3 1.27 times, 240x14x14 5x5
// 1.4 times, 96x28x28 5x5 the same.) Blocks of pixels come outside, channels inside, so that x is read in the order of
// memory.
#ifndef NNF_KERNELS_CONV_DEPTHWISE_INL_H
#define NNF_KERNELS_CONV_DEPTHWISE_INL_H

#include "kernels/conv/depthwise_contract.h"
#include "kernels/gemm/unroll-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// Pixels of which every one has the same columns modulo the dilation: of them column(p, b) = first + p * S + b.
template <class Task>
NNF_INLINE Task every_other_pixel(const Task& t, i64 phase) {
  Task part = t;
  const i64 d = t.dilation, column = t.first + phase, offset = (column % d + d) % d;
  part.pixels = (t.pixels - phase + d - 1) / d;
  part.first = (column - offset) / d;
  part.columns = t.columns > offset ? (t.columns - offset + d - 1) / d : 0;
  part.dilation = 1;
  part.x += offset * t.x_col;
  part.x_col *= d;
  return part;
}

// ---- forward

// P pixels of K taps across, S columns apart. Edge: some of the columns may be padding.
template <class T, int P, int K, int S, bool Edge, class Lanes>
NNF_INLINE void depthwise_pixels(const DepthwiseRow<T>& t, i64 pixel, i64 ch, Lanes lanes) {
  Vec<T> acc[P], w[K];
  const Vec<T> start = t.bias != nullptr ? lanes.load(t.bias + ch) : zero<T>();
  unroll<P>([&](auto p) NNF_LAMBDA_INLINE { acc[p.value] = start; });
  const i64 column = t.first + pixel * S, step = t.x_col, w_col = t.w_col;
  const i64 exist0 = -column, exist1 = t.columns - column;  // of the block's columns
  const T *line = t.x + column * step + ch, *taps = t.w + ch;
  for (i64 a = 0; a < t.down; ++a, line += t.x_row, taps += t.w_row) {
    const T *x = line, *from = taps;
    unroll<K>([&](auto b) NNF_LAMBDA_INLINE {
      w[b.value] = lanes.load(from);
      from += w_col;
    });
    unroll<(P - 1) * S + K>([&](auto q) NNF_LAMBDA_INLINE {
      if (!Edge || (q.value >= exist0 && q.value < exist1)) {
        Vec<T> v = lanes.load(x);
        keep(&v);
        unroll<K>([&](auto b) NNF_LAMBDA_INLINE {
          constexpr int from_first = decltype(q)::value - decltype(b)::value, p = from_first / S;
          if constexpr (from_first >= 0 && from_first % S == 0 && p < P) acc[p] = fma(v, w[decltype(b)::value], acc[p]);
        });
      }
      x += step;
    });
  }
  T* y = t.y + pixel * t.y_step + ch;
  unroll<P>([&](auto p) NNF_LAMBDA_INLINE {
    lanes.store(y, acc[p.value]);
    y += t.y_step;
  });
}

// The last pixels of a row are made again where that fills a block.
template <class T, int K, int S>
__attribute__((noinline)) void depthwise_row_of(const DepthwiseRow<T>& t) {
  const auto block = [&](i64 pixel, auto count) NNF_LAMBDA_INLINE {
    constexpr int P = decltype(count)::value;
    const i64 column = t.first + pixel * S;
    if (column >= 0 && column + (P - 1) * S + K <= t.columns) {
      for_each_vector<T>(t.c, [&](i64 ch, auto lanes) NNF_LAMBDA_INLINE {
        depthwise_pixels<T, P, K, S, false>(t, pixel, ch, lanes);
      });
    } else {
      for_each_vector<T>(t.c, [&](i64 ch, auto lanes) NNF_LAMBDA_INLINE {
        depthwise_pixels<T, P, K, S, true>(t, pixel, ch, lanes);
      });
    }
  };
  const i64 n = t.pixels;
  i64 p = 0;
  if constexpr (kMixedVectors > 1 && K >= 3 && S == 1) {  // 32 registers
    while (n >= 14 && n - p > 8) {
      if (p > n - 14) p = n - 14;
      block(p, Index<14>{});
      p += 14;
    }
  }
  while (n >= 8 && n - p > 4) {
    if (p > n - 8) p = n - 8;
    block(p, Index<8>{});
    p += 8;
  }
  while (n >= 4 && n - p > 1) {
    if (p > n - 4) p = n - 4;
    block(p, Index<4>{});
    p += 4;
  }
  for (; p < n; ++p) block(p, Index<1>{});
}

// Any taps and stride: a load for every tap.
template <class T, int P, class Lanes>
NNF_INLINE void depthwise_pixels_any(const DepthwiseRow<T>& t, i64 pixel, i64 b0, i64 b1, i64 ch, Lanes lanes) {
  Vec<T> acc[P];
  const Vec<T> start = t.bias != nullptr ? lanes.load(t.bias + ch) : zero<T>();
  unroll<P>([&](auto p) NNF_LAMBDA_INLINE { acc[p.value] = start; });
  const i64 step = t.stride * t.x_col;
  for (i64 a = 0; a < t.down; ++a) {
    for (i64 b = b0; b < b1; ++b) {
      const T* x = t.x + a * t.x_row + (t.first + pixel * t.stride + b * t.dilation) * t.x_col + ch;
      const Vec<T> w = lanes.load(t.w + a * t.w_row + b * t.w_col + ch);
      unroll<P>([&](auto p) NNF_LAMBDA_INLINE { acc[p.value] = fma(lanes.load(x + p.value * step), w, acc[p.value]); });
    }
  }
  T* y = t.y + pixel * t.y_step + ch;
  unroll<P>([&](auto p) NNF_LAMBDA_INLINE { lanes.store(y + p.value * t.y_step, acc[p.value]); });
}

template <class T>
NNF_INLINE void depthwise_row_any(const DepthwiseRow<T>& t) {
  const auto column = [&](i64 p, i64 b) NNF_LAMBDA_INLINE { return t.first + p * t.stride + b * t.dilation; };
  for (i64 p = 0; p < t.pixels;) {
    const bool eight = p + 8 <= t.pixels && column(p, 0) >= 0 && column(p + 7, t.across - 1) < t.columns;
    i64 b0 = 0, b1 = t.across;
    while (b0 < b1 && column(p, b0) < 0) ++b0;
    while (b0 < b1 && column(p, b1 - 1) >= t.columns) --b1;
    for_each_vector<T>(t.c, [&](i64 ch, auto lanes) NNF_LAMBDA_INLINE {
      if (eight) {
        depthwise_pixels_any<T, 8>(t, p, b0, b1, ch, lanes);
      } else {
        depthwise_pixels_any<T, 1>(t, p, b0, b1, ch, lanes);
      }
    });
    p += eight ? 8 : 1;
  }
}

template <class T>
NNF_INLINE void depthwise_row_dense(const DepthwiseRow<T>& t) {
  if (t.stride == 1) {
    switch (t.across) {
      case 1: return depthwise_row_of<T, 1, 1>(t);
      case 2: return depthwise_row_of<T, 2, 1>(t);
      case 3: return depthwise_row_of<T, 3, 1>(t);
      case 4: return depthwise_row_of<T, 4, 1>(t);
      case 5: return depthwise_row_of<T, 5, 1>(t);
      case 7: return depthwise_row_of<T, 7, 1>(t);
      default: return depthwise_row_any(t);
    }
  }
  switch (t.stride == 2 ? t.across : 0) {
    case 3: return depthwise_row_of<T, 3, 2>(t);
    case 5: return depthwise_row_of<T, 5, 2>(t);
    case 7: return depthwise_row_of<T, 7, 2>(t);
    default: return depthwise_row_any(t);
  }
}

template <class T>
void depthwise_row(const DepthwiseRow<T>& t) {
  if (t.dilation == 1 || t.across == 1) return depthwise_row_dense(t);
  if (t.stride != 1) return depthwise_row_any(t);
  for (i64 phase = 0; phase < t.dilation && phase < t.pixels; ++phase) {
    DepthwiseRow<T> part = every_other_pixel(t, phase);
    part.y += phase * t.y_step;
    part.y_step *= t.dilation;
    depthwise_row_dense(part);
  }
}

// ---- the weight's gradient

// A rows of K taps, from tap (a0, b0), of a vector of channels. The columns that a pixel shares with the one before
// stay in registers; S: the stride, or 0 for any, where they are loaded again.
template <class T, int A, int K, int S, class Lanes>
NNF_INLINE void depthwise_taps(const DepthwiseSums<T>& t, i64 a0, i64 b0, i64 ch, Lanes lanes) {
  constexpr int kKept = S > 0 && S < K ? K - S : 0;  // columns a pixel shares with the next
  T none[Vec<T>::N];
  store(none, zero<T>());  // stands for rows outside
  Vec<T> acc[A * K], v[A * K];
  T* out = t.out + a0 * t.out_row + b0 * t.out_col + ch;
  unroll<A>([&](auto a) NNF_LAMBDA_INLINE {
    unroll<K>([&](auto b) NNF_LAMBDA_INLINE {
      acc[a.value * K + b.value] = lanes.load(out + a.value * t.out_row + b.value * t.out_col);
    });
  });
  const i64 first = t.first + b0 * t.dilation;
  for (i64 l = 0; l < t.lines; ++l) {
    const T* x[A];
    i64 step[A];
    unroll<A>([&](auto a) NNF_LAMBDA_INLINE {
      const i64 row = t.top + l * t.stride_h + (a0 + a.value) * t.dilation_h;
      const bool inside = row >= 0 && row < t.rows;
      x[a.value] = inside ? t.x + row * t.x_row + ch : none;
      step[a.value] = inside ? t.x_col : 0;
    });
    const auto load_column = [&](auto a, auto b, i64 column, bool inside) NNF_LAMBDA_INLINE {
      v[decltype(a)::value * K + decltype(b)::value] =
          inside ? lanes.load(x[decltype(a)::value] + column * step[decltype(a)::value]) : zero<T>();
    };
    unroll<kKept>([&](auto b) NNF_LAMBDA_INLINE {
      const i64 column = first + b.value;
      unroll<A>([&](auto a) NNF_LAMBDA_INLINE {
        load_column(a, Index<decltype(b)::value + K - kKept>{}, column, column >= 0 && column < t.columns);
      });
    });
    const T* g = t.g + l * t.g_line + ch;
    const auto pixel = [&](i64 p, auto edge) NNF_LAMBDA_INLINE {
      const Vec<T> grad = lanes.load(g + p * t.g_step);
      const i64 column = first + p * t.stride;
      unroll<A>([&](auto a) NNF_LAMBDA_INLINE {
        unroll<kKept>([&](auto b) NNF_LAMBDA_INLINE {
          v[a.value * K + b.value] = v[a.value * K + b.value + K - kKept];
        });
        unroll<K - kKept>([&](auto i) NNF_LAMBDA_INLINE {
          constexpr int b = decltype(i)::value + kKept;
          const i64 at = column + b * t.dilation;
          load_column(a, Index<b>{}, at, edge.value == 0 || (at >= 0 && at < t.columns));
        });
        unroll<K>([&](auto b) NNF_LAMBDA_INLINE {
          acc[a.value * K + b.value] = fma(v[a.value * K + b.value], grad, acc[a.value * K + b.value]);
        });
      });
    };
    // Pixels p0..p1-1 load columns that exist.
    const i64 low = first + kKept * t.dilation, high = first + (K - 1) * t.dilation;
    i64 p0 = low >= 0 ? 0 : (t.stride - 1 - low) / t.stride;
    i64 p1 = high >= t.columns ? 0 : (t.columns - 1 - high) / t.stride + 1;
    if (p1 > t.pixels) p1 = t.pixels;
    if (p0 > p1) p0 = p1;
    i64 p = 0;
    for (; p < p0; ++p) pixel(p, Index<1>{});
    for (; p < p1; ++p) pixel(p, Index<0>{});
    for (; p < t.pixels; ++p) pixel(p, Index<1>{});
  }
  unroll<A>([&](auto a) NNF_LAMBDA_INLINE {
    unroll<K>([&](auto b) NNF_LAMBDA_INLINE {
      lanes.store(out + a.value * t.out_row + b.value * t.out_col, acc[a.value * K + b.value]);
    });
  });
}

// K taps across from b0, all rows.
template <class T, int K, int S>
__attribute__((noinline)) void depthwise_sums_of(const DepthwiseSums<T>& t, i64 b0) {
  constexpr int kRegisters = kMixedVectors > 1 ? 32 : 16;  // sums, columns and a gradient
  constexpr int A = 3 * 2 * K + 1 <= kRegisters ? 3 : 2 * 2 * K + 1 <= kRegisters ? 2 : 1;
  for_each_vector<T>(t.c, [&](i64 ch, auto lanes) NNF_LAMBDA_INLINE {
    i64 a = 0;
    for (; a + A <= t.down; a += A) depthwise_taps<T, A, K, S>(t, a, b0, ch, lanes);
    if constexpr (A > 1) {
      for (; a < t.down; ++a) depthwise_taps<T, 1, K, S>(t, a, b0, ch, lanes);
    }
  });
}
template <class T, int S>
NNF_INLINE void depthwise_sums_by(const DepthwiseSums<T>& t) {
  i64 b = 0;
  if constexpr (S > 0) {
    if (t.across == 5) return depthwise_sums_of<T, 5, S>(t, 0);
    if (t.across == 7) return depthwise_sums_of<T, 7, S>(t, 0);
  }
  for (; b + 3 <= t.across; b += 3) depthwise_sums_of<T, 3, S>(t, b);
  for (; b < t.across; ++b) depthwise_sums_of<T, 1, S>(t, b);
}

template <class T>
void depthwise_sums(const DepthwiseSums<T>& t) {
  if (t.dilation == 1 && t.stride == 1) return depthwise_sums_by<T, 1>(t);
  if (t.dilation == 1 && t.stride == 2) return depthwise_sums_by<T, 2>(t);
  if (t.stride != 1) return depthwise_sums_by<T, 0>(t);
  for (i64 phase = 0; phase < t.dilation && phase < t.pixels; ++phase) {
    DepthwiseSums<T> part = every_other_pixel(t, phase);
    part.g += phase * t.g_step;
    part.g_step *= t.dilation;
    depthwise_sums_by<T, 1>(part);
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_INL_H
