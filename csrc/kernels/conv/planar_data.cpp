// See planar_backward_data of planar.h. A product and a sum: for a band of g's rows, columns (taps * c, band * ow) =
// weight (taps * c, oc) . g (oc, band * ow), planes read in place; then each tap's rows are added where they belong,
// which are runs of memory again: of the image, or with a stride of one of its phases, every stride_w-th column, which
// are put together at the end.
//
// Correlating g with the mirrored weights instead has one row of sums a channel of the input, of one channel too few
// for the FMAs' latency; but with a few output channels the product here is over too soon for what stands around it.
// One thread, AVX-512 float, microseconds, the correlation against this: 32x3x32x32 -> 6 5x5 152, 470; -> 16 3x3 195,
// 250; 16x1x64x64 -> 16 3x3 320, 211. (Its phases joined to planes first, and these turned: 4x3x112x112 -> 32 3x3/2
// took 218, now 187.)
#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/conv/planar.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kColumns = i64{1} << 14;  // elements made at once: 64 KB as float
constexpr i64 kFewOutputs = 8;          // channels
constexpr i64 kWideInputs = 3, kFewInputs = 4, kMostInputs = 8;
constexpr i64 kFewImages = 8;           // fewer are cut by channels, for more tasks

template <class T>
class DataGradient {
 public:
  DataGradient(const ConvShape& s, PlanarLayout layout, const T* weight)
      : s_(s), layout_(layout), k_(kernels<T>()), weight_(weight), taps_(s.kh * s.kw),
        phase_(ceil_div(s.w, s.stride_w)) {
    const i64 row = taps_ * s.c * s.ow;
    band_ = std::clamp<i64>(kColumns / row, 1, s.oh);
    Tap* reach = thread_scratch<Tap>(Scratch::gemm_rows, taps_);
    for (i64 tap = 0; tap < taps_; ++tap) reach[tap] = reach_of(tap);
    reach_ = reach;
  }

  // Channels c0..c1-1 of one image, all of them where it is channels-last.
  void image(const T* g, i64 c0, i64 c1, T* gx) const {
    const i64 channels = c1 - c0, pixels = s_.oh * s_.ow, together = band_ * s_.ow;
    const bool g_planes = layout_.y_planes || s_.oc == 1, gx_planes = layout_.x_planes || s_.c == 1;
    T* columns = thread_scratch<T>(Scratch::conv_cols, (taps_ + (g_planes ? 0 : s_.oc)) * together);
    T* turned = columns + taps_ * together;
    const bool direct = s_.stride_w == 1 && gx_planes;
    // With strides the sums lie row by row, in a row by phase and channel: so a transposition makes its pixels.
    const i64 plane = s_.h * s_.w, phase = channels * phase_;
    const Places at = s_.stride_w == 1 ? Places{s_.w, plane, 0} : Places{s_.stride_w * phase, phase_, phase};
    const i64 size = s_.stride_w == 1 ? channels * plane : s_.h * at.row;
    T* sums = direct ? gx : thread_scratch<T>(Scratch::conv_image, size);
    std::fill_n(sums, size, T{0});
    for (i64 r = 0; r < s_.oh; r += band_) {
      const i64 rows = std::min(band_, s_.oh - r), n = rows * s_.ow;
      if (!g_planes) k_.transpose(n, s_.oc, g + r * s_.ow * s_.oc, s_.oc, turned, n);
      for (i64 ch = 0; ch < channels; ++ch) {
        multiply(g_planes ? g + r * s_.ow : turned, g_planes ? pixels : n, c0 + ch, n, columns);
        for (i64 tap = 0; tap < taps_; ++tap) {
          add_tap(r, rows, reach_[tap], columns + tap * n, at, sums + ch * at.channel);
        }
      }
    }
    if (direct) return;
    if (s_.stride_w == 1) return k_.transpose(channels, plane, sums, plane, gx, channels);
    for (i64 r = 0; r < s_.h; ++r) {
      const T* row = sums + r * at.row;
      if (!gx_planes) join(s_.stride_w * channels, row, phase_, gx + r * s_.w * channels);
      for (i64 ch = 0; gx_planes && ch < channels; ++ch) {
        join(s_.stride_w, row + ch * phase_, at.phase, gx + (ch * s_.h + r) * s_.w);
      }
    }
  }

 private:
  // columns (taps, n) of one channel, from n pixels of planes that lie `plane` apart.
  void multiply(const T* g, i64 plane, i64 channel, i64 n, T* columns) const {
    GemmTile<T> tile{};
    tile.m = taps_;
    tile.n = n;
    tile.k = s_.oc;
    tile.segments = 1;
    tile.a = weight_ + channel * s_.oc;
    tile.a_rs = s_.c * s_.oc;
    tile.a_cs = 1;
    tile.b = g;
    tile.ldb = plane;
    tile.step = tile.b_panel = k_.gemm.nr;
    tile.c = columns;
    tile.ldc = n;
    k_.gemm_micro(tile);
  }

