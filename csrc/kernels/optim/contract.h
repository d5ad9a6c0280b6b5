// Contract of the optimizer updates. Plain data only (see registry.h). All arrays dense, none overlapping.
// The formulas are torch.optim's; g' = grad + weight_decay * param.
#ifndef NNF_KERNELS_OPTIM_CONTRACT_H
#define NNF_KERNELS_OPTIM_CONTRACT_H

#include "base/types.h"

namespace nnf {

// b = momentum * b + (1 - dampening) * g' (first_step: b = g');  d = nesterov ? g' + momentum * b : b;
// param -= lr * d.   buf null: param -= lr * g'.
struct SgdOptions {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, first_step;
};
template <class T>
using SgdFn = void (*)(i64 n, T* param, const T* grad, T* buf, const SgdOptions& o);

// s = alpha * s + (1 - alpha) * g'^2;  param -= lr * g' / (sqrt(s) + eps)
struct RmspropOptions {
  double lr, alpha, eps, weight_decay;
};
template <class T>
using RmspropFn = void (*)(i64 n, T* param, const T* grad, T* square_avg, const RmspropOptions& o);

// m += (1 - beta1) * (g' - m);  v = beta2 * v + (1 - beta2) * g'^2
// param -= step_size * m / (sqrt(v) / bias2_sqrt + eps),
// step_size = lr / (1 - beta1^step), bias2_sqrt = sqrt(1 - beta2^step), computed by the caller in double.
struct AdamOptions {
  double step_size, bias2_sqrt, beta1, beta2, eps, weight_decay;
};
template <class T>
using AdamFn = void (*)(i64 n, T* param, const T* grad, T* m, T* v, const AdamOptions& o);

}  // namespace nnf

#endif  // NNF_KERNELS_OPTIM_CONTRACT_H
