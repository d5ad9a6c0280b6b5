// See planar.h. Frames: `rows` rows of the padded image, each with a line of `pitch` elements a channel, zeros around.
// Work is cut by shape alone; an output's sum depends on nothing else.
#include "kernels/conv/planar.h"

#include <algorithm>
#include <cstring>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// Multiply-adds of a task: some 20 microseconds.
constexpr i64 kTaskWork = i64{1} << 20;
constexpr i64 kMaxGroups = 16;  // of images whose sums are made apart

template <class T>
i64 lanes() {
  return kernels<T>().gemm.nr / kernels<T>().gemm.vectors;
}

template <class T>
i64 frame_pitch(const ConvShape& s) {
  return round_up(round_up(s.ow, lanes<T>()) + s.kw - 1, lanes<T>());
}

// Rows row0..row0+rows-1 of the padded image x to out (rows, c, pitch).
template <class T>
void make_frame(const KernelTable<T>& k, const ConvShape& s, bool planes, i64 pitch, i64 row0, i64 rows, const T* x,
                T* out) {
  const i64 width = std::min(s.w, pitch - s.pad_left);  // columns past it no tap reaches
  for (i64 i = row0; i < row0 + rows; ++i, out += s.c * pitch) {
    const i64 from = i - s.pad_top;
    if (from < 0 || from >= s.h) {
      std::fill_n(out, s.c * pitch, T{0});
      continue;
    }
    for (i64 ch = 0; ch < s.c; ++ch) {
      T* line = out + ch * pitch;
      std::fill_n(line, s.pad_left, T{0});
      std::fill_n(line + s.pad_left + width, pitch - s.pad_left - width, T{0});
      if (planes || s.c == 1) {
        std::memcpy(line + s.pad_left, x + (ch * s.h + from) * s.w, static_cast<std::size_t>(width) * sizeof(T));
      }
    }
    if (!planes && s.c > 1) k.transpose(width, s.c, x + from * s.w * s.c, s.c, out + s.pad_left, pitch);
  }
}

bool shape_fits(const ConvShape& s) {
  return s.groups == 1 && s.stride_w == 1 && s.dilation_w == 1 && s.dilation_h == 1 && s.kw > 1;
}

}  // namespace

// What was measured (one thread, AVX-512 float, microseconds, the GEMM over pixels against this), arrays planar:
// forward 64x1x28x28 -> 6 5x5 384, 92; 10x1x28x28 -> 20 5x5 100, 37; 32x3x32x32 -> 64 3x3 1634, 561; 10x20x12x12 ->
// 40 5x5 136, 325. Backward 2742, 469; 271, 247; 2782, 3360. Channels-last, in a network, forward 277, 122 for 6
// channels, but 49, 56 for 20.
constexpr i64 kFewChannels = 4;

template <class T>
bool planar_forward_pays(const ConvShape& s, PlanarLayout layout) {
  const i64 n = lanes<T>();
  if (!shape_fits(s) || s.c > kFewChannels || n < 4) return false;
  return layout.y_planes || 2 * s.oc <= n;
}

template <class T>
bool planar_backward_pays(const ConvShape& s, PlanarLayout layout) {
  const i64 n = lanes<T>();
  if (!shape_fits(s) || s.c > kFewChannels || n < 4) return false;
  return layout.y_planes ? s.oc <= 3 * n : 2 * s.oc <= n;
}

template <class T>
bool planar_backward_data_pays(const ConvShape& s) {
  return s.groups == 1 && s.c <= kFewChannels;
}

