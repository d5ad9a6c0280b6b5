// Checks of csrc/base that Python cannot reach: the pool's edge cases, the arena planner, control group files.
// Built and run by tests/test_base.py. `base_test <name>` runs one; the process fails at the first broken check.
#include <dlfcn.h>
#include <fenv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/arena.h"
#include "base/cgroup.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/foreign_parallel.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/placement.h"
#include "base/thread_pool.h"

using namespace nnf;

namespace {

constexpr i64 kCostly = 1 << 20;  // a task that is always worth a thread

#define CHECK(cond)                                                               \
  do {                                                                            \
    if (!(cond)) {                                                                \
      std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond);     \
      std::exit(1);                                                               \
    }                                                                             \
  } while (false)

// Every task once, at any number of tasks and threads.
void cover() {
  for (int threads : {1, 2, 3, 4, 7}) {
    set_global_num_threads(threads);
    for (i64 tasks : {i64{0}, i64{1}, i64{2}, i64{3}, i64{5}, i64{8}, i64{31}, i64{64}, i64{1000}}) {
      for (i64 cost : {i64{0}, i64{1}, i64{3000}, kCostly, std::numeric_limits<i64>::max()}) {
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(tasks));
        parallel_for(tasks, cost, [&](i64 begin, i64 end) {
          CHECK(0 <= begin && begin < end && end <= tasks);
          for (i64 i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
        });
        for (const auto& s : seen) CHECK(s == 1);
      }
    }
  }
}

// As many threads as asked for take part at the same time, whatever the number of processors.
void together() {
  for (int threads : {2, 4}) {
    set_global_num_threads(threads);
    std::atomic<int> here{0};
    parallel_for(threads, kCostly, [&](i64 begin, i64 end) {
      CHECK(end - begin == 1);
      ++here;
      while (here < threads) std::this_thread::yield();  // passes only when all pieces run at once
    });
  }
}

void limits() {
  set_global_num_threads(4);
  CHECK(num_threads() == 4 && global_num_threads() == 4);
  CHECK(set_local_num_threads(2) == 0);
  CHECK(num_threads() == 2);
  CHECK(std::strcmp(num_threads_source(), "this thread's limit") == 0);
  std::thread([] { CHECK(num_threads() == 4); }).join();
  CHECK(set_local_num_threads(9) == 2);
  CHECK(num_threads() == 4);
  CHECK(set_local_num_threads(1) == 9);
  const std::thread::id me = std::this_thread::get_id();
  parallel_for(100, kCostly, [&](i64 begin, i64 end) {
    CHECK(std::this_thread::get_id() == me && begin == 0 && end == 100);
  });
  CHECK(set_local_num_threads(0) == 1);
  CHECK(std::strcmp(num_threads_source(), "set_num_threads") == 0);
  for (int n : {0, -1, kMaxThreads + 1}) {
    bool refused = false;
    try {
      set_global_num_threads(n);
    } catch (const Error& e) {
      refused = e.kind() == ErrorKind::invalid_value && std::string(e.what()).find("n: expected") != std::string::npos;
    }
    CHECK(refused && num_threads() == 4);
  }
}

// The first exception comes out at the caller, no piece starts afterwards, and the pool works on.
void exceptions() {
  set_global_num_threads(4);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> inside{0};
    bool caught = false;
    try {
      parallel_for(64, kCostly, [&](i64 begin, i64) {
        ++inside;
        if (begin >= 20) {
          --inside;
          throw std::runtime_error("piece");
        }
        --inside;
      });
    } catch (const std::runtime_error& e) {
      caught = std::string(e.what()) == "piece";
    }
    CHECK(caught && inside == 0);
    std::atomic<i64> sum{0};
    parallel_for(64, kCostly, [&](i64 begin, i64 end) { sum += end - begin; });
    CHECK(sum == 64);
  }
}

