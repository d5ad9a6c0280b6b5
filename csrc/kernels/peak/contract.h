// Contract of the peak meter: the limit the other kernels are measured against. Plain data only (see registry.h).
#ifndef NNF_KERNELS_PEAK_CONTRACT_H
#define NNF_KERNELS_PEAK_CONTRACT_H

#include "base/types.h"

namespace nnf {

// `rounds` rounds of independent fused multiply-adds that stay in registers; returns how many floating-point
// operations that was. *sink gives the chains their start and receives a number that depends on all of them.
template <class T>
using FmaRoundsFn = i64 (*)(i64 rounds, T* sink);

}  // namespace nnf

#endif  // NNF_KERNELS_PEAK_CONTRACT_H
