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

// n == 1 and C dense: the same product as a row. (As dot products of six rows with the one column, on AVX2, 1000 x 1000
// took 1.21 times as long and 20000 x 30 1.87 times.)
template <class T>
void one_column(const Problem<T>& q) {
  MatView<T> b = q.a.transposed();
  row_kernel_takes(q.m, q.k, &b);  // it does; but a stride is set that a dimension of one element has not
  one_row(Problem<T>{1, q.m, q.k, q.b.transposed(), b, q.c, q.m, q.accumulate, {}, q.a_far}, b);
  apply_epilogue(q.epilogue, q.m, 0, 1, q.c, 1);
}

// `b` is B with its columns contiguous.
template <class T>
void dots(const Problem<T>& q, const MatView<T>& b, i64 weight) {
  const KernelTable<T>& kt = kernels<T>();
  const i64 row_bytes = q.k * static_cast<i64>(sizeof(T));
  const i64 rows = std::max<i64>(1, kDotsRowBytes / row_bytes / kDotsRowStep) * kDotsRowStep;
  const i64 row_tasks = ceil_div(q.m, rows);
  const i64 cost = std::min(q.m, rows) * q.k / 64 + 1;  // of a column
  const i64 columns = round_up(ceil_div(kDotsCost, cost), 4);
  const i64 column_tasks = ceil_div(q.n, columns);
  parallel_for(row_tasks * column_tasks, cost * columns * weight, [&](i64 begin, i64 end) {
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

// Whether a strip of A, while it fits L2, is copied before it is read in narrow panels: when its rows lie whole pages
// apart, so that L1 would hold a dozen of them only. AVX2, 1024 x 10 x 128: 66 GFLOPS in place, 75 copied, 57 copied
// panel by panel; 98 with rows of 1040. (AVX-512 reads more of a row at once: 147 in place, 170 with other rows.)
constexpr i64 kCopiedRow = kStrip + 16;  // no power of two
template <class T>
bool copies_strips(const Problem<T>& q) {
  const bool fits = q.k * kCopiedRow * static_cast<i64>(sizeof(T)) <= l2_bytes();
  return narrow_panels<T>() && fits && q.n > 1 && q.k >= 16 && pages_apart<T>(q.a.cs);
}

// A's columns are contiguous: strips of C^T (n, kStrip), A read as the row-major B of that product.
template <class T>
void few_columns(const Problem<T>& q, i64 weight) {
  const KernelTable<T>& kt = kernels<T>();
  T* x = thread_scratch<T>(Scratch::gemm_rows, q.n * q.k);
  turn(q.k, q.n, q.b, x, q.k);
  const i64 cost = std::min(q.m, kStrip) * q.n * q.k / 64 + 1;
  const bool copied = copies_strips(q);
  parallel_for(ceil_div(q.m, kStrip), cost * weight, [&](i64 begin, i64 end) {
    T y[kFewColumns * kStrip];  // (n, kStrip)
    for (i64 i = begin * kStrip; i < std::min(q.m, end * kStrip); i += kStrip) {
      const i64 count = std::min(kStrip, q.m - i);
      const T* a = q.a.p + i;
      if (copied) {
        T* strip = thread_scratch<T>(Scratch::gemm_b, q.k * kCopiedRow);
        for (i64 p = 0; p < q.k; ++p) std::copy_n(a + p * q.a.cs, count, strip + p * kCopiedRow);
        a = strip;
      }
      const i64 lda = copied ? kCopiedRow : q.a.cs;
      if (q.n == 1) {
        kt.gemm_row(count, q.k, x, a, lda, 1, y, false);
      } else {
        const i64 nr = kt.gemm.nr;
        kt.gemm_micro({q.n, count, q.k, 1, nullptr, x, q.k, nullptr, 1, a, lda, 0, nullptr, nr, nr, y, kStrip, false,
                       nullptr, false});
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

// What the ways cost, in FMAs of a vector. The constants are fitted to times on a Zen 5 core, of arrays that begin 16
// bytes after a cache line as NumPy's do; they meet these within a sixth or so.
//   dots    a vector of k an FMA, and four sums over lanes the time of 9, at 0.93 of the peak; 1.2 times that when A
//           passes by from L2; 0.6 of the peak when a tile's rows of A and B do not fit L1
//   tiles   V FMAs a row and k, whatever part of the last vector is used, at 0.95 of the peak, 0.8 when V is 1
//   either  0.6 for each element of a B that must be turned around first
//   few     columns, as rows of C^T: an FMA a vector of A, column and k, at 0.85, and 2 for each element of C to turn
template <class T>
double turning_cost(const Problem<T>& q) {
  return 0.6 * static_cast<double>(q.n * q.k);
}

template <class T>
double dots_cost(const Problem<T>& q) {
  const i64 groups = ceil_div(q.n, 4), bytes = q.k * static_cast<i64>(sizeof(T));
  const bool fits_l1 = 10 * bytes <= 40960;
  const i64 fmas = q.m * (q.n * ceil_div(q.k, vector_lanes<T>()) + groups * 9);
  double cost = static_cast<double>(fmas) / (fits_l1 ? 0.93 : 0.6);
  if (fits_l1 && q.m * bytes > 65536) cost *= 1.2;
  return q.b.rs != 1 ? cost + turning_cost(q) : cost;
}

template <class T>
double tiles_cost(const Problem<T>& q) {
  const i64 vectors = ceil_div(q.n, vector_lanes<T>());
  const double cost = static_cast<double>(q.m * vectors * q.k) / (vectors == 1 ? 0.8 : 0.95);
  return q.b.cs != 1 ? cost + turning_cost(q) : cost;
}

template <class T>
double few_columns_cost(const Problem<T>& q) {
  const i64 fmas = q.n * q.k * ceil_div(q.m, vector_lanes<T>());
  return static_cast<double>(fmas) / 0.85 + 2 * static_cast<double>(q.m * q.n) + turning_cost(q);
}

template <class T>
bool has_rows(const Problem<T>& q) {
  return q.a.cs == 1 || q.k == 1;
}

}  // namespace

template <class T>
bool gemm_narrow(const Problem<T>& q, i64 weight) {
  MatView<T> b = q.b;
  if (q.m == 1 && row_kernel_takes(q.n, q.k, &b)) {
    one_row(q, b);
    return true;
  }
  if (q.n == 1 && q.ldc == 1 && (q.a.rs == 1 || has_rows(q))) {
    one_column(q);
    return true;
  }
  if (has_rows(q) && dots_cost(q) < tiles_cost(q)) {
    if (b.rs != 1) {
      T* columns = thread_scratch<T>(Scratch::gemm_rows, q.n * q.k);
      turn(q.k, q.n, q.b, columns, q.k);
      b = {columns, 1, q.k};
    }
    dots(q, b, weight);
    return true;
  }
  if (q.a.rs == 1 && q.n <= kFewColumns) {
    few_columns(q, weight);
    return true;
  }
  return false;
}

template <class T>
i64 narrow_tail(const Problem<T>& q) {
  constexpr double kCall = 2000;  // of a second product: checks, a pass over its few results
  const i64 tail = q.n % vector_lanes<T>();
  if (q.n == tail || tail == 0 || tail > kFewColumns || (!has_rows(q) && q.a.rs != 1)) return 0;
  const Problem<T> rest = q.columns(q.n - tail, tail);
  const double narrow = has_rows(q) ? dots_cost(rest) : few_columns_cost(rest);
  return 1.03 * (tiles_cost(q.columns(0, q.n - tail)) + narrow + kCall) < tiles_cost(q) ? tail : 0;
}

template bool gemm_narrow<float>(const Problem<float>&, i64);
template bool gemm_narrow<double>(const Problem<double>&, i64);
template i64 narrow_tail<float>(const Problem<float>&);
template i64 narrow_tail<double>(const Problem<double>&);

}  // namespace nnf