// What a check throws comes out of the region, with one thread too; every task is done otherwise, and nobody is asked
// when no check is set any more.
void interrupts() {
  struct Ended {};
  struct Asked {
    int times = 0, end = 0;
    static void check(void* self) {
      Asked& a = *static_cast<Asked*>(self);
      if (++a.times == a.end) throw Ended{};
    }
  };
  for (int threads : {1, 4}) {
    set_global_num_threads(threads);
    for (int end : {0, 1, 3}) {
      Asked asked{0, end};
      std::atomic<i64> sum{0};
      bool ended = false;
      try {
        const Interruptible outer(&Asked::check, &asked);
        const Interruptible inner(&Asked::check, &asked);
        parallel_for(64, kCostly, [&](i64 first, i64 last) { sum += last - first; });
      } catch (const Ended&) {
        ended = true;
      }
      CHECK(ended == (sum < 64));
      // With several threads the others may have done all the work before the caller asks.
      CHECK(threads > 1 ? !ended || end > 0 : ended == (end > 0) && asked.times >= 1);
      const int before = asked.times;
      parallel_for(64, kCostly, [&](i64 first, i64 last) { sum += last - first; });
      CHECK(asked.times == before && !Interruptible::active());
    }
  }
}

// A call made inside a piece stays on its thread, in one piece.
void nested() {
  set_global_num_threads(4);
  std::atomic<i64> sum{0};
  parallel_for(8, kCostly, [&](i64 begin, i64 end) {
    const std::thread::id me = std::this_thread::get_id();
    for (i64 i = begin; i < end; ++i) {
      parallel_for(16, kCostly, [&](i64 b, i64 e) {
        CHECK(std::this_thread::get_id() == me && b == 0 && e == 16);
        sum += e - b;
      });
    }
  });
  CHECK(sum == 8 * 16);
}

// Where workers are sent: never all to the few processors that one caller is pinned to.
void placement() {
  const auto mask = [](std::initializer_list<std::size_t> cpus) {
    CpuMask made;
    for (const std::size_t i : cpus) made.set(i);
    return made;
  };
  const CpuMask pool = mask({0, 1, 2, 3});
  CHECK(worker_mask(pool, pool, 0, 3) == mask({1, 2, 3}));
  CHECK(worker_mask(pool, pool, 7, 3) == pool);
  // A caller pinned to {0, 1}: one worker fits there beside it, three do not.
  CHECK(worker_mask(pool, mask({0, 1}), 0, 1) == mask({1}));
  CHECK(worker_mask(pool, mask({0, 1}), 0, 2) == mask({1, 2, 3}));
  CHECK(worker_mask(pool, mask({0, 1}), 0, 3) == mask({1, 2, 3}));
  CHECK(worker_mask(pool, mask({0, 1, 3}), 1, 2) == mask({0, 3}));
  CHECK(worker_mask(pool, mask({2}), 2, 1) == mask({0, 1, 3}));
  CHECK(worker_mask(pool, mask({8, 9}), 8, 1) == pool);  // a caller elsewhere
  CHECK(worker_mask(pool, CpuMask(), 0, 3) == mask({1, 2, 3}));
  CHECK(worker_mask(mask({5}), mask({5}), 5, 1).none());
  CHECK(worker_mask(pool, pool, -1, 3).none() && worker_mask(pool, pool, 1024, 3).none());

  const CpuMask before = own_cpu_mask();
  set_cpu_mask(thread_id(), CpuMask());  // an empty mask changes nothing
  CHECK(own_cpu_mask() == before);
  if (current_cpu() < 0) return;
  CHECK(before.test(static_cast<std::size_t>(current_cpu())));
  std::thread([&] {
    CpuMask one;
    for (std::size_t i = 0; one.none(); ++i) one[i] = before[i];
    set_cpu_mask(thread_id(), one);
    CHECK(own_cpu_mask() == one && one.test(static_cast<std::size_t>(current_cpu())));
  }).join();
  CHECK(own_cpu_mask() == before);
}

// How many threads a region of ours gets at this place: 1, or all of the 2 it asks for.
int threads_of_a_region() {
  const std::thread::id me = std::this_thread::get_id();
  std::atomic<int> here{0};
  bool alone = false;
  parallel_for(2, kCostly, [&](i64 begin, i64 end) {
    if (end - begin == 2) {
      CHECK(std::this_thread::get_id() == me);
      alone = true;
      return;
    }
    ++here;
    while (here < 2) std::this_thread::yield();  // passes only when both pieces run at once
  });
  return alone ? 1 : 2;
}

