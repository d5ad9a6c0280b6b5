// Contract of the depthwise convolution's kernels. Plain data only (see registry.h).
#ifndef NNF_KERNELS_CONV_DEPTHWISE_CONTRACT_H
#define NNF_KERNELS_CONV_DEPTHWISE_CONTRACT_H

#include "base/types.h"

namespace nnf {

// The weight's gradient from pixels of one output row, channels-last, all taps inside the image:
//
//   out[a * out_row + b * out_col + ch] += sum_{p < pixels} g[p * g_step + ch] *
//                                                           x[p * x_step + a * x_row + b * x_col + ch]
//
// for a < down, b < across, ch < c. (The forward's row is in contract.h.)
template <class T>
struct DepthwiseSums {
  i64 pixels, c, down, across;
  const T* g;
  i64 g_step;
  const T* x;
  i64 x_step, x_row, x_col;
  T* out;
  i64 out_row, out_col;
};
template <class T>
using DepthwiseSumsFn = void (*)(const DepthwiseSums<T>& sums);

// A depthwise convolution, one output a channel, of NCHW images as they lie: x (n, c, h, w), weight (c, kh, kw),
// y and g (n, c, oh, ow). Planes are the images' channels, n * c of them. Rows of x are split by their columns' places
// modulo stride_w ("phases") into scratch, with the padding around them.
struct DepthwisePlanes {
  i64 n, c, h, w, oh, ow;
  i64 kh, kw, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  i64 columns;            // of x that taps reach
  i64 split_line;         // elements of one phase of a split row; stride_w of them
  i64 line, margin;       // elements of a row of g in scratch, and of those before its first column
  i64 band, rows;         // rows of the result that are made together, and rows in scratch for them
  const i64* taps;        // (kw): where in a split row tap b of output column 0 lies
};
constexpr i64 kPlaneSlack = 16;  // elements that whole vectors may go beyond a row in scratch: the widest vector's

// Planes p0..p1-1 of y: the convolution and bias (c), which may be null. With `mirrored` the taps come in reverse
// order. scratch: rows * stride_w * split_line elements.
template <class T>
using DepthwisePlanesFn = void (*)(const DepthwisePlanes& p, i64 p0, i64 p1, const T* x, const T* weight, bool mirrored,
                                   const T* bias, T* y, T* scratch);
// Planes p0..p1-1 of the data's gradient, for any stride. scratch: rows * line + stride_w * (line + 1) elements.
template <class T>
using DepthwiseGatherFn = void (*)(const DepthwisePlanes& p, i64 p0, i64 p1, const T* g, const T* weight, T* gx,
                                   T* scratch);
// Channels c0..c1-1 of the weight's gradient over all images. scratch: rows * stride_w * split_line elements.
template <class T>
using DepthwisePlaneSumsFn = void (*)(const DepthwisePlanes& p, i64 c0, i64 c1, const T* g, const T* x, T* gweight,
                                      T* scratch);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_CONTRACT_H
