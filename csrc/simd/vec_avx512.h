// AVX-512 back end (F, BW, DQ, VL): 512-bit registers, truth values in mask registers. Implements the contract of
// simd/vec.h. Masked loads and stores do not touch, and cannot fault on, the memory of lanes that are off.
#ifndef NNF_SIMD_VEC_AVX512_H
#define NNF_SIMD_VEC_AVX512_H

#include <immintrin.h>

#include "simd/vec.h"

namespace nnf {
namespace {

template <>
struct Vec<float> {
  static constexpr int N = 16;
  __m512 v;
};
template <>
struct Vec<double> {
  static constexpr int N = 8;
  __m512d v;
};
template <>
struct Mask<float> {
  __mmask16 v;
};
template <>
struct Mask<double> {
  __mmask8 v;
};
struct VecU32 {
  static constexpr int N = 16;
  __m512i v;
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

template <>
NNF_INLINE Mask<float> first_n<float>(i64 n) {
  return {static_cast<__mmask16>(n < 16 ? (1u << n) - 1u : 0xFFFFu)};
}
template <>
NNF_INLINE Mask<double> first_n<double>(i64 n) {
  return {static_cast<__mmask8>(n < 8 ? (1u << n) - 1u : 0xFFu)};
}
template <>
NNF_INLINE Vec<float> load<float>(const float* p) {
  return {_mm512_loadu_ps(p)};
}
template <>
NNF_INLINE Vec<double> load<double>(const double* p) {
  return {_mm512_loadu_pd(p)};
}
template <>
NNF_INLINE Vec<float> load_n<float>(const float* p, i64 n) {
  return {_mm512_maskz_loadu_ps(first_n<float>(n).v, p)};
}
template <>
NNF_INLINE Vec<double> load_n<double>(const double* p, i64 n) {
  return {_mm512_maskz_loadu_pd(first_n<double>(n).v, p)};
}
NNF_INLINE void store(float* p, Vec<float> v) { _mm512_storeu_ps(p, v.v); }
NNF_INLINE void store(double* p, Vec<double> v) { _mm512_storeu_pd(p, v.v); }
NNF_INLINE void store_n(float* p, Vec<float> v, i64 n) { _mm512_mask_storeu_ps(p, first_n<float>(n).v, v.v); }
NNF_INLINE void store_n(double* p, Vec<double> v, i64 n) { _mm512_mask_storeu_pd(p, first_n<double>(n).v, v.v); }
template <>
NNF_INLINE Vec<float> set1<float>(float x) {
  return {_mm512_set1_ps(x)};
}
template <>
NNF_INLINE Vec<double> set1<double>(double x) {
  return {_mm512_set1_pd(x)};
}
template <>
NNF_INLINE Vec<float> zero<float>() {
  return {_mm512_setzero_ps()};
}
template <>
NNF_INLINE Vec<double> zero<double>() {
  return {_mm512_setzero_pd()};
}
NNF_INLINE Vec<float> repeat4(const float* p) {
  return {_mm512_maskz_broadcast_f32x4(0xFFFF, _mm_loadu_ps(p))};
}
NNF_INLINE Vec<double> repeat4(const double* p) {
  return {_mm512_maskz_broadcast_f64x4(0xFF, _mm256_loadu_pd(p))};
}

// ---- arithmetic

NNF_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm512_add_ps(a.v, b.v)}; }
NNF_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) { return {_mm512_add_pd(a.v, b.v)}; }
NNF_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm512_sub_ps(a.v, b.v)}; }
NNF_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) { return {_mm512_sub_pd(a.v, b.v)}; }
NNF_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm512_mul_ps(a.v, b.v)}; }
NNF_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) { return {_mm512_mul_pd(a.v, b.v)}; }
NNF_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm512_div_ps(a.v, b.v)}; }
NNF_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) { return {_mm512_div_pd(a.v, b.v)}; }
NNF_INLINE Vec<float> operator-(Vec<float> a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
NNF_INLINE Vec<double> operator-(Vec<double> a) { return {_mm512_xor_pd(a.v, _mm512_set1_pd(-0.0))}; }
NNF_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
NNF_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
NNF_INLINE Vec<float> fnma(Vec<float> a, Vec<float> b, Vec<float> c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
NNF_INLINE Vec<double> fnma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm512_fnmadd_pd(a.v, b.v, c.v)};
}
NNF_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm512_maskz_sqrt_ps(0xFFFF, a.v)}; }
NNF_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm512_maskz_sqrt_pd(0xFF, a.v)}; }
NNF_INLINE Vec<float> abs(Vec<float> a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
NNF_INLINE Vec<double> abs(Vec<double> a) { return {_mm512_andnot_pd(_mm512_set1_pd(-0.0), a.v)}; }
// The all-ones maskz forms throughout this file compile to the plain instruction; the plain intrinsics of GCC 12
// start from an undefined register and set off its "maybe uninitialized" warning.
NNF_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm512_maskz_min_ps(0xFFFF, a.v, b.v)}; }
NNF_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm512_maskz_min_pd(0xFF, a.v, b.v)}; }
NNF_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm512_maskz_max_ps(0xFFFF, a.v, b.v)}; }
NNF_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm512_maskz_max_pd(0xFF, a.v, b.v)}; }

