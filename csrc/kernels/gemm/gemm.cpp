// Blocking, packing and threading around the microkernel.
//
// Loops, outermost first (after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008, with
// the roles of A and B exchanged, as C is row-major):
//
//   blocks of k and n          so that packed B stays in L2, or below kPackedBytes; one for small shapes
//     tasks: blocks of rows x columns of C, cut by shape
//       B packed into panels (k, nr), each by the first thread that needs it; left out when B can be read in place
//       kTaskBytes of rows of A    in place through pointers, or copied where that pays
//         nc columns of B            the piece (k, nc) of B stays in L2 while the rows pass over it
//           mr rows of A               used nc / nr times, from L1
//             nr columns of B            one microkernel call
//
// One row, few columns and some products with few rows go other ways: gemm_narrow.cpp. So do a few columns left over
// from whole vectors: 200 x 100 x 784 makes 96 columns here and 4 there.
//
// The order of an element's sum here follows from k alone: blocks of kc, added in order. It never depends on threads;
// blocks of n do, and on the caches, but no element's sum sees them.
#include "kernels/gemm/gemm.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <thread>

#include "base/cpu.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/problem.h"

namespace nnf {
namespace {

// k's block: the longer, the less often C is read and written (a 6x64 tile of floats: 24 lines in and out per 12 * kc
// cycles). It is L2 that bounds it, where a panel of B has to stay with a task's rows of A; L1 does not, for a whole
// panel passes by before a row of A is used again. 4 KB a row against 2 KB: 1024 and 2048 cubed 3 % faster on Zen 5.
// A constant, not a function of the cache sizes: it decides the order of summation, and so the bits.
template <class T>
constexpr i64 kMaxKc = 4096 / static_cast<i64>(sizeof(T));

// Packed B, about: one block of k, and as many columns as a few times L2 takes. With more of them an A that is
// copied, or comes from memory, is so less often; 4 to 32 MB differ by a percent or two. Any other A passes by as often
// as it must, and B's columns are used while they lie in L2 (block_columns).
constexpr i64 kPackedBytes = i64{1} << 23;

// A task should be worth some microseconds (in units of 64 multiply-adds), and there should be enough tasks to even
// out a few dozen threads, but no task of more rows than keep their part of A in L2.
constexpr i64 kTaskCost = 1 << 13;
constexpr i64 kManyTasks = 64;
constexpr i64 kTaskBytes = 96 << 12;
constexpr int kMaxMr = 16;  // of any ISA's geometry

template <class T>
i64 max_task_rows(i64 k) {
  const i64 mr = kernels<T>().gemm.mr;
  return std::clamp<i64>(kTaskBytes / (k * static_cast<i64>(sizeof(T))) / mr, 4, 16) * mr;
}

// Elements a cache line.
template <class T>
constexpr i64 kLine = 64 / static_cast<i64>(sizeof(T));

// i-th of `parts` near-equal cuts of n, at multiples of `unit`.
i64 cut(i64 n, i64 parts, i64 unit, i64 i) { return std::min(n, ceil_div(n * i, parts * unit) * unit); }

// B of one block: in place, or packed into panels, which begin a line more than their size apart: as many lines of
// neighbours as a row of B fills would else fall on one set of L1 (16 panels of 1024 x 16: 3.5 times as long).
template <class T>
struct BlockedB {
  MatView<T> b;
  T* packed;             // null: in place
  i64 panels, nr, step;  // panels across the block, each (k, nr) with `step` columns in use
  i64 group = 1;         // of panels that are packed together
  std::atomic<unsigned char>* state = nullptr;  // a group's: see pack_panels; null: in place
  const T* at(i64 j, i64 k) const { return packed ? packed + j / step * panel(k) : b.p + j; }
  i64 ld() const { return packed ? nr : b.rs; }
  i64 panel(i64 k) const { return packed ? packed_size(k) : step; }
  i64 packed_size(i64 k) const { return k * nr + kLine<T>; }
};

// Columns of a panel: as many as a tile takes, but 3 vectors where 4 would leave a last panel of one, whose tile has a
// load for each FMA (33 x 65 x 129, A transposed: 4.1 us, with 3 and 2 vectors 3.7).
template <class T>
i64 panel_step(i64 n) {
  const KernelTable<T>& kt = kernels<T>();
  const i64 lanes = kt.gemm.lanes, vectors = ceil_div(n, lanes);
  return kt.gemm.vectors == 4 && (vectors == 5 || vectors == 9) ? 3 * lanes : kt.gemm.nr;
}

// A block of C, rows i0..i1-1 and columns j0..j1-1 (j0 a multiple of nr).
struct Span {
  i64 i0, i1, j0, j1;
};

// Whether and how rows of A are copied to the thread's scratch before they are used.
//   strips  a transposed A. In place each step of k touches another line, and another page when the rows are long: a
//           tile's lines fill L1, or fall on a few of its sets. Turned into rows instead, 200 x 100 x 784 took 202 us
//           where strips take 178, 512 x 1024 x 4096 30 ms where strips take 26. One panel does not pay for it,
//           unless A comes from memory, from where strips are fetched ahead: 784 x 30 x 4000 1.22 times as fast, but
//           784 x 30 x 1000 0.79, 784 x 16 x 8192 0.76 times.
//   rows    a large A whose rows lie whole pages apart and pass by many panels: they fall on the same sets of the
//           caches (1024 cubed on a Sapphire Rapids core: 84 % of the peak in place, 91 % copied; on Zen 5 as fast in
//           place), with narrow panels also a small one. Other rows are read in place, which is 1 to 2 % faster: 500
//           cubed 1.018, 2048 x 256 x 640 1.029.
enum class Copy { none, strips, rows };

template <class T>
Copy copy_of_a(const Problem<T>& q) {
  const i64 nr = kernels<T>().gemm.nr;
  if (q.a.rs == 1 && q.a.cs >= q.m) {
    const bool pays = q.n > nr || (q.a_far && q.n > kernels<T>().gemm.lanes);
    return pays && q.k >= 16 ? Copy::strips : Copy::none;
  }
  const i64 bytes = q.m * q.k * static_cast<i64>(sizeof(T)), least = narrow_panels<T>() ? 0 : i64{1} << 19;
  const bool pays = q.m > 8 && q.n >= 4 * nr && bytes > least;
  return q.a.cs == 1 && pays && pages_apart<T>(q.a.rs) ? Copy::rows : Copy::none;
}

// Packs one group of panels. Where B's rows are contiguous, a few rows at a time across all of the group, a KB of each:
// read panel by panel, rows whole pages apart fall on one set of L1 and are loaded from L2 again for each line
// (1024 x 1024 in 132 us, so 84; in AVX2's panels of a line 441 and 81).
template <class T>
void pack_group(const BlockedB<T>& b, i64 n, i64 k, i64 group) {
  constexpr i64 kRows = 8;
  const GemmPackFn<T> pack = kernels<T>().gemm_pack_b;
  const i64 first = group * b.group, last = std::min(b.panels, first + b.group);
  const i64 rows = b.group > 1 ? kRows : k;
  for (i64 p = 0; p < k; p += rows) {
    for (i64 panel = first; panel < last; ++panel) {
      const i64 j = panel * b.step;
      pack(std::min(rows, k - p), std::min(b.step, n - j), b.b.p + p * b.b.rs + j * b.b.cs, b.b.rs, b.b.cs,
           b.packed + panel * b.packed_size(k) + p * b.nr);
    }
  }
}

// Sees to it that panels p0..p1-1 are packed: packs the groups nobody has begun, then waits for the rest. So two
// threads that work on different columns pack what they will read themselves, and no line of it has to pass between
// their caches. With B packed in a region of its own, two processors did 256 cubed 1.8 times as fast as one, or 1.3
// times where their caches lay far apart; so 1.95 times. Each panel right before its use, or in pieces of 128 rows, was
// no faster.
template <class T>
void pack_panels(const BlockedB<T>& b, i64 n, i64 k, i64 p0, i64 p1) {
  constexpr unsigned char kBegun = 1, kDone = 2;
  const i64 g0 = p0 / b.group, g1 = ceil_div(p1, b.group);
  for (i64 group = g0; group < g1; ++group) {
    unsigned char seen = b.state[group].load(std::memory_order_relaxed);
    if (seen != 0 || !b.state[group].compare_exchange_strong(seen, kBegun, std::memory_order_relaxed)) continue;
    pack_group(b, n, k, group);
    b.state[group].store(kDone, std::memory_order_release);
  }
  for (i64 group = g0; group < g1; ++group) {
    while (b.state[group].load(std::memory_order_acquire) != kDone) std::this_thread::yield();
  }
}

// Rows of a call of the microkernel for n columns: its own tile's; but where a tile takes no longer than a call, as
// many as keep C in L1 for what follows. Where nearly all of the time is that of storing a C beyond the caches,
// four: 2000 x 2000 x 4 a third faster than with six lines of each of six rows at once; but 1000 x 1000 x 9 a
// seventh slower.
template <class T>
i64 call_rows(const Problem<T>& q, i64 n, i64 step) {
  constexpr i64 kShort = 64, kBytes = 1 << 14;
  const i64 mr = kernels<T>().gemm.mr;
  if (n > step && q.k > kShort) return mr;
  if (q.k <= 4 && q.m * q.n * static_cast<i64>(sizeof(T)) > 8 * l2_bytes()) return 4;
  return std::max<i64>(1, kBytes / (n * static_cast<i64>(sizeof(T))) / mr) * mr;
}

template <class T>
void compute_span(const Problem<T>& q, const BlockedB<T>& b, i64 nc, const Span& span) {
  const KernelTable<T>& kt = kernels<T>();
  const i64 mr = kt.gemm.mr;
  NNF_ASSERT(mr <= kMaxMr);
  if (b.packed) pack_panels(b, q.n, q.k, span.j0 / b.step, ceil_div(span.j1, b.step));
  const T* rows[kMaxMr];
  GemmTile<T> t;
  t.k = q.k;
  t.segments = 1;
  t.a_seg = nullptr;
  t.ldb = b.ld();
  t.b_seg = 0;
  t.b_at = nullptr;
  t.step = b.step;
  t.b_panel = b.panel(q.k);
  t.ldc = q.ldc;
  t.accumulate = q.accumulate;
  t.relu = q.epilogue.act == NNF_ACT_RELU;
  const Copy copy = copy_of_a(q);
  const i64 strip = q.k * mr + kLine<T>, ld = round_up(q.k, kLine<T>) + kLine<T>;  // never a multiple of a page
  const i64 most = max_task_rows<T>(q.k);
  for (i64 s0 = span.i0; s0 < span.i1; s0 += most) {
    const i64 s1 = std::min(span.i1, s0 + most), count = s1 - s0;
    MatView<T> a{q.a.p + s0 * q.a.rs, q.a.rs, q.a.cs};
    if (copy == Copy::strips) {
      T* to = thread_scratch<T>(Scratch::gemm_rows, ceil_div(count, mr) * strip);
      kt.gemm_pack_strips(q.k, count, a.p, a.cs, strip, to);
      a = {to, 1, mr};
    } else if (copy == Copy::rows) {
      T* to = thread_scratch<T>(Scratch::gemm_rows, count * ld);
      for (i64 i = 0; i < count; ++i) std::copy_n(a.p + i * a.rs, q.k, to + i * ld);
      a = {to, ld, 1};
    }
    t.a_cs = a.cs;
    for (i64 jb = span.j0; jb < span.j1; jb += nc) {
      t.n = std::min(span.j1 - jb, nc);
      t.b = b.at(jb, q.k);
      t.bias = q.epilogue.bias ? q.epilogue.bias + jb : nullptr;
      const i64 rows_a_call = copy == Copy::strips ? mr : call_rows(q, t.n, b.step);
      for (i64 i = s0; i < s1; i += t.m) {
        // No call for a few rows that are left: a tile of one or two would wait for its few chains. 16 rows in one call
        // are 6 + 5 + 5 by a panel of 4 vectors, 16 x 1000 x 1000 1.26 times as fast as in two, each 4 + 4.
        const i64 left = s1 - i;
        const bool together = left <= rows_a_call || (copy != Copy::strips && rows_a_call == mr);
        t.m = left >= 2 * rows_a_call ? rows_a_call : together ? left : (left + 1) / 2;
        const i64 row = i - s0;
        t.rows = nullptr;
        t.a = copy == Copy::strips ? a.p + row / mr * strip + row % mr : a.p + row * a.rs;
        t.a_rs = a.rs;
        if (copy == Copy::strips && row % mr + t.m > mr) {  // across the end of a strip
          for (i64 r = 0; r < t.m; ++r) rows[r] = a.p + (row + r) / mr * strip + (row + r) % mr;
          t.rows = rows;
        }
        t.c = q.c + i * q.ldc + jb;
        kt.gemm_micro(t);
        if (!t.relu) apply_activation(q.epilogue, t.m, t.n, t.c, q.ldc);
      }
    }
  }
}

// Whether a B that could be read in place is packed all the same: when it is larger than L1, where panels save page
// walks and cache conflicts, and passed over often enough to pay for the copy. Time with B in place over that with
// B packed: 128 x 512 x 512 0.91, 196 x 256 x 2304 0.92, 256 x 2048 x 512 0.95, 512 cubed 0.96, 768 cubed 0.97,
// 2048 x 512 x 512 0.99, but 3136 x 256 x 576 1.07, 2000 x 512 x 1024 1.16. Many rows that are whole pages apart
// share few sets of the caches: 128 x 1024 x 4096 1.13, 64 x 1024 x 1024 1.21, 256 x 1024 x 300 1.03; narrow panels
// of AVX2, of which L1 then holds a dozen rows: 16 x 1024 x 64 1.33, 128 x 1024 x 256 1.40, 64 x 1024 x 1024 1.99;
// half a page apart 256 x 512 x 784 1.11.
template <class T>
bool packing_b_pays(const Problem<T>& q) {
  const i64 bytes = q.k * q.n * static_cast<i64>(sizeof(T));
  const bool narrow = narrow_panels<T>(), deep = q.k > 512;
  i64 least = bytes <= 2 * l2_bytes() ? 640 : narrow && bytes > 4 * l2_bytes() ? 128 : 192;
  if (q.k > 8 && pages_apart<T>(q.b.rs)) {
    least = narrow ? 8 : deep ? 40 : 192;
  } else if (narrow && deep && pages_apart<T>(q.b.rs, 2048)) {
    least = 64;
  }
  return bytes > (i64{1} << 16) && q.m >= least;
}

// One block: all of q's rows; q.k and q.n as the packed B allows.
template <class T>
void gemm_block(const Problem<T>& q) {
  const KernelTable<T>& kt = kernels<T>();
  const i64 mr = kt.gemm.mr, nr = kt.gemm.nr;
  const i64 step = panel_step<T>(q.n);
  BlockedB<T> b{q.b, nullptr, ceil_div(q.n, step), nr, step};
  if (q.b.cs != 1 || packing_b_pays(q)) {
    constexpr i64 kGroupBytes = 1024;  // of a row
    if (q.b.cs == 1) b.group = std::max<i64>(1, kGroupBytes / (step * static_cast<i64>(sizeof(T))));
    const i64 elements = b.panels * b.packed_size(q.k);
    b.packed = thread_scratch<T>(Scratch::gemm_b, elements + ceil_div(b.panels, static_cast<i64>(sizeof(T))));
    b.state = reinterpret_cast<std::atomic<unsigned char>*>(b.packed + elements);
    for (i64 panel = 0; panel < b.panels; ++panel) new (&b.state[panel]) std::atomic<unsigned char>(0);
  }
  const auto cost = [&](i64 rows, i64 columns) { return rows * columns * q.k / 64 + 1; };
  if (cost(q.m, q.n) < kParallelThreshold) {  // no second thread: no plan either
    compute_span(q, b, q.n, Span{0, q.m, 0, q.n});
    return;
  }
  // (k, nc) of B, a quarter of L2, stays there while a task's rows of A, another part of it, pass by.
  const i64 nc = std::max<i64>(1, l2_bytes() / 4 / (q.k * static_cast<i64>(sizeof(T)) * nr)) * step;
  // Columns of a task: all, or half of them where B is packed (see pack_panels), the halves can be near equal and no
  // row of A would be copied twice for it; fewer when there are few rows, so that there is work to share.
  const bool halves = b.packed && b.panels >= 4 && copy_of_a(q) == Copy::none;
  const i64 row_tiles = ceil_div(q.m, mr);
  i64 task_columns = round_up(halves ? ceil_div(q.n, i64{2}) : q.n, step);
  while (task_columns > step && row_tiles * ceil_div(q.n, task_columns) < kManyTasks / 4 &&
         cost(mr, task_columns) > 2 * kTaskCost) {
    task_columns = round_up(task_columns / 2, step);
  }
  if (const i64 threads = num_threads(); threads > 1) {  // each packs its part, and waits for no other's
    b.group = std::min(b.group, std::max<i64>(1, std::min(task_columns / step, b.panels / threads)));
  }
  const i64 column_tasks = ceil_div(q.n, task_columns);
  const i64 columns = std::min(q.n, task_columns);
  // Row tiles of a task.
  i64 tiles = std::max(row_tiles * column_tasks / kManyTasks, ceil_div(kTaskCost, cost(mr, columns)));
  tiles = std::max<i64>(1, std::min({tiles, max_task_rows<T>(q.k) / mr, row_tiles}));
  const i64 row_tasks = ceil_div(row_tiles, tiles);
  parallel_for(row_tasks * column_tasks, cost(std::min(q.m, tiles * mr), columns), [&](i64 begin, i64 end) {
    // Tasks of one column block lie next to each other, and those of one piece are done as one.
    while (begin < end) {
      const i64 jt = begin / row_tasks, it = begin % row_tasks;
      const i64 it_end = std::min(row_tasks, it + (end - begin));
      compute_span(q, b, nc,
                   Span{it * tiles * mr, std::min(q.m, it_end * tiles * mr), cut(q.n, column_tasks, step, jt),
                        cut(q.n, column_tasks, step, jt + 1)});
      begin += it_end - it;
    }
  });
}

// Columns of a block of B: near-equal parts of n, of kPackedBytes, or of half of L2 a thread where A may pass by so
// often. The latter: 200 x 4000 x 1000 1.12 times as fast, 1.15 on AVX2, 700 x 3000 x 500 1.03 and 1.05; but 4000 x
// 1000 x 1000 0.97 and 0.94, 2048 cubed 0.98 and 0.96. A block is a region of its own, so threads ask for some work
// in each.
template <class T>
i64 block_columns(const Problem<T>& q, i64 k_blocks) {
  constexpr i64 kBlockCost = 8 * kParallelThreshold * 64;  // in multiply-adds
  const i64 kc = ceil_div(q.k, k_blocks), threads = num_threads();
  const bool cheap = copy_of_a(q) == Copy::none && !q.a_far;
  const i64 bytes = cheap ? std::min(kPackedBytes, l2_bytes() / 2 * threads) : kPackedBytes;
  i64 columns = bytes / (kc * static_cast<i64>(sizeof(T))) + 1;
  if (threads > 1) columns = std::max(columns, kBlockCost / (q.m * kc));
  const i64 parts = ceil_div(q.n, columns + columns / 4);
  return round_up(ceil_div(q.n, parts), static_cast<i64>(kernels<T>().gemm.nr));
}

template <class T>
void gemm_blocks(const Problem<T>& q) {
  const i64 k_blocks = ceil_div(q.k, kMaxKc<T>), n_block = block_columns(q, k_blocks);
  if (k_blocks == 1 && n_block >= q.n) return gemm_block(q);
  for (i64 j = 0; j < q.n; j += n_block) {
    for (i64 kb = 0; kb < k_blocks; ++kb) {
      const i64 k0 = cut(q.k, k_blocks, 1, kb), k1 = cut(q.k, k_blocks, 1, kb + 1);
      Problem<T> block = q.columns(j, std::min(n_block, q.n - j));
      block.k = k1 - k0;
      block.a.p += k0 * q.a.cs;
      block.b.p += k0 * q.b.rs;
      block.accumulate = q.accumulate || kb > 0;
      if (kb + 1 < k_blocks) block.epilogue = {};
      gemm_block<T>(block);
    }
  }
}

}  // namespace

template <class T>
void gemm(i64 m, i64 n, i64 k, MatView<T> a, MatView<T> b, T* c, i64 ldc, bool accumulate,
          const Epilogue<T>& epilogue) {
  if (m <= 0 || n <= 0) return;
  const bool a_far = m * k * static_cast<i64>(sizeof(T)) > 8 * l2_bytes();
  const Problem<T> q{m, n, k, a, b, c, ldc, accumulate, epilogue, a_far};
  if (k <= 0) {
    for (i64 i = 0; i < m && !accumulate; ++i) std::fill_n(c + i * ldc, n, T(0));
    apply_epilogue(epilogue, m, 0, n, c, ldc);
  } else if (!gemm_narrow(q)) {
    const i64 tail = narrow_tail(q);
    if (tail == 0) return gemm_blocks(q);
    gemm_blocks(q.columns(0, n - tail));
    // Shared by the threads where the rest was: 784 x 100 x 200, A transposed, is done 1.60 times as fast by two
    // when one thread makes the last columns.
    const i64 weight = m * n * k / 64 >= kParallelThreshold ? 16 : 1;
    const Problem<T> rest = q.columns(n - tail, tail);
    if (!gemm_narrow(rest, weight)) gemm_blocks(rest);
  }
}

template void gemm<float>(i64, i64, i64, MatView<float>, MatView<float>, float*, i64, bool, const Epilogue<float>&);
template void gemm<double>(i64, i64, i64, MatView<double>, MatView<double>, double*, i64, bool,
                           const Epilogue<double>&);

}  // namespace nnf
