// The products that the blocked way of gemm.cpp makes badly: one row, few columns, few rows against a transposed B.
//
//   one row                      a vector times a matrix: gemv-inl.h, nothing is packed
//   A's rows contiguous          dot products, vectors along k: dots-inl.h. B's columns are read in place when they are
//                                contiguous, and turned around when there are so few that this costs nothing
//   A's columns contiguous,      C^T = B^T A^T: B's few columns are the rows of a tile, A is read in place
//     few columns
//
// Which way follows from the shape and the strides, and so does the order of an element's sum.
#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/problem.h"

namespace nnf {
namespace {

// Elements of y a task makes: whole cache lines, and one (AVX-512) to eight passes of the kernel.
constexpr i64 kStrip = 256;
// Rows of a transposed product: one or two tiles, held in a strip of kStrip columns on the stack.
constexpr i64 kFewColumns = 12;
// A task of dot products, in units of 64 multiply-adds, and the bytes of A that its rows may take: they pass by every
// few columns of B, from L2.
constexpr i64 kDotsCost = 1 << 12, kDotsRowBytes = i64{1} << 18, kDotsRowStep = 12;

// The kernel asks for a unit stride; a dimension of one element may be given any.
template <class T>
bool row_kernel_takes(i64 n, i64 k, MatView<T>* b) {
  if (n == 1) b->cs = 1;
  if (k == 1) b->rs = 1;
  return b->rs == 1 || b->cs == 1;
}

// m == 1: y = x B, what a prediction for one sample is made of.
template <class T>
void one_row(const Problem<T>& q, const MatView<T>& b) {
  const T* x = q.a.p;
  if (q.a.cs != 1) {
    T* dense = thread_scratch<T>(Scratch::gemm_rows, q.k);
    turn(q.k, 1, q.a.transposed(), dense, q.k);
    x = dense;
  }
  const GemmRowFn<T> row = kernels<T>().gemm_row;
  parallel_for(ceil_div(q.n, kStrip), std::min(q.n, kStrip) * q.k / 16 + 1, [&](i64 begin, i64 end) {
    const i64 j = begin * kStrip, n = std::min(q.n, end * kStrip) - j;
    row(n, q.k, x, b.p + j * b.cs, b.rs, b.cs, q.c + j, q.accumulate);
    apply_epilogue(q.epilogue, 1, j, n, q.c + j, q.ldc);
  });
}

// `b` is B with its columns contiguous.
template <class T>
void dots(const Problem<T>& q, const MatView<T>& b) {
  const KernelTable<T>& kt = kernels<T>();
  const i64 row_bytes = q.k * static_cast<i64>(sizeof(T));
  const i64 rows = std::max<i64>(1, kDotsRowBytes / row_bytes / kDotsRowStep) * kDotsRowStep;
  const i64 row_tasks = ceil_div(q.m, rows);
  const i64 cost = std::min(q.m, rows) * q.k / 64 + 1;  // of a column
  const i64 columns = round_up(ceil_div(kDotsCost, cost), 4);
  const i64 column_tasks = ceil_div(q.n, columns);
  parallel_for(row_tasks * column_tasks, cost * columns, [&](i64 begin, i64 end) {
    while (begin < end) {  // neighbours in one row of tasks are done as one
      const i64 i = begin / column_tasks * rows, first = begin % column_tasks;
      const i64 last = std::min(column_tasks, first + end - begin);
      const i64 j = first * columns;
      const i64 m = std::min(rows, q.m - i), n = std::min(q.n, last * columns) - j;
      T* c = q.c + i * q.ldc + j;
      kt.gemm_dots({m, n, q.k, q.a.p + i * q.a.rs, q.a.rs, b.p + j * b.cs, b.cs, c, q.ldc, q.accumulate});
      apply_epilogue(q.epilogue, m, j, n, c, q.ldc);
      begin += last - first;
    }
  });
}

// A's columns are contiguous: strips of C^T (n, kStrip), A read as the row-major B of that product.
template <class T>
void few_columns(const Problem<T>& q) {
  const KernelTable<T>& kt = kernels<T>();
  T* x = thread_scratch<T>(Scratch::gemm_rows, q.n * q.k);
  turn(q.k, q.n, q.b, x, q.k);
  parallel_for(ceil_div(q.m, kStrip), std::min(q.m, kStrip) * q.n * q.k / 64 + 1, [&](i64 begin, i64 end) {
    T y[kFewColumns * kStrip];  // (n, kStrip)
    for (i64 i = begin * kStrip; i < std::min(q.m, end * kStrip); i += kStrip) {
      const i64 count = std::min(kStrip, q.m - i);
      if (q.n == 1) {
        kt.gemm_row(count, q.k, x, q.a.p + i, q.a.cs, 1, y, false);
      } else {
        const i64 nr = kt.gemm.nr;
        kt.gemm_micro({q.n, count, q.k, 1, nullptr, x, q.k, nullptr, 1, q.a.p + i, q.a.cs, 0, nullptr, nr, nr, y,
                       kStrip, false, nullptr, false});
      }
      T* c = q.c + i * q.ldc;
      if (!q.accumulate) {
        kt.transpose(q.n, count, y, kStrip, c, q.ldc);
      } else {
        for (i64 r = 0; r < count; ++r) {
          for (i64 j = 0; j < q.n; ++j) c[r * q.ldc + j] += y[j * kStrip + r];
        }
      }
      apply_epilogue(q.epilogue, count, 0, q.n, c, q.ldc);
    }
  });
}

// Whether dot products are faster than tiles, both in FMAs of a vector; the constants are fitted to times on a Zen 5
// core, which they meet within a sixth or so.
//   dots    a vector of k an FMA, and four sums over lanes the time of 16, at 0.93 of the peak; 0.64 when a group of
//           columns is not full (its loads bound it then) or when a tile's rows of A and B do not fit L1; a little less
//           when A passes by from L2
//   tiles   V FMAs a row and k, whatever part of the last vector is used, at 0.92 of the peak, 0.65 when V is 1
//   either  0.9 for each element of a B that must be turned around first
template <class T>
bool dots_pay(const Problem<T>& q) {
  const KernelTable<T>& kt = kernels<T>();
  const i64 lanes = kt.gemm.nr / kt.gemm.vectors, vectors = ceil_div(q.n, lanes), groups = ceil_div(q.n, 4);
  const i64 bytes = q.k * static_cast<i64>(sizeof(T));
  const double turning = 0.9 * static_cast<double>(q.n * q.k);
  const bool slow = q.n % 4 != 0 || 10 * bytes > 40960;
  double dots = static_cast<double>(q.m * (q.n * ceil_div(q.k, lanes) + groups * 16)) / (slow ? 0.64 : 0.93);
  if (q.m * bytes > 65536) dots *= 1.08;
  if (q.b.rs != 1) dots += turning;
  double tiles = static_cast<double>(q.m * vectors * q.k) / (vectors == 1 ? 0.65 : 0.92);
  if (q.b.cs != 1) tiles += turning;
  return dots < tiles;
}

}  // namespace

template <class T>
bool gemm_narrow(const Problem<T>& q) {
  MatView<T> b = q.b;
  if (q.m == 1 && row_kernel_takes(q.n, q.k, &b)) {
    one_row(q, b);
    return true;
  }
  const bool a_rows = q.a.cs == 1 || q.k == 1, a_columns = q.a.rs == 1;
  if (a_rows && dots_pay(q)) {
    if (b.rs != 1) {
      T* columns = thread_scratch<T>(Scratch::gemm_rows, q.n * q.k);
      turn(q.k, q.n, q.b, columns, q.k);
      b = {columns, 1, q.k};
    }
    dots(q, b);
    return true;
  }
  if (a_columns && q.n <= kFewColumns) {
    few_columns(q);
    return true;
  }
  return false;
}

template bool gemm_narrow<float>(const Problem<float>&);
template bool gemm_narrow<double>(const Problem<double>&);

}  // namespace nnf
