// See correlate.h. The images are read in place, padding costs nothing: an output pixel's sum is over the taps that lie
// inside the image, and these are a rectangle of the kernel's taps. Pixels with the same rectangle are computed
// together; in a line (along an image row, down a column, or from image to image) their taps are a constant apart, so a
// line of them is the rows of one microkernel call. Its segments are rows of the kernel where a row's taps follow each
// other in the image, else taps: with dilated columns, and with groups, each of which reads its channels in place.
//
// Against tiles in linear order over a copy with zeros around it, a tap a segment, one thread, AVX-512
// with a peak of 245, GFLOPS counted with the taps on the padding: 64x32x14x14 -> 64 3x3 206, 247; 32x64x8x8 -> 64 223,
// 264; 1x128x28x28 -> 128 230, 246; 8x48x14x14 -> 48 7x7 225, 252; 64x1x28x28 -> 32 3x3 102, 123.
//
// The work is cut into tasks by shape alone, and a pixel's sum does not depend on its line, so neither on the cut.
#include "kernels/conv/correlate.h"

#include <algorithm>
#include <cstdint>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/conv/gather.h"
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
// Elements that a task gathers at once, at most: a quarter megabyte as float.
constexpr i64 kGatheredElements = i64{1} << 16;
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

// The segments that a run of columns sees, row by row of the kernel: `per_row` a row, of their elements k0..k1-1. Where
// they begin: in x, counted from tap (0, 0), and in a panel.
struct Segments {
  i64 per_row, k0, k1;
  const i64 *a, *b;
};

// A line of m pixels: `at` is where tap (0, 0) of the first lies in x, maybe outside of it.
struct Line {
  i64 at, apart, to, to_apart, m;
  const Run* rows;
  const Segments* segments;
};