  // Elements between rows, channels and phases of the sums.
  struct Places {
    i64 row, channel, phase;
  };
  // Where a tap's outputs go: those of rows first..last-1 and columns j0..j1-1 lie inside the image, row r on its row
  // r * stride_h + down, column j0 at `to` of a phase.
  struct Tap {
    i64 down, first, last, j0, j1, phase, to;
  };
  Tap reach_of(i64 tap) const {
    const i64 down = tap / s_.kw * s_.dilation_h - s_.pad_top, across = tap % s_.kw * s_.dilation_w - s_.pad_left;
    const i64 phase = (across % s_.stride_w + s_.stride_w) % s_.stride_w, shift = (across - phase) / s_.stride_w;
    const i64 first = down < 0 ? ceil_div(-down, s_.stride_h) : 0;
    const i64 last = down < s_.h ? (s_.h - 1 - down) / s_.stride_h + 1 : 0;
    const i64 j0 = std::max<i64>(0, -shift), j1 = std::min(s_.ow, ceil_div(s_.w - phase, s_.stride_w) - shift);
    return {down, first, std::min(last, s_.oh), j0, j1, phase, j0 + shift};
  }

  // A tap's rows r0.. to one channel's sums.
  void add_tap(i64 r0, i64 rows, const Tap& tap, const T* columns, const Places& at, T* sums) const {
    const i64 first = std::max(r0, tap.first), last = std::min(r0 + rows, tap.last);
    if (first >= last || tap.j0 >= tap.j1) return;
    k_.add_runs(last - first, tap.j1 - tap.j0, columns + (first - r0) * s_.ow + tap.j0, s_.ow,
                sums + (first * s_.stride_h + tap.down) * at.row + tap.phase * at.phase + tap.to,
                s_.stride_h * at.row);
  }

  // A row of pixels from `count` lines of sums, whose last ones may be an element shorter.
  void join(i64 count, const T* lines, i64 apart, T* row) const {
    const i64 whole = s_.w / s_.stride_w, rest = s_.w % s_.stride_w * (count / s_.stride_w);
    k_.transpose(count, whole, lines, apart, row, count);
    for (i64 e = 0; e < rest; ++e) row[whole * count + e] = lines[e * apart + whole];
  }

  const ConvShape& s_;
  const PlanarLayout layout_;
  const KernelTable<T>& k_;
  const T* weight_;
  i64 taps_, phase_, band_;
  const Tap* reach_;
};

// As a forward convolution: g correlated with the weights mirrored and transposed.
template <class T>
void correlate_mirrored(const ConvShape& s, PlanarLayout layout, const T* g, const T* weight, T* gx) {
  ConvShape r = s;
  r.c = s.oc, r.h = s.oh, r.w = s.ow;
  r.oc = s.c, r.oh = s.h, r.ow = s.w;
  r.pad_top = s.kh - 1 - s.pad_top, r.pad_left = s.kw - 1 - s.pad_left;
  const i64 taps = s.kh * s.kw;
  T* mirrored = thread_scratch<T>(Scratch::gemm_rows, taps * s.c * s.oc);
  for (i64 tap = 0; tap < taps; ++tap) {
    const T* from = weight + (taps - 1 - tap) * s.c * s.oc;
    T* to = mirrored + tap * s.c * s.oc;
    for (i64 o = 0; o < s.oc; ++o) {
      for (i64 ch = 0; ch < s.c; ++ch) to[o * s.c + ch] = from[ch * s.oc + o];
    }
  }
  planar_forward<T>(r, {layout.y_planes, layout.x_planes}, g, mirrored, {}, gx);
}

bool can_mirror(const ConvShape& s) {
  return s.groups == 1 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 &&
         s.pad_top < s.kh && s.pad_left < s.kw;
}

template <class T>
bool correlation_pays(const ConvShape& s) {
  return can_mirror(s) && (s.c > kFewInputs || s.oc <= (s.c >= kWideInputs ? 2 : 1) * kFewOutputs);
}

}  // namespace

template <class T>
bool planar_backward_data_fits(const ConvShape& s) {
  return s.c <= kMostInputs && vector_lanes<T>() >= 4 && can_mirror(s);
}

template <class T>
bool planar_backward_data_pays(const ConvShape& s) {
  return s.groups == 1 && s.c <= kFewInputs && vector_lanes<T>() >= 4;
}

template <class T>
void planar_backward_data(const ConvShape& s, PlanarLayout layout, const T* g, const T* weight, T* gx) {
  if (correlation_pays<T>(s)) return correlate_mirrored(s, layout, g, weight, gx);
  const DataGradient<T> gradient(s, layout, weight);
  const i64 out = s.oc * s.oh * s.ow, plane = s.h * s.w;
  const i64 parts = s.n < kFewImages && layout.x_planes ? s.c : 1, channels = s.c / parts;
  parallel_for(s.n * parts, out * (s.kh * s.kw * channels / 32 + 1), [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 n = t / parts, c0 = t % parts * channels;
      gradient.image(g + n * out, c0, c0 + channels, gx + (n * s.c + c0) * plane);
    }
  });
}

#define NNF_INSTANTIATE(T)                                                              \
  template bool planar_backward_data_fits<T>(const ConvShape&);                         \
  template bool planar_backward_data_pays<T>(const ConvShape&);                         \
  template void planar_backward_data<T>(const ConvShape&, PlanarLayout, const T*, const T*, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
