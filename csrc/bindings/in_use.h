// Who uses a handle: one thread at a time, others are refused or wait with the GIL released.
#ifndef NNF_BINDINGS_IN_USE_H
#define NNF_BINDINGS_IN_USE_H

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "bindings/checks.h"

namespace nnf::bindings {

// A handle may be used by one thread at a time, and its calls give the GIL away. Who holds it is noted, so that a call
// from within a call (a signal handler's, an array's own conversion) is told so instead of waiting for itself. Taking a
// free handle and giving it back costs one exchange and one store: predictions of one sample feel more.
struct Busy {
  std::atomic<bool> taken{false};
  std::atomic<int> waiting{0};
  std::atomic<std::thread::id> owner{};
  std::mutex mutex;  // of the sleep below; never held while waiting for the GIL
  std::condition_variable freed;
};

enum class WhenBusy { refuse, wait };

class InUse {
 public:
  InUse(Busy& busy, const char* what, WhenBusy when = WhenBusy::refuse) : busy_(busy) {
    if (take()) return;
    if (when == WhenBusy::refuse) throw std::runtime_error(std::string(what) + " is in use by another thread");
    if (busy_.owner.load() == std::this_thread::get_id()) {
      throw std::runtime_error(std::string(what) + " is in use by a call that this one is part of");
    }
    for (bool mine = false; !mine;) {
      PyThreadState* state = PyEval_SaveThread();
      {
        // Announced before the last look: either this look sees it free, or who frees it sees a sleeper.
        std::unique_lock<std::mutex> lock(busy_.mutex);
        busy_.waiting.fetch_add(1);
        busy_.freed.wait_for(lock, std::chrono::milliseconds(50), [&] { return !busy_.taken.load(); });
        busy_.waiting.fetch_sub(1);
        mine = take();
      }
      PyEval_RestoreThread(state);
      if (!mine && PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
  }
  ~InUse() {
    busy_.owner.store({}, std::memory_order_relaxed);
    busy_.taken.store(false);
    if (busy_.waiting.load() == 0) return;
    { const std::lock_guard<std::mutex> lock(busy_.mutex); }
    busy_.freed.notify_one();
  }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

 private:
  bool take() {
    if (busy_.taken.load(std::memory_order_relaxed) || busy_.taken.exchange(true)) return false;
    busy_.owner.store(std::this_thread::get_id(), std::memory_order_relaxed);
    return true;
  }

  Busy& busy_;
};

}  // namespace nnf::bindings

#endif  // NNF_BINDINGS_IN_USE_H
