// Threading of softmax, and the gathering of strided rows. The vector code is in softmax-inl.h.
#include "kernels/softmax/softmax.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// Elements a task handles, a few microseconds' work: its rows, gathered twice in the backward pass, stay in a
// second-level cache of 256 KB also in double.
constexpr i64 kTaskElements = 8192;
// Costs in parallel_for's unit, of which 6 to 8 make a nanosecond here. Measured with AVX-512: 0.3 to 0.5 ns an
// element, 6 ns more a row for the sums across lanes.
constexpr i64 kElementCost = 3, kRowCost = 40;

i64 cost(i64 rows, i64 len) { return rows * (len * kElementCost + kRowCost); }

// Columns gathered at once: whole cache lines, also where a row alone is longer than a task should be.
constexpr i64 kMinColumns = 16;

// f(first, count) over blocks of rows.
template <class F>
void over_rows(i64 rows, i64 len, F f) {
  const i64 block = std::max<i64>(1, kTaskElements / len);
  parallel_for(ceil_div(rows, block), cost(block, len), [&](i64 begin, i64 end) {
    const i64 first = begin * block;
    f(first, std::min(end * block, rows) - first);
  });
}

// f(offset, columns) over blocks of columns of the slabs (len, inner); offset is of a block's first element.
template <class F>
void over_columns(i64 outer, i64 len, i64 inner, F f) {
  const i64 columns = std::min(inner, std::max(kMinColumns, kTaskElements / len / kMinColumns * kMinColumns));
  const i64 blocks = ceil_div(inner, columns);
  const i64 group = std::max<i64>(1, kTaskElements / (len * columns));
  const i64 total = outer * blocks;
  parallel_for(ceil_div(total, group), cost(group * columns, len), [&](i64 begin, i64 end) {
    const i64 stop = std::min(end * group, total);
    for (i64 i = begin * group; i < stop; ++i) {
      const i64 first = i % blocks * columns;
      f(i / blocks * len * inner + first, std::min(columns, inner - first));
    }
  });
}

// f(columns, first rows, second rows) over blocks of columns of the slabs a and b, gathered as rows (columns, len);
// what it leaves in the first goes to those columns of `out`.
template <class T, class F>
void over_column_pairs(i64 outer, i64 len, i64 inner, const T* a, const T* b, T* out, F f) {
  const KernelTable<T>& k = kernels<T>();
  over_columns(outer, len, inner, [&](i64 offset, i64 columns) {
    T* a_rows = thread_scratch<T>(Scratch::softmax, 2 * columns * len);
    T* b_rows = a_rows + columns * len;
    k.transpose(len, columns, a + offset, inner, a_rows, len);
    k.transpose(len, columns, b + offset, inner, b_rows, len);
    f(columns, a_rows, b_rows);
    k.transpose(columns, len, a_rows, len, out + offset, inner);
  });
}

}  // namespace

template <class T>
void softmax_forward(bool log, i64 outer, i64 len, i64 inner, const T* x, T* y) {
  if (outer <= 0 || len <= 0 || inner <= 0) return;
  const KernelTable<T>& k = kernels<T>();
  if (inner == 1) {
    over_rows(outer, len, [&](i64 first, i64 count) {
      k.softmax_rows(count, len, x + first * len, y + first * len, log);
    });
    return;
  }
  over_columns(outer, len, inner, [&](i64 offset, i64 columns) {
    T* rows = thread_scratch<T>(Scratch::softmax, columns * len);  // (columns, len)
    k.transpose(len, columns, x + offset, inner, rows, len);
    k.softmax_rows(columns, len, rows, rows, log);
    k.transpose(columns, len, rows, len, y + offset, inner);
  });
}

template <class T>
void softmax_backward(bool log, i64 outer, i64 len, i64 inner, const T* g, const T* x, T* gx) {
  if (outer <= 0 || len <= 0 || inner <= 0) return;
  const KernelTable<T>& k = kernels<T>();
  if (inner == 1) {
    over_rows(outer, len, [&](i64 first, i64 count) {
      const bool apart = gx != g;
      T* e = apart ? gx + first * len : thread_scratch<T>(Scratch::softmax, len);
      k.softmax_rows_grad(count, len, g + first * len, x + first * len, e, apart ? len : 0, gx + first * len, log);
    });
    return;
  }
  over_column_pairs(outer, len, inner, g, x, gx, [&](i64 columns, T* g_rows, T* x_rows) {
    k.softmax_rows_grad(columns, len, g_rows, x_rows, x_rows, len, g_rows, log);
  });
}

template <class T>
void softmax_backward_from_output(bool log, i64 outer, i64 len, i64 inner, const T* g, const T* y, T* gx) {
  if (outer <= 0 || len <= 0 || inner <= 0) return;
  const KernelTable<T>& k = kernels<T>();
  if (inner == 1) {
    over_rows(outer, len, [&](i64 first, i64 count) {
      k.softmax_rows_backward(count, len, g + first * len, y + first * len, gx + first * len, log);
    });
    return;
  }
  over_column_pairs(outer, len, inner, g, y, gx, [&](i64 columns, T* g_rows, T* y_rows) {
    k.softmax_rows_backward(columns, len, g_rows, y_rows, g_rows, log);
  });
}

#define NNF_INSTANTIATE(T)                                                        \
  template void softmax_forward<T>(bool, i64, i64, i64, const T*, T*);            \
  template void softmax_backward<T>(bool, i64, i64, i64, const T*, const T*, T*); \
  template void softmax_backward_from_output<T>(bool, i64, i64, i64, const T*, const T*, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
