// One row of C: a vector times a matrix, what a prediction for one sample is made of. The matrix is read once and
// nothing is packed, so the speed is that of the cache (or memory) the matrix lies in.
//
//   rows of B contiguous (b_cs == 1): a strip of y in registers while p runs down B, or, for a B beyond the
//     second-level cache, four rows of B at a time over all of y, which then streams through L1; an element's sum runs
//     over p in order, in one accumulator, either way: the same bits.
//   columns of B contiguous (b_rs == 1), a weight (out, in) seen as B = W^T: dot products, vectors along p; an
//     element's sum is that of Vec::N interleaved sums, added in Vec's fixed tree.
//
// Neither order depends on n or on where in y the element lies; both differ from the microkernel's.
//
// Measured on a Zen 5 core, float, GB/s of B (k x n) with strips of 4, 8 and 16 vectors, then 4, 8 and 16 rows at once:
// 300 x 300 (L2): 95 102 138, 115 118 120; 512 x 512: 90 106 112, 104 111 105; 1024 x 1024 (L3): 65 80 88, 92 86 67;
// 4096 x 4096 (memory): 15 24 33, 41 38 36, where reading B alone made 178, 150, 97 and 45.
//
// Dot products in L2 make 66 to 78 % of what one pass over B in a line reads (512 x 512 and less): so many streams at
// once are read at two thirds of that speed, whatever is done about it. Rows one after the other reach it (92 to 100 %)
// but only where they begin on a cache line; where they do not, as in NumPy's arrays, they take as long. Prefetching
// the next rows, or further on in these, changed nothing or lost up to a sixth. From L3 four rows with a KB ahead
// fetched are 1.04 to 1.16 times as fast as eight without; from memory 0.75 to 1.1 times.
#ifndef NNF_KERNELS_GEMM_GEMV_INL_H
#define NNF_KERNELS_GEMM_GEMV_INL_H

#include "kernels/gemm/contract.h"
#include "kernels/gemm/geometry-inl.h"
#include "kernels/gemm/unroll-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// Eight chains hide an FMA's latency of four cycles at two a cycle, and leave registers on every ISA. For dot products
// fewer rows with more chains each (4 x 2, 4 x 4, 2 x 4, 1 x 8) were slower or no faster at (96..4096, 100..4096).
constexpr int kGemvChains = 8;
constexpr int kGemvVectors = kGemmVectors >= 4 ? 16 : 8;  // of a strip: half the registers
constexpr int kGemvRows = 4;                              // of B at a time
constexpr i64 kGemvStream = i64{3} << 19;                 // bytes of B from which on its rows are streamed
constexpr i64 kGemvMemory = i64{12} << 20;                // and from which on most of them come from memory

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

// y (+)= R rows of B, each times its x.
template <class T, int R>
NNF_INLINE void gemv_rows(i64 n, const T* x, const T* b, i64 b_rs, T* y, bool accumulate) {
  Vec<T> xs[R];
  unroll<R>([&](auto r) NNF_LAMBDA_INLINE { xs[r.value] = set1<T>(x[r.value]); });
  for_each_vector<T>(n, [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
    Vec<T> s = accumulate ? lanes.load(y + j) : zero<T>();
    unroll<R>([&](auto r) NNF_LAMBDA_INLINE { s = fma(xs[r.value], lanes.load(b + r.value * b_rs + j), s); });
    lanes.store(y + j, s);
  });
}

// All of y, four rows of B a pass; without accumulation, whose rounding (the finished sum is added to y) is a strip's.
template <class T>
inline void gemv_stream(i64 n, i64 k, const T* x, const T* b, i64 b_rs, T* y) {
  i64 p = 0;
  for (; p + kGemvRows <= k; p += kGemvRows) gemv_rows<T, kGemvRows>(n, x + p, b + p * b_rs, b_rs, y, p > 0);
  for (; p < k; ++p) gemv_rows<T, 1>(n, x + p, b + p * b_rs, b_rs, y, p > 0);
}

// R dot products. Of a far B two vectors a row and step, a KB ahead fetched: see above.
template <class T, int R, bool Far = false>
NNF_INLINE void gemv_dots(i64 k, const T* x, const T* b, i64 b_cs, T* y, bool accumulate) {
  constexpr int N = Vec<T>::N;
  Vec<T> acc[R];
  unroll<R>([&](auto r) NNF_LAMBDA_INLINE { acc[r.value] = zero<T>(); });
  const auto step = [&](i64 p, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> xp = lanes.load(x + p);
    unroll<R>([&](auto r) NNF_LAMBDA_INLINE {
      acc[r.value] = fma(xp, lanes.load(b + r.value * b_cs + p), acc[r.value]);
    });
  };
  i64 p = 0;
  if constexpr (Far) {
    constexpr i64 kLine = 64 / static_cast<i64>(sizeof(T)), kAhead = 16 * kLine;
    for (; p + 2 * N <= k; p += 2 * N) {
      unroll<R>([&](auto r) NNF_LAMBDA_INLINE {
        const T* row = b + r.value * b_cs + p;
        for (i64 i = 0; i < 2 * N; i += kLine) __builtin_prefetch(row + kAhead + i);
        const Vec<T> sum = fma(load<T>(x + p), load<T>(row), acc[r.value]);
        acc[r.value] = fma(load<T>(x + p + N), load<T>(row + N), sum);
      });
    }
  }
  for (; p + N <= k; p += N) step(p, AllLanes<T>{});
  if (p < k) step(p, FirstLanes<T>{static_cast<int>(k - p)});
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
  constexpr int R = kGemvChains, V = kGemvVectors, W = V * Vec<T>::N;
  i64 j = 0;
  if (b_cs == 1 && !accumulate && n >= 4 * W && n * k * static_cast<i64>(sizeof(T)) >= kGemvStream) {
    gemv_stream<T>(n, k, x, b, b_rs, y);
  } else if (b_cs == 1) {
    for (; j + W <= n; j += W) gemv_strip<T, V, false>(k, 0, x, b + j, b_rs, y + j, accumulate);
    gemv_last_strip<T, V>(n - j, k, x, b + j, b_rs, y + j, accumulate);
  } else {
    const i64 bytes = n * k * static_cast<i64>(sizeof(T));
    if (bytes >= kGemvStream && bytes < kGemvMemory) {
      for (; j + 4 <= n; j += 4) gemv_dots<T, 4, true>(k, x, b + j * b_cs, b_cs, y + j, accumulate);
    }
    for (; j + R <= n; j += R) gemv_dots<T, R>(k, x, b + j * b_cs, b_cs, y + j, accumulate);
    gemv_last_dots<T, R - 1>(n - j, k, x, b + j * b_cs, b_cs, y + j, accumulate);
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_GEMV_INL_H
