// Products of stacks of matrices, whose leading dimensions broadcast.
//
// What this is: which product meets which operands, and whether the threads share the stack or each product. What it is
// not: a matrix product, which is gemm.h, or NumPy's rules for operands, which are the bindings'.
#ifndef NNF_KERNELS_GEMM_GEMM_BATCHED_H
#define NNF_KERNELS_GEMM_GEMM_BATCHED_H

#include "kernels/gemm/gemm.h"

namespace nnf {

constexpr int kMaxStackDims = 64;

// The leading dimensions: `nd` sizes, and the steps of A, B and C along each, in elements. A step of 0 repeats a matrix
// of A or B; where C's is 0, the products that fall on one matrix of C are added, in the stack's order.
struct MatmulStack {
  int nd;
  const i64* shape;  // (nd) each
  const i64 *a_step, *b_step, *c_step;
};

// For each place of the stack C (m, n) = A (m, k) B (k, n), or += when accumulate; C's row stride is ldc >= n.
// Matrices of C at different places must not overlap, unless all steps between them are 0.
template <class T>
void gemm_batched(const MatmulStack& stack, i64 m, i64 n, i64 k, MatView<T> a, MatView<T> b, T* c, i64 ldc,
                  bool accumulate);

}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_GEMM_BATCHED_H
