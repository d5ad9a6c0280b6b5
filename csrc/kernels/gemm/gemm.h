// Matrix products: blocking, packing and threading around the microkernel of contract.h.
//
// What this is: C = A B (+ bias, activation) for matrices given by any strides. What it is not: the vector code, which
// is gemm-inl.h. Work is cut by shape alone, K never by threads, so bits do not depend on the number of threads.
#ifndef NNF_KERNELS_GEMM_GEMM_H
#define NNF_KERNELS_GEMM_GEMM_H

#include "base/types.h"
#include "nnfast/nnfast.h"

namespace nnf {

template <class T>
struct MatView {  // element (i, j) is p[i * rs + j * cs]; strides may be 0 or negative
  const T* p;
  i64 rs, cs;
  MatView transposed() const { return {p, cs, rs}; }
};

// What happens to a finished tile of C while it is in cache: + bias over the columns, then the activation.
template <class T>
struct Epilogue {
  const T* bias = nullptr;  // (n) or null
  nnf_activation act = NNF_ACT_IDENTITY;
  T alpha = 0;
};

// C (m, n), row stride ldc >= n: C = A B, or C += A B when accumulate; then the epilogue. beta = 0 never reads C.
template <class T>
void gemm(i64 m, i64 n, i64 k, MatView<T> a, MatView<T> b, T* c, i64 ldc, bool accumulate = false,
          const Epilogue<T>& epilogue = {});

}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_GEMM_H
