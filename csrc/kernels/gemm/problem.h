// What the ways to make a matrix product share: the problem, its epilogue, a strided copy. Internal to this folder.
#ifndef NNF_KERNELS_GEMM_PROBLEM_H
#define NNF_KERNELS_GEMM_PROBLEM_H

#include "base/cpu.h"
#include "kernels/dispatch.h"
#include "kernels/gemm/gemm.h"

namespace nnf {

template <class T>
struct Problem {
  i64 m, n, k;
  MatView<T> a, b;
  T* c;
  i64 ldc;
  bool accumulate;
  Epilogue<T> epilogue;
  bool a_far;  // A, of which a block has a part, lies in memory, not in a cache

  // Columns j..j+count-1 of it.
  Problem columns(i64 j, i64 count) const {
    Problem part = *this;
    part.n = count;
    part.b.p += j * b.cs;
    part.c += j;
    if (part.epilogue.bias != nullptr) part.epilogue.bias += j;
    return part;
  }
};

// Bytes of a core's second-level cache; what is usual where it is not known.
inline i64 l2_bytes() { return cpu_info().cache[2] > 0 ? cpu_info().cache[2] : i64{1} << 19; }

// Whether rows so many elements apart lie whole pages apart (or half ones), and so on few sets of the caches.
template <class T>
bool pages_apart(i64 stride, i64 page = 4096) {
  return stride != 0 && stride * static_cast<i64>(sizeof(T)) % page == 0;
}

// Whether a packed panel's row is a line or two, not four (AVX2): read in place, each row is then another page's line.
template <class T>
bool narrow_panels() {
  return kernels<T>().gemm.vectors < 4;
}

// On rows x n elements of C that the bias is in.
template <class T>
void apply_activation(const Epilogue<T>& e, i64 rows, i64 n, T* c, i64 ldc) {
  if (e.act == NNF_ACT_IDENTITY) return;
  const ActForwardFn<T> forward = kernels<T>().activation[e.act].forward;
  if (ldc == n) {
    forward(rows * n, c, c, e.alpha);
  } else {
    for (i64 i = 0; i < rows; ++i) forward(n, c + i * ldc, c + i * ldc, e.alpha);
  }
}

// On rows x n elements of C whose sums are complete.
template <class T>
void apply_epilogue(const Epilogue<T>& e, i64 rows, i64 first_column, i64 n, T* c, i64 ldc) {
  if (e.bias) kernels<T>().bias_add_rows(rows, n, e.bias + first_column, c, ldc);
  apply_activation(e, rows, n, c, ldc);
}

// y (columns, rows), row stride `ld`, from x (rows, columns) by strides: columns become rows.
template <class T>
void turn(i64 rows, i64 columns, MatView<T> x, T* y, i64 ld) {
  if (x.cs == 1 && x.rs >= columns) {
    kernels<T>().transpose(rows, columns, x.p, x.rs, y, ld);
    return;
  }
  for (i64 j = 0; j < columns; ++j) {
    for (i64 i = 0; i < rows; ++i) y[j * ld + i] = x.p[i * x.rs + j * x.cs];
  }
}

// One row, few columns, or few rows against a B that lies the wrong way round: true when C was made (gemm_narrow.cpp).
// weight: how often its work counts where it is decided whether threads share it; more than once when they are awake.
template <class T>
bool gemm_narrow(const Problem<T>& q, i64 weight = 1);

// How many of the last columns, fewer than a vector, are made faster as a product of their own than in a last
// vector that is mostly empty: 4 of 100, none of 110.
template <class T>
i64 narrow_tail(const Problem<T>& q);

}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_PROBLEM_H
