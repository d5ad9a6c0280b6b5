// Asks the caller, between the parts of long work, whether it is to end.
#ifndef NNF_ENGINE_POLL_H
#define NNF_ENGINE_POLL_H

#include <chrono>

#include "base/fp_control.h"
#include "nnfast/nnfast.h"

namespace nnf {

// Thrown when the caller wants an end; never leaves the engine.
struct Stopped {};

class Poll {
 public:
  void set(nnf_poll_fn* ask, void* context) {
    ask_ = ask;
    context_ = context;
  }
  // Throws Stopped if the caller says so, who is asked when some time has passed since the last answer.
  void check() {
    if (ask_ == nullptr) return;
    const Clock::time_point now = Clock::now();
    if (now < next_) return;
    const FpControl own = fp_control();
    set_fp_control(own & ~kFlushBits);  // foreign code computes with all numbers
    const bool stop = ask_(context_) != 0;
    set_fp_control(own);
    next_ = Clock::now() + std::chrono::milliseconds(20);  // a tenth of what people take for "at once"
    if (stop) throw Stopped{};
  }
  // The same as base/interrupt.h calls it.
  static void check_of(void* poll) { static_cast<Poll*>(poll)->check(); }

 private:
  using Clock = std::chrono::steady_clock;
  nnf_poll_fn* ask_ = nullptr;
  void* context_ = nullptr;
  Clock::time_point next_;
};

}  // namespace nnf

#endif  // NNF_ENGINE_POLL_H
