// See scatter.h. A task is whole images, so that no two tasks add to one pixel; patches are made for a few output rows
// at a time and stay in cache. The order of the additions follows from the shape alone.
//
// A patch's row of the kernel is a run of kw * c elements, which lie side by side in the image too. Around each run are
// zeros, so that the additions read whole vectors (overlap-inl.h).
#include "kernels/conv/scatter.h"

#include <algorithm>
#include <numeric>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// Elements of patches made at once: 256 KB as float, beside g in the second-level cache.
constexpr i64 kPatchElements = i64{1} << 16;

template <class T>
class Scatter {
 public:
  Scatter(const ConvShape& s, const T* weight)
      : s_(s), k_(kernels<T>()), run_(s.kw * s.c), gap_(vector_lanes<T>()),
        pitch_(round_up(run_ + 2 * gap_, gap_)),
        band_(std::clamp<i64>(kPatchElements / (s.ow * s.kh * pitch_), 1, s.oh)) {
    const i64 nr = k_.gemm.nr;
    panel_row_ = round_up(run_, nr) * s.oc;
    T* panels = thread_scratch<T>(Scratch::gemm_b, s.kh * panel_row_);
    for (i64 a = 0; a < s.kh; ++a) {
      for (i64 j = 0; j < run_; j += nr) {
        k_.gemm_pack_b(s.oc, std::min(nr, run_ - j), weight + (a * run_ + j) * s.oc, 1, s.oc,
                       panels + a * panel_row_ + j * s.oc);
      }
    }
    panels_ = panels;
  }

  // The thread's patches (band, ow, kh, pitch), whose gaps are zeros and stay so.
  T* patches() const {
    const i64 size = band_ * s_.ow * s_.kh * pitch_;
    T* cols = thread_scratch<T>(Scratch::conv_cols, size);
    std::fill_n(cols, size, T{0});
    return cols;
  }

  void image(const T* g, T* cols, T* gx) const {
    std::fill_n(gx, s_.h * s_.w * s_.c, T{0});
    for (i64 r0 = 0; r0 < s_.oh; r0 += band_) {
      const i64 r1 = std::min(s_.oh, r0 + band_);
      make(g + r0 * s_.ow * s_.oc, (r1 - r0) * s_.ow, cols);
      const i64 last = std::min(s_.h, (r1 - 1) * s_.stride_h + (s_.kh - 1) * s_.dilation_h - s_.pad_top + 1);
      for (i64 i = std::max<i64>(0, r0 * s_.stride_h - s_.pad_top); i < last; ++i) add_row(r0, r1, i, cols, gx);
    }
  }

 private:
  // cols = g (count, oc) B, a row of the kernel after another.
  void make(const T* g, i64 count, T* cols) const {
    const i64 tiles = ceil_div(count, k_.gemm.mr), nr = k_.gemm.nr, ldc = s_.kh * pitch_;
    GemmTile<T> tile{};
    tile.n = run_;
    tile.k = s_.oc;
    tile.segments = 1;
    tile.a_rs = s_.oc;
    tile.a_cs = 1;
    tile.ldb = tile.step = nr;
    tile.b_panel = nr * s_.oc;
    tile.ldc = ldc;
    for (i64 t = 0; t < tiles; ++t) {
      const i64 i0 = count * t / tiles, i1 = count * (t + 1) / tiles;
      tile.a = g + i0 * s_.oc;
      tile.m = i1 - i0;
      for (i64 a = 0; a < s_.kh; ++a) {
        tile.b = panels_ + a * panel_row_;
        tile.c = cols + i0 * ldc + a * pitch_ + gap_;
        k_.gemm_micro(tile);
      }
    }
  }

  // What the output rows r0..r1-1 give to row i of the image.
  void add_row(i64 r0, i64 r1, i64 i, const T* cols, T* gx) const {
    // Kernel row a meets output row r where r * stride + a * dilation = i + pad.
    const i64 at = i + s_.pad_top, divisor = std::gcd(s_.stride_h, s_.dilation_h);
    const i64 next_a = s_.stride_h / divisor, next_r = s_.dilation_h / divisor;
    i64 a = 0;
    i64 from = at;  // at - a * dilation
    while (a < s_.kh && (from % s_.stride_h != 0 || from >= r1 * s_.stride_h)) ++a, from -= s_.dilation_h;
    const i64 r = from / s_.stride_h;
    if (a >= s_.kh || from < 0 || r < r0) return;
    OverlapRow<T> row{};
    row.n = s_.w * s_.c;
    row.runs = s_.ow, row.run = run_, row.apart = s_.stride_w * s_.c, row.start = -s_.pad_left * s_.c;
    row.lines = std::min((s_.kh - 1 - a) / next_a, (r - r0) / next_r) + 1;
    row.pitch = s_.kh * pitch_;
    row.x = cols + (r - r0) * s_.ow * row.pitch + a * pitch_ + gap_;
    row.line = next_a * pitch_ - next_r * s_.ow * row.pitch;
    row.y = gx + i * row.n;
    k_.overlap_row(row);
  }

  const ConvShape& s_;
  const KernelTable<T>& k_;
  const i64 run_, gap_, pitch_, band_;
  i64 panel_row_;
  const T* panels_;
};

}  // namespace

template <class T>
void scatter_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx) {
  const Scatter<T> scatter(s, weight);
  const i64 taps = s.kh * s.kw * s.c;
  parallel_for(s.n, s.oh * s.ow * (taps * s.oc / 32 + taps), [&](i64 begin, i64 end) {
    T* cols = scatter.patches();
    for (i64 n = begin; n < end; ++n) {
      scatter.image(g + n * s.oh * s.ow * s.oc, cols, gx + n * s.h * s.w * s.c);
    }
  });
}

template void scatter_backward_data<float>(const ConvShape&, const float*, const float*, float*);
template void scatter_backward_data<double>(const ConvShape&, const double*, const double*, double*);

}  // namespace nnf
