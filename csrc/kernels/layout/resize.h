// Arrays made larger by copies of what they hold: constant padding of any axes, and nearest-neighbour upsampling.
#ifndef NNF_KERNELS_LAYOUT_RESIZE_H
#define NNF_KERNELS_LAYOUT_RESIZE_H

#include "base/types.h"

namespace nnf {

// y, of shape[d] + before[d] + after[d] cells along axis d, is x (shape...) at offset `before` and `value` elsewhere.
// Negative numbers cut cells off. The output's sizes must not be negative.
template <class T>
void pad_constant(int ndim, const i64* shape, const i64* before, const i64* after, T value, const T* x, T* y);

// x (n, h, w, c), y (n, oh, ow, c). Row i of y is row min(floor(i / scale_h), h - 1) of x, and floor(i h / oh) where
// scale_h is 0; columns likewise. This is PyTorch's rule, with a factor given or with a size; it computes in float32,
// this in float64, which is exact as long as i h stays below 2^53.
struct UpsampleShape {
  i64 n, h, w, c, oh, ow;
  double scale_h, scale_w;
};

// Throws Error(invalid_value) naming `op` where a size is out of range.
void check_upsample_shape(const UpsampleShape& s, const char* op);

template <class T>
void upsample_nearest_forward(const UpsampleShape& s, const T* x, T* y);
// gx: the sum of g over each pixel's copies, row by row; overwritten.
template <class T>
void upsample_nearest_backward(const UpsampleShape& s, const T* g, T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_LAYOUT_RESIZE_H