// ---- rounding, bits

NNF_INLINE Vec<float> round(Vec<float> a) {
  return {_mm512_maskz_roundscale_ps(0xFFFF, a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
NNF_INLINE Vec<double> round(Vec<double> a) {
  return {_mm512_maskz_roundscale_pd(0xFF, a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
// 0xCA: bit by bit, first ? second : third
NNF_INLINE Vec<float> copysign(Vec<float> magnitude, Vec<float> sign) {
  return {_mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_set1_epi32(static_cast<int>(0x80000000u)),
                                                        _mm512_castps_si512(sign.v),
                                                        _mm512_castps_si512(magnitude.v), 0xCA))};
}
NNF_INLINE Vec<double> copysign(Vec<double> magnitude, Vec<double> sign) {
  return {_mm512_castsi512_pd(_mm512_ternarylogic_epi64(
      _mm512_set1_epi64(static_cast<long long>(0x8000000000000000ull)), _mm512_castpd_si512(sign.v),
      _mm512_castpd_si512(magnitude.v), 0xCA))};
}
NNF_INLINE Vec<float> scale2(Vec<float> a, Vec<float> n) { return {_mm512_maskz_scalef_ps(0xFFFF, a.v, n.v)}; }
NNF_INLINE Vec<double> scale2(Vec<double> a, Vec<double> n) { return {_mm512_maskz_scalef_pd(0xFF, a.v, n.v)}; }
NNF_INLINE Vec<float> exponent_bits(Vec<float> t) {
  return {_mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xFFFF, _mm512_castps_si512(t.v), 23))};
}
NNF_INLINE Vec<double> exponent_bits(Vec<double> t) {
  return {_mm512_castsi512_pd(_mm512_maskz_slli_epi64(0xFF, _mm512_castpd_si512(t.v), 52))};
}
NNF_INLINE Vec<float> exponent(Vec<float> a) { return {_mm512_maskz_getexp_ps(0xFFFF, a.v)}; }
NNF_INLINE Vec<double> exponent(Vec<double> a) { return {_mm512_maskz_getexp_pd(0xFF, a.v)}; }
NNF_INLINE Vec<float> mantissa(Vec<float> a) {
  return {_mm512_maskz_getmant_ps(0xFFFF, a.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_zero)};
}
NNF_INLINE Vec<double> mantissa(Vec<double> a) {
  return {_mm512_maskz_getmant_pd(0xFF, a.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_zero)};
}

// ---- tables: two registers of 16, one instruction a lookup

template <>
constexpr bool kHasTables<float> = true;
NNF_INLINE Vec<float> lookup(const float (&table)[32], Vec<float> i) {
  return {_mm512_permutex2var_ps(_mm512_loadu_ps(table), _mm512_castps_si512(i.v), _mm512_loadu_ps(table + 16))};
}
NNF_INLINE Vec<float> add_exponent(Vec<float> a, Vec<float> t) {
  const __m512i exponents = _mm512_maskz_slli_epi32(0xFFFF, _mm512_castps_si512(t.v), 18);
  return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a.v), exponents))};
}
NNF_INLINE Vec<float> scale2_floor(Vec<float> a, Vec<float> n) { return scale2(a, n); }  // vscalefps rounds n down
NNF_INLINE Vec<float> eighth(Vec<float> a) {
  return {_mm512_castsi512_ps(_mm512_maskz_srli_epi32(0xFFFF, _mm512_castps_si512(a.v), 20))};
}
// 0xEA: (first & second) | third
NNF_INLINE Vec<float> eighth_middle(Vec<float> a) {
  return {_mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_castps_si512(a.v),
                                                        _mm512_set1_epi32(static_cast<int>(0xFFF00000u)),
                                                        _mm512_set1_epi32(0x00080000), 0xEA))};
}

