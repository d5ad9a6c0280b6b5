// Correlations whose taps are no runs of memory: with groups or dilated columns. Images are copied into a frame of
// zeros; every tap is a segment. Output pixels are rows of the GEMM: tiles take them in linear order, over the ends of
// image rows and (for small images) over images, since the microkernel finds every row by pointer. The work is cut into
// tasks by shape alone, and a pixel's sum does not depend on its tile, so neither on the cut.
#include "kernels/conv/correlate_framed.h"

#include <algorithm>
#include <cstring>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// Multiply-adds a task should hold: some 20 microseconds, enough to hide handing it out.
constexpr i64 kTaskWork = i64{1} << 20;
// Elements of padded images a task keeps: a quarter megabyte as float, inside a second-level cache.
constexpr i64 kFrameElements = i64{1} << 16;
// Depth of a panel used at once: 512 rows of at most 64 floats are 128 KB, which stay in the second-level cache while a
// block of pixels passes.
constexpr i64 kDepth = 512;
// Microkernel tiles a block of pixels holds: the pass over a panel pays for fetching it, and a block's outputs are
// still in the first-level cache when the epilogue comes.
constexpr i64 kTilesPerBlock = 8;

template <class T>
void copy_elements(i64 count, const T* x, T* y) {
  if (count > 0) std::memcpy(y, x, static_cast<std::size_t>(count) * sizeof(T));
}
// What every task reads.
template <class T>
struct Shared {
  Correlation s;
  const KernelTable<T>* k;
  const T* x;
  T* y;
  Epilogue<T> epilogue;
  i64 cg, ocg;          // channels of a group
  bool in_place;        // x needs no frame
  i64 pitch;            // elements between rows of the image that taps are read from
  i64 segments, depth;  // of the batch-reduce GEMM
  const i64* a_seg;     // (groups, segments)
  const T* b;           // panel (q, j) at b + q * b_group + j * b_panel
  i64 ldb, b_seg, b_group, b_panel;
};

// C (count, ocg) for all panels of group q; rows: one pointer a pixel.
template <class T>
void multiply_group(const Shared<T>& sh, i64 q, i64 count, const T* const* rows, T* c) {
  const i64 nr = sh.k->gemm.nr, mr = sh.k->gemm.mr;
  // Whole segments while they are short, parts of one when it is long.
  const i64 per_pass = sh.depth >= kDepth ? 1 : std::max<i64>(1, kDepth / sh.depth);
  const i64 passes = ceil_div(sh.segments, per_pass);
  const i64 parts = sh.depth > kDepth ? ceil_div(sh.depth, kDepth) : 1;
  const i64 part = ceil_div(sh.depth, parts);
  const i64 tiles = ceil_div(count, mr);
  for (i64 j = 0; j * nr < sh.ocg; ++j) {
    const T* panel = sh.b + q * sh.b_group + j * sh.b_panel;
    GemmTile<T> tile{};
    tile.n = std::min(nr, sh.ocg - j * nr);
    tile.a_cs = 1;
    tile.ldb = sh.ldb;
    tile.b_seg = sh.b_seg;
    tile.step = nr;
    tile.ldc = sh.s.oc;
    for (i64 pass = 0; pass < passes; ++pass) {
      const i64 first = pass * per_pass;
      tile.segments = std::min(per_pass, sh.segments - first);
      for (i64 p = 0; p < sh.depth; p += part) {
        tile.k = std::min(part, sh.depth - p);
        tile.b = panel + first * sh.b_seg + p * sh.ldb;
        const i64* offsets = sh.a_seg + q * sh.segments + first;
        const i64 shifted = *offsets + p;
        tile.a_seg = p == 0 ? offsets : &shifted;
        tile.accumulate = first > 0 || p > 0;
        if (first + tile.segments == sh.segments && p + tile.k == sh.depth) {  // the sum is complete
          tile.bias = sh.epilogue.bias ? sh.epilogue.bias + q * sh.ocg + j * nr : nullptr;
          tile.relu = sh.epilogue.act == NNF_ACT_RELU;
        }
        for (i64 t = 0; t < tiles; ++t) {  // of nearly equal heights
          const i64 i0 = count * t / tiles, i1 = count * (t + 1) / tiles;
          tile.m = i1 - i0;
          set_rows(&tile, rows + i0);
          tile.c = c + i0 * sh.s.oc + j * nr;
          sh.k->gemm_micro(tile);
        }
      }
    }
  }
}

