// The depthwise kernels of planes (depthwise_contract.h): vectors run along the rows of NCHW images.
//
// A band of x's rows is split into phases first, zeros around it, so that the sums know no edges. Rows of results are
// stored last vector first, so that whole vectors may run into the row behind, which is not yet final.
#ifndef NNF_KERNELS_CONV_DEPTHWISE_PLANES_INL_H
#define NNF_KERNELS_CONV_DEPTHWISE_PLANES_INL_H

#include "kernels/conv/depthwise_3x3-inl.h"
#include "kernels/conv/depthwise_contract.h"
#include "kernels/conv/depthwise_plane_sums-inl.h"
#include "kernels/conv/depthwise_rows-inl.h"
#include "kernels/layout/split-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// Bands of output rows of planes, as one sequence; the rows of x that two of them reach lie in scratch at a time: a
// band is split while the one before is summed, since loads that straddle what was stored just before wait for it (5x5
// on 28x28: a quarter of the time).
template <class T>
struct DepthwiseBands {
  const DepthwisePlanes& p;
  const T* x;
  T* scratch;
  i64 size, per_plane;
  const T* x_end;
  NNF_INLINE DepthwiseBands(const DepthwisePlanes& plan, const T* x_, T* scratch_)
      : p(plan), x(x_), scratch(scratch_), size(plan.stride_w * plan.split_line),
        per_plane((plan.oh + plan.band - 1) / plan.band), x_end(x_ + plan.n * plan.c * plan.h * plan.w) {
    fill_line(2 * p.rows * size, T(0), scratch);
  }
  NNF_INLINE T* rows_of(i64 turn) const { return scratch + turn % 2 * p.rows * size; }
  NNF_INLINE i64 first_row(i64 band) const { return band * p.band; }
  NNF_INLINE i64 row_count(i64 band) const { return p.oh - band * p.band < p.band ? p.oh - band * p.band : p.band; }
  __attribute__((noinline)) void split(i64 plane, i64 band, i64 turn) const {
    const i64 rows = (row_count(band) - 1) * p.stride_h + (p.kh - 1) * p.dilation_h + 1;
    const i64 top = first_row(band) * p.stride_h - p.pad_top;
    const RowSplit how{p.columns, p.stride_w, p.pad_left + p.lead * p.stride_w, p.split_line};
    const i64 above = top < 0 ? (top < -rows ? rows : -top) : 0, bottom = top + rows < p.h ? top + rows : p.h;
    const i64 inside = bottom - top > above ? bottom - top - above : 0;
    T* to = rows_of(turn);
    split_rows(how, inside, x + (plane * p.h + top + above) * p.w, p.w, x_end, T(0), to + above * size, size);
    if (per_plane == 1) return;  // rows of padding are the same in all planes, and zero
    fill_line(above * size, T(0), to);
    fill_line((rows - above - inside) * size, T(0), to + (above + inside) * size);
  }
};

template <class T>
void depthwise_planes(const DepthwisePlanes& p, i64 p0, i64 p1, const T* x, const T* weight, bool mirrored,
                      const T* bias, T* y, T* scratch) {
  const T* y_end = y + p1 * p.oh * p.ow;
  const i64 taps = p.kh * p.kw;
  i64 channel = p0 % p.c;
  const auto next = [&]() NNF_LAMBDA_INLINE { channel = channel + 1 == p.c ? 0 : channel + 1; };
  const auto start = [&]() NNF_LAMBDA_INLINE { return bias != nullptr ? bias[channel] : T(0); };
  if (depthwise_is_direct(p)) {
    const T* x_end = x + p.n * p.c * p.h * p.w;
    for (i64 plane = p0; plane < p1; ++plane, next()) {
      Vec<T> w[9];
      for (int t = 0; t < 9; ++t) w[t] = set1(weight[channel * taps + (mirrored ? 8 - t : t)]);
      depthwise_direct(p, x + plane * p.h * p.w, x_end, w, set1(start()), y + plane * p.oh * p.ow, y_end);
    }
    return;
  }
  const DepthwiseBands<T> bands(p, x, scratch);
  DepthwiseRows<T> rows(p, mirrored, y_end);
  i64 turn = 0;
  bands.split(p0, 0, turn);
  for (i64 plane = p0; plane < p1; ++plane, next()) {
    const DepthwiseWeights<T> own{weight + channel * taps + (mirrored ? taps - 1 : 0), start()};
    for (i64 band = 0; band < bands.per_plane; ++band, ++turn) {
      const bool last = band + 1 == bands.per_plane;
      if (!last || plane + 1 < p1) bands.split(plane + (last ? 1 : 0), last ? 0 : band + 1, turn + 1);
      rows.make(own, bands.rows_of(turn), bands.row_count(band), y + (plane * p.oh + bands.first_row(band)) * p.ow);
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

constexpr i64 kTapsAtOnce = 64;  // whose sums a pass over the images makes

template <class T>
void depthwise_planes_sums(const DepthwisePlanes& p, i64 c0, i64 c1, const T* g, const T* x, T* gweight, T* scratch) {
  const i64 taps = p.kh * p.kw;
  const bool direct = p.stride_h == 2 && depthwise_is_direct(p);
  const T *x_end = x + p.n * p.c * p.h * p.w, *g_end = g + p.n * p.c * p.oh * p.ow;
  const DepthwiseBands<T> bands(p, x, scratch);
  Vec<T> total[kTapsAtOnce];
  for (i64 ch = c0; ch < c1; ++ch) {
    for (i64 t0 = 0; t0 < taps; t0 += kTapsAtOnce) {
      const i64 t1 = t0 + kTapsAtOnce < taps ? t0 + kTapsAtOnce : taps;
      for (i64 t = 0; t < t1 - t0; ++t) total[t] = zero<T>();
      i64 turn = 0;
      if (!direct) bands.split(ch, 0, turn);
      for (i64 n = 0; n < p.n; ++n) {
        const i64 plane = n * p.c + ch;
        if (direct) {
          depthwise_direct_sums(p, g + plane * p.oh * p.ow, g_end, x + plane * p.h * p.w, x_end, total);
          continue;
        }
        for (i64 band = 0; band < bands.per_plane; ++band, ++turn) {
          const bool last = band + 1 == bands.per_plane;
          if (!last || n + 1 < p.n) bands.split(last ? plane + p.c : plane, last ? 0 : band + 1, turn + 1);
          const T* rows_of_g = g + (plane * p.oh + bands.first_row(band)) * p.ow;
          depthwise_band_sums<T>(p, {bands.rows_of(turn), bands.size, rows_of_g, bands.row_count(band), g_end}, t0, t1,
                                 total);
        }
      }
      for (i64 t = t0; t < t1; ++t) gweight[ch * taps + t] = sum(total[t - t0]);
    }
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_PLANES_INL_H
