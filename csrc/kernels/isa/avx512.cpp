// AVX-512 F, BW, DQ, VL: 512-bit registers and mask registers. Compiled with this ISA's flags; see tables-inl.h.
#include "simd/vec_avx512.h"

#define NNF_ISA_NAME avx512
#include "kernels/isa/tables-inl.h"
