// The gradient of a convolution's input, in the way that takes the least work.
//
// As correlations (correlate.h): with stride (sh, sw) the input pixels fall into sh * sw classes by their position
// modulo the stride, and each class is a stride-1 correlation of g with the taps that reach it, mirrored and
// transposed. No multiply-add is spent on zeros put between g's pixels, and no pixel is written twice. But a few input
// channels leave most of a tile's columns empty. There scattering (scatter.h) is faster, or vectors along image rows
// (planar.h).
//
// Along one axis: input pixel p and tap i meet output o when p + pad = o * stride + i * dilation. For the class of
// p + pad = r modulo stride these are the taps i = i0, i0 + step, ... with i * dilation = r modulo stride, where
// step = stride / gcd(stride, dilation), and o moves by dilation / gcd from one such tap to the next.
#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/correlate.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/grouped.h"
#include "kernels/conv/planar.h"
#include "kernels/conv/scatter.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// A class along one axis: pixels first, first + stride, ... (`count` of them); taps `tap`, tap + step, ... (`taps` of
// them); pixel u of the class and the a-th tap from the last meet output u + a * dilation - before.
struct AxisClass {
  i64 first, count, tap, taps, step, dilation, before;
};

AxisClass axis_class(i64 r, i64 size, i64 kernel, i64 stride, i64 pad, i64 dilation) {
  AxisClass k{};
  const i64 divisor = std::gcd(stride, dilation);
  k.step = stride / divisor;
  k.dilation = dilation / divisor;
  k.first = ((r - pad) % stride + stride) % stride;
  k.count = k.first < size ? (size - k.first - 1) / stride + 1 : 0;
  while (k.tap < k.step && k.tap * dilation % stride != r) ++k.tap;
  k.taps = k.tap < k.step && k.tap < kernel ? (kernel - k.tap - 1) / k.step + 1 : 0;
  // Pixel 0 of the class and its first tap meet output (first + pad - tap * dilation) / stride, a whole number.
  k.before = (k.taps - 1) * k.dilation - (k.first + pad - k.tap * dilation) / stride;
  return k;
}

enum class Way { depthwise, grouped, product, planar, scatter, correlate };

// The last three are weighed by their multiply-adds on whole vectors, every output pixel's taps counted once.
// Scattering also adds up runs, whose elements were measured to cost as much as 14 multiply-adds each; planes are turned
// and turned back. (One thread, AVX-512, microseconds, planar, correlating: 64x6x14x14 -> 16 5x5 354, 467; padded 3x3
// 237, 293; 32x8x28x28 -> 16 5x5 1027, 1548. Scattering gains 1.15 in the backward pass of 16x10x32x32 -> 24 5x5, 1.2 in
// that of 32x6x32x32 -> 12 3x3/2.)
template <class T>
Way cheapest_way(const ConvShape& s) {
  if (is_depthwise(s)) return Way::depthwise;
  if (is_grouped_small<T>(s) && s.stride_h == 1 && s.stride_w == 1) return Way::grouped;
  if (s.is_product()) return Way::product;
  if (s.groups != 1) return Way::correlate;
  if (planar_backward_data_pays<T>(s)) return Way::planar;
  const i64 lanes = vector_lanes<T>(), pixels = s.oh * s.ow, taps = s.kh * s.kw;
  const i64 correlating = pixels * taps * round_up(s.c, lanes) * s.oc;
  const i64 scattering = pixels * s.kh * round_up(s.kw * s.c, lanes) * s.oc + 14 * s.h * s.ow * s.kw * s.c;
  const i64 along_rows = s.oh * taps * s.c * s.oc * round_up(s.w, lanes);
  const i64 planar = along_rows * 5 / 4 + 10 * (s.h * s.w * s.c + pixels * s.oc);
  if (planar_backward_data_fits<T>(s) && planar < std::min(correlating, scattering)) return Way::planar;
  return s.dilation_w == 1 && scattering < correlating ? Way::scatter : Way::correlate;
}

template <class T>
void multiply(const ConvShape& s, const T* g, const T* weight, T* gx, WeightOrder order) {
  const i64 k = s.kh * s.kw * s.c;
  const MatView<T> b = order == WeightOrder::hwio ? MatView<T>{weight, 1, s.oc} : MatView<T>{weight, k, 1};
  gemm<T>(s.n * s.oh * s.ow, k, s.oc, {g, s.oc, 1}, b, gx, k);
}

