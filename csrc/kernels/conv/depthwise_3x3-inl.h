// Depthwise 3x3 kernels with padding 1 and strides of 1 or 2 on planes, from x to y in registers: neighbouring
// columns are loads one element apart, or the odd and even halves of two vectors; zeros come in at the edges.
// (Copying the rows with their padding into scratch first, as depthwise_planes-inl.h does for all others, took 1.6
// times as long on 28x28: loads that straddle what was stored just before wait for it.)
//
// Rows of results follow each other, and a row's last vector may run into the next one, which is written later.
#ifndef NNF_KERNELS_CONV_DEPTHWISE_3X3_INL_H
#define NNF_KERNELS_CONV_DEPTHWISE_3X3_INL_H

#include "kernels/conv/depthwise_contract.h"
#include "kernels/gemm/unroll-inl.h"
#include "kernels/layout/split-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

NNF_INLINE bool depthwise_is_direct(const DepthwisePlanes& p) {
  const i64 s = p.stride_h;
  return p.kh == 3 && p.kw == 3 && p.dilation_h == 1 && p.dilation_w == 1 && p.pad_top == 1 && p.pad_left == 1 &&
         (s == 1 || s == 2) && p.stride_w == s && p.oh == (p.h + s - 1) / s && p.ow == (p.w + s - 1) / s;
}

// load_before; with Far whole vectors from p on lie before the end, as they do in all planes but the last ones.
template <class T, bool Far>
NNF_INLINE Vec<T> load_plane(const T* p, i64 n, const T* end) {
  if constexpr (Far) return load(p);
  return load_before(p, n, end);
}
// Whether they do for this plane, of h rows of w, and the columns on both sides of its rows.
template <class T>
NNF_INLINE bool plane_is_far(const T* plane, i64 h, i64 w, const T* end) {
  return end - plane >= h * w + 2 * Vec<T>::N + 1;
}

// The vector one column on from `here`, of row + j, zero behind the row's end. (Of the unaligned loads nearly all take
// two cache lines: a slide is cheaper where one vector has it all.)
template <class T>
NNF_INLINE Vec<T> next_columns(Vec<T> here, const T* row, i64 j, i64 width) {
  const i64 left = width - j;
  if (left > Vec<T>::N) return load(row + j + 1);
  return slide_down(select(first_n<T>(left), here, zero<T>()), zero<T>());
}

// Stride 1: output rows o..o+Rows-1, the last vector first.
template <class T, int Rows, bool Far>
NNF_INLINE void depthwise_direct_rows(const DepthwisePlanes& p, const T* x, const T* x_end, const Vec<T> (&w)[9],
                                      Vec<T> bias, i64 o, T* y, const T* y_end) {
  constexpr i64 N = Vec<T>::N;
  for (i64 j = (p.w - 1) / N * N; j >= 0; j -= N) {
    Vec<T> acc[Rows];
    unroll<Rows>([&](auto r) NNF_LAMBDA_INLINE { acc[r.value] = bias; });
    unroll<Rows + 2>([&](auto i) NNF_LAMBDA_INLINE {
      constexpr int at = decltype(i)::value;
      if ((at == 0 && o == 0) || (at == Rows + 1 && o + Rows == p.h)) return;
      const T* row = x + (o - 1 + at) * p.w;
      const Vec<T> middle = load_plane<T, Far>(row + j, p.w - j, x_end);
      const Vec<T> left = j > 0 ? load_plane<T, Far>(row + j - 1, p.w - j + 1, x_end) : slide_up(zero<T>(), middle);
      const Vec<T> v[3] = {left, middle, next_columns(middle, row, j, p.w)};
      unroll<3>([&](auto b) NNF_LAMBDA_INLINE {
        constexpr int tap = decltype(b)::value;
        unroll<Rows>([&](auto r) NNF_LAMBDA_INLINE {
          constexpr int a = at - decltype(r)::value;
          if constexpr (a >= 0 && a < 3) acc[r.value] = fma(v[tap], w[a * 3 + tap], acc[r.value]);
        });
      });
    });
    unroll<Rows>([&](auto r) NNF_LAMBDA_INLINE {
      store_before(y + (o + r.value) * p.w + j, acc[r.value], p.w - j, y_end);
    });
  }
}

// The halves of 2N columns at `row`, of which `left` exist; zeros behind them.
template <class T, bool Far>
NNF_INLINE void load_halves(const T* row, i64 left, const T* end, Vec<T>* even, Vec<T>* odd) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> low = load_plane<T, Far>(row, left, end), high = load_plane<T, Far>(row + N, left - N, end);
  if (left < 2 * N) {
    low = select(first_n<T>(left), low, zero<T>());
    high = select(first_n<T>(left > N ? left - N : 0), high, zero<T>());
  }
  deinterleave(low, high, even, odd);
}