// A library with OpenMP, loaded when our pool already works: our regions stay on its threads inside its regions only.
void openmp(const char* library) {
  set_global_num_threads(2);
  CHECK(!inside_foreign_parallel_region() && threads_of_a_region() == 2);
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  CHECK(handle != nullptr);
  const auto region = reinterpret_cast<int (*)(int, void (*)(void*), void*)>(dlsym(handle, "openmp_region"));
  CHECK(region != nullptr);
  struct Seen {
    std::atomic<int> calls{0}, alone{0}, inside{0};
  };
  const auto call = [](void* context) {
    Seen& seen = *static_cast<Seen*>(context);
    ++seen.calls;
    if (inside_foreign_parallel_region()) ++seen.inside;
    if (threads_of_a_region() == 1) ++seen.alone;
  };
  for (int round = 0; round < 50; ++round) {
    Seen many, one;
    CHECK(region(3, call, &many) == 3);
    CHECK(many.calls == 3 && many.inside == 3 && many.alone == 3);
    CHECK(region(1, call, &one) == 1);  // not active: nobody else is at work
    CHECK(one.calls == 1 && one.inside == 0 && one.alone == 0);
    CHECK(!inside_foreign_parallel_region() && threads_of_a_region() == 2);
  }
  dlclose(handle);
  CHECK(!inside_foreign_parallel_region() && threads_of_a_region() == 2);
}

// Many callers at once: each gets its own sum.
void callers() {
  set_global_num_threads(3);
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([t] {
      for (int round = 0; round < 2000; ++round) {
        std::atomic<i64> sum{0};
        parallel_for(17, kCostly, [&](i64 begin, i64 end) {
          for (i64 i = begin; i < end; ++i) sum += i * t;
        });
        CHECK(sum == 17 * 16 / 2 * t);
      }
    });
  }
  for (auto& t : threads) t.join();
}

