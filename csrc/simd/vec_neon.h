// AArch64 Advanced SIMD back end: 128-bit registers. Implements the contract of simd/vec.h. There are no masked loads
// here; partial ones go lane by lane (at most three lanes).
#ifndef NNF_SIMD_VEC_NEON_H
#define NNF_SIMD_VEC_NEON_H

#include <arm_neon.h>

#include "simd/vec.h"

namespace nnf {
namespace {

template <>
struct Vec<float> {
  static constexpr int N = 4;
  float32x4_t v;
};
template <>
struct Vec<double> {
  static constexpr int N = 2;
  float64x2_t v;
};
template <>
struct Mask<float> {
  uint32x4_t v;
};
template <>
struct Mask<double> {
  uint64x2_t v;
};
struct VecU32 {
  static constexpr int N = 4;
  uint32x4_t v;
};

template <class T>
Vec<T> load(const T* p);
template <class T>
Vec<T> set1(T x);
template <class T>
Vec<T> zero();
template <class T>
Mask<T> first_n(i64 n);

// ---- memory

template <>
NNF_INLINE Vec<float> load<float>(const float* p) {
  return {vld1q_f32(p)};
}
template <>
NNF_INLINE Vec<double> load<double>(const double* p) {
  return {vld1q_f64(p)};
}
NNF_INLINE void store(float* p, Vec<float> v) { vst1q_f32(p, v.v); }
NNF_INLINE void store(double* p, Vec<double> v) { vst1q_f64(p, v.v); }
template <class T>
NNF_INLINE Vec<T> load_n(const T* p, i64 n) {
  if (n >= Vec<T>::N) return load<T>(p);
  T lanes[Vec<T>::N] = {};
  for (i64 i = 0; i < n; ++i) lanes[i] = p[i];
  return load<T>(lanes);
}
NNF_INLINE void store_n(float* p, Vec<float> v, i64 n) {
  if (n >= 4) return store(p, v);
  float lanes[4];
  store(lanes, v);
  for (i64 i = 0; i < n; ++i) p[i] = lanes[i];
}
NNF_INLINE void store_n(double* p, Vec<double> v, i64 n) {
  if (n >= 2) return store(p, v);
  if (n == 1) vst1q_lane_f64(p, v.v, 0);
}
template <>
NNF_INLINE Vec<float> set1<float>(float x) {
  return {vdupq_n_f32(x)};
}
template <>
NNF_INLINE Vec<double> set1<double>(double x) {
  return {vdupq_n_f64(x)};
}
template <>
NNF_INLINE Vec<float> zero<float>() {
  return {vdupq_n_f32(0.0f)};
}
template <>
NNF_INLINE Vec<double> zero<double>() {
  return {vdupq_n_f64(0.0)};
}
NNF_INLINE Vec<float> repeat4(const float* p) { return {vld1q_f32(p)}; }
NNF_INLINE Vec<double> repeat4(const double* p) { return {vld1q_f64(p)}; }
template <>
NNF_INLINE Mask<float> first_n<float>(i64 n) {
  const u32 lanes[4] = {0, 1, 2, 3};
  return {vcltq_u32(vld1q_u32(lanes), vdupq_n_u32(static_cast<u32>(n < 4 ? n : 4)))};
}
template <>
NNF_INLINE Mask<double> first_n<double>(i64 n) {
  const u64 lanes[2] = {0, 1};
  return {vcltq_u64(vld1q_u64(lanes), vdupq_n_u64(static_cast<u64>(n)))};
}

// ---- arithmetic

NNF_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {vaddq_f32(a.v, b.v)}; }
NNF_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) { return {vaddq_f64(a.v, b.v)}; }
NNF_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {vsubq_f32(a.v, b.v)}; }
NNF_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) { return {vsubq_f64(a.v, b.v)}; }
NNF_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {vmulq_f32(a.v, b.v)}; }
NNF_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) { return {vmulq_f64(a.v, b.v)}; }
NNF_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {vdivq_f32(a.v, b.v)}; }
NNF_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) { return {vdivq_f64(a.v, b.v)}; }
NNF_INLINE Vec<float> operator-(Vec<float> a) { return {vnegq_f32(a.v)}; }
NNF_INLINE Vec<double> operator-(Vec<double> a) { return {vnegq_f64(a.v)}; }
NNF_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
NNF_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
NNF_INLINE Vec<float> fnma(Vec<float> a, Vec<float> b, Vec<float> c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
NNF_INLINE Vec<double> fnma(Vec<double> a, Vec<double> b, Vec<double> c) { return {vfmsq_f64(c.v, a.v, b.v)}; }
NNF_INLINE Vec<float> sqrt(Vec<float> a) { return {vsqrtq_f32(a.v)}; }
NNF_INLINE Vec<double> sqrt(Vec<double> a) { return {vsqrtq_f64(a.v)}; }
NNF_INLINE Vec<float> abs(Vec<float> a) { return {vabsq_f32(a.v)}; }
NNF_INLINE Vec<double> abs(Vec<double> a) { return {vabsq_f64(a.v)}; }
// Compare and select: AArch64's own fmin and fmax return NaN for any NaN, which is not the contract's rule.
NNF_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)}; }
NNF_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {vbslq_f64(vcltq_f64(a.v, b.v), a.v, b.v)}; }
NNF_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
NNF_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {vbslq_f64(vcgtq_f64(a.v, b.v), a.v, b.v)}; }

