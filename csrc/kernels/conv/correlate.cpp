// See correlate.h. The images are read in place, padding costs nothing: an output pixel's sum is over the taps that lie
// inside the image, and these are a rectangle of the kernel's taps. Pixels with the same rectangle are computed
// together; in a line (along an image row, down a column, or from image to image) their taps are a constant apart, so a
// line of them is the rows of one microkernel call whose segments are rows of the kernel.
//
// Against tiles in linear order over a copy with zeros around it (what correlate_framed.cpp does), one thread, AVX-512
// with a peak of 245, GFLOPS counted with the taps on the padding: 64x32x14x14 -> 64 3x3 206, 247; 32x64x8x8 -> 64 223,
// 264; 1x128x28x28 -> 128 230, 246; 8x48x14x14 -> 48 7x7 225, 252; 64x1x28x28 -> 32 3x3 102, 123.
//
// The work is cut into tasks by shape alone, and a pixel's sum does not depend on its line, so neither on the cut.
#include "kernels/conv/correlate.h"

#include <algorithm>
#include <cstdint>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/conv/correlate_framed.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// Multiply-adds a task should hold: some 20 microseconds, enough to hide handing it out; and how many tasks there
// should be to share.
constexpr i64 kTaskWork = i64{1} << 20;
constexpr i64 kManyTasks = 16;
// Depth of a panel used at once: 1280 rows of at most 64 floats are 320 KB, which stay in the second-level cache of a
// processor with such vectors while a block of pixels passes.
constexpr i64 kDepth = 1280;
// Rows of pixels a task keeps at least, so that the lines down an image's sides are not short.
constexpr i64 kLeastRows = 6;
constexpr i64 kSmallImage = 400;  // pixels
// So many pixels do not pay for packing the weights (512 channels, 3x3 on 7x7: 1379 us, in place 1200).
constexpr i64 kFewPixels = 64;
// Weights are packed so many channels a task and so many columns at a time, whose cache lines, often a power of two
// apart, stay in the first-level cache while the channels pass.
constexpr i64 kPackChannels = 128, kPackColumns = 16;
constexpr i64 kNearElements = i64{1} << 13;  // 32 KB as float: what the first-level cache keeps
// Lines and pixels of a block: the pass over a panel pays for fetching it, and a block's outputs are still in the
// first-level cache when they are read again.
constexpr i64 kBlockLines = 16, kBlockPixels = 96;

// Output positions first..last-1 along an axis, all with taps lo..hi-1 inside the image.
struct Run {
  i64 first, last, lo, hi;
};

// A line of m pixels: `at` is where tap (0, 0) of the first lies in x, maybe outside of it.
struct Line {
  i64 at, apart, to, to_apart, m;
  const Run* rows;
  const Run* cols;
};

// What every task reads.
template <class T>
struct Shared {
  Correlation s;
  const KernelTable<T>* k;
  const T* x;
  T* y;
  Epilogue<T> epilogue;
  const i64* a_seg;  // (kh): where a kernel row's taps begin
  WeightView<T> weight;
  bool own_panels;   // a task packs the panels it uses
  const T* b;        // otherwise panel j at b + j * b_panel
  i64 ldb, b_seg, b_panel;
  const Run *rows, *cols;
  i64 row_runs, col_runs;
  i64 most;  // pixels that the microkernel computes together
};

// Cuts an axis of `out` positions into runs; returns how many. `runs` has place for `out` of them.
i64 make_runs(i64 out, i64 size, i64 taps, i64 stride, i64 dilation, i64 before, Run* runs) {
  i64 count = 0;
  for (i64 o = 0; o < out; ++o) {
    const i64 start = o * stride - before;  // of tap 0
    const i64 lo = start >= 0 ? 0 : std::min(taps, ceil_div(-start, dilation));
    const i64 hi = start >= size ? lo : std::clamp<i64>((size - 1 - start) / dilation + 1, lo, taps);
    if (count > 0 && runs[count - 1].lo == lo && runs[count - 1].hi == hi) {
      ++runs[count - 1].last;
    } else {
      runs[count++] = {o, o + 1, lo, hi};
    }
  }
  return count;
}

