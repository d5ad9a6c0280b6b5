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
// twice, has the larger errors; all back ends with a fused fma give the same bits. Measured with AVX-512 only, every
// float from 2^-30 to 192 in size: silu, log1p_to_one (as softplus), normal_tail (as GELU, in smooth-inl.h).
// `python -m tests.ulp --step 1` measures again.
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
  // silu(-110) rounds to 0, and exp(110) 2^kSiluExponent is finite
  static constexpr float kSiluMin = -110.0f, kSiluExponent = -34.0f;
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

// kPoly: exp(a^2 / 2) Phi(-a) (a + kShift) over u = a / (a + kShift), 0 <= a <= kMax, from where on a Phi(-a) rounds to
// 0.
// Small shifts keep the sum of the polynomial from cancelling at large a, large ones make its error small: of 2.5 to 4,
// float has the smallest error in all at 2.5. Its terms centred on a > 0 lost digits near 0 (up to 6 ULP of GELU).
template <class T>
struct NormalTable;
template <>
struct NormalTable<float> {
  static constexpr float kShift = 2.5f, kMax = 14.6f;
  static constexpr float kRound = 0x1.8p15f;  // steps of 2^-8: 12 digits of numbers below 16
  // error 2^-27.25
  static constexpr float kPoly[11] = {0x1.4p+0f, -0x1.3e4ed4p+0f, 0x1.5b2e58p-3f, 0x1.2c3b96p-2f,
                                      0x1.773508p-5f, -0x1.add434p-4f, 0x1.380e5ap-6f, -0x1.e434f6p-4f,
                                      0x1.61a66p-4f, 0x1.af4c98p-6f, -0x1.95b248p-6f};
};
template <>
struct NormalTable<double> {
  static constexpr double kShift = 3.5, kMax = 38.7;
  static constexpr double kRound = 0x1.8p32;  // steps of 2^-20: 26 digits of numbers below 64
  // error 2^-57.96
  static constexpr double kPoly[24] = {
      0x1.cp+0, -0x1.918a9f75cf32fp+1, 0x1.58eac1146182ep+1, -0x1.6bacfb5ef26f2p-1,
      -0x1.ecbffdadc30b8p-2, 0x1.813a592042f54p-3, 0x1.58e80f1c4641ap-3, -0x1.d1af5ae3557b6p-7,
      -0x1.f74ef8d43a96ap-5, -0x1.4d6ef6ad8c305p-6, 0x1.dc636efadee31p-11, 0x1.f877b3b507e16p-5,
      -0x1.59aa7aaa35b7dp-3, 0x1.0521594e6c828p-1, -0x1.387e489236d24p+0, 0x1.28d8e5d5b7919p+1,
      -0x1.c562af6c51ff2p+1, 0x1.128a596428cadp+2, -0x1.039054203a485p+2, 0x1.7669ede87d93fp+1,
      -0x1.8be9b4b8b0716p+0, 0x1.1f62a4535a22fp-1, -0x1.fd015177438aep-4, 0x1.9d27922ef6432p-7};
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

// exp(x) for x <= 0 or NaN
template <class T>
NNF_INLINE Vec<T> exp_nonpositive(Vec<T> x) {
  return exp_in_range(max(set1<T>(ExpTable<T>::kExpMin), x));
}

// exp(x) - 1 for x <= 0 or NaN, where 2^n is never out of range. -0 may give +0.
template <class T>
NNF_INLINE Vec<T> expm1_nonpositive(Vec<T> x) {
  const Vec<T> a = max(set1<T>(-ExpTable<T>::kOneAt), x);
  Vec<T> n, t;
  const Vec<T> r = reduce_exp(a, &n, &t), s = exponent_bits(t);
  return fma(s, expm1_reduced(a, n, r), s - set1<T>(1));
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

// x sigmoid(x), as x c / (c + c exp(-x)): the product with x comes before the rounding to a denormal. Where x may be
// small, c is 1. Max ULP: float 2.00, double 1.99
template <class T>
NNF_INLINE Vec<T> silu(Vec<T> x) {
  using C = ExpTable<T>;
  const Vec<T> b = max(set1<T>(C::kSiluMin), x), a = min(set1<T>(C::kOneAt), b);  // in this order a NaN stays
  const Vec<T> unit = select(lt(a, set1<T>(-1)), set1<T>(kExponentOne<T> + C::kSiluExponent), set1<T>(kExponentOne<T>));
  const Vec<T> t = fnma(a, set1<T>(C::kLog2e), unit);
  const Vec<T> n = t - unit;
  const Vec<T> r = fma(n, set1<T>(C::kLn2Lo), fma(n, set1<T>(C::kLn2Hi), a)), r2 = r * r;
  const Vec<T> h = fnma(r2, polynomial<true>(r, r2, C::kPoly), r);
  const Vec<T> s = exponent_bits(t), c = exponent_bits(unit);
  return b * c / (max(s, c) + fnma(s, h, min(s, c)));
}

// sigmoid(x) for x <= 0 or NaN, where s >= c
template <class T>
NNF_INLINE Vec<T> sigmoid_nonpositive(Vec<T> x) {
  using C = ExpTable<T>;
  const Vec<T> a = max(set1<T>(C::kExpMin), x);
  const Vec<T> unit = set1<T>(kExponentOne<T> + C::kSigmoidExponent);
  const Vec<T> t = fnma(a, set1<T>(C::kLog2e), unit);
  const Vec<T> n = t - unit;
  const Vec<T> r = fma(n, set1<T>(C::kLn2Lo), fma(n, set1<T>(C::kLn2Hi), a)), r2 = r * r;
  const Vec<T> h = fnma(r2, polynomial<true>(r, r2, C::kPoly), r);
  const Vec<T> s = exponent_bits(t), c = exponent_bits(unit);
  return c / (s + fnma(s, h, c));
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

// log(1 + e) for e in 0..1 or NaN: half the operations of log1p, and no division. Max ULP as softplus, log1p_to_one of
// exp(-|x|) added to max(x, 0): float 1.98, double 1.97 (10^6 arguments)
template <class T>
NNF_INLINE Vec<T> log1p_to_one(Vec<T> e) {
  const Vec<T> e2 = e * e;
  return fma(e2, polynomial(e, e2, Log1pTable<T>::kPoly), e);
}

// The tail of the normal distribution at a = |x| (NormalTable's kMax when that is less): exp(-a^2 / 2) = 2^n (1 + p),
// Phi(-a) = 2^n (1 + p) t q with t = 1 / (a + kShift) and q smooth in u = a t. No part of the line needs a branch of
// its own, and all digits are kept however small the result, if 2^n comes last. What a^2 has beyond its
// first digits goes into the exponent's reduced argument.
template <class T>
struct NormalTail {
  Vec<T> a, n, p, t, u, q;
  // exp(-a^2 / 2) w
  NNF_INLINE Vec<T> times(Vec<T> w) const { return scale2(fma(p, w, w), n); }
};
template <class T>
NNF_INLINE NormalTail<T> normal_tail(Vec<T> x) {
  using C = NormalTable<T>;
  NormalTail<T> y;
  y.a = min(set1<T>(C::kMax), abs(x));  // in this order a NaN stays
  y.t = set1<T>(1) / (y.a + set1<T>(C::kShift));
  y.u = y.a * y.t;
  // a^2 = head^2 + (a - head) (a + head), head so short that its square is exact without help from fma.
  const Vec<T> head = (y.a + set1<T>(C::kRound)) - set1<T>(C::kRound), minus_half = set1<T>(T(-0.5));
  Vec<T> unused;
  const Vec<T> r = reduce_exp(head * minus_half * head, &y.n, &unused);
  y.p = expm1_reduced(fma((y.a - head) * minus_half, y.a + head, r));
  y.q = polynomial(y.u, y.u * y.u, C::kPoly);
  return y;
}

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_MATH_INL_H
