// Kernels of grouped_contract.h: a vector holds several groups' channels. One multiply-add takes input channel i of
// every group, spread over the group's lanes by a shuffle, times the weights from it to the vector's outputs; so no
// lane idles, where a matrix product a group would fill `width` of them. (128 channels in groups of 4, 3x3, AVX-512:
// the products took five times as long.)
#ifndef NNF_KERNELS_CONV_GROUPED_INL_H
#define NNF_KERNELS_CONV_GROUPED_INL_H

#include "kernels/conv/grouped_contract.h"
#include "kernels/gemm/unroll-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

template <class T, int W, int P, class Lanes>
NNF_INLINE void grouped_pixels(const GroupedRow<T>& t, i64 pixel, i64 ch, Lanes lanes) {
  Vec<T> acc[P];
  const Vec<T> start = t.bias != nullptr ? lanes.load(t.bias + ch) : zero<T>();
  unroll<P>([&](auto p) NNF_LAMBDA_INLINE { acc[p.value] = start; });
  const T* w = t.w + ch;
  for (i64 a = 0; a < t.kh; ++a) {
    const T* x = t.x + pixel * t.x_step + a * t.x_row + ch;
    for (i64 b = 0; b < t.kw; ++b, x += t.x_col, w += W * t.c) {
      Vec<T> v[P];
      unroll<P>([&](auto p) NNF_LAMBDA_INLINE { v[p.value] = lanes.load(x + p.value * t.x_step); });
      unroll<W>([&](auto i) NNF_LAMBDA_INLINE {
        const Vec<T> weights = lanes.load(w + i.value * t.c);
        unroll<P>([&](auto p) NNF_LAMBDA_INLINE {
          acc[p.value] = fma(spread<W, i.value>(v[p.value]), weights, acc[p.value]);
        });
      });
    }
  }
  T* y = t.y + pixel * t.c + ch;
  unroll<P>([&](auto p) NNF_LAMBDA_INLINE { lanes.store(y + p.value * t.c, acc[p.value]); });
}

template <class T, int W>
NNF_INLINE void grouped_row_of(const GroupedRow<T>& t) {
  constexpr int kTogether = kMixedVectors > 1 ? 8 : 4;  // pixels: of 32 or 16 registers, half hold sums
  for_each_vector<T>(t.c, [&](i64 ch, auto lanes) NNF_LAMBDA_INLINE {
    i64 p = 0;
    for (; p + kTogether <= t.pixels; p += kTogether) grouped_pixels<T, W, kTogether>(t, p, ch, lanes);
    for (; p + 2 <= t.pixels; p += 2) grouped_pixels<T, W, 2>(t, p, ch, lanes);
    if (p < t.pixels) grouped_pixels<T, W, 1>(t, p, ch, lanes);
  });
}

template <class T>
void grouped_row(const GroupedRow<T>& t) {
  if constexpr (Vec<T>::N >= 2) {
    if (t.width == 2) return grouped_row_of<T, 2>(t);
  }
  if constexpr (Vec<T>::N >= 4) {
    if (t.width == 4) return grouped_row_of<T, 4>(t);
  }
  if constexpr (Vec<T>::N >= 8) {
    if (t.width == 8) return grouped_row_of<T, 8>(t);
  }
}

// Taps b0..b0+Taps-1 of a vector of channels.
template <class T, int W, int Taps, class Lanes>
NNF_INLINE void grouped_taps(const GroupedSums<T>& t, i64 b0, i64 ch, Lanes lanes) {
  Vec<T> acc[Taps * W];
  T* out = t.out + b0 * W * t.c + ch;
  unroll<Taps * W>([&](auto k) NNF_LAMBDA_INLINE { acc[k.value] = lanes.load(out + k.value * t.c); });
  const T* g = t.g + ch;
  for (i64 r = 0; r < t.lines; ++r) {
    const T* x = t.x + r * t.x_line + b0 * t.x_col + ch;
    for (i64 p = 0; p < t.pixels; ++p, g += t.c, x += t.x_step) {
      const Vec<T> grad = lanes.load(g);
      unroll<Taps>([&](auto b) NNF_LAMBDA_INLINE {
        const Vec<T> v = lanes.load(x + b.value * t.x_col);
        unroll<W>([&](auto i) NNF_LAMBDA_INLINE {
          constexpr int k = decltype(b)::value * W + decltype(i)::value;
          acc[k] = fma(spread<W, decltype(i)::value>(v), grad, acc[k]);
        });
      });
    }
  }
  unroll<Taps * W>([&](auto k) NNF_LAMBDA_INLINE { lanes.store(out + k.value * t.c, acc[k.value]); });
}

template <class T, int W>
NNF_INLINE void grouped_sums_of(const GroupedSums<T>& t) {
  constexpr bool kThree = 3 * W <= (kMixedVectors > 1 ? 24 : 12);  // sums that fit in registers
  for_each_vector<T>(t.c, [&](i64 ch, auto lanes) NNF_LAMBDA_INLINE {
    i64 b = 0;
    if constexpr (kThree) {
      for (; b + 3 <= t.taps; b += 3) grouped_taps<T, W, 3>(t, b, ch, lanes);
    }
    for (; b < t.taps; ++b) grouped_taps<T, W, 1>(t, b, ch, lanes);
  });
}

template <class T>
void grouped_sums(const GroupedSums<T>& t) {
  if constexpr (Vec<T>::N >= 2) {
    if (t.width == 2) return grouped_sums_of<T, 2>(t);
  }
  if constexpr (Vec<T>::N >= 4) {
    if (t.width == 4) return grouped_sums_of<T, 4>(t);
  }
  if constexpr (Vec<T>::N >= 8) {
    if (t.width == 8) return grouped_sums_of<T, 8>(t);
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_GROUPED_INL_H