// All of panel j's columns of the lines.
template <class T>
void multiply_panel(const Shared<T>& sh, i64 j, const Line* lines, i64 count) {
  const Correlation& s = sh.s;
  const i64 nr = sh.k->gemm.nr, depth = s.kw * s.c;
  // Whole segments while they are short, parts of one when it is long.
  const i64 per_pass = depth >= kDepth ? 1 : kDepth / depth;
  const i64 part = ceil_div(depth, ceil_div(depth, kDepth));
  const T* panel = sh.b + j * sh.b_panel;
  GemmTile<T> tile{};
  tile.n = std::min(nr, s.oc - j * nr);
  tile.a_cs = 1;
  tile.ldb = sh.ldb;
  tile.b_seg = sh.b_seg;
  tile.step = nr;
  for (i64 pass = 0; pass < s.kh; pass += per_pass) {
    for (i64 p = 0; p < depth; p += part) {
      const bool first_pass = pass == 0 && p == 0;
      for (i64 i = 0; i < count; ++i) {
        const Line& line = lines[i];
        const i64 lo = std::max(pass, line.rows->lo), hi = std::min(pass + per_pass, line.rows->hi);
        const i64 k0 = line.cols->lo * s.c, k1 = line.cols->hi * s.c;
        const i64 from = std::max(p, k0), to = std::min(p + part, k1);
        const bool empty = lo >= hi || from >= to, none = line.rows->lo >= line.rows->hi || k0 >= k1;
        if (none ? !first_pass : empty) continue;
        tile.m = line.m;
        tile.a = sh.x + line.at + lo * sh.a_seg[1] + from;
        tile.a_rs = line.apart;
        tile.a_seg = sh.a_seg;
        tile.segments = none ? 0 : hi - lo;
        tile.k = to - from;
        tile.b = panel + lo * sh.b_seg + from * sh.ldb;
        tile.c = sh.y + line.to + j * nr;
        tile.ldc = line.to_apart;
        tile.accumulate = !none && (lo > line.rows->lo || from > k0);
        const bool complete = none || (hi == line.rows->hi && to == k1);
        tile.bias = complete && sh.epilogue.bias ? sh.epilogue.bias + j * nr : nullptr;
        tile.relu = complete && sh.epilogue.act == NNF_ACT_RELU;
        sh.k->gemm_micro(tile);
      }
    }
  }
}

// Collects lines and multiplies a block of them when it is full.
template <class T>
class Block {
 public:
  Block(const Shared<T>& sh, i64 j0, i64 j1) : sh_(sh), j0_(j0), j1_(j1) {}
  ~Block() { flush(); }
  // The pixels of rows r0..r1-1 of one run and columns c0..c1-1 of another, of images n0..n1-1.
  void add(i64 n0, i64 n1, const Run& rows, i64 r0, i64 r1, const Run& cols) {
    const Correlation& s = sh_.s;
    const i64 pitch = s.w * s.c, image = s.h * pitch;
    Way ways[3] = {{cols.last - cols.first, s.stride_w * s.c, s.y_col},
                   {r1 - r0, s.stride_h * pitch, s.y_row},
                   {n1 - n0, image, s.y_image}};
    // The way that makes the fewest lines; the first of those, as its pixels are neighbours.
    i64 along = 0, fewest = 0;
    for (i64 w = 0; w < 3; ++w) {
      const i64 lines = ways[(w + 1) % 3].count * ways[(w + 2) % 3].count * ceil_div(ways[w].count, sh_.most);
      if (w == 0 || lines < fewest) along = w, fewest = lines;
    }
    const Way line = ways[along], outer = ways[along == 2 ? 1 : 2], inner = ways[along == 0 ? 1 : 0];
    const i64 at = n0 * image + (r0 * s.stride_h - s.frame.top) * pitch +
                   (cols.first * s.stride_w - s.frame.left) * s.c;
    const i64 to = n0 * s.y_image + r0 * s.y_row + cols.first * s.y_col;
    for (i64 o = 0; o < outer.count; ++o) {
      for (i64 i = 0; i < inner.count; ++i) {
        push({at + o * outer.from + i * inner.from, line.from, to + o * outer.to + i * inner.to, line.to, line.count,
              &rows, &cols});
      }
    }
  }

