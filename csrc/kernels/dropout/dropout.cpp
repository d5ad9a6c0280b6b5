// Threading of dropout. The vector code is in dropout-inl.h.
#include "kernels/dropout/dropout.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kTaskElements = 16384;  // 4 to 8 microseconds' work
constexpr i64 kElementCost = 2;       // 0.25 to 0.5 ns, in parallel_for's unit, of which 6 to 8 make a nanosecond here

}  // namespace

template <class T>
void dropout(double p, const DropoutKey& key, i64 first, i64 n, const T* x, T* y) {
  if (!(p >= 0 && p <= 1)) throw_invalid("dropout: p: expected 0 <= p <= 1, got %g", p);
  if (n <= 0) return;
  if (p == 0) {
    if (x != y) std::memcpy(y, x, static_cast<std::size_t>(n) * sizeof(T));
    return;
  }
  if (p == 1) {
    std::fill_n(y, n, T(0));
    return;
  }
  const KernelTable<T>& k = kernels<T>();
  const u32 threshold = static_cast<u32>(std::lround(p * 65536));
  const T scale = static_cast<T>(1.0 / (1.0 - p));
  parallel_for(ceil_div(n, kTaskElements), kTaskElements * kElementCost, [&](i64 begin, i64 end) {
    const i64 i = begin * kTaskElements;
    k.dropout_apply(key, threshold, scale, first + i, std::min(end * kTaskElements, n) - i, x + i, y + i);
  });
}

template void dropout<float>(double, const DropoutKey&, i64, i64, const float*, float*);
template void dropout<double>(double, const DropoutKey&, i64, i64, const double*, double*);

}  // namespace nnf
