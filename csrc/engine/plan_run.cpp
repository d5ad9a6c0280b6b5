// Running a plan: forward and backward over the arena, nothing allocated.
#include <optional>

#include "base/error.h"
#include "base/interrupt.h"
#include "engine/plan.h"
#include "kernels/elementwise/elementwise.h"

namespace nnf {

template <class T>
void Plan<T>::borrow_input(int i, const T* x) {
  Buffer& b = buffers_[at(values_[at(inputs_[at(i)])].buffer)];
  // Never written: an input's buffer is not exclusive, so no step works in place on it.
  b.pointer = x != nullptr ? const_cast<T*>(x) : b.home;
}

template <class T>
bool Plan<T>::has_backward() const {
  bool any = false;
  for (int v : outputs_) any = any || values_[at(v)].grad_buffer >= 0;
  return any;
}

template <class T>
std::vector<int> Plan<T>::backward_nodes() const {
  std::vector<int> nodes;
  for (std::size_t i = steps_.size(); i-- > 0;) {
    if (steps_[i].has_backward && steps_[i].node >= 0) nodes.push_back(steps_[i].node);
  }
  return nodes;
}

namespace {

// A frozen node's running statistics stand still, and are what it normalises by. Randomness is no part of that: dropout
// has no arrays, and stays.
RunState at_rest(RunState run) {
  run.training = false;
  return run;
}

}  // namespace

template <class T>
void Plan<T>::forward(i64 n, const RunState& run, Poll* poll) {
  NNF_ASSERT(n >= 0 && n <= batch_);
  const RunState resting = at_rest(run);
  const bool asks = long_ && poll != nullptr;
  std::optional<Interruptible> asking;
  if (asks) asking.emplace(&Poll::check_of, poll);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    Step& s = steps_[i];
    if (asks) poll->check();
    for (std::size_t j = 0; j < s.inputs.size(); ++j) s.x[j] = pointer(values_[at(s.inputs[j])].buffer);
    s.op->forward({n, s.x.data(), pointer(values_[at(s.output)].buffer), s.params.data(),
                   s.frozen && !s.buffers.empty() ? resting : run, s.buffers.data(), pointer(s.saved),
                   i == 0 ? sparse_ : nullptr});
  }
}

template <class T>
void Plan<T>::backward(i64 n, const RunState& run, bool accumulate, bool to_inputs, Poll* poll) {
  NNF_ASSERT(trains() && n >= 0 && n <= batch_);
  const RunState resting = at_rest(run);
  const bool asks = long_ && poll != nullptr;
  std::optional<Interruptible> asking;
  if (asks) asking.emplace(&Poll::check_of, poll);
  const auto wanted = [to_inputs](const Value& v) { return v.reaches_params || (to_inputs && v.needs_grad); };
  for (std::size_t i = steps_.size(); i-- > 0;) {
    Step& s = steps_[i];
    const Value& out = values_[at(s.output)];
    if (!s.has_backward || !wanted(out)) continue;
    if (asks) poll->check();
    for (std::size_t j = 0; j < s.inputs.size(); ++j) {
      const Value& in = values_[at(s.inputs[j])];
      s.x[j] = pointer(in.buffer);
      s.gx[j] = !wanted(in) ? nullptr : pointer(s.grad_temps[j] >= 0 ? s.grad_temps[j] : in.grad_buffer);
    }
    s.op->backward({n, pointer(out.grad_buffer), s.x.data(), pointer(out.buffer), s.gx.data(), s.params.data(),
                    s.gparams.data(), accumulate, s.frozen && !s.buffers.empty() ? resting : run,
                    pointer(s.saved), i == 0 ? sparse_ : nullptr});
    for (std::size_t j = 0; j < s.inputs.size(); ++j) {
      if (s.grad_temps[j] < 0 || s.gx[j] == nullptr) continue;
      const Value& in = values_[at(s.inputs[j])];
      add_into<T>(n * element_count(in.shape), s.gx[j], pointer(in.grad_buffer));
    }
  }
}

template class Plan<float>;
template class Plan<double>;

}  // namespace nnf
