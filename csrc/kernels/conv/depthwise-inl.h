// The depthwise kernel of contract.h: vectors of channels, eight pixels of a row at once, so that a tap's weights are
// loaded once for eight of them and eight sums hide the latency of the FMAs. Bound by the loads: nine for eight FMAs.
#ifndef NNF_KERNELS_CONV_DEPTHWISE_INL_H
#define NNF_KERNELS_CONV_DEPTHWISE_INL_H

#include "kernels/conv/contract.h"
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
  T* y = t.y + pixel * t.c + ch;
  unroll<P>([&](auto p) NNF_LAMBDA_INLINE { lanes.store(y + p.value * t.c, acc[p.value]); });
}

template <class T>
void depthwise_row(const DepthwiseRow<T>& t) {
  for_each_vector<T>(t.c, [&](i64 ch, auto lanes) NNF_LAMBDA_INLINE {
    i64 p = 0;
    for (; p + 8 <= t.pixels; p += 8) depthwise_pixels<T, 8>(t, p, ch, lanes);
    for (; p < t.pixels; ++p) depthwise_pixels<T, 1>(t, p, ch, lanes);
  });
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_INL_H
