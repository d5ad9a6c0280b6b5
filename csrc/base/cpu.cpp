// CPU detection by CPUID and XGETBV on x86, by the architecture's baseline on AArch64, and the thread defaults
// (see cpu.h). Leaves and bits: Intel SDM volume 2A, "CPUID"; AMD APM volume 3, appendix E.
#include "base/cpu.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define NNF_X86 1
#else
#define NNF_X86 0
#endif
#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/cgroup.h"

namespace nnf {
namespace {

#if NNF_X86

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// All zero when the CPU does not have the leaf.
Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  if (!__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx)) r = Registers();
  return r;
}

bool bit(unsigned word, int index) { return ((word >> index) & 1u) != 0; }

// XCR0: the register sets whose contents the operating system saves when it switches threads. Only with OSXSAVE.
u64 xcr0() {
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<u64>(high) << 32) | low;
}

std::string brand_string() {
  if (cpuid(0x80000000u).eax < 0x80000004u) return "unknown x86 CPU";
  char text[49] = {};
  for (unsigned i = 0; i < 3; ++i) {
    const Registers r = cpuid(0x80000002u + i);
    std::memcpy(text + 16 * i, &r, 16);
  }
  std::string name(text);
  name.erase(0, name.find_first_not_of(' '));
  name.erase(name.find_last_not_of(' ') + 1);
  return name.empty() ? "unknown x86 CPU" : name;
}

void detect(CpuInfo& info) {
  info.name = brand_string();
  const Registers one = cpuid(1), seven = cpuid(7), seven_one = cpuid(7, 1);
  const u64 saved = bit(one.ecx, 27) ? xcr0() : 0;
  const bool ymm = (saved & 0x06) == 0x06;           // XMM and YMM
  const bool zmm = ymm && (saved & 0xe0) == 0xe0;    // and mask registers, both halves of ZMM
  const bool amx = (saved & 0x60000) == 0x60000;     // tile configuration and data
  const struct {
    const char* name;
    bool present;
  } found[] = {
      {"sse4_2", bit(one.ecx, 20)},
      {"popcnt", bit(one.ecx, 23)},
      {"avx", ymm && bit(one.ecx, 28)},
      {"f16c", ymm && bit(one.ecx, 29)},
      {"fma", ymm && bit(one.ecx, 12)},
      {"avx2", ymm && bit(seven.ebx, 5)},
      {"avx512f", zmm && bit(seven.ebx, 16)},
      {"avx512dq", zmm && bit(seven.ebx, 17)},
      {"avx512bw", zmm && bit(seven.ebx, 30)},
      {"avx512vl", zmm && bit(seven.ebx, 31)},
      {"avx512_vnni", zmm && bit(seven.ecx, 11)},
      {"avx_vnni", ymm && bit(seven_one.eax, 4)},
      {"avx512_bf16", zmm && bit(seven_one.eax, 5)},
      {"avx512_fp16", zmm && bit(seven.edx, 23)},
      {"amx_bf16", amx && bit(seven.edx, 22)},
      {"amx_int8", amx && bit(seven.edx, 25)},
  };
  const auto has = [&found](const char* name) {
    for (const auto& f : found) {
      if (std::strcmp(f.name, name) == 0) return f.present;
    }
    return false;
  };
  for (const auto& f : found) {
    if (f.present) info.features += (info.features.empty() ? "" : ",") + std::string(f.name);
  }
  // All that the compiler may use under the flags these two objects are built with (CMakeLists.txt).
  info.avx2_fma = has("popcnt") && has("avx") && has("f16c") && has("fma") && has("avx2");
  info.avx512 = info.avx2_fma && has("avx512f") && has("avx512dq") && has("avx512bw") && has("avx512vl");

  // Deterministic cache parameters: leaf 4 on Intel, the same layout in 0x8000001d on AMD with topology extensions.
  const bool amd = bit(cpuid(0x80000001u).ecx, 22);
  for (unsigned i = 0; i < 16; ++i) {
    const Registers r = cpuid(amd ? 0x8000001du : 4u, i);
    const unsigned type = r.eax & 31u, level = (r.eax >> 5) & 7u;
    if (type == 0) break;
    if ((type != 1 && type != 3) || level < 1 || level > 3) continue;  // data or unified
    const i64 ways = (r.ebx >> 22) + 1, partitions = ((r.ebx >> 12) & 0x3ffu) + 1, line = (r.ebx & 0xfffu) + 1;
    info.cache[level] = ways * partitions * line * (static_cast<i64>(r.ecx) + 1);
  }
}

