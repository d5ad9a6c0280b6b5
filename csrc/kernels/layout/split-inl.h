// Rows of planes split by their columns' places modulo a step ("phases"), so that what a strided window or kernel
// reads for neighbouring outputs lies side by side; and loads and stores at the ends of rows that follow each other
// in memory. Shared by pooling and depthwise convolution of NCHW images.
#ifndef NNF_KERNELS_LAYOUT_SPLIT_INL_H
#define NNF_KERNELS_LAYOUT_SPLIT_INL_H

#include "simd/loop-inl.h"
#include "simd/vec.h"

namespace nnf {
namespace {

// The first n lanes at p (n may exceed a vector, or be less than 0) of memory that ends at `end`; lanes beyond n are
// anything when loaded and may be written when stored.
template <class T>
NNF_INLINE Vec<T> load_before(const T* p, i64 n, const T* end) {
  return end - p >= Vec<T>::N ? load(p) : load_n(p, n > 0 ? n : 0);
}
template <class T>
NNF_INLINE void store_before(T* p, Vec<T> v, i64 n, const T* end) {
  if (end - p >= Vec<T>::N) {
    store(p, v);
  } else {
    store_n(p, v, n > 0 ? n : 0);
  }
}

template <class T>
NNF_INLINE void fill_line(i64 n, T value, T* to) {
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { lanes.store(to + i, set1(value)); });
}

// Column c of a row goes to place (c + pad) / step of phase (c + pad) % step; phases are `line` elements apart.
struct RowSplit {
  i64 columns, step, pad, line;
};

// The columns behind which whole vectors of `empty` may be written; those before, of padding, stay as they are. x
// lies in memory that ends at `end`.
template <class T>
NNF_INLINE void split_row(const RowSplit& s, const T* x, const T* end, T empty, T* split) {
  constexpr i64 N = Vec<T>::N;
  const i64 n = s.columns, pad = s.pad;
  const auto first_of = [&](Vec<T> v, i64 count) NNF_LAMBDA_INLINE {
    return select(first_n<T>(count), v, set1(empty));
  };
  i64 c = 0;
  if (s.step == 1) {
    T* to = split + pad;
    for (; c + N <= n; c += N) store(to + c, load(x + c));
    if (c < n) store(to + c, first_of(load_before(x + c, n - c, end), n - c));
  } else if (s.step == 2) {
    T* even = split + (pad & 1) * s.line + pad / 2;
    T* odd = split + ((pad + 1) & 1) * s.line + (pad + 1) / 2;
    Vec<T> e, o;
    for (; c + 2 * N <= n; c += 2 * N) {
      deinterleave(load(x + c), load(x + c + N), &e, &o);
      store(even + c / 2, e);
      store(odd + c / 2, o);
    }
    if (c < n) {
      deinterleave(load_before(x + c, n - c, end), load_before(x + c + N, n - c - N, end), &e, &o);
      store(even + c / 2, first_of(e, (n - c + 1) / 2));
      store(odd + c / 2, first_of(o, (n - c) / 2));
    }
  } else {
    T* to = split + pad % s.step * s.line + pad / s.step;
    for (i64 phase = pad % s.step; c < n; ++c, ++phase, to += s.line) {
      if (phase == s.step) phase = 0, to -= s.step * s.line - 1;
      *to = x[c];
    }
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_LAYOUT_SPLIT_INL_H