// Stride 2: output rows o..o+Rows-1.
template <class T, int Rows, bool Far>
NNF_INLINE void depthwise_direct_halves(const DepthwisePlanes& p, const T* x, const T* x_end, const Vec<T> (&w)[9],
                                        Vec<T> bias, i64 o, T* y, const T* y_end) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> before[2 * Rows + 1];
  unroll<2 * Rows + 1>([&](auto i) NNF_LAMBDA_INLINE { before[i.value] = zero<T>(); });
  for (i64 j = 0; j < p.ow; j += N) {
    Vec<T> acc[Rows];
    unroll<Rows>([&](auto r) NNF_LAMBDA_INLINE { acc[r.value] = bias; });
    unroll<2 * Rows + 1>([&](auto i) NNF_LAMBDA_INLINE {
      constexpr int row = decltype(i)::value;
      const i64 at = 2 * o - 1 + row;
      if ((row == 0 && o == 0) || (row == 2 * Rows && at == p.h)) return;
      Vec<T> even, odd;
      load_halves<T, Far>(x + at * p.w + 2 * j, p.w - 2 * j, x_end, &even, &odd);
      const Vec<T> left = slide_up(before[row], odd);
      before[row] = odd;
      unroll<3>([&](auto a) NNF_LAMBDA_INLINE {
        constexpr int tap = decltype(a)::value, above = row - tap;
        if constexpr (above >= 0 && above % 2 == 0 && above / 2 < Rows) {
          acc[above / 2] = fma(left, w[3 * tap], acc[above / 2]);
          acc[above / 2] = fma(even, w[3 * tap + 1], acc[above / 2]);
          acc[above / 2] = fma(odd, w[3 * tap + 2], acc[above / 2]);
        }
      });
    });
    unroll<Rows>([&](auto r) NNF_LAMBDA_INLINE {
      T* to = y + (o + r.value) * p.ow + j;
      if (Rows > 1 && j + N > p.ow && p.ow > N) {
        store_n(to, acc[r.value], p.ow - j);  // the row below is stored already
      } else {
        store_before(to, acc[r.value], p.ow - j, y_end);
      }
    });
  }
}

template <class T, int Rows, bool Far>
NNF_INLINE void depthwise_direct_block(const DepthwisePlanes& p, const T* x, const T* x_end, const Vec<T> (&w)[9],
                                       Vec<T> bias, i64 o, T* y, const T* y_end) {
  if (p.stride_h == 1) return depthwise_direct_rows<T, Rows, Far>(p, x, x_end, w, bias, o, y, y_end);
  depthwise_direct_halves<T, Rows, Far>(p, x, x_end, w, bias, o, y, y_end);
}

// Blocks of Rows rows; the last one makes rows again where that fills it.
template <class T, int Rows, bool Far>
__attribute__((noinline)) void depthwise_direct_plane(const DepthwisePlanes& p, const T* x, const T* x_end,
                                                      const Vec<T> (&w)[9], Vec<T> bias, T* y, const T* y_end) {
  for (i64 o = 0; o < p.oh; o += Rows) {
    depthwise_direct_block<T, Rows, Far>(p, x, x_end, w, bias, p.oh - o < Rows ? p.oh - Rows : o, y, y_end);
  }
}
// Eight rows at a time or seven, whichever makes fewer of them again: as many sums as hide the FMAs' latency. (Four at
// a time: 256x14x14 took 1.3 times as long.)
template <class T, bool Far>
NNF_INLINE void depthwise_direct_rows_of(const DepthwisePlanes& p, const T* x, const T* x_end, const Vec<T> (&w)[9],
                                         Vec<T> bias, T* y, const T* y_end) {
  const auto made = [&](i64 rows) NNF_LAMBDA_INLINE { return (p.oh + rows - 1) / rows * rows; };
  if constexpr (kMixedVectors > 1) {  // 32 registers
    if (p.oh >= 8 && made(8) <= made(7)) return depthwise_direct_plane<T, 8, Far>(p, x, x_end, w, bias, y, y_end);
    if (p.oh >= 7) return depthwise_direct_plane<T, 7, Far>(p, x, x_end, w, bias, y, y_end);
  }
  if (p.oh >= 4) return depthwise_direct_plane<T, 4, Far>(p, x, x_end, w, bias, y, y_end);
  depthwise_direct_plane<T, 1, Far>(p, x, x_end, w, bias, y, y_end);
}
template <class T>
NNF_INLINE void depthwise_direct(const DepthwisePlanes& p, const T* x, const T* x_end, const Vec<T> (&w)[9],
                                 Vec<T> bias, T* y, const T* y_end) {
  if (plane_is_far(x, p.h, p.w, x_end)) return depthwise_direct_rows_of<T, true>(p, x, x_end, w, bias, y, y_end);
  depthwise_direct_rows_of<T, false>(p, x, x_end, w, bias, y, y_end);
}

