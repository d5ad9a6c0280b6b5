// PReLU with a slope a column, and the gradients of slopes (contract.h). One slope over an array is leaky_relu.
#ifndef NNF_KERNELS_ELEMENTWISE_PRELU_INL_H
#define NNF_KERNELS_ELEMENTWISE_PRELU_INL_H

#include "kernels/elementwise/contract.h"
#include "simd/loop-inl.h"

namespace nnf {
namespace {

template <class T>
void prelu_rows(i64 rows, i64 n, const T* x, const T* w, T* y) {
  for (i64 r = 0; r < rows; ++r, x += n, y += n) {
    for_each_vector<T>(n, [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
      const Vec<T> v = lanes.load(x + j);
      lanes.store(y + j, select(gt(v, zero<T>()), v, v * lanes.load(w + j)));
    });
  }
}

template <class T>
void prelu_rows_backward(i64 rows, i64 n, const T* g, const T* x, const T* w, T* gx) {
  for (i64 r = 0; r < rows; ++r, g += n, x += n, gx += n) {
    for_each_vector<T>(n, [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
      const Vec<T> v = lanes.load(g + j);
      lanes.store(gx + j, select(gt(lanes.load(x + j), zero<T>()), v, v * lanes.load(w + j)));
    });
  }
}

// What an element adds to its slope's gradient. Lanes beyond the array load as 0 and add 0.
template <class T>
NNF_INLINE Vec<T> prelu_slope_term(Vec<T> g, Vec<T> x) {
  return select(gt(x, zero<T>()), zero<T>(), g * x);
}

template <class T>
T prelu_slope_sum(i64 n, const T* g, const T* x) {
  return tree_sum<T>(n, [=](i64 i, auto lanes)
                            NNF_LAMBDA_INLINE { return prelu_slope_term(lanes.load(g + i), lanes.load(x + i)); });
}

template <class T>
void prelu_slope_columns(i64 rows, i64 n, const T* g, const T* x, T* out) {
  for_each_vector<T>(n, [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
    Vec<T> s = zero<T>();
    for (i64 i = 0; i < rows; ++i) s = s + prelu_slope_term(lanes.load(g + i * n + j), lanes.load(x + i * n + j));
    lanes.store(out + j, s);
  });
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_ELEMENTWISE_PRELU_INL_H