// ---- compare

NNF_INLINE Mask<float> lt(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
NNF_INLINE Mask<double> lt(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)}; }
NNF_INLINE Mask<float> le(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
NNF_INLINE Mask<double> le(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)}; }
NNF_INLINE Mask<float> eq(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
NNF_INLINE Mask<double> eq(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)}; }
NNF_INLINE Mask<float> gt(Vec<float> a, Vec<float> b) { return lt(b, a); }
NNF_INLINE Mask<double> gt(Vec<double> a, Vec<double> b) { return lt(b, a); }
NNF_INLINE Mask<float> ge(Vec<float> a, Vec<float> b) { return le(b, a); }
NNF_INLINE Mask<double> ge(Vec<double> a, Vec<double> b) { return le(b, a); }
NNF_INLINE Mask<float> is_nan(Vec<float> a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
NNF_INLINE Mask<double> is_nan(Vec<double> a) { return {_mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q)}; }
NNF_INLINE Mask<float> unordered(Vec<float> a, Vec<float> b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_UNORD_Q)};
}
NNF_INLINE Mask<double> unordered(Vec<double> a, Vec<double> b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_UNORD_Q)};
}
NNF_INLINE Vec<float> select(Mask<float> m, Vec<float> a, Vec<float> b) {
  return {_mm512_mask_blend_ps(m.v, b.v, a.v)};
}
NNF_INLINE Vec<double> select(Mask<double> m, Vec<double> a, Vec<double> b) {
  return {_mm512_mask_blend_pd(m.v, b.v, a.v)};
}
NNF_INLINE Mask<float> operator&(Mask<float> a, Mask<float> b) { return {_kand_mask16(a.v, b.v)}; }
NNF_INLINE Mask<double> operator&(Mask<double> a, Mask<double> b) { return {_kand_mask8(a.v, b.v)}; }
NNF_INLINE Mask<float> operator|(Mask<float> a, Mask<float> b) { return {_kor_mask16(a.v, b.v)}; }
NNF_INLINE Mask<double> operator|(Mask<double> a, Mask<double> b) { return {_kor_mask8(a.v, b.v)}; }
NNF_INLINE Mask<float> operator!(Mask<float> m) { return {_knot_mask16(m.v)}; }
NNF_INLINE Mask<double> operator!(Mask<double> m) { return {_knot_mask8(m.v)}; }
NNF_INLINE bool any(Mask<float> m) { return m.v != 0; }
NNF_INLINE bool any(Mask<double> m) { return m.v != 0; }
NNF_INLINE bool all(Mask<float> m) { return m.v == 0xFFFF; }
NNF_INLINE bool all(Mask<double> m) { return m.v == 0xFF; }

// ---- across: halves onto halves