// Children forked while other threads are inside regions: they compute with as many threads as ever.
void forks() {
  set_global_num_threads(3);
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy;
  for (int t = 0; t < 2; ++t) {
    busy.emplace_back([&] {
      while (!stop) parallel_for(12, kCostly, [](i64, i64) { std::this_thread::yield(); });
    });
  }
  for (int round = 0; round < 40; ++round) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(20);  // a hang becomes a death by signal
      for (int i = 0; i < 20; ++i) {
        std::atomic<i64> sum{0};
        parallel_for(100, kCostly, [&](i64 begin, i64 end) { sum += end - begin; });
        if (sum != 100) _exit(1);
      }
      std::atomic<int> here{0};
      parallel_for(3, kCostly, [&](i64, i64) {
        ++here;
        while (here < 3) std::this_thread::yield();
      });
      _exit(here == 3 ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = true;
  for (auto& t : busy) t.join();
}

// Workers round as the caller does.
void rounding() {
  set_global_num_threads(4);
  std::vector<double> up(4), near(4);
  const auto thirds = [](std::vector<double>& out) {
    std::atomic<int> here{0};
    parallel_for(4, kCostly, [&](i64 begin, i64) {
      ++here;
      while (here < 4) std::this_thread::yield();
      volatile double one = 1, three = 3;
      out[static_cast<std::size_t>(begin)] = one / three;
    });
  };
  thirds(near);
  fesetround(FE_UPWARD);
  thirds(up);
  fesetround(FE_TONEAREST);
  for (std::size_t i = 0; i < 4; ++i) CHECK(near[i] == near[0] && up[i] == up[0] && up[0] > near[0]);
}

void memory() {
  const i64 before = allocation_count();
  AlignedBuffer none, empty(0), small(1), zeroed(5000, true), large(std::size_t{9} << 20);
  CHECK(none.data() == nullptr && none.size() == 0);
  for (const AlignedBuffer* b : {&empty, &small, &zeroed, &large}) {
    CHECK(b->data() != nullptr && reinterpret_cast<std::uintptr_t>(b->data()) % kAlignment == 0);
  }
  CHECK(allocation_count() == before + 4);
  for (int i = 0; i < 5000; ++i) CHECK(zeroed.as<char>()[i] == 0);
  std::memset(large.data(), 1, large.size());
  // Large ones are zero in every byte, also where others have written before.
  for (const std::size_t bytes : {std::size_t{4} << 20, (std::size_t{9} << 20) + 4095}) {
    for (int pass = 0; pass < 3; ++pass) {
      const AlignedBuffer again(bytes, true);
      CHECK(std::count(again.as<char>(), again.as<char>() + bytes, 0) == static_cast<std::ptrdiff_t>(bytes));
      std::memset(again.data(), 1, bytes);
    }
  }

  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 2 - 8}) {
    bool refused = false;
    try {
      const AlignedBuffer impossible(bytes);
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    CHECK(refused);
  }
  for (const i64 elements : {i64{-1}, std::numeric_limits<i64>::max(), std::numeric_limits<i64>::max() / 4}) {
    bool refused = false;
    try {
      thread_scratch<double>(Scratch::reduce, elements);
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    CHECK(refused);
  }

  float* a = thread_scratch<float>(Scratch::gemm_b, i64{1000});
  float* b = thread_scratch<float>(Scratch::gemm_rows, i64{1000});
  CHECK(a + 1000 <= b || b + 1000 <= a);
  const i64 steady = allocation_count();
  for (i64 n = 1; n <= 1000; ++n) CHECK(thread_scratch<float>(Scratch::gemm_b, n) == a);
  CHECK(allocation_count() == steady);
  std::thread([a] { CHECK(thread_scratch<float>(Scratch::gemm_b, i64{1000}) != a); }).join();
}

// No two buffers that live together overlap, and the block is no larger than without sharing.
void arena() {
  std::uint32_t state = 1;
  const auto draw = [&state](std::uint32_t n) {
    state = state * 1664525u + 1013904223u;
    return static_cast<int>((state >> 8) % n);
  };
  for (int round = 0; round < 300; ++round) {
    const int n = draw(40);
    ArenaPlanner planner;
    struct Life {
      i64 bytes;
      int first, last;
    };
    std::vector<Life> lives;
    i64 largest_moment = 0;
    for (int i = 0; i < n; ++i) {
      const int first = draw(20);
      lives.push_back({draw(8) == 0 ? 0 : draw(5000), first, first + draw(6)});
      CHECK(planner.add(lives.back().bytes, lives.back().first, lives.back().last) == i);
    }
    const i64 size = planner.plan();
    for (int t = 0; t < 30; ++t) {
      i64 together = 0;
      for (const Life& life : lives) {
        if (life.first <= t && t <= life.last) together += round_up(life.bytes, static_cast<i64>(kAlignment));
      }
      largest_moment = std::max(largest_moment, together);
    }
    CHECK(largest_moment <= size && size <= planner.naive_size());
    for (int i = 0; i < n; ++i) {
      CHECK(planner.offset(i) % static_cast<i64>(kAlignment) == 0 && planner.offset(i) + lives[i].bytes <= size);
      for (int j = 0; j < i; ++j) {
        if (lives[i].last < lives[j].first || lives[j].last < lives[i].first) continue;
        if (lives[i].bytes == 0 || lives[j].bytes == 0) continue;
        CHECK(planner.offset(i) + lives[i].bytes <= planner.offset(j) ||
              planner.offset(j) + lives[j].bytes <= planner.offset(i));
      }
    }
  }
  // A chain, each buffer read by the next: two at a time are enough.
  ArenaPlanner chain;
  for (int i = 0; i < 10; ++i) chain.add(640, i, i + 1);
  CHECK(chain.plan() == 2 * 640 && chain.naive_size() == 10 * 640);
  bool refused = false;
  try {
    chain.add(1, 3, 2);
  } catch (const Error& e) {
    refused = e.kind() == ErrorKind::internal;
  }
  CHECK(refused);
}

void write_file(const std::string& path, const std::string& text) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    mkdir(path.substr(0, slash).c_str(), 0755);
  }
  std::ofstream file(path);
  file << text;
  file.close();
  CHECK(file.good());
}