// What every task reads.
template <class T>
struct Shared {
  Correlation s;
  const KernelTable<T>* k;
  const T* x;
  T* y;
  Epilogue<T> epilogue;
  WeightView<T> weight;
  i64 cg, ocg, per_group;  // channels of a group, panels of its outputs
  bool gathers;            // a task makes a group's channels of x dense
  bool row_segments;       // a segment is a row of the kernel, else a tap
  i64 segment;             // its elements
  i64 x_pixel, x_row, x_image, x_group;  // x's strides
  i64 x_origin, y_origin;                // elements that x and y do not begin with
  bool own_panels;         // a task packs the panels it uses
  const T* b;              // otherwise panel j of group q at b + q * b_group + j * b_panel
  i64 ldb, b_tap, b_row, b_group, b_panel;
  const Run *rows, *cols;
  const Segments* segments;  // of each of cols
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

// A panel out of all groups': its group, and its columns among all channels of y.
struct Panel {
  i64 group, index, column, columns;
};
template <class T>
Panel panel_of(const Shared<T>& sh, i64 j) {
  const i64 q = j / sh.per_group, index = j % sh.per_group, nr = sh.k->gemm.nr;
  return {q, index, q * sh.ocg + index * nr, std::min(nr, sh.ocg - index * nr)};
}

// All of panel j's columns of the lines.
template <class T>
void multiply_panel(const Shared<T>& sh, i64 j, const Line* lines, i64 count) {
  const Correlation& s = sh.s;
  const Panel panel = panel_of(sh, j);
  const i64 depth = s.kw * sh.cg;
  // Whole rows of the kernel while they are short, parts of a row's segments when it is long.
  const i64 per_pass = depth >= kDepth ? 1 : kDepth / depth;
  const i64 part = ceil_div(sh.segment, ceil_div(depth, kDepth));
  const T* x = sh.x + panel.group * sh.x_group - sh.x_origin;
  const T* b = sh.b + panel.group * sh.b_group + panel.index * sh.b_panel;
  GemmTile<T> tile{};
  tile.n = panel.columns;
  tile.a_cs = 1;
  tile.ldb = sh.ldb;
  tile.step = sh.k->gemm.nr;
  for (i64 pass = 0; pass < s.kh; pass += per_pass) {
    for (i64 p = 0; p < sh.segment; p += part) {
      const bool first_pass = pass == 0 && p == 0;
      for (i64 i = 0; i < count; ++i) {
        const Line& line = lines[i];
        const Segments& segments = *line.segments;
        const i64 lo = std::max(pass, line.rows->lo), hi = std::min(pass + per_pass, line.rows->hi);
        const i64 from = std::max(p, segments.k0), to = std::min(p + part, segments.k1);
        const bool empty = lo >= hi || from >= to;
        const bool none = line.rows->lo >= line.rows->hi || segments.k0 >= segments.k1;
        if (none ? !first_pass : empty) continue;
        tile.m = line.m;
        tile.a = x + line.at + from;
        tile.a_rs = line.apart;
        tile.a_seg = segments.a + lo * segments.per_row;
        tile.segments = none ? 0 : (hi - lo) * segments.per_row;
        tile.k = to - from;
        tile.b = b + from * sh.ldb;
        tile.b_at = segments.b + lo * segments.per_row;
        tile.c = sh.y + line.to + panel.column - sh.y_origin;
        tile.ldc = line.to_apart;
        tile.accumulate = !none && (lo > line.rows->lo || from > segments.k0);
        const bool complete = none || (hi == line.rows->hi && to == segments.k1);
        tile.bias = complete && sh.epilogue.bias ? sh.epilogue.bias + panel.column : nullptr;
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
  void add(i64 n0, i64 n1, const Run& rows, i64 r0, i64 r1, const Run& cols, const Segments& segments) {
    const Correlation& s = sh_.s;
    Way ways[3] = {{cols.last - cols.first, s.stride_w * sh_.x_pixel, s.y_col},
                   {r1 - r0, s.stride_h * sh_.x_row, s.y_row},
                   {n1 - n0, sh_.x_image, s.y_image}};
    // The way that makes the fewest lines; the first of those, as its pixels are neighbours.
    i64 along = 0, fewest = 0;
    for (i64 w = 0; w < 3; ++w) {
      const i64 lines = ways[(w + 1) % 3].count * ways[(w + 2) % 3].count * ceil_div(ways[w].count, sh_.most);
      if (w == 0 || lines < fewest) along = w, fewest = lines;
    }
    const Way line = ways[along], outer = ways[along == 2 ? 1 : 2], inner = ways[along == 0 ? 1 : 0];
    const i64 at = n0 * sh_.x_image + (r0 * s.stride_h - s.top) * sh_.x_row +
                   (cols.first * s.stride_w - s.left) * sh_.x_pixel;
    const i64 to = n0 * s.y_image + r0 * s.y_row + cols.first * s.y_col;
    for (i64 o = 0; o < outer.count; ++o) {
      for (i64 i = 0; i < inner.count; ++i) {
        push({at + o * outer.from + i * inner.from, line.from, to + o * outer.to + i * inner.to, line.to, line.count,
              &rows, &segments});
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
i64 pack_units(const Shared<T>& sh) {
  return taps_are_run(sh.s, sh.weight) ? ceil_div(sh.cg, kPackChannels) : sh.s.kh * sh.s.kw;
}

// One unit of panel j to `to` (taps, c / groups, ldb), ldb at least its columns: the microkernel reads no others.
template <class T>
void pack_unit(const Shared<T>& sh, i64 j, i64 unit, T* to) {
  const Correlation& s = sh.s;
  const WeightView<T>& w = sh.weight;
  const Panel panel = panel_of(sh, j);
  const i64 taps = s.kh * s.kw, tap_size = sh.cg * sh.ldb;
  const T* from = w.p + panel.group * w.group + panel.index * sh.k->gemm.nr * w.out;
  if (!taps_are_run(s, w)) {
    from += unit / s.kw * w.row + unit % s.kw * w.col;
    to += unit * tap_size;
    if (sh.ldb == sh.k->gemm.nr) return sh.k->gemm_pack_b(sh.cg, panel.columns, from, w.in, w.out, to);
    if (w.in == 1) return sh.k->transpose(panel.columns, sh.cg, from, w.out, to, sh.ldb);
    for (i64 ch = 0; ch < sh.cg; ++ch, from += w.in, to += sh.ldb) {
      for (i64 o = 0; o < panel.columns; ++o) to[o] = from[o * w.out];
    }
    return;
  }
  const i64 next = w.col * tap_size, first = w.col > 0 ? 0 : (taps - 1) * tap_size;
  if (w.col < 0) from -= taps - 1;
  const i64 c0 = unit * kPackChannels, c1 = std::min(sh.cg, c0 + kPackChannels);
  for (i64 o = 0; o < panel.columns; o += kPackColumns) {
    for (i64 ch = c0; ch < c1; ++ch) {
      sh.k->transpose(std::min(kPackColumns, panel.columns - o), taps, from + ch * w.in + o * w.out, w.out,
                      to + first + ch * sh.ldb + o, next);
    }
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
    for (i64 c = 0; c < sh.col_runs; ++c) block.add(n0, n1, rows, first, last, sh.cols[c], sh.segments[c]);
  }
}

// Some output: rows r0..r1-1 of the images n0..n1-1, panels j0..j1-1.
struct Piece {
  i64 n0, n1, r0, r1, j0, j1;
};

template <class T>
void activate(const Shared<T>& sh, const Piece& p) {
  const Correlation& s = sh.s;
  const nnf_activation act = sh.epilogue.act;
  if (act == NNF_ACT_IDENTITY || act == NNF_ACT_RELU) return;
  const auto forward = sh.k->activation[act].forward;
  const Panel last = panel_of(sh, p.j1 - 1);
  const i64 c0 = panel_of(sh, p.j0).column, channels = last.column + last.columns - c0;
  const bool dense = channels == s.y_col;
  for (i64 n = p.n0; n < p.n1; ++n) {
    for (i64 r = p.r0; r < p.r1; ++r) {
      T* row = sh.y + n * s.y_image + r * s.y_row + c0 - sh.y_origin;
      const i64 runs = dense ? 1 : s.ow, run = dense ? s.ow * channels : channels;
      for (i64 c = 0; c < runs; ++c) forward(run, row + c * s.y_col, row + c * s.y_col, sh.epilogue.alpha);
    }
  }
}

template <class T>
void run_panels(const Shared<T>& sh, const Piece& p) {
  if (sh.own_panels) {
    Shared<T> own = sh;
    T* panel = thread_scratch<T>(Scratch::conv_image, sh.s.kh * sh.s.kw * sh.cg * sh.ldb);
    own.b = panel;
    own.b_group = own.b_panel = 0;
    for (i64 j = p.j0; j < p.j1; ++j) {
      for (i64 unit = 0; unit < pack_units(sh); ++unit) pack_unit(sh, j, unit, panel);
      multiply(own, p.n0, p.n1, p.r0, p.r1, j, j + 1);
    }
  } else {
    multiply(sh, p.n0, p.n1, p.r0, p.r1, p.j0, p.j1);
  }
  activate(sh, p);
}

// The same, panels of one group, whose channels of x are gathered into scratch; of planes they are turned, and so are
// the outputs, from there.
template <class T>
void run_gathered(const Shared<T>& sh, const Piece& p) {
  const Correlation& s = sh.s;
  const i64 group = p.j0 / sh.per_group, images = p.n1 - p.n0;
  const i64 top = std::clamp<i64>(p.r0 * s.stride_h - s.top, 0, s.h);  // the rows of x that the taps reach
  const i64 bottom = std::clamp<i64>((p.r1 - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1 - s.top, top, s.h);
  const i64 in = (bottom - top) * s.w, out = (p.r1 - p.r0) * s.ow, plane = s.h * s.w, out_plane = s.oh * s.ow;
  Shared<T> own = sh;
  const Panel first = panel_of(sh, p.j0), last = panel_of(sh, p.j1 - 1);
  const i64 columns = last.column + last.columns - first.column;
  T* x = thread_scratch<T>(Scratch::conv_cols, images * (in * sh.cg + (s.planes ? out * columns : 0)));
  T* y = x + images * in * sh.cg;
  own.x = x;
  own.x_group = 0;
  own.x_image = in * sh.cg;
  own.x_origin = p.n0 * own.x_image + top * own.x_row;
  for (i64 i = 0; i < images; ++i) {
    const T* image = sh.x + (p.n0 + i) * s.c * plane;
    if (s.planes) {
      sh.k->transpose(sh.cg, in, image + group * sh.cg * plane + top * s.w, plane, x + i * own.x_image, sh.cg);
    } else {
      gather_runs(in, sh.cg, image + top * s.w * s.c + group * sh.cg, s.c, x + i * own.x_image);
    }
  }
  if (!s.planes) return run_panels(own, p);
  own.y = y;
  own.s.y_col = columns;
  own.s.y_row = s.ow * columns;
  own.s.y_image = out * columns;
  own.y_origin = p.n0 * own.s.y_image + p.r0 * own.s.y_row + first.column;
  run_panels(own, p);
  for (i64 i = 0; i < images; ++i) {
    T* to = sh.y + ((p.n0 + i) * s.oc + first.column) * out_plane + p.r0 * s.ow;
    sh.k->transpose(out, columns, y + i * own.s.y_image, columns, to, out_plane);
  }
}

template <class T>
void run_task(const Shared<T>& sh, const Piece& p) {
  if (!sh.gathers) return run_panels(sh, p);
  for (i64 j = p.j0; j < p.j1;) {
    const i64 end = std::min(p.j1, (j / sh.per_group + 1) * sh.per_group);
    run_gathered(sh, {p.n0, p.n1, p.r0, p.r1, j, end});
    j = end;
  }
}

// Tasks: `images` images, or `rows` output rows of one and `columns` panels; how many of each there are.
struct Tasks {
  i64 images, rows, columns, batches, cuts, parts;
};

// Cuts tasks until what they gather stays in the second-level cache.
void fit_gathered(const Correlation& s, Tasks* t) {
  const i64 row = (s.w * s.c * s.stride_h + s.ow * s.oc) / s.groups;
  const i64 halo = (s.kh - 1) * s.dilation_h * s.w * s.c / s.groups;
  t->images = std::clamp<i64>(kGatheredElements / (s.oh * row), 1, t->images);
  t->batches = ceil_div(s.n, t->images);
  t->rows = std::clamp<i64>((kGatheredElements - halo) / row, std::min(t->rows, kLeastRows), t->rows);
}

// The fewer images there are, the more rows and panels are cut.
Tasks make_tasks(const Correlation& s, bool gathers, i64 panels, i64 most) {
  const i64 work = s.kh * s.kw * (s.c / s.groups) * s.oc, pixels = s.oh * s.ow;  // multiply-adds a pixel
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
  if (gathers) fit_gathered(s, &t);
  t.cuts = ceil_div(s.oh, t.rows);
  return t;
}

// Whether a panel in place does not come from the second-level cache in vectors that cross cache lines: 8x48x14x14
// -> 48 7x7 takes 1340 us so, copied or aligned 1210.
template <class T>
bool streams_well(const Correlation& s, const WeightView<T>& w) {
  const i64 line = kAlignment / static_cast<i64>(sizeof(T));
  const bool aligned = reinterpret_cast<std::uintptr_t>(w.p) % kAlignment == 0 && w.in % line == 0;
  return aligned || s.kh * s.kw * s.c * s.oc <= kNearElements;
}

// The runs and their segments, in scratch of the calling thread, which all tasks read; returns what is left of it.
template <class T>
T* make_tables(Shared<T>& sh, i64 panel_elements) {
  const Correlation& s = sh.s;
  const i64 runs = std::min(s.ow, 2 * s.kw + 1);  // of columns, at most: lo and hi fall, each by up to kw
  const i64 offsets = 2 * s.kh * runs * (sh.row_segments ? 1 : s.kw);
  const i64 bytes = round_up(offsets * static_cast<i64>(sizeof(i64)) + (s.oh + s.ow) * static_cast<i64>(sizeof(Run)) +
                             s.ow * static_cast<i64>(sizeof(Segments)), kAlignment);
  char* scratch = thread_scratch<char>(Scratch::gemm_b, bytes + panel_elements * static_cast<i64>(sizeof(T)));
  Run* rows = reinterpret_cast<Run*>(scratch);
  Run* cols = rows + s.oh;
  Segments* segments = reinterpret_cast<Segments*>(cols + s.ow);
  i64* offset = reinterpret_cast<i64*>(segments + s.ow);
  sh.row_runs = make_runs(s.oh, s.h, s.kh, s.stride_h, s.dilation_h, s.top, rows);
  sh.col_runs = make_runs(s.ow, s.w, s.kw, s.stride_w, s.dilation_w, s.left, cols);
  for (i64 r = 0; r < sh.col_runs; ++r) {
    const i64 lo = cols[r].lo, taps = cols[r].hi - lo, per_row = sh.row_segments ? 1 : taps;
    i64 *a = offset, *b = a + s.kh * per_row;
    const i64 k1 = sh.row_segments ? (lo + taps) * sh.cg : taps > 0 ? sh.cg : 0;
    segments[r] = {per_row, sh.row_segments ? lo * sh.cg : 0, k1, a, b};
    for (i64 row = 0; row < s.kh; ++row) {
      for (i64 i = 0; i < per_row; ++i) {
        const i64 tap = sh.row_segments ? 0 : lo + i;
        *a++ = row * s.dilation_h * sh.x_row + tap * s.dilation_w * sh.x_pixel;
        *b++ = row * sh.b_row + tap * sh.b_tap;
      }
    }
    offset = b;
  }
  sh.rows = rows;
  sh.cols = cols;
  sh.segments = segments;
  return reinterpret_cast<T*>(scratch + bytes);
}

// Makes the tables, and b unless it is in place or the tasks' own.
template <class T>
void prepare(Shared<T>& sh, bool in_place) {
  const Correlation& s = sh.s;
  const WeightView<T>& w = sh.weight;
  const i64 nr = sh.k->gemm.nr;
  // A narrow panel's rows lie close together: in a full one's place, a few vectors apart, they would share few sets of
  // the first-level cache.
  sh.ldb = in_place ? w.in : std::min(nr, round_up(sh.ocg, vector_lanes<T>()));
  sh.b_tap = in_place ? w.col : sh.cg * sh.ldb;
  sh.b_row = in_place ? w.row : s.kw * sh.b_tap;
  sh.b_panel = in_place ? nr * w.out : s.kh * sh.b_row;
  sh.b_group = in_place ? w.group : sh.per_group * sh.b_panel;
  sh.b = w.p;
  const i64 panels = in_place || sh.own_panels ? 0 : s.groups * sh.per_group;
  T* b = make_tables(sh, panels * sh.b_panel);
  if (panels == 0) return;
  const i64 units = pack_units(sh);
  parallel_for(panels * units, sh.b_panel / units / 8 + 1, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) pack_unit(sh, t / units, t % units, b + t / units * sh.b_panel);
  });
  sh.b = b;
}

// Whether a group's channels are copied to lie densely before many taps read them: where they are a cache line or less
// of every few, which share few sets of the first-level cache. 8x128x28x28 3x3 in 8 groups, called between other work,
// takes 1630 to 3070 us in place, from run to run, 1440 to 1530 so; called alone, 1280 either way. (4 groups: 2270 to
// 2750 in place, 2500 so.)
template <class T>
bool gathers_channels(const Correlation& s) {
  const i64 line = static_cast<i64>(kAlignment / sizeof(T));
  return s.groups > 1 && s.c / s.groups <= line && s.kh * s.kw >= 4 * s.stride_h * s.stride_w;
}

// All but what prepare makes.
template <class T>
Shared<T> describe(const Correlation& s) {
  const KernelTable<T>& k = kernels<T>();
  Shared<T> sh{};
  sh.s = s;
  sh.k = &k;
  sh.cg = s.c / s.groups, sh.ocg = s.oc / s.groups;
  sh.per_group = ceil_div(sh.ocg, k.gemm.nr);
  sh.gathers = s.planes || gathers_channels<T>(s);
  sh.x_pixel = sh.gathers ? sh.cg : s.c;
  sh.x_row = s.w * sh.x_pixel, sh.x_image = s.h * sh.x_row, sh.x_group = sh.cg;
  sh.row_segments = sh.x_pixel == sh.cg && s.dilation_w == 1;
  sh.segment = sh.row_segments ? s.kw * sh.cg : sh.cg;
  sh.most = k.gemm.rows[std::min<i64>(k.gemm.vectors, ceil_div(sh.ocg, vector_lanes<T>()))];
  return sh;
}

}  // namespace

template <class T>
bool correlate_turns_once(const Correlation& s) {
  if (s.n == 0 || s.groups == 1) return false;
  const Shared<T> sh = describe<T>(s);
  return make_tasks(s, true, s.groups * sh.per_group, sh.most).columns % sh.per_group == 0;
}

template <class T>
void correlate(const Correlation& s, const T* x, const WeightView<T>& weight, const Epilogue<T>& epilogue, T* y) {
  if (s.n <= 0 || s.oh * s.ow <= 0) return;
  Shared<T> sh = describe<T>(s);
  sh.x = x;
  sh.y = y;
  sh.epilogue = epilogue;
  sh.weight = weight;
  const i64 panels = s.groups * sh.per_group, nr = sh.k->gemm.nr;
  const Tasks tasks = make_tasks(s, sh.gathers, panels, sh.most);
  // In place, when the weights lie as the segments read them, and a row of them is a panel that streams as well as its
  // copy would, or they are read too seldom to pay for the copy. Copied by their only user, when there is one: what it
  // packs is in its caches.
  const bool in_place = weight.out == 1 && (!sh.row_segments || weight.col == sh.cg * weight.in) &&
                        (s.n * s.oh * s.ow <= kFewPixels ||
                         (s.groups == 1 && s.oc <= nr && streams_well(s, weight)));
  sh.own_panels = !in_place && tasks.batches * tasks.cuts == 1;
  prepare(sh, in_place);

  const i64 cost = tasks.images * tasks.rows * s.ow * (s.kh * s.kw * sh.cg * s.oc / tasks.parts / 32 + 1);
  parallel_for(tasks.batches * tasks.cuts * tasks.parts, cost, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 n0 = t / tasks.cuts % tasks.batches * tasks.images, r0 = t % tasks.cuts * tasks.rows;
      const i64 j0 = t / tasks.cuts / tasks.batches * tasks.columns;
      run_task(sh, {n0, std::min(s.n, n0 + tasks.images), r0, std::min(s.oh, r0 + tasks.rows), j0,
                    std::min(panels, j0 + tasks.columns)});
    }
  });
}

#define NNF_INSTANTIATE(T)                                                                                          \
  template bool correlate_turns_once<T>(const Correlation&);                                                        \
  template void correlate<T>(const Correlation&, const T*, const WeightView<T>&, const Epilogue<T>&, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
