// The fully connected layer on rows of a sparse matrix; see sparse_linear.h.
#include "kernels/sparse/sparse_linear.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kStored = 256;     // numbers of a row read at a time: their offsets stay in the first cache
constexpr i64 kTaskColumns = 16;  // rows of a gradient a task

// Calls f(values, offsets, k, count) for the stored numbers of row i, some at a time.
template <class T, class F>
void for_each_part(const CsrRows& rows, i64 i, i64 width, F f) {
  T values[kStored];
  i64 offsets[kStored];
  const i64 end = rows.end(i);
  for (i64 k = rows.begin(i); k < end; k += kStored) {
    const i64 count = std::min(kStored, end - k);
    read_stored(*rows.x, k, count, width, values, offsets);
    f(values, offsets, k, count);
  }
}

// Of a row, in parallel_for's unit.
i64 row_cost(const nnf_csr& x, i64 out) {
  const i64 stored = x.rows > 0 ? x.stored / x.rows + 1 : 1;
  return stored * (out / 8 + 4);
}

}  // namespace

template <class T>
void sparse_linear(const CsrRows& rows, i64 out, const T* weight, const Epilogue<T>& epilogue, T* y) {
  const KernelTable<T>& k = kernels<T>();
  parallel_for(rows.count, row_cost(*rows.x, out), [&](i64 begin, i64 end) {
    for (i64 i = begin; i < end; ++i) {
      T* to = y + i * out;
      if (epilogue.bias != nullptr) {
        std::copy(epilogue.bias, epilogue.bias + out, to);
      } else {
        std::fill(to, to + out, T(0));
      }
      for_each_part<T>(rows, i, out, [&](const T* values, const i64* offsets, i64, i64 count) {
        k.weighted_rows(count, out, values, offsets, weight, to);
      });
      if (epilogue.act != NNF_ACT_IDENTITY) k.activation[epilogue.act].forward(out, to, to, epilogue.alpha);
    }
  });
}

template <class T>
void sparse_weight_gradient(const CsrColumns<T>& columns, i64 in, i64 out, const T* g, T* gweight, bool accumulate) {
  const KernelTable<T>& k = kernels<T>();
  if (!accumulate) {
    parallel_for(in, out / 8 + 1, [&](i64 begin, i64 end) {
      std::fill(gweight + begin * out, gweight + end * out, T(0));
    });
  }
  parallel_for(ceil_div(columns.count(), kTaskColumns), 2 * kTaskColumns * (out / 8 + 4), [&](i64 begin, i64 end) {
    const i64 last = std::min(end * kTaskColumns, columns.count());
    for (i64 j = begin * kTaskColumns; j < last; ++j) {
      T* to = gweight + columns.column(j) * out;
      k.weighted_rows(columns.size(j), out, columns.values(j), columns.offsets(j), g, to);
    }
  });
}

template <class T>
void sparse_touched_gradient(const CsrColumns<T>& columns, i64 out, const T* g, T* gweight) {
  const KernelTable<T>& k = kernels<T>();
  parallel_for(ceil_div(columns.count(), kTaskColumns), 2 * kTaskColumns * (out / 8 + 4), [&](i64 begin, i64 end) {
    const i64 last = std::min(end * kTaskColumns, columns.count());
    for (i64 j = begin * kTaskColumns; j < last; ++j) {
      T* to = gweight + j * out;
      std::fill(to, to + out, T(0));
      k.weighted_rows(columns.size(j), out, columns.values(j), columns.offsets(j), g, to);
    }
  });
}

template <class T>
void sparse_data_gradient(const nnf_csr& x, i64 out, const T* g, const T* weight, T* gdata) {
  const KernelTable<T>& k = kernels<T>();
  const CsrRows rows{&x, nullptr, 0, x.rows};
  const i64 first = x.rows > 0 ? rows.begin(0) : 0, last = x.rows > 0 ? rows.end(x.rows - 1) : 0;
  std::fill(gdata, gdata + first, T(0));
  std::fill(gdata + last, gdata + x.stored, T(0));
  parallel_for(x.rows, row_cost(x, out), [&](i64 begin, i64 end) {
    for (i64 i = begin; i < end; ++i) {
      for_each_part<T>(rows, i, out, [&](const T*, const i64* offsets, i64 place, i64 count) {
        k.row_dots(count, out, g + i * out, offsets, weight, gdata + place);
      });
    }
  });
}

#define NNF_INSTANTIATE(T)                                                                         \
  template void sparse_linear<T>(const CsrRows&, i64, const T*, const Epilogue<T>&, T*);           \
  template void sparse_weight_gradient<T>(const CsrColumns<T>&, i64, i64, const T*, T*, bool);     \
  template void sparse_touched_gradient<T>(const CsrColumns<T>&, i64, const T*, T*);               \
  template void sparse_data_gradient<T>(const nnf_csr&, i64, const T*, const T*, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
