// Pooling kernels of contract.h, channels-last, forward: vectors run over the channels, one output pixel at a time.
//
// Which taps of a window lie inside the input is found once a row and, near the edges, once a pixel, so the loops over
// taps have no tests; those of whole 2x2 and 3x3 windows are unrolled. (With 6 channels a pixel of 2x2 took 40 cycles
// when each found its taps and divisor by itself.) Two vectors of channels share a pass over the window.
#ifndef NNF_KERNELS_POOL_POOL_INL_H
#define NNF_KERNELS_POOL_POOL_INL_H

#include "kernels/pool/contract.h"
#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// The taps first..last-1 of a window lie inside an axis; `start`: where tap 0 lies, maybe before the axis. `divisor`:
// what a window's sum is divided by along the axis.
struct PoolTaps {
  i64 start, first, last, divisor;
};

NNF_INLINE PoolTaps pool_taps(i64 start, i64 taps, i64 dilation, i64 size, i64 pad, bool include_pad) {
  PoolTaps t{start, 0, taps, taps};
  if (start < 0) t.first = (dilation - 1 - start) / dilation;
  if (start + (taps - 1) * dilation >= size) t.last = start < size ? (size - start + dilation - 1) / dilation : 0;
  if (t.first > t.last) t.first = t.last;
  if (!include_pad) {
    t.divisor = t.last - t.first;
  } else if (start + (taps - 1) * dilation >= size + pad) {
    t.divisor = (size + pad - start + dilation - 1) / dilation;
  }
  return t;
}

// The taps of a window to go over: any, or all of a K x K one.
struct AnyWindow {
  static constexpr int size = 0;
};
template <int K>
struct WholeWindow {
  static constexpr int size = K;
};

// f(output, first cell, taps down, taps across, window) for the output pixels of rows row0..row1-1 of n * oh; `output`:
// offset in y; `first cell`: offset in x of tap (0, 0), which may lie outside the image.
template <class F>
NNF_INLINE void pool_over_pixels(const PoolShape& s, i64 row0, i64 row1, F f) {
  // Columns whole0..whole1-1 have all their taps inside the image.
  const i64 room = s.w + s.pad_w - (s.kw - 1) * s.dilation_w - 1;
  i64 whole0 = (s.pad_w + s.stride_w - 1) / s.stride_w, whole1 = room < 0 ? 0 : room / s.stride_w + 1;
  if (whole0 > s.ow) whole0 = s.ow;
  if (whole1 > s.ow) whole1 = s.ow;
  for (i64 row = row0; row < row1; ++row) {
    const i64 image = row / s.oh, top = (row - image * s.oh) * s.stride_h - s.pad_h;
    const PoolTaps down = pool_taps(top, s.kh, s.dilation_h, s.h, s.pad_h, s.count_include_pad);
    const i64 line = (image * s.h + down.start) * s.w, step = s.stride_w * s.c;
    const i64 size = s.kh == s.kw && down.last - down.first == s.kh ? s.kh : 0;
    const auto edge = [&](i64 j) NNF_LAMBDA_INLINE {
      const PoolTaps across =
          pool_taps(j * s.stride_w - s.pad_w, s.kw, s.dilation_w, s.w, s.pad_w, s.count_include_pad);
      f((row * s.ow + j) * s.c, (line + across.start) * s.c, down, across, AnyWindow{});
    };
    i64 j = 0;
    for (; j < whole0; ++j) edge(j);
    i64 out = (row * s.ow + j) * s.c, cell = (line + j * s.stride_w - s.pad_w) * s.c;
    const auto whole = [&](auto window) NNF_LAMBDA_INLINE {
      for (; j < whole1; ++j, out += s.c, cell += step) {
        f(out, cell, down, PoolTaps{j * s.stride_w - s.pad_w, 0, s.kw, s.kw}, window);
      }
    };
    if (size == 2) {
      whole(WholeWindow<2>{});
    } else if (size == 3) {
      whole(WholeWindow<3>{});
    } else {
      whole(AnyWindow{});
    }
    for (; j < s.ow; ++j) edge(j);
  }
}

