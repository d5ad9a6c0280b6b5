// The optimizers' updates and penalties. A part of the tables, see part.h.
#include "kernels/isa/part.h"

#include "kernels/optim/optim-inl.h"
#include "kernels/optim/replay-inl.h"

#define NNF_ENTRY(name, Signature) &nnf::name<NNF_DTYPE>,
NNF_PART(OptimPart, optim) = {NNF_OPTIM_KERNELS(NNF_ENTRY)};
