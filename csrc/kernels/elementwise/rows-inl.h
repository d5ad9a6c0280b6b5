// Sums, scalings and scans of arrays and rows (contract.h).
#ifndef NNF_KERNELS_ELEMENTWISE_ROWS_INL_H
#define NNF_KERNELS_ELEMENTWISE_ROWS_INL_H

#include "kernels/elementwise/contract.h"
#include "simd/loop-inl.h"

namespace nnf {
namespace {

template <class T>
void add_into(i64 n, const T* x, T* y) {
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    lanes.store(y + i, lanes.load(y + i) + lanes.load(x + i));
  });
}

template <class T>
void add_runs(i64 runs, i64 n, const T* x, i64 x_step, T* y, i64 y_step) {
  for (i64 r = 0; r < runs; ++r) add_into(n, x + r * x_step, y + r * y_step);
}

template <class T>
void scale_into(i64 n, const T* x, T s, T* y) {
  const Vec<T> factor = set1<T>(s);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { lanes.store(y + i, lanes.load(x + i) * factor); });
}

// Dense rows narrower than a vector are one array in which the bias repeats every n vectors: these are made once. (A
// masked vector a row took an eighth of a training step of LeNet-5, whose first convolution has 6 channels.)
template <class T>
void bias_add_rows(i64 rows, i64 n, const T* bias, T* c, i64 ldc) {
  constexpr i64 N = Vec<T>::N;
  if (n < N && ldc == n && rows > N) {
    T repeated[N * N];
    for (i64 i = 0; i + 1 < N; ++i) store(repeated + i * n, load_n<T>(bias, n));  // each overlaps the one before
    store_n(repeated + (N - 1) * n, load_n<T>(bias, n), n);
    const i64 period = N * n, total = rows * n;
    i64 i = 0;
    for (; i + period <= total; i += period) {
      for (i64 v = 0; v < period; v += N) store(c + i + v, load<T>(c + i + v) + load<T>(repeated + v));
    }
    add_into(total - i, repeated, c + i);
    return;
  }
  for (i64 r = 0; r < rows; ++r, c += ldc) add_into(n, bias, c);
}

// Whole vectors of columns: eight rows a pass, so that out is loaded and stored once for eight additions and every row
// is read in the order it lies in memory. The last, partial vector stays in a register over all rows (a masked store
// cannot be forwarded to the load that follows). Each column's additions stay in the order of the rows.
template <class T>
void column_sum(i64 rows, i64 n, const T* x, i64 ldx, T* out, bool accumulate) {
  const i64 tail = n % Vec<T>::N, whole = n - tail;
  if (!accumulate) {
    for_each_vector<T>(n, [=](i64 j, auto lanes) NNF_LAMBDA_INLINE { lanes.store(out + j, zero<T>()); });
  }
  i64 r = 0;
  for (; r + 8 <= rows && whole > 0; r += 8) {
    const T* p = x + r * ldx;
    for_each_vector<T>(whole, [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
      Vec<T> s = lanes.load(out + j);
      for (int i = 0; i < 8; ++i) s = s + lanes.load(p + i * ldx + j);
      lanes.store(out + j, s);
    });
  }
  for (; r < rows && whole > 0; ++r) add_into(whole, x + r * ldx, out);
  if (tail == 0) return;
  Vec<T> s = load_n<T>(out + whole, tail);
  for (i64 i = 0; i < rows; ++i) s = s + load_n<T>(x + i * ldx + whole, tail);
  store_n(out + whole, s, tail);
}

// x * 0 is 0 (of either sign) for finite x and NaN otherwise, and a sum keeps a NaN.
template <class T>
bool all_finite(i64 n, const T* x) {
  constexpr i64 N = Vec<T>::N;
  const Vec<T> nought = zero<T>();
  Vec<T> a = nought, b = nought, c = nought, d = nought;
  i64 i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    a = fma(load<T>(x + i), nought, a);
    b = fma(load<T>(x + i + N), nought, b);
    c = fma(load<T>(x + i + 2 * N), nought, c);
    d = fma(load<T>(x + i + 3 * N), nought, d);
  }
  for (; i < n; i += N) a = fma(load_n<T>(x + i, n - i), nought, a);
  return all(eq((a + b) + (c + d), nought));
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_ELEMENTWISE_ROWS_INL_H
