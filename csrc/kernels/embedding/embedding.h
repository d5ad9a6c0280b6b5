// Rows of a table by their numbers, and the sum of gradients back into the table.
#ifndef NNF_KERNELS_EMBEDDING_EMBEDDING_H
#define NNF_KERNELS_EMBEDDING_EMBEDDING_H

#include "base/types.h"

namespace nnf {

// The first index outside 0..rows-1, or -1 when there is none.
i64 first_index_outside(i64 count, const i64* indices, i64 rows);

// y (count, dim) = weight (rows, dim)[indices]; the indices must have been checked.
template <class T>
void embedding_forward(i64 count, i64 dim, const i64* indices, const T* weight, T* y);
// gweight (rows, dim): row r is the sum, in order, of the rows of g (count, dim) whose index is r; 0 for padding (-1:
// there is none). Added to gweight when accumulate.
template <class T>
void embedding_backward(i64 count, i64 rows, i64 dim, const i64* indices, i64 padding, const T* g, T* gweight,
                        bool accumulate);

}  // namespace nnf

#endif  // NNF_KERNELS_EMBEDDING_EMBEDDING_H
