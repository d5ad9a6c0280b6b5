// Moments, normalisation and its gradient, over columns and over rows. The contract is in contract.h.
//
// Variances are taken in two passes, about the mean just found: the one-pass form, mean of squares less square of mean,
// loses every digit when the mean is large beside the deviation (Chan, Golub, LeVeque, "Algorithms for computing the
// sample variance", 1983). Callers hand over pieces that stay in the cache between the passes.
//
// The mean and variance of equal elements are exactly theirs and 0: the rounded mean of a plain sum is not theirs, and
// what is left of them would be blown up by 1 / sqrt(eps). See any_suspect.
#ifndef NNF_KERNELS_NORM_NORM_INL_H
#define NNF_KERNELS_NORM_NORM_INL_H

#include "kernels/norm/contract.h"
#include "simd/loop-inl.h"

namespace nnf {
namespace {

// strip(j) for the columns j.. of four whole vectors, whose sums overlap in time; single(j, lanes) for those left.
template <class T, class Strip, class Single>
NNF_INLINE void over_column_strips(i64 n, Strip strip, Single single) {
  constexpr i64 N = Vec<T>::N;
  i64 j = 0;
  for (; j + 4 * N <= n; j += 4 * N) strip(j);
  for_each_vector<T>(n - j, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { single(j + i, lanes); });
}

// Where a variance about the rounded mean of a plain sum is below this, both are taken once more about the first
// element: equal elements deviate from their rounded mean by a few units in its last place, here 64. (Subtracting the
// first element always costs short rows up to a sixth, columns up to a tenth.)
template <class T>
NNF_INLINE bool any_suspect(Vec<T> mean, Vec<T> variance) {
  const Vec<T> slack = mean * set1<T>(sizeof(T) == 4 ? T(0x1p-17) : T(0x1p-46));
  return any(le(variance, slack * slack) & lt(zero<T>(), abs(mean)));  // the mean of zeros is right
}

// f(i, k) adds row i to the k-th of R sums: R rows at a time, whose additions overlap; the rows left go to sum 0. With
// four sums, columns of one vector take half to 0.6 of the time.
template <int R, class F>
NNF_INLINE void over_rows_in_turn(i64 rows, F f) {
  i64 i = 0;
  for (; i + R <= rows; i += R) {
    for (int k = 0; k < R; ++k) f(i + k, k);
  }
  for (; i < rows; ++i) f(i, 0);
}
// The R partial sums of vector v, which stand at [k * V + v].
template <int V, int R, class T>
NNF_INLINE Vec<T> sum_in_turn(const Vec<T> (&part)[V * R], int v) {
  if constexpr (R == 4) return (part[v] + part[V + v]) + (part[2 * V + v] + part[3 * V + v]);
  return part[v];
}

// The moments of the columns of V vectors from x on, whose rows are n apart.
template <class T, int V, int R, bool kAboutFirst, class Lanes>
NNF_INLINE void strip_moments_about(i64 rows, i64 n, const T* x, Lanes lanes, Vec<T>* mean, Vec<T>* m2) {
  constexpr i64 N = Vec<T>::N;
  const Vec<T> inverse = set1<T>(T(1) / static_cast<T>(rows));
  Vec<T> first[V], s[V * R], q[V * R];
  for (int v = 0; v < V; ++v) first[v] = kAboutFirst ? lanes.load(x + v * N) : zero<T>();
  for (int v = 0; v < V * R; ++v) s[v] = q[v] = zero<T>();
  over_rows_in_turn<R>(rows, [&](i64 i, int k) NNF_LAMBDA_INLINE {
    for (int v = 0; v < V; ++v) {
      const Vec<T> xi = lanes.load(x + i * n + v * N);
      s[k * V + v] = s[k * V + v] + (kAboutFirst ? xi - first[v] : xi);
    }
  });
  for (int v = 0; v < V; ++v) mean[v] = fma(sum_in_turn<V, R>(s, v), inverse, first[v]);
  over_rows_in_turn<R>(rows, [&](i64 i, int k) NNF_LAMBDA_INLINE {
    for (int v = 0; v < V; ++v) {
      const Vec<T> d = lanes.load(x + i * n + v * N) - mean[v];
      q[k * V + v] = fma(d, d, q[k * V + v]);
    }
  });
  for (int v = 0; v < V; ++v) m2[v] = sum_in_turn<V, R>(q, v);
}

template <class T, int V, int R, class Lanes>
NNF_INLINE void strip_moments(i64 rows, i64 n, const T* x, Lanes lanes, T* mean, T* m2) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> s[V], q[V];
  strip_moments_about<T, V, R, false>(rows, n, x, lanes, s, q);
  bool suspect = false;
  for (int v = 0; v < V; ++v) suspect |= any_suspect(s[v], q[v] * set1<T>(T(1) / static_cast<T>(rows)));
  if (__builtin_expect(suspect, 0)) strip_moments_about<T, V, R, true>(rows, n, x, lanes, s, q);
  for (int v = 0; v < V; ++v) {
    lanes.store(mean + v * N, s[v]);
    lanes.store(m2 + v * N, q[v]);
  }
}

template <class T>
void column_moments(i64 rows, i64 n, const T* x, T* mean, T* m2) {
  over_column_strips<T>(
      n, [=](i64 j) NNF_LAMBDA_INLINE { strip_moments<T, 4, 1>(rows, n, x + j, AllLanes<T>{}, mean + j, m2 + j); },
      [=](i64 j, auto lanes) NNF_LAMBDA_INLINE { strip_moments<T, 1, 4>(rows, n, x + j, lanes, mean + j, m2 + j); });
}

template <class T>
void column_affine(i64 rows, i64 n, const T* x, const T* mean, const T* scale, const T* shift, T* y) {
  for (i64 i = 0; i < rows; ++i, x += n, y += n) {
    for_each_vector<T>(n, [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
      lanes.store(y + j, fma(lanes.load(x + j) - lanes.load(mean + j), lanes.load(scale + j), lanes.load(shift + j)));
    });
  }
}

template <class T, int V, int R, class Lanes>
NNF_INLINE void strip_grad_sums(i64 rows, i64 n, const T* g, const T* x, Lanes lanes, const T* mean, T* sum_g,
                                T* sum_gx) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> m[V], s[V * R], p[V * R];
  for (int v = 0; v < V; ++v) m[v] = lanes.load(mean + v * N);
  for (int v = 0; v < V * R; ++v) s[v] = p[v] = zero<T>();
  over_rows_in_turn<R>(rows, [&](i64 i, int k) NNF_LAMBDA_INLINE {
    for (int v = 0; v < V; ++v) {
      const Vec<T> gi = lanes.load(g + i * n + v * N);
      s[k * V + v] = s[k * V + v] + gi;
      p[k * V + v] = fma(gi, lanes.load(x + i * n + v * N) - m[v], p[k * V + v]);
    }
  });
  for (int v = 0; v < V; ++v) {
    lanes.store(sum_g + v * N, sum_in_turn<V, R>(s, v));
    lanes.store(sum_gx + v * N, sum_in_turn<V, R>(p, v));
  }
}

