// Batch normalisation: column moments and sums by pieces of rows, the pieces combined in order.
#include <algorithm>
#include <cmath>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/norm/combine.h"
#include "kernels/norm/norm.h"

namespace nnf {
namespace {

// Costs of an element in parallel_for's unit.
constexpr i64 kSumCost = 4, kApplyCost = 3;

// f(first row, rows) over blocks of about 16384 elements.
template <class F>
void over_row_blocks(i64 rows, i64 c, i64 cost, F f) {
  const i64 block = std::max<i64>(1, 16384 / c);
  parallel_for(ceil_div(rows, block), block * c * cost, [&](i64 begin, i64 end) {
    const i64 first = begin * block;
    f(first, std::min(end * block, rows) - first);
  });
}

// kernel(first row, rows, partial) fills partial (2, c) for every piece of kMomentRows rows.
template <class T, class F>
T* over_pieces(i64 rows, i64 c, F kernel) {
  const i64 pieces = ceil_div(rows, kMomentRows);
  T* partial = thread_scratch<T>(Scratch::reduce, pieces * 2 * c);
  parallel_for(pieces, std::min(rows, kMomentRows) * c * kSumCost, [&](i64 begin, i64 end) {
    for (i64 p = begin; p < end; ++p) {
      const i64 first = p * kMomentRows;
      kernel(first, std::min(kMomentRows, rows - first), partial + p * 2 * c);
    }
  });
  return partial;
}

}  // namespace

template <class T>
void channel_moments(i64 rows, i64 c, const T* x, T* mean, T* variance) {
  const ColumnMomentsFn<T> kernel = kernels<T>().column_moments;
  const T* partial = over_pieces<T>(
      rows, c, [&](i64 first, i64 count, T* out) { kernel(count, c, x + first * c, out, out + c); });
  for (i64 j = 0; j < c; ++j) {
    Moments m;
    for (i64 first = 0; first < rows; first += kMomentRows) {
      const T* p = partial + first / kMomentRows * 2 * c + j;
      m.add(static_cast<double>(std::min(kMomentRows, rows - first)), static_cast<double>(p[0]),
            static_cast<double>(p[c]));
    }
    mean[j] = static_cast<T>(m.mean);
    variance[j] = static_cast<T>(m.m2 / static_cast<double>(rows));
  }
}

template <class T>
void inverse_deviation(i64 c, const T* variance, double eps, T* rstd) {
  for (i64 j = 0; j < c; ++j) rstd[j] = static_cast<T>(1.0 / std::sqrt(static_cast<double>(variance[j]) + eps));
}

template <class T>
void update_running(i64 rows, i64 c, double factor, const T* mean, const T* variance, T* running_mean, T* running_var) {
  const double unbiased = static_cast<double>(rows) / static_cast<double>(rows - 1);
  for (i64 j = 0; j < c; ++j) {
    running_mean[j] = static_cast<T>((1 - factor) * static_cast<double>(running_mean[j]) +
                                     factor * static_cast<double>(mean[j]));
    running_var[j] = static_cast<T>((1 - factor) * static_cast<double>(running_var[j]) +
                                    factor * unbiased * static_cast<double>(variance[j]));
  }
}

template <class T>
void batch_norm_forward(i64 rows, i64 c, const T* x, const T* mean, const T* rstd, const T* weight, const T* bias,
                        T* y) {
  T* scale = thread_scratch<T>(Scratch::norm, 2 * c);
  T* shift = scale + c;
  for (i64 j = 0; j < c; ++j) {
    scale[j] = weight != nullptr ? rstd[j] * weight[j] : rstd[j];
    shift[j] = bias != nullptr ? bias[j] : T(0);
  }
  const ColumnAffineFn<T> kernel = kernels<T>().column_affine;
  over_row_blocks(rows, c, kApplyCost, [&](i64 first, i64 count) {
    kernel(count, c, x + first * c, mean, scale, shift, y + first * c);
  });
}

template <class T>
void batch_norm_backward(i64 rows, i64 c, const T* g, const T* x, const T* mean, const T* rstd, const T* weight,
                         bool batch_statistics, T* gx, T* gweight, T* gbias, bool accumulate) {
  const KernelTable<T>& k = kernels<T>();
  T* a = thread_scratch<T>(Scratch::norm, 3 * c);
  T *b = a + c, *d = b + c;
  for (i64 j = 0; j < c; ++j) {
    a[j] = weight != nullptr ? rstd[j] * weight[j] : rstd[j];
    b[j] = d[j] = T(0);
  }
  if (gweight != nullptr || gbias != nullptr || batch_statistics) {
    const T* partial = over_pieces<T>(rows, c, [&](i64 first, i64 count, T* out) {
      k.column_grad_sums(count, c, g + first * c, x + first * c, mean, out, out + c);
    });
    const i64 pieces = ceil_div(rows, kMomentRows);
    for (i64 j = 0; j < c; ++j) {
      double sum_g = 0, sum_gx = 0;
      for (i64 p = 0; p < pieces; ++p) {
        sum_g += static_cast<double>(partial[p * 2 * c + j]);
        sum_gx += static_cast<double>(partial[p * 2 * c + c + j]);
      }
      const double r = static_cast<double>(rstd[j]), factor = static_cast<double>(a[j]);
      if (gweight != nullptr) gweight[j] = (accumulate ? gweight[j] : T(0)) + static_cast<T>(sum_gx * r);
      if (gbias != nullptr) gbias[j] = (accumulate ? gbias[j] : T(0)) + static_cast<T>(sum_g);
      if (batch_statistics) {
        b[j] = static_cast<T>(-factor * r * r * sum_gx / static_cast<double>(rows));
        d[j] = static_cast<T>(-factor * sum_g / static_cast<double>(rows));
      }
    }
  }
  if (gx == nullptr) return;
  over_row_blocks(rows, c, kApplyCost, [&](i64 first, i64 count) {
    const i64 at = first * c;
    if (batch_statistics) {
      k.column_norm_backward(count, c, g + at, x + at, mean, a, b, d, gx + at);
    } else {
      k.column_affine(count, c, g + at, d, a, b, gx + at);  // b and d are 0
    }
  });
}

#define NNF_INSTANTIATE(T)                                                                                     \
  template void channel_moments<T>(i64, i64, const T*, T*, T*);                                                \
  template void inverse_deviation<T>(i64, const T*, double, T*);                                               \
  template void update_running<T>(i64, i64, double, const T*, const T*, T*, T*);                               \
  template void batch_norm_forward<T>(i64, i64, const T*, const T*, const T*, const T*, const T*, T*);         \
  template void batch_norm_backward<T>(i64, i64, const T*, const T*, const T*, const T*, const T*, bool, T*, T*, \
                                       T*, bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
