// Blocking, packing and threading around the microkernel.
//
// Loops, outermost first (after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008, with
// the roles of A and B exchanged, as C is row-major):
//
//   super-blocks of k and n    only so that packed B stays below kPackedBytes; one of each for most shapes
//     pack B into panels (kc, nr), all threads; left out when B can be read in place
//     tasks: blocks of rows x nc columns of C, cut by shape
//       kc rows of B           the piece (kc, nc) of B stays in L2 while all rows of the task pass over it
//         mr rows of A           in place through pointers, or turned around; (mr, kc) of A is used nc / nr times
//           nr columns of B        one microkernel call
//
// One row, or a few columns, go another way: kernels/gemm/gemv-inl.h, no packing.
//
// The order of an element's sum follows from k and the strides: blocks of kc, added in order. Only one row (m == 1) and
// few columns (n <= nr / 16 or n == 1) have another order, each its own. Never does it depend on m > 1 or on threads.
#include "kernels/gemm/gemm.h"

#include <algorithm>

#include "base/cpu.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// k's block: the longer, the less often C is read and written (a 6x64 tile of floats: 24 lines in and out per 12 * kc
// cycles) and the more of L1 the rows of A take. 2 KB a row is 12 KB for six rows; 1 and 3 KB were no better at 512 and
// 1024 cubed. A constant, not a function of the cache sizes: it decides the order of summation, and so the bits.
template <class T>
constexpr i64 kMaxKc = 2048 / static_cast<i64>(sizeof(T));

// Packed B, at most: beyond it the buffer would be felt by the user.
constexpr i64 kPackedBytes = i64{1} << 25;

// A task should be worth some microseconds (in units of 64 multiply-adds), and there should be enough tasks to even
// out a few dozen threads, but no task of more rows than keep their strips of A and C in L2 (96 and 1024: no better).
constexpr i64 kTaskCost = 1 << 13;
constexpr i64 kManyTasks = 64;
constexpr i64 kMaxTaskRows = 192;
constexpr int kMaxMr = 16;  // of any ISA's geometry

// Elements a cache line.
template <class T>
constexpr i64 kLine = 64 / static_cast<i64>(sizeof(T));

// i-th of `parts` near-equal cuts of n, at multiples of `unit`.
i64 cut(i64 n, i64 parts, i64 unit, i64 i) { return std::min(n, ceil_div(n * i, parts * unit) * unit); }

template <class T>
struct Problem {
  i64 m, n, k;
  MatView<T> a, b;
  T* c;
  i64 ldc;
  bool accumulate;
  const Epilogue<T>& epilogue;
};

template <class T>
void apply_epilogue(const Epilogue<T>& e, i64 rows, i64 first_column, i64 n, T* c, i64 ldc) {
  const KernelTable<T>& kt = kernels<T>();
  if (e.bias) kt.bias_add_rows(rows, n, e.bias + first_column, c, ldc);
  if (e.act == NNF_ACT_IDENTITY) return;
  const ActForwardFn<T> forward = kt.activation[e.act].forward;
  if (ldc == n) {
    forward(rows * n, c, c, e.alpha);
  } else {
    for (i64 i = 0; i < rows; ++i) forward(n, c + i * ldc, c + i * ldc, e.alpha);
  }
}

// ---------------------------------------------------------------- one row, or few columns: no packing

// Elements of y a task makes: whole cache lines, and two (AVX-512) to eight passes of the kernel.
constexpr i64 kStrip = 256;
constexpr i64 kFewColumns = 4;

// Elements 0..n-1 of a vector that lies anywhere, one after the other.
template <class T>
void gather(i64 n, const T* x, i64 stride, T* dense) {
  for (i64 i = 0; i < n; ++i) dense[i] = x[i * stride];
}

// The kernel asks for a unit stride; a dimension of one element may be given any.
template <class T>
bool row_kernel_takes(i64 n, i64 k, MatView<T>* b) {
  if (n == 1) b->cs = 1;
  if (k == 1) b->rs = 1;
  return b->rs == 1 || b->cs == 1;
}

