// The depthwise kernels of planes (depthwise_contract.h): vectors run along the rows of NCHW images.
//
// A band of x's rows is split into phases first, zeros around it, so that the sums know no edges. 3x3 kernels make
// four output rows at once: a row of x is loaded once for the three that it meets (4 rows: 18 loads for 36
// multiply-adds). Rows of results are stored last vector first, so that whole vectors may run into the row behind,
// which is not yet final.
#ifndef NNF_KERNELS_CONV_DEPTHWISE_PLANES_INL_H
#define NNF_KERNELS_CONV_DEPTHWISE_PLANES_INL_H

#include "kernels/conv/depthwise_3x3-inl.h"
#include "kernels/conv/depthwise_contract.h"
#include "kernels/layout/split-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// The rows of plane `image` that output rows o0..o1-1 reach, split; rows of padding are zeros.
template <class T>
NNF_INLINE void split_band(const DepthwisePlanes& p, i64 o0, i64 o1, const T* image, const T* end, T* split) {
  const i64 size = p.stride_w * p.split_line, top = o0 * p.stride_h - p.pad_top;
  const i64 rows = (o1 - o0 - 1) * p.stride_h + (p.kh - 1) * p.dilation_h + 1;
  const RowSplit how{p.columns, p.stride_w, p.pad_left, p.split_line};
  for (i64 i = 0; i < rows; ++i, split += size) {
    const i64 r = top + i;
    if (r < 0 || r >= p.h) {
      fill_line(size, T(0), split);
    } else {
      split_row(how, image + r * p.w, end, T(0), split);
    }
  }
}

// Output rows of 3x3 taps, `Rows` at once; x: the first one's first row in scratch.
template <class T, int Rows, int Stride>
NNF_INLINE void depthwise_3x3(const DepthwisePlanes& p, const T* x, const Vec<T> (&w)[9], Vec<T> bias, T* y,
                              const T* end) {
  constexpr i64 N = Vec<T>::N;
  const i64 size = p.stride_w * p.split_line;
  for (i64 j = (p.ow - 1) / N * N; j >= 0; j -= N) {
    Vec<T> acc[Rows];
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) acc[r] = bias;
#pragma GCC unroll 9
    for (int i = 0; i < (Rows - 1) * Stride + 3; ++i) {
#pragma GCC unroll 3
      for (int b = 0; b < 3; ++b) {
        const Vec<T> v = load(x + i * size + p.taps[b] + j);
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) {
          const int a = i - r * Stride;
          if (a >= 0 && a < 3) acc[r] = fma(v, w[a * 3 + b], acc[r]);
        }
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) store_before(y + r * p.ow + j, acc[r], p.ow - j, end);
  }
}

template <class T>
NNF_INLINE void depthwise_any(const DepthwisePlanes& p, const T* x, const T* weight, bool mirrored, Vec<T> bias, T* y,
                              const T* end) {
  constexpr i64 N = Vec<T>::N;
  const i64 step = p.dilation_h * p.stride_w * p.split_line, taps = p.kh * p.kw;
  for (i64 j = (p.ow - 1) / N * N; j >= 0; j -= N) {
    Vec<T> acc = bias;
    for (i64 a = 0, t = 0; a < p.kh; ++a) {
      for (i64 b = 0; b < p.kw; ++b, ++t) {
        acc = fma(load(x + a * step + p.taps[b] + j), set1(weight[mirrored ? taps - 1 - t : t]), acc);
      }
    }
    store_before(y + j, acc, p.ow - j, end);
  }
}

