// How arrays of images and weights lie in memory: channels-last, as networks hold them, and new ones that lie so.
#ifndef NNF_BINDINGS_CHANNELS_LAST_H
#define NNF_BINDINGS_CHANNELS_LAST_H

#include "bindings/checks.h"

namespace nnf::bindings {

// How an array (n, c, h, w) lies channels-last, and a weight (out, in, kh, kw) in a network: the axes, slowest first.
constexpr int kChannelsLast[4] = {0, 2, 3, 1}, kNetworkWeight[4] = {2, 3, 1, 0};

// Whether an array lies densely in memory with its axes in this order.
inline bool lies_as(const Input& x, const int (&axes)[4]) {
  if (x.nd() != 4) return false;
  i64 stride = 1;
  for (int i = 3; i >= 0; --i) {
    if (x.dim(axes[i]) != 1 && x.stride(axes[i]) != stride) return false;
    stride *= x.dim(axes[i]);
  }
  return stride > 0;
}

// In this order and in no other.
inline bool lies_only_as(const Input& x, const int (&axes)[4]) { return lies_as(x, axes) && !x.contiguous(); }

// A new array of the shape that lies so.
inline py::object new_lying_as(nnf_dtype dtype, const py::ssize_t* shape, const int (&axes)[4], char** data) {
  py::ssize_t lies[4];
  int back[4];
  for (int i = 0; i < 4; ++i) lies[i] = shape[axes[i]], back[axes[i]] = i;
  const py::object dense = new_array(dtype, lies, 4);
  *data = array_data(dense);
  return dense.attr("transpose")(back[0], back[1], back[2], back[3]);
}

}  // namespace nnf::bindings

#endif  // NNF_BINDINGS_CHANNELS_LAST_H