// m == 1: y = x B, what a prediction for one sample is made of.
template <class T>
void gemm_one_row(const Problem<T>& q, const MatView<T>& b) {
  const T* x = q.a.p;
  if (q.a.cs != 1) {
    T* dense = thread_scratch<T>(Scratch::gemm_rows, q.k);
    gather(q.k, x, q.a.cs, dense);
    x = dense;
  }
  const GemmRowFn<T> row = kernels<T>().gemm_row;
  parallel_for(ceil_div(q.n, kStrip), std::min(q.n, kStrip) * q.k / 16 + 1, [&](i64 begin, i64 end) {
    const i64 j = begin * kStrip;
    row(std::min(q.n, end * kStrip) - j, q.k, x, b.p + j * b.cs, b.rs, b.cs, q.c + j, q.accumulate);
  });
}

// A column of C is a vector too: A times a column of B. `a` is A^T.
template <class T>
void gemm_few_columns(const Problem<T>& q, const MatView<T>& a) {
  T* x = thread_scratch<T>(Scratch::gemm_rows, q.n * q.k);  // the columns of B, dense
  const KernelTable<T>& kt = kernels<T>();
  if (q.b.cs == 1 && q.b.rs >= q.n) {
    kt.transpose(q.k, q.n, q.b.p, q.b.rs, x, q.k);
  } else {
    for (i64 j = 0; j < q.n; ++j) gather(q.k, q.b.p + j * q.b.cs, q.b.rs, x + j * q.k);
  }
  parallel_for(ceil_div(q.m, kStrip), std::min(q.m, kStrip) * q.n * q.k / 16 + 1, [&](i64 begin, i64 end) {
    T y[kStrip * kFewColumns];  // (n, kStrip)
    for (i64 i = begin * kStrip; i < std::min(q.m, end * kStrip); i += kStrip) {
      const i64 rows = std::min(kStrip, q.m - i);
      T* c = q.c + i * q.ldc;
      for (i64 j = 0; j < q.n; ++j) {  // the strip of A is still in cache for its second column
        kt.gemm_row(rows, q.k, x + j * q.k, a.p + i * a.cs, a.rs, a.cs, y + j * kStrip, false);
      }
      if (!q.accumulate) {
        kt.transpose(q.n, rows, y, kStrip, c, q.ldc);
        continue;
      }
      for (i64 r = 0; r < rows; ++r) {
        for (i64 j = 0; j < q.n; ++j) c[r * q.ldc + j] += y[j * kStrip + r];
      }
    }
  });
}

// True when C was made here. Few columns: a row tile would leave most lanes of its vectors idle and still load an
// element of A for each FMA; dot products with the rows of A load a vector (64x4x64: 0.8 us instead of 1.2).
template <class T>
bool gemm_by_vectors(const Problem<T>& q) {
  MatView<T> b = q.b, a = q.a.transposed();
  if (q.m == 1 && row_kernel_takes(q.n, q.k, &b)) {
    gemm_one_row(q, b);
    return true;
  }
  const bool few = q.n <= kFewColumns && q.n * 16 <= kernels<T>().gemm.nr && q.a.cs == 1;
  if (q.m > 1 && (few || q.n == 1) && row_kernel_takes(q.m, q.k, &a)) {
    gemm_few_columns(q, a);
    return true;
  }
  return false;
}

// ---------------------------------------------------------------- blocks

// B's part of one super-block: in place, or packed: for each block of k its panels one after the other.
template <class T>
struct BlockedB {
  MatView<T> b;
  T* packed;       // null: in place
  i64 panels, nr;  // panels across the super-block
  const T* at(i64 k0, i64 kc, i64 j) const {
    return packed ? packed + (k0 * panels * nr + j / nr * nr * kc) + j % nr : b.p + k0 * b.rs + j;
  }
  i64 ld() const { return packed ? nr : b.rs; }
};

// A block of C, rows i0..i1-1 and columns j0..j1-1 (j0 a multiple of nr).
struct Span {
  i64 i0, i1, j0, j1;
};

// Whether to turn a transposed A around, into the thread's scratch. In place each step of k touches another line, and
// another page when the rows are long: a tile's lines fill L1, or fall on a few of its sets (512 cubed: 3.1 ms in
// place, 1.9 ms turned; 1024 cubed: 28 ms and 17 ms). With few columns the turning costs more than it saves.
template <class T>
bool packing_a_pays(const Problem<T>& q) {
  return q.a.rs == 1 && q.a.cs >= q.m && q.n >= 64 && q.k >= 64;
}