NNF_INLINE __m256 lower_half(__m512 a) { return _mm512_maskz_extractf32x8_ps(0xFF, a, 0); }
NNF_INLINE __m256d lower_half(__m512d a) { return _mm512_maskz_extractf64x4_pd(0xF, a, 0); }
NNF_INLINE __m256 upper_half(__m512 a) { return _mm512_maskz_extractf32x8_ps(0xFF, a, 1); }
NNF_INLINE __m256d upper_half(__m512d a) { return _mm512_maskz_extractf64x4_pd(0xF, a, 1); }
NNF_INLINE float sum(Vec<float> a) {
  const __m256 h = _mm256_add_ps(lower_half(a.v), upper_half(a.v));
  const __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  const __m128 p = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(p, _mm_movehdup_ps(p)));
}
NNF_INLINE double sum(Vec<double> a) {
  const __m256d h = _mm256_add_pd(lower_half(a.v), upper_half(a.v));
  const __m128d p = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
  return _mm_cvtsd_f64(_mm_add_sd(p, _mm_unpackhi_pd(p, p)));
}
// The same additions with the four vectors side by side: a 256-bit half each, then a 128-bit quarter each.
NNF_INLINE void sum4(Vec<float> a, Vec<float> b, Vec<float> c, Vec<float> d, float* out) {
  const __m512 ab = _mm512_add_ps(_mm512_maskz_shuffle_f32x4(0xFFFF, a.v, b.v, 0x44),
                                  _mm512_maskz_shuffle_f32x4(0xFFFF, a.v, b.v, 0xEE));
  const __m512 cd = _mm512_add_ps(_mm512_maskz_shuffle_f32x4(0xFFFF, c.v, d.v, 0x44),
                                  _mm512_maskz_shuffle_f32x4(0xFFFF, c.v, d.v, 0xEE));
  const __m512 q = _mm512_add_ps(_mm512_maskz_shuffle_f32x4(0xFFFF, ab, cd, 0x88),
                                 _mm512_maskz_shuffle_f32x4(0xFFFF, ab, cd, 0xDD));
  const __m512 p = _mm512_add_ps(q, _mm512_maskz_permute_ps(0xFFFF, q, 0x4E));
  const __m512 s = _mm512_add_ps(p, _mm512_maskz_permute_ps(0xFFFF, p, 0xB1));
  const __m512i first = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
  _mm_storeu_ps(out, _mm512_maskz_extractf32x4_ps(0xF, _mm512_maskz_permutexvar_ps(0xFFFF, first, s), 0));
}
NNF_INLINE void sum4(Vec<double> a, Vec<double> b, Vec<double> c, Vec<double> d, double* out) {
  const __m512d ab = _mm512_add_pd(_mm512_maskz_shuffle_f64x2(0xFF, a.v, b.v, 0x44),
                                   _mm512_maskz_shuffle_f64x2(0xFF, a.v, b.v, 0xEE));
  const __m512d cd = _mm512_add_pd(_mm512_maskz_shuffle_f64x2(0xFF, c.v, d.v, 0x44),
                                   _mm512_maskz_shuffle_f64x2(0xFF, c.v, d.v, 0xEE));
  const __m512d q = _mm512_add_pd(_mm512_maskz_shuffle_f64x2(0xFF, ab, cd, 0x88),
                                  _mm512_maskz_shuffle_f64x2(0xFF, ab, cd, 0xDD));
  const __m512d s = _mm512_add_pd(q, _mm512_maskz_permute_pd(0xFF, q, 0x55));
  const __m512i first = _mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6);
  _mm256_storeu_pd(out, lower_half(_mm512_maskz_permutexvar_pd(0xFF, first, s)));
}
NNF_INLINE float max_lane(Vec<float> a) {
  const __m256 h = _mm256_max_ps(lower_half(a.v), upper_half(a.v));
  const __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  const __m128 p = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(p, _mm_movehdup_ps(p)));
}
NNF_INLINE double max_lane(Vec<double> a) {
  const __m256d h = _mm256_max_pd(lower_half(a.v), upper_half(a.v));
  const __m128d p = _mm_max_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
  return _mm_cvtsd_f64(_mm_max_sd(p, _mm_unpackhi_pd(p, p)));
}

// ---- order

NNF_INLINE void deinterleave(Vec<float> a, Vec<float> b, Vec<float>* even, Vec<float>* odd) {
  const __m512i places = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  *even = {_mm512_permutex2var_ps(a.v, places, b.v)};
  *odd = {_mm512_permutex2var_ps(a.v, _mm512_add_epi32(places, _mm512_set1_epi32(1)), b.v)};
}
NNF_INLINE void deinterleave(Vec<double> a, Vec<double> b, Vec<double>* even, Vec<double>* odd) {
  const __m512i places = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
  *even = {_mm512_permutex2var_pd(a.v, places, b.v)};
  *odd = {_mm512_permutex2var_pd(a.v, _mm512_add_epi64(places, _mm512_set1_epi64(1)), b.v)};
}
NNF_INLINE void interleave(Vec<float> even, Vec<float> odd, Vec<float>* a, Vec<float>* b) {
  const __m512i places = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  *a = {_mm512_permutex2var_ps(even.v, places, odd.v)};
  *b = {_mm512_permutex2var_ps(even.v, _mm512_add_epi32(places, _mm512_set1_epi32(8)), odd.v)};
}
NNF_INLINE void interleave(Vec<double> even, Vec<double> odd, Vec<double>* a, Vec<double>* b) {
  const __m512i places = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
  *a = {_mm512_permutex2var_pd(even.v, places, odd.v)};
  *b = {_mm512_permutex2var_pd(even.v, _mm512_add_epi64(places, _mm512_set1_epi64(4)), odd.v)};
}

