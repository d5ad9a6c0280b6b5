// The C interface of the optimizer updates.
#include "kernels/optim/optim.h"

#include "capi/arguments.h"
#include "capi/guard.h"
#include "kernels/optim/clip.h"

namespace {

using nnf::i64;

void check_common(const char* function, i64 n, const void* param, const void* grad, double lr, double weight_decay) {
  nnf::require_size(function, "n", n);
  nnf::require_array(function, "param", param, n);
  nnf::require_array(function, "grad", grad, n);
  nnf::require_not_negative(function, "lr", lr);
  nnf::require_not_negative(function, "weight_decay", weight_decay);
}

void check_step(const char* function, i64 step) {
  if (step < 1) nnf::throw_invalid("%s: step: expected at least 1, got %lld", function, static_cast<long long>(step));
}

void check_share(const char* function, const char* name, double value) {
  if (!(value >= 0 && value <= 1)) {
    nnf::throw_invalid("%s: %s: expected 0 <= %s <= 1, got %g", function, name, name, value);
  }
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

nnf_status nnf_rmsprop_update(nnf_dtype dt, int64_t n, void* param, const void* grad, void* square_avg,
                              void* grad_avg, void* buf, double lr, double alpha, double eps, double weight_decay,
                              double momentum) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "rmsprop_update";
    check_common(function, n, param, grad, lr, weight_decay);
    nnf::require_array(function, "square_avg", square_avg, n);
    check_share(function, "alpha", alpha);
    nnf::require_not_negative(function, "eps", eps);
    nnf::require_not_negative(function, "momentum", momentum);
    if (momentum != 0) nnf::require_array(function, "buf", buf, n);
    const nnf::RmspropOptions o{lr, alpha, eps, weight_decay, momentum};
    nnf::rmsprop_update<T>(n, static_cast<T*>(param), static_cast<const T*>(grad), static_cast<T*>(square_avg),
                           static_cast<T*>(grad_avg), static_cast<T*>(buf), o);
  });
}

nnf_status nnf_adagrad_update(nnf_dtype dt, int64_t n, void* param, const void* grad, void* sum, int64_t step,
                              double lr, double lr_decay, double eps, double weight_decay) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "adagrad_update";
    check_common(function, n, param, grad, lr, weight_decay);
    nnf::require_array(function, "sum", sum, n);
    check_step(function, step);
    nnf::require_not_negative(function, "lr_decay", lr_decay);
    nnf::require_not_negative(function, "eps", eps);
    const nnf::AdagradOptions o{lr / (1.0 + static_cast<double>(step - 1) * lr_decay), eps, weight_decay};
    nnf::adagrad_update<T>(n, static_cast<T*>(param), static_cast<const T*>(grad), static_cast<T*>(sum), o);
  });
}

nnf_status nnf_adadelta_update(nnf_dtype dt, int64_t n, void* param, const void* grad, void* square_avg,
                               void* acc_delta, double lr, double rho, double eps, double weight_decay) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "adadelta_update";
    check_common(function, n, param, grad, lr, weight_decay);
    nnf::require_array(function, "square_avg", square_avg, n);
    nnf::require_array(function, "acc_delta", acc_delta, n);
    check_share(function, "rho", rho);
    nnf::require_not_negative(function, "eps", eps);
    const nnf::AdadeltaOptions o{lr, rho, eps, weight_decay};
    nnf::adadelta_update<T>(n, static_cast<T*>(param), static_cast<const T*>(grad), static_cast<T*>(square_avg),
                            static_cast<T*>(acc_delta), o);
  });
}

nnf_status nnf_adam_update(nnf_dtype dt, int64_t n, void* param, const void* grad, void* m, void* v, void* max_v,
                           int64_t step, double lr, double beta1, double beta2, double eps, double weight_decay,
                           int decoupled) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "adam_update";
    check_common(function, n, param, grad, lr, weight_decay);
    nnf::require_array(function, "m", m, n);
    nnf::require_array(function, "v", v, n);
    check_step(function, step);
    nnf::require_factor(function, "beta1", beta1);
    nnf::require_factor(function, "beta2", beta2);
    nnf::require_not_negative(function, "eps", eps);
    const nnf::AdamOptions o = nnf::make_adam_options(step, lr, beta1, beta2, eps, weight_decay, decoupled != 0);
    nnf::adam_update<T>(n, static_cast<T*>(param), static_cast<const T*>(grad), static_cast<T*>(m),
                        static_cast<T*>(v), static_cast<T*>(max_v), o);
  });
}

