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
i64 frame_pitch(const ConvShape& s) {
  return round_up(round_up(s.ow, vector_lanes<T>()) + s.kw - 1, vector_lanes<T>());
}

// Rows row0..row1-1 of the image x to out (rows, c, pitch), with zeros beside them.
template <class T>
void make_frame(const KernelTable<T>& k, const ConvShape& s, bool planes, i64 pitch, i64 row0, i64 row1, const T* x,
                T* out) {
  const i64 width = std::min(s.w, pitch - s.pad_left);  // columns past it no tap reaches
  for (i64 i = row0; i < row1; ++i, out += s.c * pitch) {
    for (i64 ch = 0; ch < s.c; ++ch) {
      T* line = out + ch * pitch;
      std::fill_n(line, s.pad_left, T{0});
      std::fill_n(line + s.pad_left + width, pitch - s.pad_left - width, T{0});
      if (planes || s.c == 1) {
        std::memcpy(line + s.pad_left, x + (ch * s.h + i) * s.w, static_cast<std::size_t>(width) * sizeof(T));
      }
    }
    if (!planes && s.c > 1) k.transpose(width, s.c, x + i * s.w * s.c, s.c, out + s.pad_left, pitch);
  }
}

// What the kernel's rows lo..hi-1 meet inside the image, from an output row.
struct KernelRows {
  i64 lo, hi;
  bool operator==(const KernelRows& o) const { return lo == o.lo && hi == o.hi; }
};
KernelRows kernel_rows(const ConvShape& s, i64 r) {
  const i64 top = r * s.stride_h - s.pad_top, lo = std::clamp<i64>(-top, 0, s.kh);
  return {lo, std::clamp(s.h - top, lo, s.kh)};
}

bool shape_fits(const ConvShape& s) {
  return s.groups == 1 && s.stride_w == 1 && s.dilation_w == 1 && s.dilation_h == 1 && s.kw > 1;
}

}  // namespace

// What was measured (one thread, AVX-512 float, microseconds, the GEMM over pixels against this), arrays planar:
// forward 64x1x28x28 -> 6 5x5 384, 92; 10x1x28x28 -> 20 5x5 100, 37; 32x3x32x32 -> 64 3x3 1634, 561; 10x20x12x12 -> 40
// 5x5 136, 325. Channels-last, in a network, forward 277, 122 for 6 channels, but 49, 56 for 20. The weights' gradient,
// channels-last: 64x1x28x28 -> 6 5x5 230, 154; -> 16 3x3 95, 224; 10x1x28x28 -> 20 5x5 44, 77; 32x3x32x32 -> 64 3x3
// 530, 1562.
constexpr i64 kFewChannels = 4;

template <class T>
bool planar_forward_pays(const ConvShape& s, PlanarLayout layout) {
  const i64 n = vector_lanes<T>();
  if (!shape_fits(s) || s.c > kFewChannels || n < 4) return false;
  return layout.y_planes || 2 * s.oc <= n;
}

template <class T>
bool planar_backward_pays(const ConvShape& s, PlanarLayout layout) {
  const i64 n = vector_lanes<T>();
  if (!shape_fits(s) || s.c > kFewChannels || n < 4) return false;
  return 2 * s.oc <= n && (layout.y_planes || s.oc <= kPlanarMost);
}

// The weights of strips of at most 6 output channels, of nearly the same height; in a strip by kernel row, channel,
// column, and then output channel.
template <class T>
class Strips {
 public:
  Strips(const ConvShape& s, const T* weight) : s_(s), count_(ceil_div(s.oc, kPlanarMost)) {
    const i64 size = s.kh * s.kw * s.c * kPlanarMost;
    packed_ = thread_scratch<T>(Scratch::gemm_b, count_ * size);
    for (i64 t = 0; t < count_; ++t) {
      T* to = packed_ + t * size;
      for (i64 a = 0; a < s.kh; ++a) {
        for (i64 ch = 0; ch < s.c; ++ch) {
          for (i64 b = 0; b < s.kw; ++b, to += height(t)) {
            std::copy_n(weight + ((a * s.kw + b) * s.c + ch) * s.oc + begin(t), height(t), to);
          }
        }
      }
    }
  }
  i64 count() const { return count_; }
  i64 begin(i64 t) const { return s_.oc * t / count_; }
  i64 height(i64 t) const { return begin(t + 1) - begin(t); }
  // From kernel row a on.
  const T* weights(i64 t, i64 a) const {
    return packed_ + t * s_.kh * s_.kw * s_.c * kPlanarMost + a * s_.c * s_.kw * height(t);
  }

 private:
  const ConvShape& s_;
  i64 count_;
  T* packed_;
};