Correlation as_correlation(const ConvShape& s, const AxisClass& v, const AxisClass& u, ImageOrder images) {
  Correlation r{};
  r.n = s.n, r.h = s.oh, r.w = s.ow, r.c = s.oc;
  r.kh = v.taps, r.kw = u.taps;
  r.stride_h = r.stride_w = 1;
  r.dilation_h = v.dilation, r.dilation_w = u.dilation;
  r.groups = s.groups;
  r.oh = v.count, r.ow = u.count, r.oc = s.c;
  r.top = v.before, r.left = u.before;
  r.y_col = s.stride_w * s.c, r.y_row = s.stride_h * s.w * s.c, r.y_image = s.h * s.w * s.c;
  r.planes = images == ImageOrder::planes;
  return r;
}

template <class T>
void correlate_classes(const ConvShape& s, const T* g, const T* weight, T* gx, WeightOrder order, ImageOrder images) {
  const bool own = order == WeightOrder::hwio;
  const i64 cg = s.c / s.groups, taps = s.kh * s.kw;
  const i64 weight_col = own ? cg * s.oc : 1, weight_row = s.kw * weight_col;
  const i64 group = s.oc / s.groups * (own ? 1 : cg * taps);
  const i64 in = own ? 1 : cg * taps, out = own ? s.oc : taps;  // between its elements for g's channels and for gx's
  for (i64 rh = 0; rh < s.stride_h; ++rh) {
    const AxisClass v = axis_class(rh, s.h, s.kh, s.stride_h, s.pad_top, s.dilation_h);
    for (i64 rw = 0; rw < s.stride_w; ++rw) {
      const AxisClass u = axis_class(rw, s.w, s.kw, s.stride_w, s.pad_left, s.dilation_w);
      if (v.count == 0 || u.count == 0) continue;
      if (v.taps == 0 || u.taps == 0) {  // no output depends on these pixels
        for (i64 n = 0; n < s.n; ++n) {
          for (i64 i = v.first; i < s.h; i += s.stride_h) {
            T* row = gx + (n * s.h + i) * s.w * s.c;
            for (i64 j = u.first; j < s.w; j += s.stride_w) std::fill_n(row + j * s.c, s.c, T{0});
          }
        }
        continue;
      }
      const Correlation r = as_correlation(s, v, u, images);
      const i64 last_row = v.tap + (v.taps - 1) * v.step, last_col = u.tap + (u.taps - 1) * u.step;
      const T* last = weight + last_row * weight_row + last_col * weight_col;
      const WeightView<T> mirrored{last, -v.step * weight_row, -u.step * weight_col, in, out, group};
      correlate<T>(r, g, mirrored, {}, gx + (v.first * s.w + u.first) * s.c);
    }
  }
}

}  // namespace

template <class T>
bool backward_data_reads_oihw(const ConvShape& s) {
  const Way way = cheapest_way<T>(s);
  return (way == Way::product && s.kh * s.kw == 1) || way == Way::correlate;
}

template <class T>
bool backward_data_turns_planes(const ConvShape& s) {
  if (cheapest_way<T>(s) != Way::correlate || s.stride_h != 1 || s.stride_w != 1) return false;
  // The weight's gradient has g turned already: wider groups are better read from there.
  if (s.oc / s.groups > vector_lanes<T>()) return false;
  const AxisClass v = axis_class(0, s.h, s.kh, 1, s.pad_top, s.dilation_h);
  const AxisClass u = axis_class(0, s.w, s.kw, 1, s.pad_left, s.dilation_w);
  return correlate_turns_once<T>(as_correlation(s, v, u, ImageOrder::planes));
}

template <class T>
void conv2d_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx, WeightOrder order,
                          ImageOrder images) {
  if (s.n == 0) return;
  NNF_ASSERT(images == ImageOrder::channels_last || backward_data_turns_planes<T>(s));
  NNF_ASSERT(order == WeightOrder::hwio || backward_data_reads_oihw<T>(s));
  switch (cheapest_way<T>(s)) {
    case Way::depthwise: return depthwise_backward_data(s, g, weight, gx);
    case Way::grouped: return grouped_backward_data(s, g, weight, gx);
    case Way::product: return multiply(s, g, weight, gx, order);
    case Way::planar: return planar_backward_data(s, {false, false}, g, weight, gx);
    case Way::scatter: return scatter_backward_data(s, g, weight, gx);
    case Way::correlate: return correlate_classes(s, g, weight, gx, order, images);
  }
}

#define NNF_INSTANTIATE(T)                                                                                       \
  template bool backward_data_reads_oihw<T>(const ConvShape&);                                                   \
  template bool backward_data_turns_planes<T>(const ConvShape&);                                                 \
  template void conv2d_backward_data<T>(const ConvShape&, const T*, const T*, T*, WeightOrder, ImageOrder);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
