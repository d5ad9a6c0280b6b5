// Elementary functions over Vec<T>, written once for every instruction set and both precisions.
//
// Not a maths library: only what layers and losses need, no rounding modes, no errno, no tables but in registers. Every
// function takes all values: +-0, denormals, infinities and NaN give what the exact function gives, rounded; a result
// too large is infinite, one too small is a correctly scaled denormal or zero.
//
// The polynomials are minimax fits made for this file: Remez exchange in 60-digit arithmetic (mpmath), weighted with
// the relative error of the final result, then rounded; in float each rounding was followed by a new fit of the
// coefficients above it, or by a search among neighbouring floats. `error` beside a table is what is left after the
// rounding, relative to the function named.
//
// Where tables fit in registers (kHasTables: float with AVX-512) exp and what is made of it use tables-inl.h; the other
// back ends with a fused fma give the same bits as each other.
//
// The largest errors in units in the last place, of float (AVX-512, AVX2) over all 2^32 arguments, of double over 10^6,
// and what tests/ulp.py, which measures them (`python -m tests.ulp --step 1`), allows. The scalar back end, where fma
// may round twice, is allowed a quarter more.
//
//   function  arguments      AVX-512   AVX2  bound  double  bound
//   exp       |x| <= 1e38      0.76    1.00      1    0.98      1
//   log       1e-37 to 1       0.84    0.84      1    0.80      1
//   expm1     <= -0            1.73    0.93      2    0.92      2
//   sigmoid   all              2.00    2.00      2    2.00      2
//   tanh      all              1.81    1.94      2    1.94      2
//   softplus  all              1.34    1.98      2    1.97      2
//   silu      all              2.00    2.00      2    1.99      2
//   gelu      all              3.50    3.38      4    1.77      2
//   mish      >= -80           4.66    4.71      5    1.78      2
//   softsign  all              1.50    1.50      2    1.50      2
//
// From float to float in ascending order exp, log, expm1, sigmoid and tanh never fall; softplus and softsign do, by an
// ULP (softplus with AVX2 by two): `python -m tests.ulp --falls`.
//
// What gelu errs by nearer to its zero than 1/2 is less than 2^-21 of its argument there. mish in double has the bound
// everywhere; in float its factor of x is a denormal number below -80. gelu is made of normal-inl.h.
#ifndef NNF_SIMD_MATH_INL_H
#define NNF_SIMD_MATH_INL_H

#include "simd/tables-inl.h"
#include "simd/vec.h"
#include "simd/wide-inl.h"

