// Contract of the depthwise convolution's kernels. Plain data only (see registry.h).
#ifndef NNF_KERNELS_CONV_DEPTHWISE_CONTRACT_H
#define NNF_KERNELS_CONV_DEPTHWISE_CONTRACT_H

#include "base/types.h"

namespace nnf {

// One output row of a depthwise convolution, channels-last:
//
//   y[p * y_step + ch] = bias[ch] + sum_{a < down, b < across} w[a * w_row + b * w_col + ch] *
//                                                              x[a * x_row + column(p, b) * x_col + ch]
//
// for 0 <= p < pixels, 0 <= ch < c, column(p, b) = first + p * stride + b * dilation; columns before 0 and from
// `columns` on are padding, which is left out. bias may be null. The order of a sum does not depend on pixels.
template <class T>
struct DepthwiseRow {
  i64 pixels, c, down, across;
  i64 first, stride, dilation, columns;
  const T* x;
  i64 x_row, x_col;
  const T* w;
  i64 w_row, w_col;
  const T* bias;
  T* y;
  i64 y_step;
};
template <class T>
using DepthwiseRowFn = void (*)(const DepthwiseRow<T>& row);

// The weight's gradient from `lines` output rows of an image, channels-last:
//
//   out[a * out_row + b * out_col + ch] += sum_{l < lines, p < pixels} g[l * g_line + p * g_step + ch] *
//                                          x[row(l, a) * x_row + column(p, b) * x_col + ch]
//
// for a < down, b < across, ch < c, with row(l, a) = top + l * stride_h + a * dilation_h and column(p, b) as above;
// what lies outside of rows and columns is 0.
template <class T>
struct DepthwiseSums {
  i64 lines, pixels, c, down, across;
  i64 top, stride_h, dilation_h, rows;
  i64 first, stride, dilation, columns;
  const T* g;
  i64 g_line, g_step;
  const T* x;
  i64 x_row, x_col;
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
  i64 lead;               // elements of a phase of a split row before its padding
  const i64* taps;        // (kw): where in a split row tap b of output column 0 lies
};
constexpr i64 kPlaneSlack = 16;  // elements that whole vectors may go beyond a row in scratch: the widest vector's
constexpr i64 kRowSlack = 4 * kPlaneSlack;  // and those that a row's four vectors may be read beyond all rows

// Planes p0..p1-1 of y: the convolution and bias (c), which may be null. With `mirrored` the taps come in reverse
// order. scratch: 2 * rows * stride_w * split_line + kRowSlack elements.
template <class T>
using DepthwisePlanesFn = void (*)(const DepthwisePlanes& p, i64 p0, i64 p1, const T* x, const T* weight, bool mirrored,
                                   const T* bias, T* y, T* scratch);
// Planes p0..p1-1 of the data's gradient, for any stride. scratch: rows * line + stride_w * (line + 1) elements.
template <class T>
using DepthwiseGatherFn = void (*)(const DepthwisePlanes& p, i64 p0, i64 p1, const T* g, const T* weight, T* gx,
                                   T* scratch);
// Channels c0..c1-1 of the weight's gradient over all images. scratch: as for the planes.
template <class T>
using DepthwisePlaneSumsFn = void (*)(const DepthwisePlanes& p, i64 c0, i64 c1, const T* g, const T* x, T* gweight,
                                      T* scratch);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_DEPTHWISE_CONTRACT_H
