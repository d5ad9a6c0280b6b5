// The C interface's transposed convolution: NCHW and (c, oc / groups, kh, kw) at the border, channels-last inside,
// converted a block of images at a time. In terms of the convolution it transposes, as kernels/conv/transpose.h.
#include <algorithm>

#include "base/memory.h"
#include "capi/arguments.h"
#include "capi/guard.h"
#include "kernels/conv/transpose.h"
#include "kernels/layout/layout.h"

namespace nnf {
namespace {

constexpr i64 kBlockElements = i64{1} << 18;  // of a block's arrays together: a megabyte as float

struct Sizes {
  i64 hw, pixels, small, large, weights, block;  // of y's planes, x's planes, images of x and of y; images of a block
  explicit Sizes(const ConvShape& s)
      : hw(s.h * s.w), pixels(s.oh * s.ow), small(s.oc * pixels), large(s.c * hw),
        weights(s.kh * s.kw * (s.c / s.groups) * s.oc),
        block(std::clamp<i64>(std::max(kBlockElements, 4 * weights) / (small + large), 1, std::max<i64>(1, s.n))) {}
};

template <class T>
const T* channels_last(i64 n, i64 c, i64 hw, const T* x, T* buffer) {
  if (c == 1 || hw == 1) return x;
  nchw_to_nhwc(n, c, hw, x, buffer);
  return buffer;
}

template <class T>
void transposed_forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y) {
  const Sizes z(s);
  T* own_weight = thread_scratch<T>(Scratch::convert_in, z.weights + z.block * z.small);
  T* own_x = own_weight + z.weights;
  T* own_y = thread_scratch<T>(Scratch::convert_out, z.block * z.large);
  oihw_to_hwio(s.oc, s.c / s.groups, s.kh * s.kw, weight, own_weight);
  const bool as_is = s.c == 1 || z.hw == 1;
  ConvShape part = s;
  for (i64 n = 0; n < s.n; n += z.block) {
    part.n = std::min(z.block, s.n - n);
    T* y_block = y + n * z.large;
    conv_transpose2d_forward<T>(part, channels_last(part.n, s.oc, z.pixels, x + n * z.small, own_x), own_weight, bias,
                                as_is ? y_block : own_y);
    if (!as_is) nhwc_to_nchw(part.n, s.c, z.hw, own_y, y_block);
  }
}

template <class T>
void transposed_backward(const ConvShape& s, const T* g, const T* x, const T* weight, T* gx, T* gweight, T* gbias) {
  const Sizes z(s);
  T* own_weight = thread_scratch<T>(Scratch::convert_in, z.weights + z.block * (z.small + z.large));
  T* own_x = own_weight + z.weights;
  T* own_g = own_x + z.block * z.small;
  T* own_gweight = thread_scratch<T>(Scratch::convert_out, z.weights + z.block * z.small);
  T* own_gx = own_gweight + z.weights;
  oihw_to_hwio(s.oc, s.c / s.groups, s.kh * s.kw, weight, own_weight);
  const bool as_is = s.oc == 1 || z.pixels == 1;
  ConvShape part = s;
  for (i64 n = 0; n < std::max<i64>(1, s.n); n += z.block) {  // once for no images: the sums become 0
    part.n = std::min(z.block, s.n - n);
    T* gx_block = gx + n * z.small;
    conv_transpose2d_backward<T>(part, channels_last(part.n, s.c, z.hw, g + n * z.large, own_g),
                                 channels_last(part.n, s.oc, z.pixels, x + n * z.small, own_x), own_weight,
                                 as_is ? gx_block : own_gx, own_gweight, gbias, n > 0);
    if (!as_is) nhwc_to_nchw(part.n, s.oc, z.pixels, own_gx, gx_block);
  }
  hwio_to_oihw(s.oc, s.c / s.groups, s.kh * s.kw, own_gweight, gweight);
}

}  // namespace
}  // namespace nnf

extern "C" {

nnf_status nnf_conv_transpose2d_output(const nnf_conv_transpose2d_shape* s, int64_t* oh, int64_t* ow) {
  return nnf::guard([&] {
    nnf::require_array("conv_transpose2d", "shape", s, 1);
    nnf::require_array("conv_transpose2d", "oh", oh, 1);
    nnf::require_array("conv_transpose2d", "ow", ow, 1);
    const nnf::ConvShape shape = nnf::transposed_conv(*s, "conv_transpose2d");
    *oh = shape.h;
    *ow = shape.w;
  });
}

nnf_status nnf_conv_transpose2d(nnf_dtype dt, const nnf_conv_transpose2d_shape* s, const void* x, const void* weight,
                                const void* bias, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* name = "conv_transpose2d";
    nnf::require_array(name, "shape", s, 1);
    const nnf::ConvShape shape = nnf::transposed_conv(*s, name);
    const nnf::Sizes z(shape);
    nnf::require_array(name, "x", x, shape.n * z.small);
    nnf::require_array(name, "weight", weight, z.weights);
    nnf::require_array(name, "y", y, shape.n * z.large);
    nnf::transposed_forward<T>(shape, static_cast<const T*>(x), static_cast<const T*>(weight),
                               static_cast<const T*>(bias), static_cast<T*>(y));
  });
}

nnf_status nnf_conv_transpose2d_backward(nnf_dtype dt, const nnf_conv_transpose2d_shape* s, const void* g,
                                         const void* x, const void* weight, void* gx, void* gweight, void* gbias) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* name = "conv_transpose2d_backward";
    nnf::require_array(name, "shape", s, 1);
    const nnf::ConvShape shape = nnf::transposed_conv(*s, name);
    const nnf::Sizes z(shape);
    nnf::require_array(name, "g", g, shape.n * z.large);
    nnf::require_array(name, "x", x, shape.n * z.small);
    nnf::require_array(name, "weight", weight, z.weights);
    nnf::require_array(name, "gx", gx, shape.n * z.small);
    nnf::require_array(name, "gweight", gweight, z.weights);
    nnf::require_array(name, "gbias", gbias, shape.c);
    nnf::transposed_backward<T>(shape, static_cast<const T*>(g), static_cast<const T*>(x),
                                static_cast<const T*>(weight), static_cast<T*>(gx), static_cast<T*>(gweight),
                                static_cast<T*>(gbias));
  });
}

}  // extern "C"