namespace nnf {
namespace {

// ---------------------------------------------------------------- constants

template <class T>
struct Limits;
template <>
struct Limits<float> {
  static constexpr float kInf = __builtin_inff(), kNan = __builtin_nanf("");
};
template <>
struct Limits<double> {
  static constexpr double kInf = __builtin_inf(), kNan = __builtin_nan("");
};
template <class T, int U>
struct Limits<Wide<T, U>> : Limits<T> {};

// x = n ln 2 + r. ln 2 = kLn2Hi + kLn2Lo, the first short enough that n * kLn2Hi is exact for every n that occurs
// (15 + 9 bits, 42 + 11 bits), so no fused multiply-add is needed for it.
template <class T>
struct ExpTable;
template <>
struct ExpTable<float> {
  static constexpr float kLog2e = 0x1.715476p+0f;
  static constexpr float kLn2Hi = 0x1.62e4p-1f, kLn2Lo = 0x1.7f7d1cp-20f;
  // exp(89) overflows, exp(-104) < 2^-150 rounds to 0; expm1(-18) rounds to -1, sigmoid(18) and tanh(9.02) to 1
  static constexpr float kExpMax = 89.0f, kExpMin = -104.0f, kOneAt = 18.0f, kTanhMax = 9.02f;
  static constexpr float kSigmoidExponent = -30.0f;
  // silu(-110) rounds to 0, and exp(110) 2^kSiluExponent is finite
  static constexpr float kSiluMin = -110.0f, kSiluExponent = -34.0f;
  static constexpr float kSigmoidScale = 0x1p-30f, kSiluScale = 0x1p-34f;
  static constexpr bool kKeepsLow = false;
  static constexpr float kLinear = 0x1p-30f;  // below: expm1(x) rounds to x
  // (e^r - 1 - r) / r^2 on |r| <= ln(2)/2; error 2^-30.1 of e^r - 1. Five terms (2^-26.1) make exp err by 1.04 ULP.
  static constexpr float kPoly[6] = {0x1p-1f,        0x1.555554p-3f,  0x1.5554ccp-5f,
                                     0x1.1111e6p-7f, 0x1.6d72a2p-10f, 0x1.a032e2p-13f};
};
template <>
struct ExpTable<double> {
  static constexpr double kLog2e = 0x1.71547652b82fep+0;
  static constexpr double kLn2Hi = 0x1.62e42fefa38p-1, kLn2Lo = 0x1.ef35793c7673p-45;
  // exp(-746) < 2^-1075
  static constexpr double kExpMax = 710.0, kExpMin = -746.0, kOneAt = 38.0, kTanhMax = 19.1;
  static constexpr double kSigmoidExponent = -60.0;
  static constexpr double kSiluMin = -753.0, kSiluExponent = -64.0;
  static constexpr double kSigmoidScale = 0x1p-60, kSiluScale = 0x1p-64;
  static constexpr bool kKeepsLow = true;
  static constexpr double kLinear = 0x1p-60;
  // error 2^-59.7 of e^r - 1
  static constexpr double kPoly[11] = {0x1p-1,                0x1.5555555555559p-3,  0x1.555555555553ep-5,
                                       0x1.111111110f6aap-7,  0x1.6c16c16c1f16dp-10, 0x1.a01a01afe9a7cp-13,
                                       0x1.a01a017b94475p-16, 0x1.71ddf841fb9c2p-19, 0x1.27e53661da8b5p-22,
                                       0x1.af5ee85bfd213p-26, 0x1.1ee886855c3a5p-29};
};
template <class T, int U>
struct ExpTable<Wide<T, U>> : ExpTable<T> {};

template <class T>
struct LogTable;
template <>
struct LogTable<float> {
  static constexpr float kSqrt2 = 0x1.6a09e6p+0f;
  // (log((1 + s) / (1 - s)) - 2 s) / s^3 over s^2, |s| <= 0.1716; error 2^-30.2 of the logarithm
  static constexpr float kPoly[3] = {0x1.55557ap-1f, 0x1.995eccp-2f, 0x1.31e23ep-2f};
};
template <>
struct LogTable<double> {
  static constexpr double kSqrt2 = 0x1.6a09e667f3bcdp+0;
  // error 2^-59.5
  static constexpr double kPoly[7] = {0x1.5555555555593p-1, 0x1.999999997f9f8p-2, 0x1.249249422a433p-2,
                                      0x1.c71c51d7d6c7dp-3, 0x1.746649ac204bcp-3, 0x1.39a096250f0f6p-3,
                                      0x1.2f117610fcb67p-3};
};
template <class T, int U>
struct LogTable<Wide<T, U>> : LogTable<T> {};

// kPoly: (log(1 + e) - e) / e^2 over e in 0..1, weighted to be an error relative to log(1 + e)
template <class T>
struct Log1pTable;
template <>
struct Log1pTable<float> {
  // error 2^-27.5
  static constexpr float kPoly[9] = {-0x1.ffffd2p-2f, 0x1.554ddap-2f,  -0x1.ff2558p-3f, 0x1.93557ep-3f, -0x1.3a6796p-3f,
                                     0x1.b53df6p-4f,  -0x1.d7f3cp-5f,  0x1.4a975p-6f,   -0x1.b2356ep-9f};
};
template <>
struct Log1pTable<double> {
  // error 2^-59.2
  static constexpr double kPoly[21] = {
      -0x1.fffffffffffeep-2, 0x1.55555555547b1p-2, -0x1.ffffffff87a7ep-3, 0x1.9999998891dc3p-3,
      -0x1.555553df845d3p-3, 0x1.249233ca1d76ep-3, -0x1.fffe45af31ca2p-4, 0x1.c70f38c8ccf13p-4,
      -0x1.994c7ebb5b21dp-4, 0x1.72fe7d3e05e91p-4, -0x1.5063c124f7b93p-4, 0x1.2cb4405bcf657p-4,
      -0x1.027ee02e1d3eep-4, 0x1.9ccc80bc9315cp-5, -0x1.25e7ca78f6f0ap-5, 0x1.654e3bc0e7a59p-6,
      -0x1.622750b3f12c7p-7, 0x1.0f4ebd351421bp-8, -0x1.2abff56072610p-10, 0x1.a244a33eb6a9dp-13,
      -0x1.167af749b22d5p-16};
};
template <class T, int U>
struct Log1pTable<Wide<T, U>> : Log1pTable<T> {};

// ---------------------------------------------------------------- building blocks

// c[0] + c[1] x + c[2] x^2 + ... at x, or at -x when kNegated; x2 = x * x. Pairs of neighbours first, then Horner in
// x2: as many operations as plain Horner and half its chain, which matters because the scheduler of a core holds few
// vectors' worth of waiting operations (with GCC 12: a quarter less time for exp and tanh).
template <bool kNegated = false, class T, class C, int N>
NNF_INLINE Vec<T> polynomial(Vec<T> x, Vec<T> x2, const C (&c)[N]) {
  Vec<T> y = zero<T>();
  for (int i = (N - 1) / 2 * 2; i >= 0; i -= 2) {
    Vec<T> pair = set1<T>(c[i]);
    if (i + 1 < N) pair = kNegated ? fnma(x, set1<T>(c[i + 1]), pair) : fma(x, set1<T>(c[i + 1]), pair);
    y = i + 2 >= N ? pair : fma(y, x2, pair);
  }
  return y;
}

// The first half of a's 53 (24) digits: products of halves are exact (Dekker, "A floating-point technique for extending
// the available precision", 1971).
template <class T>
NNF_INLINE Vec<T> upper_digits(Vec<T> a) {
  const Vec<T> c = a * set1<T>(sizeof(a) / Vec<T>::N == 4 ? T(0x1p12 + 1) : T(0x1p27 + 1));
  return c - (c - a);
}

// a b + c - y for y near a b + c: what its rounding lost, or some digits of it.
template <class T>
NNF_INLINE Vec<T> lost(Vec<T> a, Vec<T> b, Vec<T> c, Vec<T> y) {
  if constexpr (kFusedFma) {
    return fma(a, b, c - y);
  } else {
    const Vec<T> ah = upper_digits(a), bh = upper_digits(b), al = a - ah, bl = b - bh, ab = a * b;
    return ((c - y) + ab) + (((ah * bh - ab) + (ah * bl + al * bh)) + al * bl);
  }
}

// x = n ln 2 + r with integral n and |r| <= ln(2)/2 (a little more after rounding), for |x| < 1000. *t receives
// n + kExponentOne, from which exponent_bits makes 2^n.
template <class T>
NNF_INLINE Vec<T> reduce_exp(Vec<T> x, Vec<T>* n, Vec<T>* t) {
  using C = ExpTable<T>;
  const Vec<T> one = set1<T>(kExponentOne<T>);
  *t = fma(x, set1<T>(C::kLog2e), one);
  *n = *t - one;
  return fnma(*n, set1<T>(C::kLn2Lo), fnma(*n, set1<T>(C::kLn2Hi), x));
}

// e^r - 1 for a reduced r
template <class T>
NNF_INLINE Vec<T> expm1_reduced(Vec<T> r) {
  const Vec<T> r2 = r * r;
  return fma(r2, polynomial(r, r2, ExpTable<T>::kPoly), r);
}

// The same; with kKeepsLow the rounding of r stays out of the result, for two operations more: r = hi - low is put
// together anew, hi exact (and at hand from reduce_exp) and low added to the small terms. In double it brings tanh
// from 2.04 to 1.93 ULP for a tenth more time; float is below 2 without.
template <class T>
NNF_INLINE Vec<T> expm1_reduced(Vec<T> x, Vec<T> n, Vec<T> r) {
  using C = ExpTable<T>;
  if constexpr (!C::kKeepsLow) {
    return expm1_reduced(r);
  } else {
    const Vec<T> r2 = r * r, hi = fnma(n, set1<T>(C::kLn2Hi), x);
    return hi + fnma(n, set1<T>(C::kLn2Lo), r2 * polynomial(r, r2, C::kPoly));
  }
}

// exp(x + rest) = 2^floor(n) s (1 + p), s = 2^(j / 32), |p| <= 0.011; n = j / 32 modulo 1, and t has n's bits for
// add_exponent. rest, small, counts if kRest.
template <class T>
struct TableExp {
  Vec<T> t, n, s, p;
};
template <bool kRest, class T>
NNF_INLINE TableExp<T> exp_by_table(Vec<T> x, Vec<T> unit, Vec<T> rest) {
  const Vec<T> t = fma(x, set1<T>(ExpTable<T>::kLog2e), unit), n = t - unit;
  const Vec<T> low = kRest ? rest + lookup(kExp2[1], t) : lookup(kExp2[1], t);
  const Vec<T> r = fnma(n, set1<T>(kLn2Low), fnma(n, set1<T>(kLn2), x)) + low;
  const Vec<T> p = fma(r * r, fma(r, set1<T>(kExpPoly[1]), set1<T>(kExpPoly[0])), r);
  return {t, n, lookup(kExp2[0], t), p};
}

// exp(x) = s (1 + p) / 2^shift with a power of two s, |p| <= 0.42; with tables one of 32 between powers of two, 0.011.
// s must be a normal number: 2^shift sees to that. `unit` is exp_unit<T>(shift).
template <class T>
struct ExpParts {
  Vec<T> s, p;
};
template <class T>
NNF_INLINE Vec<T> exp_unit(double shift) {
  if constexpr (kHasTables<T>) return set1<T>(kTableOne + static_cast<T>(shift));
  return set1<T>(kExponentOne<T> + static_cast<T>(shift));
}
template <class T>
NNF_INLINE ExpParts<T> exp_parts(Vec<T> x, Vec<T> unit) {
  if constexpr (kHasTables<T>) {
    const TableExp<T> e = exp_by_table<false>(x, unit, x);
    return {add_exponent(lookup(kPlacedPowers.v, e.t), e.t), e.p};
  } else {
    using C = ExpTable<T>;
    const Vec<T> t = fma(x, set1<T>(C::kLog2e), unit), n = t - unit;
    const Vec<T> r = fnma(n, set1<T>(C::kLn2Lo), fnma(n, set1<T>(C::kLn2Hi), x));
    return {exponent_bits(t), expm1_reduced(x, n, r)};
  }
}
// exp(-x) = s (1 - p) / 2^shift
template <class T>
NNF_INLINE ExpParts<T> exp_minus_parts(Vec<T> x, Vec<T> unit) {
  const Vec<T> t = fnma(x, set1<T>(ExpTable<T>::kLog2e), unit), n = t - unit;
  if constexpr (kHasTables<T>) {
    const Vec<T> r = fma(n, set1<T>(kLn2Low), fma(n, set1<T>(kLn2), x)) - lookup(kExp2[1], t);
    const Vec<T> p = fnma(r * r, fnma(r, set1<T>(kExpPoly[1]), set1<T>(kExpPoly[0])), r);
    return {add_exponent(lookup(kPlacedPowers.v, t), t), p};
  } else {
    using C = ExpTable<T>;
    const Vec<T> r = fma(n, set1<T>(C::kLn2Lo), fma(n, set1<T>(C::kLn2Hi), x)), r2 = r * r;
    return {exponent_bits(t), fnma(r2, polynomial<true>(r, r2, C::kPoly), r)};
  }
}

// exp(x) for kExpMin <= x <= kExpMax, or NaN
template <class T>
NNF_INLINE Vec<T> exp_in_range(Vec<T> x) {
  if constexpr (kHasTables<T>) {
    const TableExp<T> e = exp_by_table<false>(x, exp_unit<T>(0), x);
    return scale2_floor(fma(e.s, e.p, e.s), e.n);
  } else {
    Vec<T> n, t;
    const Vec<T> r = reduce_exp(x, &n, &t);
    return scale2(set1<T>(1) + expm1_reduced(r), n);
  }
}

// c[0] + c[1] d + c[2] d^2 + ... with the coefficients at place i
template <class T, class C, int N>
NNF_INLINE Vec<T> polynomial_by_table(Vec<T> d, Vec<T> i, const C (&c)[N][32]) {
  Vec<T> y = lookup(c[N - 1], i);
  for (int k = N - 2; k >= 0; --k) y = fma(y, d, lookup(c[k], i));
  return y;
}

// ---------------------------------------------------------------- functions

template <class T>
NNF_INLINE Vec<T> exp(Vec<T> x) {
  using C = ExpTable<T>;
  return exp_in_range(min(set1<T>(C::kExpMax), max(set1<T>(C::kExpMin), x)));  // in this order a NaN stays
}

// exp(x) - 1
template <class T>
NNF_INLINE Vec<T> expm1(Vec<T> x) {
  using C = ExpTable<T>;
  const Vec<T> a = min(set1<T>(C::kExpMax), max(set1<T>(-C::kOneAt), x));
  Vec<T> n, t;
  const Vec<T> r = reduce_exp(a, &n, &t);
  // Half of the result: 2^n itself may be out of range.
  const Vec<T> half = exponent_bits(t - set1<T>(1));
  const Vec<T> y = fma(half, expm1_reduced(a, n, r), half - set1<T>(T(0.5)));
  return select(lt(abs(x), set1<T>(C::kLinear)), x, y + y);
}

// exp(x) for x <= 0 or NaN
template <class T>
NNF_INLINE Vec<T> exp_nonpositive(Vec<T> x) {
  return exp_in_range(max(set1<T>(ExpTable<T>::kExpMin), x));
}

// exp(x) - 1 for x <= 0 or NaN, where 2^n is never out of range. -0 may give +0. What s - 1 loses, where s is no power
// of two, is added to s p: without it results fell by an ULP from piece to piece.
template <class T>
NNF_INLINE Vec<T> expm1_nonpositive(Vec<T> x) {
  const ExpParts<T> e = exp_parts(max(set1<T>(-ExpTable<T>::kOneAt), x), exp_unit<T>(0));
  const Vec<T> one = set1<T>(1), high = e.s - one;
  if constexpr (kHasTables<T>) return high + fma(e.s, e.p, e.s - (high + one));
  return fma(e.s, e.p, high);
}

// 1 / (1 + exp(-x)), as c / (c + c exp(-x)) with c = 2^kSigmoidExponent, so that c exp(-x) stays normal down to where
// the result is a denormal, then zero. With -x = n ln 2 - r, c exp(-x) = s (1 - h); the smaller of c and s is added to
// s h first, so that next to nothing is lost when it vanishes beside the other.
template <class T>
NNF_INLINE Vec<T> sigmoid(Vec<T> x) {
  using C = ExpTable<T>;
  const Vec<T> a = min(set1<T>(C::kOneAt), max(set1<T>(C::kExpMin), x));  // in this order a NaN stays
  const ExpParts<T> e = exp_minus_parts(a, exp_unit<T>(C::kSigmoidExponent));
  const Vec<T> c = set1<T>(C::kSigmoidScale);
  return c / (max(e.s, c) + fnma(e.s, e.p, min(e.s, c)));
}

// x sigmoid(x), as x c / (c + c exp(-x)): the product with x comes before the rounding to a denormal. Where x may be
// small, c is 1.
template <class T>
NNF_INLINE Vec<T> silu(Vec<T> x) {
  using C = ExpTable<T>;
  const Vec<T> b = max(set1<T>(C::kSiluMin), x), a = min(set1<T>(C::kOneAt), b);  // in this order a NaN stays
  const Mask<T> low = lt(x, set1<T>(-1));  // of x: asked of a, a tenth more time
  const ExpParts<T> e = exp_minus_parts(a, select(low, exp_unit<T>(C::kSiluExponent), exp_unit<T>(0)));
  const Vec<T> small = select(low, set1<T>(C::kSiluScale), e.s), large = select(low, e.s, set1<T>(1));
  return select(low, b * set1<T>(C::kSiluScale), b) / (large + fnma(e.s, e.p, small));
}

// sigmoid(x) for x <= 0 or NaN, where s >= c
template <class T>
NNF_INLINE Vec<T> sigmoid_nonpositive(Vec<T> x) {
  using C = ExpTable<T>;
  const Vec<T> a = max(set1<T>(C::kExpMin), x);
  const ExpParts<T> e = exp_minus_parts(a, exp_unit<T>(C::kSigmoidExponent));
  const Vec<T> c = set1<T>(C::kSigmoidScale);
  return c / (e.s + fnma(e.s, e.p, c));
}

// (1 - e) / (1 + e) with e = exp(-2|x|) = 2^n (1 + p), each sum from the same 2^n and p; the sign is put back last.
// Positive exponents, (E - 1) / (E + 1), erred by up to 2.8 ULP where both sums lie just above a power of two.
template <class T>
NNF_INLINE Vec<T> tanh(Vec<T> x) {
  using C = ExpTable<T>;
  const Vec<T> a = min(set1<T>(C::kTanhMax), abs(x));
  if constexpr (kHasTables<T>) {
    const Vec<T> unit = set1<T>(kPlaceOne), t = fma(a, set1<T>(1 / kTanhStep), unit);
    const Vec<T> d = fnma(t - unit, set1<T>(kTanhStep), a);
    return copysign(polynomial_by_table(d, t, kTanh), x);
  } else {
    const Vec<T> one = set1<T>(1);
    const ExpParts<T> e = exp_parts(a * set1<T>(-2), exp_unit<T>(0));
    return copysign(fnma(e.s, e.p, one - e.s) / fma(e.s, e.p, one + e.s), x);
  }
}

// log(1 + f) + n ln 2 + low for 1 + f in [sqrt(1/2), sqrt(2)] and a small correction `low`, by the series of
// log((1 + s) / (1 - s)), s = f / (2 + f), summed from the smallest part up (as fdlibm's e_log.c does).
template <class T>
NNF_INLINE Vec<T> log_reduced(Vec<T> f, Vec<T> n, Vec<T> low) {
  const Vec<T> s = f / (f + set1<T>(2));
  const Vec<T> z = s * s;
  const Vec<T> series = z * polynomial(z, z * z, LogTable<T>::kPoly);
  const Vec<T> half_square = f * f * set1<T>(T(0.5));
  const Vec<T> tail = fma(s, half_square + series, fma(n, set1<T>(ExpTable<T>::kLn2Lo), low));
  return fma(n, set1<T>(ExpTable<T>::kLn2Hi), f - (half_square - tail));
}

// x = 2^n m with m in [sqrt(1/2), sqrt(2)], for finite x > 0
template <class T>
NNF_INLINE Vec<T> reduce_log(Vec<T> x, Vec<T>* n) {
  const Vec<T> m = mantissa(x), k = exponent(x);
  const Mask<T> large = gt(m, set1<T>(LogTable<T>::kSqrt2));
  *n = select(large, k + set1<T>(1), k);
  return select(large, m * set1<T>(T(0.5)), m);
}

// y where 0 < x < inf; -inf at 0, NaN below, x itself (infinity or NaN) elsewhere
template <class T>
NNF_INLINE Vec<T> log_edges(Vec<T> x, Vec<T> y) {
  const Vec<T> inf = set1<T>(Limits<T>::kInf);
  const Vec<T> edge = select(eq(x, zero<T>()), -inf, select(lt(x, zero<T>()), set1<T>(Limits<T>::kNan), x));
  return select(gt(x, zero<T>()) & lt(x, inf), y, edge);
}

// Natural logarithm
template <class T>
NNF_INLINE Vec<T> log(Vec<T> x) {
  Vec<T> n;
  const Vec<T> m = reduce_log(x, &n);
  return log_edges(x, log_reduced(m - set1<T>(1), n, zero<T>()));
}

// log(1 + x): u = 1 + x rounded, and what the rounding lost as a correction of first order. Where u needs no scaling,
// x itself is f and nothing is lost. Max ULP: 0.84
template <class T>
NNF_INLINE Vec<T> log1p(Vec<T> x) {
  const Vec<T> one = set1<T>(1);
  const Vec<T> u = one + x, v = u - one;
  const Vec<T> lost = (one - (u - v)) + (x - v);
  Vec<T> n;
  const Vec<T> m = reduce_log(u, &n);
  const Mask<T> near = eq(n, zero<T>());
  const Vec<T> y = log_reduced(select(near, x, m - one), n, select(near, zero<T>(), lost / u));
  return log_edges(u, copysign(y, x));
}

// log(1 + e) for e in 0..1 or NaN: half the operations of log1p, and no division
template <class T>
NNF_INLINE Vec<T> log1p_to_one(Vec<T> e) {
  const Vec<T> e2 = e * e;
  return fma(e2, polynomial(e, e2, Log1pTable<T>::kPoly), e);
}

// log(1 + exp(x)) for x <= 0 or NaN
template <class T>
NNF_INLINE Vec<T> log1p_exp_nonpositive(Vec<T> x) {
  if constexpr (kHasTables<T>) {
    const Vec<T> a = max(set1<T>(ExpTable<T>::kExpMin), x), unit = set1<T>(kPlaceOne);
    const Vec<T> t = fma(a, set1<T>(ExpTable<T>::kLog2e), unit), n = t - unit;
    const Vec<T> r = fnma(n, set1<T>(kLn2Low), fnma(n, set1<T>(kLn2), a));
    return scale2(polynomial_by_table(r, max(set1<T>(kPlaceOne - 31), t), kSoftplus), n);
  } else {
    return log1p_to_one(exp_nonpositive(x));
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_MATH_INL_H
