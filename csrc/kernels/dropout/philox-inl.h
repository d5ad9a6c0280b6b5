// Philox 4x32-10 a vector of blocks at a time, and comparisons of its 16-bit pieces in element order.
//
// A block (one counter value) yields four words, that is 16 bits for each of 8 consecutive elements: element e of a
// block has word e / 2, its low half when e is even. On a little-endian machine the words of consecutive blocks, one
// after the other in memory, are therefore the elements' bits as an array of 16-bit integers, which is the form that
// make_bits writes and keep_above reads. (Every instruction set we have is little-endian as we use it.)
//
// A round multiplies two words to 64 bits and uses both halves. So words live in the low halves of 64-bit lanes, whose
// high halves are never read: the product's low half is where it is needed already, its high half one shift away.
// Against the obvious layout (32-bit lanes: twice the blocks a register, but two multiplications and five shuffles a
// product) this made bits 1.7 times as fast on AVX2 and 2.4 times on AVX-512.
#ifndef NNF_KERNELS_DROPOUT_PHILOX_INL_H
#define NNF_KERNELS_DROPOUT_PHILOX_INL_H

#include "base/philox.h"
#include "kernels/dropout/contract.h"
#include "simd/vec.h"

namespace nnf {
namespace {
namespace philox {

using u16 = std::uint16_t;

// For each back end
//   Words                a word of kBlocks blocks in 64-bit lanes
//   kUnroll              independent Words computed together; 1, 2 and 4 were tried: too few leave the multiplier
//                        waiting (a round is a chain of 7 cycles), too many run out of registers
//   words(x), blocks(b)  x in all lanes; the counters b .. b + kBlocks - 1 in the order that store_blocks undoes
//   product(a, b)        low halves multiplied    high(a) = a >> 32    xor3(a, b, c) = a ^ b ^ c
//   store_blocks(p, w)   w[0..3] of each block, block after block
//   keep_above(v, bits, t)   v where bits[lane] > t, 0 elsewhere; reads the bits of all lanes

#if defined(NNF_SIMD_VEC_AVX512_H)

using Words = __m512i;
constexpr i64 kBlocks = 8, kUnroll = 4;

NNF_INLINE Words words(u64 x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
NNF_INLINE Words blocks(u64 b) { return _mm512_add_epi64(words(b), _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7)); }
NNF_INLINE Words product(Words a, Words b) { return _mm512_maskz_mul_epu32(0xFF, a, b); }
NNF_INLINE Words high(Words a) { return _mm512_maskz_srli_epi64(0xFF, a, 32); }
NNF_INLINE Words xor3(Words a, Words b, Words c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
NNF_INLINE void store_blocks(u16* p, Words w0, Words w1, Words w2, Words w3) {
  const Words w01 = _mm512_mask_blend_epi32(0xAAAA, w0, _mm512_maskz_slli_epi64(0xFF, w1, 32));
  const Words w23 = _mm512_mask_blend_epi32(0xAAAA, w2, _mm512_maskz_slli_epi64(0xFF, w3, 32));
  _mm512_storeu_si512(p, _mm512_maskz_unpacklo_epi64(0xFF, w01, w23));
  _mm512_storeu_si512(p + 32, _mm512_maskz_unpackhi_epi64(0xFF, w01, w23));
}
NNF_INLINE Vec<float> keep_above(Vec<float> v, const u16* bits, u32 last_dropped) {
  const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits));
  return {_mm512_maskz_mov_ps(_mm256_cmpgt_epu16_mask(b, _mm256_set1_epi16(static_cast<short>(last_dropped))), v.v)};
}
NNF_INLINE Vec<double> keep_above(Vec<double> v, const u16* bits, u32 last_dropped) {
  const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bits));
  return {_mm512_maskz_mov_pd(_mm_cmpgt_epu16_mask(b, _mm_set1_epi16(static_cast<short>(last_dropped))), v.v)};
}

#elif defined(NNF_SIMD_VEC_AVX2_H)

using Words = __m256i;
constexpr i64 kBlocks = 4, kUnroll = 2;

NNF_INLINE Words words(u64 x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
NNF_INLINE Words blocks(u64 b) { return _mm256_add_epi64(words(b), _mm256_setr_epi64x(0, 2, 1, 3)); }
NNF_INLINE Words product(Words a, Words b) { return _mm256_mul_epu32(a, b); }
NNF_INLINE Words high(Words a) { return _mm256_srli_epi64(a, 32); }
NNF_INLINE Words xor3(Words a, Words b, Words c) { return _mm256_xor_si256(a, _mm256_xor_si256(b, c)); }
NNF_INLINE void store_blocks(u16* p, Words w0, Words w1, Words w2, Words w3) {
  const Words w01 = _mm256_blend_epi32(w0, _mm256_slli_epi64(w1, 32), 0xAA);
  const Words w23 = _mm256_blend_epi32(w2, _mm256_slli_epi64(w3, 32), 0xAA);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_unpacklo_epi64(w01, w23));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 16), _mm256_unpackhi_epi64(w01, w23));
}
// There is no unsigned comparison: b <= t exactly when min(b, t) == b.
NNF_INLINE __m128i is_dropped(__m128i b, u32 last_dropped) {
  return _mm_cmpeq_epi16(_mm_min_epu16(b, _mm_set1_epi16(static_cast<short>(last_dropped))), b);
}
NNF_INLINE Vec<float> keep_above(Vec<float> v, const u16* bits, u32 last_dropped) {
  const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bits));
  return {_mm256_andnot_ps(_mm256_castsi256_ps(_mm256_cvtepi16_epi32(is_dropped(b, last_dropped))), v.v)};
}
NNF_INLINE Vec<double> keep_above(Vec<double> v, const u16* bits, u32 last_dropped) {
  const __m128i b = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bits));
  return {_mm256_andnot_pd(_mm256_castsi256_pd(_mm256_cvtepi16_epi64(is_dropped(b, last_dropped))), v.v)};
}

