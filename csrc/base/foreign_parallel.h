// Whether the calling thread is inside a parallel region of somebody else's: of an OpenMP runtime in this process.
// There every processor has its thread already, and starting our own would only make them wait for each other.
#ifndef NNF_BASE_FOREIGN_PARALLEL_H
#define NNF_BASE_FOREIGN_PARALLEL_H

namespace nnf {

// True inside an active region (of more than one thread) of any OpenMP runtime that is a shared library and was loaded
// before the call. A runtime linked statically into another library cannot be seen. Costs some tens of nanoseconds.
bool inside_foreign_parallel_region();

}  // namespace nnf

#endif  // NNF_BASE_FOREIGN_PARALLEL_H