template <class T>
void compute_span(const Problem<T>& q, const BlockedB<T>& b, i64 k_blocks, bool first, bool last,
                  const Span& span) {
  const KernelTable<T>& kt = kernels<T>();
  const i64 mr = kt.gemm.mr, nr = kt.gemm.nr;
  NNF_ASSERT(mr <= kMaxMr);
  const T* rows[kMaxMr];
  GemmTile<T> t;
  t.segments = 1;
  t.rows = rows;
  t.a_seg = nullptr;
  t.ldb = b.ld();
  t.b_seg = 0;
  t.ldc = q.ldc;
  const bool pack_a = packing_a_pays(q);
  for (i64 s0 = span.i0; s0 < span.i1; s0 += kMaxTaskRows) {
    const i64 s1 = std::min(span.i1, s0 + kMaxTaskRows);
    for (i64 kb = 0; kb < k_blocks; ++kb) {
      const i64 k0 = cut(q.k, k_blocks, 1, kb), k1 = cut(q.k, k_blocks, 1, kb + 1);
      t.k = k1 - k0;
      t.accumulate = q.accumulate || !first || kb > 0;
      MatView<T> a{q.a.p + s0 * q.a.rs + k0 * q.a.cs, q.a.rs, q.a.cs};
      if (pack_a) {
        const i64 ld = round_up(t.k, kLine<T>) + kLine<T>;  // never a multiple of a page
        T* packed = thread_scratch<T>(Scratch::gemm_rows, (s1 - s0) * ld);
        kt.transpose(t.k, s1 - s0, a.p, a.cs, packed, ld);
        a = {packed, ld, 1};
      }
      t.a_cs = a.cs;
      for (i64 i = s0; i < s1; i += t.m) {
        // The last two tiles share their rows evenly: a tile of one or two rows would wait for its few chains.
        t.m = s1 - i >= 2 * mr ? mr : s1 - i > mr ? (s1 - i + 1) / 2 : s1 - i;
        for (i64 r = 0; r < t.m; ++r) rows[r] = a.p + (i - s0 + r) * a.rs;
        for (i64 j = span.j0; j < span.j1; j += nr) {
          t.n = std::min(nr, span.j1 - j);
          t.b = b.at(k0, t.k, j);
          t.c = q.c + i * q.ldc + j;
          kt.gemm_micro(t);
        }
        if (last && kb + 1 == k_blocks) {
          apply_epilogue(q.epilogue, t.m, span.j0, span.j1 - span.j0, q.c + i * q.ldc + span.j0, q.ldc);
        }
      }
    }
  }
}

template <class T>
void pack_b(const BlockedB<T>& b, i64 n, i64 k, i64 k_blocks) {
  const GemmPackFn<T> pack = kernels<T>().gemm_pack_b;
  const i64 kc = ceil_div(k, k_blocks);
  parallel_for(b.panels * k_blocks, kc * b.nr / 8 + 1, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 kb = t / b.panels, j = t % b.panels * b.nr;
      const i64 k0 = cut(k, k_blocks, 1, kb), k1 = cut(k, k_blocks, 1, kb + 1);
      pack(k1 - k0, std::min(b.nr, n - j), b.b.p + k0 * b.b.rs + j * b.b.cs, b.b.rs, b.b.cs,
           b.packed + k0 * b.panels * b.nr + j * (k1 - k0));
    }
  });
}

// Whether a B that could be read in place is packed all the same: when it is larger than L1, where panels save page
// walks and cache conflicts, and passed over often enough to pay for the copy.
template <class T>
bool packing_b_pays(const Problem<T>& q) {
  return q.m >= 128 && q.k * q.n * static_cast<i64>(sizeof(T)) > i64{1} << 16;
}