// f(cell) for the offsets, from the window's first cell, of the taps inside the image.
template <class Window, class F>
NNF_INLINE void pool_over_taps(const PoolShape& s, const PoolTaps& down, const PoolTaps& across, Window, F f) {
  const i64 row_step = s.dilation_h * s.w * s.c, col_step = s.dilation_w * s.c;
  if constexpr (Window::size > 0) {
#pragma GCC unroll 3
    for (int a = 0; a < Window::size; ++a) {
#pragma GCC unroll 3
      for (int b = 0; b < Window::size; ++b) f(a * row_step + b * col_step);
    }
  } else {
    for (i64 a = down.first; a < down.last; ++a) {
      for (i64 b = across.first; b < across.last; ++b) f(a * row_step + b * col_step);
    }
  }
}

// f(channel, vectors (1 or 2), lanes) over the channels.
template <class T>
struct PoolPair {
  static constexpr int count = 2;
};
template <class T>
struct PoolSingle {
  static constexpr int count = 1;
};
template <class T, class F>
NNF_INLINE void pool_over_channels(i64 c, F f) {
  constexpr i64 N = Vec<T>::N;
  i64 ch = 0;
  for (; ch + 2 * N <= c; ch += 2 * N) f(ch, PoolPair<T>{}, AllLanes<T>{});
  for (; ch + N <= c; ch += N) f(ch, PoolSingle<T>{}, AllLanes<T>{});
  if (ch < c) f(ch, PoolSingle<T>{}, FirstLanes<T>{static_cast<int>(c - ch)});
}

template <class T>
void max_pool_nhwc(const PoolShape& s, i64 row0, i64 row1, const T* x, T* y) {
  constexpr i64 N = Vec<T>::N;
  const T infinity = static_cast<T>(__builtin_inf()), not_a_number = static_cast<T>(__builtin_nan(""));
  pool_over_pixels(s, row0, row1, [&](i64 out, i64 cell, PoolTaps down, PoolTaps across,
                                  auto window) NNF_LAMBDA_INLINE {
    pool_over_channels<T>(s.c, [&](i64 ch, auto vectors, auto lanes) NNF_LAMBDA_INLINE {
      constexpr int V = decltype(vectors)::count;
      Vec<T> best[V];
      Mask<T> nan[V];
      for (int v = 0; v < V; ++v) best[v] = set1(-infinity), nan[v] = is_nan(best[v]);
      pool_over_taps(s, down, across, window, [&](i64 tap) NNF_LAMBDA_INLINE {
        for (int v = 0; v < V; ++v) {
          const Vec<T> value = lanes.load(x + cell + tap + ch + v * N);
          best[v] = max(value, best[v]);  // keeps best where value is NaN, so best never is
          nan[v] = nan[v] | is_nan(value);
        }
      });
      for (int v = 0; v < V; ++v) {
        lanes.store(y + out + ch + v * N, select(nan[v], set1(not_a_number), best[v]));
      }
    });
  });
}

// The place of a maximum: lanes of numbers, as bytes or as they are.
template <class T>
NNF_INLINE void store_places(unsigned char* p, Vec<T> v, AllLanes<T>) {
  store_bytes(p, v, Vec<T>::N);
}
template <class T>
NNF_INLINE void store_places(unsigned char* p, Vec<T> v, FirstLanes<T> lanes) {
  store_bytes(p, v, lanes.n);
}
template <class T, class Lanes>
NNF_INLINE void store_places(T* p, Vec<T> v, Lanes lanes) {
  lanes.store(p, v);
}

// Whether `best`, which came first, stays the maximum beside `value`: the first of equal ones does, and the first NaN.
template <class T>
NNF_INLINE Mask<T> stays(Vec<T> best, Vec<T> value) {
  return ge(best, value) | is_nan(best);
}

template <class T>
NNF_INLINE void store_places(i64* p, Vec<T> v, AllLanes<T>) {
  store_i64(p, v, Vec<T>::N);
}
template <class T>
NNF_INLINE void store_places(i64* p, Vec<T> v, FirstLanes<T> lanes) {
  store_i64(p, v, lanes.n);
}

