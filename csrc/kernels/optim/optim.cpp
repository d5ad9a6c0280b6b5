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
void rmsprop_update(i64 n, T* param, const T* grad, T* square_avg, const RmspropOptions& o) {
  const KernelTable<T>& k = kernels<T>();
  over_elements(n, 5, [&](i64 i, i64 count) { k.rmsprop_step(count, param + i, grad + i, square_avg + i, o); });
}

AdamOptions make_adam_options(i64 step, double lr, double beta1, double beta2, double eps, double weight_decay) {
  const double t = static_cast<double>(step);
  AdamOptions o;
  o.step_size = lr / (1.0 - std::pow(beta1, t));
  o.bias2_sqrt = std::sqrt(1.0 - std::pow(beta2, t));
  o.beta1 = beta1;
  o.beta2 = beta2;
  o.eps = eps;
  o.weight_decay = weight_decay;
  return o;
}

template <class T>
void adam_update(i64 n, T* param, const T* grad, T* m, T* v, const AdamOptions& o) {
  const KernelTable<T>& k = kernels<T>();
  over_elements(n, 7, [&](i64 i, i64 count) { k.adam_step(count, param + i, grad + i, m + i, v + i, o); });
}

#define NNF_INSTANTIATE(T)                                                        \
  template void sgd_update<T>(i64, T*, const T*, T*, const SgdOptions&);          \
  template void rmsprop_update<T>(i64, T*, const T*, T*, const RmspropOptions&);  \
  template void adam_update<T>(i64, T*, const T*, T*, T*, const AdamOptions&);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
