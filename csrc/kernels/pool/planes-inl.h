// Pooling of planes (contract.h), forward: vectors run along the rows of NCHW images, which are never converted.
//
// A window's rows come first, the order of row-major ties: every input row is split into phases and reduced over the
// taps across, and output rows are reduced from these over the taps down; a row that several windows share is reduced
// once. Each step passes over a band of rows before the next one begins: loads that straddle two vectors stored just
// before would wait for both (14x14, 3x3: a band a row took three times the time of a band of planes). Windows of 2x2
// without overlap or padding go from x to y in registers.
//
// Rows are short and follow each other in memory, so a row's last vector may be loaded and stored whole, into the next
// row, which is written after it; only the last ones of the array (load) or of the call's planes (store) are masked.
// (28x28, 2x2: masks everywhere took a quarter more with AVX-512 and twice the time with AVX2, whose masked stores are
// slow.)
#ifndef NNF_KERNELS_POOL_PLANES_INL_H
#define NNF_KERNELS_POOL_PLANES_INL_H

#include "kernels/layout/split-inl.h"
#include "kernels/pool/contract.h"
#include "kernels/pool/pool-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// How the cells of a window become one: combine(value, so far), beginning with the first cell, or with `empty`.
template <class T>
struct PlaneMax {
  static constexpr bool divides = false;
  static NNF_INLINE T empty() { return static_cast<T>(-__builtin_inf()); }
  static NNF_INLINE Vec<T> combine(Vec<T> value, Vec<T> best) {
    return select(is_nan(value), value, max(value, best));  // max keeps best where one of the two is NaN
  }
};
template <class T>
struct PlaneSum {
  static constexpr bool divides = true;
  static NNF_INLINE T empty() { return T(0); }
  static NNF_INLINE Vec<T> combine(Vec<T> value, Vec<T> total) { return total + value; }
};

// True for windows of 2x2 that neither overlap nor leave the image; a last row or column may lie in none.
NNF_INLINE bool plane_pairs(const PoolShape& s) {
  return s.kh == 2 && s.kw == 2 && s.stride_h == 2 && s.stride_w == 2 && s.pad_h == 0 && s.pad_w == 0 &&
         s.dilation_h == 1 && s.dilation_w == 1 && 2 * s.oh <= s.h && 2 * s.ow <= s.w;
}

NNF_INLINE RowSplit split_of(const PoolPlanes& p) { return {p.columns, p.s.stride_w, p.s.pad_w, p.split_line}; }

// to[j] = the window's row at output column j.
template <class T, class Rule, int Taps>
NNF_INLINE void reduce_across(const PoolPlanes& p, const T* split, T* to) {
  const i64 taps = Taps > 0 ? Taps : p.s.kw;
  for (i64 j = 0; j < p.s.ow; j += Vec<T>::N) {
    Vec<T> v = load(split + p.taps[0] + j);
#pragma GCC unroll 3
    for (i64 b = 1; b < taps; ++b) v = Rule::combine(load(split + p.taps[b] + j), v);
    store(to + j, v);
  }
}
template <class T, class Rule>
NNF_INLINE void reduce_across(const PoolPlanes& p, const T* split, T* to) {
  if (p.s.kw == 2) return reduce_across<T, Rule, 2>(p, split, to);
  if (p.s.kw == 3) return reduce_across<T, Rule, 3>(p, split, to);
  reduce_across<T, Rule, 0>(p, split, to);
}

// The output row whose windows take the `count` rows at top, top + step, ...
template <class T, class Rule, int Count>
NNF_INLINE void reduce_down(const PoolPlanes& p, const T* top, i64 step, i64 count, T divisor, const T* divisors, T* y,
                            const T* end) {
  const i64 rows = Count > 0 ? Count : count;
  for (i64 j = 0; j < p.s.ow; j += Vec<T>::N) {
    Vec<T> v = load(top + j);
#pragma GCC unroll 3
    for (i64 a = 1; a < rows; ++a) v = Rule::combine(load(top + a * step + j), v);
    if constexpr (Rule::divides) v = v / (set1(divisor) * load(divisors + j));
    store_before(y + j, v, p.s.ow - j, end);
  }
}

// `left` pairs of neighbours, or a whole vector of them.
template <bool Whole>
struct WholeVector {
  static constexpr bool value = Whole;
};
template <class T, bool Whole>
NNF_INLINE void load_pairs(const T* x, i64 left, const T* end, WholeVector<Whole>, Vec<T>* even, Vec<T>* odd) {
  constexpr i64 N = Vec<T>::N;
  if constexpr (Whole) {
    deinterleave(load(x), load(x + N), even, odd);
  } else {
    deinterleave(load_before(x, 2 * left, end), load_before(x + N, 2 * left - N, end), even, odd);
  }
}

