// The C interface of the activation functions.
#include "kernels/elementwise/elementwise.h"

#include "kernels/elementwise/prelu.h"

#include "capi/arguments.h"
#include "capi/guard.h"

namespace {

void check_softplus(const char* function, double beta, double threshold) {
  if (!(std::isfinite(beta) && beta > 0)) {
    nnf::throw_invalid("%s: beta: expected a finite number > 0, got %g", function, beta);
  }
  nnf::require_finite(function, "threshold", threshold);
}

int64_t prelu_size(const char* function, int64_t outer, int64_t channels, int64_t inner) {
  nnf::require_size(function, "outer", outer);
  nnf::require_size(function, "channels", channels);
  nnf::require_size(function, "inner", inner);
  return outer * channels * inner;
}

}  // namespace

extern "C" {

nnf_status nnf_activation_forward(nnf_dtype dt, nnf_activation act, double alpha, int64_t n, const void* x, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    nnf::require_activation("activation_forward", act);
    nnf::require_size("activation_forward", "n", n);
    nnf::require_array("activation_forward", "x", x, n);
    nnf::require_array("activation_forward", "y", y, n);
    nnf::activation_forward<T>(act, static_cast<T>(alpha), n, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

nnf_status nnf_all_finite(nnf_dtype dt, int64_t n, const void* x, int* finite) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    nnf::require_size("all_finite", "n", n);
    nnf::require_array("all_finite", "x", x, n);
    nnf::require_array("all_finite", "finite", finite, 1);
    *finite = nnf::all_finite<T>(n, static_cast<const T*>(x)) ? 1 : 0;
  });
}

nnf_status nnf_activation_backward(nnf_dtype dt, nnf_activation act, double alpha, int64_t n, const void* g,
                                   const void* x, const void* output, void* gx) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    nnf::require_activation("activation_backward", act);
    nnf::require_size("activation_backward", "n", n);
    nnf::require_array("activation_backward", "g", g, n);
    nnf::require_array("activation_backward", "gx", gx, n);
    const T a = static_cast<T>(alpha), *gt = static_cast<const T*>(g);
    if (output != nullptr && nnf::activation_has_backward_from_output(act, alpha)) {
      nnf::activation_backward_from_output<T>(act, a, n, gt, static_cast<const T*>(output), static_cast<T*>(gx));
      return;
    }
    nnf::require_array("activation_backward", "x", x, n);
    nnf::activation_backward<T>(act, a, n, gt, static_cast<const T*>(x), static_cast<T*>(gx));
  });
}

nnf_status nnf_softplus_forward(nnf_dtype dt, double beta, double threshold, int64_t n, const void* x, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check_softplus("softplus_forward", beta, threshold);
    nnf::require_size("softplus_forward", "n", n);
    nnf::require_array("softplus_forward", "x", x, n);
    nnf::require_array("softplus_forward", "y", y, n);
    nnf::softplus_forward<T>(static_cast<T>(beta), static_cast<T>(threshold), n, static_cast<const T*>(x),
                             static_cast<T*>(y));
  });
}

nnf_status nnf_softplus_backward(nnf_dtype dt, double beta, double threshold, int64_t n, const void* g, const void* x,
                                 void* gx) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check_softplus("softplus_backward", beta, threshold);
    nnf::require_size("softplus_backward", "n", n);
    nnf::require_array("softplus_backward", "g", g, n);
    nnf::require_array("softplus_backward", "x", x, n);
    nnf::require_array("softplus_backward", "gx", gx, n);
    nnf::softplus_backward<T>(static_cast<T>(beta), static_cast<T>(threshold), n, static_cast<const T*>(g),
                              static_cast<const T*>(x), static_cast<T*>(gx));
  });
}

nnf_status nnf_prelu_forward(nnf_dtype dt, int64_t outer, int64_t channels, int64_t inner, const void* x,
                             const void* weight, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = prelu_size("prelu_forward", outer, channels, inner);
    nnf::require_array("prelu_forward", "x", x, n);
    nnf::require_array("prelu_forward", "weight", weight, channels);
    nnf::require_array("prelu_forward", "y", y, n);
    nnf::prelu_forward<T>(outer, channels, inner, static_cast<const T*>(x), static_cast<const T*>(weight),
                          static_cast<T*>(y));
  });
}

nnf_status nnf_prelu_backward(nnf_dtype dt, int64_t outer, int64_t channels, int64_t inner, const void* g,
                              const void* x, const void* weight, void* gx, void* gweight) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = prelu_size("prelu_backward", outer, channels, inner);
    nnf::require_array("prelu_backward", "g", g, n);
    nnf::require_array("prelu_backward", "x", x, n);
    nnf::require_array("prelu_backward", "weight", weight, channels);
    nnf::require_array("prelu_backward", "gx", gx, n);
    nnf::require_array("prelu_backward", "gweight", gweight, channels);
    const T* gt = static_cast<const T*>(g);
    // The slopes first: gx may be g.
    nnf::prelu_weight_gradient<T>(outer, channels, inner, gt, static_cast<const T*>(x), static_cast<T*>(gweight),
                                  false);
    nnf::prelu_backward<T>(outer, channels, inner, gt, static_cast<const T*>(x), static_cast<const T*>(weight),
                           static_cast<T*>(gx));
  });
}

}  // extern "C"
