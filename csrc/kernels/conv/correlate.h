// The convolutions' common core: a correlation of images with a kernel, as a batch-reduce GEMM over image rows; planes
// are turned to channels-last ones by the tasks that read them. Forward is one of these; the gradient of the data is
// one a class of input pixels (backward_data.cpp).
//
// Private to kernels/conv. Unlike a convolution's shape it knows padding that crops (negative), an output whose pixels
// lie apart, and weights by any strides.
#ifndef NNF_KERNELS_CONV_CORRELATE_H
#define NNF_KERNELS_CONV_CORRELATE_H

#include "kernels/gemm/gemm.h"

namespace nnf {

// y (i, j) = sum over taps (a, b) of frame(i * stride_h + a * dilation_h, j * stride_w + b * dilation_w) .
// weight(a, b), the frame being x with zeros around it.
struct Correlation {
  i64 n, h, w, c;  // x (n, h, w, c)
  i64 top, left;   // x's pixel (0, 0) is (top, left) of the frame
  i64 kh, kw, stride_h, stride_w, dilation_h, dilation_w, groups;
  i64 oh, ow, oc;
  i64 y_image, y_row, y_col;  // y's strides; its channels are dense
  bool planes;                // x (n, c, h, w) and y (n, oc, oh, ow), its strides unused
};

// Element (a, b, ch, j) of group q, ch < c / groups, j < oc / groups: p[a*row + b*col + ch*in + j*out + q*group].
template <class T>
struct WeightView {
  const T* p;
  i64 row, col, in, out, group;
};

// Whether it pays that planes are turned by the tasks that compute on them: where a group's few channels come to lie
// densely, and each is turned by one task alone. (A block of images turned before took as long without groups. In
// groups, one thread, AVX-512, microseconds of a block, a task: 8x128x28x28 3x3, 8 groups 2065, 1690; 4 groups 2900,
// 2790; 8x256x14x14, 8 groups 1380, 1260; 4x96x28x28 -> 192, 4 groups 1510, 1410.)
template <class T>
bool correlate_turns_once(const Correlation& s);

template <class T>
void correlate(const Correlation& s, const T* x, const WeightView<T>& weight, const Epilogue<T>& epilogue, T* y);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_CORRELATE_H
