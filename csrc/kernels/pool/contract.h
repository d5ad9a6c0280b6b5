// Contract of the pooling kernels, channels-last. Plain data only (see registry.h).
#ifndef NNF_KERNELS_POOL_CONTRACT_H
#define NNF_KERNELS_POOL_CONTRACT_H

#include "base/types.h"

namespace nnf {

struct PoolShape {
  i64 n, c, h, w;    // input (n, h, w, c)
  i64 oh, ow;        // output (n, oh, ow, c)
  i64 kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  bool count_include_pad;
};

// Output rows row0..row1-1, counted over n * oh; x and y are whole arrays. Maximum: NaN wins, padding never does.
// Average: over the window's cells inside the input (padding's too when count_include_pad, PyTorch's rule).
template <class T>
using PoolRowFn = void (*)(const PoolShape& s, i64 row0, i64 row1, const T* x, T* y);

// Images n0..n1-1: gx (n, h, w, c) is overwritten. Maximum: the first of equal maxima in a window takes the
// gradient (found again from x and y); average: x and y may be null.
template <class T>
using PoolRowBackwardFn = void (*)(const PoolShape& s, i64 n0, i64 n1, const T* g, const T* x, const T* y, T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_POOL_CONTRACT_H
