// Who uses a handle: one thread at a time, others are refused or wait with the GIL released.
#ifndef NNF_BINDINGS_IN_USE_H
#define NNF_BINDINGS_IN_USE_H

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "bindings/checks.h"

namespace nnf::bindings {

// A handle may be used by one thread at a time, and its calls give the GIL away. Who holds it is noted, so that a call
// from within a call (a signal handler's, an array's own conversion) is told so instead of waiting for itself.
struct Busy {
  std::mutex mutex;  // of the two below; never held while waiting for the GIL
  std::condition_variable freed;
  bool taken = false;
  std::thread::id owner;
};

enum class WhenBusy { refuse, wait };

class InUse {
 public:
  InUse(Busy& busy, const char* what, WhenBusy when = WhenBusy::refuse) : busy_(busy) {
    {
      const std::lock_guard<std::mutex> lock(busy_.mutex);
      if (take()) return;
      if (when == WhenBusy::refuse) throw std::runtime_error(std::string(what) + " is in use by another thread");
      if (busy_.owner == std::this_thread::get_id()) {
        throw std::runtime_error(std::string(what) + " is in use by a call that this one is part of");
      }
    }
    for (bool mine = false; !mine;) {
      PyThreadState* state = PyEval_SaveThread();
      {
        std::unique_lock<std::mutex> lock(busy_.mutex);
        mine = busy_.freed.wait_for(lock, std::chrono::milliseconds(50), [&] { return !busy_.taken; }) && take();
      }
      PyEval_RestoreThread(state);
      if (!mine && PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
  }
  ~InUse() {
    {
      const std::lock_guard<std::mutex> lock(busy_.mutex);
      busy_.taken = false;
    }
    busy_.freed.notify_one();
  }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

 private:
  bool take() {
    if (busy_.taken) return false;
    busy_.taken = true;
    busy_.owner = std::this_thread::get_id();
    return true;
  }

  Busy& busy_;
};

}  // namespace nnf::bindings

#endif  // NNF_BINDINGS_IN_USE_H
