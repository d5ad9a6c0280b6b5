// Pooling of planes by windows of 3x3, two apart, with padding 1 (ResNet's), forward and gradients: as planes-inl.h,
// but from x to the result in registers. Of the columns 2j - 1, 2j, 2j + 1 of windows j, j + 1, ... the last two are
// the odd and even halves of two vectors, the first the odd ones slid up by one. (32x32: a quarter of the time of the
// bands of planes-inl.h, whose short passes through scratch spend most of it on their loops.) At the end: the kernels
// themselves.
#ifndef NNF_KERNELS_POOL_PLANES_TRIPLES_INL_H
#define NNF_KERNELS_POOL_PLANES_TRIPLES_INL_H

#include "kernels/layout/split-inl.h"
#include "kernels/pool/contract.h"
#include "kernels/pool/planes_backward-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

NNF_INLINE bool plane_triples(const PoolShape& s) {
  return s.kh == 3 && s.kw == 3 && s.stride_h == 2 && s.stride_w == 2 && s.pad_h == 1 && s.pad_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1;
}

// A vector of each half of 2N columns, of which `left` exist; the others are `empty`.
template <class T, class Rule, int Rows>
NNF_INLINE void reduce_columns(const T* x, i64 w, i64 left, const T* end, Vec<T>* even, Vec<T>* odd) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> a, b;
  if (left >= 2 * N) {
    a = load(x), b = load(x + N);
#pragma GCC unroll 2
    for (int r = 1; r < Rows; ++r) {
      a = Rule::combine(load(x + r * w), a);
      b = Rule::combine(load(x + r * w + N), b);
    }
  } else {
    a = load_before(x, left, end), b = load_before(x + N, left - N, end);
#pragma GCC unroll 2
    for (int r = 1; r < Rows; ++r) {
      a = Rule::combine(load_before(x + r * w, left, end), a);
      b = Rule::combine(load_before(x + r * w + N, left - N, end), b);
    }
    const Vec<T> empty = set1(Rule::empty());
    a = select(first_n<T>(left > 0 ? left : 0), a, empty);
    b = select(first_n<T>(left > N ? left - N : 0), b, empty);
  }
  deinterleave(a, b, even, odd);
}

// An output row whose windows have `Rows` rows of x inside the image.
template <class T, class Rule, int Rows>
NNF_INLINE void pool_triple_row(const PoolShape& s, const T* x, const T* x_end, T divisor, const T* divisors, T* y,
                                const T* y_end) {
  Vec<T> before = set1(Rule::empty());
  for (i64 j = 0; j < s.ow; j += Vec<T>::N) {
    Vec<T> even, odd;
    reduce_columns<T, Rule, Rows>(x + 2 * j, s.w, s.w - 2 * j, x_end, &even, &odd);
    Vec<T> v = Rule::combine(odd, Rule::combine(even, slide_up(before, odd)));
    before = odd;
    if constexpr (Rule::divides) v = v / (set1(divisor) * load(divisors + j));
    store_before(y + j, v, s.ow - j, y_end);
  }
}

template <class T, class Rule>
NNF_INLINE void pool_triples(const PoolPlanes& p, i64 p0, i64 p1, const T* x, T* y, T* divisors) {
  const PoolShape& s = p.s;
  fill_line(p.line, T(1), divisors);
  if (Rule::divides) column_divisors(s, divisors);
  const T *x_end = x + s.n * s.h * s.w, *y_end = y + p1 * s.oh * s.ow;
  T* to = y + p0 * s.oh * s.ow;
  for (i64 plane = p0; plane < p1; ++plane) {
    for (i64 i = 0; i < s.oh; ++i, to += s.ow) {
      const PoolTaps down = pool_taps(2 * i - 1, 3, 1, s.h, 1, s.count_include_pad);
      const T* from = x + (plane * s.h + 2 * i - 1 + down.first) * s.w;
      const T divisor = static_cast<T>(down.divisor);
      if (down.last - down.first == 3) {
        pool_triple_row<T, Rule, 3>(s, from, x_end, divisor, divisors, to, y_end);
      } else if (down.last - down.first == 2) {
        pool_triple_row<T, Rule, 2>(s, from, x_end, divisor, divisors, to, y_end);
      } else {
        pool_triple_row<T, Rule, 1>(s, from, x_end, divisor, divisors, to, y_end);
      }
    }
  }
}

// ---- gradients

// What the windows j, j + 1, ... of an output row give to columns 2j - 1, 2j and 2j + 1 of their rows.
template <class T>
struct TripleShares {
  Vec<T> left[3], even[3], odd[3];
};

