// The C interface's convolution: NCHW and (oc, c / groups, kh, kw) at the border, channels-last inside. Images are
// converted a block at a time, so that a block is still in cache when the convolution reads it.
#include <algorithm>

#include "base/memory.h"
#include "capi/arguments.h"
#include "capi/conv_weight.h"
#include "capi/guard.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/depthwise_planes.h"
#include "kernels/conv/planar.h"
#include "kernels/conv/pointwise_planes.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/layout/layout.h"

namespace nnf {
namespace {

// Elements of a block's arrays together: a megabyte as float, half of a second-level cache, and room for several
// threads' tasks.
constexpr i64 kBlockElements = i64{1} << 18;

// Images of a block. Weights are packed once a block, hence not few images under large weights.
i64 block_images(const ConvShape& s, i64 image_elements) {
  const i64 elements = std::max(kBlockElements, 4 * s.weight_elements());
  return std::clamp<i64>(elements / image_elements, 1, std::max<i64>(1, s.n));
}

// An array of images as the kernels read it: the user's own where both layouts are the same bytes.
template <class T>
const T* channels_last(i64 n, i64 c, i64 hw, const T* x, T* buffer) {
  if (c == 1 || hw == 1) return x;
  nchw_to_nhwc(n, c, hw, x, buffer);
  return buffer;
}

template <class T>
void forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y) {
  const i64 hw = s.h * s.w, pixels = s.oh * s.ow;
  const i64 in = s.c * hw, out = s.oc * pixels;
  const i64 weights = s.weight_elements();
  if (depthwise_planes_forward_pays<T>(s)) return depthwise_planes_forward<T>(s, x, weight, bias, y);
  if (pointwise_planes_pay<T>(s)) return pointwise_planes_forward<T>(s, x, weight, bias, y);
  Epilogue<T> epilogue;
  epilogue.bias = bias;
  if (planar_forward_pays<T>(s, {true, true})) {  // images as they lie
    T* turned = thread_scratch<T>(Scratch::convert_in, weights);
    oihw_to_hwio(s.oc, s.c, s.kh * s.kw, weight, turned);
    return planar_forward<T>(s, {true, true}, x, turned, epilogue, y);
  }
  if (forward_turns_planes<T>(s)) {
    return conv2d_forward<T>(s, x, weight, epilogue, y, WeightOrder::oihw, ImageOrder::planes);
  }
  const i64 block = block_images(s, in + out);
  T* own_weight = thread_scratch<T>(Scratch::convert_in, weights + block * in);
  T* own_x = own_weight + weights;
  T* own_y = thread_scratch<T>(Scratch::convert_out, block * out);
  const ReadableWeight<T> w(s, weight, WeightOrder::oihw, forward_reads_oihw<T>(s), [&] { return own_weight; });
  const bool y_as_is = s.oc == 1 || pixels == 1;
  ConvShape part = s;
  for (i64 n = 0; n < s.n; n += block) {
    part.n = std::min(block, s.n - n);
    T* y_block = y + n * out;
    conv2d_forward<T>(part, channels_last(part.n, s.c, hw, x + n * in, own_x), w.p, epilogue,
                      y_as_is ? y_block : own_y, w.order);
    if (!y_as_is) nhwc_to_nchw(part.n, s.oc, pixels, own_y, y_block);
  }
}

template <class T>
void backward(const ConvShape& s, const T* g, const T* x, const T* weight, T* gx, T* gweight, T* gbias) {
  const i64 hw = s.h * s.w, pixels = s.oh * s.ow, cg = s.c / s.groups;
  const i64 in = s.c * hw, out = s.oc * pixels;
  const i64 weights = s.weight_elements();
  // What is done is no longer asked for.
  if (gweight != nullptr && depthwise_planes_weight_pays<T>(s)) {
    depthwise_planes_backward_weight<T>(s, g, x, gweight);
    gweight = nullptr;
  }
  if (gx != nullptr && depthwise_planes_data_pays<T>(s, gweight != nullptr)) {
    depthwise_planes_backward_data<T>(s, g, weight, gx);
    gx = nullptr;
  }
  if (gx != nullptr && backward_data_turns_planes<T>(s)) {
    conv2d_backward_data<T>(s, g, weight, gx, WeightOrder::oihw, ImageOrder::planes);
    gx = nullptr;
  }
  if (gx == nullptr && gweight == nullptr && s.n > 0) {
    if (gbias != nullptr) planar_plane_sums<T>(s, g, gbias, false);
    return;
  }
  const i64 block = block_images(s, 2 * in + out);
  T* own_weight = thread_scratch<T>(Scratch::convert_in, weights + block * (in + out));
  T* own_x = own_weight + weights;
  T* own_g = own_x + block * in;
  T* own_gweight = thread_scratch<T>(Scratch::convert_out, weights + block * in);
  T* own_gx = own_gweight + weights;
  const bool gx_as_is = s.c == 1 || hw == 1;
  // What reads the images as they lie, and so needs no conversion.
  const bool weight_planes = planar_backward_pays<T>(s, {true, true});
  const bool data_planes = planar_backward_data_pays<T>(s);
  const bool reads_oihw = gx == nullptr || (!data_planes && backward_data_reads_oihw<T>(s));
  const ReadableWeight<T> w(s, weight, WeightOrder::oihw, reads_oihw, [&] { return own_weight; });
  const bool convert_g = (gweight != nullptr && !weight_planes) || (gx != nullptr && !data_planes);
  const bool writes_oihw = gweight != nullptr && s.n <= block && !weight_planes && backward_weight_writes_oihw<T>(s);
  ConvShape part = s;
  for (i64 n = 0; n < std::max<i64>(1, s.n); n += block) {  // once for no images: the sums become 0
    part.n = std::min(block, s.n - n);
    const T* g_planes = g + n * out;
    const T* g_block = convert_g ? channels_last(part.n, s.oc, pixels, g_planes, own_g) : nullptr;
    if (gweight != nullptr && weight_planes && s.n > 0) {
      planar_backward_weight<T>(part, {true, true}, g_planes, x + n * in, own_gweight, n > 0);
    } else if (gweight != nullptr) {
      conv2d_backward_weight<T>(part, g_block, channels_last(part.n, s.c, hw, x + n * in, own_x),
                                writes_oihw ? gweight : own_gweight, nullptr, n > 0,
                                writes_oihw ? WeightOrder::oihw : WeightOrder::hwio);
    }
    if (gbias != nullptr && convert_g) {
      conv2d_backward_bias<T>(part, g_block, gbias, n > 0);
    } else if (gbias != nullptr) {
      planar_plane_sums<T>(part, g_planes, gbias, n > 0);
    }
    if (gx != nullptr && data_planes) {
      planar_backward_data<T>(part, {true, true}, g_planes, w.p, gx + n * in);
    } else if (gx != nullptr) {
      T* gx_block = gx + n * in;
      conv2d_backward_data<T>(part, g_block, w.p, gx_as_is ? gx_block : own_gx, w.order);
      if (!gx_as_is) nhwc_to_nchw(part.n, s.c, hw, own_gx, gx_block);
    }
  }
  if (gweight != nullptr && !writes_oihw) hwio_to_oihw(s.oc, cg, s.kh * s.kw, own_gweight, gweight);
}

}  // namespace
}  // namespace nnf

