// What the backward passes of linear and sparse_linear begin with: the gradient before the activation.
#ifndef NNF_CAPI_LINEAR_GRADIENT_H
#define NNF_CAPI_LINEAR_GRADIENT_H

#include "base/memory.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/gemm.h"

namespace nnf {

// Whether the layer's result before the activation is needed: it is not had, or does not tell the derivative.
inline bool needs_forward(nnf_activation act, double alpha, const void* output) {
  return act != NNF_ACT_IDENTITY && !(output != nullptr && activation_has_backward_from_output(act, alpha));
}

// g itself without an activation, else g times its derivative in the thread's scratch, n elements. forward(to,
// epilogue) computes the layer again.
template <class T, class Forward>
const T* gradient_before_activation(const Epilogue<T>& e, i64 n, const T* g, const T* output, Forward forward) {
  if (e.act == NNF_ACT_IDENTITY) return g;
  T* const to = thread_scratch<T>(Scratch::linear_gradient, n);
  if (!needs_forward(e.act, static_cast<double>(e.alpha), output)) {
    activation_backward_from_output<T>(e.act, e.alpha, n, g, output, to);
    return to;
  }
  forward(to, Epilogue<T>{e.bias, NNF_ACT_IDENTITY, T(0)});
  activation_backward<T>(e.act, e.alpha, n, g, to, to);
  return to;
}

}  // namespace nnf

#endif  // NNF_CAPI_LINEAR_GRADIENT_H
