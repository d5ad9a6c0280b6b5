// The C interface's configuration: messages, version, instruction set, CPU, threads.
#include <cstdio>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "capi/guard.h"
#include "kernels/dispatch.h"

#ifndef NNF_VERSION
#error "NNF_VERSION is not defined: see CMakeLists.txt"
#endif

namespace nnf {
namespace {

static_assert(NNF_MAX_THREADS == kMaxThreads, "the core's limit is the interface's");

// A plain array: setting it allocates nothing, so "out of memory" can always be said.
thread_local char last_error[1024] = "";

// For functions that return text: their message as set_last_error leaves it, and "" when the body throws.
template <class F>
const char* text_or_empty(F&& body) noexcept {
  const char* text = "";
  guard([&] { text = body(); });
  return text;
}

}  // namespace

void set_last_error(const char* message) { std::snprintf(last_error, sizeof(last_error), "%s", message); }

}  // namespace nnf

extern "C" {

const char* nnf_last_error(void) { return nnf::last_error; }
const char* nnf_version(void) { return NNF_VERSION; }
int nnf_abi_version(void) { return NNF_ABI_VERSION; }

const char* nnf_isa(void) {
  return nnf::text_or_empty([] { return nnf::active_isa().name; });
}
const char* nnf_isa_source(void) { return nnf::text_or_empty(nnf::isa_source); }
nnf_status nnf_set_isa(const char* name) {
  return nnf::guard([&] {
    if (name == nullptr) nnf::throw_invalid("set_isa: name: expected a string, got NULL");
    nnf::set_active_isa(name);
  });
}
int nnf_isa_supported(const char* name) {
  bool supported = false;
  nnf::guard([&] { supported = name != nullptr && nnf::isa_supported(name); });
  return supported ? 1 : 0;
}

const char* nnf_cpu_name(void) {
  return nnf::text_or_empty([] { return nnf::cpu_info().name.c_str(); });
}
const char* nnf_cpu_features(void) {
  return nnf::text_or_empty([] { return nnf::cpu_info().features.c_str(); });
}
int64_t nnf_cache_size(int level) {
  nnf::i64 size = 0;
  nnf::guard([&] { size = level >= 1 && level <= 3 ? nnf::cpu_info().cache[level] : 0; });
  return size;
}

int nnf_get_num_threads(void) {
  int n = 1;
  nnf::guard([&] { n = nnf::num_threads(); });
  return n;
}
nnf_status nnf_set_num_threads(int n) {
  return nnf::guard([&] { nnf::set_global_num_threads(n); });
}
int nnf_set_local_num_threads(int n) { return nnf::set_local_num_threads(n); }
const char* nnf_num_threads_source(void) { return nnf::text_or_empty(nnf::num_threads_source); }

int64_t nnf_allocation_count(void) { return nnf::allocation_count(); }

}  // extern "C"