#elif defined(NNF_SIMD_VEC_NEON_H)

using Words = uint64x2_t;
constexpr i64 kBlocks = 2, kUnroll = 4;

NNF_INLINE Words words(u64 x) { return vdupq_n_u64(x); }
NNF_INLINE Words blocks(u64 b) { return vcombine_u64(vcreate_u64(b), vcreate_u64(b + 1)); }
NNF_INLINE Words product(Words a, Words b) { return vmull_u32(vmovn_u64(a), vmovn_u64(b)); }
NNF_INLINE Words high(Words a) { return vshrq_n_u64(a, 32); }
NNF_INLINE Words xor3(Words a, Words b, Words c) { return veorq_u64(a, veorq_u64(b, c)); }
NNF_INLINE void store_blocks(u16* p, Words w0, Words w1, Words w2, Words w3) {
  const Words w01 = vsliq_n_u64(w0, w1, 32), w23 = vsliq_n_u64(w2, w3, 32);
  vst1q_u16(p, vreinterpretq_u16_u64(vzip1q_u64(w01, w23)));
  vst1q_u16(p + 8, vreinterpretq_u16_u64(vzip2q_u64(w01, w23)));
}
NNF_INLINE Vec<float> keep_above(Vec<float> v, const u16* bits, u32 last_dropped) {
  return select(Mask<float>{vcgtq_u32(vmovl_u16(vld1_u16(bits)), vdupq_n_u32(last_dropped))}, v, zero<float>());
}
NNF_INLINE Vec<double> keep_above(Vec<double> v, const u16* bits, u32 last_dropped) {
  const Words b = vcombine_u64(vcreate_u64(bits[0]), vcreate_u64(bits[1]));
  return select(Mask<double>{vcgtq_u64(b, vdupq_n_u64(last_dropped))}, v, zero<double>());
}

#else

using Words = u64;
constexpr i64 kBlocks = 1, kUnroll = 4;

NNF_INLINE Words words(u64 x) { return x; }
NNF_INLINE Words blocks(u64 b) { return b; }
NNF_INLINE Words product(Words a, Words b) { return u64(static_cast<u32>(a)) * static_cast<u32>(b); }
NNF_INLINE Words high(Words a) { return a >> 32; }
NNF_INLINE Words xor3(Words a, Words b, Words c) { return a ^ b ^ c; }
NNF_INLINE void store_blocks(u16* p, Words w0, Words w1, Words w2, Words w3) {
  const u32 w[4] = {static_cast<u32>(w0), static_cast<u32>(w1), static_cast<u32>(w2), static_cast<u32>(w3)};
  __builtin_memcpy(p, w, sizeof w);
}
// Without a branch: coin tosses are what branch prediction cannot learn (4 ns an element).
template <class T>
NNF_INLINE Vec<T> keep_above(Vec<T> v, const u16* bits, u32 last_dropped) {
  using Int = typename ScalarBits<T>::Int;
  return {from_bits<T>(to_bits(v.v) & -static_cast<Int>(*bits > last_dropped))};
}

#endif

constexpr i64 kElements = 8;                         // elements a block decides
constexpr i64 kBatch = kBlocks * kUnroll * kElements;  // elements of the blocks computed together

// The bits of the elements 8 * block .. 8 * block + kBatch - 1.
NNF_INLINE void make_bits(const DropoutKey& key, u64 block, u16* bits) {
  Words w0[kUnroll], w1[kUnroll], w2[kUnroll], w3[kUnroll];
  const Words m0 = words(kPhiloxM0), m1 = words(kPhiloxM1);
  for (i64 u = 0; u < kUnroll; ++u) {
    w0[u] = blocks(block + static_cast<u64>(u * kBlocks));
    w1[u] = high(w0[u]);
    w2[u] = words(key.layer);
    w3[u] = words(key.step);
  }
  u32 k0 = static_cast<u32>(key.seed), k1 = static_cast<u32>(key.seed >> 32);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const Words key0 = words(k0), key1 = words(k1);
    for (i64 u = 0; u < kUnroll; ++u) {
      const Words p0 = product(w0[u], m0), p1 = product(w2[u], m1);
      w0[u] = xor3(high(p1), w1[u], key0);
      w1[u] = p1;
      w2[u] = xor3(high(p0), w3[u], key1);
      w3[u] = p0;
    }
    k0 += kPhiloxW0;
    k1 += kPhiloxW1;
  }
  for (i64 u = 0; u < kUnroll; ++u) {
    store_blocks(bits + u * kBlocks * kElements, w0[u], w1[u], w2[u], w3[u]);
  }
}

}  // namespace philox
}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_DROPOUT_PHILOX_INL_H
