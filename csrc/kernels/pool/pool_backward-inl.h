// Gradients of the channels-last pooling kernels of contract.h: every window gives to its cells. Where windows tile the
// images it writes them, elsewhere it adds to zeros. (Gathering, for every cell, from the windows over it, which writes
// cells once and reads none, took 1.3 to 1.9 times as long for 3x3 windows two apart: the search for these windows.)
#ifndef NNF_KERNELS_POOL_POOL_BACKWARD_INL_H
#define NNF_KERNELS_POOL_POOL_BACKWARD_INL_H

#include "kernels/layout/split-inl.h"
#include "kernels/pool/pool-inl.h"

namespace nnf {
namespace {

template <class T>
NNF_INLINE Mask<T> places_are(const unsigned char* p, i64 number, AllLanes<T>) {
  return bytes_are<T>(p, static_cast<unsigned char>(number), Vec<T>::N);
}
template <class T>
NNF_INLINE Mask<T> places_are(const unsigned char* p, i64 number, FirstLanes<T> lanes) {
  return bytes_are<T>(p, static_cast<unsigned char>(number), lanes.n);
}
template <class T, class Lanes>
NNF_INLINE Mask<T> places_are(const T* p, i64 number, Lanes lanes) {
  return eq(lanes.load(p), set1(static_cast<T>(number)));
}

// What a window gives: `all` of it to begin with, and of that its tap `number`; `at`: the window's channels in g.
template <class T, class P>
struct MaxShare {
  const T* g;
  const P* places;
  template <class Lanes>
  NNF_INLINE Vec<T> all(i64 at, i64, Lanes lanes) const {
    return lanes.load(g + at);
  }
  template <class Lanes>
  NNF_INLINE Vec<T> part(Vec<T> all, i64 at, i64 number, Lanes lanes) const {
    return select(places_are<T>(places + at, number, lanes), all, zero<T>());
  }
};
template <class T>
struct AvgShare {
  const T* g;
  template <class Lanes>
  NNF_INLINE Vec<T> all(i64 at, i64 divisor, Lanes lanes) const {
    return lanes.load(g + at) / set1(static_cast<T>(divisor > 0 ? divisor : 1));
  }
  template <class Lanes>
  NNF_INLINE Vec<T> part(Vec<T> all, i64, i64, Lanes) const {
    return all;
  }
};

template <class T, bool Tiles, class Share>
NNF_INLINE void pool_give(const PoolShape& s, i64 row0, i64 row1, T* gx, Share share) {
  constexpr i64 N = Vec<T>::N;
  pool_over_pixels(s, row0, row1, [&](i64 out, i64 cell, PoolTaps down, PoolTaps across,
                                  auto window) NNF_LAMBDA_INLINE {
    const i64 divisor = down.divisor * across.divisor;
    pool_over_channels<T>(s.c, [&](i64 ch, auto vectors, auto lanes) NNF_LAMBDA_INLINE {
      constexpr int V = decltype(vectors)::count;
      Vec<T> all[V];
      for (int v = 0; v < V; ++v) all[v] = share.all(out + ch + v * N, divisor, lanes);
      TapNumbers<false> number(s, down, across);
      pool_over_taps(s, down, across, window, [&](i64 tap) NNF_LAMBDA_INLINE {
        for (int v = 0; v < V; ++v) {
          const Vec<T> part = share.part(all[v], out + ch + v * N, number.now, lanes);
          T* to = gx + cell + tap + ch + v * N;
          lanes.store(to, Tiles ? part : lanes.load(to) + part);
        }
        number.advance();
      });
    });
  });
}

// By indices, which are read and checked once a window.
template <class T, bool Tiles>
NNF_INLINE bool pool_give_by_index(const PoolShape& s, i64 row0, i64 row1, const T* g, const i64* indices, T* gx) {
  constexpr i64 N = Vec<T>::N;
  bool good = true;
  pool_over_pixels(s, row0, row1, [&](i64 out, i64 cell, PoolTaps down, PoolTaps across,
                                  auto window) NNF_LAMBDA_INLINE {
    const bool empty = down.last <= down.first || across.last <= across.first;
    pool_over_channels<T>(s.c, [&](i64 ch, auto vectors, auto lanes) NNF_LAMBDA_INLINE {
      constexpr int V = decltype(vectors)::count;
      Vec<T> share[V], index[V];
      Mask<T> found[V];
      for (int v = 0; v < V; ++v) {
        const i64 at = out + ch + v * N, count = s.c - ch - v * N;
        share[v] = lanes.load(g + at);
        index[v] = load_i64<T>(indices + at, count);
        found[v] = !first_n<T>(count);
      }
      TapNumbers<true> number(s, down, across);
      pool_over_taps(s, down, across, window, [&](i64 tap) NNF_LAMBDA_INLINE {
        for (int v = 0; v < V; ++v) {
          const Mask<T> here = eq(index[v], set1(static_cast<T>(number.now)));
          const Vec<T> part = select(here, share[v], zero<T>());
          T* to = gx + cell + tap + ch + v * N;
          lanes.store(to, Tiles ? part : lanes.load(to) + part);
          found[v] = found[v] | here;
        }
        number.advance();
      });
      for (int v = 0; v < V; ++v) good = good && (empty || all(found[v]));
    });
  });
  return good;
}

template <class T>
bool max_pool_nhwc_indices_backward(const PoolShape& s, i64 row0, i64 row1, const T* g, const i64* indices, T* gx) {
  if (s.tiles) return pool_give_by_index<T, true>(s, row0 / s.kh, row1 / s.kh, g, indices, gx);
  fill_line((row1 - row0) * s.w * s.c, T(0), gx + row0 * s.w * s.c);
  return pool_give_by_index<T, false>(s, row0 / s.h * s.oh, row1 / s.h * s.oh, g, indices, gx);
}

template <class T, class Share>
NNF_INLINE void pool_give(const PoolShape& s, i64 row0, i64 row1, T* gx, Share share) {
  if (s.tiles) return pool_give<T, true>(s, row0 / s.kh, row1 / s.kh, gx, share);
  fill_line((row1 - row0) * s.w * s.c, T(0), gx + row0 * s.w * s.c);
  pool_give<T, false>(s, row0 / s.h * s.oh, row1 / s.h * s.oh, gx, share);
}

template <class T>
void max_pool_nhwc_bytes_backward(const PoolShape& s, i64 row0, i64 row1, const T* g, const unsigned char* places,
                                  T* gx) {
  pool_give<T>(s, row0, row1, gx, MaxShare<T, unsigned char>{g, places});
}
template <class T>
void max_pool_nhwc_wide_backward(const PoolShape& s, i64 row0, i64 row1, const T* g, const T* places, T* gx) {
  pool_give<T>(s, row0, row1, gx, MaxShare<T, T>{g, places});
}
template <class T>
void avg_pool_nhwc_backward(const PoolShape& s, i64 row0, i64 row1, const T* g, T* gx) {
  pool_give<T>(s, row0, row1, gx, AvgShare<T>{g});
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_POOL_POOL_BACKWARD_INL_H
