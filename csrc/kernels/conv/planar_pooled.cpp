// See planar_pooled.h. A task is an image, forward, and a group of images backward: cut by shape alone.
#include "kernels/conv/planar_pooled.h"

#include <algorithm>

#include "base/thread_pool.h"
#include "kernels/conv/planar.h"
#include "kernels/conv/planar_image.h"
#include "kernels/pool/planes.h"

namespace nnf {
namespace {

// Elements of an image between convolution and pooling, which with their gradient are to stay in a second-level cache.
// Larger ones would gain, too (two of 224x224: a quarter), but a task is an image, and few of them leave threads idle.
constexpr i64 kMostElements = i64{1} << 16;

i64 image_cost(const ConvShape& s) { return s.oh * s.ow * (s.weight_elements() / 32 + 1); }

}  // namespace

// One thread, AVX-512 float, a training step and a prediction of the layers alone, one after the other over this:
// 64x1x28x28 -> 6 5x5, windows of 2x2 1.26 to 1.32 and 1.37 to 1.49; 3x3, two apart, 1.8 and 1.4 to 1.55; -> 8 3x3 1.29
// to 1.36 and 1.48 to 1.71; 32x3x32x32 -> 6 5x5 1.04 to 1.07 and 1.16; 16x1x56x56 -> 6 5x5 1.3 and 1.4. With 16 output
// channels a step 0.93 to 0.98, with 32 0.75 to 0.9: the weights' gradient is then better left to the GEMM.
template <class T>
bool planar_pooled_pays(const ConvShape& s, const PoolShape& pool, bool max) {
  if (!planar_backward_pays<T>(s, {false, true}) || s.oc * s.oh * s.ow > kMostElements) return false;
  return planes_pay(pool, max ? PlaneWork::max_gradient : PlaneWork::values);
}

template <class T>
void planar_pooled_forward(const PooledConv<T>& p, const T* x, const T* weight, const T* bias, T* planes, T* y) {
  const ConvShape& s = p.conv;
  const KernelTable<T>& k = kernels<T>();
  const i64 image = s.c * s.h * s.w, size = s.oc * s.oh * s.ow, pooled = p.pool.oh * p.pool.ow;
  if (s.n == 0) return;
  const PlanarStrips<T> strips(s, weight);
  const ImagePlanes<T> pooling(p.pool, p.max, ImagePlanes<T>::Pass::forward);
  parallel_for(s.n, image_cost(s), [&](i64 begin, i64 end) {
    PlanarFrames<T> frames(s, false, s.h);
    T* small = thread_scratch<T>(Scratch::pooled_image, s.oc * pooled + size);
    for (i64 n = begin; n < end; ++n) {
      T* at = planes != nullptr ? planes + n * size : small + s.oc * pooled;
      planar_image_rows(k, s, strips, frames, 0, s.oh, x + n * image, bias, at, s.oh * s.ow);
      if (p.act != NNF_ACT_IDENTITY) k.activation[p.act].forward(size, at, at, p.alpha);
      pooling.forward(at, small);
      k.transpose(s.oc, pooled, small, pooled, y + n * s.oc * pooled, s.oc);
    }
  });
}

template <class T>
void planar_pooled_backward(const PooledConv<T>& p, const T* g, const T* x, const T* weight, const T* planes,
                            T* gweight, T* gbias, T* gx, bool accumulate) {
  const ConvShape& s = p.conv;
  const KernelTable<T>& k = kernels<T>();
  const i64 image = s.c * s.h * s.w, size = s.oc * s.oh * s.ow, pooled = p.pool.oh * p.pool.ow;
  const i64 weights = s.weight_elements(), pitch = frame_pitch<T>(s);
  if (s.n == 0) {
    if (gweight != nullptr && !accumulate) std::fill_n(gweight, weights, T{0});
    if (gbias != nullptr && !accumulate) std::fill_n(gbias, s.oc, T{0});
    return;
  }
  ConvShape one = s;
  one.n = 1;
  const PlanarGroups groups(s);
  const i64 group_sums = weights + s.oc;
  T* sums = thread_scratch<T>(Scratch::pooled_sums, groups.count * group_sums);  // (groups, (oc, kh, c, kw) + (oc))
  const ImagePlanes<T> pooling(p.pool, p.max, ImagePlanes<T>::Pass::backward);
  parallel_for(groups.count, groups.images * image_cost(s), [&](i64 begin, i64 end) {
    T* small = thread_scratch<T>(Scratch::pooled_image, s.oc * pooled + size);
    T* delta = small + s.oc * pooled;
    for (i64 group = begin; group < end; ++group) {
      T* out = sums + group * group_sums;
      std::fill_n(out, group_sums, T{0});
      for (i64 n = group * groups.images; n < std::min(s.n, (group + 1) * groups.images); ++n) {
        const T* from = planes != nullptr ? planes + n * size : nullptr;
        k.transpose(pooled, s.oc, g + n * s.oc * pooled, s.oc, small, pooled);
        pooling.backward(small, from, delta);
        if (p.act != NNF_ACT_IDENTITY) k.activation[p.act].backward_from_output(size, delta, from, delta, p.alpha);
        if (gweight != nullptr) {
          PlanarFrames<T> frames(s, false, s.h);  // of this image alone: x's gradient may take the same memory
          planar_sum_image(k, s, pitch, delta, s.ow, frames.make(k, 0, s.h, x + n * image), out);
        }
        if (gbias != nullptr) planar_plane_sums(one, delta, out + weights, true);
        if (gx != nullptr) planar_backward_data<T>(one, {false, true}, delta, weight, gx + n * image);
      }
    }
  });
  for (i64 group = 1; group < groups.count; ++group) k.add_into(group_sums, sums + group * group_sums, sums);
  if (gweight != nullptr) planar_put_sums(s, sums, gweight, accumulate);
  if (gbias == nullptr) return;
  if (!accumulate) std::fill_n(gbias, s.oc, T{0});
  k.add_into(s.oc, sums + weights, gbias);
}

#define NNF_INSTANTIATE(T)                                                                                         \
  template bool planar_pooled_pays<T>(const ConvShape&, const PoolShape&, bool);                                   \
  template void planar_pooled_forward<T>(const PooledConv<T>&, const T*, const T*, const T*, T*, T*);              \
  template void planar_pooled_backward<T>(const PooledConv<T>&, const T*, const T*, const T*, const T*, T*, T*, T*, \
                                          bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