// Pixels p0..p1-1 of each of the images n0..n1-1.
template <class T>
void run_task(const Shared<T>& sh, i64 n0, i64 n1, i64 p0, i64 p1) {
  const Correlation& s = sh.s;
  const i64 r0 = p0 / s.ow, r1 = (p1 - 1) / s.ow;
  const i64 band0 = r0 * s.stride_h, band = (r1 - r0) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;
  const i64 x_image = s.h * s.w * s.c;
  const T* base;
  i64 image_pitch;
  if (sh.in_place) {
    base = sh.x + n0 * x_image + band0 * sh.pitch;
    image_pitch = x_image;
  } else {
    image_pitch = band * sh.pitch;
    T* framed = thread_scratch<T>(Scratch::conv_image, (n1 - n0) * image_pitch);
    for (i64 i = n0; i < n1; ++i) {
      copy_frame(s.frame, s.h, s.w, s.c, band0, band, sh.x + i * x_image, framed + (i - n0) * image_pitch);
    }
    base = framed;
  }

  const i64 mr = sh.k->gemm.mr, block = kTilesPerBlock * mr;
  const bool dense = s.y_col == s.oc && s.y_row == s.ow * s.oc && (n1 - n0 == 1 || s.y_image == s.oh * s.y_row);
  const T** rows = thread_scratch<const T*>(Scratch::gemm_rows, block);
  T* apart = dense ? nullptr : thread_scratch<T>(Scratch::conv_cols, block * s.oc);

  const i64 total = (n1 - n0) * (p1 - p0);
  i64 image = 0, row = r0, col = p0 - r0 * s.ow;
  for (i64 done = 0; done < total; done += block) {
    const i64 count = std::min(block, total - done);
    const i64 image_first = image, row_first = row, col_first = col;
    const auto next_pixel = [&](i64& im, i64& r, i64& cl) {
      if (++cl < s.ow) return;
      cl = 0;
      if (++r < s.oh) return;
      r = r0;  // only tasks of whole images come here and go on, and theirs is row 0
      ++im;
    };
    for (i64 i = 0; i < count;) {  // image row by image row
      const T* from = base + image * image_pitch + (row - r0) * s.stride_h * sh.pitch + col * s.stride_w * s.c;
      const i64 run = std::min(count - i, s.ow - col);
      for (i64 j = 0; j < run; ++j) rows[i + j] = from + j * s.stride_w * s.c;
      i += run;
      col += run - 1;
      next_pixel(image, row, col);
    }
    T* c = dense ? sh.y + n0 * s.y_image + (p0 + done) * s.oc : apart;
    for (i64 q = 0; q < s.groups; ++q) multiply_group(sh, q, count, rows, c + q * sh.ocg);
    const Epilogue<T>& e = sh.epilogue;
    if (e.act != NNF_ACT_IDENTITY && e.act != NNF_ACT_RELU) {
      sh.k->activation[e.act].forward(count * s.oc, c, c, e.alpha);
    }
    if (!dense) {
      i64 im = image_first, r = row_first, cl = col_first;
      for (i64 i = 0; i < count; ++i, next_pixel(im, r, cl)) {
        copy_elements(s.oc, c + i * s.oc, sh.y + (n0 + im) * s.y_image + r * s.y_row + cl * s.y_col);
      }
    }
  }
}

