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

// f(Index<0>{}), ..., f(Index<Count - 1>{}); give f's lambda the attribute NNF_LAMBDA_INLINE.
template <int Count, int I = 0, class F>
NNF_INLINE void unroll(const F& f) {
  if constexpr (I < Count) {
    f(Index<I>{});
    unroll<Count, I + 1>(f);
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_UNROLL_INL_H
