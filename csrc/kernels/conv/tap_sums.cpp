// See tap_sums.h. For each tap (a, b) a product of its own, gweight(a, b) (channels, oc) = sum over output pixels of
// x(pixel + tap)^T g(pixel), over those pixels alone whose tap lies inside the image: x is read in place and padding
// costs nothing. The microkernel's depth runs along an output row, its segments are the rows of several images.
//
// Against patches of images copied into a frame of zeros (backward_weight.cpp, still the way for few channels), one
// thread, AVX-512 with a peak of 245, GFLOPS counted with the taps on the padding: 64x32x14x14 -> 64 3x3 198, 231;
// 32x64x8x8 -> 64 191, 242; 1x128x28x28 -> 128 191, 227; 1x512x7x7 -> 512 158, 250; 8x48x14x14 -> 48 7x7 194, 264.
//
// The work is cut by shape alone: by panels of output channels first, which share no output, then by groups of images,
// each with a buffer of its own that are added in order, then by taps, then by channels. So the bits do not depend on
// threads.
#include "kernels/conv/tap_sums.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/conv/gather.h"
#include "kernels/conv/group_sums.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// Multiply-adds a task should hold at least, and how many tasks there should be at most.
constexpr i64 kTaskWork = i64{1} << 21;
constexpr i64 kMostTasks = 16;
constexpr i64 kBufferElements = i64{1} << 21;  // of all groups' sums together
// Output pixels of one pass over the taps: their panel of g is at most 256 KB of floats, which stay in the second-level
// cache while the taps pass.
constexpr i64 kPassPixels = 1024;
// A group's channels of x are copied together, of images of at most so many elements, where they are a cache line or
// less: apart, a line every few, they share few sets of the first-level cache, and every tap reads them. (8x128x28x28
// 3x3, AVX-512, microseconds in place, copied: 8 groups 1720, 1550; but 4 groups 2250, 2230, with stride 2 575, 630.)
constexpr i64 kGatheredElements = i64{1} << 17;
// Sums reordered at a time: so many columns, whose lines, often a power of two apart, stay in the first-level cache, of
// so many channels, which stay in the second.
constexpr i64 kReorderColumns = 16, kReorderChannels = 128;

// Output positions first..last-1 along an axis meet the tap inside the image.
struct Range {
  i64 first, last;
  i64 count() const { return last - first; }
};

Range tap_range(i64 tap, i64 size, i64 out, i64 stride, i64 dilation, i64 before) {
  const i64 start = tap * dilation - before;  // where output 0 meets it
  const i64 first = start >= 0 ? 0 : ceil_div(-start, stride);
  const i64 last = start >= size ? 0 : std::min(out, (size - 1 - start) / stride + 1);
  return {std::min(first, last), last};
}

struct Plan {
  i64 cg, ocg, taps;       // of a group of channels
  i64 panels;              // of all groups
  i64 column_tasks, image_groups, group_images, tap_tasks, channel_tasks;
  i64 tasks() const { return column_tasks * image_groups * tap_tasks * channel_tasks; }
  i64 together, band;      // images of a pass, output rows of each: all, if it is of several images
};

Plan make_plan(const ConvShape& s, const GemmGeometry& gemm) {
  const i64 nr = gemm.nr;
  Plan p{};
  p.cg = s.c / s.groups, p.ocg = s.oc / s.groups, p.taps = s.kh * s.kw;
  p.panels = s.groups * ceil_div(p.ocg, nr);
  const i64 size = p.taps * p.cg * s.oc, pixels = s.oh * s.ow;
  const i64 wanted = std::clamp<i64>(s.n * pixels * size / kTaskWork, 1, kMostTasks);
  p.column_tasks = std::min(p.panels, wanted);
  const i64 groups = std::clamp<i64>(std::min(ceil_div(wanted, p.column_tasks), kBufferElements / size), 1, s.n);
  p.group_images = ceil_div(s.n, groups);
  p.image_groups = ceil_div(s.n, p.group_images);
  p.tap_tasks = std::min(p.taps, ceil_div(wanted, p.column_tasks * p.image_groups));
  p.channel_tasks = std::clamp<i64>(ceil_div(wanted, p.column_tasks * p.image_groups * p.tap_tasks), 1,
                                    std::max<i64>(1, p.cg / (2 * gemm.mr)));
  p.together = std::clamp<i64>(kPassPixels / pixels, 1, p.group_images);
  p.band = p.together > 1 ? s.oh : ceil_div(s.oh, ceil_div(pixels, kPassPixels));
  return p;
}

