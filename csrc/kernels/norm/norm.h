// Normalisation of channels-last arrays over the batch (batch_norm) or over groups of channels (group_norm), and of rows
// (layer_norm): pieces, threads, and the combination of pieces' moments.
#ifndef NNF_KERNELS_NORM_NORM_H
#define NNF_KERNELS_NORM_NORM_H

#include "base/types.h"

namespace nnf {

// x (rows, c), rows >= 1: mean (c) and the biased variance (c) of every column.
template <class T>
void channel_moments(i64 rows, i64 c, const T* x, T* mean, T* variance);
// rstd[j] = 1 / sqrt(variance[j] + eps)
template <class T>
void inverse_deviation(i64 c, const T* variance, double eps, T* rstd);
// running = (1 - factor) * running + factor * (batch's mean, batch's variance * rows / (rows - 1)); rows >= 2.
template <class T>
void update_running(i64 rows, i64 c, double factor, const T* mean, const T* variance, T* running_mean, T* running_var);

// y = (x - mean) * rstd * weight + bias over x (rows, c); weight, bias may be null; y == x allowed.
template <class T>
void batch_norm_forward(i64 rows, i64 c, const T* x, const T* mean, const T* rstd, const T* weight, const T* bias,
                        T* y);
// With the forward's mean and rstd. batch_statistics: they were x's own, and depend on it. weight, gx, gweight, gbias
// may be null; gx == g allowed; gweight and gbias are added to when accumulate.
template <class T>
void batch_norm_backward(i64 rows, i64 c, const T* g, const T* x, const T* mean, const T* rstd, const T* weight,
                         bool batch_statistics, T* gx, T* gweight, T* gbias, bool accumulate);

// x (n, inner, c): moments of each sample's groups of c / groups channels. The same rules as above.
template <class T>
void group_norm_forward(i64 n, i64 inner, i64 c, i64 groups, const T* x, const T* weight, const T* bias, double eps,
                        T* y);
template <class T>
void group_norm_backward(i64 n, i64 inner, i64 c, i64 groups, const T* g, const T* x, const T* weight, double eps,
                         T* gx, T* gweight, T* gbias, bool accumulate);

// x (rows, len), weight and bias (len). The same rules.
template <class T>
void layer_norm_forward(i64 rows, i64 len, const T* x, const T* weight, const T* bias, double eps, T* y);
template <class T>
void layer_norm_backward(i64 rows, i64 len, const T* g, const T* x, const T* weight, double eps, T* gx, T* gweight,
                         T* gbias, bool accumulate);

}  // namespace nnf

#endif  // NNF_KERNELS_NORM_NORM_H
