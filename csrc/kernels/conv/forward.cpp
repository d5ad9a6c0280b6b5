// The convolution itself: a correlation with the padded images, or one plain matrix product where an output pixel's
// taps are a dense row of x.
#include "kernels/conv/conv2d.h"
#include "kernels/conv/correlate.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/planar.h"

namespace nnf {

template <class T>
void conv2d_forward(const ConvShape& s, const T* x, const T* weight, const Epilogue<T>& epilogue, T* y) {
  if (s.n == 0) return;
  if (is_depthwise(s)) return depthwise_forward(s, x, weight, epilogue, y);

  const bool padded = s.pad_top != 0 || s.pad_bottom != 0 || s.pad_left != 0 || s.pad_right != 0;
  const bool pointwise = s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.oh == s.h && s.ow == s.w;
  const bool whole_image = s.kh == s.h && s.kw == s.w && s.dilation_h == 1 && s.dilation_w == 1;
  if (s.groups == 1 && !padded && (pointwise || whole_image)) {
    const i64 k = s.kh * s.kw * s.c;
    gemm<T>(s.n * s.oh * s.ow, s.oc, k, {x, k, 1}, {weight, s.oc, 1}, y, s.oc, false, epilogue);
    return;
  }

  if (planar_forward_pays<T>(s, {false, false})) return planar_forward(s, {false, false}, x, weight, epilogue, y);

  Correlation r{};
  r.n = s.n, r.h = s.h, r.w = s.w, r.c = s.c;
  r.kh = s.kh, r.kw = s.kw;
  r.stride_h = s.stride_h, r.stride_w = s.stride_w;
  r.dilation_h = s.dilation_h, r.dilation_w = s.dilation_w;
  r.groups = s.groups;
  r.oh = s.oh, r.ow = s.ow, r.oc = s.oc;
  r.frame = {s.pad_top, s.pad_left, (s.oh - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1,
             (s.ow - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1};
  r.y_col = s.oc, r.y_row = s.ow * s.oc, r.y_image = s.oh * s.ow * s.oc;
  const i64 cg = s.c / s.groups;
  correlate<T>(r, x, {weight, s.kw * cg * s.oc, cg * s.oc, s.oc, 1, s.oc / s.groups}, epilogue, y);
}

template void conv2d_forward<float>(const ConvShape&, const float*, const float*, const Epilogue<float>&, float*);
template void conv2d_forward<double>(const ConvShape&, const double*, const double*, const Epilogue<double>&, double*);

}  // namespace nnf
