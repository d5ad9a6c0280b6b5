// AVX2 and FMA: 256-bit registers. Compiled with this ISA's flags; see tables-inl.h.
#include "simd/vec_avx2.h"

#define NNF_ISA_NAME avx2
#include "kernels/isa/tables-inl.h"
