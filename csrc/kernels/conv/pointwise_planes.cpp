// See pointwise_planes.h. y = weight (oc, c) . x (c, pixels) for each image. The bias belongs to a row of it, where the
// product's own is a column's: the rows begin with it instead.
#include "kernels/conv/pointwise_planes.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kLeastPixels = 96;  // fewer do not fill the vectors and tiles that run along them
constexpr i64 kManyImages = 8;    // are cut between threads by image, fewer each inside

}  // namespace

template <class T>
bool pointwise_planes_pay(const ConvShape& s) {
  const bool unpadded = s.pad_top == 0 && s.pad_bottom == 0 && s.pad_left == 0 && s.pad_right == 0;
  return s.groups == 1 && unpadded && s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.c > 1 &&
         s.h * s.w >= kLeastPixels;
}

template <class T>
void pointwise_planes_forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y) {
  const i64 pixels = s.h * s.w;
  const auto one_image = [&](i64 n) {
    T* out = y + n * s.oc * pixels;
    for (i64 o = 0; bias != nullptr && o < s.oc; ++o) std::fill_n(out + o * pixels, pixels, bias[o]);
    gemm<T>(s.oc, pixels, s.c, {weight, s.c, 1}, {x + n * s.c * pixels, pixels, 1}, out, pixels, bias != nullptr);
  };
  if (s.n < kManyImages) {
    for (i64 n = 0; n < s.n; ++n) one_image(n);
    return;
  }
  parallel_for(s.n, s.oc * pixels * (s.c / 32 + 1), [&](i64 begin, i64 end) {
    for (i64 n = begin; n < end; ++n) one_image(n);
  });
}

#define NNF_INSTANTIATE(T)                                    \
  template bool pointwise_planes_pay<T>(const ConvShape&);    \
  template void pointwise_planes_forward<T>(const ConvShape&, const T*, const T*, const T*, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