// ---- compare

NNF_INLINE Mask<float> lt(Vec<float> a, Vec<float> b) { return {vcltq_f32(a.v, b.v)}; }
NNF_INLINE Mask<double> lt(Vec<double> a, Vec<double> b) { return {vcltq_f64(a.v, b.v)}; }
NNF_INLINE Mask<float> le(Vec<float> a, Vec<float> b) { return {vcleq_f32(a.v, b.v)}; }
NNF_INLINE Mask<double> le(Vec<double> a, Vec<double> b) { return {vcleq_f64(a.v, b.v)}; }
NNF_INLINE Mask<float> eq(Vec<float> a, Vec<float> b) { return {vceqq_f32(a.v, b.v)}; }
NNF_INLINE Mask<double> eq(Vec<double> a, Vec<double> b) { return {vceqq_f64(a.v, b.v)}; }
NNF_INLINE Mask<float> gt(Vec<float> a, Vec<float> b) { return lt(b, a); }
NNF_INLINE Mask<double> gt(Vec<double> a, Vec<double> b) { return lt(b, a); }
NNF_INLINE Mask<float> ge(Vec<float> a, Vec<float> b) { return le(b, a); }
NNF_INLINE Mask<double> ge(Vec<double> a, Vec<double> b) { return le(b, a); }
NNF_INLINE Vec<float> select(Mask<float> m, Vec<float> a, Vec<float> b) { return {vbslq_f32(m.v, a.v, b.v)}; }
NNF_INLINE Vec<double> select(Mask<double> m, Vec<double> a, Vec<double> b) { return {vbslq_f64(m.v, a.v, b.v)}; }
NNF_INLINE Mask<float> operator&(Mask<float> a, Mask<float> b) { return {vandq_u32(a.v, b.v)}; }
NNF_INLINE Mask<double> operator&(Mask<double> a, Mask<double> b) { return {vandq_u64(a.v, b.v)}; }
NNF_INLINE Mask<float> operator|(Mask<float> a, Mask<float> b) { return {vorrq_u32(a.v, b.v)}; }
NNF_INLINE Mask<double> operator|(Mask<double> a, Mask<double> b) { return {vorrq_u64(a.v, b.v)}; }
NNF_INLINE Mask<float> operator!(Mask<float> m) { return {vmvnq_u32(m.v)}; }
NNF_INLINE Mask<double> operator!(Mask<double> m) {
  return {vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(m.v)))};
}
NNF_INLINE bool any(Mask<float> m) { return vmaxvq_u32(m.v) != 0; }
NNF_INLINE bool any(Mask<double> m) { return vmaxvq_u32(vreinterpretq_u32_u64(m.v)) != 0; }
NNF_INLINE bool all(Mask<float> m) { return vminvq_u32(m.v) != 0; }
NNF_INLINE bool all(Mask<double> m) { return vminvq_u32(vreinterpretq_u32_u64(m.v)) != 0; }
NNF_INLINE Mask<float> is_nan(Vec<float> a) { return !eq(a, a); }
NNF_INLINE Mask<double> is_nan(Vec<double> a) { return !eq(a, a); }

