// Aligned allocation, its count, and the scratch buffers of each thread (see memory.h).
#include "base/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace nnf {
namespace {

std::atomic<i64> allocations{0};

// From this size on a buffer asks for 2 MiB pages: a plan's arena or a flat parameter buffer is walked end to end each
// step, and with 4 KiB pages that costs a TLB miss every 64 lines. Smaller ones would mostly miss the 2 MiB boundaries.
constexpr std::size_t kHugePageBytes = std::size_t{4} << 20;

#if defined(__linux__)
// The whole pages of a block.
struct Pages {
  char *begin, *end;
  Pages(void* p, std::size_t bytes) {
    static const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t before = (page - reinterpret_cast<std::uintptr_t>(p) % page) % page;
    begin = static_cast<char*>(p) + before;
    end = begin + (bytes - before) / page * page;
  }
  std::size_t size() const { return static_cast<std::size_t>(end - begin); }
};
#endif

void* allocate(std::size_t bytes) {
  // Whole lines, at least one: a vector load of a full line at the end stays inside, and data() is never null.
  if (bytes > static_cast<std::size_t>(PTRDIFF_MAX) - kAlignment) throw std::bad_alloc();
  const std::size_t whole = std::max<std::size_t>((bytes + kAlignment - 1) / kAlignment * kAlignment, kAlignment);
  void* p = nullptr;
  if (posix_memalign(&p, kAlignment, whole) != 0) throw std::bad_alloc();
  allocations.fetch_add(1, std::memory_order_relaxed);
#if defined(__linux__)
  if (whole >= kHugePageBytes) {
    const Pages pages(p, whole);
    (void)madvise(pages.begin, pages.size(), MADV_HUGEPAGE);  // a hint: failure changes nothing
  }
#endif
  return p;
}

// Of a large buffer only the ends are written: Linux gives zeroed pages for those handed back when they are touched,
// which is in the first step, in pieces, by all threads, where Ctrl-C is answered. Gigabytes at once took seconds.
void set_zero(void* p, std::size_t bytes) {
#if defined(__linux__)
  if (bytes >= kHugePageBytes) {
    const Pages pages(p, bytes);
    if (madvise(pages.begin, pages.size(), MADV_DONTNEED) == 0) {
      std::memset(p, 0, static_cast<std::size_t>(pages.begin - static_cast<char*>(p)));
      std::memset(pages.end, 0, static_cast<std::size_t>(static_cast<char*>(p) + bytes - pages.end));
      return;
    }
  }
#endif
  std::memset(p, 0, bytes);
}

}  // namespace

void AlignedFree::operator()(void* p) const { std::free(p); }

AlignedBuffer::AlignedBuffer(std::size_t bytes, bool zero) : p_(allocate(bytes)), size_(bytes) {
  if (zero) set_zero(p_.get(), bytes);
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
