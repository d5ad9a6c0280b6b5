// The depthwise weight's gradient on planes whose rows lie split in scratch (depthwise_planes-inl.h). Kernels 3, 5 or 7
// high, stride 1: a vector of columns goes down the band, the last rows of g stay in registers, and what is loaded of a
// row of x meets all of them: of 3x3 four loads for nine FMAs. (Ten, row by row with all taps at once, took 1.7 times
// as long.)
#ifndef NNF_KERNELS_CONV_DEPTHWISE_PLANE_SUMS_INL_H
#define NNF_KERNELS_CONV_DEPTHWISE_PLANE_SUMS_INL_H

#include "kernels/conv/depthwise_contract.h"
#include "kernels/gemm/unroll-inl.h"
#include "kernels/layout/split-inl.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// A band of g's rows, and the rows of x that meet them: row i of x lies at split + i * step.
template <class T>
struct DepthwiseBandSums {
  const T* split;
  i64 step;
  const T* g;
  i64 rows;
  const T* g_end;
};

// Taps (a, b0 + b) for a < Down, b < Across: columns j, j + 1, ... of the band, added to total (kh, kw).
template <class T, int Down, int Across>
NNF_INLINE void depthwise_strip_sums(const DepthwisePlanes& p, const DepthwiseBandSums<T>& band, i64 b0, i64 j,
                                     Vec<T>* total) {
  Vec<T> acc[Down * Across], g[Down];
  const T* at[Across];
  const i64 left = p.ow - j;
  const Mask<T> in = first_n<T>(left);
  const bool tail = left < Vec<T>::N;
  unroll<Across>([&](auto b) NNF_LAMBDA_INLINE {
    constexpr int tap = decltype(b)::value;
    at[tap] = band.split + p.taps[b0 + tap] + j;
    unroll<Down>([&](auto a) NNF_LAMBDA_INLINE {
      acc[a.value * Across + tap] = total[a.value * p.kw + b0 + tap];
    });
  });
  unroll<Down>([&](auto a) NNF_LAMBDA_INLINE { g[a.value] = zero<T>(); });
  const T* next = band.g + j;
  // Row i of x meets the rows i - a of g; at the ends of the band not all of them are there.
  const auto row = [&](i64 i, auto edge) NNF_LAMBDA_INLINE {
    unroll<Down - 1>([&](auto k) NNF_LAMBDA_INLINE {
      constexpr int a = Down - 1 - decltype(k)::value;
      g[a] = g[a - 1];
    });
    if (!edge.value || i < band.rows) {
      g[0] = tail ? select(in, load_before(next, left, band.g_end), zero<T>()) : load(next);
      next += p.ow;
    }
    unroll<Across>([&](auto b) NNF_LAMBDA_INLINE {
      constexpr int tap = decltype(b)::value;
      Vec<T> v = load(at[tap] + i * band.step);
      if (tail) v = select(in, v, zero<T>());
      keep(&v);
      unroll<Down>([&](auto a) NNF_LAMBDA_INLINE {
        constexpr int down = decltype(a)::value;
        if (decltype(edge)::value && (i < down || i - down >= band.rows)) return;
        acc[down * Across + tap] = fma(v, g[down], acc[down * Across + tap]);
      });
    });
  };
  const i64 whole = band.rows < Down - 1 ? Down - 1 : band.rows;
  i64 i = 0;
  for (; i < Down - 1; ++i) row(i, Index<1>{});
  for (; i < whole; ++i) row(i, Index<0>{});
  for (; i < band.rows + Down - 1; ++i) row(i, Index<1>{});
  unroll<Across>([&](auto b) NNF_LAMBDA_INLINE {
    constexpr int tap = decltype(b)::value;
    unroll<Down>([&](auto a) NNF_LAMBDA_INLINE {
      total[a.value * p.kw + b0 + tap] = acc[a.value * Across + tap];
    });
  });
}

template <class T, int Down>
__attribute__((noinline)) void depthwise_strips(const DepthwisePlanes& p, const DepthwiseBandSums<T>& band,
                                                Vec<T>* total) {
  constexpr bool kMany = kMixedVectors > 1;  // 32 registers
  constexpr int kAcross = Down == 3 ? 3 : !kMany ? 1 : Down == 5 ? 5 : 3;
  for (i64 j = 0; j < p.ow; j += Vec<T>::N) {
    i64 b = 0;
    for (; b + kAcross <= p.kw; b += kAcross) depthwise_strip_sums<T, Down, kAcross>(p, band, b, j, total);
    if constexpr (kAcross > 1) {
      for (; b < p.kw; ++b) depthwise_strip_sums<T, Down, 1>(p, band, b, j, total);
    }
  }
}

constexpr int kTapsTogether = 9;

// Taps t0..t0+8 (as many as there are) for any kernel and stride: row by row, all of the taps at once.
template <class T>
NNF_INLINE void depthwise_nine_sums(const DepthwisePlanes& p, const DepthwiseBandSums<T>& band, i64 t0, i64 last,
                                    Vec<T>* total) {
  constexpr i64 N = Vec<T>::N;
  const T* x[kTapsTogether];
  Vec<T> acc[kTapsTogether];
  unroll<kTapsTogether>([&](auto t) NNF_LAMBDA_INLINE {
    const i64 tap = t0 + t.value < last ? t0 + t.value : t0;
    x[t.value] = band.split + tap / p.kw * p.dilation_h * p.stride_w * p.split_line + p.taps[tap % p.kw];
    acc[t.value] = total[tap];
  });
  const T* g = band.g;
  for (i64 i = 0; i < band.rows; ++i, g += p.ow) {
    const i64 at = i * p.stride_h * band.step;
    i64 j = 0;
    for (; j + N <= p.ow; j += N) {
      const Vec<T> v = load(g + j);
      unroll<kTapsTogether>([&](auto t) NNF_LAMBDA_INLINE {
        acc[t.value] = fma(v, load(x[t.value] + at + j), acc[t.value]);
      });
    }
    if (j < p.ow) {
      const Mask<T> in = first_n<T>(p.ow - j);
      const Vec<T> v = select(in, load_before(g + j, p.ow - j, band.g_end), zero<T>());
      unroll<kTapsTogether>([&](auto t) NNF_LAMBDA_INLINE {
        acc[t.value] = fma(v, select(in, load(x[t.value] + at + j), zero<T>()), acc[t.value]);
      });
    }
  }
  unroll<kTapsTogether>([&](auto t) NNF_LAMBDA_INLINE {
    if (t0 + t.value < last) total[t0 + t.value] = acc[t.value];
  });
}

// Taps first..last-1 of a band, added to total (kh, kw); all of them where a kernel of its own takes the shape.
template <class T>
NNF_INLINE void depthwise_band_sums(const DepthwisePlanes& p, const DepthwiseBandSums<T>& band, i64 first, i64 last,
                                    Vec<T>* total) {
  if (first == 0 && last == p.kh * p.kw && p.stride_h == 1 && p.dilation_h == 1) {
    if (p.kh == 3) return depthwise_strips<T, 3>(p, band, total);
    if (p.kh == 5) return depthwise_strips<T, 5>(p, band, total);
    if (p.kh == 7) return depthwise_strips<T, 7>(p, band, total);
  }
  for (i64 t = first; t < last; t += kTapsTogether) depthwise_nine_sums(p, band, t, last, total - first);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_PLANE_SUMS_INL_H