// Makes b, its strides and a_seg, in scratch of the calling thread, which all tasks read.
template <class T>
void prepare(Shared<T>& sh, const WeightView<T>& w) {
  const Correlation& s = sh.s;
  const i64 nr = sh.k->gemm.nr;
  sh.segments = s.kh * s.kw;
  sh.depth = sh.cg;

  // In place, when the weights lie as the segments read them and a row of them is a panel.
  const bool as_read = w.out == 1 && w.row == s.kw * w.col;
  const bool packed = !as_read || sh.ocg > nr;
  const i64 depth_total = sh.segments * sh.depth, panels = ceil_div(sh.ocg, nr), panel = depth_total * nr;
  const i64 seg_bytes = round_up(s.groups * sh.segments * static_cast<i64>(sizeof(i64)), kAlignment);
  const i64 b_bytes = packed ? s.groups * panels * panel * static_cast<i64>(sizeof(T)) : 0;
  char* scratch = thread_scratch<char>(Scratch::gemm_b, seg_bytes + b_bytes);

  i64* a_seg = reinterpret_cast<i64*>(scratch);
  for (i64 q = 0; q < s.groups; ++q) {
    for (i64 i = 0; i < sh.segments; ++i) {
      const i64 a = i / s.kw, b = i % s.kw;
      a_seg[q * sh.segments + i] = q * sh.cg + a * s.dilation_h * sh.pitch + b * s.dilation_w * s.c;
    }
  }
  sh.a_seg = a_seg;

  if (!packed) {
    sh.b = w.p;
    sh.ldb = w.in;
    sh.b_seg = w.col;
    sh.b_group = w.group;
    sh.b_panel = nr;
    return;
  }
  T* b = reinterpret_cast<T*>(scratch + seg_bytes);
  for (i64 q = 0; q < s.groups; ++q) {
    for (i64 j = 0; j < panels; ++j) {
      T* to = b + (q * panels + j) * panel;
      for (i64 tap = 0; tap < s.kh * s.kw; ++tap, to += sh.cg * nr) {
        const T* from = w.p + q * w.group + tap / s.kw * w.row + tap % s.kw * w.col + j * nr * w.out;
        sh.k->gemm_pack_b(sh.cg, std::min(nr, sh.ocg - j * nr), from, w.in, w.out, to);
      }
    }
  }
  sh.b = b;
  sh.ldb = nr;
  sh.b_seg = sh.depth * nr;
  sh.b_group = panels * panel;
  sh.b_panel = panel;
}

}  // namespace

template <class T>
void correlate_framed(const Correlation& s, const T* x, const WeightView<T>& weight, const Epilogue<T>& epilogue,
                      T* y) {
  const i64 pixels = s.oh * s.ow;
  if (s.n <= 0 || pixels <= 0) return;
  Shared<T> sh{};
  sh.s = s;
  sh.k = &kernels<T>();
  sh.x = x;
  sh.y = y;
  sh.epilogue = epilogue;
  sh.cg = s.c / s.groups;
  sh.ocg = s.oc / s.groups;
  sh.in_place = frame_inside(s.frame, s.h, s.w);
  sh.pitch = (sh.in_place ? s.w : s.frame.cols) * s.c;
  prepare(sh, weight);

  const i64 work = s.kh * s.kw * sh.cg * s.oc;  // multiply-adds a pixel
  const i64 mr = sh.k->gemm.mr;
  const i64 wanted = std::max(4 * mr, kTaskWork / work);
  i64 images = 1, cut = pixels;  // a task: so many images, so many pixels of each
  if (pixels > wanted + wanted / 2) {
    cut = std::min(pixels, round_up(ceil_div(pixels, ceil_div(pixels, wanted)), mr));
  } else {
    images = std::max<i64>(1, wanted / pixels);
    if (!sh.in_place) images = std::min(images, std::max<i64>(1, kFrameElements / (s.frame.rows * sh.pitch)));
  }
  const i64 cuts = ceil_div(pixels, cut);
  const i64 cost = images * cut * (work / 32 + 1);  // parallel_for's unit: a vector operation of some 32 flops
  parallel_for(ceil_div(s.n, images) * cuts, cost, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 n0 = t / cuts * images, p0 = t % cuts * cut;
      run_task(sh, n0, std::min(s.n, n0 + images), p0, std::min(pixels, p0 + cut));
    }
  });
}

#define NNF_INSTANTIATE(T)                                                                                       \
  template void correlate_framed<T>(const Correlation&, const T*, const WeightView<T>&, const Epilogue<T>&, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
