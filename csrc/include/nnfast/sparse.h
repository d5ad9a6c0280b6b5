/* nnfast: the C interface of sparse samples: matrices in compressed rows and the fully connected layer on them.
 *
 * What this is: a part of nnfast.h, which includes it; conventions and statuses are there.
 */
#ifndef NNFAST_SPARSE_H
#define NNFAST_SPARSE_H

#include "nnfast/nnfast.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A matrix (rows, columns) in compressed sparse rows: the numbers of row i are data[indptr[i] .. indptr[i + 1]), their
 * columns stand in indices. Columns may come in any order and more than once, which adds the numbers. Every function
 * that takes one looks at all of indptr and indices first: NNF_INVALID_VALUE, with nothing written. */
typedef struct nnf_csr {
  const void *data; /* (stored) of `type` */
  nnf_dtype type;
  const void *indices; /* (stored), integers of indices_size bytes: 4 or 8 */
  const void *indptr;  /* (rows + 1), of indptr_size bytes */
  int indices_size, indptr_size;
  int64_t stored, rows, columns;
} nnf_csr;

/* y (rows, out) = act(x (rows, in) @ weight (in, out) + bias (out)); x's type is dt. Note weight: nnf_linear's,
 * transposed and dense, so that an input's weights lie side by side. */
NNF_API nnf_status nnf_sparse_linear(nnf_dtype dt, const nnf_csr *x, int64_t out, const void *weight, const void *bias,
                                     nnf_activation act, double alpha, void *y);
/* Gradients of nnf_sparse_linear; any may be NULL: gdata (stored) of the numbers in x's data, gweight (in, out), gbias
 * (out). touched != 0: gweight holds rows for the columns of nnf_csr_columns alone; all others are 0. output, bias: as
 * for nnf_linear_backward. */
NNF_API nnf_status nnf_sparse_linear_backward(nnf_dtype dt, const nnf_csr *x, int64_t out, const void *grad_output,
                                              const void *weight, const void *bias, nnf_activation act, double alpha,
                                              const void *output, void *gdata, void *gweight, int touched, void *gbias);
/* How many columns the stored numbers lie in, and which, ascending, unless columns is NULL. */
NNF_API nnf_status nnf_csr_columns(const nnf_csr *x, int64_t *count, int64_t *columns);

#ifdef __cplusplus
}
#endif
#endif /* NNFAST_SPARSE_H */
