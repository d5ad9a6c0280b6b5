// What a thread asks between the pieces of long work, which may throw to end it.
#ifndef NNF_BASE_INTERRUPT_H
#define NNF_BASE_INTERRUPT_H

namespace nnf {

// While it lives, this thread calls check(context) before each piece it carries out for parallel_for, and wherever else
// ask() stands. What that throws comes out of the region, all of whose threads have ended their pieces by then.
class Interruptible {
 public:
  using Check = void(void* context);
  // Without a check nothing is asked.
  Interruptible(Check* check, void* context) : before_(current_) { current_ = {check, context}; }
  ~Interruptible() { current_ = before_; }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  static bool active() { return current_.check != nullptr; }
  static void ask() {
    if (current_.check != nullptr) current_.check(current_.context);
  }

 private:
  struct Current {
    Check* check = nullptr;
    void* context = nullptr;
  };
  static thread_local Current current_;  // in thread_pool.cpp
  Current before_;
};

}  // namespace nnf

#endif  // NNF_BASE_INTERRUPT_H
