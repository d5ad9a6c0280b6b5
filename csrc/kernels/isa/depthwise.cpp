// Depthwise convolutions. A part of the tables, see part.h.
#include "kernels/isa/part.h"

#include "kernels/conv/depthwise-inl.h"
#include "kernels/conv/depthwise_planes-inl.h"

#define NNF_ENTRY(name, Signature) &nnf::name<NNF_DTYPE>,
NNF_PART(DepthwisePart, depthwise) = {NNF_DEPTHWISE_KERNELS(NNF_ENTRY)};
