// Users' numbers of any type as T. Plain loops, which compilers turn into vectors of the instruction set that they are
// compiled for (784 numbers to float, ns, x86-64's baseline, AVX2, AVX-512: uint8 52, 32, 18; float64 74, 51, 25;
// float16 280, 160, 75, with a branch 1,050 everywhere). No Vec: layout.cpp converts class labels with it, too.
#ifndef NNF_KERNELS_LAYOUT_CONVERT_INL_H
#define NNF_KERNELS_LAYOUT_CONVERT_INL_H

#include "kernels/layout/contract.h"

namespace nnf {
namespace {

// IEEE binary16: 1 sign, 5 exponent, 10 mantissa bits. Every value is a float, so this is exact. Without branches, and
// without denormal floats, which the engine's floating-point state would take for zeros. In signed integers: before
// AVX-512 only these become floats in one instruction.
inline float half_to_float(std::uint16_t half) {
  const std::int32_t magnitude = half & 0x7FFF, mantissa = half & 0x3FF;
  const float tiny = static_cast<float>(mantissa) * 0x1p-24f;  // where the exponent is 0
  std::int32_t tiny_bits;
  __builtin_memcpy(&tiny_bits, &tiny, sizeof tiny);
  std::int32_t bits = (magnitude << 13) + ((127 - 15) << 23);
  bits += -(magnitude >= 0x7C00) & (127 - 15) << 23;  // infinity, NaN
  const std::int32_t is_tiny = -(magnitude < 0x400);    // a mask: a choice would be a branch, and no vectors
  bits = (tiny_bits & is_tiny) | (bits & ~is_tiny);
  bits |= static_cast<std::int32_t>(static_cast<u32>(half & 0x8000) << 16);
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

struct Half {
  std::uint16_t bits;
};
struct Bool {
  std::uint8_t byte;
};

template <class T, class S>
inline T converted(S x) {
  return static_cast<T>(x);
}
template <class T>
inline T converted(Half x) {
  return static_cast<T>(half_to_float(x.bits));
}
template <class T>
inline T converted(Bool x) {
  return static_cast<T>(x.byte != 0);
}

template <class T, class S>
inline void convert_from(i64 n, const void* from, T* __restrict y) {
  const S* __restrict x = static_cast<const S*>(from);
  for (i64 i = 0; i < n; ++i) y[i] = converted<T>(x[i]);
}

template <class T>
void convert(NumberType type, i64 n, const void* x, T* y) {
  switch (type) {
    case NumberType::float32: return convert_from<T, float>(n, x, y);
    case NumberType::float64: return convert_from<T, double>(n, x, y);
    case NumberType::float16: return convert_from<T, Half>(n, x, y);
    case NumberType::uint8: return convert_from<T, std::uint8_t>(n, x, y);
    case NumberType::int8: return convert_from<T, std::int8_t>(n, x, y);
    case NumberType::int16: return convert_from<T, std::int16_t>(n, x, y);
    case NumberType::int32: return convert_from<T, std::int32_t>(n, x, y);
    case NumberType::int64: return convert_from<T, std::int64_t>(n, x, y);
    case NumberType::boolean: return convert_from<T, Bool>(n, x, y);
    case NumberType::uint16: return convert_from<T, std::uint16_t>(n, x, y);
    case NumberType::uint32: return convert_from<T, std::uint32_t>(n, x, y);
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_LAYOUT_CONVERT_INL_H
