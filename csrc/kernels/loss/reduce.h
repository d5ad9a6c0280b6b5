// Sums of losses and the factors of their gradients: what elementwise.cpp and classes.cpp share.
#ifndef NNF_KERNELS_LOSS_REDUCE_H
#define NNF_KERNELS_LOSS_REDUCE_H

#include <algorithm>
#include <limits>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/loss/loss.h"

namespace nnf {

// The two halves of loss_of_batch; see there.
template <class T>
double elementwise_loss(nnf_loss kind, const nnf_loss_options& options, const LossBatch<T>& batch, T* loss, const T* g,
                        T* gx);
template <class T>
double class_loss(nnf_loss kind, const nnf_loss_options& options, const LossBatch<T>& batch, T* loss, const T* g, T* gx);

// Halves down to 16 terms; the error grows with the logarithm of n.
template <class T>
double pairwise_sum(i64 n, const T* x) {
  if (n > 16) {
    const i64 half = n / 2;
    return pairwise_sum(half, x) + pairwise_sum(n - half, x + half);
  }
  double s = 0;
  for (i64 i = 0; i < n; ++i) s += static_cast<double>(x[i]);
  return s;
}

// What a reduction makes of a sum; the mean of nothing is NaN.
template <class T>
T reduced(nnf_reduction red, double divisor, double sum) {
  if (red == NNF_REDUCE_SUM) return static_cast<T>(sum);
  return divisor == 0 ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(sum / divisor);
}

// The factor of term i's gradient is p[i * stride]: g for each term, or one number for all of them, over the mean's
// divisor. The gradient of the mean of nothing is 0.
template <class T>
struct Scale {
  T all = T(1);
  const T* p = nullptr;
  i64 stride = 0;

  Scale(nnf_reduction red, double divisor, const T* g) {
    if (g != nullptr && red == NNF_REDUCE_NONE) {
      p = g;
      stride = 1;
      return;
    }
    const double one = g != nullptr ? static_cast<double>(*g) : 1.0;
    const bool mean = red == NNF_REDUCE_MEAN || red == NNF_REDUCE_BATCH_MEAN;
    all = static_cast<T>(!mean ? one : divisor == 0 ? 0.0 : one / divisor);
    p = &all;
  }
  Scale(const Scale&) = delete;
  Scale& operator=(const Scale&) = delete;
  T value(i64 i) const { return p[i * stride]; }
};

// Elements of a task of rows: microseconds' work that stays in the second-level cache. Besides its elements a row costs
// this much, in parallel_for's unit, of which 6 to 8 make a nanosecond here.
constexpr i64 kRowElements = 8192, kRowCost = 50;

// f(first, count) over blocks of rows of `width` elements each, `cost` an element.
template <class F>
void over_rows(i64 rows, i64 width, i64 cost, F f) {
  if (rows <= 0) return;
  const i64 block = std::max<i64>(1, kRowElements / std::max<i64>(1, width));
  parallel_for(ceil_div(rows, block), block * (width * cost + kRowCost), [&](i64 begin, i64 end) {
    const i64 first = begin * block;
    f(first, std::min(end * block, rows) - first);
  });
}

}  // namespace nnf

#endif  // NNF_KERNELS_LOSS_REDUCE_H
