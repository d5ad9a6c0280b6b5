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

// s = alpha * s + (1 - alpha) * g'^2;  d = g' / (sqrt(s) + eps)
// grad_avg given (centered): a += (1 - alpha) * (g' - a), and max(0, s - a^2) under the root.
// buf null: param -= lr * d;  otherwise b = momentum * b + d;  param -= lr * b.
struct RmspropOptions {
  double lr, alpha, eps, weight_decay, momentum;
};
template <class T>
using RmspropFn = void (*)(i64 n, T* param, const T* grad, T* square_avg, T* grad_avg, T* buf,
                           const RmspropOptions& o);

// s += g'^2;  param -= lr * g' / (sqrt(s) + eps), lr decayed by the caller.
struct AdagradOptions {
  double lr, eps, weight_decay;
};
template <class T>
using AdagradFn = void (*)(i64 n, T* param, const T* grad, T* sum, const AdagradOptions& o);

// s = rho * s + (1 - rho) * g'^2;  d = sqrt(u + eps) / sqrt(s + eps) * g';  u = rho * u + (1 - rho) * d^2
// param -= lr * d
struct AdadeltaOptions {
  double lr, rho, eps, weight_decay;
};
template <class T>
using AdadeltaFn = void (*)(i64 n, T* param, const T* grad, T* square_avg, T* acc_delta, const AdadeltaOptions& o);

// m += (1 - beta1) * (g' - m);  v = beta2 * v + (1 - beta2) * g'^2
// param -= step_size * m / (sqrt(v) / bias2_sqrt + eps),
// step_size = lr / (1 - beta1^step), bias2_sqrt = sqrt(1 - beta2^step), computed by the caller in double.
// max_v given (amsgrad): max_v = max(max_v, v) stands for v in the last line.
// shrink other than 1 (AdamW): param *= shrink first, and g' = grad.
struct AdamOptions {
  double step_size, bias2_sqrt, beta1, beta2, eps, weight_decay, shrink;
};
template <class T>
using AdamFn = void (*)(i64 n, T* param, const T* grad, T* m, T* v, T* max_v, const AdamOptions& o);

// The numbers of one update that may differ from those before and after it. SGD: step_size is lr.
template <class T>
struct ReplayStep {
  T slope, weight_decay;  // g' = grad + slope * param, then + weight_decay * param; each left out where it is 0
  T step_size, root_scale, eps, shrink;  // root_scale: 1 / bias2_sqrt
};
constexpr i64 kReplayLanes = 16;  // as many as any vector has
// `steps` updates as adam_step and sgd_step (buf as they; not the first step with one) make them, of the gradient 0,
// the last one of `grad` unless that is null. squares (steps, kReplayLanes): to each step's, in any of its lanes, is
// added sum param^2 as the step found it. step[s].eps must be normal and above 0.
template <class T>
using AdamReplayFn = void (*)(i64 n, i64 steps, T* param, const T* grad, T* m, T* v, const AdamOptions& o,
                              const ReplayStep<T>* step, T* squares);
template <class T>
using SgdReplayFn = void (*)(i64 n, i64 steps, T* param, const T* grad, T* buf, const SgdOptions& o,
                             const ReplayStep<T>* step, T* squares);

// m and v as Adam's;  param -= (grad_size * g' + moment_size * m) / (sqrt(v) / bias2_sqrt + eps)
// grad_size = lr * (1 - mu_t) / (1 - prod mu_1..t), moment_size = lr * mu_t+1 / (1 - prod mu_1..t+1).
struct NadamOptions {
  double grad_size, moment_size, bias2_sqrt, beta1, beta2, eps, weight_decay, shrink;
};
template <class T>
using NadamFn = void (*)(i64 n, T* param, const T* grad, T* m, T* v, const NadamOptions& o);

// sum |w| and sum w^2, in a tree fixed by n
template <class T>
using NormSumFn = T (*)(i64 n, const T* w);
// g += l1 * sign(w) + slope * w; sign(0) = 0. An l1 of 0 is left out, so that a NaN in w comes from slope alone.
template <class T>
using PenaltySlopeFn = void (*)(i64 n, const T* w, T l1, T slope, T* g);

// Rosenblatt's rule, sample by sample: y = (weight . x_i + bias > 0);  e = target_i - y;
// weight += lr * e * x_i;  bias += lr * e. x (n, features), target (n). Returns how many samples had e != 0.
template <class T>
using PerceptronFn = i64 (*)(i64 n, i64 features, T* weight, T* bias, const T* x, const T* target, double lr);

}  // namespace nnf

#endif  // NNF_KERNELS_OPTIM_CONTRACT_H
