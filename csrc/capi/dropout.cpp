// The C interface of dropout.
#include "kernels/dropout/dropout.h"

#include "capi/arguments.h"
#include "capi/guard.h"

extern "C" nnf_status nnf_dropout(nnf_dtype dt, double p, uint64_t seed, uint32_t step, uint32_t layer, int64_t first,
                                  int64_t n, const void* x, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    nnf::require_size("dropout", "first", first);
    nnf::require_size("dropout", "n", n);
    if (first > INT64_MAX / 2) {
      nnf::throw_invalid("dropout: first: expected less than 2^62, got %lld", static_cast<long long>(first));
    }
    nnf::require_array("dropout", "x", x, n);
    nnf::require_array("dropout", "y", y, n);
    const nnf::DropoutKey key{seed, layer, step};
    nnf::dropout<T>(p, key, first, n, static_cast<const T*>(x), static_cast<T*>(y));
  });
}
