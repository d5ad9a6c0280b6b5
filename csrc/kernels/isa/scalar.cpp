// The portable path: one lane at a time, plain C++, any CPU. Compiled with this ISA's flags; see tables-inl.h.
#include "simd/vec_scalar.h"

#define NNF_ISA_NAME scalar
#include "kernels/isa/tables-inl.h"
