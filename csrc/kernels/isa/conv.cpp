// The convolution's own kernels: few channels, small groups, overlapping runs. A part of the tables, see part.h.
#include "kernels/isa/part.h"

#include "kernels/conv/grouped-inl.h"
#include "kernels/conv/overlap-inl.h"
#include "kernels/conv/planar-inl.h"

#define NNF_ENTRY(name, Signature) &nnf::name<NNF_DTYPE>,
NNF_PART(ConvPart, conv) = {NNF_CONV_KERNELS(NNF_ENTRY)};
