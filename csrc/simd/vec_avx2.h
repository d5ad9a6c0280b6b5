// AVX2 + FMA back end: 256-bit registers, truth values as lanes of all ones or all zeros. Implements the contract of
// simd/vec.h. vmaskmov does not touch, and cannot fault on, the memory of lanes that are off.
#ifndef NNF_SIMD_VEC_AVX2_H
#define NNF_SIMD_VEC_AVX2_H

#include <immintrin.h>

#include "simd/vec.h"

namespace nnf {
namespace {

template <>
struct Vec<float> {
  static constexpr int N = 8;
  __m256 v;
};
template <>
struct Vec<double> {
  static constexpr int N = 4;
  __m256d v;
};
template <>
struct Mask<float> {
  __m256 v;
};
template <>
struct Mask<double> {
  __m256d v;
};
struct VecU32 {
  static constexpr int N = 8;
  __m256i v;
};

template <class T>
Vec<T> load(const T* p);
template <class T>
Vec<T> load_n(const T* p, i64 n);
template <class T>
Vec<T> set1(T x);
template <class T>
Vec<T> zero();
template <class T>
Mask<T> first_n(i64 n);

// ---- memory

NNF_INLINE __m256i lanes_below(i64 n, Vec<float>*) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n < 8 ? n : 8)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
NNF_INLINE __m256i lanes_below(i64 n, Vec<double>*) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
template <>
NNF_INLINE Mask<float> first_n<float>(i64 n) {
  return {_mm256_castsi256_ps(lanes_below(n, static_cast<Vec<float>*>(nullptr)))};
}
template <>
NNF_INLINE Mask<double> first_n<double>(i64 n) {
  return {_mm256_castsi256_pd(lanes_below(n, static_cast<Vec<double>*>(nullptr)))};
}
template <>
NNF_INLINE Vec<float> load<float>(const float* p) {
  return {_mm256_loadu_ps(p)};
}
template <>
NNF_INLINE Vec<double> load<double>(const double* p) {
  return {_mm256_loadu_pd(p)};
}
template <>
NNF_INLINE Vec<float> load_n<float>(const float* p, i64 n) {
  return {_mm256_maskload_ps(p, _mm256_castps_si256(first_n<float>(n).v))};
}
template <>
NNF_INLINE Vec<double> load_n<double>(const double* p, i64 n) {
  return {_mm256_maskload_pd(p, _mm256_castpd_si256(first_n<double>(n).v))};
}
NNF_INLINE void store(float* p, Vec<float> v) { _mm256_storeu_ps(p, v.v); }
NNF_INLINE void store(double* p, Vec<double> v) { _mm256_storeu_pd(p, v.v); }
NNF_INLINE void store_n(float* p, Vec<float> v, i64 n) {
  _mm256_maskstore_ps(p, _mm256_castps_si256(first_n<float>(n).v), v.v);
}
NNF_INLINE void store_n(double* p, Vec<double> v, i64 n) {
  _mm256_maskstore_pd(p, _mm256_castpd_si256(first_n<double>(n).v), v.v);
}
template <>
NNF_INLINE Vec<float> set1<float>(float x) {
  return {_mm256_set1_ps(x)};
}
template <>
NNF_INLINE Vec<double> set1<double>(double x) {
  return {_mm256_set1_pd(x)};
}
template <>
NNF_INLINE Vec<float> zero<float>() {
  return {_mm256_setzero_ps()};
}
template <>
NNF_INLINE Vec<double> zero<double>() {
  return {_mm256_setzero_pd()};
}
NNF_INLINE Vec<float> repeat4(const float* p) { return {_mm256_broadcast_ps(reinterpret_cast<const __m128*>(p))}; }
NNF_INLINE Vec<double> repeat4(const double* p) { return {_mm256_loadu_pd(p)}; }

// ---- arithmetic

NNF_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm256_add_ps(a.v, b.v)}; }
NNF_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) { return {_mm256_add_pd(a.v, b.v)}; }
NNF_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm256_sub_ps(a.v, b.v)}; }
NNF_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) { return {_mm256_sub_pd(a.v, b.v)}; }
NNF_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm256_mul_ps(a.v, b.v)}; }
NNF_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) { return {_mm256_mul_pd(a.v, b.v)}; }
NNF_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm256_div_ps(a.v, b.v)}; }
NNF_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) { return {_mm256_div_pd(a.v, b.v)}; }
NNF_INLINE Vec<float> operator-(Vec<float> a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
NNF_INLINE Vec<double> operator-(Vec<double> a) { return {_mm256_xor_pd(a.v, _mm256_set1_pd(-0.0))}; }
NNF_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
NNF_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
NNF_INLINE Vec<float> fnma(Vec<float> a, Vec<float> b, Vec<float> c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
NNF_INLINE Vec<double> fnma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm256_fnmadd_pd(a.v, b.v, c.v)};
}
NNF_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm256_sqrt_ps(a.v)}; }
NNF_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm256_sqrt_pd(a.v)}; }
NNF_INLINE Vec<float> abs(Vec<float> a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
NNF_INLINE Vec<double> abs(Vec<double> a) { return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v)}; }
NNF_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm256_min_ps(a.v, b.v)}; }
NNF_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm256_min_pd(a.v, b.v)}; }
NNF_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm256_max_ps(a.v, b.v)}; }
NNF_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm256_max_pd(a.v, b.v)}; }