template <class T>
void depthwise_planes(const DepthwisePlanes& p, i64 p0, i64 p1, const T* x, const T* weight, bool mirrored,
                      const T* bias, T* y, T* scratch) {
  const i64 size = p.stride_w * p.split_line;
  const bool small = p.kh == 3 && p.kw == 3 && p.dilation_h == 1 && p.stride_h <= 2;
  const bool direct = depthwise_is_direct(p);
  const T *x_end = x + p.n * p.c * p.h * p.w, *y_end = y + p1 * p.oh * p.ow;
  if (!direct) fill_line(p.rows * size, T(0), scratch);
  for (i64 plane = p0; plane < p1; ++plane) {
    const i64 ch = plane % p.c;
    const T* taps = weight + ch * p.kh * p.kw;
    const Vec<T> start = set1(bias != nullptr ? bias[ch] : T(0));
    Vec<T> w[9];
    for (int t = 0; small && t < 9; ++t) w[t] = set1(taps[mirrored ? 8 - t : t]);
    if (direct) {
      depthwise_direct(p, x + plane * p.h * p.w, x_end, w, start, y + plane * p.oh * p.ow, y_end);
      continue;
    }
    for (i64 o0 = 0; o0 < p.oh; o0 += p.band) {
      const i64 o1 = p.oh - o0 < p.band ? p.oh : o0 + p.band;
      split_band(p, o0, o1, x + plane * p.h * p.w, x_end, scratch);
      T* to = y + (plane * p.oh + o0) * p.ow;
      const T* from = scratch;
      i64 o = o0;
      if (small && p.stride_h == 1) {
        for (; o + 4 <= o1; o += 4, from += 4 * size, to += 4 * p.ow) {
          depthwise_3x3<T, 4, 1>(p, from, w, start, to, y_end);
        }
        for (; o < o1; ++o, from += size, to += p.ow) depthwise_3x3<T, 1, 1>(p, from, w, start, to, y_end);
      } else if (small) {
        for (; o + 4 <= o1; o += 4, from += 8 * size, to += 4 * p.ow) {
          depthwise_3x3<T, 4, 2>(p, from, w, start, to, y_end);
        }
        for (; o < o1; ++o, from += 2 * size, to += p.ow) depthwise_3x3<T, 1, 2>(p, from, w, start, to, y_end);
      }
      for (; o < o1; ++o, from += p.stride_h * size, to += p.ow) {
        depthwise_any(p, from, taps, mirrored, start, to, y_end);
      }
    }
  }
}

// ---- the data's gradient by phases, for any stride

// Phase `phase` of row r of a plane's gradient at places q, q + 1, ...; rows first..last-1 of g reach it.
template <class T>
NNF_INLINE Vec<T> depthwise_phase(const DepthwisePlanes& p, const T* g, const T* weight, i64 below, i64 rows, i64 phase,
                                  i64 q) {
  Vec<T> total = zero<T>();
  for (i64 i = 0; i < rows; ++i, below -= p.stride_h, g += p.line) {
    if (below % p.dilation_h != 0) continue;
    const T* w = weight + below / p.dilation_h * p.kw;
    for (i64 b = p.kw - 1; b >= 0; --b) {
      const i64 back = p.taps[b] - phase * p.split_line;
      if (back < 0 || back >= p.split_line) continue;
      total = fma(load(g + q - back), set1(w[b]), total);
    }
  }
  return total;
}

template <class T>
NNF_INLINE void depthwise_gather_row(const DepthwisePlanes& p, const T* g, const T* weight, i64 below, i64 rows,
                                     T* merged, T* to, const T* end) {
  constexpr i64 N = Vec<T>::N;
  const i64 step = p.stride_w, pad = p.pad_left;
  const auto at = [&](i64 phase, i64 q) NNF_LAMBDA_INLINE {
    return depthwise_phase(p, g, weight, below, rows, phase, q);
  };
  if (step == 1) {
    for (i64 c = 0; c < p.w; c += N) store_before(to + c, at(0, c + pad), p.w - c, end);
  } else if (step == 2) {
    for (i64 c = 0; c < p.w; c += 2 * N) {
      Vec<T> a, b;
      interleave(at(pad & 1, pad / 2 + c / 2), at((pad + 1) & 1, (pad + 1) / 2 + c / 2), &a, &b);
      store_before(to + c, a, p.w - c, end);
      if (c + N < p.w) store_before(to + c + N, b, p.w - c - N, end);
    }
  } else {
    const i64 most = (p.w - 1 + pad) / step;
    for (i64 phase = 0; phase < step; ++phase) {
      for (i64 q = 0; q <= most; q += N) store(merged + phase * p.line + q, at(phase, q));
    }
    i64 phase = pad % step, q = pad / step;
    for (i64 c = 0; c < p.w; ++c, ++phase) {
      if (phase == step) phase = 0, ++q;
      to[c] = merged[phase * p.line + q];
    }
  }
}