extern "C" {

nnf_status nnf_conv2d_output(const nnf_conv2d_shape* s, int64_t* oh, int64_t* ow) {
  return nnf::guard([&] {
    nnf::require_array("conv2d", "shape", s, 1);
    nnf::require_array("conv2d", "oh", oh, 1);
    nnf::require_array("conv2d", "ow", ow, 1);
    const nnf::ConvShape shape(*s);
    *oh = shape.oh;
    *ow = shape.ow;
  });
}

nnf_status nnf_conv2d(nnf_dtype dt, const nnf_conv2d_shape* s, const void* x, const void* weight, const void* bias,
                      void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    nnf::require_array("conv2d", "shape", s, 1);
    const nnf::ConvShape shape(*s);
    nnf::require_array("conv2d", "x", x, shape.n * shape.c * shape.h * shape.w);
    nnf::require_array("conv2d", "weight", weight, shape.weight_elements());
    nnf::require_array("conv2d", "y", y, shape.n * shape.oc * shape.oh * shape.ow);
    nnf::forward<T>(shape, static_cast<const T*>(x), static_cast<const T*>(weight), static_cast<const T*>(bias),
                    static_cast<T*>(y));
  });
}

nnf_status nnf_conv2d_backward(nnf_dtype dt, const nnf_conv2d_shape* s, const void* g, const void* x,
                               const void* weight, void* gx, void* gweight, void* gbias) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    nnf::require_array("conv2d_backward", "shape", s, 1);
    const nnf::ConvShape shape(*s);
    nnf::require_array("conv2d_backward", "g", g, shape.n * shape.oc * shape.oh * shape.ow);
    if (gweight != nullptr) nnf::require_array("conv2d_backward", "x", x, shape.n * shape.c * shape.h * shape.w);
    if (gx != nullptr) nnf::require_array("conv2d_backward", "weight", weight, shape.weight_elements());
    nnf::backward<T>(shape, static_cast<const T*>(g), static_cast<const T*>(x), static_cast<const T*>(weight),
                     static_cast<T*>(gx), static_cast<T*>(gweight), static_cast<T*>(gbias));
  });
}

}  // extern "C"