// The weight's gradient of a plane for strides of 2 (of 1 it took a quarter longer than from split rows, of 2 two
// thirds of their time), added to `total`; lanes behind a row's end count as zeros, whatever lies there.
template <class T, bool Far>
NNF_INLINE void depthwise_direct_sums_plane(const DepthwisePlanes& p, const T* g, const T* g_end, const T* x,
                                            const T* x_end, Vec<T>* total) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> acc[9];
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) acc[t] = total[t];
  for (i64 o = 0; o < p.oh; ++o, g += p.ow) {
    Vec<T> before[3] = {zero<T>(), zero<T>(), zero<T>()};
    for (i64 j = 0; j < p.ow; j += N) {
      Vec<T> grad = load_before(g + j, p.ow - j, g_end);
      const bool whole = p.ow - j >= N;
      if (!whole) grad = select(first_n<T>(p.ow - j), grad, zero<T>());
#pragma GCC unroll 3
      for (int a = 0; a < 3; ++a) {
        const i64 r = 2 * o - 1 + a;
        if (r < 0 || r >= p.h) continue;
        Vec<T> middle, right;
        load_halves<T, Far>(x + r * p.w + 2 * j, p.w - 2 * j, x_end, &middle, &right);
        Vec<T> left = slide_up(before[a], right);
        before[a] = right;
        if (!whole) left = select(first_n<T>(p.ow - j), left, zero<T>());
        acc[3 * a] = fma(grad, left, acc[3 * a]);
        acc[3 * a + 1] = fma(grad, middle, acc[3 * a + 1]);
        acc[3 * a + 2] = fma(grad, right, acc[3 * a + 2]);
      }
    }
  }
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) total[t] = acc[t];
}
template <class T>
NNF_INLINE void depthwise_direct_sums(const DepthwisePlanes& p, const T* g, const T* g_end, const T* x, const T* x_end,
                                      Vec<T>* total) {
  if (plane_is_far(x, p.h, p.w, x_end)) return depthwise_direct_sums_plane<T, true>(p, g, g_end, x, x_end, total);
  depthwise_direct_sums_plane<T, false>(p, g, g_end, x, x_end, total);
}

// The data's gradient for strides of 2. Row 2i meets row i of g alone, row 2i + 1 the rows i and i + 1; of the columns
// likewise.
template <class T>
NNF_INLINE void depthwise_direct_gradient(const DepthwisePlanes& p, const T* g, const T* g_end, const T* weight, T* gx,
                                          const T* end) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> w[9];
  for (int t = 0; t < 9; ++t) w[t] = set1(weight[t]);
  const auto put = [&](T* row, i64 j, Vec<T> even, Vec<T> odd) NNF_LAMBDA_INLINE {
    Vec<T> a, b;
    interleave(even, odd, &a, &b);
    store_before(row + 2 * j, a, p.w - 2 * j, end);
    if (p.w - 2 * j > N) store_before(row + 2 * j + N, b, p.w - 2 * j - N, end);
  };
  for (i64 i = 0; i < p.oh; ++i, g += p.ow) {
    T* row = gx + 2 * i * p.w;
    for (i64 j = 0; j < p.ow; j += N) {
      const Vec<T> here = load_before(g + j, p.ow - j, g_end), next = next_columns(here, g, j, p.ow);
      put(row, j, here * w[4], fma(next, w[3], here * w[5]));
    }
    if (2 * i + 1 == p.h) return;
    const T* below = i + 1 < p.oh ? g + p.ow : nullptr;
    for (i64 j = 0; j < p.ow; j += N) {
      const Vec<T> here = load_before(g + j, p.ow - j, g_end), next = next_columns(here, g, j, p.ow);
      Vec<T> even = here * w[7], odd = fma(next, w[6], here * w[8]);
      if (below != nullptr) {
        const Vec<T> under = load_before(below + j, p.ow - j, g_end);
        even = fma(under, w[1], even);
        odd = fma(next_columns(under, below, j, p.ow), w[0], fma(under, w[2], odd));
      }
      put(row + p.w, j, even, odd);
    }
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_3X3_INL_H