// ---- compare

NNF_INLINE Mask<float> lt(Vec<float> a, Vec<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
NNF_INLINE Mask<double> lt(Vec<double> a, Vec<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
NNF_INLINE Mask<float> le(Vec<float> a, Vec<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
NNF_INLINE Mask<double> le(Vec<double> a, Vec<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)}; }
NNF_INLINE Mask<float> eq(Vec<float> a, Vec<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
NNF_INLINE Mask<double> eq(Vec<double> a, Vec<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)}; }
NNF_INLINE Mask<float> gt(Vec<float> a, Vec<float> b) { return lt(b, a); }
NNF_INLINE Mask<double> gt(Vec<double> a, Vec<double> b) { return lt(b, a); }
NNF_INLINE Mask<float> ge(Vec<float> a, Vec<float> b) { return le(b, a); }
NNF_INLINE Mask<double> ge(Vec<double> a, Vec<double> b) { return le(b, a); }
NNF_INLINE Mask<float> is_nan(Vec<float> a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
NNF_INLINE Mask<double> is_nan(Vec<double> a) { return {_mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q)}; }
NNF_INLINE Mask<float> unordered(Vec<float> a, Vec<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_UNORD_Q)}; }
NNF_INLINE Mask<double> unordered(Vec<double> a, Vec<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_UNORD_Q)}; }
NNF_INLINE Vec<float> select(Mask<float> m, Vec<float> a, Vec<float> b) {
  return {_mm256_blendv_ps(b.v, a.v, m.v)};
}
NNF_INLINE Vec<double> select(Mask<double> m, Vec<double> a, Vec<double> b) {
  return {_mm256_blendv_pd(b.v, a.v, m.v)};
}
NNF_INLINE Mask<float> operator&(Mask<float> a, Mask<float> b) { return {_mm256_and_ps(a.v, b.v)}; }
NNF_INLINE Mask<double> operator&(Mask<double> a, Mask<double> b) { return {_mm256_and_pd(a.v, b.v)}; }
NNF_INLINE Mask<float> operator|(Mask<float> a, Mask<float> b) { return {_mm256_or_ps(a.v, b.v)}; }
NNF_INLINE Mask<double> operator|(Mask<double> a, Mask<double> b) { return {_mm256_or_pd(a.v, b.v)}; }
NNF_INLINE Mask<float> operator!(Mask<float> m) {
  return {_mm256_xor_ps(m.v, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
NNF_INLINE Mask<double> operator!(Mask<double> m) {
  return {_mm256_xor_pd(m.v, _mm256_castsi256_pd(_mm256_set1_epi32(-1)))};
}
NNF_INLINE bool any(Mask<float> m) { return _mm256_movemask_ps(m.v) != 0; }
NNF_INLINE bool any(Mask<double> m) { return _mm256_movemask_pd(m.v) != 0; }
NNF_INLINE bool all(Mask<float> m) { return _mm256_movemask_ps(m.v) == 0xFF; }
NNF_INLINE bool all(Mask<double> m) { return _mm256_movemask_pd(m.v) == 0xF; }

// ---- rounding, bits

NNF_INLINE Vec<float> round(Vec<float> a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
NNF_INLINE Vec<double> round(Vec<double> a) {
  return {_mm256_round_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
NNF_INLINE Vec<float> copysign(Vec<float> magnitude, Vec<float> sign) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_andnot_ps(bit, magnitude.v), _mm256_and_ps(bit, sign.v))};
}
NNF_INLINE Vec<double> copysign(Vec<double> magnitude, Vec<double> sign) {
  const __m256d bit = _mm256_set1_pd(-0.0);
  return {_mm256_or_pd(_mm256_andnot_pd(bit, magnitude.v), _mm256_and_pd(bit, sign.v))};
}
NNF_INLINE Vec<float> exponent_bits(Vec<float> t) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(t.v), 23))};
}
NNF_INLINE Vec<double> exponent_bits(Vec<double> t) {
  return {_mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(t.v), 52))};
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
// Denormals are scaled up by 2^24 (2^53) first. The exponent field, moved into the mantissa of 2^23 (2^52), is a
// number that a subtraction frees of its bias.
NNF_INLINE Vec<float> exponent(Vec<float> a) {
  const Vec<float> size = abs(a);
  const Mask<float> tiny = lt(size, set1(0x1p-126f));
  const Vec<float> normal = select(tiny, size * set1(0x1p24f), size);
  const __m256i field = _mm256_srli_epi32(_mm256_castps_si256(normal.v), 23);
  const Vec<float> number = {
      _mm256_or_ps(_mm256_castsi256_ps(field), _mm256_set1_ps(0x1p23f))};
  return number - select(tiny, set1(0x1p23f + 127.0f + 24.0f), set1(0x1p23f + 127.0f));
}
NNF_INLINE Vec<double> exponent(Vec<double> a) {
  const Vec<double> size = abs(a);
  const Mask<double> tiny = lt(size, set1(0x1p-1022));
  const Vec<double> normal = select(tiny, size * set1(0x1p53), size);
  const __m256i field = _mm256_srli_epi64(_mm256_castpd_si256(normal.v), 52);
  const Vec<double> number = {
      _mm256_or_pd(_mm256_castsi256_pd(field), _mm256_set1_pd(0x1p52))};
  return number - select(tiny, set1(0x1p52 + 1023.0 + 53.0), set1(0x1p52 + 1023.0));
}
NNF_INLINE Vec<float> mantissa(Vec<float> a) {
  const Vec<float> size = abs(a);
  const Vec<float> normal = select(lt(size, set1(0x1p-126f)), size * set1(0x1p24f), size);
  const __m256 field = _mm256_castsi256_ps(_mm256_set1_epi32(0x007FFFFF));
  return {_mm256_or_ps(_mm256_and_ps(normal.v, field), _mm256_set1_ps(1.0f))};
}
NNF_INLINE Vec<double> mantissa(Vec<double> a) {
  const Vec<double> size = abs(a);
  const Vec<double> normal = select(lt(size, set1(0x1p-1022)), size * set1(0x1p53), size);
  const __m256d field = _mm256_castsi256_pd(_mm256_set1_epi64x(0x000FFFFFFFFFFFFF));
  return {_mm256_or_pd(_mm256_and_pd(normal.v, field), _mm256_set1_pd(1.0))};
}