// The first of the cells 3 * first..3 * last-1 that is the window's maximum takes g; NaN, and windows all of whose
// cells are -infinity as the padding is, by comparing one after the other.
template <class T>
NNF_INLINE void share_by_order(Vec<T> g, i64 first, i64 last, bool at_edge, const Vec<T> (&cell)[9],
                               Vec<T> (&share)[9]) {
  Vec<T> best = set1(PlaneMax<T>::empty());
  Vec<T> number = set1(static_cast<T>(3 * first));  // the first cell inside: of window 0 the second of a row
  if (at_edge) number = slide_up(set1(static_cast<T>(3 * first + 1)), number);
#pragma GCC unroll 9
  for (int k = 0; k < 9; ++k) {
    if (k < 3 * first || k >= 3 * last) continue;
    const Mask<T> stay = stays(best, cell[k]);
    best = select(stay, best, cell[k]);
    number = select(stay, number, set1(static_cast<T>(k)));
  }
#pragma GCC unroll 9
  for (int k = 0; k < 9; ++k) share[k] = select(eq(number, set1(static_cast<T>(k))), g, zero<T>());
}

// Rows first..last-1 of the windows lie in the image; x: row 0. before: the odd columns of the vector before. The
// maximum is found first, then the cell that equals it: three operations a cell, where carrying its number along
// takes seven. With Whole all rows do.
template <class T, bool Whole>
NNF_INLINE void share_triples(const PoolShape& s, i64 first, i64 last, const T* x, i64 j, const T* x_end, Vec<T> g,
                              Vec<T> (&before)[3], TripleShares<T>* shares) {
  const Vec<T> empty = set1(PlaneMax<T>::empty());
  Vec<T> cell[9], share[9], top = empty;
  Mask<T> nan = is_nan(empty);
#pragma GCC unroll 3
  for (int a = 0; a < 3; ++a) {
    cell[3 * a] = cell[3 * a + 1] = cell[3 * a + 2] = empty;
    if (!Whole && (a < first || a >= last)) continue;
    reduce_columns<T, PlaneMax<T>, 1>(x + a * s.w + 2 * j, s.w, s.w - 2 * j, x_end, &cell[3 * a + 1], &cell[3 * a + 2]);
    cell[3 * a] = slide_up(before[a], cell[3 * a + 2]);
    before[a] = cell[3 * a + 2];
    nan = nan | unordered(cell[3 * a + 1], cell[3 * a + 2]) | is_nan(cell[3 * a]);
    top = max(max(cell[3 * a], cell[3 * a + 1]), max(cell[3 * a + 2], top));
  }
  if (any(nan | eq(top, empty))) {
    share_by_order(g, first, last, j == 0, cell, share);
  } else {
    Mask<T> taken = eq(cell[0], top);
    share[0] = select(taken, g, zero<T>());
#pragma GCC unroll 8
    for (int k = 1; k < 9; ++k) {
      const Mask<T> here = eq(cell[k], top);
      share[k] = select(here & !taken, g, zero<T>());
      taken = taken | here;
    }
  }
#pragma GCC unroll 3
  for (int a = 0; a < 3; ++a) {
    shares->left[a] = share[3 * a], shares->even[a] = share[3 * a + 1], shares->odd[a] = share[3 * a + 2];
  }
}

// The gradient of the 2N columns from 2j on, with what window j + N gives to the last of them; row above windows:
// added to what the windows before left there (`carry`), which then takes the row below. Rows before and beyond the
// image: null.
template <class T>
NNF_INLINE void emit_triples(const PoolShape& s, const TripleShares<T>& now, const Vec<T> (&next_left)[3], i64 j,
                             T* above, T* row, T* carry, const T* end) {
  constexpr i64 N = Vec<T>::N;
  const i64 left = s.w - 2 * j;
  Vec<T> a, b;
  const auto pair = [&](int r) NNF_LAMBDA_INLINE {
    interleave(now.even[r], now.odd[r] + slide_down(now.left[r], next_left[r]), &a, &b);
  };
  pair(0);
  if (above != nullptr) {
    a = load(carry + 2 * j) + a, b = load(carry + 2 * j + N) + b;
    if (left >= 2 * N || s.w <= 2 * N) {
      store_before(above + 2 * j, a, left, end);
      if (left > N) store_before(above + 2 * j + N, b, left - N, end);
    } else {  // `row` has begun to be written
      store_n(above + 2 * j, a, left > 0 ? left : 0);
      if (left > N) store_n(above + 2 * j + N, b, left - N);
    }
  }
  pair(1);
  if (row != nullptr) {
    store_before(row + 2 * j, a, left, end);
    if (left > N) store_before(row + 2 * j + N, b, left - N, end);
  }
  pair(2);
  store(carry + 2 * j, a);
  store(carry + 2 * j + N, b);
}

