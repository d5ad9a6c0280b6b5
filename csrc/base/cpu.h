// What CPU and what share of it we have: instruction sets the OS lets us use, cache sizes, usable processors.
#ifndef NNF_BASE_CPU_H
#define NNF_BASE_CPU_H

#include <string>

#include "base/types.h"

namespace nnf {

struct CpuInfo {
  std::string name;      // the brand string
  std::string features;  // comma-separated
  bool avx2_fma = false;  // AVX2, FMA and the OS saves YMM
  bool avx512 = false;    // F, BW, DQ, VL and the OS saves ZMM
  bool neon = false;
  i64 cache[4] = {0, 0, 0, 0};  // bytes of L1D, L2, L3 at [1], [2], [3]; 0 when unknown
};

const CpuInfo& cpu_info();

// The most threads anyone may ask for: far above what helps, low enough that a typing error does not exhaust a machine.
constexpr int kMaxThreads = 1024;

// Processors this process may use: affinity mask and cgroup quota (v1 and v2), at least 1. *source, when asked for, is
// set to what decided: "CPU affinity" or "cgroup quota".
int usable_cpus(const char** source = nullptr);

// NNFAST_NUM_THREADS, then OMP_NUM_THREADS (its first number), then usable_cpus(); never more than usable_cpus()
// unless NNFAST_NUM_THREADS itself says so. Nonsense in a variable is ignored. *source: the variable, or as above.
int default_num_threads(const char** source = nullptr);

}  // namespace nnf

#endif  // NNF_BASE_CPU_H
