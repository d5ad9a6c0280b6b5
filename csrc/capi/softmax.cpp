// The C interface of softmax and log_softmax.
#include "capi/arguments.h"
#include "capi/guard.h"
#include "kernels/softmax/softmax.h"

namespace {

using nnf::i64;

// The number of elements.
i64 check(const char* function, i64 outer, i64 len, i64 inner) {
  nnf::require_size(function, "outer", outer);
  nnf::require_size(function, "len", len);
  nnf::require_size(function, "inner", inner);
  return outer * len * inner;
}

}  // namespace

extern "C" {

nnf_status nnf_softmax(nnf_dtype dt, int log, int64_t outer, int64_t len, int64_t inner, const void* x, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = log != 0 ? "log_softmax" : "softmax";
    const i64 n = check(function, outer, len, inner);
    nnf::require_array(function, "x", x, n);
    nnf::require_array(function, "y", y, n);
    nnf::softmax_forward<T>(log != 0, outer, len, inner, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

nnf_status nnf_softmax_backward(nnf_dtype dt, int log, int64_t outer, int64_t len, int64_t inner, const void* g,
                                const void* x, const void* output, void* gx) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* function = log != 0 ? "log_softmax_backward" : "softmax_backward";
    const i64 n = check(function, outer, len, inner);
    nnf::require_array(function, "g", g, n);
    if (output == nullptr) nnf::require_array(function, "x", x, n);
    nnf::require_array(function, "gx", gx, n);
    if (n == 0) return;
    const T* gt = static_cast<const T*>(g);
    if (output != nullptr) {
      nnf::softmax_backward_from_output<T>(log != 0, outer, len, inner, gt, static_cast<const T*>(output),
                                           static_cast<T*>(gx));
    } else {
      nnf::softmax_backward<T>(log != 0, outer, len, inner, gt, static_cast<const T*>(x), static_cast<T*>(gx));
    }
  });
}

}  // extern "C"
