// The pool behind parallel_for (see thread_pool.h). Not a task scheduler: one region at a time, its workers come from
// one set, and whoever finds that set taken works alone.
//
// A region. The caller takes the pool (`taken_`), fills in the job, and opens the gate: one atomic word that holds the
// job's number, how many workers may still enter, and how many are inside. A worker enters by one compare-and-swap,
// so a worker that wakes late finds the gate shut and touches nothing; the caller never waits for it. The caller works
// too; when no piece is left it shuts the gate and waits for those inside, each of which is finishing its last piece.
//
// Pieces. The tasks are cut into one range a thread, each with its own counter on its own cache line. A thread
// empties its own range first, then helps with the others'. So the same rows tend to meet the same core (and its cache)
// call after call, and a thread that is late or descheduled holds nobody up.
//
// Waiting. A worker without work spins for kSpin, then sleeps on a condition variable. 50 us covers the gaps between
// the layers of a training step and between back-to-back calls from Python. Only those who were of use in the last
// region spin, and never more than the caller leaves processors: a spinner would sit on the one that others need.
//
// Placement. A woken thread is put where it last ran unless the kernel finds an idle processor. In a virtual machine
// Linux takes halted processors for busy ones (vcpu_is_preempted), so it queues a woken worker behind its caller, also
// one that last ran elsewhere: measured, 3000 regions of 2 x 100 us in a row took 200 us each, as libgomp's do. So a
// caller that may wake workers, or sees one on its own processor, first forbids them that processor (placement.h says
// which are left to them). That costs system calls only when the caller has moved since.
//
// Guests. Inside a parallel region of OpenMP the processors are busy already: what is called there runs on its caller.
//
// Life. The pool is made at first use and never destroyed: at process exit workers sleep, or finish a piece that nobody
// waits for. A forked child has none of the workers; it forgets the parent's pool, whatever state that was caught in,
// and makes its own.
#include "base/thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <limits>
#include <mutex>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "base/cpu.h"
#include "base/error.h"
#include "base/foreign_parallel.h"
#include "base/fp_control.h"
#include "base/interrupt.h"
#include "base/placement.h"

namespace nnf {
namespace {

constexpr std::chrono::microseconds kSpin{50};
constexpr int kPausesPerLook = 32;      // pauses between looks at the clock: 1 to 2 us
constexpr i64 kPiecesPerRange = 4;      // so that a thread that falls behind leaves something to help with
constexpr i64 kMinPieceCost = 1 << 13;  // a claim costs two threads tens of ns; a piece of this cost some us
// Waking a sleeper takes the caller about 12 us, and 50 pass until it helps (measured in a virtual machine). A region
// of less work than this wakes nobody, unless another came just before it: then more will come, while workers spin.
constexpr i64 kWakeCost = 4 * kParallelThreshold;
constexpr std::chrono::microseconds kJustBefore{500};
constexpr std::size_t kCacheLine = 64;

void cpu_pause() {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// True while this thread is inside a region, as caller or worker: what it starts then runs on itself.
thread_local bool inside_region = false;
thread_local int local_limit = 0;
std::atomic<int> global_threads{0};  // 0: not known yet
std::atomic<bool> global_set{false};

// Spins until ready() or for kSpin, giving way to other threads from the second look on; returns ready().
template <class F>
bool spin_until(F ready) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point end{};
  for (bool first = true;; first = false) {
    for (int i = 0; i < kPausesPerLook; ++i) {
      if (ready()) return true;
      cpu_pause();
    }
    const Clock::time_point now = Clock::now();
    if (first) {
      end = now + kSpin;
    } else if (now >= end) {
      return ready();
    } else {
      sched_yield();
    }
  }
}

struct Job {
  detail::TaskFn fn = nullptr;
  void* context = nullptr;
  int ranges = 0;
  i64 piece = 0;  // tasks a claim takes
  FpControl fp{};  // workers take over the caller's, or a result would depend on who computed it
};

struct alignas(kCacheLine) Range {
  std::atomic<i64> next{0};
  i64 end = 0;
};

struct alignas(kCacheLine) Worker {
  std::atomic<int> cpu{-1};  // where it was seen last
  long thread = 0;           // set before started_ counts it
  int forbidden = -1;        // the processor its mask leaves out; who holds the pool reads and writes it
};

class Pool {
 public:
  Pool() : usable_(usable_cpus()), mask_(own_cpu_mask()) {}