// ---- across: halves onto halves

NNF_INLINE float sum(Vec<float> a) {
  const __m128 q = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 p = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(p, _mm_movehdup_ps(p)));
}
NNF_INLINE double sum(Vec<double> a) {
  const __m128d p = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(p, _mm_unpackhi_pd(p, p)));
}
// The same additions with the four vectors side by side, a 128-bit half each.
NNF_INLINE void sum4(Vec<float> a, Vec<float> b, Vec<float> c, Vec<float> d, float* out) {
  const __m256 ab = _mm256_add_ps(_mm256_permute2f128_ps(a.v, b.v, 0x20), _mm256_permute2f128_ps(a.v, b.v, 0x31));
  const __m256 cd = _mm256_add_ps(_mm256_permute2f128_ps(c.v, d.v, 0x20), _mm256_permute2f128_ps(c.v, d.v, 0x31));
  const __m256 p = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xEE));
  const __m256 s = _mm256_add_ps(p, _mm256_permute_ps(p, 0xB1));  // a a c c b b d d
  _mm_storeu_ps(out, _mm_blend_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1), 0xA));
}
NNF_INLINE void sum4(Vec<double> a, Vec<double> b, Vec<double> c, Vec<double> d, double* out) {
  const __m256d ab = _mm256_add_pd(_mm256_permute2f128_pd(a.v, b.v, 0x20), _mm256_permute2f128_pd(a.v, b.v, 0x31));
  const __m256d cd = _mm256_add_pd(_mm256_permute2f128_pd(c.v, d.v, 0x20), _mm256_permute2f128_pd(c.v, d.v, 0x31));
  const __m256d s = _mm256_add_pd(_mm256_unpacklo_pd(ab, cd), _mm256_unpackhi_pd(ab, cd));  // a c b d
  _mm256_storeu_pd(out, _mm256_permute4x64_pd(s, 0xD8));
}
NNF_INLINE float max_lane(Vec<float> a) {
  const __m128 q = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 p = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(p, _mm_movehdup_ps(p)));
}
NNF_INLINE double max_lane(Vec<double> a) {
  const __m128d p = _mm_max_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_max_sd(p, _mm_unpackhi_pd(p, p)));
}

