// What planar.cpp and planar_pooled.cpp do with one image: its frame, output rows, and sums for the weights' gradient.
// Private to these two files. Frames: `rows` rows of the padded image, each with a line of `pitch` elements a channel,
// zeros around.
#ifndef NNF_KERNELS_CONV_PLANAR_IMAGE_H
#define NNF_KERNELS_CONV_PLANAR_IMAGE_H

#include <algorithm>
#include <cstring>

#include "base/memory.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/group_sums.h"
#include "kernels/dispatch.h"

namespace nnf {

// Multiply-adds of a task: some 20 microseconds.
constexpr i64 kPlanarTaskWork = i64{1} << 20;

inline bool planar_shape_fits(const ConvShape& s) {
  return s.groups == 1 && s.stride_w == 1 && s.dilation_w == 1 && s.dilation_h == 1 && s.kw > 1;
}

template <class T>
i64 frame_pitch(const ConvShape& s) {
  return round_up(round_up(s.ow, vector_lanes<T>()) + s.kw - 1, vector_lanes<T>());
}

// Frames of a thread, one after another in the same place: what lies beside the image is made zero once, and stays so.
// (Row by row it took a fifth of the data's gradient of 32x3x32x32 -> 16 3x3.)
template <class T>
class PlanarFrames {
 public:
  // Of at most `rows` rows.
  PlanarFrames(const ConvShape& s, bool planes, i64 rows)
      : s_(s), planes_(planes || s.c == 1), pitch_(frame_pitch<T>(s)),
        frame_(thread_scratch<T>(Scratch::conv_image, rows * s.c * pitch_)) {
    std::fill_n(frame_, rows * s.c * pitch_, T{0});
  }
  // Rows row0..row1-1 of the image x: (rows, c, pitch).
  const T* make(const KernelTable<T>& k, i64 row0, i64 row1, const T* x) {
    const i64 width = std::min(s_.w, pitch_ - s_.pad_left);  // columns past it no tap reaches
    T* out = frame_ + s_.pad_left;
    for (i64 i = row0; i < row1; ++i, out += s_.c * pitch_) {
      if (!planes_) k.transpose(width, s_.c, x + i * s_.w * s_.c, s_.c, out, pitch_);
      for (i64 ch = 0; planes_ && ch < s_.c; ++ch) {
        std::memcpy(out + ch * pitch_, x + (ch * s_.h + i) * s_.w, static_cast<std::size_t>(width) * sizeof(T));
      }
    }
    return frame_;
  }

 private:
  const ConvShape& s_;
  bool planes_;
  i64 pitch_;
  T* frame_;
};

// What the kernel's rows lo..hi-1 meet inside the image, from an output row.
struct KernelRows {
  i64 lo, hi;
  bool operator==(const KernelRows& o) const { return lo == o.lo && hi == o.hi; }
};
inline KernelRows kernel_rows(const ConvShape& s, i64 r) {
  const i64 top = r * s.stride_h - s.pad_top, lo = std::clamp<i64>(-top, 0, s.kh);
  return {lo, std::clamp(s.h - top, lo, s.kh)};
}

// The weights of strips of at most 6 output channels, of nearly the same height; in a strip by kernel row, channel,
// column, and then output channel.
template <class T>
class PlanarStrips {
 public:
  PlanarStrips(const ConvShape& s, const T* weight) : s_(s), count_(ceil_div(s.oc, kPlanarMost)) {
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
void planar_image_rows(const KernelTable<T>& k, const ConvShape& s, const PlanarStrips<T>& strips,
                       PlanarFrames<T>& frames, i64 r0, i64 r1, const T* x, const T* bias, T* y, i64 y_plane) {
  const i64 pitch = frame_pitch<T>(s), last = (r1 - 1) * s.stride_h + s.kh - s.pad_top;
  const i64 row0 = std::clamp<i64>(r0 * s.stride_h - s.pad_top, 0, s.h), row1 = std::clamp(last, row0, s.h);
  const T* frame = frames.make(k, row0, row1, x);
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

// Images are summed in groups, by shape alone, and these then added in order: the same bits at any number of threads.
struct PlanarGroups {
  i64 images, count;
  explicit PlanarGroups(const ConvShape& s) {
    constexpr i64 kMost = 16;
    const i64 work = s.n * s.oh * s.ow * s.weight_elements();
    images = ceil_div(s.n, even_groups(work / kPlanarTaskWork, std::min(s.n, kMost)));
    count = ceil_div(s.n, images);
  }
};

// sums (oc, kh, c, kw) to the weight's gradient (kh, kw, c, oc).
template <class T>
void planar_put_sums(const ConvShape& s, const T* sums, T* gweight, bool accumulate) {
  const i64 taps = s.kh * s.c * s.kw;
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

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_PLANAR_IMAGE_H