template <class T, class Rule>
NNF_INLINE void pool_pairs(const PoolShape& s, i64 p0, i64 p1, const T* x, T* y) {
  constexpr i64 N = Vec<T>::N;
  const T *x_end = x + s.n * s.h * s.w, *y_end = y + p1 * s.oh * s.ow;
  T* to = y + p0 * s.oh * s.ow;
  for (i64 plane = p0; plane < p1; ++plane) {
    const T* upper = x + plane * s.h * s.w;
    for (i64 i = 0; i < s.oh; ++i, upper += 2 * s.w, to += s.ow) {
      const T* lower = upper + s.w;
      const auto pixels = [&](i64 j, i64 left, auto whole) NNF_LAMBDA_INLINE {
        Vec<T> e0, o0, e1, o1;
        load_pairs(upper + 2 * j, left, x_end, whole, &e0, &o0);
        load_pairs(lower + 2 * j, left, x_end, whole, &e1, &o1);
        Vec<T> v = Rule::combine(o1, Rule::combine(e1, Rule::combine(o0, e0)));
        if constexpr (Rule::divides) v = v * set1(T(0.25));
        if constexpr (whole.value) {
          store(to + j, v);
        } else {
          store_before(to + j, v, left, y_end);
        }
      };
      i64 j = 0;
      for (; j + N <= s.ow; j += N) pixels(j, N, WholeVector<true>{});
      if (j < s.ow) pixels(j, s.ow - j, WholeVector<false>{});
    }
  }
}

// Divisors across, one an output column.
template <class T>
NNF_INLINE void column_divisors(const PoolShape& s, T* to) {
  for (i64 j = 0; j < s.ow; ++j) {
    const PoolTaps t = pool_taps(j * s.stride_w - s.pad_w, s.kw, s.dilation_w, s.w, s.pad_w, s.count_include_pad);
    to[j] = static_cast<T>(t.divisor > 0 ? t.divisor : 1);
  }
}

// Input rows begin..end-1, counted over all planes, are those that output rows o0..o1-1 need.
struct PlaneRows {
  i64 begin, end;
};
NNF_INLINE PlaneRows plane_rows(const PoolShape& s, i64 o0, i64 o1) {
  const auto row = [&](i64 o, i64 beyond) NNF_LAMBDA_INLINE {
    const i64 plane = o / s.oh, at = (o - plane * s.oh) * s.stride_h - s.pad_h + beyond;
    return plane * s.h + (at < 0 ? 0 : at > s.h ? s.h : at);
  };
  return {row(o0, 0), row(o1 - 1, (s.kh - 1) * s.dilation_h + 1)};
}

// The row after those of a band that begins at `row`, of planes of `height` rows: bands are whole planes or parts of
// one.
NNF_INLINE i64 band_end(const PoolPlanes& p, i64 row, i64 height, i64 stop) {
  const i64 next = row + p.band, plane_end = (row / height + 1) * height;
  const i64 end = p.band < height && next > plane_end ? plane_end : next;
  return end < stop ? end : stop;
}

template <class T, class Rule>
NNF_INLINE void pool_planes(const PoolPlanes& p, i64 p0, i64 p1, const T* x, T* y, T* scratch) {
  const PoolShape& s = p.s;
  const i64 split_row_size = s.stride_w * p.split_line;
  T *split = scratch, *divisors = split + p.rows_in * split_row_size, *across = divisors + p.line;
  fill_line(p.rows_in * split_row_size, Rule::empty(), split);
  fill_line(p.line, T(1), divisors);
  if (Rule::divides) column_divisors(s, divisors);
  const T *x_end = x + s.n * s.h * s.w, *y_end = y + p1 * s.oh * s.ow;
  for (i64 o0 = p0 * s.oh, o1; o0 < p1 * s.oh; o0 = o1) {
    o1 = band_end(p, o0, s.oh, p1 * s.oh);
    const PlaneRows rows = plane_rows(s, o0, o1);
    for (i64 r = rows.begin; r < rows.end; ++r) {
      split_row(split_of(p), x + r * s.w, x_end, Rule::empty(), split + (r - rows.begin) * split_row_size);
    }
    for (i64 r = rows.begin; r < rows.end; ++r) {
      reduce_across<T, Rule>(p, split + (r - rows.begin) * split_row_size, across + (r - rows.begin) * p.line);
    }
    for (i64 o = o0; o < o1; ++o) {
      const i64 plane = o / s.oh, start = (o - plane * s.oh) * s.stride_h - s.pad_h;
      const PoolTaps down = pool_taps(start, s.kh, s.dilation_h, s.h, s.pad_h, s.count_include_pad);
      const i64 count = down.last - down.first, step = s.dilation_h * p.line;
      T* to = y + o * s.ow;
      if (count <= 0) {  // all of the window is padding
        for (i64 j = 0; j < s.ow; ++j) to[j] = Rule::empty();
        continue;
      }
      const T divisor = static_cast<T>(down.divisor > 0 ? down.divisor : 1);
      const T* top = across + (plane * s.h + start + down.first * s.dilation_h - rows.begin) * p.line;
      if (count == 2) {
        reduce_down<T, Rule, 2>(p, top, step, 2, divisor, divisors, to, y_end);
      } else if (count == 3) {
        reduce_down<T, Rule, 3>(p, top, step, 3, divisor, divisors, to, y_end);
      } else {
        reduce_down<T, Rule, 0>(p, top, step, count, divisor, divisors, to, y_end);
      }
    }
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_POOL_PLANES_INL_H
