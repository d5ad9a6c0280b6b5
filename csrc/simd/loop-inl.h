// Loops over arrays a vector at a time, with masked tails; and sums of long arrays in a tree fixed by the length.
// Included after a Vec back end (simd/vec.h). Not a place for kernels: nothing here knows a formula.
//
//   for_each_vector<T>(n, [=](i64 i, auto lanes) { lanes.store(y + i, lanes.load(x + i) * s); });
//
// The body is compiled twice: once for whole vectors, once for the tail, which never touches memory past element n - 1.
#ifndef NNF_SIMD_LOOP_INL_H
#define NNF_SIMD_LOOP_INL_H

#include "simd/vec.h"
#include "simd/wide-inl.h"

// After a lambda's parameters: the loops below call their bodies from several places and must not turn them into calls.
#define NNF_LAMBDA_INLINE __attribute__((always_inline))

namespace nnf {
namespace {

// All lanes of a vector.
template <class T>
struct AllLanes {
  NNF_INLINE Vec<T> load(const T* p) const { return nnf::load<T>(p); }
  NNF_INLINE void store(T* p, Vec<T> v) const { nnf::store(p, v); }
  // v where the array has elements, `fill` elsewhere.
  NNF_INLINE Vec<T> or_else(Vec<T> v, Vec<T>) const { return v; }
};

// The first n lanes; the others load as 0 and are not stored.
template <class T>
struct FirstLanes {
  int n;
  NNF_INLINE Vec<T> load(const T* p) const { return nnf::load_n<T>(p, n); }
  NNF_INLINE void store(T* p, Vec<T> v) const { nnf::store_n(p, v, n); }
  NNF_INLINE Vec<T> or_else(Vec<T> v, Vec<T> fill) const { return select(first_n<T>(n), v, fill); }
};

template <class T, class F>
NNF_INLINE void for_each_vector(i64 n, F f) {
  constexpr i64 N = Vec<T>::N;
  i64 i = 0;
  for (; i + N <= n; i += N) f(i, AllLanes<T>{});
  if (i < n) f(i, FirstLanes<T>{static_cast<int>(n - i)});
}

// The same with the stores to y + i on whole vectors' boundaries, for bodies of a few operations: where every store
// crosses a cache line, they take twice the time (NumPy's arrays begin 16 bytes after a boundary). With 10 operations
// and more it only costs registers.
template <class T, class F>
NNF_INLINE void for_each_vector_aligned(i64 n, const T* y, F f) {
  constexpr i64 N = Vec<T>::N, kBytes = N * static_cast<i64>(sizeof(T));
  i64 stop = n;
  if (n >= 16 * N) {
    const i64 beyond = static_cast<i64>(reinterpret_cast<__UINTPTR_TYPE__>(y) % static_cast<__UINTPTR_TYPE__>(kBytes));
    if (beyond != 0) stop = (kBytes - beyond) / static_cast<i64>(sizeof(T));
  }
  for (i64 i = 0;; stop = n) {
    for (; i + N <= stop; i += N) f(i, AllLanes<T>{});
    if (i < stop) {
      f(i, FirstLanes<T>{static_cast<int>(stop - i)});
      i = stop;
    }
    if (i >= n) return;
  }
}

// Kernels that go over rows several times fetch the next row into the first-level cache meanwhile: the processor's own
// prefetching ends at every page, which is where a row of a thousand floats ends. 0, which fetches what was just read,
// for rows that do not fit there: these are long streams. fetch(p) per vector.
template <class T>
NNF_INLINE i64 next_row(i64 len) {
  return len <= 8192 / static_cast<i64>(sizeof(T)) ? len : 0;
}
template <class T>
NNF_INLINE void fetch(const T* p) {
  __builtin_prefetch(p);
}

// With 32 vector registers more vectors can be worked on at a time than with 16.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kMixedVectors = 4;
#else
constexpr int kMixedVectors = 1;
#endif

// y[i] = f(in[i]...) for bodies that are one long chain of dependent operations: U vectors at a time (wide-inl.h).
// f takes a Vec of any element type. y may be one of the inputs.
template <class T, int U, class F, class... In>
NNF_INLINE void map_vectors(i64 n, T* y, F f, const In*... in) {
  constexpr i64 N = Vec<T>::N;
  i64 i = 0;
  for (; U > 1 && i + U * N <= n; i += U * N) store(y + i, f(load_wide<U>(in + i)...));
  for (; i + N <= n; i += N) store(y + i, f(load<T>(in + i)...));
  if (i < n) {
    const FirstLanes<T> lanes{static_cast<int>(n - i)};
    lanes.store(y + i, f(lanes.load(in + i)...));
  }
}

// Pairwise sum of a sequence of vectors: a binary counter of partial sums, so that the error grows with the logarithm
// of the sequence's length (Higham, "The accuracy of floating point summation", 1993).
template <class T>
struct TreeSum {
  Vec<T> part[48];  // part[j] sums 2^k consecutive pushes for the j-th set bit 2^k of count, from the highest
  i64 count = 0;
  int depth = 0;

  NNF_INLINE void push(Vec<T> v) {
    for (i64 c = count++; (c & 1) != 0; c >>= 1) v = part[--depth] + v;
    part[depth++] = v;
  }
  NNF_INLINE Vec<T> finish(Vec<T> last) const {
    for (int j = depth; j > 0; --j) last = part[j - 1] + last;
    return last;
  }
};

// Sum over i of the lanes of f(i, lanes), which must be 0 in the lanes beyond the array. Blocks of 32 vectors go
// through four accumulators (hides the latency of the additions), the blocks' sums through a TreeSum.
template <class T, class F>
NNF_INLINE T tree_sum(i64 n, F f) {
  constexpr i64 N = Vec<T>::N;
  TreeSum<T> tree;
  for (i64 i = 0;;) {
    const i64 stop = n - i < 32 * N ? n : i + 32 * N;
    Vec<T> a = zero<T>(), b = zero<T>(), c = zero<T>(), d = zero<T>();
    for (; i + 4 * N <= stop; i += 4 * N) {
      a = a + f(i, AllLanes<T>{});
      b = b + f(i + N, AllLanes<T>{});
      c = c + f(i + 2 * N, AllLanes<T>{});
      d = d + f(i + 3 * N, AllLanes<T>{});
    }
    for (; i + N <= stop; i += N) a = a + f(i, AllLanes<T>{});
    if (i < stop) {
      b = b + f(i, FirstLanes<T>{static_cast<int>(stop - i)});
      i = stop;
    }
    const Vec<T> block = (a + b) + (c + d);
    if (i >= n) return sum(tree.finish(block));
    tree.push(block);
  }
}

// The same for bodies long enough to hide the additions' latency themselves: one accumulator, a third of the code.
template <class T, class F>
NNF_INLINE T tree_sum_long_body(i64 n, F f) {
  constexpr i64 N = Vec<T>::N;
  TreeSum<T> tree;
  for (i64 i = 0;;) {
    const i64 stop = n - i < 32 * N ? n : i + 32 * N;
    Vec<T> a = zero<T>();
    for (; i + N <= stop; i += N) a = a + f(i, AllLanes<T>{});
    if (i < stop) {
      a = a + f(i, FirstLanes<T>{static_cast<int>(stop - i)});
      i = stop;
    }
    if (i >= n) return sum(tree.finish(a));
    tree.push(a);
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_LOOP_INL_H