void cgroups(const std::string& folder) {
  const auto mount_line = [](const std::string& root, const std::string& point, const std::string& rest) {
    return "31 23 0:28 " + root + " " + point + " rw,relatime shared:9 - " + rest + "\n";
  };
  {  // v2: the least quota of the group and its ancestors counts, rounded down
    const std::string at = folder + "/v2";
    write_file(at + "/cgroup", "0::/a/b/c\n");
    write_file(at + "/mountinfo", mount_line("/", at + "/fs", "cgroup2 cgroup2 rw"));
    write_file(at + "/fs/a/b/c/cpu.max", "max 100000\n");
    CHECK(cgroup_cpu_limit(at) == 0);
    write_file(at + "/fs/a/cpu.max", "350000 100000\n");
    CHECK(cgroup_cpu_limit(at) == 3);
    write_file(at + "/fs/a/b/cpu.max", "200000 100000\n");
    CHECK(cgroup_cpu_limit(at) == 2);
    write_file(at + "/fs/a/b/c/cpu.max", "50000 100000\n");
    CHECK(cgroup_cpu_limit(at) == 1);
  }
  {  // v2 in a container: the mount's root is the host's path of our group, and its name has a blank
    const std::string at = folder + "/inside";
    write_file(at + "/cgroup", "0::/pod 7/box\n");
    write_file(at + "/mountinfo", mount_line("/pod\\0407", at + "/fs", "cgroup2 cgroup2 rw"));
    write_file(at + "/fs/cpu.max", "400000 100000\n");
    CHECK(cgroup_cpu_limit(at) == 4);
    write_file(at + "/fs/box/cpu.max", "300000 100000\n");
    CHECK(cgroup_cpu_limit(at) == 3);
    write_file(at + "/cgroup", "0::/../other\n");  // outside of what we see: the top of the mount is left
    CHECK(cgroup_cpu_limit(at) == 4);
  }
  {  // v1, beside hierarchies without the cpu controller
    const std::string at = folder + "/v1";
    write_file(at + "/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/docker/q\n0::/\n");
    write_file(at + "/mountinfo", mount_line("/", at + "/cpuset", "cgroup cgroup rw,cpuset") +
                                      mount_line("/docker/q", at + "/cpu", "cgroup cgroup rw,cpu,cpuacct"));
    write_file(at + "/cpu/cpu.cfs_period_us", "100000\n");
    write_file(at + "/cpu/cpu.cfs_quota_us", "-1\n");
    CHECK(cgroup_cpu_limit(at) == 0);
    write_file(at + "/cpu/cpu.cfs_quota_us", "250000\n");
    CHECK(cgroup_cpu_limit(at) == 2);
  }
  CHECK(cgroup_cpu_limit(folder + "/nothing") == 0);
  CHECK(cgroup_cpu_limit() >= 0);
}

void cpu() {
  const CpuInfo& info = cpu_info();
  CHECK(!info.name.empty());
  CHECK(!info.avx512 || info.avx2_fma);
  for (int level = 1; level <= 3; ++level) CHECK(info.cache[level] >= 0);
  const char* source = nullptr;
  CHECK(usable_cpus(&source) >= 1 && source != nullptr);
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {  // the kernel's own list, where there is one
    if (line.compare(0, 5, "flags") != 0) continue;
    line += " ";
    CHECK(info.avx2_fma == (line.find(" avx2 ") != std::string::npos && line.find(" fma ") != std::string::npos));
    CHECK(info.avx512 == (line.find(" avx512f ") != std::string::npos && line.find(" avx512vl ") != std::string::npos &&
                          line.find(" avx512bw ") != std::string::npos));
    break;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "cover") cover();
  else if (name == "together") together();
  else if (name == "limits") limits();
  else if (name == "exceptions") exceptions();
  else if (name == "nested") nested();
  else if (name == "interrupts") interrupts();
  else if (name == "callers") callers();
  else if (name == "forks") forks();
  else if (name == "rounding") rounding();
  else if (name == "placement") placement();
  else if (name == "openmp" && argc > 2) openmp(argv[2]);
  else if (name == "memory") memory();
  else if (name == "arena") arena();
  else if (name == "cpu") cpu();
  else if (name == "cgroups" && argc > 2) cgroups(argv[2]);
  else return 2;
  std::puts("ok");
  return 0;
}
