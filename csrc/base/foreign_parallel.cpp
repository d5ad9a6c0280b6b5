// Finds the OpenMP runtimes that others have loaded and asks them (see foreign_parallel.h). We link to none of them.
//
// A process may hold several (each Python wheel may bring its own libgomp), and extension modules load them out of
// sight of dlsym(RTLD_DEFAULT). So: the loader's list of objects, by name; then dlopen with RTLD_NOLOAD for a handle.
// The loader counts the objects it has ever added; as long as that count stands still, what was found stays complete.
// Handles of runtimes are never closed, so that a function once found stays callable.
//
// Locks. No call into the loader that may wait for another thread's dlopen is made with our lock held: that dlopen may
// be running a constructor that computes with us. Threads that find the count changed each look for themselves, and
// none goes on with a list that another is still completing. dl_iterate_phdr holds a lock of the loader that the C
// library does not always reset in a forked child; hence ours around it, which a fork waits for.
#include "base/foreign_parallel.h"

#if defined(__linux__)
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <string.h>

#include <atomic>

#include "base/types.h"

namespace nnf {
namespace {

using InParallel = int (*)();  // omp_in_parallel; Fortran's logical is an int too

constexpr int kMaxRuntimes = 8;  // more would be a strange process; those beyond are not asked

std::atomic<InParallel> runtimes[kMaxRuntimes];
std::atomic<int> runtime_count{0};
std::atomic<u64> scanned{0};  // the loader's count when we looked; it is never 0, as the program itself counts
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;  // around dl_iterate_phdr, and around additions to `runtimes`

void lock_for_fork() { pthread_mutex_lock(&lock); }
void unlock_after_fork() { pthread_mutex_unlock(&lock); }
__attribute__((constructor)) void watch_forks() {
  pthread_atfork(&lock_for_fork, &unlock_after_fork, &unlock_after_fork);
}

bool is_openmp_runtime(const char* path) {
  const char* slash = strrchr(path, '/');
  const char* name = slash == nullptr ? path : slash + 1;
  constexpr const char* kStarts[] = {"libgomp", "libomp", "libiomp5"};  // a wheel has libgomp-e985bcbb.so.1.0.0
  for (const char* start : kStarts) {
    if (strncmp(name, start, strlen(start)) == 0) return true;
  }
  return false;
}

struct Loaded {
  u64 count = 0;  // dlpi_adds
  int found = 0;
  char path[kMaxRuntimes][PATH_MAX];
};

// The objects are listed with the loader's lock held: nothing here allocates or calls back into it.
int read_count(dl_phdr_info* info, size_t, void* count) {
  *static_cast<u64*>(count) = info->dlpi_adds;
  return 1;  // it is the same for every object
}

int note_runtime(dl_phdr_info* info, size_t, void* context) {
  Loaded& loaded = *static_cast<Loaded*>(context);
  loaded.count = info->dlpi_adds;
  const char* path = info->dlpi_name;
  if (path == nullptr || !is_openmp_runtime(path) || loaded.found == kMaxRuntimes) return 0;
  const size_t length = strlen(path);
  if (length < PATH_MAX) memcpy(loaded.path[loaded.found++], path, length + 1);
  return 0;
}

void list_objects(int (*visit)(dl_phdr_info*, size_t, void*), void* context) {
  pthread_mutex_lock(&lock);
  dl_iterate_phdr(visit, context);
  pthread_mutex_unlock(&lock);
}

// Adds it unless it is there already; false when it is not ours to keep.
bool add(InParallel function) {
  pthread_mutex_lock(&lock);
  const int count = runtime_count.load(std::memory_order_relaxed);
  bool is_new = count < kMaxRuntimes;
  for (int i = 0; i < count; ++i) is_new = is_new && runtimes[i].load(std::memory_order_relaxed) != function;
  if (is_new) {
    runtimes[count].store(function, std::memory_order_relaxed);
    runtime_count.store(count + 1, std::memory_order_release);
  }
  pthread_mutex_unlock(&lock);
  return is_new;
}

// Kept out of the caller's frame: some tens of kilobytes, needed a few times in a process's life.
__attribute__((noinline)) void scan() {
  Loaded loaded;
  list_objects(&note_runtime, &loaded);
  for (int i = 0; i < loaded.found; ++i) {
    void* handle = dlopen(loaded.path[i], RTLD_LAZY | RTLD_NOLOAD);
    if (handle == nullptr) continue;  // closed since
    const auto function = reinterpret_cast<InParallel>(dlsym(handle, "omp_in_parallel"));
    if (function == nullptr || !add(function)) dlclose(handle);
  }
  scanned.store(loaded.count, std::memory_order_release);
}

}  // namespace

bool inside_foreign_parallel_region() {
  u64 count = 0;
  list_objects(&read_count, &count);
  if (count != scanned.load(std::memory_order_acquire)) scan();
  const int found = runtime_count.load(std::memory_order_acquire);
  for (int i = 0; i < found; ++i) {
    if (runtimes[i].load(std::memory_order_relaxed)() != 0) return true;
  }
  return false;
}

}  // namespace nnf

#else

namespace nnf {
bool inside_foreign_parallel_region() { return false; }  // no list of loaded objects with a count of changes
}  // namespace nnf

#endif
