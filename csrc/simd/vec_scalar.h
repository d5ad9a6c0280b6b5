// The portable back end: one lane, plain C++, any CPU. Implements the contract of simd/vec.h.
//
// fma here is a * b + c with two roundings unless the CPU the compiler aims at has a fused one: without the instruction
// it costs a library call of tens of nanoseconds, and this path exists for CPUs that have none. What needs a product to
// be exact asks kFusedFma (lost() in simd/math-inl.h); the error bounds hold both ways.
#ifndef NNF_SIMD_VEC_SCALAR_H
#define NNF_SIMD_VEC_SCALAR_H

#include "simd/vec.h"

namespace nnf {
namespace {

template <>
struct Vec<float> {
  static constexpr int N = 1;
  float v;
};
template <>
struct Vec<double> {
  static constexpr int N = 1;
  double v;
};
template <>
struct Mask<float> {
  bool v;
};
template <>
struct Mask<double> {
  bool v;
};
struct VecU32 {
  static constexpr int N = 1;
  u32 v;
};

// What differs between float and double: the integer of the same size and the layout of the bits.
template <class T>
struct ScalarBits;
template <>
struct ScalarBits<float> {
  using Int = u32;
  static constexpr int kMantissa = 23, kBias = 127;
  static constexpr float kMinNormal = 0x1p-126f, kToNormal = 0x1p24f, kInteger = 0x1p23f;
};
template <>
struct ScalarBits<double> {
  using Int = u64;
  static constexpr int kMantissa = 52, kBias = 1023;
  static constexpr double kMinNormal = 0x1p-1022, kToNormal = 0x1p53, kInteger = 0x1p52;
};
template <class T>
NNF_INLINE typename ScalarBits<T>::Int to_bits(T x) {
  typename ScalarBits<T>::Int i;
  __builtin_memcpy(&i, &x, sizeof(T));
  return i;
}
template <class T>
NNF_INLINE T from_bits(typename ScalarBits<T>::Int i) {
  T x;
  __builtin_memcpy(&x, &i, sizeof(T));
  return x;
}
NNF_INLINE float builtin_copysign(float a, float b) { return __builtin_copysignf(a, b); }
NNF_INLINE double builtin_copysign(double a, double b) { return __builtin_copysign(a, b); }

// ---- memory

template <class T>
NNF_INLINE Vec<T> load(const T* p) {
  return {*p};
}
template <class T>
NNF_INLINE Vec<T> load_n(const T* p, i64 n) {
  return {n > 0 ? *p : T(0)};
}
template <class T>
NNF_INLINE void store(T* p, Vec<T> v) {
  *p = v.v;
}
template <class T>
NNF_INLINE void store_n(T* p, Vec<T> v, i64 n) {
  if (n > 0) *p = v.v;
}
template <class T>
Vec<T> set1(T x);
template <class T>
Vec<T> zero();
template <>
NNF_INLINE Vec<float> set1<float>(float x) {
  return {x};
}
template <>
NNF_INLINE Vec<double> set1<double>(double x) {
  return {x};
}
template <>
NNF_INLINE Vec<float> zero<float>() {
  return {0};
}
template <>
NNF_INLINE Vec<double> zero<double>() {
  return {0};
}
template <class T>
NNF_INLINE Vec<T> repeat4(const T* p) {
  return {*p};
}

// ---- arithmetic

template <class T>
NNF_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) {
  return {a.v + b.v};
}
template <class T>
NNF_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) {
  return {a.v - b.v};
}
template <class T>
NNF_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) {
  return {a.v * b.v};
}
template <class T>
NNF_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) {
  return {a.v / b.v};
}
template <class T>
NNF_INLINE Vec<T> operator-(Vec<T> a) {
  return {-a.v};
}

