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

// `rows` rows of x, x_step apart, to places split_step apart. Behind a row's columns whole vectors of `empty` may be
// written; those before, of padding, stay as they are. x lies in memory that ends at `end`.
template <class T>
NNF_INLINE void split_rows(const RowSplit& s, i64 rows, const T* x, i64 x_step, const T* end, T empty, T* split,
                           i64 split_step) {
  constexpr i64 N = Vec<T>::N;
  const i64 n = s.columns, pad = s.pad;
  if (s.step == 1 && n >= N) {
    T* to = split + pad;
    for (; rows > 0; --rows, x += x_step, to += split_step) {
      for (i64 c = 0; c + N <= n; c += N) store(to + c, load(x + c));
      if (n % N != 0) store(to + n - N, load(x + n - N));
    }
  } else if (s.step == 1) {
    const Mask<T> in = first_n<T>(n);
    T* to = split + pad;
    for (; rows > 0; --rows, x += x_step, to += split_step) {
      store(to, select(in, load_before(x, n, end), set1(empty)));
    }
  } else if (s.step == 2) {
    const i64 whole = n / (2 * N) * (2 * N), left = n - whole;
    const Mask<T> evens = first_n<T>((left + 1) / 2), odds = first_n<T>(left / 2);
    T* even = split + (pad & 1) * s.line + pad / 2;
    T* odd = split + ((pad + 1) & 1) * s.line + (pad + 1) / 2;
    for (; rows > 0; --rows, x += x_step, even += split_step, odd += split_step) {
      Vec<T> e, o;
      for (i64 c = 0; c < whole; c += 2 * N) {
        deinterleave(load(x + c), load(x + c + N), &e, &o);
        store(even + c / 2, e);
        store(odd + c / 2, o);
      }
      if (left == 0) continue;
      const T* last = x + whole;
      deinterleave(load_before(last, left, end), load_before(last + N, left - N, end), &e, &o);
      store(even + whole / 2, select(evens, e, set1(empty)));
      store(odd + whole / 2, select(odds, o, set1(empty)));
    }
  } else {
    for (; rows > 0; --rows, x += x_step, split += split_step) {
      T* to = split + pad % s.step * s.line + pad / s.step;
      for (i64 c = 0, phase = pad % s.step; c < n; ++c, ++phase, to += s.line) {
        if (phase == s.step) phase = 0, to -= s.step * s.line - 1;
        *to = x[c];
      }
    }
  }
}
template <class T>
NNF_INLINE void split_row(const RowSplit& s, const T* x, const T* end, T empty, T* split) {
  split_rows(s, 1, x, 0, end, empty, split, 0);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_LAYOUT_SPLIT_INL_H
