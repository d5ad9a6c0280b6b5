// 2-D pooling of NCHW images as they are: plans and threading around the plane kernels of contract.h.
#ifndef NNF_KERNELS_POOL_PLANES_H
#define NNF_KERNELS_POOL_PLANES_H

#include "kernels/pool/contract.h"

namespace nnf {

// Whether the plane kernels take this shape and are faster than converting to channels-last and back.
enum class PlaneWork { values, indices, max_gradient, pairs_gradient };  // values: and the average's gradient
bool planes_pay(const PoolShape& s, PlaneWork work);

template <class T>
void max_pool2d_planes(const PoolShape& s, const T* x, T* y);
template <class T>
void max_pool2d_planes_backward(const PoolShape& s, const T* g, const T* x, T* gx);
// With indices, and by those of pairs (contract.h). The gradient is false when an index is no cell of its window.
template <class T>
void max_pool2d_planes_indices(const PoolShape& s, const T* x, T* y, i64* indices);
template <class T>
bool max_pool2d_pairs_backward(const PoolShape& s, const T* g, const i64* indices, T* gx);
// By any indices; false when one is no cell of its image.
template <class T>
bool max_pool2d_planes_scatter(const PoolShape& s, const T* g, const i64* indices, T* gx);
template <class T>
void avg_pool2d_planes(const PoolShape& s, const T* x, T* y);
template <class T>
void avg_pool2d_planes_backward(const PoolShape& s, const T* g, T* gx);

// The same, without indices, of one image's planes at a time, on the calling thread. A part of it lies in the scratch
// of the thread that made it, which must not pool otherwise meanwhile.
template <class T>
class ImagePlanes {
 public:
  enum class Pass { forward, backward };
  ImagePlanes(const PoolShape& s, bool max, Pass pass);
  void forward(const T* x, T* y) const;                // (c, h, w) to (c, oh, ow)
  void backward(const T* g, const T* x, T* gx) const;  // x: of the maximum only

 private:
  PoolPlanes plan_;
  i64 elements_;  // of scratch
  bool max_;
};

}  // namespace nnf

#endif  // NNF_KERNELS_POOL_PLANES_H
