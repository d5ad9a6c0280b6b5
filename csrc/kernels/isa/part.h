// Begins each part of the kernels' tables (gemm.cpp, conv.cpp, ...): the back end of one instruction set and one dtype.
//
// The build compiles every part for each instruction set and dtype and says which, with that set's flags:
//   NNF_ISA     avx512, avx2, neon or scalar        NNF_VEC     "simd/vec_avx512.h", ...
//   NNF_DTYPE   float or double                     NNF_SUFFIX  f32 or f64
// The object exports the one constant that NNF_PART names; all else stays in anonymous namespaces.
#ifndef NNF_KERNELS_ISA_PART_H
#define NNF_KERNELS_ISA_PART_H

#include NNF_VEC

#include "kernels/registry.h"

#define NNF_PART_NAME2(part, suffix, isa) nnf_##part##_##suffix##_##isa
#define NNF_PART_NAME(part, suffix, isa) NNF_PART_NAME2(part, suffix, isa)
// The table follows: NNF_PART(GemmPart, gemm) = {...};
#define NNF_PART(Part, part) \
  extern "C" const nnf::Part<NNF_DTYPE> NNF_PART_NAME(part, NNF_SUFFIX, NNF_ISA)

#endif  // NNF_KERNELS_ISA_PART_H