  bool try_take() {
    return !taken_.load(std::memory_order_relaxed) && !taken_.exchange(true, std::memory_order_acquire);
  }
  void give_back() { taken_.store(false, std::memory_order_release); }

  // Carries out one region on up to `threads` threads. The caller has taken the pool.
  void run(i64 tasks, i64 cost, i64 total, int threads, detail::TaskFn fn, void* context);

 private:
  // The gate's word: job number in the upper half, below it how many may still enter and how many are inside.
  static constexpr u64 kInside = 1, kSlot = u64{1} << 16, kNumber = u64{1} << 32;
  static constexpr u64 kSlots = kNumber - kSlot;
  static u32 number(u64 gate) { return static_cast<u32>(gate >> 32); }
  static int inside(u64 gate) { return static_cast<int>(gate & (kSlot - 1)); }

  static void* worker_main(void* self);
  void grow(int wanted);
  void place();
  void wake(int wanted, i64 total);
  u64 wait_for_job(Worker& me, u32 seen, bool may_spin);
  void work(int first_range);
  void leave();
  void wait_until_empty();

  const int usable_;
  const CpuMask mask_;  // where its maker might run
  alignas(kCacheLine) std::atomic<u64> gate_{0};
  alignas(kCacheLine) std::atomic<bool> taken_{false};
  alignas(kCacheLine) Job job_;
  std::atomic<bool> failed_{false};  // a piece threw: no more claims
  std::exception_ptr error_;         // written by whoever set failed_
  Range ranges_[kMaxThreads];
  Worker worker_[kMaxThreads];  // the first started_ are alive