// One panel's columns of the sums over images n0..n1-1, for taps t0..t1-1 and channels c0..c1-1: added to out
// (taps, cg, ld), or written.
template <class T>
class PanelSums {
 public:
  PanelSums(const ConvShape& s, const Plan& p, i64 panel)
      : s_(s), p_(p), k_(kernels<T>()), mr_(k_.gemm.mr), nr_(k_.gemm.nr) {
    const i64 per_group = ceil_div(p.ocg, nr_), q = panel / per_group, j = panel % per_group * nr_;
    channel_ = q * p.cg;
    column_ = q * p.ocg + j;
    n_ = std::min(nr_, p.ocg - j);
    offsets_ = thread_scratch<i64>(Scratch::gemm_rows, 2 * p.together * s.oh);
    // A panel out of many is copied: its rows lie far apart, often a power of two, and are read once a tile.
    const i64 g_size = p.panels > 1 ? p.together * p.band * s.ow * nr_ : 0, x_size = p.together * s.h * s.w * p.cg;
    const bool gathers = s.groups > 1 && p.taps > 1 && s.stride_h == 1 && s.stride_w == 1 &&
                         x_size <= kGatheredElements && p.cg <= static_cast<i64>(kAlignment / sizeof(T));
    T* scratch = g_size > 0 ? thread_scratch<T>(Scratch::conv_image, g_size + (gathers ? x_size : 0)) : nullptr;
    packed_ = scratch;
    gathered_ = gathers ? scratch + g_size : nullptr;
    pixel_ = gathers ? p.cg : s.c;
  }

  i64 column() const { return column_; }  // the first, of all oc
  i64 columns() const { return n_; }

  struct Part {
    i64 n0, n1, t0, t1, c0, c1;
  };
  void sum(const Part& part, const T* g, const T* x, T* out, i64 ld, bool fresh) {
    ldc_ = ld;
    for (i64 n = part.n0; n < part.n1; n += p_.together) {
      const i64 pixels = s_.h * s_.w;
      const T* images = x + n * pixels * s_.c + channel_;
      if (gathered_) {
        gather_runs(std::min(p_.together, part.n1 - n) * pixels, p_.cg, images, s_.c, gathered_);
        images = gathered_;
      }
      for (i64 r = 0; r < s_.oh; r += p_.band) {
        const Pass pass{std::min(p_.together, part.n1 - n), r, std::min(s_.oh, r + p_.band), part.c0, part.c1};
        const T* rows = g + (n * s_.oh + r) * s_.ow * s_.oc + column_;
        if (packed_) k_.gemm_pack_b(pass.images * (pass.r1 - r) * s_.ow, n_, rows, s_.oc, 1, packed_);
        for (i64 t = part.t0; t < part.t1; ++t) {
          one_tap(pass, t, packed_ ? packed_ : rows, packed_ ? nr_ : s_.oc, images,
                  out + t * p_.cg * ld, fresh && n == part.n0 && r == 0);
        }
      }
    }
  }

 private:
  struct Pass {
    i64 images, r0, r1, c0, c1;  // output rows r0..r1-1, channels c0..c1-1
  };

  // g and x: of the pass's first image, g from row r0 on, x from the panel's channels on.
  void one_tap(const Pass& pass, i64 tap, const T* g, i64 ldg, const T* x, T* out, bool fresh) {
    const i64 a = tap / s_.kw, b = tap % s_.kw, band = pass.r1 - pass.r0;
    Range rows = tap_range(a, s_.h, s_.oh, s_.stride_h, s_.dilation_h, s_.pad_top);
    rows = {std::max(rows.first, pass.r0), std::max(std::max(rows.first, pass.r0), std::min(rows.last, pass.r1))};
    const Range cols = tap_range(b, s_.w, s_.ow, s_.stride_w, s_.dilation_w, s_.pad_left);
    // Rows that follow each other without a gap, in x and in g, are one segment; whole images likewise.
    const bool rows_join = cols.count() == s_.ow && s_.ow * s_.stride_w == s_.w && s_.stride_h == 1;
    const bool images_join = rows_join && rows.count() == band && (pass.images == 1 || s_.oh == s_.h);
    const i64 pitch = s_.w * pixel_, joined = rows_join ? std::max<i64>(1, rows.count()) : 1;
    const i64 image_segments = cols.count() > 0 ? rows.count() / joined : 0;
    const i64 segments = images_join ? 1 : pass.images * image_segments;
    i64* a_seg = offsets_;
    i64* b_at = offsets_ + segments;
    for (i64 i = 0; i < segments; ++i) {
      const i64 image = i / image_segments, row = rows.first + i % image_segments;
      a_seg[i] = (image * s_.h + row * s_.stride_h + a * s_.dilation_h - s_.pad_top) * pitch;
      b_at[i] = ((image * band + row - pass.r0) * s_.ow + cols.first) * ldg;
    }
    GemmTile<T> tile{};
    tile.n = n_;
    tile.k = cols.count() * joined * (images_join ? pass.images : 1);
    tile.segments = segments;
    tile.a_seg = a_seg;
    tile.a_rs = 1;
    tile.a_cs = s_.stride_w * pixel_;
    tile.b = g;
    tile.ldb = ldg;
    tile.b_at = b_at;
    tile.step = nr_;
    tile.ldc = ldc_;
    tile.accumulate = !fresh;
    const T* first = x + (cols.first * s_.stride_w + b * s_.dilation_w - s_.pad_left) * pixel_;
    const i64 channels = pass.c1 - pass.c0, parts = ceil_div(channels, mr_);
    for (i64 part = 0; part < parts; ++part) {  // of nearly equal heights
      const i64 c0 = pass.c0 + channels * part / parts;
      tile.m = pass.c0 + channels * (part + 1) / parts - c0;
      tile.a = first + c0;
      tile.c = out + c0 * ldc_;
      k_.gemm_micro(tile);
    }
  }