// x null: of the average. scratch: the divisors, then the carried row.
template <class T, bool Max>
NNF_INLINE void pool_triples_backward(const PoolPlanes& p, i64 p0, i64 p1, const T* g, const T* x, T* gx, T* scratch) {
  constexpr i64 N = Vec<T>::N;
  const PoolShape& s = p.s;
  T *divisors = scratch, *carry = scratch + p.line;
  fill_line(p.line, T(1), divisors);
  if (!Max) column_divisors(s, divisors);
  const T *x_end = x + (Max ? s.n * s.h * s.w : 0), *g_end = g + s.n * s.oh * s.ow, *end = gx + p1 * s.h * s.w;
  for (i64 plane = p0; plane < p1; ++plane) {
    const T* from = g + plane * s.oh * s.ow;
    T* to = gx + plane * s.h * s.w;
    for (i64 i = 0; i < s.oh; ++i, from += s.ow) {
      const PoolTaps down = pool_taps(2 * i - 1, 3, 1, s.h, 1, s.count_include_pad);
      const T* cells = Max ? x + (plane * s.h + 2 * i - 1) * s.w : nullptr;
      T *above = i > 0 ? to + (2 * i - 1) * s.w : nullptr, *row = 2 * i < s.h ? to + 2 * i * s.w : nullptr;
      Vec<T> before[3];
      for (int a = 0; a < 3; ++a) before[a] = set1(PlaneMax<T>::empty());
      const auto shares_at = [&](i64 j, auto whole) NNF_LAMBDA_INLINE {
        TripleShares<T> shares;
        const i64 left = s.ow - j;
        Vec<T> v = load_before(from + j, left, g_end);
        if (!Max) v = v / (set1(static_cast<T>(down.divisor)) * load(divisors + j));
        if (left < N) v = select(first_n<T>(left), v, zero<T>());
        if constexpr (Max) {
          share_triples<T, decltype(whole)::value>(s, down.first, down.last, cells, j, x_end, v, before, &shares);
        } else {
          for (int a = 0; a < 3; ++a) shares.left[a] = shares.even[a] = shares.odd[a] = v;
        }
        return shares;
      };
      const auto pass = [&](auto whole) NNF_LAMBDA_INLINE {
        const Vec<T> nothing[3] = {zero<T>(), zero<T>(), zero<T>()};
        TripleShares<T> shares = shares_at(0, whole);
        i64 j = 0;
        for (; j + N < s.ow; j += N) {  // a vector takes from the left of the next one
          const TripleShares<T> next = shares_at(j + N, whole);
          emit_triples(s, shares, next.left, j, above, row, carry, end);
          shares = next;
        }
        if (2 * j < s.w) emit_triples(s, shares, nothing, j, above, row, carry, end);
      };
      if (down.first == 0 && down.last == 3) {
        pass(WholeVector<true>{});
      } else {
        pass(WholeVector<false>{});
      }
    }
    i64 r = 2 * s.oh - 1;
    if (r < s.h) {
      for_each_vector<T>(s.w, [&](i64 c, auto lanes) NNF_LAMBDA_INLINE {
        lanes.store(to + r * s.w + c, lanes.load(carry + c));
      });
    }
    for (++r; r < s.h; ++r) fill_line(s.w, T(0), to + r * s.w);
  }
}

// ---- the kernels

template <class T, class Rule>
NNF_INLINE void pool_planes_by(const PoolPlanes& p, i64 p0, i64 p1, const T* x, T* y, T* scratch) {
  if (plane_pairs(p.s)) return pool_pairs<T, Rule>(p.s, p0, p1, x, y);
  if (plane_triples(p.s)) return pool_triples<T, Rule>(p, p0, p1, x, y, scratch);
  pool_planes<T, Rule>(p, p0, p1, x, y, scratch);
}
template <class T>
void max_pool_planes(const PoolPlanes& p, i64 p0, i64 p1, const T* x, T* y, T* scratch) {
  pool_planes_by<T, PlaneMax<T>>(p, p0, p1, x, y, scratch);
}
template <class T>
void avg_pool_planes(const PoolPlanes& p, i64 p0, i64 p1, const T* x, T* y, T* scratch) {
  pool_planes_by<T, PlaneSum<T>>(p, p0, p1, x, y, scratch);
}

template <class T>
void max_pool_planes_backward(const PoolPlanes& p, i64 p0, i64 p1, const T* g, const T* x, T* gx, T* scratch) {
  if (plane_pairs(p.s)) return pool_pairs_backward<T, PlaneMax<T>>(p.s, p0, p1, g, x, gx);
  if (plane_triples(p.s)) return pool_triples_backward<T, true>(p, p0, p1, g, x, gx, scratch);
  pool_planes_backward<T, true>(p, p0, p1, g, x, gx, scratch);
}
template <class T>
void avg_pool_planes_backward(const PoolPlanes& p, i64 p0, i64 p1, const T* g, const T*, T* gx, T* scratch) {
  if (plane_pairs(p.s)) return pool_pairs_backward<T, PlaneSum<T>>(p.s, p0, p1, g, nullptr, gx);
  if (plane_triples(p.s)) return pool_triples_backward<T, false>(p, p0, p1, g, nullptr, gx, scratch);
  pool_planes_backward<T, false>(p, p0, p1, g, nullptr, gx, scratch);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_POOL_PLANES_TRIPLES_INL_H