NNF_INLINE Mask<float> unordered(Vec<float> a, Vec<float> b) { return is_nan(a) | is_nan(b); }
NNF_INLINE Mask<double> unordered(Vec<double> a, Vec<double> b) { return is_nan(a) | is_nan(b); }

// ---- rounding, bits

NNF_INLINE Vec<float> round(Vec<float> a) { return {vrndnq_f32(a.v)}; }
NNF_INLINE Vec<double> round(Vec<double> a) { return {vrndnq_f64(a.v)}; }
NNF_INLINE Vec<float> copysign(Vec<float> magnitude, Vec<float> sign) {
  return {vbslq_f32(vdupq_n_u32(0x80000000u), sign.v, magnitude.v)};
}
NNF_INLINE Vec<double> copysign(Vec<double> magnitude, Vec<double> sign) {
  return {vbslq_f64(vdupq_n_u64(0x8000000000000000u), sign.v, magnitude.v)};
}
NNF_INLINE Vec<float> exponent_bits(Vec<float> t) {
  return {vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(t.v), 23))};
}
NNF_INLINE Vec<double> exponent_bits(Vec<double> t) {
  return {vreinterpretq_f64_u64(vshlq_n_u64(vreinterpretq_u64_f64(t.v), 52))};
}
// The excess over the normal range goes first: when that step leaves the normal numbers the result is 0 or infinite
// anyway, so there is never a second rounding.
NNF_INLINE Vec<float> scale2(Vec<float> a, Vec<float> n) {
  const Vec<float> last = min(max(n, set1(-126.0f)), set1(127.0f)), one = set1(kExponentOne<float>);
  return a * exponent_bits(n - last + one) * exponent_bits(last + one);
}
NNF_INLINE Vec<double> scale2(Vec<double> a, Vec<double> n) {
  const Vec<double> last = min(max(n, set1(-1022.0)), set1(1023.0)), one = set1(kExponentOne<double>);
  return a * exponent_bits(n - last + one) * exponent_bits(last + one);
}
// Denormals are scaled up by 2^24 (2^53) first.
NNF_INLINE Vec<float> exponent(Vec<float> a) {
  const Vec<float> size = abs(a);
  const Mask<float> tiny = lt(size, set1(0x1p-126f));
  const Vec<float> normal = select(tiny, size * set1(0x1p24f), size);
  const Vec<float> field = {vcvtq_f32_u32(vshrq_n_u32(vreinterpretq_u32_f32(normal.v), 23))};
  return field - select(tiny, set1(127.0f + 24.0f), set1(127.0f));
}
NNF_INLINE Vec<double> exponent(Vec<double> a) {
  const Vec<double> size = abs(a);
  const Mask<double> tiny = lt(size, set1(0x1p-1022));
  const Vec<double> normal = select(tiny, size * set1(0x1p53), size);
  const Vec<double> field = {vcvtq_f64_u64(vshrq_n_u64(vreinterpretq_u64_f64(normal.v), 52))};
  return field - select(tiny, set1(1023.0 + 53.0), set1(1023.0));
}
NNF_INLINE Vec<float> mantissa(Vec<float> a) {
  const Vec<float> size = abs(a);
  const Vec<float> normal = select(lt(size, set1(0x1p-126f)), size * set1(0x1p24f), size);
  return {vbslq_f32(vdupq_n_u32(0x007FFFFFu), normal.v, vdupq_n_f32(1.0f))};
}
NNF_INLINE Vec<double> mantissa(Vec<double> a) {
  const Vec<double> size = abs(a);
  const Vec<double> normal = select(lt(size, set1(0x1p-1022)), size * set1(0x1p53), size);
  return {vbslq_f64(vdupq_n_u64(0x000FFFFFFFFFFFFFu), normal.v, vdupq_n_f64(1.0))};
}

