// The Vec contract: what every instruction set's back end provides, so that kernels and maths are written once.
//
// Included by the parts of the kernels' tables (kernels/isa/part.h) through simd/vec_<isa>.h, all anonymous: nothing
// here or in the back ends may be shared between objects (see ARCHITECTURE.md, "ISA objects"). A back end defines, for
// T = float and double:
//
//   Vec<T>            a register of Vec<T>::N lanes (a power of two; 1 for scalar), trivially copyable
//   Mask<T>           one truth value a lane
//
// and these functions, always inlined (v, a, b, c: Vec<T>; m: Mask<T>; n: how many lanes, 0..N):
//
//   memory      load<T>(p)  load_n<T>(p, n) (other lanes 0, their memory untouched)  store(p, v)  store_n(p, v, n)
//               set1<T>(x)  zero<T>()         p: any alignment; n > N means N
//               repeat4(p): the 4 elements from p over and over; as many as N where that is less
//   arithmetic  a + b  a - b  a * b  a / b  -a    fma(a, b, c) = a*b + c    fnma(a, b, c) = c - a*b
//               (one rounding; the scalar back end may round twice, see kFusedFma)
//               sqrt(a)  abs(a)
//               min(a, b), max(a, b)  x86's rule: a NaN in either operand, or equal operands, give b
//   rounding    round(a)  to nearest, ties to even
//   bits        copysign(magnitude, sign)
//               scale2(a, n) = a * 2^n, rounded once, right for overflow and denormals; integral |n| <= 252 (float),
//               2044 (double)
//               exponent_bits(t): the lowest bits of t moved to its exponent. 2^n for t = kExponentOne<T> + n where
//               2^n is a normal number; any value for other t. Adding kExponentOne also rounds to an integer
//               exponent(a) = floor(log2|a|), mantissa(a) = |a| / 2^exponent(a), in [1, 2): right for denormals;
//               finite non-zero a only
//   compare     lt(a, b) le(a, b) eq(a, b) gt ge   false when unordered;   is_nan(a)
//               unordered(a, b) = is_nan(a) | is_nan(b)
//               select(m, a, b) = m ? a : b     m1 & m2, m1 | m2, !m       any(m), all(m)
//               first_n<T>(n): the mask of lanes 0..n-1
//   across      sum(a), max_lane(a): over the lanes, in a tree fixed by N (max_lane may lose a NaN, as max does)
//               sum4(a, b, c, d, T out[4]): the same bits as four sums, in about half the time
//   order       deinterleave(a, b, &even, &odd): of the 2N elements of a and b those at even and those at odd places;
//               interleave(even, odd, &a, &b): the reverse
//               slide_up(before, a): a one lane up, the last lane of `before` coming in;  slide_down(a, after): a one
//               lane down, the first lane of `after` coming in
//               spread<W, I>(a): lane I of every W neighbours in all of them (W: 2, 4 or 8, at most N)
//   indices     store_i64(p, v, n): the lanes, integral and below 2^24, as 64-bit integers;  load_i64<T>(p, n): integers
//               as lanes, exact below 2^24; others give something that is no integer from 0 to 2^24 - 1
//   registers   keep(&a): a stays in a register; without it GCC loads it again for every use, as an operand
//   bytes       store_bytes(p, v, n): the lanes, integral and 0..255, a byte each;  bytes_are<T>(p, b, n): where the
//               bytes p[0..n-1] equal b (false in other lanes)
//   tables      only where kHasTables<T>, of 32 numbers, with the lowest five bits of i or t as the place:
//               lookup(table, i);  add_exponent(a, t): t's bits, shifted so that those above these five are added to
//               a's exponent, are added to a's;  scale2_floor(a, n) = a * 2^floor(n), as scale2.  eighth(a): the
//               bits of a without the lowest 20, whose last five tell the eighth of an octave, of four octaves;
//               eighth_middle(a): that eighth's middle
//   integers    VecU32: as many 32-bit lanes as Vec<float>; load_u32(p) store_u32(p, a) set1_u32(x)  +  ^  &
//               shift_left<K>(a)  shift_right<K>(a)  mul_lo_hi(a, b, &lo, &hi) (the full 64-bit products, lane by
//               lane)  lt_u32(a, b), a Mask<float>; used by Philox
//
// Every operation is IEEE with round to nearest; no contraction but the explicit fma (the files are compiled with
// -ffp-contract=off).
#ifndef NNF_SIMD_VEC_H
#define NNF_SIMD_VEC_H

#include "base/types.h"

#define NNF_INLINE inline __attribute__((always_inline))

namespace nnf {
namespace {

template <class T>
struct Vec;
template <class T>
struct Mask;

// 1.5 * 2^(mantissa bits) has steps of 1; the bias on top makes the lowest bits an exponent field.
template <class T>
constexpr T kExponentOne = 0;
// Whether tables of 32 numbers fit in registers and are read with one instruction.
template <class T>
constexpr bool kHasTables = false;
// Whether fma rounds once: of vec_scalar.h only where it is an instruction.
#if defined(__FMA__) || defined(__aarch64__)
constexpr bool kFusedFma = true;
#else
constexpr bool kFusedFma = false;
#endif

template <>
constexpr float kExponentOne<float> = 0x1.8p23f + 127.0f;
template <>
constexpr double kExponentOne<double> = 0x1.8p52 + 1023.0;

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_VEC_H