NNF_INLINE Vec<float> slide_up(Vec<float> before, Vec<float> a) {
  const __m512i high = _mm512_castps_si512(a.v), low = _mm512_castps_si512(before.v);
  return {_mm512_castsi512_ps(_mm512_maskz_alignr_epi32(0xFFFF, high, low, 15))};
}
NNF_INLINE Vec<double> slide_up(Vec<double> before, Vec<double> a) {
  const __m512i high = _mm512_castpd_si512(a.v), low = _mm512_castpd_si512(before.v);
  return {_mm512_castsi512_pd(_mm512_maskz_alignr_epi64(0xFF, high, low, 7))};
}
NNF_INLINE Vec<float> slide_down(Vec<float> a, Vec<float> after) {
  const __m512i high = _mm512_castps_si512(after.v), low = _mm512_castps_si512(a.v);
  return {_mm512_castsi512_ps(_mm512_maskz_alignr_epi32(0xFFFF, high, low, 1))};
}
NNF_INLINE Vec<double> slide_down(Vec<double> a, Vec<double> after) {
  const __m512i high = _mm512_castpd_si512(after.v), low = _mm512_castpd_si512(a.v);
  return {_mm512_castsi512_pd(_mm512_maskz_alignr_epi64(0xFF, high, low, 1))};
}
template <int W, int I>
NNF_INLINE Vec<float> spread(Vec<float> a) {
  if constexpr (W == 2) return {_mm512_maskz_permute_ps(0xFFFF, a.v, I == 0 ? 0xA0 : 0xF5)};
  if constexpr (W == 4) return {_mm512_maskz_permute_ps(0xFFFF, a.v, I * 0x55)};
  if constexpr (W == 8) {
    const __m512 half = _mm512_maskz_shuffle_f32x4(0xFFFF, a.v, a.v, I < 4 ? 0xA0 : 0xF5);  // shared by four I
    return {_mm512_maskz_permute_ps(0xFFFF, half, I % 4 * 0x55)};
  }
}
template <int W, int I>
NNF_INLINE Vec<double> spread(Vec<double> a) {
  if constexpr (W == 2) return {_mm512_maskz_permute_pd(0xFF, a.v, I == 0 ? 0x00 : 0xFF)};
  if constexpr (W == 4) return {_mm512_maskz_permutex_pd(0xFF, a.v, I * 0x55)};
  if constexpr (W == 8) return {_mm512_maskz_permutexvar_pd(0xFF, _mm512_set1_epi64(I), a.v)};
}

// ---- bytes

NNF_INLINE void store_bytes(unsigned char* p, Vec<float> v, i64 n) {
  const __m512i i = _mm512_maskz_cvtps_epi32(0xFFFF, v.v);
  _mm_mask_storeu_epi8(p, first_n<float>(n).v, _mm512_maskz_cvtepi32_epi8(0xFFFF, i));
}
NNF_INLINE void store_bytes(unsigned char* p, Vec<double> v, i64 n) {
  const __m256i i = _mm512_maskz_cvtpd_epi32(0xFF, v.v);
  _mm_mask_storeu_epi8(p, static_cast<__mmask16>(first_n<double>(n).v), _mm256_maskz_cvtepi32_epi8(0xFF, i));
}
template <class T>
NNF_INLINE Mask<T> bytes_are(const unsigned char* p, unsigned char b, i64 n) {
  const __mmask16 lanes = static_cast<__mmask16>(first_n<T>(n).v);
  const __m128i bytes = _mm_maskz_loadu_epi8(lanes, p);
  const __mmask16 same = _mm_mask_cmpeq_epi8_mask(lanes, bytes, _mm_set1_epi8(static_cast<char>(b)));
  return {static_cast<decltype(Mask<T>::v)>(same)};
}

