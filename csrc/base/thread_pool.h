// The one thread pool of the process: short spin, then park; started at first use; remade in a forked child.
//
// Work is cut by the caller, by shape alone; the pool only decides who carries out which piece, so results do not
// depend on the number of threads. Any thread may call parallel_for at any time: a call that finds the pool busy
// with another caller's work, or is itself made from inside a piece or inside a parallel region of OpenMP, runs its
// pieces on the calling thread.
#ifndef NNF_BASE_THREAD_POOL_H
#define NNF_BASE_THREAD_POOL_H

#include <type_traits>

#include "base/types.h"

namespace nnf {

// Threads a call from this thread may use now: the global number, or this thread's own limit if it is lower.
int num_threads();
int global_num_threads();
void set_global_num_threads(int n);  // 1..kMaxThreads, otherwise Error(invalid_value)
int set_local_num_threads(int n);    // 0: no own limit; returns the limit before
const char* num_threads_source();    // what decided num_threads(): for reports

// A number of elementary operations (about a nanosecond's worth each is 4..64 flops) below which starting a second
// thread costs more than it saves; parallel_for stays on the calling thread when tasks * cost is less.
constexpr i64 kParallelThreshold = 1 << 16;

namespace detail {
using TaskFn = void (*)(void* context, i64 begin, i64 end);
void parallel_for(i64 tasks, i64 cost, TaskFn fn, void* context);
}  // namespace detail

// Calls f(begin, end) over pieces that cover 0..tasks-1, each task once; returns when all are done. `cost` is the
// work of one task in elementary vector operations (kParallelThreshold's unit). An exception thrown by a piece is
// rethrown here (the first one).
template <class F>
void parallel_for(i64 tasks, i64 cost, F&& f) {
  using Fn = std::remove_reference_t<F>;
  detail::parallel_for(
      tasks, cost, [](void* c, i64 begin, i64 end) { (*static_cast<Fn*>(c))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace nnf

#endif  // NNF_BASE_THREAD_POOL_H
