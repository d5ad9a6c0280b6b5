// One row of C: a vector times a matrix, what a prediction for one sample is made of. The matrix is read once and
// nothing is packed, so the speed is that of the cache (or memory) the matrix lies in.
//
//   rows of B contiguous (b_cs == 1): a strip of y in registers while p runs down B; an element's sum runs over p in
//     order, in one accumulator.
//   columns of B contiguous (b_rs == 1), a weight (out, in) seen as B = W^T: dot products, vectors along p; an
//     element's sum is that of Vec::N interleaved sums, added in Vec's fixed tree.
//
// Neither order depends on n or on where in y the element lies; both differ from the microkernel's.
#ifndef NNF_KERNELS_GEMM_GEMV_INL_H
#define NNF_KERNELS_GEMM_GEMV_INL_H

#include "kernels/gemm/contract.h"
#include "kernels/gemm/unroll-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// Eight chains hide an FMA's latency of four cycles at two a cycle, and leave registers on every ISA. For dot products
// fewer rows with more chains each (4 x 2, 4 x 4, 2 x 4, 1 x 8) were slower or no faster at (96..4096, 100..4096).
constexpr int kGemvChains = 8;

// V vectors of y; with Tail the last has `last` columns.
template <class T, int V, bool Tail>
NNF_INLINE void gemv_strip(i64 k, i64 last, const T* x, const T* b, i64 b_rs, T* y, bool accumulate) {
  constexpr int N = Vec<T>::N;
  Vec<T> acc[V];
  unroll<V>([&](auto j) NNF_LAMBDA_INLINE { acc[j.value] = zero<T>(); });
  for (i64 p = 0; p < k; ++p, b += b_rs) {
    const Vec<T> xp = set1<T>(x[p]);
    unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
      if constexpr (Tail && j.value == V - 1) {
        acc[j.value] = fma(xp, load_n<T>(b + j.value * N, last), acc[j.value]);
      } else {
        acc[j.value] = fma(xp, load<T>(b + j.value * N), acc[j.value]);
      }
    });
  }
  unroll<V>([&](auto j) NNF_LAMBDA_INLINE {
    T* out = y + j.value * N;
    if constexpr (Tail && j.value == V - 1) {
      store_n(out, accumulate ? load_n<T>(out, last) + acc[j.value] : acc[j.value], last);
    } else {
      store(out, accumulate ? load<T>(out) + acc[j.value] : acc[j.value]);
    }
  });
}

template <class T, int V>
NNF_INLINE void gemv_last_strip(i64 n, i64 k, const T* x, const T* b, i64 b_rs, T* y, bool accumulate) {
  constexpr int N = Vec<T>::N;
  if (n > (V - 1) * N) {
    gemv_strip<T, V, true>(k, n - (V - 1) * N, x, b, b_rs, y, accumulate);
  } else if constexpr (V > 1) {
    gemv_last_strip<T, V - 1>(n, k, x, b, b_rs, y, accumulate);
  }
}

// R dot products.
template <class T, int R>
NNF_INLINE void gemv_dots(i64 k, const T* x, const T* b, i64 b_cs, T* y, bool accumulate) {
  constexpr int N = Vec<T>::N;
  Vec<T> acc[R];
  unroll<R>([&](auto r) NNF_LAMBDA_INLINE { acc[r.value] = zero<T>(); });
  i64 p = 0;
  for (; p + N <= k; p += N) {
    const Vec<T> xp = load<T>(x + p);
    unroll<R>([&](auto r) NNF_LAMBDA_INLINE {
      acc[r.value] = fma(xp, load<T>(b + r.value * b_cs + p), acc[r.value]);
    });
  }
  if (p < k) {
    const Vec<T> xp = load_n<T>(x + p, k - p);
    unroll<R>([&](auto r) NNF_LAMBDA_INLINE {
      acc[r.value] = fma(xp, load_n<T>(b + r.value * b_cs + p, k - p), acc[r.value]);
    });
  }
  unroll<R>([&](auto r) NNF_LAMBDA_INLINE {
    const T s = sum(acc[r.value]);
    y[r.value] = accumulate ? y[r.value] + s : s;
  });
}

template <class T, int R>
NNF_INLINE void gemv_last_dots(i64 n, i64 k, const T* x, const T* b, i64 b_cs, T* y, bool accumulate) {
  if (n == R) {
    gemv_dots<T, R>(k, x, b, b_cs, y, accumulate);
  } else if constexpr (R > 1) {
    gemv_last_dots<T, R - 1>(n, k, x, b, b_cs, y, accumulate);
  }
}

template <class T>
void gemm_row(i64 n, i64 k, const T* x, const T* b, i64 b_rs, i64 b_cs, T* y, bool accumulate) {
  constexpr int R = kGemvChains, W = kGemvChains * Vec<T>::N;
  i64 j = 0;
  if (b_cs == 1) {
    for (; j + W <= n; j += W) gemv_strip<T, R, false>(k, 0, x, b + j, b_rs, y + j, accumulate);
    gemv_last_strip<T, R>(n - j, k, x, b + j, b_rs, y + j, accumulate);
  } else {
    for (; j + R <= n; j += R) gemv_dots<T, R>(k, x, b + j * b_cs, b_cs, y + j, accumulate);
    gemv_last_dots<T, R - 1>(n - j, k, x, b + j * b_cs, b_cs, y + j, accumulate);
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_GEMV_INL_H
