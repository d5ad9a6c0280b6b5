// Group normalisation: a sample is a task; its columns' moments are combined to its groups'.
#include <algorithm>
#include <cmath>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/norm/combine.h"
#include "kernels/norm/norm.h"

namespace nnf {
namespace {

constexpr i64 kForwardCost = 8, kBackwardCost = 16;  // of an element, in parallel_for's unit

// What a sample's columns need, each (c); the calling thread's scratch.
template <class T>
struct Columns {
  explicit Columns(i64 c) {
    T* p = thread_scratch<T>(Scratch::norm, 9 * c);
    for (T** field : {&piece_a, &piece_b, &mean, &rstd, &scale, &shift, &b, &sum_g, &sum_gx}) {
      *field = p;
      p += c;
    }
  }
  T *piece_a, *piece_b, *mean, *rstd, *scale, *shift, *b, *sum_g, *sum_gx;
};

// mean and rstd of every column's group, for the one sample x (inner, c).
template <class T>
void group_moments(i64 inner, i64 c, i64 groups, const T* x, double eps, const Columns<T>& s) {
  const i64 width = c / groups;
  double* sums = thread_scratch<double>(Scratch::norm_sums, 3 * groups);  // (groups, count mean m2)
  std::fill(sums, sums + 3 * groups, 0.0);
  for (i64 first = 0; first < inner; first += kMomentRows) {
    const i64 rows = std::min(kMomentRows, inner - first);
    kernels<T>().column_moments(rows, c, x + first * c, s.piece_a, s.piece_b);
    for (i64 j = 0; j < c; ++j) {
      double* m = sums + j / width * 3;
      Moments whole{m[0], m[1], m[2]};
      whole.add(static_cast<double>(rows), static_cast<double>(s.piece_a[j]), static_cast<double>(s.piece_b[j]));
      m[0] = whole.count;
      m[1] = whole.mean;
      m[2] = whole.m2;
    }
  }
  for (i64 j = 0; j < c; ++j) {
    const double* m = sums + j / width * 3;
    s.mean[j] = static_cast<T>(m[1]);
    s.rstd[j] = static_cast<T>(1.0 / std::sqrt(m[2] / m[0] + eps));
  }
}

}  // namespace

template <class T>
void group_norm_forward(i64 n, i64 inner, i64 c, i64 groups, const T* x, const T* weight, const T* bias, double eps,
                        T* y) {
  if (n <= 0 || inner <= 0) return;
  parallel_for(n, inner * c * kForwardCost, [&](i64 begin, i64 end) {
    const Columns<T> s(c);
    for (i64 i = begin; i < end; ++i) {
      group_moments<T>(inner, c, groups, x + i * inner * c, eps, s);
      for (i64 j = 0; j < c; ++j) {
        s.scale[j] = weight != nullptr ? s.rstd[j] * weight[j] : s.rstd[j];
        s.shift[j] = bias != nullptr ? bias[j] : T(0);
      }
      kernels<T>().column_affine(inner, c, x + i * inner * c, s.mean, s.scale, s.shift, y + i * inner * c);
    }
  });
}

template <class T>
void group_norm_backward(i64 n, i64 inner, i64 c, i64 groups, const T* g, const T* x, const T* weight, double eps,
                         T* gx, T* gweight, T* gbias, bool accumulate) {
  const i64 width = c / groups;
  // Every sample's share of gweight and gbias: (n, 2, c), added up in order below.
  T* shares = thread_scratch<T>(Scratch::reduce, n * 2 * c);
  if (inner <= 0) std::fill(shares, shares + n * 2 * c, T(0));
  if (inner > 0) {
    parallel_for(n, inner * c * kBackwardCost, [&](i64 begin, i64 end) {
      const Columns<T> s(c);
      for (i64 i = begin; i < end; ++i) {
        const T *xi = x + i * inner * c, *gi = g + i * inner * c;
        T* share = shares + i * 2 * c;
        group_moments<T>(inner, c, groups, xi, eps, s);
        std::fill(s.sum_g, s.sum_g + c, T(0));
        std::fill(s.sum_gx, s.sum_gx + c, T(0));
        for (i64 first = 0; first < inner; first += kMomentRows) {
          kernels<T>().column_grad_sums(std::min(kMomentRows, inner - first), c, gi + first * c, xi + first * c, s.mean,
                                        s.piece_a, s.piece_b);
          for (i64 j = 0; j < c; ++j) {
            s.sum_g[j] += s.piece_a[j];
            s.sum_gx[j] += s.piece_b[j];
          }
        }
        for (i64 j = 0; j < c; ++j) {
          share[j] = s.sum_gx[j] * s.rstd[j];
          share[c + j] = s.sum_g[j];
        }
        if (gx == nullptr) continue;
        const double count = static_cast<double>(width * inner);
        for (i64 first = 0; first < c; first += width) {
          double h = 0, hx = 0;
          for (i64 j = first; j < first + width; ++j) {
            const double w = weight != nullptr ? static_cast<double>(weight[j]) : 1.0;
            h += w * static_cast<double>(s.sum_g[j]);
            hx += w * static_cast<double>(s.sum_gx[j]);
          }
          const double r = static_cast<double>(s.rstd[first]);
          for (i64 j = first; j < first + width; ++j) {
            s.scale[j] = weight != nullptr ? s.rstd[j] * weight[j] : s.rstd[j];
            s.b[j] = static_cast<T>(-r * r * r * hx / count);
            s.shift[j] = static_cast<T>(-r * h / count);
          }
        }
        kernels<T>().column_norm_backward(inner, c, gi, xi, s.mean, s.scale, s.b, s.shift, gx + i * inner * c);
      }
    });
  }
  const ColumnSumFn<T> column_sum = kernels<T>().column_sum;
  if (gweight != nullptr) column_sum(n, c, shares, 2 * c, gweight, accumulate);
  if (gbias != nullptr) column_sum(n, c, shares + c, 2 * c, gbias, accumulate);
}

#define NNF_INSTANTIATE(T)                                                                                          \
  template void group_norm_forward<T>(i64, i64, i64, i64, const T*, const T*, const T*, double, T*);                \
  template void group_norm_backward<T>(i64, i64, i64, i64, const T*, const T*, const T*, double, T*, T*, T*, bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
