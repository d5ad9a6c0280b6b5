// The C interface's convolution of channels-last images: the kernels' own layout, so nothing but the weight may have to
// be converted.
#include "base/error.h"
#include "base/memory.h"
#include "capi/arguments.h"
#include "capi/conv_weight.h"
#include "capi/guard.h"
#include "kernels/conv/conv2d.h"
#include "kernels/layout/layout.h"

namespace nnf {
namespace {

WeightOrder checked_order(const char* op, nnf_weight_order order) {
  if (order != NNF_OIHW && order != NNF_HWIO) {
    throw_invalid("%s: order: expected NNF_OIHW or NNF_HWIO, got %d", op, static_cast<int>(order));
  }
  return order == NNF_OIHW ? WeightOrder::oihw : WeightOrder::hwio;
}

template <class T>
ReadableWeight<T> readable(const ConvShape& s, const T* weight, WeightOrder given, bool reads_oihw) {
  const auto place = [&] { return thread_scratch<T>(Scratch::convert_in, s.weight_elements()); };
  return {s, weight, given, reads_oihw, place};
}

template <class T>
void forward(const ConvShape& s, WeightOrder order, const T* x, const T* weight, const T* bias, T* y) {
  const auto w = readable(s, weight, order, forward_reads_oihw<T>(s));
  Epilogue<T> epilogue;
  epilogue.bias = bias;
  conv2d_forward<T>(s, x, w.p, epilogue, y, w.order);
}

template <class T>
void backward(const ConvShape& s, WeightOrder order, const T* g, const T* x, const T* weight, T* gx, T* gweight,
              T* gbias) {
  if (order == WeightOrder::hwio || backward_weight_writes_oihw<T>(s)) {
    conv2d_backward_weight<T>(s, g, x, gweight, gbias, false, order);
  } else {
    T* turned = thread_scratch<T>(Scratch::convert_out, s.weight_elements());
    conv2d_backward_weight<T>(s, g, x, turned, gbias, false);
    hwio_to_oihw(s.oc, s.c / s.groups, s.kh * s.kw, turned, gweight);
  }
  const auto w = readable(s, weight, order, backward_data_reads_oihw<T>(s));
  conv2d_backward_data<T>(s, g, w.p, gx, w.order);
}

}  // namespace
}  // namespace nnf

extern "C" {

nnf_status nnf_conv2d_channels_last(nnf_dtype dt, const nnf_conv2d_shape* s, nnf_weight_order order, const void* x,
                                    const void* weight, const void* bias, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    nnf::require_array("conv2d", "shape", s, 1);
    const nnf::ConvShape shape(*s);
    nnf::require_array("conv2d", "x", x, shape.n * shape.c * shape.h * shape.w);
    nnf::require_array("conv2d", "weight", weight, shape.weight_elements());
    nnf::require_array("conv2d", "y", y, shape.n * shape.oc * shape.oh * shape.ow);
    nnf::forward<T>(shape, nnf::checked_order("conv2d", order), static_cast<const T*>(x), static_cast<const T*>(weight),
                    static_cast<const T*>(bias), static_cast<T*>(y));
  });
}

nnf_status nnf_conv2d_channels_last_backward(nnf_dtype dt, const nnf_conv2d_shape* s, nnf_weight_order order,
                                             const void* g, const void* x, const void* weight, void* gx,
                                             void* gweight, void* gbias) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    nnf::require_array("conv2d_backward", "shape", s, 1);
    const nnf::ConvShape shape(*s);
    const nnf::i64 in = shape.n * shape.c * shape.h * shape.w;
    nnf::require_array("conv2d_backward", "g", g, shape.n * shape.oc * shape.oh * shape.ow);
    nnf::require_array("conv2d_backward", "x", x, in);
    nnf::require_array("conv2d_backward", "weight", weight, shape.weight_elements());
    nnf::require_array("conv2d_backward", "gx", gx, in);
    nnf::require_array("conv2d_backward", "gweight", gweight, shape.weight_elements());
    nnf::require_array("conv2d_backward", "gbias", gbias, shape.oc);
    nnf::backward<T>(shape, nnf::checked_order("conv2d_backward", order), static_cast<const T*>(g),
                     static_cast<const T*>(x), static_cast<const T*>(weight), static_cast<T*>(gx),
                     static_cast<T*>(gweight), static_cast<T*>(gbias));
  });
}

}  // extern "C"
