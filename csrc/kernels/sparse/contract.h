// Contract of the sparse kernels: sums and dot products of rows of a table that are named one by one. Plain data only
// (see registry.h).
//
// offsets[j] is where row j begins in the table, in elements; rows may come more than once.
#ifndef NNF_KERNELS_SPARSE_CONTRACT_H
#define NNF_KERNELS_SPARSE_CONTRACT_H

#include "base/types.h"

namespace nnf {

// y[i] += sum over j of values[j] * table[offsets[j] + i], i < n, in the order of j. y lies apart from the table.
template <class T>
using WeightedRowsFn = void (*)(i64 count, i64 n, const T* values, const i64* offsets, const T* table, T* y);
// out[j] = sum over i of g[i] * table[offsets[j] + i]
template <class T>
using RowDotsFn = void (*)(i64 count, i64 n, const T* g, const i64* offsets, const T* table, T* out);

}  // namespace nnf

#endif  // NNF_KERNELS_SPARSE_CONTRACT_H