  std::atomic<int> workers_{0}, places_{0}, started_{0}, spinners_{0}, sleepers_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::chrono::steady_clock::time_point last_small_{};  // when a region too small to wake for found sleepers
  std::mutex mutex_;  // guards nothing but the two sleeps below
  std::condition_variable job_ready_, region_empty_;
};

// ---------------------------------------------------------------------------------------------- workers

void* Pool::worker_main(void* self) {
  Pool& pool = *static_cast<Pool*>(self);
  inside_region = true;
  // A thread-local with a destructor, alive as long as this thread: the C library then keeps our code mapped, even when
  // a program closes the library while workers sleep in it.
  struct KeepMapped {
    volatile char touched = 0;
    ~KeepMapped() { touched = 0; }
  };
  thread_local KeepMapped keep;
  keep.touched = 1;
  const int index = pool.places_.fetch_add(1, std::memory_order_relaxed);
  Worker& me = pool.worker_[index];
  me.thread = thread_id();
#if defined(__linux__)
  char name[24];  // 15 characters are allowed; there are at most kMaxThreads
  std::snprintf(name, sizeof(name), "nnfast-%d", index + 1);
  pthread_setname_np(pthread_self(), name);
#endif
  pool.started_.fetch_add(1, std::memory_order_release);
  bool took_part = true;
  for (u32 seen = 0;;) {
    u64 gate = pool.wait_for_job(me, seen, took_part);
    seen = number(gate);
    took_part = false;
    while ((gate & kSlots) != 0 && number(gate) == seen) {
      if (!pool.gate_.compare_exchange_weak(gate, gate - kSlot + kInside, std::memory_order_acq_rel,
                                            std::memory_order_acquire)) {
        continue;
      }
      set_fp_control(pool.job_.fp);
      pool.work(index + 1);
      pool.leave();
      took_part = true;
      break;
    }
  }
  return nullptr;
}

// Returns the gate once it shows another job number than `seen`.
u64 Pool::wait_for_job(Worker& me, u32 seen, bool may_spin) {
  u64 gate = 0;
  const auto changed = [&] {
    gate = gate_.load(std::memory_order_seq_cst);
    return number(gate) != seen;
  };
  const auto note_cpu = [&me] {
    const int cpu = current_cpu();
    if (me.cpu.load(std::memory_order_relaxed) != cpu) me.cpu.store(cpu, std::memory_order_relaxed);
  };
  note_cpu();
  if (changed()) return gate;
  if (may_spin) {
    const bool room = spinners_.fetch_add(1, std::memory_order_relaxed) < usable_ - 1;
    const bool found = room && spin_until(changed);
    spinners_.fetch_sub(1, std::memory_order_relaxed);
    if (found) return gate;
  }
  note_cpu();
  // Announce the sleep before the last look: either this look sees the new job, or its caller sees a sleeper.
  std::unique_lock<std::mutex> lock(mutex_);
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  job_ready_.wait(lock, changed);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
  return gate;
}

// Claims and carries out pieces until none is left.
void Pool::work(int first_range) {
  const Job& job = job_;
  for (int i = 0; i < job.ranges; ++i) {
    Range& range = ranges_[(first_range + i) % job.ranges];
    while (range.next.load(std::memory_order_relaxed) < range.end && !failed_.load(std::memory_order_relaxed)) {
      const i64 begin = range.next.fetch_add(job.piece, std::memory_order_relaxed);
      if (begin >= range.end) break;
      try {
        Interruptible::ask();  // of the caller, where it has set one: workers have none
        job.fn(job.context, begin, std::min(begin + job.piece, range.end));
      } catch (...) {
        if (!failed_.exchange(true, std::memory_order_acq_rel)) error_ = std::current_exception();
      }
    }
  }
}

void Pool::leave() {
  const u64 before = gate_.fetch_sub(kInside, std::memory_order_seq_cst);
  if (inside(before) == 1 && caller_sleeps_.load(std::memory_order_seq_cst)) {
    { const std::lock_guard<std::mutex> lock(mutex_); }
    region_empty_.notify_one();
  }
}

// ---------------------------------------------------------------------------------------------- the caller

// Starts workers until there are `wanted`, or the system refuses: then there are fewer, which changes no result.
void Pool::grow(int wanted) {
  int count = workers_.load(std::memory_order_relaxed);
  if (count >= wanted) return;
  // Workers take no signals: those are for the program's own threads (Python handles Ctrl-C on its main thread).
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  for (pthread_t thread; count < wanted; ++count) {
    if (pthread_create(&thread, &attributes, &Pool::worker_main, this) != 0) break;
    workers_.fetch_add(1, std::memory_order_relaxed);
  }
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // Once only: until a worker has begun, nothing keeps our code mapped for it (see worker_main).
  while (started_.load(std::memory_order_acquire) < count) sched_yield();
}

// Keeps workers off the processor the caller is on: those seen there, the new ones, and whoever may have to be woken.
// See "Placement" above.
void Pool::place() {
  const int cpu = current_cpu(), count = std::min(workers_.load(std::memory_order_relaxed), usable_ - 1);
  if (cpu < 0) return;
  const bool may_wake = sleepers_.load(std::memory_order_relaxed) > 0;
  for (int i = 0; i < count; ++i) {
    Worker& worker = worker_[i];
    const int at = worker.cpu.load(std::memory_order_relaxed);  // -1: it has not run since it was sent away
    if (at != cpu && (worker.forbidden == cpu || (at >= 0 && !may_wake))) continue;
    set_cpu_mask(worker.thread, worker_mask(mask_, own_cpu_mask(), cpu, count));
    worker.forbidden = cpu;
    worker.cpu.store(-1, std::memory_order_relaxed);
  }
}

// After the gate has opened for `wanted`: rouses as many sleepers as the spinning workers leave places for.
void Pool::wake(int wanted, i64 total) {
  const int asleep = sleepers_.load(std::memory_order_seq_cst);
  const int needed = std::min(asleep, wanted - (workers_.load(std::memory_order_relaxed) - asleep));
  if (needed <= 0) return;
  if (total < kWakeCost) {
    const auto now = std::chrono::steady_clock::now();
    const bool alone = now - last_small_ > kJustBefore;
    last_small_ = now;
    if (alone) return;
  }
  { const std::lock_guard<std::mutex> lock(mutex_); }  // whoever announced a sleep is now in it
  if (needed == asleep) {
    job_ready_.notify_all();
  } else {
    for (int i = 0; i < needed; ++i) job_ready_.notify_one();
  }
}

void Pool::wait_until_empty() {
  const auto empty = [this] { return inside(gate_.load(std::memory_order_seq_cst)) == 0; };
  if (job_.ranges <= usable_ ? spin_until(empty) : empty()) return;
  std::unique_lock<std::mutex> lock(mutex_);
  caller_sleeps_.store(true, std::memory_order_seq_cst);
  region_empty_.wait(lock, empty);
  caller_sleeps_.store(false, std::memory_order_relaxed);
}

void Pool::run(i64 tasks, i64 cost, i64 total, int threads, detail::TaskFn fn, void* context) {
  grow(threads - 1);
  place();
  const int helpers = std::min(threads - 1, workers_.load(std::memory_order_relaxed));
  const i64 per_range = tasks / threads, longer = tasks % threads;  // the first `longer` ranges have one task more
  for (i64 i = 0, begin = 0; i < threads; ++i) {
    const i64 end = begin + per_range + (i < longer ? 1 : 0);
    ranges_[i].next.store(begin, std::memory_order_relaxed);
    ranges_[i].end = end;
    begin = end;
  }
  const i64 piece = std::max(per_range / kPiecesPerRange, kMinPieceCost / std::max<i64>(cost, 1));
  job_ = {fn, context, threads, std::min(std::max<i64>(piece, 1), per_range + 1), fp_control()};
  failed_.store(false, std::memory_order_relaxed);

  const u32 next = number(gate_.load(std::memory_order_relaxed)) + 1;
  gate_.store(next * kNumber + static_cast<u64>(helpers) * kSlot, std::memory_order_seq_cst);
  wake(helpers, total);
  inside_region = true;
  work(0);
  inside_region = false;
  gate_.fetch_and(~kSlots, std::memory_order_acq_rel);
  wait_until_empty();

  if (failed_.load(std::memory_order_acquire)) {
    const std::exception_ptr error = std::move(error_);
    error_ = nullptr;
    give_back();
    std::rethrow_exception(error);
  }
  give_back();
}

// ---------------------------------------------------------------------------------------------- the process's pool

std::atomic<Pool*> process_pool{nullptr};

// In a forked child: the old pool stays in memory, as its locks and counters may have been caught in any state.
void forget_pool() {
  process_pool.store(nullptr, std::memory_order_relaxed);
  inside_region = false;
}

// When the library is loaded, not at first use: a lock taken then could itself be caught by a fork.
__attribute__((constructor)) void watch_forks() { pthread_atfork(nullptr, nullptr, &forget_pool); }

Pool& pool() {
  Pool* current = process_pool.load(std::memory_order_acquire);
  if (current == nullptr) {
    Pool* made = new Pool;
    if (process_pool.compare_exchange_strong(current, made, std::memory_order_acq_rel)) {
      current = made;
    } else {
      delete made;  // another thread was first; no worker knows this one
    }
  }
  return *current;
}

}  // namespace

int global_num_threads() {
  int n = global_threads.load(std::memory_order_relaxed);
  if (n == 0) {
    const int found = default_num_threads();
    if (global_threads.compare_exchange_strong(n, found, std::memory_order_relaxed)) n = found;
  }
  return n;
}

int num_threads() {
  const int n = global_num_threads();
  return local_limit > 0 ? std::min(local_limit, n) : n;
}

void set_global_num_threads(int n) {
  if (n < 1 || n > kMaxThreads) throw_invalid("set_num_threads: n: expected 1 to %d, got %d", kMaxThreads, n);
  global_threads.store(n, std::memory_order_relaxed);
  global_set.store(true, std::memory_order_relaxed);
}

int set_local_num_threads(int n) {
  const int before = local_limit;
  local_limit = std::max(n, 0);
  return before;
}

const char* num_threads_source() {
  if (local_limit > 0 && local_limit < global_num_threads()) return "this thread's limit";
  if (global_set.load(std::memory_order_relaxed)) return "set_num_threads";
  const char* source = nullptr;
  default_num_threads(&source);
  return source;
}

thread_local Interruptible::Current Interruptible::current_;

namespace detail {

// Work of one thread between two questions: about a millisecond.
constexpr i64 kAskCost = 16 * kParallelThreshold;

void parallel_for(i64 tasks, i64 cost, TaskFn fn, void* context) {
  if (tasks <= 0) return;
  i64 total = 0;
  if (__builtin_mul_overflow(tasks, cost, &total)) total = std::numeric_limits<i64>::max();
  if (tasks > 1 && total >= kParallelThreshold && !inside_region) {
    // Never so many that one's share is below half the threshold.
    const i64 most = std::min(tasks, 1 + total / kParallelThreshold);
    const int threads = static_cast<int>(std::min<i64>(num_threads(), most));
    if (threads > 1 && !inside_foreign_parallel_region()) {
      Pool& shared = pool();
      if (shared.try_take()) {
        shared.run(tasks, cost, total, threads, fn, context);
        return;
      }
    }
  }
  if (total < kAskCost || !Interruptible::active()) {
    fn(context, 0, tasks);
    return;
  }
  const i64 piece = std::max<i64>(1, kAskCost / std::max<i64>(cost, 1));
  for (i64 begin = 0; begin < tasks; begin += piece) {
    Interruptible::ask();
    fn(context, begin, std::min(begin + piece, tasks));
  }
}

}  // namespace detail
}  // namespace nnf
