// The floating-point control word of a thread: rounding, and whether denormal numbers count as zero.
#ifndef NNF_BASE_FP_CONTROL_H
#define NNF_BASE_FP_CONTROL_H

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "base/types.h"

namespace nnf {

#if defined(__SSE2__)
using FpControl = unsigned;
inline FpControl fp_control() { return _mm_getcsr() & ~0x3fu; }  // without the sticky flags
inline void set_fp_control(FpControl control) {
  if (fp_control() != control) _mm_setcsr(control);
}
constexpr FpControl kFlushBits = 0x8040;  // results to zero, operands as zero
#elif defined(__aarch64__)
using FpControl = u64;
inline FpControl fp_control() {
  FpControl control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}
inline void set_fp_control(FpControl control) {
  if (fp_control() != control) __asm__ volatile("msr fpcr, %0" : : "r"(control));
}
constexpr FpControl kFlushBits = u64{1} << 24;
#else
using FpControl = int;
inline FpControl fp_control() { return 0; }
inline void set_fp_control(FpControl) {}
constexpr FpControl kFlushBits = 0;
#endif

// While it lives, denormal numbers are zero on this thread, and in the pool's regions that it starts (thread_pool.cpp).
// The engine computes so: the gradients of a network that has learnt its data fall below 1e-38 one after the other, and
// each such number costs some processors a hundred cycles. What is lost is less than 1.2e-38 (float), 2.3e-308 (double)
// an operation.
class FlushDenormals {
 public:
  FlushDenormals() : before_(fp_control()) { set_fp_control(before_ | kFlushBits); }
  ~FlushDenormals() { set_fp_control(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  FpControl before_;
};

}  // namespace nnf

#endif  // NNF_BASE_FP_CONTROL_H
