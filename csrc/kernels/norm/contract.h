// Contract of the normalisation kernels. Plain data only (see registry.h).
//
// Two families: over columns (channels-last: a column is a channel, rows are samples and pixels) for batch and group
// normalisation, and over rows for layer normalisation.
#ifndef NNF_KERNELS_NORM_CONTRACT_H
#define NNF_KERNELS_NORM_CONTRACT_H

#include "base/types.h"

namespace nnf {

// x (rows, n) dense, rows >= 1: mean[j] of column j and m2[j] = sum over i of (x[i][j] - mean[j])^2, in two passes.
// The order of a column's additions follows from rows and n.
template <class T>
using ColumnMomentsFn = void (*)(i64 rows, i64 n, const T* x, T* mean, T* m2);
// y[i][j] = (x[i][j] - mean[j]) * scale[j] + shift[j], dense (rows, n); y == x allowed.
template <class T>
using ColumnAffineFn = void (*)(i64 rows, i64 n, const T* x, const T* mean, const T* scale, const T* shift, T* y);
// g, x (rows, n) dense: sum_g[j] = sum over i of g[i][j], sum_gx[j] = sum over i of g[i][j] * (x[i][j] - mean[j]).
template <class T>
using ColumnGradSumsFn = void (*)(i64 rows, i64 n, const T* g, const T* x, const T* mean, T* sum_g, T* sum_gx);
// gx[i][j] = a[j] * g[i][j] + (b[j] * (x[i][j] - mean[j]) + c[j]), dense (rows, n); gx == g and gx == x allowed.
template <class T>
using ColumnNormBackwardFn = void (*)(i64 rows, i64 n, const T* g, const T* x, const T* mean, const T* a, const T* b,
                                      const T* c, T* gx);

// Each row of x (rows, len): y = (x - mean) / sqrt(variance + eps) * weight + bias, the variance over len. weight, bias
// (len), NULL for 1 and 0. y == x allowed.
template <class T>
using LayerNormRowsFn = void (*)(i64 rows, i64 len, const T* x, const T* weight, const T* bias, T eps, T* y);
// With z the normalised x and h = g * weight: gx = (h - mean(h) - z * mean(h * z)) / sqrt(variance + eps);
// gweight[j] += sum over rows of g * z, gbias[j] += sum over rows of g. weight, gx, gweight, gbias may be NULL;
// gx == g allowed.
template <class T>
using LayerNormRowsBackwardFn = void (*)(i64 rows, i64 len, const T* g, const T* x, const T* weight, T eps, T* gx,
                                         T* gweight, T* gbias);

}  // namespace nnf

#endif  // NNF_KERNELS_NORM_CONTRACT_H
