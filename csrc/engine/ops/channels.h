// What the normalising operations share: a batch seen as rows of channels, whatever the shape of its samples.
//
// Features (C,), signals (C, L) and images, which the plan hands over channels-last, lie so already; others are brought
// there and back through the thread's scratch.
#ifndef NNF_ENGINE_OPS_CHANNELS_H
#define NNF_ENGINE_OPS_CHANNELS_H

#include "base/memory.h"
#include "engine/op.h"
#include "kernels/layout/layout.h"

namespace nnf {

struct Channels {
  explicit Channels(const Shape& shape)
      : c(shape[0]), inner(element_count(shape) / shape[0]), converts(shape.size() > 3 && inner > 1) {}
  i64 c, inner;
  bool converts;

  // Scratch for `arrays` of n samples, or null where none is needed.
  template <class T>
  T* scratch(i64 n, i64 arrays) const {
    return converts ? thread_scratch<T>(Scratch::norm_image, arrays * n * c * inner) : nullptr;
  }
  template <class T>
  const T* rows_of(i64 n, const T* x, T* buffer) const {
    if (!converts) return x;
    nchw_to_nhwc<T>(n, c, inner, x, buffer);
    return buffer;
  }
  template <class T>
  void put_back(i64 n, const T* buffer, T* y) const {
    if (converts) nhwc_to_nchw<T>(n, c, inner, buffer, y);
  }
};

}  // namespace nnf

#endif  // NNF_ENGINE_OPS_CHANNELS_H
