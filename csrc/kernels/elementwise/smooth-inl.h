// The activation functions made of exponentials: ELU and SELU, GELU, SiLU, Mish, softplus, softsign. Functors as
// activation-inl.h describes them, and softplus over arrays.
//
// Infinite inputs give the functions' limits, never infinity times 0: arguments are clamped to where the result, in
// either precision, no longer changes.
#ifndef NNF_KERNELS_ELEMENTWISE_SMOOTH_INL_H
#define NNF_KERNELS_ELEMENTWISE_SMOOTH_INL_H

#include "kernels/elementwise/activation-inl.h"
#include "kernels/elementwise/contract.h"
#include "simd/loop-inl.h"
#include "simd/math-inl.h"
#include "simd/normal-inl.h"

namespace nnf {
namespace {

// x in low..high; a NaN stays.
template <class T>
NNF_INLINE Vec<T> clamp(Vec<T> x, double low, double high) {
  return min(set1<T>(static_cast<T>(high)), max(set1<T>(static_cast<T>(low)), x));
}

// exp(kVanish) is 0 in both precisions, and so is kVanish times it.
constexpr double kVanish = -800;

// alpha (e^x - 1) for x <= 0 (Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential
// linear units", 2016). f' = alpha e^x = f + alpha there.
template <class T>
struct act_elu {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = 0;
  static constexpr int kCost = 6;
  static NNF_INLINE V forward(V x, V alpha) { return select(lt(x, zero<T>()), alpha * expm1_nonpositive(x), x); }
  static NNF_INLINE V backward(V g, V x, V alpha) {
    return select(gt(x, zero<T>()), g, g * (alpha * exp_nonpositive(x)));
  }
  static NNF_INLINE V backward_from_output(V g, V y, V alpha) {
    return select(gt(y, zero<T>()), g, g * (y + alpha));
  }
};

// scale * elu(x, alpha) with the constants that keep mean 0 and variance 1 (Klambauer, Unterthiner, Mayr, Hochreiter,
// "Self-normalizing neural networks", 2017, equation 14).
template <class T>
struct act_selu {
  using V = Vec<T>;
  static constexpr T kScale = T(1.0507009873554804934193349852946);
  static constexpr T kScaleAlpha = T(1.7580993408473768599402175208123);
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 6;
  static NNF_INLINE V forward(V x, V) {
    return select(lt(x, zero<T>()), set1<T>(kScaleAlpha) * expm1_nonpositive(x), x * set1<T>(kScale));
  }
  static NNF_INLINE V backward(V g, V x, V) {
    return g * select(gt(x, zero<T>()), set1<T>(kScale), set1<T>(kScaleAlpha) * exp_nonpositive(x));
  }
  static NNF_INLINE V backward_from_output(V g, V y, V) {
    return g * select(gt(y, zero<T>()), set1<T>(kScale), y + set1<T>(kScaleAlpha));
  }
};

// x Phi(x), f' = Phi(x) + x phi(x), with the normal distribution's Phi and density phi (Hendrycks, Gimpel, "Gaussian
// error linear units", 2016).
// The tail of Phi, relatively exact, is all there is to either side: x - |x| Phi(-|x|) above 0, -|x| Phi(-|x|) below.
// Two polynomials chosen by |x| and (1 + erf) / 2, absolutely exact only (10^7 ULP at -7), took a tenth more time, the
// gradient by them half more.
template <class T>
struct act_gelu {
  using V = Vec<T>;
  static constexpr bool kFromOutput = false;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 12;
  static NNF_INLINE V forward(V x, V) {
    const V a = tail_argument(x), begun = begin_times_mills_ratio(a);
    const NormalDecay<T> decay = normal_decay(a);
    V low;
    const V w = times_mills_ratio(a, begun, &low);
    return max(set1<T>(T(-0.0)), x) - decay.times(w, low);  // x - x Phi(-x) above 0; below, -0 in the end
  }
  static NNF_INLINE V backward(V g, V x, V) {
    const V a = tail_argument(x), begun = begin_mills_ratio(a);
    const NormalDecay<T> decay = normal_decay(a);
    // f'(-|x|); f'(x) + f'(-x) = 1
    const V slope = decay.times(fnma(a, set1<T>(T(0.39894228040143267794)), mills_ratio(a, begun)));
    return g * select(lt(x, zero<T>()), slope, set1<T>(1) - slope);
  }
};

template <class T>
constexpr int kTogether<T, act_gelu> = kMixedVectors == 1 ? 2 : 3;

// The same with Phi replaced by (1 + tanh(u)) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
// f' = s + x s (1 - s) 2 u' with s = sigmoid(2 u).
template <class T>
struct act_gelu_tanh {
  using V = Vec<T>;
  static constexpr T kTwice = T(1.5957691216057307117597842397375);  // 2 sqrt(2 / pi)
  static constexpr T kCubic = T(0.044715);
  static constexpr bool kFromOutput = false;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 8;
  static NNF_INLINE V twice_u(V c) { return c * fma(c * c, set1<T>(kTwice * kCubic), set1<T>(kTwice)); }
  static NNF_INLINE V forward(V x, V) { return max(set1<T>(T(kVanish)), x) * sigmoid(twice_u(x)); }
  static NNF_INLINE V backward(V g, V x, V) {
    const V c = clamp(x, -50, 50), one = set1<T>(1);
    const V p = sigmoid_nonpositive(copysign(twice_u(c), set1<T>(-1))), q = one - p;  // p <= 1/2
    const V slope = set1<T>(kTwice) * fma(c * c, set1<T>(3 * kCubic), one);
    return g * fma(c * slope, p * q, select(lt(c, zero<T>()), p, q));
  }
};

// x s with s = sigmoid(x); f' = s + x s (1 - s) (Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units for neural
// network function approximation in reinforcement learning", 2018).
template <class T>
struct act_silu {
  using V = Vec<T>;
  static constexpr bool kFromOutput = false;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 6;
  static NNF_INLINE V forward(V x, V) { return silu(x); }
  static NNF_INLINE V backward(V g, V x, V) {
    const V c = clamp(x, kVanish, -kVanish);
    const V p = sigmoid_nonpositive(copysign(c, set1<T>(-1))), q = set1<T>(1) - p;
    return g * fma(c, p * q, select(lt(c, zero<T>()), p, q));
  }
};

// x tanh(softplus(x)) = x w, w = n / (n + 2) with n = e (e + 2), e = exp(x), which never cancels. f' = w + x w',
// w' = 4 e (e + 1) / (n + 2)^2 (Misra, "Mish: a self regularized non-monotonic activation function", 2020).
template <class T>
struct act_mish {
  using V = Vec<T>;
  static constexpr bool kFromOutput = false;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 6;
  static constexpr double kOne = 40;  // from here w is 1 and x w' is 0, and e^2 is far from overflow
  // In float e is taken times 2^kShift, where its power of two is always a normal number: with AVX2 a quarter less time
  // than by exp_in_range. From kOneFloat on w is 1.
  static constexpr double kShift = 26, kScale = 0x1p26, kOneFloat = 10;
  static NNF_INLINE V forward(V x, V) {
    if constexpr (ExpTable<T>::kKeepsLow) return forward_exact(x);
    const V b = max(set1<T>(ExpTable<T>::kExpMin), x);  // where the result is 0
    const ExpParts<T> parts = exp_parts(min(set1<T>(T(kOneFloat)), b), exp_unit<T>(kShift));
    const V e = fma(parts.s, parts.p, parts.s), n = e * (e + set1<T>(T(2 * kScale)));
    return b * (n / (n + set1<T>(T(2 * kScale * kScale))));
  }
  // 1.8 ULP in place of 3.8, for half more time: x w as one fused step from a product that is exact, in which what has
  // been rounded counts less than half. With e = 2^n (1 + p), f = e + 1 and d = f^2 + 1, below kBend w = e (1 - q) with
  // q = e f / d, so x w = 2^n (x + x (p - q (1 + p))); above w = 1/2 + (f^2 - 3) / 2d. 2^n comes last, for denormals.
  static constexpr double kBend = -0.5;
  static NNF_INLINE V forward_exact(V x) {
    using C = ExpTable<T>;
    const V b = max(set1<T>(C::kSiluMin), x), half = set1<T>(T(0.5)), one = set1<T>(1);  // where the result is 0
    const Mask<T> low = lt(b, set1<T>(T(kBend)));
    const V a = min(set1<T>(T(kOne)), b);
    V n, t;
    const V r = reduce_exp(a, &n, &t), p = expm1_reduced(a, n, r);
    const V s = exponent_bits(max(set1<T>(T(kExponentOne<T> - 100)), t));  // not where it is next to nothing beside 1
    const V f = fma(s, p, s + one), d = fma(f, f, one), sf = s * f;
    const V q = select(low, fma(sf, p, sf), fma(f * half, f, set1<T>(T(-1.5)))) / d;
    const V y = fma(b, select(low, fnma(q, p, p - q), q), select(low, b, b * half));
    return scale2(y, select(low, n, zero<T>()));
  }
  static NNF_INLINE V backward(V g, V x, V) {
    const V c = clamp(x, ExpTable<T>::kExpMin, kOne), e = exp_in_range(c);
    const V n = e * (e + set1<T>(2)), r = set1<T>(1) / (n + set1<T>(2));
    return g * fma(c, (set1<T>(4) * e * r) * ((e + set1<T>(1)) * r), n * r);
  }
};

// log(1 + e^z) / beta with z = beta x, from the end where the exponential is at most 1; x where z > threshold.
template <class T>
NNF_INLINE Vec<T> softplus(Vec<T> x) {
  return max(zero<T>(), x) + log1p_exp_nonpositive(copysign(x, set1<T>(-1)));
}
template <class T>
NNF_INLINE Vec<T> softplus(Vec<T> x, Vec<T> beta, Vec<T> threshold) {
  const Vec<T> z = beta * x;
  return select(gt(z, threshold), x, softplus(z) / beta);
}
template <class T>
NNF_INLINE Vec<T> softplus_backward(Vec<T> g, Vec<T> x, Vec<T> beta, Vec<T> threshold) {
  const Vec<T> z = beta * x;
  return select(gt(z, threshold), g, g * sigmoid(z));
}

// softplus with PyTorch's threshold of 20 and beta as alpha. f' = 1 - exp(-beta f).
template <class T>
struct act_softplus {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = 0;
  static constexpr int kCost = 12;
  static NNF_INLINE V forward(V x, V beta) { return softplus(x, beta, set1<T>(20)); }
  static NNF_INLINE V backward(V g, V x, V beta) { return softplus_backward(g, x, beta, set1<T>(20)); }
  static NNF_INLINE V backward_from_output(V g, V y, V beta) {
    const V z = beta * y;
    return select(gt(z, set1<T>(20)), g, g * -expm1(-z));
  }
};

// x / (1 + |x|); f' = 1 / (1 + |x|)^2 = (1 - |f|)^2.
template <class T>
struct act_softsign {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 3;
  static NNF_INLINE V forward(V x, V) {
    const V a = min(set1<T>(T(1e30)), abs(x));  // 1e30 / (1 + 1e30) is 1
    return copysign(a / (a + set1<T>(1)), x);
  }
  static NNF_INLINE V backward(V g, V x, V) {
    const V d = abs(x) + set1<T>(1);
    return g / d / d;
  }
  static NNF_INLINE V backward_from_output(V g, V y, V) {
    const V d = set1<T>(1) - abs(y);
    return g * (d * d);
  }
};

// Beyond kOneAt, e^-x is less than half an ULP of x: a threshold there changes nothing.
template <class T>
void softplus_array(i64 n, const T* x, T* y, T beta, T threshold) {
  if (beta == T(1) && threshold >= ExpTable<T>::kOneAt) {
    map_vectors<T, kTogether<T, act_softplus>>(n, y, [](auto v) NNF_LAMBDA_INLINE { return softplus(v); }, x);
    return;
  }
  const auto f = [=](auto v) NNF_LAMBDA_INLINE {
    using E = typename ElementOf<decltype(v)>::Type;
    return softplus(v, set1<E>(beta), set1<E>(threshold));
  };
  map_vectors<T, kTogether<T, act_softplus>>(n, y, f, x);
}

template <class T>
void softplus_array_backward(i64 n, const T* g, const T* x, T* gx, T beta, T threshold) {
  const auto f = [=](auto gv, auto v) NNF_LAMBDA_INLINE {
    using E = typename ElementOf<decltype(v)>::Type;
    return softplus_backward(gv, v, set1<E>(beta), set1<E>(threshold));
  };
  map_vectors<T, kTogether<T, act_softplus>>(n, gx, f, g, x);
}

template <class T>
void softplus_default_threshold(i64 n, const T* x, T* y, T beta) {
  softplus_array(n, x, y, beta, T(20));
}
template <class T>
struct ForwardArray<T, act_softplus> {
  static constexpr ActForwardFn<T> kFunction = &softplus_default_threshold<T>;
};

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_ELEMENTWISE_SMOOTH_INL_H