template <class T>
void column_grad_sums(i64 rows, i64 n, const T* g, const T* x, const T* mean, T* sum_g, T* sum_gx) {
  over_column_strips<T>(
      n,
      [=](i64 j) NNF_LAMBDA_INLINE {
        strip_grad_sums<T, 4, 1>(rows, n, g + j, x + j, AllLanes<T>{}, mean + j, sum_g + j, sum_gx + j);
      },
      [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
        strip_grad_sums<T, 1, 4>(rows, n, g + j, x + j, lanes, mean + j, sum_g + j, sum_gx + j);
      });
}

template <class T>
void column_norm_backward(i64 rows, i64 n, const T* g, const T* x, const T* mean, const T* a, const T* b, const T* c,
                          T* gx) {
  for (i64 i = 0; i < rows; ++i, g += n, x += n, gx += n) {
    for_each_vector<T>(n, [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
      const Vec<T> d = lanes.load(x + j) - lanes.load(mean + j);
      const Vec<T> rest = fma(lanes.load(b + j), d, lanes.load(c + j));
      lanes.store(gx + j, fma(lanes.load(a + j), lanes.load(g + j), rest));
    });
  }
}

template <class T>
struct RowMoments {
  Vec<T> mean, rstd;  // rstd = 1 / sqrt(variance + eps)
};