// ---- across: halves onto halves

NNF_INLINE float sum(Vec<float> a) {
  const float32x2_t p = vadd_f32(vget_low_f32(a.v), vget_high_f32(a.v));
  return vget_lane_f32(p, 0) + vget_lane_f32(p, 1);
}
NNF_INLINE double sum(Vec<double> a) { return vgetq_lane_f64(a.v, 0) + vgetq_lane_f64(a.v, 1); }
template <class T>
NNF_INLINE void sum4(Vec<T> a, Vec<T> b, Vec<T> c, Vec<T> d, T* out) {
  out[0] = sum(a), out[1] = sum(b), out[2] = sum(c), out[3] = sum(d);
}
NNF_INLINE float max_lane(Vec<float> a) { return vmaxvq_f32(a.v); }
NNF_INLINE double max_lane(Vec<double> a) { return vmaxvq_f64(a.v); }

// ---- order

NNF_INLINE void deinterleave(Vec<float> a, Vec<float> b, Vec<float>* even, Vec<float>* odd) {
  *even = {vuzp1q_f32(a.v, b.v)}, *odd = {vuzp2q_f32(a.v, b.v)};
}
NNF_INLINE void interleave(Vec<float> even, Vec<float> odd, Vec<float>* a, Vec<float>* b) {
  *a = {vzip1q_f32(even.v, odd.v)}, *b = {vzip2q_f32(even.v, odd.v)};
}
NNF_INLINE void deinterleave(Vec<double> a, Vec<double> b, Vec<double>* even, Vec<double>* odd) {
  *even = {vuzp1q_f64(a.v, b.v)}, *odd = {vuzp2q_f64(a.v, b.v)};
}
NNF_INLINE void interleave(Vec<double> even, Vec<double> odd, Vec<double>* a, Vec<double>* b) {
  *a = {vzip1q_f64(even.v, odd.v)}, *b = {vzip2q_f64(even.v, odd.v)};
}

NNF_INLINE Vec<float> slide_up(Vec<float> before, Vec<float> a) { return {vextq_f32(before.v, a.v, 3)}; }
NNF_INLINE Vec<float> slide_down(Vec<float> a, Vec<float> after) { return {vextq_f32(a.v, after.v, 1)}; }
NNF_INLINE Vec<double> slide_up(Vec<double> before, Vec<double> a) { return {vextq_f64(before.v, a.v, 1)}; }
NNF_INLINE Vec<double> slide_down(Vec<double> a, Vec<double> after) { return {vextq_f64(a.v, after.v, 1)}; }
template <int W, int I>
NNF_INLINE Vec<float> spread(Vec<float> a) {
  if constexpr (W == 4) {
    return {vdupq_laneq_f32(a.v, I)};
  } else if constexpr (I == 0) {
    return {vtrn1q_f32(a.v, a.v)};
  } else {
    return {vtrn2q_f32(a.v, a.v)};
  }
}
template <int W, int I>
NNF_INLINE Vec<double> spread(Vec<double> a) {
  static_assert(W == 2, "two lanes");
  return {vdupq_laneq_f64(a.v, I)};
}

// ---- bytes: a lane at a time, there being two or four

