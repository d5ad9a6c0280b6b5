// Layer normalisation: blocks of rows over threads; the parameters' gradients by a fixed number of pieces.
#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/norm/norm.h"

namespace nnf {
namespace {

constexpr i64 kTaskElements = 8192;
// Costs of an element in parallel_for's unit.
constexpr i64 kForwardCost = 6, kBackwardCost = 12;
// Pieces whose sums for gweight and gbias are added up in order, at most.
constexpr i64 kMaxPieces = 64;

}  // namespace

template <class T>
void layer_norm_forward(i64 rows, i64 len, const T* x, const T* weight, const T* bias, double eps, T* y) {
  if (rows <= 0 || len <= 0) return;
  const LayerNormRowsFn<T> kernel = kernels<T>().layer_norm_rows;
  const i64 block = std::max<i64>(1, kTaskElements / len);
  parallel_for(ceil_div(rows, block), block * len * kForwardCost, [&](i64 begin, i64 end) {
    const i64 first = begin * block;
    kernel(std::min(end * block, rows) - first, len, x + first * len, weight, bias, static_cast<T>(eps),
           y + first * len);
  });
}

template <class T>
void layer_norm_backward(i64 rows, i64 len, const T* g, const T* x, const T* weight, double eps, T* gx, T* gweight,
                         T* gbias, bool accumulate) {
  if (len <= 0) return;
  const KernelTable<T>& k = kernels<T>();
  const bool sums = gweight != nullptr || gbias != nullptr;
  const i64 block = std::max<i64>({1, kTaskElements / len, ceil_div(rows, kMaxPieces)});
  const i64 pieces = ceil_div(rows, block);
  T* partial = sums ? thread_scratch<T>(Scratch::reduce, pieces * 2 * len) : nullptr;  // (pieces, 2, len)
  parallel_for(pieces, block * len * kBackwardCost, [&](i64 begin, i64 end) {
    for (i64 p = begin; p < end; ++p) {
      const i64 first = p * block;
      T* own = sums ? partial + p * 2 * len : nullptr;
      if (sums) std::fill(own, own + 2 * len, T(0));
      k.layer_norm_rows_backward(std::min(block, rows - first), len, g + first * len, x + first * len, weight,
                                 static_cast<T>(eps), gx != nullptr ? gx + first * len : nullptr, own,
                                 sums ? own + len : nullptr);
    }
  });
  if (gweight != nullptr) k.column_sum(pieces, len, partial, 2 * len, gweight, accumulate);
  if (gbias != nullptr) k.column_sum(pieces, len, partial + len, 2 * len, gbias, accumulate);
}

#define NNF_INSTANTIATE(T)                                                                                    \
  template void layer_norm_forward<T>(i64, i64, const T*, const T*, const T*, double, T*);                    \
  template void layer_norm_backward<T>(i64, i64, const T*, const T*, const T*, double, T*, T*, T*, bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
