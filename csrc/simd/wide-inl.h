// Wide<T, U>: U vectors side by side as one Vec, so that a formula written once over Vec<T> is computed for all of them
// step by step: the instructions of U chains alternate. Included after a Vec back end (simd/vec.h).
//
// Why: an activation is one chain of some 20 dependent operations. A core's scheduler holds a few vectors' worth of
// waiting operations, which is not enough to keep four pipes busy; compilers keep the order of the source here (GCC 12
// with or without its second scheduling pass, Clang too). GCC's first scheduling pass (-fschedule-insns), which mixes
// vectors by itself, spills as soon as tables are held in registers.
//
// Not a back end: only the operations that elementwise formulas use are here.
#ifndef NNF_SIMD_WIDE_INL_H
#define NNF_SIMD_WIDE_INL_H

#include "simd/vec.h"

namespace nnf {
namespace {

// The element type that stands for it: converts like T.
template <class T, int U>
struct Wide {
  T value;
  constexpr Wide(double x) : value(static_cast<T>(x)) {}
  constexpr operator T() const { return value; }
};

template <class T, int U>
struct Vec<Wide<T, U>> {
  static constexpr int N = U * Vec<T>::N;
  Vec<T> part[U];
  static NNF_INLINE Vec set1(T x) {
    Vec y;
    const Vec<T> v = nnf::set1<T>(x);
    for (int u = 0; u < U; ++u) y.part[u] = v;
    return y;
  }
};
template <class V>
struct ElementOf;
template <class E>
struct ElementOf<Vec<E>> {
  using Type = E;
};
template <class T, int U>
struct Mask<Wide<T, U>> {
  Mask<T> part[U];
};

template <class T, int U>
constexpr bool kHasTables<Wide<T, U>> = kHasTables<T>;
template <class T, int U>
constexpr T kExponentOne<Wide<T, U>> = kExponentOne<T>;

// Whatever is no type of a back end's.
template <class W>
NNF_INLINE Vec<W> set1(W x) {
  return Vec<W>::set1(x);
}
template <class W>
NNF_INLINE Vec<W> zero() {
  return Vec<W>::set1(W(0));
}

template <int U, class T>
NNF_INLINE Vec<Wide<T, U>> load_wide(const T* p) {
  Vec<Wide<T, U>> y;
  for (int u = 0; u < U; ++u) y.part[u] = load<T>(p + u * Vec<T>::N);
  return y;
}
template <class T, int U>
NNF_INLINE void store(T* p, Vec<Wide<T, U>> v) {
  for (int u = 0; u < U; ++u) store(p + u * Vec<T>::N, v.part[u]);
}

#define NNF_WIDE_1(Out, name)                                        \
  template <class T, int U>                                          \
  NNF_INLINE Out<Wide<T, U>> name(Vec<Wide<T, U>> a) {               \
    Out<Wide<T, U>> y;                                               \
    for (int u = 0; u < U; ++u) y.part[u] = name(a.part[u]);         \
    return y;                                                        \
  }
#define NNF_WIDE_2(Out, In, name)                                           \
  template <class T, int U>                                                 \
  NNF_INLINE Out<Wide<T, U>> name(In<Wide<T, U>> a, In<Wide<T, U>> b) {     \
    Out<Wide<T, U>> y;                                                      \
    for (int u = 0; u < U; ++u) y.part[u] = name(a.part[u], b.part[u]);     \
    return y;                                                               \
  }
#define NNF_WIDE_3(name)                                                                           \
  template <class T, int U>                                                                        \
  NNF_INLINE Vec<Wide<T, U>> name(Vec<Wide<T, U>> a, Vec<Wide<T, U>> b, Vec<Wide<T, U>> c) {       \
    Vec<Wide<T, U>> y;                                                                             \
    for (int u = 0; u < U; ++u) y.part[u] = name(a.part[u], b.part[u], c.part[u]);                 \
    return y;                                                                                      \
  }
NNF_WIDE_1(Vec, eighth)
NNF_WIDE_1(Vec, eighth_middle)
NNF_WIDE_2(Vec, Vec, add_exponent)
NNF_WIDE_2(Vec, Vec, scale2_floor)
NNF_WIDE_1(Vec, operator-)
NNF_WIDE_1(Vec, abs)
NNF_WIDE_1(Vec, exponent_bits)
NNF_WIDE_1(Vec, exponent)
NNF_WIDE_1(Vec, mantissa)
NNF_WIDE_1(Mask, is_nan)
NNF_WIDE_2(Vec, Vec, operator+)
NNF_WIDE_2(Vec, Vec, operator-)
NNF_WIDE_2(Vec, Vec, operator*)
NNF_WIDE_2(Vec, Vec, operator/)
NNF_WIDE_2(Vec, Vec, min)
NNF_WIDE_2(Vec, Vec, max)
NNF_WIDE_2(Vec, Vec, copysign)
NNF_WIDE_2(Vec, Vec, scale2)
NNF_WIDE_2(Mask, Vec, lt)
NNF_WIDE_2(Mask, Vec, le)
NNF_WIDE_2(Mask, Vec, gt)
NNF_WIDE_2(Mask, Vec, ge)
NNF_WIDE_2(Mask, Vec, eq)
NNF_WIDE_2(Mask, Mask, operator&)
NNF_WIDE_2(Mask, Mask, operator|)
NNF_WIDE_3(fma)
NNF_WIDE_3(fnma)
#undef NNF_WIDE_1
#undef NNF_WIDE_2
#undef NNF_WIDE_3

template <class T, int U>
NNF_INLINE Vec<Wide<T, U>> lookup(const T (&table)[32], Vec<Wide<T, U>> i) {
  Vec<Wide<T, U>> y;
  for (int u = 0; u < U; ++u) y.part[u] = lookup(table, i.part[u]);
  return y;
}
template <class T, int U>
NNF_INLINE Vec<Wide<T, U>> select(Mask<Wide<T, U>> m, Vec<Wide<T, U>> a, Vec<Wide<T, U>> b) {
  Vec<Wide<T, U>> y;
  for (int u = 0; u < U; ++u) y.part[u] = select(m.part[u], a.part[u], b.part[u]);
  return y;
}

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_WIDE_INL_H
