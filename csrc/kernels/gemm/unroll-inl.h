// Loops unrolled by templates, so that arrays of registers are indexed by constants and stay in registers. GCC puts the
// same arrays on the stack when they are written with loops and `#pragma GCC unroll`. And vectors it must not move.
#ifndef NNF_KERNELS_GEMM_UNROLL_INL_H
#define NNF_KERNELS_GEMM_UNROLL_INL_H

#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// A vector that stays in its register, whatever GCC thinks of loading it again, or of the loop it is in.
template <class T>
NNF_INLINE Vec<T> kept(Vec<T> x) {
#if defined(__aarch64__)
  asm("" : "+w"(x.v));
#elif defined(__x86_64__)
  asm("" : "+v"(x.v));
#endif
  return x;
}

template <int I>
struct Index {
  static constexpr int value = I;
};

template <int... I>
struct Indices {};
template <int Count, int... I>
struct CountedIndices : CountedIndices<Count - 1, Count - 1, I...> {};
template <int... I>
struct CountedIndices<0, I...> {
  using type = Indices<I...>;
};

template <class F, int... I>
NNF_INLINE void unroll_over(const F& f, Indices<I...>) {
  (f(Index<I>{}), ...);
}

// f(Index<0>{}), ..., f(Index<Count - 1>{}); give f's lambda the attribute NNF_LAMBDA_INLINE. (A function that calls f
// and then itself for the next index is inlined into itself again and again: three times the time to compile.)
template <int Count, class F>
NNF_INLINE void unroll(const F& f) {
  unroll_over(f, typename CountedIndices<Count>::type{});
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_UNROLL_INL_H