// ---- order

NNF_INLINE void deinterleave(Vec<float> a, Vec<float> b, Vec<float>* even, Vec<float>* odd) {
  const __m256d e = _mm256_castps_pd(_mm256_shuffle_ps(a.v, b.v, 0x88));  // a0 a2 b0 b2 a4 a6 b4 b6
  const __m256d o = _mm256_castps_pd(_mm256_shuffle_ps(a.v, b.v, 0xDD));
  *even = {_mm256_castpd_ps(_mm256_permute4x64_pd(e, 0xD8))};
  *odd = {_mm256_castpd_ps(_mm256_permute4x64_pd(o, 0xD8))};
}
NNF_INLINE void deinterleave(Vec<double> a, Vec<double> b, Vec<double>* even, Vec<double>* odd) {
  *even = {_mm256_permute4x64_pd(_mm256_unpacklo_pd(a.v, b.v), 0xD8)};
  *odd = {_mm256_permute4x64_pd(_mm256_unpackhi_pd(a.v, b.v), 0xD8)};
}
NNF_INLINE void interleave(Vec<float> even, Vec<float> odd, Vec<float>* a, Vec<float>* b) {
  const __m256 low = _mm256_unpacklo_ps(even.v, odd.v), high = _mm256_unpackhi_ps(even.v, odd.v);
  *a = {_mm256_permute2f128_ps(low, high, 0x20)};
  *b = {_mm256_permute2f128_ps(low, high, 0x31)};
}
NNF_INLINE void interleave(Vec<double> even, Vec<double> odd, Vec<double>* a, Vec<double>* b) {
  const __m256d low = _mm256_unpacklo_pd(even.v, odd.v), high = _mm256_unpackhi_pd(even.v, odd.v);
  *a = {_mm256_permute2f128_pd(low, high, 0x20)};
  *b = {_mm256_permute2f128_pd(low, high, 0x31)};
}