NNF_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  if constexpr (kFusedFma) return {__builtin_fmaf(a.v, b.v, c.v)};
  return {a.v * b.v + c.v};
}
NNF_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  if constexpr (kFusedFma) return {__builtin_fma(a.v, b.v, c.v)};
  return {a.v * b.v + c.v};
}
template <class T>
NNF_INLINE Vec<T> fnma(Vec<T> a, Vec<T> b, Vec<T> c) {
  return fma(-a, b, c);
}
NNF_INLINE Vec<float> sqrt(Vec<float> a) { return {__builtin_sqrtf(a.v)}; }
NNF_INLINE Vec<double> sqrt(Vec<double> a) { return {__builtin_sqrt(a.v)}; }
NNF_INLINE Vec<float> abs(Vec<float> a) { return {__builtin_fabsf(a.v)}; }
NNF_INLINE Vec<double> abs(Vec<double> a) { return {__builtin_fabs(a.v)}; }
template <class T>
NNF_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
  return {a.v < b.v ? a.v : b.v};
}
template <class T>
NNF_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
  return {a.v > b.v ? a.v : b.v};
}

// ---- rounding, bits

// Adding and taking away 2^(mantissa bits) leaves an integer, rounded as the addition rounds. Larger values are
// integers already; NaN fails the comparison and stays.
template <class T>
NNF_INLINE Vec<T> round(Vec<T> a) {
  const T big = ScalarBits<T>::kInteger;
  const T size = abs(a).v;
  return {size < big ? builtin_copysign((size + big) - big, a.v) : a.v};
}
template <class T>
NNF_INLINE Vec<T> copysign(Vec<T> magnitude, Vec<T> sign) {
  return {builtin_copysign(magnitude.v, sign.v)};
}
template <class T>
NNF_INLINE Vec<T> exponent_bits(Vec<T> t) {
  return {from_bits<T>(to_bits(t.v) << ScalarBits<T>::kMantissa)};
}
// The excess over the normal range goes first: when that step leaves the normal numbers the result is 0 or infinite
// anyway, so there is never a second rounding.
template <class T>
NNF_INLINE Vec<T> scale2(Vec<T> a, Vec<T> n) {
  const Vec<T> last = min(max(n, {T(1 - ScalarBits<T>::kBias)}), {T(ScalarBits<T>::kBias)});
  const Vec<T> one = {kExponentOne<T>};
  return a * exponent_bits(n - last + one) * exponent_bits(last + one);
}
template <class T>
NNF_INLINE Vec<T> exponent(Vec<T> a) {
  using Bits = ScalarBits<T>;
  const T size = abs(a).v;
  const bool tiny = size < Bits::kMinNormal;
  const int field = static_cast<int>(to_bits(tiny ? size * Bits::kToNormal : size) >> Bits::kMantissa);
  return {static_cast<T>(field - Bits::kBias - (tiny ? Bits::kMantissa + 1 : 0))};
}
template <class T>
NNF_INLINE Vec<T> mantissa(Vec<T> a) {
  using Bits = ScalarBits<T>;
  using Int = typename Bits::Int;
  const T size = abs(a).v;
  const Int bits = to_bits(size < Bits::kMinNormal ? size * Bits::kToNormal : size);
  return {from_bits<T>((bits & ((Int(1) << Bits::kMantissa) - 1)) | (Int(Bits::kBias) << Bits::kMantissa))};
}

// ---- compare

template <class T>
NNF_INLINE Mask<T> lt(Vec<T> a, Vec<T> b) {
  return {a.v < b.v};
}
template <class T>
NNF_INLINE Mask<T> le(Vec<T> a, Vec<T> b) {
  return {a.v <= b.v};
}
template <class T>
NNF_INLINE Mask<T> eq(Vec<T> a, Vec<T> b) {
  return {a.v == b.v};
}
template <class T>
NNF_INLINE Mask<T> gt(Vec<T> a, Vec<T> b) {
  return {a.v > b.v};
}
template <class T>
NNF_INLINE Mask<T> ge(Vec<T> a, Vec<T> b) {
  return {a.v >= b.v};
}
template <class T>
NNF_INLINE Mask<T> is_nan(Vec<T> a) {
  return {a.v != a.v};
}
template <class T>
NNF_INLINE Vec<T> select(Mask<T> m, Vec<T> a, Vec<T> b) {
  return {m.v ? a.v : b.v};
}
template <class T>
NNF_INLINE Mask<T> operator&(Mask<T> a, Mask<T> b) {
  return {a.v && b.v};
}
template <class T>
NNF_INLINE Mask<T> operator|(Mask<T> a, Mask<T> b) {
  return {a.v || b.v};
}
template <class T>
NNF_INLINE Mask<T> operator!(Mask<T> m) {
  return {!m.v};
}
template <class T>
NNF_INLINE bool any(Mask<T> m) {
  return m.v;
}
template <class T>
NNF_INLINE bool all(Mask<T> m) {
  return m.v;
}
template <class T>
NNF_INLINE Mask<T> first_n(i64 n) {
  return {n > 0};
}