nnf_status nnf_nadam_update(nnf_dtype dt, int64_t n, void* param, const void* grad, void* m, void* v, int64_t step,
                            double lr, double beta1, double beta2, double eps, double weight_decay,
                            double momentum_decay, int decoupled) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "nadam_update";
    check_common(function, n, param, grad, lr, weight_decay);
    nnf::require_array(function, "m", m, n);
    nnf::require_array(function, "v", v, n);
    check_step(function, step);
    nnf::require_factor(function, "beta1", beta1);
    nnf::require_factor(function, "beta2", beta2);
    nnf::require_not_negative(function, "eps", eps);
    nnf::require_not_negative(function, "momentum_decay", momentum_decay);
    const nnf::NadamOptions o =
        nnf::make_nadam_options(step, lr, beta1, beta2, eps, weight_decay, momentum_decay, decoupled != 0);
    nnf::nadam_update<T>(n, static_cast<T*>(param), static_cast<const T*>(grad), static_cast<T*>(m),
                         static_cast<T*>(v), o);
  });
}

nnf_status nnf_perceptron_update(nnf_dtype dt, int64_t n, int64_t features, void* weight, void* bias, const void* x,
                                 const void* target, double lr, int64_t* errors) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "perceptron_update";
    nnf::require_size(function, "n", n);
    nnf::require_size(function, "features", features);
    nnf::require_array(function, "weight", weight, features);
    nnf::require_array(function, "bias", bias, 1);
    nnf::require_array(function, "x", x, n * features);
    nnf::require_array(function, "target", target, n);
    nnf::require_array(function, "errors", errors, 1);
    nnf::require_not_negative(function, "lr", lr);
    for (i64 i = 0; i < n; ++i) {
      const T t = static_cast<const T*>(target)[i];
      if (t != T(0) && t != T(1)) {
        nnf::throw_invalid("%s: target: expected 0 or 1 for every sample, got %g", function, static_cast<double>(t));
      }
    }
    *errors = nnf::perceptron_update<T>(n, features, static_cast<T*>(weight), static_cast<T*>(bias),
                                        static_cast<const T*>(x), static_cast<const T*>(target), lr);
  });
}

nnf_status nnf_clip_value(nnf_dtype dt, int64_t n, void* grad, double limit) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "clip_value";
    nnf::require_size(function, "n", n);
    nnf::require_array(function, "grad", grad, n);
    nnf::require_not_negative(function, "limit", limit);
    nnf::clip_value<T>(n, static_cast<T*>(grad), limit);
  });
}

nnf_status nnf_clip_norm(nnf_dtype dt, int64_t count, const int64_t* n, void* const* grads, double max_norm, double p,
                         int refuse, double* norm) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = "clip_norm";
    nnf::require_size(function, "count", count);
    nnf::require_array(function, "n", n, count);
    nnf::require_array(function, "grads", grads, count);
    nnf::require_array(function, "norm", norm, 1);
    for (i64 i = 0; i < count; ++i) {
      nnf::require_size(function, "n", n[i]);
      nnf::require_array(function, "grads", grads[i], n[i]);
    }
    nnf::require_not_negative(function, "max_norm", max_norm);
    if (!(p > 0)) nnf::throw_invalid("%s: p: expected a number above 0, got %g", function, p);
    double power = 0;
    for (i64 i = 0; i < count; ++i) {
      power = nnf::join_norm_powers(power, nnf::norm_power<T>(n[i], static_cast<const T*>(grads[i]), p), p);
    }
    *norm = nnf::finish_norm(power, p);
    if (refuse && !std::isfinite(*norm)) {
      nnf::throw_invalid("clip_grad_norm_: grads: expected a finite norm, got %g", *norm);
    }
    const double factor = nnf::clip_factor(*norm, max_norm);
    for (i64 i = 0; i < count; ++i) nnf::scale<T>(n[i], static_cast<T*>(grads[i]), factor);
  });
}

}  // extern "C"
