// See planar.h. Work is cut by shape alone; an output's sum depends on nothing else.
#include "kernels/conv/planar.h"

#include <algorithm>

#include "base/thread_pool.h"
#include "kernels/conv/planar_image.h"

namespace nnf {

// What was measured (one thread, AVX-512 float, microseconds, the GEMM over pixels against this), arrays planar:
// forward 64x1x28x28 -> 6 5x5 384, 92; 10x1x28x28 -> 20 5x5 100, 37; 32x3x32x32 -> 64 3x3 1634, 561; 10x20x12x12 -> 40
// 5x5 136, 325. Channels-last, in a network, forward 277, 122 for 6 channels, but 49, 56 for 20. The weights' gradient,
// channels-last: 64x1x28x28 -> 6 5x5 230, 154; -> 16 3x3 95, 224; 10x1x28x28 -> 20 5x5 44, 77; 32x3x32x32 -> 64 3x3
// 530, 1562.
constexpr i64 kFewChannels = 4;

// Multiply-adds of a forward task: as many as leave tasks to share, since planes are written in longer runs then
// (1x3x224x224 -> 64 3x3: two rows at a time took 1.2 times as long as eight).
i64 forward_task_work(const ConvShape& s) {
  constexpr i64 kManyTasks = 16;
  return std::clamp(s.n * s.oh * s.ow * s.weight_elements() / kManyTasks, kPlanarTaskWork, 4 * kPlanarTaskWork);
}

// Channels-last y: the cost of an output pixel, in multiply-adds of vectors. Here rows end within a vector and y is
// turned; the GEMM has idle lanes, and a pixel of one vector of channels costs it some twenty more. (AVX-512 float,
// microseconds, the GEMM, this: 32x3x32x32 -> 12 3x3 211, 162; 64x1x28x28 -> 12 5x5 324, 246. AVX2: 64x1x28x28 -> 6 5x5
// 268, 172; 16x3x40x40 -> 5 3x3 151, 83.)
template <class T>
bool planar_forward_pays(const ConvShape& s, PlanarLayout layout) {
  const i64 n = vector_lanes<T>();
  if (!planar_shape_fits(s) || s.c > kFewChannels || n < 4) return false;
  if (layout.y_planes || s.oc == 1) return true;
  const auto taps = static_cast<double>(s.c * s.kh * s.kw), channels = static_cast<double>(s.oc);
  const double used = static_cast<double>(s.ow) / static_cast<double>(ceil_div(s.ow, n));  // lanes of a vector
  const double turn = (s.oc < 8 ? 0.4 : 0.86) * sizeof(T) / sizeof(float);
  const i64 vectors = ceil_div(s.oc, n);
  const double gemm = static_cast<double>(vectors) * taps + (vectors == 1 ? 20 : 10);
  return 1.15 * channels * taps / used + channels * turn < gemm;
}

template <class T>
bool planar_backward_pays(const ConvShape& s, PlanarLayout layout) {
  const i64 n = vector_lanes<T>();
  if (!planar_shape_fits(s) || s.c > kFewChannels || n < 4) return false;
  return 2 * s.oc <= n && (layout.y_planes || s.oc <= kPlanarMost);
}

template <class T>
void planar_forward(const ConvShape& s, PlanarLayout layout, const T* x, const T* weight, const Epilogue<T>& epilogue,
                    T* y) {
  const KernelTable<T>& k = kernels<T>();
  const i64 taps = s.kh * s.kw * s.c, pixels = s.oh * s.ow;
  const PlanarStrips<T> strips(s, weight);
  const i64 band = std::clamp<i64>(forward_task_work(s) / (s.ow * taps * s.oc), 1, s.oh);  // output rows of a task
  const i64 bands = ceil_div(s.oh, band);
  const bool direct = layout.y_planes || s.oc == 1;
  parallel_for(s.n * bands, band * s.ow * (taps * s.oc / 32 + 1), [&](i64 begin, i64 end) {
    PlanarFrames<T> frames(s, layout.x_planes, std::min(s.h, (band - 1) * s.stride_h + s.kh));
    T* apart = direct ? nullptr : thread_scratch<T>(Scratch::conv_cols, s.oc * band * s.ow);
    for (i64 task = begin; task < end; ++task) {
      const i64 n = task / bands, r0 = task % bands * band, r1 = std::min(s.oh, r0 + band);
      T* image = y + n * s.oc * pixels;
      planar_image_rows(k, s, strips, frames, r0, r1, x + n * s.c * s.h * s.w, epilogue.bias,
                        direct ? image + r0 * s.ow : apart, direct ? pixels : band * s.ow);
      if (!direct) k.transpose(s.oc, (r1 - r0) * s.ow, apart, band * s.ow, image + r0 * s.ow * s.oc, s.oc);
      if (epilogue.act == NNF_ACT_IDENTITY) continue;
      const auto act = k.activation[epilogue.act].forward;
      const i64 runs = direct ? s.oc : 1, run = (r1 - r0) * s.ow * (direct ? 1 : s.oc);
      for (i64 i = 0; i < runs; ++i) {
        T* at = image + i * pixels + r0 * s.ow * (direct ? 1 : s.oc);
        act(run, at, at, epilogue.alpha);
      }
    }
  });
}

// Channels are cut into tasks, each summed over all images.
template <class T>
void planar_plane_sums(const ConvShape& s, const T* g, T* gbias, bool accumulate) {
  constexpr i64 kOneLine = 4096;  // pixels of a plane that is summed as one line: no rows end within vectors
  const KernelTable<T>& k = kernels<T>();
  const i64 pixels = s.oh * s.ow, line = pixels <= kOneLine ? pixels : s.ow;
  if (!accumulate) std::fill_n(gbias, s.oc, T{0});
  if (pixels == 0) return;
  parallel_for(s.oc, s.n * ceil_div(pixels, vector_lanes<T>()), [&](i64 begin, i64 end) {
    T* ones = thread_scratch<T>(Scratch::gemm_b, line);
    std::fill_n(ones, line, T{1});
    PlanarSums<T> part{};
    part.m = end - begin, part.count = 1, part.lines = pixels / line, part.n = line;
    part.g_plane = pixels, part.g_line = line;
    part.x = ones;
    part.out = gbias + begin, part.out_row = 1;
    for (i64 n = 0; n < s.n; ++n) {
      part.g = g + (n * s.oc + begin) * pixels;
      k.planar_sums(part);
    }
  });
}

template <class T>
void planar_backward_weight(const ConvShape& s, PlanarLayout layout, const T* g, const T* x, T* gweight,
                            bool accumulate) {
  const KernelTable<T>& k = kernels<T>();
  const i64 size = s.weight_elements(), pitch = frame_pitch<T>(s), pixels = s.oh * s.ow;
  const PlanarGroups groups(s);
  T* sums = thread_scratch<T>(Scratch::gemm_b, groups.count * size);  // (groups, oc, kh, c, kw)
  parallel_for(groups.count, groups.images * pixels * (size / 32 + 1), [&](i64 begin, i64 end) {
    PlanarFrames<T> frames(s, layout.x_planes, s.h);
    const bool in_place = layout.y_planes || s.oc == 1;
    // A copy's vectors do not cross cache lines.
    const i64 g_row = in_place ? s.ow : round_up(s.ow, vector_lanes<T>());
    T* turned = in_place ? nullptr : thread_scratch<T>(Scratch::conv_cols, s.oc * s.oh * g_row);
    for (i64 group = begin; group < end; ++group) {
      T* out = sums + group * size;
      std::fill_n(out, size, T{0});
      for (i64 n = group * groups.images; n < std::min(s.n, (group + 1) * groups.images); ++n) {
        const T* frame = frames.make(k, 0, s.h, x + n * s.c * s.h * s.w);
        const T* image = g + n * s.oc * pixels;
        for (i64 r = 0; r < s.oh && !in_place; ++r) {
          k.transpose(s.ow, s.oc, image + r * s.ow * s.oc, s.oc, turned + r * g_row, s.oh * g_row);
        }
        planar_sum_image(k, s, pitch, in_place ? image : turned, g_row, frame, out);
      }
    }
  });
  for (i64 group = 1; group < groups.count; ++group) k.add_into(size, sums + group * size, sums);
  planar_put_sums(s, sums, gweight, accumulate);
}

#define NNF_INSTANTIATE(T)                                                                                          \
  template bool planar_forward_pays<T>(const ConvShape&, PlanarLayout);                                             \
  template bool planar_backward_pays<T>(const ConvShape&, PlanarLayout);                                            \
  template void planar_plane_sums<T>(const ConvShape&, const T*, T*, bool);                                         \
  template void planar_forward<T>(const ConvShape&, PlanarLayout, const T*, const T*, const Epilogue<T>&, T*);      \
  template void planar_backward_weight<T>(const ConvShape&, PlanarLayout, const T*, const T*, T*, bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
