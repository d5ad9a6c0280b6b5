// The C interface of the optimizer updates.
#include "kernels/optim/optim.h"

#include "capi/arguments.h"
#include "capi/guard.h"

namespace {

using nnf::i64;

void check_common(const char* function, i64 n, const void* param, const void* grad, double lr, double weight_decay) {
  nnf::require_size(function, "n", n);
  nnf::require_array(function, "param", param, n);
  nnf::require_array(function, "grad", grad, n);
  nnf::require_not_negative(function, "lr", lr);
  nnf::require_not_negative(function, "weight_decay", weight_decay);
}

}  // namespace

extern "C" {

nnf_status nnf_sgd_update(nnf_dtype dt, int64_t n, void* param, const void* grad, void* buf, double lr,
                          double momentum, double dampening, double weight_decay, int nesterov, int first_step) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "sgd_update";
    check_common(function, n, param, grad, lr, weight_decay);
    nnf::require_not_negative(function, "momentum", momentum);
    nnf::require_finite(function, "dampening", dampening);
    if (momentum != 0) nnf::require_array(function, "buf", buf, n);
    const nnf::SgdOptions o{lr, momentum, dampening, weight_decay, nesterov != 0, first_step != 0};
    nnf::sgd_update<T>(n, static_cast<T*>(param), static_cast<const T*>(grad), static_cast<T*>(buf), o);
  });
}

nnf_status nnf_rmsprop_update(nnf_dtype dt, int64_t n, void* param, const void* grad, void* square_avg, double lr,
                              double alpha, double eps, double weight_decay) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "rmsprop_update";
    check_common(function, n, param, grad, lr, weight_decay);
    nnf::require_array(function, "square_avg", square_avg, n);
    if (!(alpha >= 0 && alpha <= 1)) nnf::throw_invalid("%s: alpha: expected 0 <= alpha <= 1, got %g", function, alpha);
    nnf::require_not_negative(function, "eps", eps);
    const nnf::RmspropOptions o{lr, alpha, eps, weight_decay};
    nnf::rmsprop_update<T>(n, static_cast<T*>(param), static_cast<const T*>(grad), static_cast<T*>(square_avg), o);
  });
}

nnf_status nnf_adam_update(nnf_dtype dt, int64_t n, void* param, const void* grad, void* m, void* v, int64_t step,
                           double lr, double beta1, double beta2, double eps, double weight_decay) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "adam_update";
    check_common(function, n, param, grad, lr, weight_decay);
    nnf::require_array(function, "m", m, n);
    nnf::require_array(function, "v", v, n);
    if (step < 1) {
      nnf::throw_invalid("%s: step: expected at least 1, got %lld", function, static_cast<long long>(step));
    }
    nnf::require_factor(function, "beta1", beta1);
    nnf::require_factor(function, "beta2", beta2);
    nnf::require_not_negative(function, "eps", eps);
    const nnf::AdamOptions o = nnf::make_adam_options(step, lr, beta1, beta2, eps, weight_decay);
    nnf::adam_update<T>(n, static_cast<T*>(param), static_cast<const T*>(grad), static_cast<T*>(m),
                        static_cast<T*>(v), o);
  });
}

}  // extern "C"
