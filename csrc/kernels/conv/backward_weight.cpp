// The gradient of a convolution's weight: gweight (taps, oc) = sum over output pixels of patch^T g, as a batch-reduce
// GEMM whose rows are taps (a, b, channel) and whose depth runs over output pixels: A is read from the (padded) images
// by pointers, column step stride_w * c, B is g in place, a segment is an output row of an image.
//
// The batch is cut into groups and the taps into blocks, by shape alone. A group sums into a buffer of its own; the
// groups are then added in order, so the bits do not depend on the number of threads.
#include <algorithm>

#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/frame.h"
#include "kernels/conv/group_sums.h"
#include "kernels/conv/grouped.h"
#include "kernels/conv/planar.h"
#include "kernels/conv/tap_sums.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/elementwise.h"

namespace nnf {
namespace {

// Multiply-adds a task should hold at least, and how many tasks there should be at most: enough to keep 16 threads busy
// to within a few percent.
constexpr i64 kTaskWork = i64{1} << 21;
constexpr i64 kMaxTasks = 64;
// Groups' buffers: at most this many elements together, and no more groups than make sense to add up.
constexpr i64 kGroupElements = i64{1} << 21;
constexpr i64 kMaxGroups = 16;
// Output pixels summed in one pass over the taps: g's part of the pass is 512 rows of a panel, at most 128 KB as float,
// which stays in the second-level cache while the taps pass. 128 gains 20 % where g is wide and many taps pass (5x5, 40
// channels: 109 against 91 GFLOPS) and loses as much where these are few; 256 and 1024 are no better than 512.
constexpr i64 kDepth = 512;
// Elements of padded images kept at once: half a megabyte as float.
constexpr i64 kFrameElements = i64{1} << 17;

struct Plan {
  Frame frame;
  bool in_place;
  i64 pitch;            // elements between image rows
  i64 cg, ocg, taps;    // of a group of channels; taps = kh * kw * cg
  i64 run;              // taps that follow each other in an image, where tiles are to end with them; 0: anywhere
  i64 segments, depth;  // of an image
  i64 seg_step;         // elements between segments in the image
  i64 batch_groups, group_images;
  i64 tap_blocks, block_taps;
  i64 together;         // images of one pass
};

Plan make_plan(const ConvShape& s, i64 mr) {
  Plan p{};
  p.frame = {s.pad_top, s.pad_left, (s.oh - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1,
             (s.ow - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1};
  p.in_place = frame_inside(p.frame, s.h, s.w);
  p.pitch = (p.in_place ? s.w : p.frame.cols) * s.c;
  p.cg = s.c / s.groups, p.ocg = s.oc / s.groups, p.taps = s.kh * s.kw * p.cg;
  p.run = s.groups == 1 && s.dilation_w == 1 ? s.kw * p.cg : p.cg;
  if (p.run < 2 * mr) p.run = 0;  // too short for tiles of many rows
  // Output rows whose taps follow each other without a gap are one long segment.
  const bool merged = s.stride_h == 1 && p.pitch == s.ow * s.stride_w * s.c;
  p.segments = merged ? 1 : s.oh;
  p.depth = merged ? s.oh * s.ow : s.ow;
  p.seg_step = s.stride_h * p.pitch;

  const i64 size = p.taps * s.oc;
  const i64 work = s.n * s.oh * s.ow * size;
  const i64 most = std::clamp<i64>(kGroupElements / size, 1, std::min(s.n, kMaxGroups));
  const i64 groups = even_groups(work / kTaskWork, most);
  p.group_images = ceil_div(s.n, groups);
  p.batch_groups = ceil_div(s.n, p.group_images);
  // A block keeps at least 96 taps, so that the padding of images that every block repeats stays small.
  const i64 tasks = std::min(kMaxTasks, work / kTaskWork);
  const i64 blocks = std::clamp<i64>(tasks / p.batch_groups, 1, std::max<i64>(1, s.groups * p.taps / 96));
  p.block_taps = round_up(ceil_div(p.taps * s.groups, blocks), mr);
  p.block_taps = s.groups == 1 ? p.block_taps : round_up(p.block_taps, p.taps);  // whole groups of channels
  p.tap_blocks = ceil_div(p.taps * s.groups, p.block_taps);
  const i64 frame_elements = p.in_place ? 1 : p.frame.rows * p.pitch;
  p.together = std::clamp<i64>(std::min(kDepth / (s.oh * s.ow), kFrameElements / frame_elements), 1, p.group_images);
  return p;
}

// Taps t0..t1-1 (counted over groups of channels) of the images n0..n1-1, added to out (taps, oc) or, where `fresh`,
// written to it. `a_seg`: of `together` images.
template <class T>
void sum_taps(const ConvShape& s, const Plan& p, i64 n0, i64 n1, i64 t0, i64 t1, const i64* a_seg, const T* g,
              const T* x, T* out, bool fresh) {
  const KernelTable<T>& k = kernels<T>();
  const i64 mr = k.gemm.mr, nr = k.gemm.nr;
  const i64 x_image = s.h * s.w * s.c, pixels = s.oh * s.ow, frame_elements = p.frame.rows * p.pitch;
  const T** rows = thread_scratch<const T*>(Scratch::gemm_rows, mr);
  T* framed = p.in_place ? nullptr : thread_scratch<T>(Scratch::conv_image, p.together * frame_elements);

  for (i64 n = n0; n < n1; n += p.together) {
    const i64 images = std::min(p.together, n1 - n);
    const T* base = x + n * x_image;
    if (!p.in_place) {
      for (i64 i = 0; i < images; ++i) {
        copy_frame(p.frame, s.h, s.w, s.c, 0, p.frame.rows, base + i * x_image, framed + i * frame_elements);
      }
      base = framed;
    }
    const i64 all = images * p.segments, per_pass = std::max<i64>(1, kDepth / p.depth);
    const i64 part = ceil_div(p.depth, ceil_div(p.depth, 2 * kDepth));
    for (i64 first = 0; first < all; first += per_pass) {
      for (i64 d = 0; d < p.depth; d += part) {  // one pass, unless segments are longer than a pass
        GemmTile<T> tile{};
        tile.segments = std::min(per_pass, all - first);
        tile.a_seg = a_seg + first;
        tile.k = std::min(part, p.depth - d);
        tile.a_cs = s.stride_w * s.c;
        tile.ldb = s.oc;
        tile.b_seg = p.depth * s.oc;
        tile.step = nr;
        tile.ldc = s.oc;
        tile.accumulate = !fresh || n > n0 || first > 0 || d > 0;
        for (i64 q = t0 / p.taps; q * p.taps < t1; ++q) {
          const i64 begin = std::max<i64>(t0 - q * p.taps, 0), end = std::min(p.taps, t1 - q * p.taps);
          for (i64 j = 0; j < p.ocg; j += nr) {
            tile.n = std::min(nr, p.ocg - j);
            tile.b = g + (n * pixels + first * p.depth + d) * s.oc + q * p.ocg + j;
            for (i64 i0 = begin, i1; i0 < end; i0 = i1) {
              const i64 limit = p.run > 0 ? std::min(end, round_up(i0 + 1, p.run)) : end;
              i1 = i0 + ceil_div(limit - i0, ceil_div(limit - i0, mr));
              for (i64 i = i0; i < i1; ++i) {
                const i64 tap = i / p.cg, ch = i % p.cg;
                rows[i - i0] = base + tap / s.kw * s.dilation_h * p.pitch + tap % s.kw * s.dilation_w * s.c +
                               q * p.cg + ch + d * tile.a_cs;
              }
              tile.m = i1 - i0;
              set_rows(&tile, rows);
              tile.c = out + i0 * s.oc + q * p.ocg + j;
              k.gemm_micro(tile);
            }
          }
        }
      }
    }
  }
}

}  // namespace

// The sums of a few columns would each wait for the one row before: so many pixels are made one row that there are
// columns enough (32768 x 16, AVX-512: 28 us, so 21; 25088 x 6: 15, 4), and its sums added at the end.
template <class T>
void conv2d_backward_bias(const ConvShape& s, const T* g, T* gbias, bool accumulate) {
  constexpr i64 kColumns = 128;
  const i64 rows = s.n * s.oh * s.ow, together = std::clamp<i64>(kColumns / s.oc, 1, std::max<i64>(1, rows));
  if (together == 1) return column_sum(rows, s.oc, g, gbias, accumulate);
  T* wide = thread_scratch<T>(Scratch::gemm_b, together * s.oc);
  const i64 whole = rows / together, rest = rows % together;
  column_sum(whole, together * s.oc, g, wide, false);
  column_sum(together, s.oc, wide, gbias, accumulate);
  if (rest > 0) column_sum(rest, s.oc, g + whole * together * s.oc, gbias, true);
}

template <class T>
bool backward_weight_writes_oihw(const ConvShape& s) {
  return !is_depthwise(s) && !planar_backward_pays<T>(s, {false, false}) && tap_sums_can_reorder<T>(s);
}

template <class T>
void conv2d_backward_weight(const ConvShape& s, const T* g, const T* x, T* gweight, T* gbias, bool accumulate,
                            WeightOrder order) {
  NNF_ASSERT(order == WeightOrder::hwio || (!accumulate && backward_weight_writes_oihw<T>(s)));
  if (gbias != nullptr) conv2d_backward_bias(s, g, gbias, accumulate);
  const i64 size = s.weight_elements();
  if (s.n == 0) {
    if (!accumulate) std::fill_n(gweight, size, T{0});
    return;
  }
  if (is_depthwise(s)) return depthwise_backward_weight(s, g, x, gweight, accumulate);
  if (planar_backward_pays<T>(s, {false, false})) {
    return planar_backward_weight(s, {false, false}, g, x, gweight, accumulate);
  }
  if (order == WeightOrder::oihw) return tap_sums_reordered(s, g, x, gweight);
  if (tap_sums_pay<T>(s)) return tap_sums(s, g, x, gweight, accumulate);
  const KernelTable<T>& k = kernels<T>();
  const Plan p = make_plan(s, k.gemm.mr);

  // In the caller's scratch, which all tasks use: segments' offsets, then a buffer a group (none when one is enough).
  const bool direct = p.batch_groups == 1;
  const i64 offsets = p.together * p.segments;
  const i64 offset_bytes = round_up(offsets * static_cast<i64>(sizeof(i64)), kAlignment);
  const i64 buffer_bytes = direct ? 0 : p.batch_groups * size * static_cast<i64>(sizeof(T));
  char* scratch = thread_scratch<char>(Scratch::gemm_b, offset_bytes + buffer_bytes);
  i64* a_seg = reinterpret_cast<i64*>(scratch);
  const i64 image_step = p.in_place ? s.h * s.w * s.c : p.frame.rows * p.pitch;
  for (i64 i = 0; i < offsets; ++i) a_seg[i] = i / p.segments * image_step + i % p.segments * p.seg_step;
  T* buffers = direct ? gweight : reinterpret_cast<T*>(scratch + offset_bytes);

  const bool grouped = is_grouped_small<T>(s);
  const i64 blocks = grouped ? 1 : p.tap_blocks;
  const i64 cost = p.group_images * s.oh * s.ow * (p.block_taps * p.ocg / 32 + 1);
  parallel_for(p.batch_groups * blocks, cost, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 group = t / blocks, block = t % blocks;
      const i64 n0 = group * p.group_images, n1 = std::min(s.n, n0 + p.group_images);
      T* out = buffers + group * (direct ? 0 : size);
      const bool fresh = !(direct && accumulate);
      if (grouped) {
        if (fresh) std::fill_n(out, size, T{0});
        grouped_backward_weight(s, n0, n1, g, x, out);
      } else {
        const i64 t0 = block * p.block_taps, t1 = std::min(p.taps * s.groups, t0 + p.block_taps);
        sum_taps(s, p, n0, n1, t0, t1, a_seg, g, x, out, fresh);
      }
    }
  });
  if (!direct) add_groups(p.batch_groups, size, buffers, gweight, accumulate);
}

#define NNF_INSTANTIATE(T)                                                                                       \
  template void conv2d_backward_bias<T>(const ConvShape&, const T*, T*, bool);                                   \
  template bool backward_weight_writes_oihw<T>(const ConvShape&);                                                \
  template void conv2d_backward_weight<T>(const ConvShape&, const T*, const T*, T*, T*, bool, WeightOrder);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