// ---- integers

NNF_INLINE VecU32 load_u32(const u32* p) { return {_mm512_loadu_si512(p)}; }
NNF_INLINE void store_u32(u32* p, VecU32 a) { _mm512_storeu_si512(p, a.v); }
NNF_INLINE VecU32 set1_u32(u32 x) { return {_mm512_set1_epi32(static_cast<int>(x))}; }
NNF_INLINE VecU32 operator+(VecU32 a, VecU32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
NNF_INLINE VecU32 operator^(VecU32 a, VecU32 b) { return {_mm512_xor_si512(a.v, b.v)}; }
NNF_INLINE VecU32 operator&(VecU32 a, VecU32 b) { return {_mm512_and_si512(a.v, b.v)}; }
template <int K>
NNF_INLINE VecU32 shift_left(VecU32 a) {
  return {_mm512_maskz_slli_epi32(0xFFFF, a.v, K)};
}
template <int K>
NNF_INLINE VecU32 shift_right(VecU32 a) {
  return {_mm512_maskz_srli_epi32(0xFFFF, a.v, K)};
}
NNF_INLINE void mul_lo_hi(VecU32 a, VecU32 b, VecU32* lo, VecU32* hi) {
  const __m512i even = _mm512_maskz_mul_epu32(0xFF, a.v, b.v);
  const __m512i odd = _mm512_maskz_mul_epu32(0xFF, _mm512_maskz_srli_epi64(0xFF, a.v, 32),
                                             _mm512_maskz_srli_epi64(0xFF, b.v, 32));
  *lo = {_mm512_mask_blend_epi32(0xAAAA, even, _mm512_maskz_slli_epi64(0xFF, odd, 32))};
  *hi = {_mm512_mask_blend_epi32(0xAAAA, _mm512_maskz_srli_epi64(0xFF, even, 32), odd)};
}
NNF_INLINE Mask<float> lt_u32(VecU32 a, VecU32 b) { return {_mm512_cmplt_epu32_mask(a.v, b.v)}; }

// ---- 64-bit integers

NNF_INLINE void store_i64(i64* p, Vec<double> v, i64 n) {
  _mm512_mask_storeu_epi64(p, first_n<double>(n).v, _mm512_maskz_cvtpd_epi64(0xFF, v.v));
}
NNF_INLINE void store_i64(i64* p, Vec<float> v, i64 n) {
  const __mmask16 lanes = first_n<float>(n).v;
  _mm512_mask_storeu_epi64(p, static_cast<__mmask8>(lanes), _mm512_maskz_cvtps_epi64(0xFF, lower_half(v.v)));
  _mm512_mask_storeu_epi64(p + 8, static_cast<__mmask8>(lanes >> 8), _mm512_maskz_cvtps_epi64(0xFF, upper_half(v.v)));
}
template <class T>
Vec<T> load_i64(const i64* p, i64 n);
template <>
NNF_INLINE Vec<double> load_i64<double>(const i64* p, i64 n) {
  return {_mm512_maskz_cvtepi64_pd(0xFF, _mm512_maskz_loadu_epi64(first_n<double>(n).v, p))};
}
template <>
NNF_INLINE Vec<float> load_i64<float>(const i64* p, i64 n) {
  const __mmask16 lanes = first_n<float>(n).v;
  const __m512i low = _mm512_maskz_loadu_epi64(static_cast<__mmask8>(lanes), p);
  const __m512i high = _mm512_maskz_loadu_epi64(static_cast<__mmask8>(lanes >> 8), p + 8);
  return {_mm512_maskz_insertf32x8(0xFFFF, _mm512_castps256_ps512(_mm512_maskz_cvtepi64_ps(0xFF, low)),
                                   _mm512_maskz_cvtepi64_ps(0xFF, high), 1)};
}

// ---- registers

NNF_INLINE void keep(Vec<float>* a) { __asm__("" : "+v"(a->v)); }
NNF_INLINE void keep(Vec<double>* a) { __asm__("" : "+v"(a->v)); }

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_VEC_AVX512_H
