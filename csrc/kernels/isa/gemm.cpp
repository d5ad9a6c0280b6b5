// Matrix products, and the peak they are measured against. A part of the tables, see part.h.
#include "kernels/isa/part.h"

#include "kernels/gemm/gemm-inl.h"
#include "kernels/peak/peak-inl.h"

#define NNF_ENTRY(name, Signature) &nnf::name<NNF_DTYPE>,
NNF_PART(GemmPart, gemm) = {nnf::kGemmGeometry<NNF_DTYPE>, NNF_GEMM_KERNELS(NNF_ENTRY)};
