// Rows and columns: softmax, cross-entropy, normalisation, transposition, conversion, sparse rows. A part of the tables,
// see part.h.
#include "kernels/isa/part.h"

#include "kernels/layout/convert-inl.h"
#include "kernels/layout/transpose-inl.h"
#include "kernels/loss/cross_entropy-inl.h"
#include "kernels/norm/norm-inl.h"
#include "kernels/softmax/softmax-inl.h"
#include "kernels/sparse/sparse-inl.h"

#define NNF_ENTRY(name, Signature) &nnf::name<NNF_DTYPE>,
NNF_PART(RowsPart, rows) = {NNF_ROWS_KERNELS(NNF_ENTRY)};
