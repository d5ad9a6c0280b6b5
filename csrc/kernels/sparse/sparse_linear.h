// The fully connected layer on rows of a sparse matrix: threading around the kernels of contract.h.
//
// weight is (in, out), so that an input's weights lie side by side. Each row of a result is one thread's work, summed
// in an order of its own: the same bits at any thread count.
#ifndef NNF_KERNELS_SPARSE_SPARSE_LINEAR_H
#define NNF_KERNELS_SPARSE_SPARSE_LINEAR_H

#include "kernels/gemm/gemm.h"
#include "kernels/sparse/csr.h"

namespace nnf {

// y (count, out) = act(rows @ weight + bias)
template <class T>
void sparse_linear(const CsrRows& rows, i64 out, const T* weight, const Epilogue<T>& epilogue, T* y);
// gweight (in, out) = rows^T g (count, out); columns were built with width `out`. accumulate: added to gweight.
template <class T>
void sparse_weight_gradient(const CsrColumns<T>& columns, i64 in, i64 out, const T* g, T* gweight, bool accumulate);
// The same for the batch's columns alone: gweight (columns.count(), out)
template <class T>
void sparse_touched_gradient(const CsrColumns<T>& columns, i64 out, const T* g, T* gweight);
// gdata (stored): g[row] . weight[column] of each stored number; those that no row holds: 0
template <class T>
void sparse_data_gradient(const nnf_csr& x, i64 out, const T* g, const T* weight, T* gdata);

}  // namespace nnf

#endif  // NNF_KERNELS_SPARSE_SPARSE_LINEAR_H
