// Elementary functions over Vec<T>, written once for every instruction set and both precisions.
//
// Not a maths library: only what layers and losses need, no rounding modes, no errno, no tables in memory. Every
// function takes all values: +-0, denormals, infinities and NaN give what the exact function gives, rounded; a result
// too large is infinite, one too small is a correctly scaled denormal or zero.
//
// The polynomials are minimax fits made for this file: Remez exchange in 60-digit arithmetic (mpmath), weighted with
// the relative error of the final result, then rounded; in float each rounding was followed by a new fit of the
// coefficients above it, or by a search among neighbouring floats. `error` beside a table is what is left after the
// rounding, relative to the function named.
//
// "Max ULP" beside a function is the largest error measured over all back ends, rounded up. float: against double
// arithmetic over every argument whose result is not trivial (scalar back end: every second of log1p, every third of
// log); double: against 113-bit arithmetic over 10^6 arguments of all sizes. The scalar back end, where fma may round
// twice, has the larger errors; all back ends with a fused fma give the same bits.
#ifndef NNF_SIMD_MATH_INL_H
#define NNF_SIMD_MATH_INL_H

#include "simd/vec.h"

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
  static constexpr bool kKeepsLow = true;
  static constexpr double kLinear = 0x1p-60;
  // error 2^-59.7 of e^r - 1
  static constexpr double kPoly[11] = {0x1p-1,                0x1.5555555555559p-3,  0x1.555555555553ep-5,
                                       0x1.111111110f6aap-7,  0x1.6c16c16c1f16dp-10, 0x1.a01a01afe9a7cp-13,
                                       0x1.a01a017b94475p-16, 0x1.71ddf841fb9c2p-19, 0x1.27e53661da8b5p-22,
                                       0x1.af5ee85bfd213p-26, 0x1.1ee886855c3a5p-29};
};

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

// kSmall: erf(x) / x - 1 over x^2, |x| < kCut.  kLarge: log(erfc(a)) over a, kCut <= a <= kMax, from where on erf
// rounds to 1; weighted with erfc / erf, which makes it an error relative to erf.
template <class T>
struct ErfTable;
template <>
struct ErfTable<float> {
  static constexpr float kCut = 0.9375f, kMax = 4.0f;
  // error 2^-25.6
  static constexpr float kSmall[6] = {0x1.06eba6p-3f,  -0x1.8126dcp-2f, 0x1.ce1858p-4f,
                                      -0x1.b669c8p-6f, 0x1.466c1p-8f,   -0x1.36b066p-11f};
  // error 2^-32.0
  static constexpr float kLarge[8] = {0x1.62d9dep-13f, -0x1.212628p+0f, -0x1.444d16p-1f, -0x1.bb45aep-4f,
                                      0x1.9aed04p-6f,  -0x1.1064d8p-8f, 0x1.c4635ep-12f, -0x1.5d83e2p-16f};
};
template <>
struct ErfTable<double> {
  static constexpr double kCut = 0.9375, kMax = 6.0;
  // error 2^-56.0
  static constexpr double kSmall[12] = {0x1.06eba8214db68p-3,  -0x1.812746b0379dcp-2,  0x1.ce2f21a04230bp-4,
                                        -0x1.b82ce3125a3e5p-6, 0x1.565bcd0681a26p-8,   -0x1.c02db26879589p-11,
                                        0x1.f9a2f2c250246p-14, -0x1.f4cdf1632723fp-17, 0x1.b9a6a5a65fa63p-20,
                                        -0x1.5d0809088a95cp-23, 0x1.de9b7ba817c84p-27, -0x1.c3e42563b6b3ap-31};
  // error 2^-58.7
  static constexpr double kLarge[20] = {
      -0x1.21c7a86dcd09dp-28, -0x1.20dd74e06741dp+0, -0x1.45f2ffd72d5e8p-1, -0x1.a4f6afed5aeefp-4,
      0x1.39837f9f60bddp-6,   0x1.909bd00cec8f4p-13, -0x1.b39500e3537cp-10, 0x1.1b176b4b219c5p-11,
      0x1.05a62dc187449p-15,  -0x1.e790ec0441e08p-14, 0x1.1a9df2f977219p-14, -0x1.a85dcbf7b8bfdp-16,
      0x1.dc6e3eabe0e9fp-18,  -0x1.9f77e43bbe9f7p-20, 0x1.1ab6af8dc97a2p-22, -0x1.27f25541d018ep-25,
      0x1.cd5e89284c4ap-29,   -0x1.f8e2b2d13cc3ep-33, 0x1.5a17934bb42dbp-37, -0x1.bf24f2f649fa1p-43};
};

// ---------------------------------------------------------------- building blocks

