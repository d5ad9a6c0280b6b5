// The tail of the normal distribution, of which GELU and its derivative are made. Included after a Vec back end
// (simd/vec.h). The other functions are in math-inl.h.
#ifndef NNF_SIMD_NORMAL_INL_H
#define NNF_SIMD_NORMAL_INL_H

#include "simd/math-inl.h"

namespace nnf {
namespace {

// kFirst, kPoly: exp(a^2 / 2) Phi(-a) (a + kShift) over v = u - kCentre, u = a / (a + kShift), 0 <= a <= kMax, from
// where on a Phi(-a) rounds to 0.
// Small shifts keep the sum of the polynomial from cancelling at large a, large ones make its error small. Float has
// the smallest error in all at 2.5 of 2.5 to 4; its terms centred on a > 0 lost digits near 0 (up to 6 ULP of GELU).
// In double, with what roundings lose carried along, 4 and 24 terms about .54 are the best of shifts 3.5 to 5 and of
// 23 and 24 terms; of the centres there it is the one at which the first coefficient is almost a double by itself.
template <class T>
struct NormalTable;
template <>
struct NormalTable<float> {
  static constexpr float kShift = 2.5f, kMax = 14.6f, kCentre = 0;
  static constexpr float kRound = 0x1.8p15f;  // steps of 2^-8: 12 digits of numbers below 16
  // error 2^-27.25
  static constexpr float kPoly[11] = {0x1.4p+0f, -0x1.3e4ed4p+0f, 0x1.5b2e58p-3f, 0x1.2c3b96p-2f,
                                      0x1.773508p-5f, -0x1.add434p-4f, 0x1.380e5ap-6f, -0x1.e434f6p-4f,
                                      0x1.61a66p-4f, 0x1.af4c98p-6f, -0x1.95b248p-6f};
};
template <>
struct NormalTable<double> {
  static constexpr double kShift = 4, kMax = 38.7, kCentre = 0x1.16cp-1;
  static constexpr double kRound = 0x1.8p32;  // steps of 2^-20: 26 digits of numbers below 64
  // error 2^-59
  static constexpr double kFirst[2] = {0x1.688c04ad78ee5p-1, -0x1.1630cba671cdfp+0};
  static constexpr double kPoly[22] = {
      0x1.5c61a5d3f350ep+0, -0x1.53571bd9442bep+0, 0x1.d046fb0a67556p-1, -0x1.2ae6304b91d6ep-2, -0x1.41083f64224e3p-3,
      0x1.b348ba80c86f9p-3, -0x1.939f8d9eb5127p-7, -0x1.c883bf8a1cceap-4, 0x1.092bddfcddfbfp-5, 0x1.0e0f7dc021d6p-4,
      -0x1.a1b31a2f3725ep-6, -0x1.83a415cd00cbp-5, 0x1.e370490f7c804p-7, 0x1.4158efede9768p-5, -0x1.b0bc8f8137511p-9,
      -0x1.13da41597db33p-5, -0x1.19d53eea71a0bp-7, 0x1.9926dc6f56fc6p-6, 0x1.294210a0ba367p-6, -0x1.294d1e6a36efep-7,
      -0x1.05b9b66911a32p-6, -0x1.738971e9a666p-8};
};
template <class T, int U>
struct NormalTable<Wide<T, U>> : NormalTable<T> {};

// first[0] + first[1] x + c[0] x^2 + ... at x + x_low as a sum of two numbers, *low beginning where the other ends:
// what the roundings of the last two steps lose is kept. Of the derivative, by which x_low counts, few digits do.
template <class T, class C, int N>
NNF_INLINE Vec<T> polynomial_with_low(Vec<T> x, Vec<T> x_low, const C (&first)[2], const C (&c)[N], Vec<T>* low) {
  const Vec<T> c0 = set1<T>(first[0]), c1 = set1<T>(first[1]), y2 = polynomial(x, x * x, c);
  const Vec<T> y1 = fma(x, y2, c1), y1_low = lost(x, y2, c1, y1);
  const Vec<T> y0 = fma(x, y1, c0), y0_low = lost(x, y1, c0, y0);
  *low = fma(x_low, fma(x, y2, y1), fma(x, y1_low, y0_low));
  return y0;
}

// |x|, from where on the tail is 0 no more
template <class T>
NNF_INLINE Vec<T> tail_argument(Vec<T> x) {
  return min(set1<T>(NormalTable<T>::kMax), abs(x));  // in this order a NaN stays
}

// exp(-a^2 / 2) = 2^n s (1 + p), s = 1 without tables. All digits of what is multiplied with it are kept, however small
// the result, as 2^n comes last. What a^2 has beyond its first digits goes into the exponent's reduced argument.
template <class T>
struct NormalDecay {
  Vec<T> n, s, p;
  NNF_INLINE Vec<T> times(Vec<T> w) const {
    if constexpr (kHasTables<T>) {
      const Vec<T> sw = s * w;
      return scale2_floor(fma(p, sw, sw), n);
    } else {
      return scale2(fma(p, w, w), n);
    }
  }
  // times w + low, w first
  NNF_INLINE Vec<T> times(Vec<T> w, Vec<T> low) const {
    if constexpr (kHasTables<T>) return times(w);
    return scale2(w + fma(p, w, low), n);
  }
};
template <class T>
NNF_INLINE NormalDecay<T> normal_decay(Vec<T> a) {
  const Vec<T> minus_half = set1<T>(T(-0.5));
  if constexpr (kHasTables<T>) {
    const Vec<T> half = a * minus_half, square = half * a, rest = fma(half, a, -square);
    const TableExp<T> e = exp_by_table<true>(square, exp_unit<T>(0), rest);
    return {e.n, e.s, e.p};
  } else {
    // a^2 = head^2 + (a - head) (a + head), head so short that its square is exact without help from fma.
    const Vec<T> round = set1<T>(NormalTable<T>::kRound), head = (a + round) - round;
    Vec<T> n, unused;
    const Vec<T> r = reduce_exp(head * minus_half * head, &n, &unused);
    return {n, set1<T>(1), expm1_reduced(fma((a - head) * minus_half, a + head, r))};
  }
}

// exp(a^2 / 2) Phi(-a), smooth, for a that tail_argument gives: by pieces (kMills), or t = 1 / (a + kShift) times a
// polynomial in u = a t. No part of the line needs a branch of its own. What of it should come before normal_decay(a)
// is a function of its own: the division, whose latency is hidden so (a tenth of the time with AVX2); by pieces all.
template <class T>
NNF_INLINE Vec<T> mills_ratio_by_table(Vec<T> a) {
  const Vec<T> one = set1<T>(1), b = a + one;
  return polynomial_by_table(a - (eighth_middle(b) - one), eighth(b), kMills);
}
template <class T>
NNF_INLINE Vec<T> begin_mills_ratio(Vec<T> a) {
  if constexpr (kHasTables<T>) return mills_ratio_by_table(a);
  return set1<T>(1) / (a + set1<T>(NormalTable<T>::kShift));
}
template <class T>
NNF_INLINE Vec<T> mills_ratio(Vec<T> a, Vec<T> begun) {
  using C = NormalTable<T>;
  if constexpr (kHasTables<T>) return begun;
  const Vec<T> v = a * begun - set1<T>(C::kCentre), v2 = v * v, f = polynomial(v, v2, C::kPoly);
  if constexpr (ExpTable<T>::kKeepsLow) {
    return begun * fma(v2, f, fma(v, set1<T>(C::kFirst[1]), set1<T>(C::kFirst[0])));
  } else {
    return begun * f;
  }
}

// a times it, with what the sum of a and kShift, u, the polynomial and their product lose in *low (of float: the
// product alone). In double this takes GELU from 6.4 to 1.8 ULP for two fifths more time; without the loss of u 2.6 are
// left.
template <class T>
NNF_INLINE Vec<T> begin_times_mills_ratio(Vec<T> a) {
  if constexpr (kHasTables<T>) return a * mills_ratio_by_table(a);
  return a / (a + set1<T>(NormalTable<T>::kShift));
}
template <class T>
NNF_INLINE Vec<T> times_mills_ratio(Vec<T> a, Vec<T> begun, Vec<T>* low) {
  using C = NormalTable<T>;
  const Vec<T> u = begun;
  if constexpr (kHasTables<T>) {
    *low = zero<T>();
    return begun;
  } else if constexpr (ExpTable<T>::kKeepsLow) {
    const Vec<T> shift = set1<T>(C::kShift), sum = a + shift, centre = set1<T>(C::kCentre), v = u - centre;
    const Vec<T> left = fnma(u, a - (sum - shift), lost(-u, sum, a, zero<T>()));  // a - u (a + shift)
    const Vec<T> u_low = left * ((set1<T>(1) - u) * set1<T>(T(1) / C::kShift));
    Vec<T> f_low;
    const Vec<T> f = polynomial_with_low(v, u_low + (u - (v + centre)), C::kFirst, C::kPoly, &f_low), y = u * f;
    *low = fma(u_low, f, fma(u, f_low, lost(u, f, zero<T>(), y)));
    return y;
  } else {
    const Vec<T> f = polynomial(u, u * u, C::kPoly), y = u * f;
    *low = lost(u, f, zero<T>(), y);
    return y;
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_NORMAL_INL_H