// One super-block: all of q's rows, q.n columns, q.k.
template <class T>
void gemm_super_block(const Problem<T>& q, i64 k_blocks, bool first, bool last) {
  const KernelTable<T>& kt = kernels<T>();
  const i64 mr = kt.gemm.mr, nr = kt.gemm.nr;
  BlockedB<T> b{q.b, nullptr, ceil_div(q.n, nr), nr};
  if (q.b.cs != 1 || packing_b_pays(q)) {
    b.packed = thread_scratch<T>(Scratch::gemm_b, b.panels * nr * q.k);
    pack_b(b, q.n, q.k, k_blocks);
  }
  const auto cost = [&](i64 rows, i64 columns) { return rows * columns * q.k / 64 + 1; };
  if (cost(q.m, q.n) < kParallelThreshold) {  // no second thread: no plan either
    compute_span(q, b, k_blocks, first, last, Span{0, q.m, 0, q.n});
    return;
  }
  // Columns of a task: a quarter of L2 for (kc, nc) of B (half lost 5 % at 1024 cubed: A and C pass through too); fewer
  // when there are few rows, so that there is work to share.
  const i64 l2 = cpu_info().cache[2] > 0 ? cpu_info().cache[2] : i64{1} << 19;
  const i64 kc = ceil_div(q.k, k_blocks);
  const i64 row_tiles = ceil_div(q.m, mr);
  i64 nc = std::max<i64>(1, l2 / 4 / (kc * static_cast<i64>(sizeof(T)) * nr)) * nr;
  while (nc > nr && row_tiles * ceil_div(q.n, nc) < kManyTasks / 4 && cost(mr, nc) > 2 * kTaskCost) {
    nc = round_up(nc / 2, nr);
  }
  const i64 column_tasks = ceil_div(q.n, nc);
  const i64 columns = std::min(q.n, nc);
  // Row tiles of a task.
  i64 tiles = std::max(row_tiles * column_tasks / kManyTasks, ceil_div(kTaskCost, cost(mr, columns)));
  tiles = std::max<i64>(1, std::min({tiles, kMaxTaskRows / mr, row_tiles}));
  const i64 row_tasks = ceil_div(row_tiles, tiles);
  parallel_for(row_tasks * column_tasks, cost(std::min(q.m, tiles * mr), columns), [&](i64 begin, i64 end) {
    // Tasks of one column block lie next to each other, and those of one piece are done as one.
    while (begin < end) {
      const i64 jt = begin / row_tasks, it = begin % row_tasks;
      const i64 it_end = std::min(row_tasks, it + (end - begin));
      compute_span(q, b, k_blocks, first, last,
                   Span{it * tiles * mr, std::min(q.m, it_end * tiles * mr), cut(q.n, column_tasks, nr, jt),
                        cut(q.n, column_tasks, nr, jt + 1)});
      begin += it_end - it;
    }
  });
}

template <class T>
void gemm_blocks(const Problem<T>& q) {
  const i64 nr = kernels<T>().gemm.nr;
  const i64 k_blocks = ceil_div(q.k, kMaxKc<T>);
  constexpr i64 kSuperBlocks = 16;  // blocks of k in a super-block
  const i64 k_super = ceil_div(k_blocks, kSuperBlocks);
  const i64 k_bytes = ceil_div(q.k, k_super) * static_cast<i64>(sizeof(T));
  const i64 n_super_size = std::max(nr, kPackedBytes / k_bytes / nr * nr);
  for (i64 j = 0; j < q.n; j += n_super_size) {
    for (i64 s = 0; s < k_super; ++s) {
      const i64 b0 = cut(k_blocks, k_super, 1, s), b1 = cut(k_blocks, k_super, 1, s + 1);
      const i64 k0 = cut(q.k, k_blocks, 1, b0), k1 = cut(q.k, k_blocks, 1, b1);
      Epilogue<T> epilogue = q.epilogue;
      if (epilogue.bias) epilogue.bias += j;
      const Problem<T> part{q.m,
                            std::min(n_super_size, q.n - j),
                            k1 - k0,
                            {q.a.p + k0 * q.a.cs, q.a.rs, q.a.cs},
                            {q.b.p + k0 * q.b.rs + j * q.b.cs, q.b.rs, q.b.cs},
                            q.c + j,
                            q.ldc,
                            q.accumulate,
                            epilogue};
      gemm_super_block(part, b1 - b0, s == 0, s + 1 == k_super);
    }
  }
}

}  // namespace

template <class T>
void gemm(i64 m, i64 n, i64 k, MatView<T> a, MatView<T> b, T* c, i64 ldc, bool accumulate,
          const Epilogue<T>& epilogue) {
  if (m <= 0 || n <= 0) return;
  const Problem<T> q{m, n, k, a, b, c, ldc, accumulate, epilogue};
  if (k <= 0) {
    for (i64 i = 0; i < m && !accumulate; ++i) std::fill_n(c + i * ldc, n, T(0));
  } else if (!gemm_by_vectors(q)) {
    gemm_blocks(q);
    return;
  }
  apply_epilogue(epilogue, m, 0, n, c, ldc);
}

template void gemm<float>(i64, i64, i64, MatView<float>, MatView<float>, float*, i64, bool, const Epilogue<float>&);
template void gemm<double>(i64, i64, i64, MatView<double>, MatView<double>, double*, i64, bool,
                           const Epilogue<double>&);

}  // namespace nnf
