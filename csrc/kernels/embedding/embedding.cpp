// Embedding: copies of rows, and a scatter-add in which each task owns a range of the table's rows.
//
// A task of the backward pass reads all indices and adds those that fall into its range, so that every row of the table
// gets its additions in the order of the indices whatever the number of threads.
#include "kernels/embedding/embedding.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {

i64 first_index_outside(i64 count, const i64* indices, i64 rows) {
  for (i64 i = 0; i < count; ++i) {
    if (indices[i] < 0 || indices[i] >= rows) return i;
  }
  return -1;
}

template <class T>
void embedding_forward(i64 count, i64 dim, const i64* indices, const T* weight, T* y) {
  parallel_for(count, dim + 8, [&](i64 begin, i64 end) {
    for (i64 i = begin; i < end; ++i) {
      const T* row = weight + indices[i] * dim;
      std::copy(row, row + dim, y + i * dim);
    }
  });
}

template <class T>
void embedding_backward(i64 count, i64 rows, i64 dim, const i64* indices, i64 padding, const T* g, T* gweight,
                        bool accumulate) {
  constexpr i64 kTasks = 16;  // each reads all indices: few
  const AddIntoFn<T> add = kernels<T>().add_into;
  const i64 range = ceil_div(std::max<i64>(rows, 1), kTasks);
  parallel_for(ceil_div(rows, range), (range + count / kTasks) * dim + count, [&](i64 begin, i64 end) {
    const i64 low = begin * range, high = std::min(end * range, rows);
    if (!accumulate) std::fill(gweight + low * dim, gweight + high * dim, T(0));
    for (i64 i = 0; i < count; ++i) {
      const i64 r = indices[i];
      if (r >= low && r < high && r != padding) add(dim, g + i * dim, gweight + r * dim);
    }
  });
}

#define NNF_INSTANTIATE(T)                                                          \
  template void embedding_forward<T>(i64, i64, const i64*, const T*, T*);           \
  template void embedding_backward<T>(i64, i64, i64, const i64*, i64, const T*, T*, bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
