// The convolution itself: a correlation with the padded images, or one plain matrix product where an output pixel's
// taps are a dense row of x.
#include "base/error.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/correlate.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/grouped.h"
#include "kernels/conv/planar.h"

namespace nnf {

namespace {

// What is left to correlate.
template <class T>
bool is_correlation(const ConvShape& s) {
  return !is_depthwise(s) && !is_grouped_small<T>(s) && !s.is_product() && !planar_forward_pays<T>(s, {false, false});
}

Correlation as_correlation(const ConvShape& s, ImageOrder images) {
  Correlation r{};
  r.n = s.n, r.h = s.h, r.w = s.w, r.c = s.c;
  r.kh = s.kh, r.kw = s.kw;
  r.stride_h = s.stride_h, r.stride_w = s.stride_w;
  r.dilation_h = s.dilation_h, r.dilation_w = s.dilation_w;
  r.groups = s.groups;
  r.oh = s.oh, r.ow = s.ow, r.oc = s.oc;
  r.top = s.pad_top, r.left = s.pad_left;
  r.y_col = s.oc, r.y_row = s.ow * s.oc, r.y_image = s.oh * s.ow * s.oc;
  r.planes = images == ImageOrder::planes;
  return r;
}

}  // namespace

template <class T>
bool forward_turns_planes(const ConvShape& s) {
  return is_correlation<T>(s) && correlate_turns_once<T>(as_correlation(s, ImageOrder::planes));
}

template <class T>
bool forward_reads_oihw(const ConvShape& s) {
  return is_correlation<T>(s) || (s.is_product() && s.kh * s.kw == 1);
}

template <class T>
void conv2d_forward(const ConvShape& s, const T* x, const T* weight, const Epilogue<T>& epilogue, T* y,
                    WeightOrder order, ImageOrder images) {
  if (s.n == 0) return;
  const bool own = order == WeightOrder::hwio;
  NNF_ASSERT(own || forward_reads_oihw<T>(s));
  NNF_ASSERT(images == ImageOrder::channels_last || forward_turns_planes<T>(s));
  if (is_depthwise(s)) return depthwise_forward(s, x, weight, epilogue, y);
  if (is_grouped_small<T>(s)) return grouped_forward(s, x, weight, epilogue, y);
  if (s.is_product()) {
    const i64 k = s.kh * s.kw * s.c;
    const MatView<T> b = own ? MatView<T>{weight, s.oc, 1} : MatView<T>{weight, 1, k};
    gemm<T>(s.n * s.oh * s.ow, s.oc, k, {x, k, 1}, b, y, s.oc, false, epilogue);
    return;
  }
  if (planar_forward_pays<T>(s, {false, false})) return planar_forward(s, {false, false}, x, weight, epilogue, y);

  const i64 cg = s.c / s.groups;
  const i64 taps = s.kh * s.kw;
  const WeightView<T> view = own ? WeightView<T>{weight, s.kw * cg * s.oc, cg * s.oc, s.oc, 1, s.oc / s.groups}
                                 : WeightView<T>{weight, s.kw, 1, taps, cg * taps, s.oc / s.groups * cg * taps};
  correlate<T>(as_correlation(s, images), x, view, epilogue, y);
}

#define NNF_INSTANTIATE(T)                                                                                          \
  template bool forward_turns_planes<T>(const ConvShape&);                                                          \
  template bool forward_reads_oihw<T>(const ConvShape&);                                                            \
  template void conv2d_forward<T>(const ConvShape&, const T*, const T*, const Epilogue<T>&, T*, WeightOrder,        \
                                  ImageOrder);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
