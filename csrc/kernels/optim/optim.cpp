// Threading of the optimizer updates. The vector code is in optim-inl.h.
#include "kernels/optim/optim.h"

#include <algorithm>
#include <cmath>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// Elements a task updates: a few microseconds' work, so that small networks stay on one thread and the pieces of
// large ones even out.
constexpr i64 kTaskElements = 8192;

// f(first, count) over blocks of elements; `streams` is how many arrays are read or written, which is what an element's
// cost follows: 0.1 to 0.5 ns in the cache, and 6 to 8 of parallel_for's units make a nanosecond here.
template <class F>
void over_elements(i64 n, i64 streams, F f) {
  if (n <= 0) return;
  if (n <= kTaskElements) return f(0, n);
  parallel_for(ceil_div(n, kTaskElements), kTaskElements * streams / 2, [&](i64 begin, i64 end) {
    const i64 first = begin * kTaskElements;
    f(first, std::min(end * kTaskElements, n) - first);
  });
}

}  // namespace

template <class T>
void sgd_update(i64 n, T* param, const T* grad, T* buf, const SgdOptions& o) {
  const KernelTable<T>& k = kernels<T>();
  if (o.momentum == 0) buf = nullptr;  // torch.optim's rule: without momentum neither buffer nor dampening is used
  over_elements(n, buf != nullptr ? 5 : 3, [&](i64 i, i64 count) {
    k.sgd_step(count, param + i, grad + i, buf != nullptr ? buf + i : nullptr, o);
  });
}

template <class T>
void rmsprop_update(i64 n, T* param, const T* grad, T* square_avg, T* grad_avg, T* buf, const RmspropOptions& o) {
  const KernelTable<T>& k = kernels<T>();
  if (o.momentum == 0) buf = nullptr;
  over_elements(n, 5 + (grad_avg != nullptr ? 2 : 0) + (buf != nullptr ? 2 : 0), [&](i64 i, i64 count) {
    k.rmsprop_step(count, param + i, grad + i, square_avg + i, grad_avg != nullptr ? grad_avg + i : nullptr,
                   buf != nullptr ? buf + i : nullptr, o);
  });
}

template <class T>
void adagrad_update(i64 n, T* param, const T* grad, T* sum, const AdagradOptions& o) {
  const KernelTable<T>& k = kernels<T>();
  over_elements(n, 5, [&](i64 i, i64 count) { k.adagrad_step(count, param + i, grad + i, sum + i, o); });
}

template <class T>
void adadelta_update(i64 n, T* param, const T* grad, T* square_avg, T* acc_delta, const AdadeltaOptions& o) {
  const KernelTable<T>& k = kernels<T>();
  over_elements(n, 7, [&](i64 i, i64 count) {
    k.adadelta_step(count, param + i, grad + i, square_avg + i, acc_delta + i, o);
  });
}

AdamOptions make_adam_options(i64 step, double lr, double beta1, double beta2, double eps, double weight_decay,
                              bool decoupled) {
  const double t = static_cast<double>(step);
  AdamOptions o;
  o.step_size = lr / (1.0 - std::pow(beta1, t));
  o.bias2_sqrt = std::sqrt(1.0 - std::pow(beta2, t));
  o.beta1 = beta1;
  o.beta2 = beta2;
  o.eps = eps;
  o.weight_decay = weight_decay;
  o.shrink = decoupled ? 1.0 - lr * weight_decay : 1.0;
  if (decoupled) o.weight_decay = 0;
  return o;
}

template <class T>
void adam_update(i64 n, T* param, const T* grad, T* m, T* v, T* max_v, const AdamOptions& o) {
  const KernelTable<T>& k = kernels<T>();
  over_elements(n, max_v != nullptr ? 9 : 7, [&](i64 i, i64 count) {
    k.adam_step(count, param + i, grad + i, m + i, v + i, max_v != nullptr ? max_v + i : nullptr, o);
  });
}

namespace {

// NAdam's momentum at step t: mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2), towards beta1.
double nadam_mu(double t, double beta1, double momentum_decay) {
  return beta1 * (1.0 - 0.5 * std::pow(0.96, t * momentum_decay));
}

// mu_1 * ... * mu_step, which only matters as 1 - product: the loop ends where the product is below half an ULP of 1,
// and where mu has become beta1 the rest is a power. Nothing is kept between steps, so any step can be the next.
double nadam_product(i64 step, double beta1, double momentum_decay) {
  double product = 1.0;
  for (i64 t = 1; t <= step && product > 1e-17; ++t) {
    const double mu = nadam_mu(static_cast<double>(t), beta1, momentum_decay);
    if (mu == beta1) return product * std::pow(beta1, static_cast<double>(step - t + 1));
    product *= mu;
  }
  return product;
}

}  // namespace

NadamOptions make_nadam_options(i64 step, double lr, double beta1, double beta2, double eps, double weight_decay,
                                double momentum_decay, bool decoupled) {
  const double t = static_cast<double>(step);
  const double mu = nadam_mu(t, beta1, momentum_decay), next = nadam_mu(t + 1, beta1, momentum_decay);
  const double product = nadam_product(step, beta1, momentum_decay);
  NadamOptions o;
  o.grad_size = lr * (1.0 - mu) / (1.0 - product);
  o.moment_size = lr * next / (1.0 - product * next);
  o.bias2_sqrt = std::sqrt(1.0 - std::pow(beta2, t));
  o.beta1 = beta1;
  o.beta2 = beta2;
  o.eps = eps;
  o.weight_decay = decoupled ? 0.0 : weight_decay;
  o.shrink = decoupled ? 1.0 - lr * weight_decay : 1.0;
  return o;
}

template <class T>
void nadam_update(i64 n, T* param, const T* grad, T* m, T* v, const NadamOptions& o) {
  const KernelTable<T>& k = kernels<T>();
  over_elements(n, 7, [&](i64 i, i64 count) { k.nadam_step(count, param + i, grad + i, m + i, v + i, o); });
}

template <class T>
i64 perceptron_update(i64 n, i64 features, T* weight, T* bias, const T* x, const T* target, double lr) {
  return kernels<T>().perceptron_pass(n, features, weight, bias, x, target, lr);  // each sample needs the one before
}

#define NNF_INSTANTIATE(T)                                                                  \
  template void sgd_update<T>(i64, T*, const T*, T*, const SgdOptions&);                    \
  template void rmsprop_update<T>(i64, T*, const T*, T*, T*, T*, const RmspropOptions&);    \
  template void adagrad_update<T>(i64, T*, const T*, T*, const AdagradOptions&);            \
  template void adadelta_update<T>(i64, T*, const T*, T*, T*, const AdadeltaOptions&);      \
  template void adam_update<T>(i64, T*, const T*, T*, T*, T*, const AdamOptions&);          \
  template void nadam_update<T>(i64, T*, const T*, T*, T*, const NadamOptions&);            \
  template i64 perceptron_update<T>(i64, i64, T*, T*, const T*, const T*, double);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