 private:
  struct Way {
    i64 count, from, to;  // pixels, and the elements between two in x and in y
  };
  void push(const Line& line) {
    lines_[count_++] = line;
    pixels_ += line.m;
    if (count_ == kBlockLines || pixels_ >= kBlockPixels) flush();
  }
  void flush() {
    for (i64 j = j0_; j < j1_; ++j) multiply_panel(sh_, j, lines_, count_);
    count_ = pixels_ = 0;
  }

  const Shared<T>& sh_;
  i64 j0_, j1_, count_ = 0, pixels_ = 0;
  Line lines_[kBlockLines];
};

// Packing a panel falls into units: a tap, or some channels where all taps of a channel are one run of memory, mirrored
// or not (PyTorch's order).
template <class T>
bool taps_are_run(const Correlation& s, const WeightView<T>& w) {
  return s.kh * s.kw > 1 && (w.col == 1 || w.col == -1) && w.row == s.kw * w.col && w.out != 1;
}
template <class T>
i64 pack_units(const Correlation& s, const WeightView<T>& w) {
  return taps_are_run(s, w) ? ceil_div(s.c, kPackChannels) : s.kh * s.kw;
}

// One unit of panel j to `to` (taps, c, nr).
template <class T>
void pack_unit(const Shared<T>& sh, i64 j, i64 unit, T* to) {
  const Correlation& s = sh.s;
  const WeightView<T>& w = sh.weight;
  const i64 nr = sh.k->gemm.nr, columns = std::min(nr, s.oc - j * nr), taps = s.kh * s.kw;
  const T* from = w.p + j * nr * w.out;
  if (!taps_are_run(s, w)) {
    from += unit / s.kw * w.row + unit % s.kw * w.col;
    sh.k->gemm_pack_b(s.c, columns, from, w.in, w.out, to + unit * s.c * nr);
    return;
  }
  const i64 next = w.col * s.c * nr, first = w.col > 0 ? 0 : (taps - 1) * s.c * nr;
  if (w.col < 0) from -= taps - 1;
  const i64 c0 = unit * kPackChannels, c1 = std::min(s.c, c0 + kPackChannels);
  for (i64 o = 0; o < columns; o += kPackColumns) {
    for (i64 ch = c0; ch < c1; ++ch) {
      sh.k->transpose(std::min(kPackColumns, columns - o), taps, from + ch * w.in + o * w.out, w.out,
                      to + first + ch * nr + o, next);
    }
  }
  for (i64 tap = 0; tap < taps && columns < nr; ++tap) {
    for (i64 ch = c0; ch < c1; ++ch) std::fill_n(to + (tap * s.c + ch) * nr + columns, nr - columns, T{0});
  }
}

// All pixels of a task for panels j0..j1-1.
template <class T>
void multiply(const Shared<T>& sh, i64 n0, i64 n1, i64 r0, i64 r1, i64 j0, i64 j1) {
  Block<T> block(sh, j0, j1);
  for (i64 r = 0; r < sh.row_runs; ++r) {
    const Run& rows = sh.rows[r];
    const i64 first = std::max(r0, rows.first), last = std::min(r1, rows.last);
    if (first >= last) continue;
    for (i64 c = 0; c < sh.col_runs; ++c) block.add(n0, n1, rows, first, last, sh.cols[c]);
  }
}