#else

void detect(CpuInfo& info) {
#if defined(__aarch64__)
  info.name = "AArch64 CPU";
  info.features = "neon";  // part of the architecture's baseline
  info.neon = true;
#else
  info.name = "unknown CPU";
#endif
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.compare(0, 10, "model name") == 0 && colon != std::string::npos) {
      info.name = line.substr(colon + 2);
      break;
    }
  }
}

#endif

// What the kernel found, for the levels still unknown.
void caches_from_sysfs(CpuInfo& info) {
  for (int i = 0; i < 8; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i);
    int level = 0;
    i64 size = 0;
    std::string type;
    char unit = 0;
    std::ifstream level_file(folder + "/level"), type_file(folder + "/type"), size_file(folder + "/size");
    if (!(level_file >> level) || !(type_file >> type) || !(size_file >> size)) continue;
    if (size_file >> unit) size <<= unit == 'K' ? 10 : unit == 'M' ? 20 : 0;
    if (level >= 1 && level <= 3 && type != "Instruction" && info.cache[level] == 0) info.cache[level] = size;
  }
}

int affinity_cpus() {
#if defined(__linux__)
  // The kernel refuses a mask shorter than its own, so grow until it fits (1024 CPUs is glibc's fixed size).
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(cpus));
    if (set == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    const int status = sched_getaffinity(0, bytes, set);
    const int error = errno, count = status == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
    if (status != 0 && error != EINVAL) break;
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// The number that an environment variable starts with ("4" or, as OpenMP allows, "4,2"); 0 when unset or nonsense.
int threads_from_environment(const char* name, bool list) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  char* end = nullptr;
  errno = 0;
  const long n = std::strtol(text, &end, 10);
  if (end == text || errno != 0) return 0;
  while (*end == ' ') ++end;
  if (*end != '\0' && !(list && *end == ',')) return 0;
  return n >= 1 && n <= kMaxThreads ? static_cast<int>(n) : 0;
}

}  // namespace

const CpuInfo& cpu_info() {
  // Never destroyed: a thread may still ask while the process exits.
  static const CpuInfo* const info = [] {
    auto* made = new CpuInfo;
    detect(*made);
    if (made->cache[1] == 0 || made->cache[2] == 0 || made->cache[3] == 0) caches_from_sysfs(*made);
    return made;
  }();
  return *info;
}

int usable_cpus(const char** source) {
  const int affinity = affinity_cpus(), quota = cgroup_cpu_limit();
  const bool limited = quota > 0 && quota < affinity;
  if (source != nullptr) *source = limited ? "cgroup quota" : "CPU affinity";
  return std::min(limited ? quota : affinity, kMaxThreads);
}

int default_num_threads(const char** source) {
  const char* ignored = nullptr;
  if (source == nullptr) source = &ignored;
  if (const int own = threads_from_environment("NNFAST_NUM_THREADS", false)) {
    *source = "NNFAST_NUM_THREADS";
    return own;
  }
  const int usable = usable_cpus(source);
  const int omp = threads_from_environment("OMP_NUM_THREADS", true);
  if (omp == 0 || omp > usable) return usable;
  *source = "OMP_NUM_THREADS";
  return omp;
}

}  // namespace nnf