// The variance of a row about a mean.
template <class T>
NNF_INLINE T row_variance(i64 len, const T* x, T inverse, Vec<T> mean) {
  const T m2 = tree_sum<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    const Vec<T> d = lanes.or_else(lanes.load(x + i) - mean, zero<T>());
    return d * d;
  });
  return m2 * inverse;
}

template <class T>
NNF_INLINE RowMoments<T> finish_moments(Vec<T> mean, T variance, T eps) {
  return {mean, set1<T>(T(1)) / sqrt(set1<T>(variance + eps))};
}

template <class T>
__attribute__((noinline)) RowMoments<T> row_moments_about_first(i64 len, const T* x, T eps) {
  const T inverse = T(1) / static_cast<T>(len);
  const Vec<T> first = set1<T>(x[0]);
  const T rest = tree_sum<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    return lanes.or_else(lanes.load(x + i) - first, zero<T>());
  });
  const Vec<T> mean = set1<T>(x[0] + rest * inverse);
  return finish_moments(mean, row_variance(len, x, inverse, mean), eps);
}

template <class T>
NNF_INLINE RowMoments<T> row_moments(i64 len, const T* x, T eps) {
  const T inverse = T(1) / static_cast<T>(len);
  const T mean = inverse * tree_sum<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { return lanes.load(x + i); });
  const T variance = row_variance(len, x, inverse, set1<T>(mean));
  if (__builtin_expect(any_suspect(set1<T>(mean), set1<T>(variance)), 0)) return row_moments_about_first(len, x, eps);
  return finish_moments(set1<T>(mean), variance, eps);
}

template <class T>
void layer_norm_rows(i64 rows, i64 len, const T* x, const T* weight, const T* bias, T eps, T* y) {
  const i64 ahead = next_row<T>(len);
  for (i64 r = 0; r < rows; ++r, x += len, y += len) {
    const RowMoments<T> m = row_moments<T>(len, x, eps);
    for_each_vector<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      fetch(x + ahead + i);
      fetch(y + ahead + i);
      Vec<T> z = (lanes.load(x + i) - m.mean) * m.rstd;
      if (weight != nullptr) z = z * lanes.load(weight + i);
      if (bias != nullptr) z = z + lanes.load(bias + i);
      lanes.store(y + i, z);
    });
  }
}

template <class T>
void layer_norm_rows_backward(i64 rows, i64 len, const T* g, const T* x, const T* weight, T eps, T* gx, T* gweight,
                              T* gbias) {
  const T inverse = T(1) / static_cast<T>(len);
  const i64 ahead = next_row<T>(len);
  for (i64 r = 0; r < rows; ++r, g += len, x += len) {
    const RowMoments<T> m = row_moments<T>(len, x, eps);
    Vec<T> mean_h = zero<T>(), mean_hz = mean_h;
    if (gx != nullptr) {
      // h is 0 in the lanes beyond the row, and so are both terms unless the row holds a NaN or an infinity.
      const auto h = [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
        return weight != nullptr ? lanes.load(g + i) * lanes.load(weight + i) : lanes.load(g + i);
      };
      mean_h = set1<T>(tree_sum<T>(len, h) * inverse);
      mean_hz = set1<T>(tree_sum<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
                          return h(i, lanes) * ((lanes.load(x + i) - m.mean) * m.rstd);
                        }) * inverse);
    }
    for_each_vector<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      fetch(g + ahead + i);
      fetch(x + ahead + i);
      const Vec<T> gi = lanes.load(g + i), z = (lanes.load(x + i) - m.mean) * m.rstd;
      if (gweight != nullptr) lanes.store(gweight + i, fma(gi, z, lanes.load(gweight + i)));
      if (gbias != nullptr) lanes.store(gbias + i, lanes.load(gbias + i) + gi);
      if (gx != nullptr) {
        const Vec<T> h = weight != nullptr ? gi * lanes.load(weight + i) : gi;
        lanes.store(gx + i, (h - mean_h - z * mean_hz) * m.rstd);
      }
    });
    if (gx != nullptr) gx += len;
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_NORM_NORM_INL_H
