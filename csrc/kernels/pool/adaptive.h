// Adaptive average pooling, channels-last: the output's size is given, the windows follow from it.
#ifndef NNF_KERNELS_POOL_ADAPTIVE_H
#define NNF_KERNELS_POOL_ADAPTIVE_H

#include "base/types.h"

namespace nnf {

struct AdaptiveShape {
  i64 n, c, h, w, oh, ow;  // x (n, h, w, c), y (n, oh, ow, c)
};

// Throws Error(invalid_value) naming `op` where a size is out of range.
void check_adaptive_shape(const AdaptiveShape& s, const char* op);
// Whether all windows have one size and tile the image: ordinary pooling with kernel (h / oh, w / ow) does it.
inline bool adaptive_tiles(const AdaptiveShape& s) { return s.h % s.oh == 0 && s.w % s.ow == 0; }

template <class T>
void adaptive_avg_pool2d_forward(const AdaptiveShape& s, const T* x, T* y);
// gx is overwritten.
template <class T>
void adaptive_avg_pool2d_backward(const AdaptiveShape& s, const T* g, T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_POOL_ADAPTIVE_H