NNF_INLINE Vec<float> slide_up(Vec<float> before, Vec<float> a) {
  const __m256i low = _mm256_castps_si256(a.v);
  const __m256i middle = _mm256_permute2x128_si256(_mm256_castps_si256(before.v), low, 0x21);
  return {_mm256_castsi256_ps(_mm256_alignr_epi8(low, middle, 12))};
}
NNF_INLINE Vec<float> slide_down(Vec<float> a, Vec<float> after) {
  const __m256i low = _mm256_castps_si256(a.v);
  const __m256i middle = _mm256_permute2x128_si256(low, _mm256_castps_si256(after.v), 0x21);
  return {_mm256_castsi256_ps(_mm256_alignr_epi8(middle, low, 4))};
}
NNF_INLINE Vec<double> slide_up(Vec<double> before, Vec<double> a) {
  const __m256i low = _mm256_castpd_si256(a.v);
  const __m256i middle = _mm256_permute2x128_si256(_mm256_castpd_si256(before.v), low, 0x21);
  return {_mm256_castsi256_pd(_mm256_alignr_epi8(low, middle, 8))};
}
NNF_INLINE Vec<double> slide_down(Vec<double> a, Vec<double> after) {
  const __m256i low = _mm256_castpd_si256(a.v);
  const __m256i middle = _mm256_permute2x128_si256(low, _mm256_castpd_si256(after.v), 0x21);
  return {_mm256_castsi256_pd(_mm256_alignr_epi8(middle, low, 8))};
}
template <int W, int I>
NNF_INLINE Vec<float> spread(Vec<float> a) {
  if constexpr (W == 2) return {_mm256_permute_ps(a.v, I == 0 ? 0xA0 : 0xF5)};
  if constexpr (W == 4) return {_mm256_permute_ps(a.v, I * 0x55)};
  if constexpr (W == 8) {
    const __m256 half = _mm256_permute2f128_ps(a.v, a.v, I < 4 ? 0x00 : 0x11);  // shared by four I
    return {_mm256_permute_ps(half, I % 4 * 0x55)};
  }
}
template <int W, int I>
NNF_INLINE Vec<double> spread(Vec<double> a) {
  if constexpr (W == 2) return {_mm256_permute_pd(a.v, I == 0 ? 0x0 : 0xF)};
  if constexpr (W == 4) return {_mm256_permute4x64_pd(a.v, I * 0x55)};
}

// ---- bytes: four or eight of them, the lowest of a 128-bit register

template <int N>
NNF_INLINE void store_low_bytes(unsigned char* p, __m128i bytes, i64 n) {
  const u64 all = static_cast<u64>(_mm_cvtsi128_si64(bytes));
  if (n >= N) {
    __builtin_memcpy(p, &all, N);
  } else {
    for (i64 i = 0; i < n; ++i) p[i] = static_cast<unsigned char>(all >> (8 * i));
  }
}
template <int N>
NNF_INLINE __m128i load_low_bytes(const unsigned char* p, i64 n) {
  u64 all = 0;
  if (n >= N) {
    __builtin_memcpy(&all, p, N);
  } else {
    for (i64 i = 0; i < n; ++i) all |= static_cast<u64>(p[i]) << (8 * i);
  }
  return _mm_cvtsi64_si128(static_cast<long long>(all));
}
NNF_INLINE void store_bytes(unsigned char* p, Vec<float> v, i64 n) {
  const __m256i i = _mm256_cvtps_epi32(v.v);
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
  store_low_bytes<8>(p, _mm_packus_epi16(words, words), n);
}
NNF_INLINE void store_bytes(unsigned char* p, Vec<double> v, i64 n) {
  const __m128i i = _mm256_cvtpd_epi32(v.v), words = _mm_packus_epi32(i, i);
  store_low_bytes<4>(p, _mm_packus_epi16(words, words), n);
}
template <class T>
Mask<T> bytes_are(const unsigned char* p, unsigned char b, i64 n);
template <>
NNF_INLINE Mask<float> bytes_are<float>(const unsigned char* p, unsigned char b, i64 n) {
  const __m128i same = _mm_cmpeq_epi8(load_low_bytes<8>(p, n), _mm_set1_epi8(static_cast<char>(b)));
  const Mask<float> m = {_mm256_castsi256_ps(_mm256_cvtepi8_epi32(same))};
  return n >= 8 ? m : m & first_n<float>(n);
}
template <>
NNF_INLINE Mask<double> bytes_are<double>(const unsigned char* p, unsigned char b, i64 n) {
  const __m128i same = _mm_cmpeq_epi8(load_low_bytes<4>(p, n), _mm_set1_epi8(static_cast<char>(b)));
  const Mask<double> m = {_mm256_castsi256_pd(_mm256_cvtepi8_epi64(same))};
  return n >= 4 ? m : m & first_n<double>(n);
}