// Output rows r0..r1-1 of the images n0..n1-1, panels j0..j1-1.
template <class T>
void run_task(const Shared<T>& sh, i64 n0, i64 n1, i64 r0, i64 r1, i64 j0, i64 j1) {
  const Correlation& s = sh.s;
  const i64 nr = sh.k->gemm.nr;
  if (sh.own_panels) {
    Shared<T> own = sh;
    T* panel = thread_scratch<T>(Scratch::conv_image, s.kh * s.kw * s.c * nr);
    own.b = panel;
    own.b_panel = 0;
    for (i64 j = j0; j < j1; ++j) {
      for (i64 unit = 0; unit < pack_units(s, sh.weight); ++unit) pack_unit(sh, j, unit, panel);
      multiply(own, n0, n1, r0, r1, j, j + 1);
    }
  } else {
    multiply(sh, n0, n1, r0, r1, j0, j1);
  }
  const nnf_activation act = sh.epilogue.act;
  if (act == NNF_ACT_IDENTITY || act == NNF_ACT_RELU) return;
  const auto activate = sh.k->activation[act].forward;
  const i64 c0 = j0 * nr, c1 = std::min(s.oc, j1 * nr);
  const bool dense = c1 - c0 == s.oc && s.y_col == s.oc;
  for (i64 n = n0; n < n1; ++n) {
    for (i64 r = r0; r < r1; ++r) {
      T* row = sh.y + n * s.y_image + r * s.y_row + c0;
      if (dense) {
        activate(s.ow * s.oc, row, row, sh.epilogue.alpha);
        continue;
      }
      for (i64 c = 0; c < s.ow; ++c) activate(c1 - c0, row + c * s.y_col, row + c * s.y_col, sh.epilogue.alpha);
    }
  }
}

// Tasks: `images` images, or `rows` output rows of one and `columns` panels; how many of each there are.
struct Tasks {
  i64 images, rows, columns, batches, cuts, parts;
};

// The fewer images there are, the more rows and panels are cut.
Tasks make_tasks(const Correlation& s, i64 panels, i64 most) {
  const i64 work = s.kh * s.kw * s.c * s.oc, pixels = s.oh * s.ow;  // multiply-adds a pixel
  Tasks t{};
  t.images = std::clamp<i64>(kTaskWork / (work * pixels), 1, s.n);
  // Small images in company: their few pixels of a kind, as in the corners, make lines from image to image.
  if (pixels <= kSmallImage) t.images = std::max(t.images, std::min(most, s.n / 4));
  t.batches = ceil_div(s.n, t.images);
  const i64 pieces = t.images > 1 ? 1 : std::clamp<i64>(work * pixels / kTaskWork, 1, ceil_div(kManyTasks, t.batches));
  t.columns = ceil_div(panels, std::min(panels, pieces));
  t.parts = ceil_div(panels, t.columns);
  const i64 bands = std::clamp<i64>(s.oh / kLeastRows, 1, ceil_div(pieces, t.parts));
  t.rows = ceil_div(s.oh, bands);
  t.cuts = ceil_div(s.oh, t.rows);
  return t;
}

// Whether a panel in place does not come from the second-level cache in vectors that cross cache lines: 8x48x14x14 -> 48
// 7x7 takes 1340 us so, copied or aligned 1210.
template <class T>
bool streams_well(const Correlation& s, const WeightView<T>& w) {
  const i64 line = kAlignment / static_cast<i64>(sizeof(T));
  const bool aligned = reinterpret_cast<std::uintptr_t>(w.p) % kAlignment == 0 && w.in % line == 0;
  return aligned || s.kh * s.kw * s.c * s.oc <= kNearElements;
}

