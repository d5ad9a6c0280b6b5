// Optimizer updates over whole arrays: threading around the kernels of contract.h.
#ifndef NNF_KERNELS_OPTIM_OPTIM_H
#define NNF_KERNELS_OPTIM_OPTIM_H

#include "kernels/optim/contract.h"

namespace nnf {

template <class T>
void sgd_update(i64 n, T* param, const T* grad, T* buf, const SgdOptions& o);
template <class T>
void rmsprop_update(i64 n, T* param, const T* grad, T* square_avg, const RmspropOptions& o);
// From the step number (>= 1) and the plain hyperparameters.
AdamOptions make_adam_options(i64 step, double lr, double beta1, double beta2, double eps, double weight_decay);
template <class T>
void adam_update(i64 n, T* param, const T* grad, T* m, T* v, const AdamOptions& o);

}  // namespace nnf

#endif  // NNF_KERNELS_OPTIM_OPTIM_H
