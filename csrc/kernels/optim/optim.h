// Optimizer updates over whole arrays: threading around the kernels of contract.h.
#ifndef NNF_KERNELS_OPTIM_OPTIM_H
#define NNF_KERNELS_OPTIM_OPTIM_H

#include "kernels/optim/contract.h"

namespace nnf {

template <class T>
void sgd_update(i64 n, T* param, const T* grad, T* buf, const SgdOptions& o);
template <class T>
void rmsprop_update(i64 n, T* param, const T* grad, T* square_avg, T* grad_avg, T* buf, const RmspropOptions& o);
template <class T>
void adagrad_update(i64 n, T* param, const T* grad, T* sum, const AdagradOptions& o);
template <class T>
void adadelta_update(i64 n, T* param, const T* grad, T* square_avg, T* acc_delta, const AdadeltaOptions& o);
// From the step number (>= 1) and the plain hyperparameters. decoupled: AdamW's weight decay.
AdamOptions make_adam_options(i64 step, double lr, double beta1, double beta2, double eps, double weight_decay,
                              bool decoupled);
template <class T>
void adam_update(i64 n, T* param, const T* grad, T* m, T* v, T* max_v, const AdamOptions& o);
NadamOptions make_nadam_options(i64 step, double lr, double beta1, double beta2, double eps, double weight_decay,
                                double momentum_decay, bool decoupled);
template <class T>
void nadam_update(i64 n, T* param, const T* grad, T* m, T* v, const NadamOptions& o);
template <class T>
i64 perceptron_update(i64 n, i64 features, T* weight, T* bias, const T* x, const T* target, double lr);

}  // namespace nnf

#endif  // NNF_KERNELS_OPTIM_OPTIM_H