template <class T>
NNF_INLINE Mask<T> unordered(Vec<T> a, Vec<T> b) {
  return is_nan(a) | is_nan(b);
}

// ---- across

template <class T>
NNF_INLINE T sum(Vec<T> a) {
  return a.v;
}
template <class T>
NNF_INLINE void sum4(Vec<T> a, Vec<T> b, Vec<T> c, Vec<T> d, T* out) {
  out[0] = sum(a), out[1] = sum(b), out[2] = sum(c), out[3] = sum(d);
}
template <class T>
NNF_INLINE T max_lane(Vec<T> a) {
  return a.v;
}

// ---- order

template <class T>
NNF_INLINE void deinterleave(Vec<T> a, Vec<T> b, Vec<T>* even, Vec<T>* odd) {
  *even = a, *odd = b;
}
template <class T>
NNF_INLINE void interleave(Vec<T> even, Vec<T> odd, Vec<T>* a, Vec<T>* b) {
  *a = even, *b = odd;
}

template <class T>
NNF_INLINE Vec<T> slide_up(Vec<T> before, Vec<T>) {
  return before;
}
template <class T>
NNF_INLINE Vec<T> slide_down(Vec<T>, Vec<T> after) {
  return after;
}

template <int W, int I, class T>
NNF_INLINE Vec<T> spread(Vec<T> a) {
  static_assert(W == 1, "one lane");
  return a;
}

// ---- bytes

template <class T>
NNF_INLINE void store_bytes(unsigned char* p, Vec<T> v, i64 n) {
  if (n > 0) *p = static_cast<unsigned char>(v.v);
}
template <class T>
NNF_INLINE Mask<T> bytes_are(const unsigned char* p, unsigned char b, i64 n) {
  return {n > 0 && *p == b};
}

// ---- integers

NNF_INLINE VecU32 load_u32(const u32* p) { return {*p}; }
NNF_INLINE void store_u32(u32* p, VecU32 a) { *p = a.v; }
NNF_INLINE VecU32 set1_u32(u32 x) { return {x}; }
NNF_INLINE VecU32 operator+(VecU32 a, VecU32 b) { return {a.v + b.v}; }
NNF_INLINE VecU32 operator^(VecU32 a, VecU32 b) { return {a.v ^ b.v}; }
NNF_INLINE VecU32 operator&(VecU32 a, VecU32 b) { return {a.v & b.v}; }
template <int K>
NNF_INLINE VecU32 shift_left(VecU32 a) {
  return {a.v << K};
}
template <int K>
NNF_INLINE VecU32 shift_right(VecU32 a) {
  return {a.v >> K};
}
NNF_INLINE void mul_lo_hi(VecU32 a, VecU32 b, VecU32* lo, VecU32* hi) {
  const u64 product = static_cast<u64>(a.v) * b.v;
  *lo = {static_cast<u32>(product)};
  *hi = {static_cast<u32>(product >> 32)};
}
NNF_INLINE Mask<float> lt_u32(VecU32 a, VecU32 b) { return {a.v < b.v}; }

// ---- 64-bit integers

template <class T>
NNF_INLINE void store_i64(i64* p, Vec<T> v, i64 n) {
  if (n > 0) *p = static_cast<i64>(v.v);
}
template <class T>
NNF_INLINE Vec<T> load_i64(const i64* p, i64 n) {
  return {n > 0 ? static_cast<T>(*p) : T(0)};
}

// ---- registers

template <class T>
NNF_INLINE void keep(Vec<T>*) {}

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_VEC_SCALAR_H