// The numbers of a window's taps inside the image, in their order: of its own taps, or, for indices, of the image's
// cells.
template <bool Indices>
struct TapNumbers {
  i64 now, step, line_end, line_step, next_line;
  NNF_INLINE TapNumbers(const PoolShape& s, const PoolTaps& down, const PoolTaps& across) {
    const i64 count = across.last - across.first;
    if constexpr (Indices) {
      step = s.dilation_w, next_line = s.dilation_h * s.w;
      now = (down.start + down.first * s.dilation_h) * s.w + across.start + across.first * s.dilation_w;
      if (count <= 0 || down.last <= down.first) now = -1;
    } else {
      step = 1, next_line = s.kw;
      now = down.first * s.kw + across.first;
    }
    line_end = now + count * step;
    line_step = next_line - count * step;
  }
  NNF_INLINE void advance() {
    now += step;
    if (now == line_end) now += line_step, line_end += next_line;
  }
};

template <bool Indices, class T, class P>
NNF_INLINE void max_pool_places(const PoolShape& s, i64 row0, i64 row1, const T* x, T* y, P* places) {
  constexpr i64 N = Vec<T>::N;
  const T infinity = static_cast<T>(__builtin_inf());
  pool_over_pixels(s, row0, row1, [&](i64 out, i64 cell, PoolTaps down, PoolTaps across,
                                  auto window) NNF_LAMBDA_INLINE {
    pool_over_channels<T>(s.c, [&](i64 ch, auto vectors, auto lanes) NNF_LAMBDA_INLINE {
      constexpr int V = decltype(vectors)::count;
      Vec<T> best[V], place[V];
      TapNumbers<Indices> number(s, down, across);
      for (int v = 0; v < V; ++v) best[v] = set1(-infinity), place[v] = set1(static_cast<T>(number.now));
      pool_over_taps(s, down, across, window, [&](i64 tap) NNF_LAMBDA_INLINE {
        for (int v = 0; v < V; ++v) {
          const Vec<T> value = lanes.load(x + cell + tap + ch + v * N);
          const Mask<T> stay = stays(best[v], value);
          best[v] = select(stay, best[v], value);
          place[v] = select(stay, place[v], set1(static_cast<T>(number.now)));
        }
        number.advance();
      });
      for (int v = 0; v < V; ++v) {
        lanes.store(y + out + ch + v * N, best[v]);
        store_places(places + out + ch + v * N, place[v], lanes);
      }
    });
  });
}
template <class T>
void max_pool_nhwc_indices(const PoolShape& s, i64 row0, i64 row1, const T* x, T* y, i64* indices) {
  max_pool_places<true>(s, row0, row1, x, y, indices);
}
template <class T>
void max_pool_nhwc_bytes(const PoolShape& s, i64 row0, i64 row1, const T* x, T* y, unsigned char* places) {
  max_pool_places<false>(s, row0, row1, x, y, places);
}
template <class T>
void max_pool_nhwc_wide(const PoolShape& s, i64 row0, i64 row1, const T* x, T* y, T* places) {
  max_pool_places<false>(s, row0, row1, x, y, places);
}

template <class T>
void avg_pool_nhwc(const PoolShape& s, i64 row0, i64 row1, const T* x, T* y) {
  constexpr i64 N = Vec<T>::N;
  pool_over_pixels(s, row0, row1, [&](i64 out, i64 cell, PoolTaps down, PoolTaps across,
                                  auto window) NNF_LAMBDA_INLINE {
    const i64 divisor = down.divisor * across.divisor;
    const Vec<T> divide = set1(static_cast<T>(divisor > 0 ? divisor : 1));  // a window of no cells averages to 0
    pool_over_channels<T>(s.c, [&](i64 ch, auto vectors, auto lanes) NNF_LAMBDA_INLINE {
      constexpr int V = decltype(vectors)::count;
      Vec<T> total[V];
      for (int v = 0; v < V; ++v) total[v] = zero<T>();
      pool_over_taps(s, down, across, window, [&](i64 tap) NNF_LAMBDA_INLINE {
        for (int v = 0; v < V; ++v) total[v] = total[v] + lanes.load(x + cell + tap + ch + v * N);
      });
      for (int v = 0; v < V; ++v) lanes.store(y + out + ch + v * N, total[v] / divide);
    });
  });
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_POOL_POOL_INL_H
