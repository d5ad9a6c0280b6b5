// AArch64 Advanced SIMD: 128-bit registers. Compiled with this ISA's flags; see tables-inl.h.
#include "simd/vec_neon.h"

#define NNF_ISA_NAME neon
#include "kernels/isa/tables-inl.h"
