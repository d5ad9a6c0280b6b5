// The C interface of the peak meter.
#include "capi/guard.h"
#include "kernels/dispatch.h"

extern "C" nnf_status nnf_fma_rounds(nnf_dtype dt, int64_t rounds, int64_t* flops) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    if (rounds < 0) nnf::throw_invalid("rounds: expected at least 0, got %lld", static_cast<long long>(rounds));
    if (flops == nullptr) nnf::throw_invalid("flops: expected a pointer, got NULL");
    T sink = 1;
    *flops = nnf::kernels<T>().fma_rounds(rounds, &sink);
  });
}
