// Memory: aligned buffers, and scratch space that each thread keeps between calls.
#ifndef NNF_BASE_MEMORY_H
#define NNF_BASE_MEMORY_H

#include <cstddef>
#include <memory>
#include <new>

#include "base/types.h"

namespace nnf {

constexpr std::size_t kAlignment = 64;  // a cache line, and a 512-bit vector

inline i64 round_up(i64 n, i64 multiple) { return (n + multiple - 1) / multiple * multiple; }
inline i64 ceil_div(i64 a, i64 b) { return (a + b - 1) / b; }

struct AlignedFree {
  void operator()(void* p) const;
};

// Aligned bytes; zeroed on request; throws std::bad_alloc (also when the size overflows).
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t bytes, bool zero = false);
  void* data() const { return p_.get(); }
  std::size_t size() const { return size_; }
  template <class T>
  T* as() const { return static_cast<T*>(p_.get()); }

 private:
  std::unique_ptr<void, AlignedFree> p_;
  std::size_t size_ = 0;
};

// Scratch of the calling thread: at least `bytes`, aligned, contents undefined, valid until the same thread asks the
// same slot again. Grows, never shrinks below what the thread has used, freed when the thread ends: the steady state
// allocates nothing. One slot per use that may be live at the same time.
enum class Scratch {
  gemm_b,
  gemm_rows,
  linear_gradient,
  conv_image,
  conv_cols,
  pooled_image,
  pooled_sums,
  convert_in,
  convert_out,
  softmax,
  reduce,
  norm,
  norm_sums,
  norm_image,
  slopes,
  loss_rows,
  loss_weights,
  lazy_row,
  count
};
void* thread_scratch(Scratch slot, std::size_t bytes);
template <class T>
T* thread_scratch(Scratch slot, i64 elements) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(elements, sizeof(T), &bytes)) throw std::bad_alloc();  // also when negative
  return static_cast<T*>(thread_scratch(slot, bytes));
}

// How many allocations the core has made since the process started (both kinds above): for the tests that hold the
// steady state to none.
i64 allocation_count();

}  // namespace nnf

#endif  // NNF_BASE_MEMORY_H
