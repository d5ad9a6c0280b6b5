// The channels-last depthwise kernels of contract.h and depthwise_contract.h: vectors of channels, eight pixels of a
// row at once, so that a tap's weights are loaded once for eight of them and eight sums hide the latency of the FMAs.
// Bound by the loads: nine for eight FMAs.
#ifndef NNF_KERNELS_CONV_DEPTHWISE_INL_H
#define NNF_KERNELS_CONV_DEPTHWISE_INL_H

#include "kernels/conv/contract.h"
#include "kernels/conv/depthwise_contract.h"
#include "kernels/gemm/unroll-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

template <class T, int P, class Lanes>
NNF_INLINE void depthwise_pixels(const DepthwiseRow<T>& t, i64 pixel, i64 ch, Lanes lanes) {
  Vec<T> acc[P];
  unroll<P>([&](auto p) NNF_LAMBDA_INLINE { acc[p.value] = zero<T>(); });
  const i64 step = t.x_step;
  for (i64 a = 0; a < t.down; ++a) {
    const T* x = t.x + pixel * step + a * t.x_row + ch;
    const T* w = t.w + a * t.w_row + ch;
    for (i64 b = 0; b < t.across; ++b, x += t.x_col, w += t.w_col) {
      const Vec<T> wv = lanes.load(w);
      unroll<P>([&](auto p) NNF_LAMBDA_INLINE {
        acc[p.value] = fma(lanes.load(x + p.value * step), wv, acc[p.value]);
      });
    }
  }
  T* y = t.y + pixel * t.y_step + ch;
  unroll<P>([&](auto p) NNF_LAMBDA_INLINE { lanes.store(y + p.value * t.y_step, acc[p.value]); });
}

template <class T>
void depthwise_row(const DepthwiseRow<T>& t) {
  for_each_vector<T>(t.c, [&](i64 ch, auto lanes) NNF_LAMBDA_INLINE {
    i64 p = 0;
    for (; p + 8 <= t.pixels; p += 8) depthwise_pixels<T, 8>(t, p, ch, lanes);
    for (; p < t.pixels; ++p) depthwise_pixels<T, 1>(t, p, ch, lanes);
  });
}

// Taps t0..t0+Taps-1, counted row by row, of a vector of channels.
template <class T, int Taps, class Lanes>
NNF_INLINE void depthwise_taps(const DepthwiseSums<T>& t, i64 t0, i64 ch, Lanes lanes) {
  Vec<T> acc[Taps];
  const T* x[Taps];
  T* out[Taps];
  unroll<Taps>([&](auto k) NNF_LAMBDA_INLINE {
    const i64 a = (t0 + k.value) / t.across, b = t0 + k.value - a * t.across;
    x[k.value] = t.x + a * t.x_row + b * t.x_col + ch;
    out[k.value] = t.out + a * t.out_row + b * t.out_col + ch;
    acc[k.value] = lanes.load(out[k.value]);
  });
  const T* g = t.g + ch;
  for (i64 p = 0, at = 0; p < t.pixels; ++p, g += t.g_step, at += t.x_step) {
    const Vec<T> grad = lanes.load(g);
    unroll<Taps>([&](auto k) NNF_LAMBDA_INLINE {
      acc[k.value] = fma(lanes.load(x[k.value] + at), grad, acc[k.value]);
    });
  }
  unroll<Taps>([&](auto k) NNF_LAMBDA_INLINE { lanes.store(out[k.value], acc[k.value]); });
}

template <class T>
void depthwise_sums(const DepthwiseSums<T>& t) {
  const i64 taps = t.down * t.across;
  for_each_vector<T>(t.c, [&](i64 ch, auto lanes) NNF_LAMBDA_INLINE {
    i64 k = 0;
    for (; k + 9 <= taps; k += 9) depthwise_taps<T, 9>(t, k, ch, lanes);
    for (; k + 3 <= taps; k += 3) depthwise_taps<T, 3>(t, k, ch, lanes);
    for (; k < taps; ++k) depthwise_taps<T, 1>(t, k, ch, lanes);
  });
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_INL_H
