// The microkernel's tile for each instruction set; the reasons are in gemm-inl.h.
#ifndef NNF_KERNELS_GEMM_GEOMETRY_INL_H
#define NNF_KERNELS_GEMM_GEOMETRY_INL_H

#include "kernels/gemm/contract.h"
#include "simd/vec.h"

namespace nnf {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
// 32 registers
constexpr int kGemmVectors = 4;
constexpr int gemm_rows(int vectors) { return vectors == 4 ? 6 : vectors == 3 ? 9 : 12; }
#elif defined(__AVX2__)
// 16 registers
constexpr int kGemmVectors = 2;
constexpr int gemm_rows(int vectors) { return vectors == 2 ? 6 : 12; }
#else
// One lane a vector: the compiler makes what vectors of its own it can of 4 x 4 scalars.
constexpr int kGemmVectors = 4;
constexpr int gemm_rows(int) { return 4; }
#endif

template <class T>
constexpr GemmGeometry kGemmGeometry = {12, kGemmVectors * Vec<T>::N};

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_GEOMETRY_INL_H
