// Threading of the elementwise kernels, and the tree that sums columns. The vector code is in activation-inl.h and
// rows-inl.h.
#include "kernels/elementwise/elementwise.h"

#include <algorithm>
#include <atomic>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// Elements of a task: 64 to 128 KB an array, a few microseconds' work, within a second-level cache.
constexpr i64 kTaskElements = 16384;
// An element's cost in parallel_for's unit where memory is the limit: about two operations.
constexpr int kStreamCost = 2;

// f(first, count) over blocks of elements; a small array is one direct call.
template <class F>
void over_elements(i64 n, int cost, F f) {
  if (n <= 0) return;
  if (n <= kTaskElements) return f(0, n);
  parallel_for(ceil_div(n, kTaskElements), kTaskElements * cost, [&](i64 begin, i64 end) {
    const i64 first = begin * kTaskElements;
    f(first, std::min(end * kTaskElements, n) - first);
  });
}

// Rows summed one after the other. Longer columns are summed as a tree of this fan-in: error grows with its depth.
constexpr i64 kSumRows = 256;
// Columns of a task; the bits do not depend on it.
constexpr i64 kSumColumns = 4096;

// out (groups, n): the sums of groups of kSumRows rows of x, at least one group; added to what is there when
// accumulate.
template <class T>
void sum_groups(i64 rows, i64 n, const T* x, T* out, bool accumulate) {
  const ColumnSumFn<T> kernel = kernels<T>().column_sum;
  const i64 blocks = ceil_div(n, kSumColumns), tasks = std::max<i64>(ceil_div(rows, kSumRows), 1) * blocks;
  const i64 cost = std::min(rows, kSumRows) * std::min(n, kSumColumns) * kStreamCost;
  parallel_for(tasks, cost, [&](i64 begin, i64 end) {
    for (i64 task = begin; task < end; ++task) {
      const i64 group = task / blocks, j = task % blocks * kSumColumns, r = group * kSumRows;
      kernel(std::min(kSumRows, rows - r), std::min(kSumColumns, n - j), x + r * n + j, n, out + group * n + j,
             accumulate);
    }
  });
}

}  // namespace

template <class T>
void activation_forward(nnf_activation act, T alpha, i64 n, const T* x, T* y) {
  if (act == NNF_ACT_IDENTITY && x == y) return;
  const ActivationKernels<T>& k = kernels<T>().activation[act];
  over_elements(n, k.cost, [&](i64 i, i64 count) { k.forward(count, x + i, y + i, alpha); });
}

template <class T>
void activation_backward(nnf_activation act, T alpha, i64 n, const T* g, const T* x, T* gx) {
  if (act == NNF_ACT_IDENTITY && g == gx) return;
  const ActivationKernels<T>& k = kernels<T>().activation[act];
  over_elements(n, k.cost, [&](i64 i, i64 count) { k.backward(count, g + i, x + i, gx + i, alpha); });
}

bool activation_has_backward_from_output(nnf_activation act, double alpha) {
  const ActivationKernels<float>& k = kernels<float>().activation[act];
  return k.backward_from_output != nullptr && alpha >= k.least_alpha;
}

template <class T>
void activation_backward_from_output(nnf_activation act, T alpha, i64 n, const T* g, const T* y, T* gx) {
  if (act == NNF_ACT_IDENTITY && g == gx) return;
  const ActivationKernels<T>& k = kernels<T>().activation[act];
  over_elements(n, kStreamCost, [&](i64 i, i64 count) { k.backward_from_output(count, g + i, y + i, gx + i, alpha); });
}

template <class T>
void softplus_forward(T beta, T threshold, i64 n, const T* x, T* y) {
  const KernelTable<T>& k = kernels<T>();
  over_elements(n, k.activation[NNF_ACT_SOFTPLUS].cost,
                [&](i64 i, i64 count) { k.softplus_array(count, x + i, y + i, beta, threshold); });
}

template <class T>
void softplus_backward(T beta, T threshold, i64 n, const T* g, const T* x, T* gx) {
  const KernelTable<T>& k = kernels<T>();
  over_elements(n, k.activation[NNF_ACT_SOFTPLUS].cost,
                [&](i64 i, i64 count) { k.softplus_array_backward(count, g + i, x + i, gx + i, beta, threshold); });
}

template <class T>
void add_into(i64 n, const T* x, T* y) {
  const AddIntoFn<T> kernel = kernels<T>().add_into;
  over_elements(n, kStreamCost, [&](i64 i, i64 count) { kernel(count, x + i, y + i); });
}

template <class T>
void scale_into(i64 n, const T* x, T s, T* y) {
  const ScaleIntoFn<T> kernel = kernels<T>().scale_into;
  over_elements(n, kStreamCost, [&](i64 i, i64 count) { kernel(count, x + i, s, y + i); });
}

template <class T>
void column_sum(i64 rows, i64 n, const T* x, T* out, bool accumulate) {
  if (n <= 0) return;
  if (rows <= kSumRows && n <= kSumColumns) return kernels<T>().column_sum(rows, n, x, n, out, accumulate);
  i64 partial_rows = 0;  // of all levels below the root
  for (i64 r = ceil_div(rows, kSumRows); r > 1; r = ceil_div(r, kSumRows)) partial_rows += r;
  T* partial = partial_rows > 0 ? thread_scratch<T>(Scratch::reduce, partial_rows * n) : nullptr;
  while (rows > kSumRows) {
    sum_groups(rows, n, x, partial, false);
    x = partial;
    rows = ceil_div(rows, kSumRows);
    partial += rows * n;
  }
  sum_groups(rows, n, x, out, accumulate);
}

template <class T>
bool all_finite(i64 n, const T* x) {
  const AllFiniteFn<T> kernel = kernels<T>().all_finite;
  std::atomic<bool> finite{true};
  over_elements(n, kStreamCost, [&](i64 i, i64 count) {
    if (!kernel(count, x + i)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load();
}

#define NNF_INSTANTIATE(T)                                                                             \
  template void activation_forward<T>(nnf_activation, T, i64, const T*, T*);                           \
  template void activation_backward<T>(nnf_activation, T, i64, const T*, const T*, T*);                \
  template void activation_backward_from_output<T>(nnf_activation, T, i64, const T*, const T*, T*);    \
  template void softplus_forward<T>(T, T, i64, const T*, T*);                                          \
  template void softplus_backward<T>(T, T, i64, const T*, const T*, T*);                               \
  template void add_into<T>(i64, const T*, T*);                                                        \
  template void scale_into<T>(i64, const T*, T, T*);                                                   \
  template void column_sum<T>(i64, i64, const T*, T*, bool);                                           \
  template bool all_finite<T>(i64, const T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
