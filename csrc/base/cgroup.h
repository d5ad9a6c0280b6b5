// The CPU quota that a Linux control group sets on this process (containers, systemd slices, batch systems).
#ifndef NNF_BASE_CGROUP_H
#define NNF_BASE_CGROUP_H

#include <string>

namespace nnf {

// Whole CPUs' worth of time the quota allows, rounded down and at least 1 (rounding up would have the pool throttled);
// 0 when there is none. Reads `<proc_self>/cgroup` and `<proc_self>/mountinfo`, and the quotas of the group and all its
// ancestors where those files say they are mounted; cgroup v2 (cpu.max) and v1 (cpu.cfs_quota_us).
int cgroup_cpu_limit(const std::string& proc_self = "/proc/self");

}  // namespace nnf

#endif  // NNF_BASE_CGROUP_H