template <class T>
void depthwise_planes_gather(const DepthwisePlanes& p, i64 p0, i64 p1, const T* g, const T* weight, T* gx, T* scratch) {
  const i64 reach = (p.kh - 1) * p.dilation_h;
  const T *g_end = g + p.n * p.c * p.oh * p.ow, *end = gx + p1 * p.h * p.w;
  T* merged = scratch + p.rows * p.line;
  const RowSplit how{p.ow, 1, 0, p.line};
  fill_line(p.rows * p.line, T(0), scratch);
  const auto first_over = [&](i64 r) NNF_LAMBDA_INLINE {
    const i64 from = r + p.pad_top - reach;
    return from > 0 ? (from + p.stride_h - 1) / p.stride_h : 0;
  };
  const auto last_over = [&](i64 r) NNF_LAMBDA_INLINE {
    const i64 last = (r + p.pad_top) / p.stride_h + 1;
    return last < p.oh ? last : p.oh;
  };
  for (i64 plane = p0; plane < p1; ++plane) {
    const T* w = weight + plane % p.c * p.kh * p.kw;
    if (p.stride_h == 2 && depthwise_is_direct(p)) {
      depthwise_direct_gradient(p, g + plane * p.oh * p.ow, g_end, w, gx + plane * p.h * p.w, end);
      continue;
    }
    for (i64 r0 = 0; r0 < p.h; r0 += p.band) {
      const i64 r1 = p.h - r0 < p.band ? p.h : r0 + p.band;
      const i64 i0 = first_over(r0), i1 = last_over(r1 - 1);
      for (i64 i = i0; i < i1; ++i) {
        split_row(how, g + (plane * p.oh + i) * p.ow, g_end, T(0), scratch + (i - i0) * p.line + p.margin);
      }
      for (i64 r = r0; r < r1; ++r) {
        const i64 first = first_over(r), count = last_over(r) - first;
        depthwise_gather_row(p, scratch + (first - i0) * p.line + p.margin, w, r + p.pad_top - first * p.stride_h,
                             count, merged, gx + (plane * p.h + r) * p.w, end);
      }
    }
  }
}

// ---- the weight's gradient

constexpr int kTapsTogether = 9;  // sums in registers at once

// The sums of taps t0..t0+8 (as many as there are) over a band, added to total.
template <class T>
NNF_INLINE void depthwise_band_sums(const DepthwisePlanes& p, const T* split, const T* g, i64 rows, const T* g_end,
                                    const i64* at, Vec<T> (&total)[kTapsTogether]) {
  constexpr i64 N = Vec<T>::N;
  const i64 step = p.stride_h * p.stride_w * p.split_line;
  Vec<T> acc[kTapsTogether];
#pragma GCC unroll 9
  for (int t = 0; t < kTapsTogether; ++t) acc[t] = total[t];
  for (i64 i = 0; i < rows; ++i, split += step, g += p.ow) {
    i64 j = 0;
    for (; j + N <= p.ow; j += N) {
      const Vec<T> v = load(g + j);
#pragma GCC unroll 9
      for (int t = 0; t < kTapsTogether; ++t) acc[t] = fma(v, load(split + at[t] + j), acc[t]);
    }
    if (j < p.ow) {
      const Mask<T> in = first_n<T>(p.ow - j);
      const Vec<T> v = select(in, load_before(g + j, p.ow - j, g_end), zero<T>());
#pragma GCC unroll 9
      for (int t = 0; t < kTapsTogether; ++t) {
        acc[t] = fma(v, select(in, load(split + at[t] + j), zero<T>()), acc[t]);
      }
    }
  }
#pragma GCC unroll 9
  for (int t = 0; t < kTapsTogether; ++t) total[t] = acc[t];
}

template <class T>
void depthwise_planes_sums(const DepthwisePlanes& p, i64 c0, i64 c1, const T* g, const T* x, T* gweight, T* scratch) {
  const i64 size = p.stride_w * p.split_line, taps = p.kh * p.kw;
  const T *x_end = x + p.n * p.c * p.h * p.w, *g_end = g + p.n * p.c * p.oh * p.ow;
  fill_line(p.rows * size, T(0), scratch);
  for (i64 ch = c0; ch < c1; ++ch) {
    for (i64 t0 = 0; t0 < taps; t0 += kTapsTogether) {
      i64 at[kTapsTogether];
      Vec<T> total[kTapsTogether];
      for (i64 t = 0; t < kTapsTogether; ++t) {
        const i64 tap = t0 + t < taps ? t0 + t : t0;
        at[t] = tap / p.kw * p.dilation_h * size + p.taps[tap % p.kw];
        total[t] = zero<T>();
      }
      for (i64 n = 0; n < p.n; ++n) {
        const i64 plane = n * p.c + ch;
        if (p.stride_h == 2 && depthwise_is_direct(p)) {
          depthwise_direct_sums(p, g + plane * p.oh * p.ow, g_end, x + plane * p.h * p.w, x_end, total);
          continue;
        }
        for (i64 o0 = 0; o0 < p.oh; o0 += p.band) {
          const i64 o1 = p.oh - o0 < p.band ? p.oh : o0 + p.band;
          split_band(p, o0, o1, x + plane * p.h * p.w, x_end, scratch);
          depthwise_band_sums(p, scratch, g + (plane * p.oh + o0) * p.ow, o1 - o0, g_end, at, total);
        }
      }
      for (i64 t = 0; t < kTapsTogether && t0 + t < taps; ++t) gweight[ch * taps + t0 + t] = sum(total[t]);
    }
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_PLANES_INL_H
