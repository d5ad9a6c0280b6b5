// Pooling. A part of the tables, see part.h.
#include "kernels/isa/part.h"

#include "kernels/pool/planes_indices-inl.h"
#include "kernels/pool/pool-inl.h"
#include "kernels/pool/pool_backward-inl.h"

#define NNF_ENTRY(name, Signature) &nnf::name<NNF_DTYPE>,
NNF_PART(PoolPart, pool) = {NNF_POOL_KERNELS(NNF_ENTRY)};
