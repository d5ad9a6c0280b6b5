// Contract of the kernels of convolutions in many small groups. Plain data only (see registry.h).
#ifndef NNF_KERNELS_CONV_GROUPED_CONTRACT_H
#define NNF_KERNELS_CONV_GROUPED_CONTRACT_H

#include "base/types.h"

namespace nnf {

// Pixels of one output row, channels-last, all taps inside the (padded) image, groups of `width` input and as many
// output channels, width 2, 4 or 8 and at most a vector's lanes; c is a multiple of width. With o0 = o / width *
// width:
//
//   y[p * c + o] = bias[o] + sum_{a < kh, b < kw, i < width} w[((a * kw + b) * width + i) * c + o] *
//                                                            x[p * x_step + a * x_row + b * x_col + o0 + i]
//
// for 0 <= p < pixels, 0 <= o < c; bias may be null. The order of a sum does not depend on pixels.
template <class T>
struct GroupedRow {
  i64 pixels, c, width, kh, kw;
  const T* x;
  i64 x_step, x_row, x_col;
  const T* w;
  const T* bias;
  T* y;
};
template <class T>
using GroupedRowFn = void (*)(const GroupedRow<T>& row);

// The weight's gradient from `lines` output rows, for `taps` taps of one row of the kernel:
//
//   out[(b * width + i) * c + o] += sum_{r < lines, p < pixels} g[(r * pixels + p) * c + o] *
//                                                   x[r * x_line + p * x_step + b * x_col + o0 + i],   0 <= b < taps
template <class T>
struct GroupedSums {
  i64 lines, pixels, c, width, taps;
  const T* g;
  const T* x;
  i64 x_line, x_step, x_col;
  T* out;
};
template <class T>
using GroupedSumsFn = void (*)(const GroupedSums<T>& sums);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_GROUPED_CONTRACT_H