// c[0] + c[1] x + c[2] x^2 + ... at x, or at -x when kNegated; x2 = x * x. Pairs of neighbours first, then Horner in
// x2: as many operations as plain Horner and half its chain, which matters because the scheduler of a core holds few
// vectors' worth of waiting operations (with GCC 12: a quarter less time for exp and tanh).
template <bool kNegated = false, class T, int N>
NNF_INLINE Vec<T> polynomial(Vec<T> x, Vec<T> x2, const T (&c)[N]) {
  Vec<T> y = zero<T>();
  for (int i = (N - 1) / 2 * 2; i >= 0; i -= 2) {
    Vec<T> pair = set1<T>(c[i]);
    if (i + 1 < N) pair = kNegated ? fnma(x, set1<T>(c[i + 1]), pair) : fma(x, set1<T>(c[i + 1]), pair);
    y = i + 2 >= N ? pair : fma(y, x2, pair);
  }
  return y;
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

// exp(x) for kExpMin <= x <= kExpMax, or NaN
template <class T>
NNF_INLINE Vec<T> exp_in_range(Vec<T> x) {
  Vec<T> n, t;
  const Vec<T> r = reduce_exp(x, &n, &t);
  return scale2(set1<T>(1) + expm1_reduced(r), n);
}

// ---------------------------------------------------------------- functions

// Max ULP: float 1.00, double 0.97
template <class T>
NNF_INLINE Vec<T> exp(Vec<T> x) {
  using C = ExpTable<T>;
  return exp_in_range(min(set1<T>(C::kExpMax), max(set1<T>(C::kExpMin), x)));  // in this order a NaN stays
}

// exp(x) - 1. Max ULP: float 1.52, double 1.58
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

// 1 / (1 + exp(-x)), as c / (c + c exp(-x)) with c = 2^kSigmoidExponent, so that c exp(-x) stays normal down to where
// the result is a denormal, then zero. With -x = n ln 2 - r, c exp(-x) = s (1 - h); the smaller of c and s is added to
// s h first, so that next to nothing is lost when it vanishes beside the other.
// Max ULP: float 2.00, double 1.98
template <class T>
NNF_INLINE Vec<T> sigmoid(Vec<T> x) {
  using C = ExpTable<T>;
  const Vec<T> a = min(set1<T>(C::kOneAt), max(set1<T>(C::kExpMin), x));  // in this order a NaN stays
  const Vec<T> unit = set1<T>(kExponentOne<T> + C::kSigmoidExponent);
  const Vec<T> t = fnma(a, set1<T>(C::kLog2e), unit);
  const Vec<T> n = t - unit;
  const Vec<T> r = fma(n, set1<T>(C::kLn2Lo), fma(n, set1<T>(C::kLn2Hi), a)), r2 = r * r;
  const Vec<T> h = fnma(r2, polynomial<true>(r, r2, C::kPoly), r);
  const Vec<T> s = exponent_bits(t), c = exponent_bits(unit);
  return c / (max(s, c) + fnma(s, h, min(s, c)));
}

// (1 - e) / (1 + e) with e = exp(-2|x|) = 2^n (1 + p), each sum from the same 2^n and p; the sign is put back last.
// Positive exponents, (E - 1) / (E + 1), erred by up to 2.8 ULP where both sums lie just above a power of two.
// Max ULP: float 1.96, double 1.94
template <class T>
NNF_INLINE Vec<T> tanh(Vec<T> x) {
  using C = ExpTable<T>;
  const Vec<T> one = set1<T>(1);
  const Vec<T> a = min(set1<T>(C::kTanhMax), abs(x)) * set1<T>(-2);
  Vec<T> n, t;
  const Vec<T> r = reduce_exp(a, &n, &t);
  const Vec<T> p = expm1_reduced(a, n, r), s = exponent_bits(t);
  return copysign(fnma(s, p, one - s) / fma(s, p, one + s), x);
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

// Natural logarithm. Max ULP: float 0.84, double 0.80
template <class T>
NNF_INLINE Vec<T> log(Vec<T> x) {
  Vec<T> n;
  const Vec<T> m = reduce_log(x, &n);
  return log_edges(x, log_reduced(m - set1<T>(1), n, zero<T>()));
}

// log(1 + x): u = 1 + x rounded, and what the rounding lost as a correction of first order. Where u needs no scaling,
// x itself is f and nothing is lost. Max ULP: float 0.84, double 0.80
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

// The error function: x + x P(x^2) near 0, 1 - exp(Q(|x|)) beyond. Max ULP: float 1.37, double 1.28
template <class T>
NNF_INLINE Vec<T> erf(Vec<T> x) {
  using C = ErfTable<T>;
  const Vec<T> a = abs(x);
  const Vec<T> z = x * x;
  const Vec<T> near = fma(x, polynomial(z, z * z, C::kSmall), x);
  const Vec<T> b = min(set1<T>(C::kMax), a);
  const Vec<T> far = set1<T>(1) - exp_in_range(polynomial(b, b * b, C::kLarge));
  return select(lt(a, set1<T>(C::kCut)), near, copysign(far, x));
}

// The normal distribution function, (1 + erf(x / sqrt(2))) / 2. Where x is far below 0 it is exp(Q) / 2, not a
// difference from 1, which keeps digits that (1 + erf) / 2 loses. Absolute error below 2 u (u the unit roundoff); below
// -5.66 (float) and -8.49 (double) the result is 0, as erf's is -1 there.
template <class T>
NNF_INLINE Vec<T> normal_cdf(Vec<T> x) {
  using C = ErfTable<T>;
  const Vec<T> half = set1<T>(T(0.5));
  const Vec<T> s = x * set1<T>(T(0.70710678118654752440)), a = abs(s), z = s * s;
  const Vec<T> near = fma(fma(s, polynomial(z, z * z, C::kSmall), s), half, half);
  const Vec<T> b = min(set1<T>(C::kMax), a);
  const Vec<T> tail = select(lt(a, set1<T>(C::kMax)), half * exp_in_range(polynomial(b, b * b, C::kLarge)), zero<T>());
  const Vec<T> far = select(lt(s, zero<T>()), tail, set1<T>(1) - tail);
  return select(is_nan(x), x, select(lt(a, set1<T>(C::kCut)), near, far));
}

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_MATH_INL_H
