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
constexpr int kDotRows = 6;  // of a tile of dots-inl.h, and of one with twice its columns
constexpr int kDotThinRows = 3;
#elif defined(__AVX2__)
// 16 registers
constexpr int kGemmVectors = 2;
constexpr int gemm_rows(int vectors) { return vectors == 2 ? 6 : 12; }
constexpr int kDotRows = 2;
constexpr int kDotThinRows = 0;
#else
// One lane a vector. Of 4 x 4 scalars GCC makes vectors of its own; 2 x 4, 3 x 4, 2 x 8 and 4 x 8 were no faster.
constexpr int kGemmVectors = 4;
constexpr int gemm_rows(int) { return 4; }
constexpr int kDotRows = 4;
constexpr int kDotThinRows = 0;
#endif

template <class T>
constexpr GemmGeometry kGemmGeometry = {
    12, kGemmVectors * Vec<T>::N, kGemmVectors, Vec<T>::N, {0, gemm_rows(1), gemm_rows(2), gemm_rows(3), gemm_rows(4)}};

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_GEMM_GEOMETRY_INL_H
