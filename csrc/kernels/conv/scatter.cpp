// See scatter.h. A task is whole images, so that no two tasks add to one pixel; patches are made for a few output rows
// at a time and stay in cache. The order of the additions follows from the shape alone.
#include "kernels/conv/scatter.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// Elements of patches made at once: 64 KB as float, beside g in the second-level cache.
constexpr i64 kPatchElements = i64{1} << 14;
// From so many channels a call of the vector addition pays.
constexpr i64 kVectorChannels = 16;

// cols (count, taps) = g (count, oc) B, B packed in panels of depth oc.
template <class T>
void make_patches(const KernelTable<T>& k, i64 count, i64 taps, i64 oc, const T* g, const T* panels, T* cols) {
  const i64 mr = k.gemm.mr, nr = k.gemm.nr;
  const i64 tiles = ceil_div(count, mr);
  GemmTile<T> tile{};
  tile.k = oc;
  tile.segments = 1;
  tile.a_rs = oc;
  tile.a_cs = 1;
  tile.ldb = nr;
  tile.n = taps;
  tile.step = nr;
  tile.b = panels;
  tile.b_panel = nr * oc;
  tile.ldc = taps;
  for (i64 t = 0; t < tiles; ++t) {
    const i64 i0 = count * t / tiles, i1 = count * (t + 1) / tiles;
    tile.a = g + i0 * oc;
    tile.m = i1 - i0;
    tile.c = cols + i0 * taps;
    k.gemm_micro(tile);
  }
}

// Adds the patches of output row r to its image. Tap by tap, so that neighbouring pixels' overlapping patches do not
// wait for each other's stores.
template <class T>
void add_row_by_taps(const KernelTable<T>& k, const ConvShape& s, i64 r, const T* cols, T* gx) {
  const i64 taps = s.kh * s.kw * s.c, step = s.stride_w * s.c;
  for (i64 a = 0; a < s.kh; ++a) {
    const i64 i = r * s.stride_h + a * s.dilation_h - s.pad_top;
    if (i < 0 || i >= s.h) continue;
    for (i64 b = 0; b < s.kw; ++b) {
      const i64 start = b * s.dilation_w - s.pad_left;  // where the tap lies for output column 0
      const i64 j0 = start < 0 ? ceil_div(-start, s.stride_w) : 0;
      const i64 j1 = start < s.w ? std::min(s.ow, ceil_div(s.w - start, s.stride_w)) : 0;
      const T* from = cols + j0 * taps + (a * s.kw + b) * s.c;
      T* to = gx + (i * s.w + start + j0 * s.stride_w) * s.c;
      for (i64 j = j0; j < j1; ++j, from += taps, to += step) {
        if (s.c >= kVectorChannels) {
          k.add_into(s.c, from, to);
        } else {
          for (i64 ch = 0; ch < s.c; ++ch) to[ch] += from[ch];
        }
      }
    }
  }
}

// The same where the channels are few and a kernel row's taps lie side by side in the image: runs of kw * c elements.
// Pixels whose runs do not overlap go together, so that no load waits for the store just before it; and the kernel's
// rows pass between one such set and the next. (6 channels, 5x5: a fifth of the time tap by tap.)
template <class T>
void add_row_by_runs(const KernelTable<T>& k, const ConvShape& s, i64 r, const T* cols, T* gx) {
  const i64 taps = s.kh * s.kw * s.c, sets = ceil_div(s.kw, s.stride_w);
  const i64 whole0 = std::min(s.ow, ceil_div(s.pad_left, s.stride_w));  // output columns whose runs lie in the image:
  const i64 room = s.w + s.pad_left - s.kw;
  const i64 whole1 = std::max(whole0, room < 0 ? 0 : std::min(s.ow, room / s.stride_w + 1));  // whole0..whole1-1
  for (i64 set = 0; set < sets; ++set) {
    for (i64 a = 0; a < s.kh; ++a) {
      const i64 i = r * s.stride_h + a * s.dilation_h - s.pad_top;
      if (i < 0 || i >= s.h) continue;
      const T* from = cols + a * s.kw * s.c;
      T* to = gx + i * s.w * s.c;
      const auto clipped = [&](i64 j) {
        const i64 start = j * s.stride_w - s.pad_left, b0 = std::max<i64>(0, -start), b1 = std::min(s.kw, s.w - start);
        if (b0 < b1) k.add_into((b1 - b0) * s.c, from + j * taps + b0 * s.c, to + (start + b0) * s.c);
      };
      i64 j = set;
      for (; j < whole0; j += sets) clipped(j);
      if (j < whole1) {
        const i64 runs = ceil_div(whole1 - j, sets);
        k.add_runs(runs, s.kw * s.c, from + j * taps, sets * taps, to + (j * s.stride_w - s.pad_left) * s.c,
                   sets * s.stride_w * s.c);
        j += runs * sets;
      }
      for (; j < s.ow; j += sets) clipped(j);
    }
  }
}

}  // namespace

template <class T>
void scatter_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx) {
  const KernelTable<T>& k = kernels<T>();
  const i64 nr = k.gemm.nr, taps = s.kh * s.kw * s.c;
  T* panels = thread_scratch<T>(Scratch::gemm_b, round_up(taps, nr) * s.oc);
  for (i64 j = 0; j < taps; j += nr) {
    k.gemm_pack_b(s.oc, std::min(nr, taps - j), weight + j * s.oc, 1, s.oc, panels + j * s.oc);
  }
  const auto add_row = s.c < kVectorChannels && s.dilation_w == 1 ? add_row_by_runs<T> : add_row_by_taps<T>;
  const i64 together = std::clamp<i64>(kPatchElements / (s.ow * taps), 1, s.oh);  // output rows
  const i64 cost = s.oh * s.ow * (taps * s.oc / 32 + taps);
  parallel_for(s.n, cost, [&](i64 begin, i64 end) {
    T* cols = thread_scratch<T>(Scratch::conv_cols, together * s.ow * taps);
    for (i64 n = begin; n < end; ++n) {
      T* image = gx + n * s.h * s.w * s.c;
      std::fill_n(image, s.h * s.w * s.c, T{0});
      for (i64 r0 = 0; r0 < s.oh; r0 += together) {
        const i64 r1 = std::min(s.oh, r0 + together);
        make_patches(k, (r1 - r0) * s.ow, taps, s.oc, g + (n * s.oh + r0) * s.ow * s.oc, panels, cols);
        for (i64 r = r0; r < r1; ++r) add_row(k, s, r, cols + (r - r0) * s.ow * taps, image);
      }
    }
  });
}

template void scatter_backward_data<float>(const ConvShape&, const float*, const float*, float*);
template void scatter_backward_data<double>(const ConvShape&, const double*, const double*, double*);

}  // namespace nnf