template <class T>
NNF_INLINE void store_lane_bytes(unsigned char* p, Vec<T> v, i64 n) {
  T lanes[Vec<T>::N];
  store(lanes, v);
  for (i64 i = 0; i < n && i < Vec<T>::N; ++i) p[i] = static_cast<unsigned char>(lanes[i]);
}
NNF_INLINE void store_bytes(unsigned char* p, Vec<float> v, i64 n) { store_lane_bytes(p, v, n); }
NNF_INLINE void store_bytes(unsigned char* p, Vec<double> v, i64 n) { store_lane_bytes(p, v, n); }
template <class T>
NNF_INLINE Mask<T> bytes_are(const unsigned char* p, unsigned char b, i64 n) {
  T lanes[Vec<T>::N];
  for (i64 i = 0; i < Vec<T>::N; ++i) lanes[i] = i < n && p[i] == b ? T(1) : T(0);
  return eq(load<T>(lanes), set1(T(1)));
}

// ---- integers

NNF_INLINE VecU32 load_u32(const u32* p) { return {vld1q_u32(p)}; }
NNF_INLINE void store_u32(u32* p, VecU32 a) { vst1q_u32(p, a.v); }
NNF_INLINE VecU32 set1_u32(u32 x) { return {vdupq_n_u32(x)}; }
NNF_INLINE VecU32 operator+(VecU32 a, VecU32 b) { return {vaddq_u32(a.v, b.v)}; }
NNF_INLINE VecU32 operator^(VecU32 a, VecU32 b) { return {veorq_u32(a.v, b.v)}; }
NNF_INLINE VecU32 operator&(VecU32 a, VecU32 b) { return {vandq_u32(a.v, b.v)}; }
template <int K>
NNF_INLINE VecU32 shift_left(VecU32 a) {
  return {vshlq_n_u32(a.v, K)};
}
template <int K>
NNF_INLINE VecU32 shift_right(VecU32 a) {
  return {vshrq_n_u32(a.v, K)};
}
NNF_INLINE void mul_lo_hi(VecU32 a, VecU32 b, VecU32* lo, VecU32* hi) {
  const uint32x4_t first = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(a.v), vget_low_u32(b.v)));
  const uint32x4_t second = vreinterpretq_u32_u64(vmull_high_u32(a.v, b.v));
  *lo = {vuzp1q_u32(first, second)};
  *hi = {vuzp2q_u32(first, second)};
}
NNF_INLINE Mask<float> lt_u32(VecU32 a, VecU32 b) { return {vcltq_u32(a.v, b.v)}; }

// ---- 64-bit integers

NNF_INLINE void store_i64(i64* p, Vec<double> v, i64 n) {
  const int64x2_t i = vcvtnq_s64_f64(v.v);
  if (n > 0) p[0] = vgetq_lane_s64(i, 0);
  if (n > 1) p[1] = vgetq_lane_s64(i, 1);
}
NNF_INLINE void store_i64(i64* p, Vec<float> v, i64 n) {
  store_i64(p, Vec<double>{vcvt_f64_f32(vget_low_f32(v.v))}, n);
  store_i64(p + 2, Vec<double>{vcvt_high_f64_f32(v.v)}, n - 2);
}
template <class T>
Vec<T> load_i64(const i64* p, i64 n);
template <>
NNF_INLINE Vec<double> load_i64<double>(const i64* p, i64 n) {
  int64x2_t i = vdupq_n_s64(0);
  if (n > 0) i = vsetq_lane_s64(p[0], i, 0);
  if (n > 1) i = vsetq_lane_s64(p[1], i, 1);
  return {vcvtq_f64_s64(i)};
}
template <>
NNF_INLINE Vec<float> load_i64<float>(const i64* p, i64 n) {
  const float32x2_t low = vcvt_f32_f64(load_i64<double>(p, n).v);
  return {vcvt_high_f32_f64(low, load_i64<double>(p + 2, n - 2).v)};
}

// ---- registers

NNF_INLINE void keep(Vec<float>* a) { __asm__("" : "+w"(a->v)); }
NNF_INLINE void keep(Vec<double>* a) { __asm__("" : "+w"(a->v)); }

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_VEC_NEON_H
