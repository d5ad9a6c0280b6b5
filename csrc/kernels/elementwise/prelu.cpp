// Threading of PReLU. Where a channel's elements lie together (inner > 1, or one channel) it is leaky_relu on each run
// of them; where channels alternate, a vector of slopes goes along the rows. The vector code is in prelu-inl.h.
#include "kernels/elementwise/prelu.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/elementwise.h"
#include "nnfast/nnfast.h"

namespace nnf {
namespace {

constexpr i64 kTaskElements = 16384;  // of a piece; sums of one slope are cut there, too
constexpr i64 kSumRows = 256;         // rows summed one after the other, as column_sum does
constexpr int kCost = 2;              // of an element, in parallel_for's unit

// f(first, count) over tasks of some of the `items`, each of `size` elements.
template <class F>
void over_items(i64 items, i64 size, F f) {
  const i64 step = std::max<i64>(1, kTaskElements / std::max<i64>(size, 1));
  parallel_for(ceil_div(items, step), step * size * kCost, [&](i64 begin, i64 end) {
    const i64 first = begin * step;
    f(first, std::min(end * step, items) - first);
  });
}

}  // namespace

template <class T>
void prelu_forward(i64 outer, i64 channels, i64 inner, const T* x, const T* w, T* y) {
  if (outer <= 0 || channels <= 0 || inner <= 0) return;
  if (channels == 1) return activation_forward<T>(NNF_ACT_LEAKY_RELU, w[0], outer * inner, x, y);
  const KernelTable<T>& k = kernels<T>();
  if (inner == 1) {
    return over_items(outer, channels, [&](i64 row, i64 rows) {
      k.prelu_rows(rows, channels, x + row * channels, w, y + row * channels);
    });
  }
  const ActForwardFn<T> kernel = k.activation[NNF_ACT_LEAKY_RELU].forward;
  over_items(outer * channels, inner, [&](i64 first, i64 count) {
    for (i64 i = first; i < first + count; ++i) kernel(inner, x + i * inner, y + i * inner, w[i % channels]);
  });
}

template <class T>
void prelu_backward(i64 outer, i64 channels, i64 inner, const T* g, const T* x, const T* w, T* gx) {
  if (outer <= 0 || channels <= 0 || inner <= 0) return;
  if (channels == 1) return activation_backward<T>(NNF_ACT_LEAKY_RELU, w[0], outer * inner, g, x, gx);
  const KernelTable<T>& k = kernels<T>();
  if (inner == 1) {
    return over_items(outer, channels, [&](i64 row, i64 rows) {
      const i64 i = row * channels;
      k.prelu_rows_backward(rows, channels, g + i, x + i, w, gx + i);
    });
  }
  const ActBackwardFn<T> kernel = k.activation[NNF_ACT_LEAKY_RELU].backward;
  over_items(outer * channels, inner, [&](i64 first, i64 count) {
    for (i64 i = first; i < first + count; ++i) {
      kernel(inner, g + i * inner, x + i * inner, gx + i * inner, w[i % channels]);
    }
  });
}

template <class T>
void prelu_weight_gradient(i64 outer, i64 channels, i64 inner, const T* g, const T* x, T* gw, bool accumulate) {
  if (channels <= 0) return;
  const KernelTable<T>& k = kernels<T>();
  // Partial sums (pieces, channels), then their column sums.
  i64 pieces = outer;
  if (channels == 1) pieces = ceil_div(outer * inner, kTaskElements);
  if (channels > 1 && inner == 1) pieces = ceil_div(outer, kSumRows);
  T* partial = thread_scratch<T>(Scratch::slopes, std::max<i64>(pieces, 1) * channels);
  if (channels == 1) {
    const i64 n = outer * inner;
    over_items(pieces, kTaskElements, [&](i64 first, i64 count) {
      for (i64 i = first; i < first + count; ++i) {
        const i64 at = i * kTaskElements;
        partial[i] = k.prelu_slope_sum(std::min(kTaskElements, n - at), g + at, x + at);
      }
    });
  } else if (inner == 1) {
    over_items(pieces, std::min(outer, kSumRows) * channels, [&](i64 first, i64 count) {
      for (i64 i = first; i < first + count; ++i) {
        const i64 row = i * kSumRows;
        k.prelu_slope_columns(std::min(kSumRows, outer - row), channels, g + row * channels, x + row * channels,
                              partial + i * channels);
      }
    });
  } else {
    over_items(pieces * channels, inner, [&](i64 first, i64 count) {
      for (i64 i = first; i < first + count; ++i) partial[i] = k.prelu_slope_sum(inner, g + i * inner, x + i * inner);
    });
  }
  column_sum<T>(pieces, channels, partial, gw, accumulate);
}

#define NNF_INSTANTIATE(T)                                                                          \
  template void prelu_forward<T>(i64, i64, i64, const T*, const T*, T*);                            \
  template void prelu_backward<T>(i64, i64, i64, const T*, const T*, const T*, T*);                 \
  template void prelu_weight_gradient<T>(i64, i64, i64, const T*, const T*, T*, bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
