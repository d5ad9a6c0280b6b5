// See scatter.h. A task is whole images, so that no two tasks add to one pixel. An image row takes what all rows of the
// kernel give to it in one product, with a segment for each of them; what is left overlaps along that row alone. The
// order of the additions follows from the shape alone.
//
// (Patches of whole output rows, a short product for each row of the kernel and all their elements added afterwards,
// took longer, the whole backward pass, one thread, AVX-512 float: 64x6x14x14 -> 16 5x5 1.13 times, 64x6x7x7 -> 16 5x5
// and 64x6x28x28 -> 16 5x5/2 1.12 to 1.17. Rows of 3 or 7 output pixels a tile, and not the images' pixels side by side:
// 1.4 times.)
//
// A run, what an output pixel gives to a row, is kw * c elements, which lie side by side in the image too. Around each
// are zeros, so that the additions read whole vectors (overlap-inl.h).
#include "kernels/conv/scatter.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kNarrow = 8;     // output columns below which a row fills no tile
constexpr i64 kTogether = 12;  // images: the most rows of a tile

template <class T>
class Scatter {
 public:
  Scatter(const ConvShape& s, const T* weight)
      : s_(s), k_(kernels<T>()), run_(s.kw * s.c), gap_(vector_lanes<T>()),
        pitch_(round_up(run_ + 2 * gap_, gap_)) {
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

  // Images that are worked on together.
  i64 together() const { return s_.ow < kNarrow ? kTogether : 1; }

  // The thread's runs (together, ow, pitch), whose gaps are zeros and stay so.
  T* runs() const {
    const i64 size = together() * s_.ow * pitch_;
    T* runs = thread_scratch<T>(Scratch::conv_cols, size);
    std::fill_n(runs, size, T{0});
    return runs;
  }

  void images(i64 count, const T* g, T* runs, T* gx) const {
    const i64 size = s_.w * s_.c;
    for (i64 i = 0; i < s_.h; ++i) {
      const bool any = multiply(count, i, g, runs);
      for (i64 n = 0; n < count; ++n) {
        T* row = gx + (n * s_.h + i) * size;
        if (any) {
          add_up(runs + n * s_.ow * pitch_, row);
        } else {
          std::fill_n(row, size, T{0});
        }
      }
    }
  }

 private:
  // runs = what row i of the images gets from all output rows that see it; false where none does.
  bool multiply(i64 count, i64 i, const T* g, T* runs) const {
    i64* const g_at = thread_scratch<i64>(Scratch::gemm_rows, 2 * s_.kh);
    i64* const panel_at = g_at + s_.kh;
    GemmTile<T> tile{};
    for (i64 a = 0; a < s_.kh; ++a) {  // it meets output row r where r * stride + a * dilation = i + pad
      const i64 from = i + s_.pad_top - a * s_.dilation_h;
      if (from < 0 || from % s_.stride_h != 0 || from / s_.stride_h >= s_.oh) continue;
      g_at[tile.segments] = from / s_.stride_h * s_.ow * s_.oc;
      panel_at[tile.segments++] = a * panel_row_;
    }
    if (tile.segments == 0) return false;
    tile.n = run_, tile.k = s_.oc;
    tile.a_cs = 1;
    tile.a_seg = g_at;
    tile.b = panels_;
    tile.ldb = tile.step = k_.gemm.nr;
    tile.b_at = panel_at;
    tile.b_panel = tile.step * s_.oc;
    // A tile's rows are a row's pixels, or one pixel of the images: what is more.
    const i64 image = s_.oh * s_.ow * s_.oc, image_runs = s_.ow * pitch_;
    const bool across = count > s_.ow;
    tile.m = across ? count : s_.ow;
    tile.a_rs = across ? image : s_.oc;
    tile.ldc = across ? image_runs : pitch_;
    for (i64 t = 0; t < (across ? s_.ow : count); ++t) {
      tile.a = g + t * (across ? s_.oc : image);
      tile.c = runs + gap_ + t * (across ? pitch_ : image_runs);
      k_.gemm_micro(tile);
    }
    return true;
  }

  void add_up(const T* runs, T* gx) const {
    OverlapRow<T> row{};
    row.n = s_.w * s_.c;
    row.runs = s_.ow, row.run = run_, row.apart = s_.stride_w * s_.c, row.start = -s_.pad_left * s_.c;
    row.pitch = pitch_;
    row.x = runs + gap_;
    row.y = gx;
    k_.overlap_row(row);
  }

  const ConvShape& s_;
  const KernelTable<T>& k_;
  const i64 run_, gap_, pitch_;
  i64 panel_row_;
  const T* panels_;
};

}  // namespace

template <class T>
void scatter_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx) {
  const Scatter<T> scatter(s, weight);
  const i64 taps = s.kh * s.kw * s.c;
  parallel_for(s.n, s.oh * s.ow * (taps * s.oc / 32 + taps), [&](i64 begin, i64 end) {
    T* runs = scatter.runs();
    for (i64 n = begin; n < end; n += scatter.together()) {
      const i64 count = std::min(scatter.together(), end - n);
      scatter.images(count, g + n * s.oh * s.ow * s.oc, runs, gx + n * s.h * s.w * s.c);
    }
  });
}

template void scatter_backward_data<float>(const ConvShape&, const float*, const float*, float*);
template void scatter_backward_data<double>(const ConvShape&, const double*, const double*, double*);

}  // namespace nnf
