// The C interface of the activation functions.
#include "kernels/elementwise/elementwise.h"

#include "capi/arguments.h"
#include "capi/guard.h"

namespace {

void check_activation(const char* function, nnf_activation act) {
  const int value = static_cast<int>(act);
  if (value < 0 || value >= NNF_ACT_COUNT) {
    nnf::throw_invalid("%s: act: expected an nnf_activation (0..%d), got %d", function, NNF_ACT_COUNT - 1, value);
  }
}

}  // namespace

extern "C" {

nnf_status nnf_activation_forward(nnf_dtype dt, nnf_activation act, double alpha, int64_t n, const void* x, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check_activation("activation_forward", act);
    nnf::require_size("activation_forward", "n", n);
    nnf::require_array("activation_forward", "x", x, n);
    nnf::require_array("activation_forward", "y", y, n);
    nnf::activation_forward<T>(act, static_cast<T>(alpha), n, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

nnf_status nnf_activation_backward(nnf_dtype dt, nnf_activation act, double alpha, int64_t n, const void* g,
                                   const void* x, void* gx) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check_activation("activation_backward", act);
    nnf::require_size("activation_backward", "n", n);
    nnf::require_array("activation_backward", "g", g, n);
    nnf::require_array("activation_backward", "x", x, n);
    nnf::require_array("activation_backward", "gx", gx, n);
    nnf::activation_backward<T>(act, static_cast<T>(alpha), n, static_cast<const T*>(g), static_cast<const T*>(x),
                                static_cast<T*>(gx));
  });
}

}  // extern "C"
