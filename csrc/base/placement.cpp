// Affinity masks by the kernel's calls (see placement.h).
#include "base/placement.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstddef>

namespace nnf {

#if defined(__linux__)

static_assert(CPU_SETSIZE == CpuMask().size(), "one bit for each processor of cpu_set_t");

int current_cpu() { return sched_getcpu(); }
long thread_id() { return syscall(SYS_gettid); }

CpuMask own_cpu_mask() {
  cpu_set_t set;
  CpuMask mask;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return mask;
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = CPU_ISSET(i, &set) != 0;
  return mask;
}

void set_cpu_mask(long thread, const CpuMask& mask) {
  if (mask.none()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i]) CPU_SET(i, &set);
  }
  (void)sched_setaffinity(static_cast<pid_t>(thread), sizeof(set), &set);
}

#else

int current_cpu() { return -1; }
long thread_id() { return 0; }
CpuMask own_cpu_mask() { return {}; }
void set_cpu_mask(long, const CpuMask&) {}

#endif

CpuMask worker_mask(CpuMask pool, const CpuMask& caller, int cpu, int workers) {
  if (cpu < 0 || cpu >= static_cast<int>(pool.size())) return {};
  pool.reset(static_cast<std::size_t>(cpu));
  const CpuMask shared = pool & caller;
  return static_cast<int>(shared.count()) >= workers ? shared : pool;
}

}  // namespace nnf
