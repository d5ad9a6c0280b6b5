// Clipping of gradients, by value and by norm. Compiled once: the work is bound by memory, and sums in double are the
// same bits on every instruction set.
#ifndef NNF_KERNELS_OPTIM_CLIP_H
#define NNF_KERNELS_OPTIM_CLIP_H

#include "base/types.h"

namespace nnf {

// grad = min(max(grad, -limit), limit); NaN stays NaN.
template <class T>
void clip_value(i64 n, T* grad, double limit);

// sum |x|^p in double (p infinity: max |x|). The norm of several arrays is the p-th root of their sums' sum.
template <class T>
double norm_power(i64 n, const T* x, double p);
// Adds one array's norm_power to another's.
double join_norm_powers(double a, double b, double p);
// The norm itself.
double finish_norm(double power, double p);

// What torch.nn.utils.clip_grad_norm_ multiplies by: min(1, max_norm / (norm + 1e-6)).
double clip_factor(double norm, double max_norm);

// x *= factor, unless the factor is 1.
template <class T>
void scale(i64 n, T* x, double factor);

}  // namespace nnf

#endif  // NNF_KERNELS_OPTIM_CLIP_H
