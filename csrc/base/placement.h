// Processors a thread may run on, and which of them the pool's workers are sent to. Linux; elsewhere nothing is known.
#ifndef NNF_BASE_PLACEMENT_H
#define NNF_BASE_PLACEMENT_H

#include <bitset>

namespace nnf {

using CpuMask = std::bitset<1024>;  // by processor number; as large as the C library's fixed set

int current_cpu();  // -1 when unknown
long thread_id();   // the kernel's number of the calling thread
CpuMask own_cpu_mask();  // of the calling thread; empty when unknown
// A hint: failure, or an empty mask, changes nothing.
void set_cpu_mask(long thread, const CpuMask& mask);

// Where `workers` threads shall run so as to leave processor `cpu` to their caller: the pool's processors but for that
// one; of these the caller's own, if there is one for each worker. A caller pinned to few processors (or one) must not
// crowd the workers there, since they outlive its call and serve others. Empty when nothing is left.
CpuMask worker_mask(CpuMask pool, const CpuMask& caller, int cpu, int workers);

}  // namespace nnf

#endif  // NNF_BASE_PLACEMENT_H
