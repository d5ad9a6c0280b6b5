// Which instruction set's kernels are in use: chosen once from the CPU and NNFAST_ISA, changeable for tests.
#ifndef NNF_KERNELS_DISPATCH_H
#define NNF_KERNELS_DISPATCH_H

#include "kernels/registry.h"

namespace nnf {

// The first call chooses; it throws Error(invalid_value), as all later ones do until set_active_isa has been called,
// when NNFAST_ISA names none that isa_supported().
const IsaTables& active_isa();
// Throws Error(invalid_value) when `name` is unknown, not compiled in, or not supported by this CPU.
void set_active_isa(const char* name);
bool isa_supported(const char* name);
// What chose it: "the CPU", "NNFAST_ISA" or "set_isa".
const char* isa_source();

template <class T>
const KernelTable<T>& kernels();
template <>
inline const KernelTable<float>& kernels<float>() { return *active_isa().f32; }
template <>
inline const KernelTable<double>& kernels<double>() { return *active_isa().f64; }

// Elements of one of their vectors.
template <class T>
i64 vector_lanes() {
  return kernels<T>().gemm.lanes;
}

}  // namespace nnf

#endif  // NNF_KERNELS_DISPATCH_H
