// Gradients of the pooling of planes (contract.h). The input's gradient is gathered: every row of it is the sum of what
// the output rows above, whose windows reach it, give to each of its phases, so it is written once and never read.
//
// A maximum's place is found again from x in the two steps of the forward: the first tap across in every input row,
// then the first row of the window. Both steps keep the number of the tap, (row * kw + column), as a T beside the
// value.
#ifndef NNF_KERNELS_POOL_PLANES_BACKWARD_INL_H
#define NNF_KERNELS_POOL_PLANES_BACKWARD_INL_H

#include "kernels/pool/planes-inl.h"

namespace nnf {
namespace {

// ---- windows of 2x2

// The four cells' gradients; in the order of the window.
template <class T>
NNF_INLINE void share_pairs(Vec<T> g, Vec<T> (&cell)[4], PlaneMax<T>) {
  const Mask<T> up = stays(cell[0], cell[1]);
  const Vec<T> upper = select(up, cell[0], cell[1]);
  const Mask<T> third = stays(upper, cell[2]);
  const Vec<T> three = select(third, upper, cell[2]);
  const Mask<T> fourth = stays(three, cell[3]);
  cell[3] = select(fourth, zero<T>(), g);
  g = select(fourth, g, zero<T>());
  cell[2] = select(third, zero<T>(), g);
  g = select(third, g, zero<T>());
  cell[1] = select(up, zero<T>(), g);
  cell[0] = select(up, g, zero<T>());
}
template <class T>
NNF_INLINE void share_pairs(Vec<T> g, Vec<T> (&cell)[4], PlaneSum<T>) {
  for (int i = 0; i < 4; ++i) cell[i] = g * set1(T(0.25));
}

// The cells' gradients of `left` windows, or a whole vector of them, to two rows.
template <class T, bool Whole>
NNF_INLINE void put_pairs(const PoolShape& s, T* upper, i64 left, WholeVector<Whole>, const Vec<T> (&cell)[4],
                          const T* end) {
  constexpr i64 N = Vec<T>::N;
  T* lower = upper + s.w;
  Vec<T> a, b;
  interleave(cell[0], cell[1], &a, &b);
  if constexpr (Whole) {
    store(upper, a);
    store(upper + N, b);
  } else if (s.ow <= N) {  // all of the row: what goes beyond it is written after it
    store_before(upper, a, 2 * left, end);
    store_before(upper + N, b, 2 * left - N, end);
  } else {
    store_n(upper, a, 2 * left);
    if (2 * left > N) store_n(upper + N, b, 2 * left - N);
  }
  interleave(cell[2], cell[3], &a, &b);
  if constexpr (Whole) {
    store(lower, a);
    store(lower + N, b);
  } else {
    store_before(lower, a, 2 * left, end);
    store_before(lower + N, b, 2 * left - N, end);
  }
}

template <class T, class Rule>
NNF_INLINE void pool_pairs_backward(const PoolShape& s, i64 p0, i64 p1, const T* g, const T* x, T* gx) {
  constexpr i64 N = Vec<T>::N;
  constexpr bool kReads = !Rule::divides;
  const T *x_end = x + s.n * s.h * s.w, *g_end = g + s.n * s.oh * s.ow, *end = gx + p1 * s.h * s.w;
  const T* from = g + p0 * s.oh * s.ow;
  for (i64 plane = p0; plane < p1; ++plane) {
    T* upper = gx + plane * s.h * s.w;
    const T* image = kReads ? x + plane * s.h * s.w : nullptr;
    for (i64 i = 0; i < s.oh; ++i, upper += 2 * s.w, from += s.ow) {
      const T* cells = image + (kReads ? 2 * i * s.w : 0);
      const auto pixels = [&](i64 j, i64 left, auto whole) NNF_LAMBDA_INLINE {
        Vec<T> cell[4];
        if constexpr (kReads) {
          load_pairs(cells + 2 * j, left, x_end, whole, &cell[0], &cell[1]);
          load_pairs(cells + s.w + 2 * j, left, x_end, whole, &cell[2], &cell[3]);
        }
        share_pairs(whole.value ? load(from + j) : load_before(from + j, left, g_end), cell, Rule{});
        put_pairs(s, upper + 2 * j, left, whole, cell, end);
      };
      i64 j = 0;
      for (; j + N <= s.ow; j += N) pixels(j, N, WholeVector<true>{});
      if (j < s.ow) pixels(j, s.ow - j, WholeVector<false>{});
      for (i64 c = 2 * s.ow; c < s.w; ++c) upper[c] = upper[s.w + c] = T(0);
    }
    fill_line((s.h - 2 * s.oh) * s.w, T(0), upper);
  }
}

// ---- any windows

// Windows first..last-1 have a tap on the cell at distance `from` (pad added) from the first window's start.
struct PoolOver {
  i64 first, last;
};
NNF_INLINE PoolOver pool_over(i64 from, i64 taps, i64 dilation, i64 stride, i64 windows) {
  const i64 reach = from - (taps - 1) * dilation, last = from / stride + 1;
  return {reach > 0 ? (reach + stride - 1) / stride : 0, last < windows ? last : windows};
}

// The tap of the window that starts `below` before a cell; -1: none.
NNF_INLINE i64 pool_tap_at(i64 below, i64 dilation) {
  if (dilation == 1) return below;
  return below % dilation == 0 ? below / dilation : -1;
}

// What is kept of a band's rows, in scratch.
template <class T>
struct PlaneBand {
  T *columns, *merged;  // columns: the first tap inside the image, or the divisor, of every output column
  T *split;             // (rows_in, stride_w, split_line)
  T *values, *numbers;  // (rows_in, line): maxima across and their taps
  T *grads, *takers;    // (rows_out, line): gradients of output rows, and the taps that take them
  NNF_INLINE PlaneBand(const PoolPlanes& p, T* scratch) {
    columns = scratch;
    merged = columns + p.line;
    grads = merged + p.s.stride_w * p.line;
    takers = grads + p.rows_out * p.line;
    values = takers + p.rows_out * p.line;
    numbers = values + p.rows_in * p.line;
    split = numbers + p.rows_in * p.line;
  }
};

// The maxima across of an input row.
template <class T, int Taps>
NNF_INLINE void find_across(const PoolPlanes& p, const T* split, const T* first, T* values, T* numbers) {
  const i64 taps = Taps > 0 ? Taps : p.s.kw;
  for (i64 j = 0; j < p.s.ow; j += Vec<T>::N) {
    Vec<T> best = set1(PlaneMax<T>::empty()), number = load(first + j);
#pragma GCC unroll 3
    for (i64 b = 0; b < taps; ++b) {
      const Vec<T> v = load(split + p.taps[b] + j);
      const Mask<T> stay = stays(best, v);
      best = select(stay, best, v);
      number = select(stay, number, set1(static_cast<T>(b)));
    }
    store(values + j, best);
    store(numbers + j, number);
  }
}

// Which tap takes the gradient, for every output column of a row whose window has the taps down.first..down.last-1.
// `at`: in values and numbers, the row of tap down.first.
template <class T>
NNF_INLINE void find_down(const PoolPlanes& p, const PlaneBand<T>& band, const PoolTaps& down, i64 at, T* takers) {
  const i64 step = p.s.dilation_h * p.line;
  for (i64 j = 0; j < p.s.ow; j += Vec<T>::N) {
    Vec<T> best = load(band.values + at + j);
    Vec<T> number = load(band.numbers + at + j) + set1(static_cast<T>(down.first * p.s.kw));
    for (i64 a = down.first + 1, row = at + step + j; a < down.last; ++a, row += step) {
      const Vec<T> v = load(band.values + row);
      const Mask<T> stay = stays(best, v);
      best = select(stay, best, v);
      number = select(stay, number, load(band.numbers + row) + set1(static_cast<T>(a * p.s.kw)));
    }
    store(takers + j, number);
  }
}

// g of an output row, divided for the average; zeros around it stay.
template <class T>
NNF_INLINE void keep_gradient(const PoolPlanes& p, const T* g, const T* end, const T* divisors, T divisor, T* to) {
  for (i64 j = 0; j < p.s.ow; j += Vec<T>::N) {
    const i64 left = p.s.ow - j;
    Vec<T> v = load_before(g + j, left, end);
    if (divisors != nullptr) v = v / (set1(divisor) * load(divisors + j));
    store(to + j, left < Vec<T>::N ? select(first_n<T>(left), v, zero<T>()) : v);
  }
}

// The output rows that reach an input row: their place in the band, and where their windows start above it.
struct RowSources {
  i64 count, line, below;  // of the first; the others follow, each stride_h less below
};

// The gradient of phase `phase` at q, q + 1, ...
template <class T, bool Max, int Taps>
NNF_INLINE Vec<T> gather(const PoolPlanes& p, const PlaneBand<T>& band, RowSources rows, i64 phase, i64 q) {
  Vec<T> total = zero<T>();
  const i64 taps = Taps > 0 ? Taps : p.s.kw;
  for (i64 i = 0; i < rows.count; ++i) {
    const i64 a = pool_tap_at(rows.below - i * p.s.stride_h, p.s.dilation_h);
    if (a < 0) continue;
    const i64 row = rows.line + i * p.line + p.margin + q;
#pragma GCC unroll 3
    for (i64 b = taps - 1; b >= 0; --b) {  // output columns in their order
      const i64 back = p.taps[b] - phase * p.split_line;
      if (back < 0 || back >= p.split_line) continue;
      Vec<T> v = load(band.grads + row - back);
      if constexpr (Max) {
        v = select(eq(load(band.takers + row - back), set1(static_cast<T>(a * taps + b))), v, zero<T>());
      }
      total = total + v;
    }
  }
  return total;
}

template <class T, bool Max, int Taps>
NNF_INLINE void gather_row(const PoolPlanes& p, const PlaneBand<T>& band, const RowSources& rows, T* to, const T* end) {
  constexpr i64 N = Vec<T>::N;
  const PoolShape& s = p.s;
  const auto phase_at = [&](i64 phase, i64 q) NNF_LAMBDA_INLINE {
    return gather<T, Max, Taps>(p, band, rows, phase, q);
  };
  if (s.stride_w == 1) {
    for (i64 c = 0; c < s.w; c += N) store_before(to + c, phase_at(0, c + s.pad_w), s.w - c, end);
  } else if (s.stride_w == 2) {
    const i64 even = s.pad_w & 1, odd = 1 - even, even0 = s.pad_w / 2, odd0 = (s.pad_w + 1) / 2;
    for (i64 c = 0; c < s.w; c += 2 * N) {
      Vec<T> a, b;
      interleave(phase_at(even, even0 + c / 2), phase_at(odd, odd0 + c / 2), &a, &b);
      store_before(to + c, a, s.w - c, end);
      if (c + N < s.w) store_before(to + c + N, b, s.w - c - N, end);
    }
  } else {
    const i64 most = (s.w - 1 + s.pad_w) / s.stride_w;
    for (i64 phase = 0; phase < s.stride_w; ++phase) {
      T* line = band.merged + phase * p.line;
      for (i64 q = 0; q <= most; q += N) store(line + q, phase_at(phase, q));
    }
    i64 phase = s.pad_w % s.stride_w, q = s.pad_w / s.stride_w;
    for (i64 c = 0; c < s.w; ++c, ++phase) {
      if (phase == s.stride_w) phase = 0, ++q;
      to[c] = band.merged[phase * p.line + q];
    }
  }
}

// Fills the band for output rows o0..o1-1.
template <class T, bool Max, int Taps>
NNF_INLINE void prepare_band(const PoolPlanes& p, const PlaneBand<T>& band, i64 o0, i64 o1, const T* g, const T* x) {
  const PoolShape& s = p.s;
  const PlaneRows rows = plane_rows(s, o0, o1);
  if constexpr (Max) {
    const T* end = x + s.n * s.h * s.w;
    const i64 split_row_size = s.stride_w * p.split_line;
    for (i64 r = rows.begin; r < rows.end; ++r) {
      split_row(split_of(p), x + r * s.w, end, PlaneMax<T>::empty(), band.split + (r - rows.begin) * split_row_size);
    }
    for (i64 r = rows.begin; r < rows.end; ++r) {
      const i64 at = r - rows.begin;
      find_across<T, Taps>(p, band.split + at * split_row_size, band.columns, band.values + at * p.line,
                           band.numbers + at * p.line);
    }
  }
  for (i64 o = o0; o < o1; ++o) {
    const i64 plane = o / s.oh, to = (o - o0) * p.line + p.margin;
    const PoolTaps down = pool_taps((o - plane * s.oh) * s.stride_h - s.pad_h, s.kh, s.dilation_h, s.h, s.pad_h,
                                    s.count_include_pad);
    if (Max && down.first < down.last) {
      const i64 first = plane * s.h + down.start + down.first * s.dilation_h - rows.begin;
      find_down(p, band, down, first * p.line, band.takers + to);
    }
    keep_gradient(p, g + o * s.ow, g + s.n * s.oh * s.ow, Max ? nullptr : band.columns,
                  static_cast<T>(down.divisor > 0 ? down.divisor : 1), band.grads + to);
  }
}

template <class T, bool Max, int Taps>
NNF_INLINE void pool_planes_backward(const PoolPlanes& p, i64 p0, i64 p1, const T* g, const T* x, T* gx, T* scratch) {
  const PoolShape& s = p.s;
  const PlaneBand<T> band(p, scratch);
  fill_line(p.line, T(1), band.columns);
  fill_line(2 * p.rows_out * p.line, T(0), band.grads);
  if constexpr (Max) {
    fill_line(p.rows_in * s.stride_w * p.split_line, PlaneMax<T>::empty(), band.split);
    for (i64 j = 0; j < s.ow; ++j) {
      const PoolTaps t = pool_taps(j * s.stride_w - s.pad_w, s.kw, s.dilation_w, s.w, s.pad_w, false);
      band.columns[j] = static_cast<T>(t.first);
    }
  } else {
    column_divisors(s, band.columns);
  }
  // Output rows over all planes that reach input row r.
  const auto windows = [&](i64 r) NNF_LAMBDA_INLINE {
    const i64 plane = r / s.h;
    PoolOver over = pool_over(r - plane * s.h + s.pad_h, s.kh, s.dilation_h, s.stride_h, s.oh);
    if (over.first > over.last) over.first = over.last;
    return PoolOver{plane * s.oh + over.first, plane * s.oh + over.last};
  };
  const T* end = gx + p1 * s.h * s.w;
  for (i64 r0 = p0 * s.h, r1; r0 < p1 * s.h; r0 = r1) {
    r1 = band_end(p, r0, s.h, p1 * s.h);
    const i64 o0 = windows(r0).first, o1 = windows(r1 - 1).last;
    if (o0 < o1) prepare_band<T, Max, Taps>(p, band, o0, o1, g, x);
    for (i64 r = r0; r < r1; ++r) {
      const PoolOver over = windows(r);
      const i64 plane = r / s.h, below = r - plane * s.h + s.pad_h - (over.first - plane * s.oh) * s.stride_h;
      gather_row<T, Max, Taps>(p, band, {over.last - over.first, (over.first - o0) * p.line, below}, gx + r * s.w, end);
    }
  }
}
template <class T, bool Max>
NNF_INLINE void pool_planes_backward(const PoolPlanes& p, i64 p0, i64 p1, const T* g, const T* x, T* gx, T* scratch) {
  if (p.s.kw == 3) return pool_planes_backward<T, Max, 3>(p, p0, p1, g, x, gx, scratch);
  pool_planes_backward<T, Max, 0>(p, p0, p1, g, x, gx, scratch);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_POOL_PLANES_BACKWARD_INL_H