// ---- integers

NNF_INLINE VecU32 load_u32(const u32* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
NNF_INLINE void store_u32(u32* p, VecU32 a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v); }
NNF_INLINE VecU32 set1_u32(u32 x) { return {_mm256_set1_epi32(static_cast<int>(x))}; }
NNF_INLINE VecU32 operator+(VecU32 a, VecU32 b) { return {_mm256_add_epi32(a.v, b.v)}; }
NNF_INLINE VecU32 operator^(VecU32 a, VecU32 b) { return {_mm256_xor_si256(a.v, b.v)}; }
NNF_INLINE VecU32 operator&(VecU32 a, VecU32 b) { return {_mm256_and_si256(a.v, b.v)}; }
template <int K>
NNF_INLINE VecU32 shift_left(VecU32 a) {
  return {_mm256_slli_epi32(a.v, K)};
}
template <int K>
NNF_INLINE VecU32 shift_right(VecU32 a) {
  return {_mm256_srli_epi32(a.v, K)};
}
NNF_INLINE void mul_lo_hi(VecU32 a, VecU32 b, VecU32* lo, VecU32* hi) {
  const __m256i even = _mm256_mul_epu32(a.v, b.v);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), _mm256_srli_epi64(b.v, 32));
  *lo = {_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA)};
  *hi = {_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA)};
}
// AVX2 compares signed integers only: flipping the top bit maps unsigned order onto signed.
NNF_INLINE Mask<float> lt_u32(VecU32 a, VecU32 b) {
  const __m256i top = _mm256_set1_epi32(static_cast<int>(0x80000000u));
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_xor_si256(b.v, top), _mm256_xor_si256(a.v, top)))};
}

// ---- 64-bit integers: over 32 bits, as AVX2 converts no others

NNF_INLINE void store_i64_quarter(i64* p, __m128i v, i64 n) {
  const __m256i wide = _mm256_cvtepi32_epi64(v);
  if (n >= 4) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), wide);
  } else if (n > 0) {
    const __m256i lanes = _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
    _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), lanes, wide);
  }
}
NNF_INLINE void store_i64(i64* p, Vec<double> v, i64 n) { store_i64_quarter(p, _mm256_cvtpd_epi32(v.v), n); }
NNF_INLINE void store_i64(i64* p, Vec<float> v, i64 n) {
  const __m256i i = _mm256_cvtps_epi32(v.v);
  store_i64_quarter(p, _mm256_castsi256_si128(i), n);
  store_i64_quarter(p + 4, _mm256_extracti128_si256(i, 1), n - 4);
}
// Four integers; -1 for those that 32 bits do not hold.
NNF_INLINE __m128i load_i64_quarter(const i64* p, i64 n) {
  __m256i wide = _mm256_setzero_si256();
  if (n >= 4) {
    wide = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  } else if (n > 0) {
    const __m256i lanes = _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
    wide = _mm256_maskload_epi64(reinterpret_cast<const long long*>(p), lanes);
  }
  const __m256i parts = _mm256_permutevar8x32_epi32(wide, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
  const __m128i low = _mm256_castsi256_si128(parts), high = _mm256_extracti128_si256(parts, 1);
  const __m128i fits = _mm_cmpeq_epi32(high, _mm_srai_epi32(low, 31));
  return _mm_or_si128(low, _mm_xor_si128(fits, _mm_set1_epi32(-1)));
}
template <class T>
Vec<T> load_i64(const i64* p, i64 n);
template <>
NNF_INLINE Vec<double> load_i64<double>(const i64* p, i64 n) {
  return {_mm256_cvtepi32_pd(load_i64_quarter(p, n))};
}
template <>
NNF_INLINE Vec<float> load_i64<float>(const i64* p, i64 n) {
  const __m128i low = load_i64_quarter(p, n), high = load_i64_quarter(p + 4, n - 4);
  return {_mm256_cvtepi32_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1))};
}

// ---- registers

NNF_INLINE void keep(Vec<float>* a) { __asm__("" : "+x"(a->v)); }
NNF_INLINE void keep(Vec<double>* a) { __asm__("" : "+x"(a->v)); }

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_VEC_AVX2_H