// Makes a_seg and the runs, and b unless it is in place or the tasks' own, in scratch of the calling thread, which all
// tasks read.
template <class T>
void prepare(Shared<T>& sh, bool in_place) {
  const Correlation& s = sh.s;
  const WeightView<T>& w = sh.weight;
  const i64 nr = sh.k->gemm.nr, panels = ceil_div(s.oc, nr), panel = s.kh * s.kw * s.c * nr;
  const bool shared_panels = !in_place && !sh.own_panels;
  const i64 tables = (s.kh + 1) * static_cast<i64>(sizeof(i64)) + (s.oh + s.ow) * static_cast<i64>(sizeof(Run));
  const i64 table_bytes = round_up(tables, kAlignment);
  const i64 b_bytes = shared_panels ? panels * panel * static_cast<i64>(sizeof(T)) : 0;
  char* scratch = thread_scratch<char>(Scratch::gemm_b, table_bytes + b_bytes);

  i64* a_seg = reinterpret_cast<i64*>(scratch);
  for (i64 a = 0; a <= s.kh; ++a) a_seg[a] = a * s.dilation_h * s.w * s.c;
  sh.a_seg = a_seg;
  Run* rows = reinterpret_cast<Run*>(a_seg + s.kh + 1);
  Run* cols = rows + s.oh;
  sh.row_runs = make_runs(s.oh, s.h, s.kh, s.stride_h, s.dilation_h, s.frame.top, rows);
  sh.col_runs = make_runs(s.ow, s.w, s.kw, s.stride_w, 1, s.frame.left, cols);
  sh.rows = rows;
  sh.cols = cols;

  sh.ldb = in_place ? w.in : nr;
  sh.b_seg = in_place ? w.row : s.kw * s.c * nr;
  sh.b_panel = in_place ? nr : panel;
  sh.b = w.p;
  if (!shared_panels) return;
  T* b = reinterpret_cast<T*>(scratch + table_bytes);
  const i64 units = pack_units(s, w);
  parallel_for(panels * units, panel / units / 8 + 1, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) pack_unit(sh, t / units, t % units, b + t / units * panel);
  });
  sh.b = b;
}

}  // namespace

template <class T>
void correlate(const Correlation& s, const T* x, const WeightView<T>& weight, const Epilogue<T>& epilogue, T* y) {
  if (s.n <= 0 || s.oh * s.ow <= 0) return;
  if (s.groups != 1 || s.dilation_w != 1) return correlate_framed(s, x, weight, epilogue, y);
  const KernelTable<T>& k = kernels<T>();
  const i64 lanes = vector_lanes<T>(), panels = ceil_div(s.oc, k.gemm.nr);
  Shared<T> sh{};
  sh.s = s;
  sh.k = &k;
  sh.x = x;
  sh.y = y;
  sh.epilogue = epilogue;
  sh.weight = weight;
  sh.most = k.gemm.rows[std::min<i64>(k.gemm.vectors, ceil_div(s.oc, lanes))];
  const Tasks tasks = make_tasks(s, panels, sh.most);
  // In place, when the weights lie as the segments read them, and a row of them is a panel that streams as well as its
  // copy would, or they are read too seldom to pay for the copy. Copied by their only user, when there is one: what it
  // packs is in its caches.
  const bool in_place = weight.out == 1 && weight.col == s.c * weight.in &&
                        (s.n * s.oh * s.ow <= kFewPixels || (s.oc <= k.gemm.nr && streams_well(s, weight)));
  sh.own_panels = !in_place && tasks.batches * tasks.cuts == 1;
  prepare(sh, in_place);

  const i64 cost = tasks.images * tasks.rows * s.ow * (s.kh * s.kw * s.c * s.oc / tasks.parts / 32 + 1);
  parallel_for(tasks.batches * tasks.cuts * tasks.parts, cost, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 n0 = t / tasks.cuts % tasks.batches * tasks.images, r0 = t % tasks.cuts * tasks.rows;
      const i64 j0 = t / tasks.cuts / tasks.batches * tasks.columns;
      run_task(sh, n0, std::min(s.n, n0 + tasks.images), r0, std::min(s.oh, r0 + tasks.rows), j0,
               std::min(panels, j0 + tasks.columns));
    }
  });
}

template void correlate<float>(const Correlation&, const float*, const WeightView<float>&, const Epilogue<float>&,
                               float*);
template void correlate<double>(const Correlation&, const double*, const WeightView<double>&, const Epilogue<double>&,
                                double*);

}  // namespace nnf