// Output rows r0..r1-1 of one image to planes y (oc, ...), whose row r0 is y's first.
template <class T>
void planar_rows(const KernelTable<T>& k, const ConvShape& s, const Strips<T>& strips, bool x_planes, i64 r0, i64 r1,
                 const T* x, const T* bias, T* y, i64 y_plane) {
  const i64 pitch = frame_pitch<T>(s), last = (r1 - 1) * s.stride_h + s.kh - s.pad_top;
  const i64 row0 = std::clamp<i64>(r0 * s.stride_h - s.pad_top, 0, s.h), row1 = std::clamp(last, row0, s.h);
  T* frame = thread_scratch<T>(Scratch::conv_image, (row1 - row0) * s.c * pitch);
  make_frame(k, s, x_planes, pitch, row0, row1, x, frame);
  PlanarRows<T> rows{};
  rows.n = s.ow, rows.kw = s.kw, rows.pitch = pitch;
  rows.x_row = s.stride_h * s.c * pitch;
  rows.y_plane = y_plane, rows.y_row = s.ow;
  for (i64 t = 0; t < strips.count(); ++t) {  // strip by strip: planes are written in longer runs
    rows.m = strips.height(t);
    rows.bias = bias == nullptr ? nullptr : bias + strips.begin(t);
    for (i64 r = r0; r < r1; r += rows.rows) {  // the rows that see the same rows of the kernel together
      const KernelRows seen = kernel_rows(s, r);
      for (rows.rows = 1; r + rows.rows < r1 && kernel_rows(s, r + rows.rows) == seen;) ++rows.rows;
      rows.segments = (seen.hi - seen.lo) * s.c;
      rows.w = strips.weights(t, seen.lo);
      rows.x = frame + (r * s.stride_h - s.pad_top + seen.lo - row0) * s.c * pitch;
      rows.y = y + strips.begin(t) * y_plane + (r - r0) * s.ow;
      k.planar_rows(rows);
    }
  }
}

template <class T>
void planar_forward(const ConvShape& s, PlanarLayout layout, const T* x, const T* weight, const Epilogue<T>& epilogue,
                    T* y) {
  const KernelTable<T>& k = kernels<T>();
  const i64 taps = s.kh * s.kw * s.c, pixels = s.oh * s.ow;
  const Strips<T> strips(s, weight);
  const i64 band = std::clamp<i64>(kTaskWork / (s.ow * taps * s.oc), 1, s.oh);  // output rows of a task
  const i64 bands = ceil_div(s.oh, band);
  const bool direct = layout.y_planes || s.oc == 1;
  parallel_for(s.n * bands, band * s.ow * (taps * s.oc / 32 + 1), [&](i64 begin, i64 end) {
    T* apart = direct ? nullptr : thread_scratch<T>(Scratch::conv_cols, s.oc * band * s.ow);
    for (i64 task = begin; task < end; ++task) {
      const i64 n = task / bands, r0 = task % bands * band, r1 = std::min(s.oh, r0 + band);
      T* image = y + n * s.oc * pixels;
      planar_rows(k, s, strips, layout.x_planes, r0, r1, x + n * s.c * s.h * s.w, epilogue.bias,
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

// Adds one image's part to sums (oc, kh, c, kw), from planes g whose rows are g_row apart and a frame of x's rows.
template <class T>
void planar_sum_image(const KernelTable<T>& k, const ConvShape& s, i64 pitch, const T* g, i64 g_row, const T* frame,
                      T* sums) {
  const i64 taps = s.kh * s.c * s.kw, strips = ceil_div(s.oc, kPlanarMost);
  PlanarSums<T> part{};
  part.count = s.kw, part.n = s.ow;
  part.g_plane = s.oh * g_row, part.g_line = g_row;
  part.x_line = s.stride_h * s.c * pitch;
  part.out_row = taps;
  for (i64 t = 0; t < strips; ++t) {  // the few planes of a strip stay in cache while the kernel's lines pass
    const i64 o0 = s.oc * t / strips;
    part.m = s.oc * (t + 1) / strips - o0;
    for (i64 a = 0; a < s.kh; ++a) {
      // The output rows from which this row of the kernel lies inside the image.
      const i64 first = std::clamp<i64>(ceil_div(s.pad_top - a, s.stride_h), 0, s.oh);
      const i64 last = std::clamp<i64>(ceil_div(s.h + s.pad_top - a, s.stride_h), first, s.oh);
      part.lines = last - first;
      part.g = g + o0 * part.g_plane + first * g_row;
      for (i64 ch = 0; ch < s.c && part.lines > 0; ++ch) {
        part.x = frame + ((first * s.stride_h + a - s.pad_top) * s.c + ch) * pitch;
        part.out = sums + o0 * taps + (a * s.c + ch) * s.kw;
        k.planar_sums(part);
      }
    }
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
    T* frame = thread_scratch<T>(Scratch::conv_image, s.h * s.c * pitch);
    const bool in_place = layout.y_planes || s.oc == 1;
    // A copy's vectors do not cross cache lines.
    const i64 g_row = in_place ? s.ow : round_up(s.ow, vector_lanes<T>());
    T* turned = in_place ? nullptr : thread_scratch<T>(Scratch::conv_cols, s.oc * s.oh * g_row);
    for (i64 group = begin; group < end; ++group) {
      T* out = sums + group * size;
      std::fill_n(out, size, T{0});
      for (i64 n = group * images; n < std::min(s.n, (group + 1) * images); ++n) {
        make_frame(k, s, layout.x_planes, pitch, 0, s.h, x + n * s.c * s.h * s.w, frame);
        const T* image = g + n * s.oc * pixels;
        for (i64 r = 0; r < s.oh && !in_place; ++r) {
          k.transpose(s.ow, s.oc, image + r * s.ow * s.oc, s.oc, turned + r * g_row, s.oh * g_row);
        }
        planar_sum_image(k, s, pitch, in_place ? image : turned, g_row, frame, out);
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
  template void planar_plane_sums<T>(const ConvShape&, const T*, T*, bool);                                         \
  template void planar_forward<T>(const ConvShape&, PlanarLayout, const T*, const T*, const Epilogue<T>&, T*);      \
  template void planar_backward_weight<T>(const ConvShape&, PlanarLayout, const T*, const T*, T*, bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
