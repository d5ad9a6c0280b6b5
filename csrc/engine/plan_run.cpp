// Running a plan: forward and backward over the arena, nothing allocated.
#include "base/error.h"
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
void Plan<T>::forward(i64 n, const RunState& run) {
  NNF_ASSERT(n >= 0 && n <= batch_);
  for (Step& s : steps_) {
    for (std::size_t j = 0; j < s.inputs.size(); ++j) s.x[j] = pointer(values_[at(s.inputs[j])].buffer);
    s.op->forward({n, s.x.data(), pointer(values_[at(s.output)].buffer), s.params.data(), run,
                   s.buffers.data()});
  }
}

template <class T>
void Plan<T>::backward(i64 n, const RunState& run, bool accumulate) {
  NNF_ASSERT(trains() && n >= 0 && n <= batch_);
  for (std::size_t i = steps_.size(); i-- > 0;) {
    Step& s = steps_[i];
    if (!s.has_backward) continue;
    for (std::size_t j = 0; j < s.inputs.size(); ++j) {
      const Value& in = values_[at(s.inputs[j])];
      s.x[j] = pointer(in.buffer);
      s.gx[j] = !in.needs_grad ? nullptr : pointer(s.grad_temps[j] >= 0 ? s.grad_temps[j] : in.grad_buffer);
    }
    const Value& out = values_[at(s.output)];
    s.op->backward({n, pointer(out.grad_buffer), s.x.data(), pointer(out.buffer), s.gx.data(), s.params.data(),
                    s.gparams.data(), accumulate, run});
    for (std::size_t j = 0; j < s.inputs.size(); ++j) {
      if (s.grad_temps[j] < 0) continue;
      const Value& in = values_[at(s.inputs[j])];
      add_into<T>(n * element_count(in.shape), s.gx[j], pointer(in.grad_buffer));
    }
  }
}

template class Plan<float>;
template class Plan<double>;

}  // namespace nnf
