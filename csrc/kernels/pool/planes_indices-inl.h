// Maxima of planes with their places (contract.h), of pairs and triples: as planes-inl.h and planes_triples-inl.h, with
// the tap that each maximum came from. In triples the maximum is found first and then the tap that equals it, two
// operations a cell. The gradient of pairs by comparing, which takes half the time of a scatter; that of triples and of
// windows gathered from rows of taps took 1.5 and 3 times its time.
#ifndef NNF_KERNELS_POOL_PLANES_INDICES_INL_H
#define NNF_KERNELS_POOL_PLANES_INDICES_INL_H

#include "kernels/pool/planes_triples-inl.h"

namespace nnf {
namespace {

// 0, 2, 4, ...
template <class T>
NNF_INLINE Vec<T> even_numbers() {
  T lanes[Vec<T>::N];
  for (int i = 0; i < Vec<T>::N; ++i) lanes[i] = static_cast<T>(2 * i);
  return load(lanes);
}

// The distance of tap (a, b) from the first tap in a plane.
NNF_INLINE i64 plane_tap(const PoolShape& s, i64 a, i64 b) { return a * s.w + b; }

// The columns under tap 0 of all outputs of a row.
template <class T>
NNF_INLINE void first_columns(const PoolShape& s, T* to) {
  for (i64 j = 0; j < s.ow; ++j) to[j] = static_cast<T>(j * s.stride_w - s.pad_w);
}

template <class T>
NNF_INLINE void index_pairs(const PoolShape& s, i64 p0, i64 p1, const T* x, T* y, i64* indices) {
  constexpr i64 N = Vec<T>::N;
  const T *x_end = x + s.n * s.h * s.w, *y_end = y + p1 * s.oh * s.ow;
  const Vec<T> ramp = even_numbers<T>(), one = set1(T(1)), below = set1(static_cast<T>(s.w));
  T* to = y + p0 * s.oh * s.ow;
  for (i64 plane = p0; plane < p1; ++plane) {
    const T* upper = x + plane * s.h * s.w;
    for (i64 i = 0; i < s.oh; ++i, upper += 2 * s.w, to += s.ow) {
      const auto pixels = [&](i64 j, i64 left, auto whole) NNF_LAMBDA_INLINE {
        Vec<T> e0, o0, e1, o1;
        load_pairs(upper + 2 * j, left, x_end, whole, &e0, &o0);
        load_pairs(upper + s.w + 2 * j, left, x_end, whole, &e1, &o1);
        const Mask<T> up = stays(e0, o0), down = stays(e1, o1);
        const Vec<T> above = select(up, e0, o0), under = select(down, e1, o1);
        const Mask<T> upper_stays = stays(above, under);
        const Vec<T> tap = select(upper_stays, select(up, zero<T>(), one), below + select(down, zero<T>(), one));
        store_before(to + j, select(upper_stays, above, under), left, y_end);
        store_i64(indices + (to - y) + j, tap + (ramp + set1(static_cast<T>(2 * (i * s.w + j)))), left);
      };
      i64 j = 0;
      for (; j + N <= s.ow; j += N) pixels(j, N, WholeVector<true>{});
      if (j < s.ow) pixels(j, s.ow - j, WholeVector<false>{});
    }
  }
}

// The taps of the maxima `top` of the cells 3 * first..3 * last-1, the first of equal ones.
template <class T>
NNF_INLINE Vec<T> triple_taps(const PoolShape& s, i64 first, i64 last, const Vec<T> (&cell)[9], Vec<T> top) {
  Vec<T> tap = zero<T>();
#pragma GCC unroll 9
  for (int k = 8; k >= 0; --k) {
    if (k < 3 * first || k >= 3 * last) continue;
    tap = select(eq(cell[k], top), set1(static_cast<T>(plane_tap(s, k / 3, k % 3))), tap);
  }
  return tap;
}
// Where there are NaN, or nothing above -infinity, which the padding is: by comparing one after the other.
template <class T>
NNF_INLINE Vec<T> triple_taps_by_order(const PoolShape& s, i64 first, i64 last, bool at_edge, const Vec<T> (&cell)[9],
                                       Vec<T>* top) {
  Vec<T> best = set1(PlaneMax<T>::empty()), tap = set1(static_cast<T>(plane_tap(s, first, 0)));
  if (at_edge) tap = slide_up(set1(static_cast<T>(plane_tap(s, first, 1))), tap);  // of window 0 the second of a row
#pragma GCC unroll 9
  for (int k = 0; k < 9; ++k) {
    if (k < 3 * first || k >= 3 * last) continue;
    const Mask<T> stay = stays(best, cell[k]);
    best = select(stay, best, cell[k]);
    tap = select(stay, tap, set1(static_cast<T>(plane_tap(s, k / 3, k % 3))));
  }
  *top = best;
  return tap;
}

template <class T>
NNF_INLINE void index_triples(const PoolPlanes& p, i64 p0, i64 p1, const T* x, T* y, i64* indices, T* firsts) {
  const PoolShape& s = p.s;
  const Vec<T> empty = set1(PlaneMax<T>::empty());
  fill_line(p.line, T(0), firsts);
  first_columns(s, firsts);
  const T *x_end = x + s.n * s.h * s.w, *y_end = y + p1 * s.oh * s.ow;
  T* to = y + p0 * s.oh * s.ow;
  for (i64 plane = p0; plane < p1; ++plane) {
    for (i64 i = 0; i < s.oh; ++i, to += s.ow) {
      const PoolTaps down = pool_taps(2 * i - 1, 3, 1, s.h, 1, true);
      const T* from = x + (plane * s.h + 2 * i - 1) * s.w;
      Vec<T> before[3] = {empty, empty, empty};
      for (i64 j = 0; j < s.ow; j += Vec<T>::N) {
        Vec<T> cell[9], top = empty;
        Mask<T> nan = is_nan(empty);
#pragma GCC unroll 3
        for (int a = 0; a < 3; ++a) {
          cell[3 * a] = cell[3 * a + 1] = cell[3 * a + 2] = empty;
          if (a < down.first || a >= down.last) continue;
          reduce_columns<T, PlaneMax<T>, 1>(from + a * s.w + 2 * j, s.w, s.w - 2 * j, x_end, &cell[3 * a + 1],
                                            &cell[3 * a + 2]);
          cell[3 * a] = slide_up(before[a], cell[3 * a + 2]);
          before[a] = cell[3 * a + 2];
          nan = nan | unordered(cell[3 * a + 1], cell[3 * a + 2]) | is_nan(cell[3 * a]);
          top = max(max(cell[3 * a], cell[3 * a + 1]), max(cell[3 * a + 2], top));
        }
        const Vec<T> tap = any(nan | eq(top, empty))
                               ? triple_taps_by_order(s, down.first, down.last, j == 0, cell, &top)
                               : triple_taps(s, down.first, down.last, cell, top);
        store_before(to + j, top, s.ow - j, y_end);
        store_i64(indices + (to - y) + j, tap + (load(firsts + j) + set1(static_cast<T>((2 * i - 1) * s.w))), s.ow - j);
      }
    }
  }
}

// ---- the kernels

template <class T>
void max_pool_planes_indices(const PoolPlanes& p, i64 p0, i64 p1, const T* x, T* y, i64* indices, T* scratch) {
  if (plane_pairs(p.s)) return index_pairs(p.s, p0, p1, x, y, indices);
  index_triples(p, p0, p1, x, y, indices, scratch);
}

template <class T>
bool max_pool_pairs_indices_backward(const PoolPlanes& p, i64 p0, i64 p1, const T* g, const i64* indices, T* gx) {
  constexpr i64 N = Vec<T>::N;
  const PoolShape& s = p.s;
  const T *g_end = g + s.n * s.oh * s.ow, *end = gx + p1 * s.h * s.w;
  const Vec<T> ramp = even_numbers<T>(), below = set1(static_cast<T>(s.w)), one = set1(T(1));
  Mask<T> good = first_n<T>(N);
  i64 o = p0 * s.oh * s.ow;
  for (i64 plane = p0; plane < p1; ++plane) {
    T* upper = gx + plane * s.h * s.w;
    for (i64 i = 0; i < s.oh; ++i, upper += 2 * s.w, o += s.ow) {
      const auto pixels = [&](i64 j, i64 left, auto whole) NNF_LAMBDA_INLINE {
        const Vec<T> grad = whole.value ? load(g + o + j) : load_before(g + o + j, left, g_end);
        const Vec<T> tap = load_i64<T>(indices + o + j, left) - (ramp + set1(static_cast<T>(2 * (i * s.w + j))));
        const Mask<T> at[4] = {eq(tap, zero<T>()), eq(tap, one), eq(tap, below), eq(tap, below + one)};
        const Mask<T> found = (at[0] | at[1]) | (at[2] | at[3]);
        good = good & (whole.value ? found : found | !first_n<T>(left));
        Vec<T> cell[4];
        for (int k = 0; k < 4; ++k) cell[k] = select(at[k], grad, zero<T>());
        put_pairs(s, upper + 2 * j, left, whole, cell, end);
      };
      i64 j = 0;
      for (; j + N <= s.ow; j += N) pixels(j, N, WholeVector<true>{});
      if (j < s.ow) pixels(j, s.ow - j, WholeVector<false>{});
      for (i64 c = 2 * s.ow; c < s.w; ++c) upper[c] = upper[s.w + c] = T(0);
    }
    fill_line((s.h - 2 * s.oh) * s.w, T(0), upper);
  }
  return all(good);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_POOL_PLANES_INDICES_INL_H
