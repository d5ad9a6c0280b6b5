// Penalties over whole arrays; see penalty.h. The vector code is in optim-inl.h.
#include "kernels/optim/penalty.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kChunk = 8192;  // elements a task and a partial sum: some 2 microseconds' work

template <class T>
double sum_of_chunks(i64 n, const T* w, NormSumFn<T> sum) {
  if (n <= kChunk) return static_cast<double>(sum(n, w));
  const i64 chunks = ceil_div(n, kChunk);
  T* parts = thread_scratch<T>(Scratch::reduce, chunks);
  parallel_for(chunks, kChunk, [&](i64 begin, i64 end) {
    for (i64 c = begin; c < end; ++c) parts[c] = sum(std::min(kChunk, n - c * kChunk), w + c * kChunk);
  });
  double total = 0;
  for (i64 c = 0; c < chunks; ++c) total += static_cast<double>(parts[c]);
  return total;
}

}  // namespace

template <class T>
double absolute_sum(i64 n, const T* w) {
  return sum_of_chunks<T>(n, w, kernels<T>().absolute_sum_part);
}

template <class T>
double square_sum(i64 n, const T* w) {
  return sum_of_chunks<T>(n, w, kernels<T>().square_sum_part);
}

template <class T>
void add_penalty_slope(i64 n, const T* w, double l1, double slope, T* g) {
  const KernelTable<T>& k = kernels<T>();
  const T up = static_cast<T>(l1), factor = static_cast<T>(slope);
  parallel_for(ceil_div(n, kChunk), kChunk, [&](i64 begin, i64 end) {
    const i64 first = begin * kChunk;
    k.penalty_slope(std::min(end * kChunk, n) - first, w + first, up, factor, g + first);
  });
}

#define NNF_INSTANTIATE(T)                                                 \
  template double absolute_sum<T>(i64, const T*);                          \
  template double square_sum<T>(i64, const T*);                            \
  template void add_penalty_slope<T>(i64, const T*, double, double, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