template <class T>
void planar_forward(const ConvShape& s, PlanarLayout layout, const T* x, const T* weight, const Epilogue<T>& epilogue,
                    T* y) {
  const KernelTable<T>& k = kernels<T>();
  const i64 segments = s.kh * s.c, taps = segments * s.kw, pitch = frame_pitch<T>(s), pixels = s.oh * s.ow;
  const i64 strips = ceil_div(s.oc, kPlanarMost);
  // Strips of at most 6 channels, of nearly the same height: strip t begins at channel oc * t / strips.
  const auto strip_begin = [&](i64 t) { return s.oc * t / strips; };
  T* packed = thread_scratch<T>(Scratch::gemm_b, strips * taps * kPlanarMost);
  for (i64 t = 0; t < strips; ++t) {
    const i64 o0 = strip_begin(t), m = strip_begin(t + 1) - o0;
    T* to = packed + t * taps * kPlanarMost;
    for (i64 a = 0; a < s.kh; ++a) {
      for (i64 ch = 0; ch < s.c; ++ch) {
        for (i64 b = 0; b < s.kw; ++b, to += m) {
          const T* from = weight + ((a * s.kw + b) * s.c + ch) * s.oc + o0;
          std::copy_n(from, m, to);
        }
      }
    }
  }

  const i64 band = std::clamp<i64>(kTaskWork / (s.ow * taps * s.oc), 1, s.oh);  // output rows of a task
  const i64 bands = ceil_div(s.oh, band);
  const bool direct = layout.y_planes || s.oc == 1;
  parallel_for(s.n * bands, band * s.ow * (taps * s.oc / 32 + 1), [&](i64 begin, i64 end) {
    const i64 most = (band - 1) * s.stride_h + s.kh;
    T* frame = thread_scratch<T>(Scratch::conv_image, most * s.c * pitch);
    T* apart = direct ? nullptr : thread_scratch<T>(Scratch::conv_cols, s.oc * band * s.ow);
    for (i64 task = begin; task < end; ++task) {
      const i64 n = task / bands, r0 = task % bands * band, r1 = std::min(s.oh, r0 + band);
      make_frame(k, s, layout.x_planes, pitch, r0 * s.stride_h, (r1 - r0 - 1) * s.stride_h + s.kh,
                 x + n * s.c * s.h * s.w, frame);
      PlanarRow<T> row{};
      row.n = s.ow, row.segments = segments, row.kw = s.kw, row.pitch = pitch;
      row.y_plane = direct ? pixels : band * s.ow;
      T* image = y + n * s.oc * pixels;
      T* planes = direct ? image + r0 * s.ow : apart;
      const auto one_strip = [&](i64 t, i64 r) {
        const i64 o0 = strip_begin(t);
        row.x = frame + (r - r0) * s.stride_h * s.c * pitch;
        row.m = strip_begin(t + 1) - o0;
        row.w = packed + t * taps * kPlanarMost;
        row.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + o0;
        row.y = planes + o0 * row.y_plane + (r - r0) * s.ow;
        k.planar_row(row);
      };
      for (i64 t = 0; t < strips; ++t) {  // strip by strip: planes are written in longer runs
        for (i64 r = r0; r < r1; ++r) one_strip(t, r);
      }
      if (!direct) {
        k.transpose(s.oc, (r1 - r0) * s.ow, apart, row.y_plane, image + r0 * s.ow * s.oc, s.oc);
      }
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

template <class T>
void planar_plane_sums(const ConvShape& s, const T* g, T* gbias, bool accumulate) {
  const KernelTable<T>& k = kernels<T>();
  T* ones = thread_scratch<T>(Scratch::gemm_b, s.ow);
  std::fill_n(ones, s.ow, T{1});
  if (!accumulate) std::fill_n(gbias, s.oc, T{0});
  PlanarSums<T> part{};
  part.m = s.oc, part.count = 1, part.lines = s.oh, part.n = s.ow;
  part.g_plane = s.oh * s.ow, part.g_line = s.ow;
  part.x = ones;
  part.out = gbias, part.out_row = 1;
  for (i64 n = 0; n < s.n; ++n) {
    part.g = g + n * s.oc * s.oh * s.ow;
    k.planar_sums(part);
  }
}

template <class T>
void planar_backward_weight(const ConvShape& s, PlanarLayout layout, const T* g, const T* x, T* gweight,
                            bool accumulate) {
  const KernelTable<T>& k = kernels<T>();
  const i64 taps = s.kh * s.c * s.kw, size = taps * s.oc, pitch = frame_pitch<T>(s), pixels = s.oh * s.ow;
  const i64 wanted = std::clamp<i64>(s.n * pixels * size / kTaskWork, 1, std::min(s.n, kMaxGroups));
  const i64 images = ceil_div(s.n, wanted), groups = ceil_div(s.n, images);
  T* sums = thread_scratch<T>(Scratch::gemm_b, groups * size);  // (groups, oc, kh, c, kw)
  parallel_for(groups, images * pixels * (size / 32 + 1), [&](i64 begin, i64 end) {
    const i64 rows = (s.oh - 1) * s.stride_h + s.kh;
    T* frame = thread_scratch<T>(Scratch::conv_image, rows * s.c * pitch);
    const bool in_place = layout.y_planes || s.oc == 1;
    T* turned = in_place ? nullptr : thread_scratch<T>(Scratch::conv_cols, s.oc * pixels);
    for (i64 group = begin; group < end; ++group) {
      T* out = sums + group * size;
      std::fill_n(out, size, T{0});
      for (i64 n = group * images; n < std::min(s.n, (group + 1) * images); ++n) {
        make_frame(k, s, layout.x_planes, pitch, 0, rows, x + n * s.c * s.h * s.w, frame);
        PlanarSums<T> part{};
        part.g = g + n * s.oc * pixels;
        if (!in_place) k.transpose(pixels, s.oc, part.g, s.oc, turned, pixels), part.g = turned;
        const T* planes = part.g;
        part.count = s.kw, part.lines = s.oh, part.n = s.ow;
        part.g_plane = pixels, part.g_line = s.ow;
        part.x_line = s.stride_h * s.c * pitch;
        part.out_row = taps;
        const i64 strips = ceil_div(s.oc, kPlanarMost);
        for (i64 t = 0; t < strips; ++t) {  // the few planes of a strip stay in cache while the kernel's lines pass
          const i64 o0 = s.oc * t / strips;
          part.m = s.oc * (t + 1) / strips - o0;
          part.g = planes + o0 * pixels;
          for (i64 line = 0; line < s.kh * s.c; ++line) {
            part.x = frame + line * pitch;
            part.out = out + o0 * taps + line * s.kw;
            k.planar_sums(part);
          }
        }
      }
    }
  });
  for (i64 group = 1; group < groups; ++group) k.add_into(size, sums + group * size, sums);
  for (i64 a = 0; a < s.kh; ++a) {
    for (i64 b = 0; b < s.kw; ++b) {
      for (i64 ch = 0; ch < s.c; ++ch) {
        for (i64 o = 0; o < s.oc; ++o, ++gweight) {
          const T total = sums[o * taps + (a * s.c + ch) * s.kw + b];
          *gweight = accumulate ? *gweight + total : total;
        }
      }
    }
  }
}

#define NNF_INSTANTIATE(T)                                                                                          \
  template bool planar_forward_pays<T>(const ConvShape&, PlanarLayout);                                             \
  template bool planar_backward_pays<T>(const ConvShape&, PlanarLayout);                                            \
  template bool planar_backward_data_pays<T>(const ConvShape&);                                                     \
  template void planar_plane_sums<T>(const ConvShape&, const T*, T*, bool);                                         \
  template void planar_forward<T>(const ConvShape&, PlanarLayout, const T*, const T*, const Epilogue<T>&, T*);      \
  template void planar_backward_weight<T>(const ConvShape&, PlanarLayout, const T*, const T*, T*, bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
