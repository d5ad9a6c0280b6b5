// Moments, normalisation and its gradient, over columns and over rows. The contract is in contract.h.
//
// Variances are taken in two passes, about the mean just found: the one-pass form, mean of squares less square of mean,
// loses every digit when the mean is large beside the deviation (Chan, Golub, LeVeque, "Algorithms for computing the
// sample variance", 1983). Callers hand over pieces that stay in the cache between the passes.
//
// Means are the first element plus the mean of what the others differ from it by. For equal elements that is exact, and
// their variance is 0; the rounded mean of a plain sum is not theirs, and what is left of them would be blown up by
// 1 / sqrt(eps).
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

template <class T>
void column_moments(i64 rows, i64 n, const T* x, T* mean, T* m2) {
  constexpr i64 N = Vec<T>::N;
  const Vec<T> inverse = set1<T>(T(1) / static_cast<T>(rows));
  over_column_strips<T>(
      n,
      [=](i64 j) NNF_LAMBDA_INLINE {
        Vec<T> first[4], s[4], q[4];
        for (int v = 0; v < 4; ++v) {
          first[v] = load<T>(x + j + v * N);
          s[v] = q[v] = zero<T>();
        }
        for (i64 i = 1; i < rows; ++i) {
          for (int v = 0; v < 4; ++v) s[v] = s[v] + (load<T>(x + i * n + j + v * N) - first[v]);
        }
        for (int v = 0; v < 4; ++v) s[v] = fma(s[v], inverse, first[v]);
        for (i64 i = 0; i < rows; ++i) {
          for (int v = 0; v < 4; ++v) {
            const Vec<T> d = load<T>(x + i * n + j + v * N) - s[v];
            q[v] = fma(d, d, q[v]);
          }
        }
        for (int v = 0; v < 4; ++v) {
          store(mean + j + v * N, s[v]);
          store(m2 + j + v * N, q[v]);
        }
      },
      [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
        const Vec<T> first = lanes.load(x + j);
        Vec<T> s = zero<T>(), q = zero<T>();
        for (i64 i = 1; i < rows; ++i) s = s + (lanes.load(x + i * n + j) - first);
        s = fma(s, inverse, first);
        for (i64 i = 0; i < rows; ++i) {
          const Vec<T> d = lanes.load(x + i * n + j) - s;
          q = fma(d, d, q);
        }
        lanes.store(mean + j, s);
        lanes.store(m2 + j, q);
      });
}

template <class T>
void column_affine(i64 rows, i64 n, const T* x, const T* mean, const T* scale, const T* shift, T* y) {
  for (i64 i = 0; i < rows; ++i, x += n, y += n) {
    for_each_vector<T>(n, [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
      lanes.store(y + j, fma(lanes.load(x + j) - lanes.load(mean + j), lanes.load(scale + j), lanes.load(shift + j)));
    });
  }
}

template <class T>
void column_grad_sums(i64 rows, i64 n, const T* g, const T* x, const T* mean, T* sum_g, T* sum_gx) {
  constexpr i64 N = Vec<T>::N;
  over_column_strips<T>(
      n,
      [=](i64 j) NNF_LAMBDA_INLINE {
        Vec<T> s[4], p[4], m[4];
        for (int v = 0; v < 4; ++v) {
          s[v] = p[v] = zero<T>();
          m[v] = load<T>(mean + j + v * N);
        }
        for (i64 i = 0; i < rows; ++i) {
          for (int v = 0; v < 4; ++v) {
            const Vec<T> gi = load<T>(g + i * n + j + v * N);
            s[v] = s[v] + gi;
            p[v] = fma(gi, load<T>(x + i * n + j + v * N) - m[v], p[v]);
          }
        }
        for (int v = 0; v < 4; ++v) {
          store(sum_g + j + v * N, s[v]);
          store(sum_gx + j + v * N, p[v]);
        }
      },
      [=](i64 j, auto lanes) NNF_LAMBDA_INLINE {
        Vec<T> s = zero<T>(), p = zero<T>();
        const Vec<T> m = lanes.load(mean + j);
        for (i64 i = 0; i < rows; ++i) {
          const Vec<T> gi = lanes.load(g + i * n + j);
          s = s + gi;
          p = fma(gi, lanes.load(x + i * n + j) - m, p);
        }
        lanes.store(sum_g + j, s);
        lanes.store(sum_gx + j, p);
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

// Rows are short and wait for their sums: subtracting the first element would cost them up to a sixth. Equal elements
// deviate from their rounded mean by a few units in its last place: where the deviation is no more than 64 of these,
// the moments are taken once more.
template <class T>
NNF_INLINE RowMoments<T> row_moments(i64 len, const T* x, T eps) {
  const T inverse = T(1) / static_cast<T>(len);
  const T mean = inverse * tree_sum<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { return lanes.load(x + i); });
  const T variance = row_variance(len, x, inverse, set1<T>(mean));
  const T slack = mean * (sizeof(T) == 4 ? T(0x1p-17) : T(0x1p-46));
  if (__builtin_expect(variance <= slack * slack, 0)) return row_moments_about_first(len, x, eps);
  return finish_moments(set1<T>(mean), variance, eps);
}

template <class T>
void layer_norm_rows(i64 rows, i64 len, const T* x, const T* weight, const T* bias, T eps, T* y) {
  for (i64 r = 0; r < rows; ++r, x += len, y += len) {
    const RowMoments<T> m = row_moments<T>(len, x, eps);
    for_each_vector<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
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