  const ConvShape& s_;
  const Plan& p_;
  const KernelTable<T>& k_;
  const i64 mr_, nr_;
  i64 channel_, column_, n_, pixel_, ldc_ = 0;  // pixel_: elements of x, or of its copy
  i64* offsets_;
  T *packed_, *gathered_;
};

}  // namespace

template <class T>
bool tap_sums_pay(const ConvShape& s) {
  const GemmGeometry& gemm = kernels<T>().gemm;
  const i64 vectors = std::min<i64>(gemm.vectors, ceil_div(s.oc / s.groups, vector_lanes<T>()));
  return s.c / s.groups >= gemm.rows[vectors];  // a tile of fewer rows would wait for its few chains, or for loads
}

template <class T>
void tap_sums(const ConvShape& s, const T* g, const T* x, T* gweight, bool accumulate) {
  const KernelTable<T>& k = kernels<T>();
  const Plan p = make_plan(s, k.gemm);
  const i64 size = p.taps * p.cg * s.oc, tasks = p.tasks();
  const bool direct = p.image_groups == 1;
  T* buffers = direct ? gweight : thread_scratch<T>(Scratch::gemm_b, p.image_groups * size);
  parallel_for(tasks, s.n * s.oh * s.ow * (size / 32 + 1) / tasks + 1, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 ch = t % p.channel_tasks, tap = t / p.channel_tasks % p.tap_tasks;
      const i64 rest = t / p.channel_tasks / p.tap_tasks, group = rest % p.image_groups;
      const i64 columns = rest / p.image_groups, n0 = group * p.group_images;
      T* out = direct ? gweight : buffers + group * size;
      for (i64 j = p.panels * columns / p.column_tasks; j < p.panels * (columns + 1) / p.column_tasks; ++j) {
        PanelSums<T> sums(s, p, j);
        sums.sum({n0, std::min(s.n, n0 + p.group_images), p.taps * tap / p.tap_tasks,
                  p.taps * (tap + 1) / p.tap_tasks, p.cg * ch / p.channel_tasks, p.cg * (ch + 1) / p.channel_tasks},
                 g, x, out + sums.column(), s.oc, !(direct && accumulate));
      }
    }
  });
  if (!direct) add_groups(p.image_groups, size, buffers, gweight, accumulate);
}

template <class T>
bool tap_sums_can_reorder(const ConvShape& s) {
  if (s.n == 0 || !tap_sums_pay<T>(s)) return false;
  const Plan p = make_plan(s, kernels<T>().gemm);
  return p.tasks() == p.column_tasks;
}

template <class T>
void tap_sums_reordered(const ConvShape& s, const T* g, const T* x, T* gweight) {
  const KernelTable<T>& k = kernels<T>();
  const Plan p = make_plan(s, k.gemm);
  const i64 nr = k.gemm.nr, outer = p.cg * p.taps;  // elements of an output channel
  parallel_for(p.panels, s.n * s.oh * s.ow * (outer * s.oc / 32 + 1) / p.panels + 1, [&](i64 begin, i64 end) {
    T* own = thread_scratch<T>(Scratch::conv_cols, outer * nr);
    for (i64 j = begin; j < end; ++j) {
      PanelSums<T> sums(s, p, j);
      sums.sum({0, s.n, 0, p.taps, 0, p.cg}, g, x, own, nr, true);
      T* to = gweight + sums.column() * outer;
      if (p.taps == 1) {
        k.transpose(p.cg, sums.columns(), own, nr, to, p.cg);
        continue;
      }
      for (i64 c0 = 0; c0 < p.cg; c0 += kReorderChannels) {
        for (i64 o = 0; o < sums.columns(); o += kReorderColumns) {
          for (i64 ch = c0; ch < std::min(p.cg, c0 + kReorderChannels); ++ch) {
            k.transpose(p.taps, std::min(kReorderColumns, sums.columns() - o), own + ch * nr + o, p.cg * nr,
                        to + o * outer + ch * p.taps, outer);
          }
        }
      }
    }
  });
}

template bool tap_sums_can_reorder<float>(const ConvShape&);
template bool tap_sums_can_reorder<double>(const ConvShape&);
template void tap_sums_reordered<float>(const ConvShape&, const float*, const float*, float*);
template void tap_sums_reordered<double>(const ConvShape&, const double*, const double*, double*);
template bool tap_sums_pay<float>(const ConvShape&);
template bool tap_sums_pay<double>(const ConvShape&);
template void tap_sums<float>(const ConvShape&, const float*, const float*, float*, bool);
template void tap_sums<double>(const ConvShape&, const double*, const double*, double*, bool);

}  // namespace nnf
