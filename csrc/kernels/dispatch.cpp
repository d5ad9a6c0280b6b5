// Chooses the instruction set (see dispatch.h): which tables this build has, which of them this CPU runs, which one
// NNFAST_ISA or set_active_isa asks for.
#include "kernels/dispatch.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/cpu.h"
#include "base/error.h"
#include "nnfast/nnfast.h"

namespace nnf {
namespace {

// The registry's list and the C interface's enum name the same functions in the same order.
enum ActivationIndex {
#define NNF_INDEX(name, ENUM) kIndex##ENUM,
  NNF_ACTIVATIONS(NNF_INDEX)
#undef NNF_INDEX
  kIndexCount
};
static_assert(static_cast<int>(kIndexCount) == static_cast<int>(NNF_ACT_COUNT), "NNF_ACTIVATIONS and nnfast.h differ");
static_assert(kActivationCount == static_cast<int>(NNF_ACT_COUNT), "kActivationCount and nnfast.h differ");
#define NNF_CHECK(name, ENUM) \
  static_assert(static_cast<int>(kIndex##ENUM) == static_cast<int>(NNF_ACT_##ENUM), "order differs at " #ENUM);
NNF_ACTIVATIONS(NNF_CHECK)
#undef NNF_CHECK

enum LossIndex {
#define NNF_INDEX(name, ENUM) kLossIndex##ENUM,
  NNF_ELEMENT_LOSSES(NNF_INDEX)
#undef NNF_INDEX
  kLossIndexCount
};
static_assert(static_cast<int>(kLossIndexCount) == static_cast<int>(NNF_LOSS_ELEMENTWISE),
              "NNF_ELEMENT_LOSSES and nnfast.h differ");
static_assert(kElementLossCount == static_cast<int>(NNF_LOSS_ELEMENTWISE), "kElementLossCount and nnfast.h differ");
#define NNF_CHECK(name, ENUM) \
  static_assert(static_cast<int>(kLossIndex##ENUM) == static_cast<int>(NNF_LOSS_##ENUM), "order differs at " #ENUM);
NNF_ELEMENT_LOSSES(NNF_CHECK)
#undef NNF_CHECK

// Of an instruction set: the parts that its objects export, and the tables that they make together.
#define NNF_DECLARE_PART(Part, part, T, suffix, isa) extern const Part<T> nnf_##part##_##suffix##_##isa;
#define NNF_ADD_PART(Part, part, T, suffix, isa) nnf_##part##_##suffix##_##isa,
#define NNF_ISA_TABLES(isa)                                                            \
  extern "C" {                                                                         \
  NNF_PARTS(NNF_DECLARE_PART, float, f32, isa)                                         \
  NNF_PARTS(NNF_DECLARE_PART, double, f64, isa)                                        \
  }                                                                                    \
  const IsaTables* tables_##isa() {                                                    \
    static const KernelTable<float> f32 = {NNF_PARTS(NNF_ADD_PART, float, f32, isa)};  \
    static const KernelTable<double> f64 = {NNF_PARTS(NNF_ADD_PART, double, f64, isa)}; \
    static const IsaTables tables = {#isa, &f32, &f64};                                \
    return &tables;                                                                    \
  }
#ifdef NNF_HAVE_AVX512
NNF_ISA_TABLES(avx512)
#endif
#ifdef NNF_HAVE_AVX2
NNF_ISA_TABLES(avx2)
#endif
#ifdef NNF_HAVE_NEON
NNF_ISA_TABLES(neon)
#endif
#ifdef NNF_HAVE_SCALAR
NNF_ISA_TABLES(scalar)
#endif

struct Candidate {
  const char* name;
  const IsaTables* (*tables)();  // null when not compiled in
  bool runs;                     // on this CPU
};

constexpr int kCandidates = 4;
struct Candidates {
  Candidate list[kCandidates];  // best first; the last one always runs
};

Candidates candidates() {
  const CpuInfo& cpu = cpu_info();
  Candidates c = {{{"avx512", nullptr, cpu.avx512},
                   {"avx2", nullptr, cpu.avx2_fma},
                   {"neon", nullptr, cpu.neon},
                   {"scalar", nullptr, true}}};
#ifdef NNF_HAVE_AVX512
  c.list[0].tables = tables_avx512;
#endif
#ifdef NNF_HAVE_AVX2
  c.list[1].tables = tables_avx2;
#endif
#ifdef NNF_HAVE_NEON
  c.list[2].tables = tables_neon;
#endif
#ifdef NNF_HAVE_SCALAR
  c.list[3].tables = tables_scalar;
#endif
  return c;
}

// The tables of that name, or null when they are unknown, not compiled in or not for this CPU.
const IsaTables* find(const char* name) {
  const Candidates c = candidates();
  for (const Candidate& candidate : c.list) {
    if (std::strcmp(candidate.name, name) != 0) continue;
    return candidate.runs && candidate.tables != nullptr ? candidate.tables() : nullptr;
  }
  return nullptr;
}

[[noreturn]] void refuse(const char* argument, const char* name) {
  std::string usable;
  const Candidates c = candidates();
  for (const Candidate& candidate : c.list) {
    if (candidate.runs && candidate.tables != nullptr) {
      usable += (usable.empty() ? "'" : ", '") + std::string(candidate.name) + "'";
    }
  }
  throw_invalid("%s: expected an instruction set of this CPU and build (%s), got '%s'", argument, usable.c_str(), name);
}

std::atomic<const IsaTables*> active{nullptr};
std::atomic<const char*> source{"the CPU"};

// The first choice. Several threads may make it at once: they come to the same result.
const IsaTables* choose() {
  const IsaTables* chosen = nullptr;
  const char* wish = std::getenv("NNFAST_ISA");
  if (wish != nullptr && *wish != '\0') {
    chosen = find(wish);
    // Not silently something else: who forces a set wants to measure or to test that one.
    if (chosen == nullptr) refuse("NNFAST_ISA", wish);
    source.store("NNFAST_ISA", std::memory_order_relaxed);
  } else {
    const Candidates c = candidates();
    for (int i = 0; i < kCandidates && chosen == nullptr; ++i) {
      if (c.list[i].runs && c.list[i].tables != nullptr) chosen = c.list[i].tables();
    }
    NNF_ASSERT(chosen != nullptr);
  }
  const IsaTables* none = nullptr;
  return active.compare_exchange_strong(none, chosen, std::memory_order_acq_rel) ? chosen : none;
}

}  // namespace

const IsaTables& active_isa() {
  const IsaTables* tables = active.load(std::memory_order_acquire);
  return tables != nullptr ? *tables : *choose();
}

void set_active_isa(const char* name) {
  const IsaTables* tables = find(name);
  if (tables == nullptr) refuse("set_isa: name", name);
  active.store(tables, std::memory_order_release);
  source.store("set_isa", std::memory_order_relaxed);
}

bool isa_supported(const char* name) { return find(name) != nullptr; }

const char* isa_source() {
  active_isa();
  return source.load(std::memory_order_relaxed);
}

}  // namespace nnf
