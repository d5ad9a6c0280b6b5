// The C interface's adaptive pooling, upsampling and padding. All treat every channel as an image of its own, except
// adaptive pooling whose windows tile the image: that is ordinary pooling.
#include "capi/arguments.h"
#include "capi/guard.h"
#include "kernels/layout/resize.h"
#include "kernels/pool/adaptive.h"

namespace nnf {
namespace {

AdaptiveShape adaptive_planes(const char* op, i64 n, i64 c, i64 h, i64 w, i64 oh, i64 ow) {
  const AdaptiveShape s{n, c, h, w, oh, ow};
  check_adaptive_shape(s, op);
  return {n * c, 1, h, w, oh, ow};
}

nnf_pool2d_shape tiles(i64 n, i64 c, i64 h, i64 w, i64 oh, i64 ow) {
  nnf_pool2d_shape p{};
  p.n = n, p.c = c, p.h = h, p.w = w;
  p.kh = p.stride_h = h / oh;
  p.kw = p.stride_w = w / ow;
  p.dilation_h = p.dilation_w = 1;
  return p;
}

void check_pad(int ndim, const i64* shape, const i64* before, const i64* after) {
  if (ndim < 0) throw_invalid("pad: x: expected at least 0 dimensions, got %d", ndim);
  require_array("pad", "shape", shape, ndim);
  require_array("pad", "before", before, ndim);
  require_array("pad", "after", after, ndim);
  constexpr i64 limit = i64{1} << 44;  // elements: beyond any memory, far from overflow in bytes
  double total = 1;
  for (int d = 0; d < ndim; ++d) {
    require_size("pad", "x", shape[d]);
    if (before[d] > limit || after[d] > limit || before[d] < -limit || after[d] < -limit ||
        shape[d] + before[d] + after[d] < 0) {
      throw_invalid("pad: pad: expected axis %d, of size %lld, to keep a size of at least 0, got %lld before and %lld "
                    "after it", d, static_cast<long long>(shape[d]), static_cast<long long>(before[d]),
                    static_cast<long long>(after[d]));
    }
    total *= static_cast<double>(shape[d] + before[d] + after[d]);
  }
  if (total > static_cast<double>(limit)) throw_invalid("pad: pad: the result of %g elements is too large", total);
}

}  // namespace
}  // namespace nnf

extern "C" {

nnf_status nnf_adaptive_avg_pool2d(nnf_dtype dt, int64_t n, int64_t c, int64_t h, int64_t w, int64_t oh, int64_t ow,
                                   const void* x, void* y) {
  bool tile = false;
  const nnf_status status = nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* name = "adaptive_avg_pool2d";
    const nnf::AdaptiveShape s = nnf::adaptive_planes(name, n, c, h, w, oh, ow);
    nnf::require_array(name, "x", x, s.n * h * w);
    nnf::require_array(name, "y", y, s.n * oh * ow);
    tile = nnf::adaptive_tiles(s);
    if (!tile) nnf::adaptive_avg_pool2d_forward<T>(s, static_cast<const T*>(x), static_cast<T*>(y));
  });
  if (status != NNF_OK || !tile) return status;
  const nnf_pool2d_shape p = nnf::tiles(n, c, h, w, oh, ow);
  return nnf_avg_pool2d(dt, &p, x, y);
}

nnf_status nnf_adaptive_avg_pool2d_backward(nnf_dtype dt, int64_t n, int64_t c, int64_t h, int64_t w, int64_t oh,
                                            int64_t ow, const void* g, void* gx) {
  bool tile = false;
  const nnf_status status = nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* name = "adaptive_avg_pool2d_backward";
    const nnf::AdaptiveShape s = nnf::adaptive_planes(name, n, c, h, w, oh, ow);
    nnf::require_array(name, "g", g, s.n * oh * ow);
    nnf::require_array(name, "gx", gx, s.n * h * w);
    tile = nnf::adaptive_tiles(s);
    if (!tile) nnf::adaptive_avg_pool2d_backward<T>(s, static_cast<const T*>(g), static_cast<T*>(gx));
  });
  if (status != NNF_OK || !tile) return status;
  const nnf_pool2d_shape p = nnf::tiles(n, c, h, w, oh, ow);
  return nnf_avg_pool2d_backward(dt, &p, g, gx);
}

nnf_status nnf_upsample_nearest(nnf_dtype dt, int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow,
                                double scale_h, double scale_w, const void* x, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* name = "upsample_nearest";
    const nnf::UpsampleShape s{planes, h, w, 1, oh, ow, scale_h, scale_w};
    nnf::check_upsample_shape(s, name);
    nnf::require_array(name, "x", x, planes * h * w);
    nnf::require_array(name, "y", y, planes * oh * ow);
    nnf::upsample_nearest_forward<T>(s, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

nnf_status nnf_upsample_nearest_backward(nnf_dtype dt, int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow,
                                         double scale_h, double scale_w, const void* g, void* gx) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const char* name = "upsample_nearest_backward";
    const nnf::UpsampleShape s{planes, h, w, 1, oh, ow, scale_h, scale_w};
    nnf::check_upsample_shape(s, name);
    nnf::require_array(name, "g", g, planes * oh * ow);
    nnf::require_array(name, "gx", gx, planes * h * w);
    nnf::upsample_nearest_backward<T>(s, static_cast<const T*>(g), static_cast<T*>(gx));
  });
}

nnf_status nnf_pad(nnf_dtype dt, int ndim, const int64_t* shape, const int64_t* before, const int64_t* after,
                   double value, const void* x, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    nnf::check_pad(ndim, shape, before, after);
    nnf::i64 in = 1, out = 1;
    for (int d = 0; d < ndim; ++d) in *= shape[d], out *= shape[d] + before[d] + after[d];
    nnf::require_array("pad", "x", x, in);
    nnf::require_array("pad", "y", y, out);
    nnf::pad_constant<T>(ndim, shape, before, after, static_cast<T>(value), static_cast<const T*>(x),
                         static_cast<T*>(y));
  });
}

}  // extern "C"
