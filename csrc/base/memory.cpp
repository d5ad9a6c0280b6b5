// Aligned allocation, its count, and the scratch buffers of each thread (see memory.h).
#include "base/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

namespace nnf {
namespace {

std::atomic<i64> allocations{0};

// From this size on a buffer asks for 2 MiB pages: a plan's arena or a flat parameter buffer is walked end to end each
// step, and with 4 KiB pages that costs a TLB miss every 64 lines. Smaller ones would mostly miss the 2 MiB boundaries.
constexpr std::size_t kHugePageBytes = std::size_t{4} << 20;

void* allocate(std::size_t bytes) {
  // Whole lines, at least one: a vector load of a full line at the end stays inside, and data() is never null.
  if (bytes > static_cast<std::size_t>(PTRDIFF_MAX) - kAlignment) throw std::bad_alloc();
  const std::size_t whole = std::max<std::size_t>((bytes + kAlignment - 1) / kAlignment * kAlignment, kAlignment);
  void* p = nullptr;
  if (posix_memalign(&p, kAlignment, whole) != 0) throw std::bad_alloc();
  allocations.fetch_add(1, std::memory_order_relaxed);
#if defined(__linux__)
  if (whole >= kHugePageBytes) {
    constexpr std::uintptr_t page = 4096;
    const std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(p) + page - 1) / page * page;
    const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(p) + whole) / page * page;
    (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a hint: failure changes nothing
  }
#endif
  return p;
}

}  // namespace

void AlignedFree::operator()(void* p) const { std::free(p); }

AlignedBuffer::AlignedBuffer(std::size_t bytes, bool zero) : p_(allocate(bytes)), size_(bytes) {
  if (zero) std::memset(p_.get(), 0, bytes);
}

void* thread_scratch(Scratch slot, std::size_t bytes) {
  thread_local AlignedBuffer slots[static_cast<int>(Scratch::count)];
  AlignedBuffer& buffer = slots[static_cast<int>(slot)];
  if (buffer.data() == nullptr || buffer.size() < bytes) {
    // Half as much again, so that sizes that creep up settle after a few calls; the old one goes first, as its
    // contents are not wanted, to keep the peak low.
    const std::size_t grown = std::max(bytes, buffer.size() + buffer.size() / 2);
    buffer = AlignedBuffer();
    buffer = AlignedBuffer(grown);
  }
  return buffer.data();
}

i64 allocation_count() { return allocations.load(std::memory_order_relaxed); }

}  // namespace nnf
