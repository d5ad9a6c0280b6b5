// Compiling a plan: lowering the graph to steps, sharing buffers, lifetimes, placement.
//
// The plan's clock: step i runs forward at time i; the loss at time S (the number of steps); step i's backward at 2S - i.
// An infer plan's output is read at time S.
#include <algorithm>
#include <new>

#include "base/arena.h"
#include "base/error.h"
#include "engine/ops/families.h"
#include "engine/plan.h"
#include "kernels/elementwise/elementwise.h"

namespace nnf {

int reader_of_sparse(const Graph& graph) {
  if (graph.inputs().size() != 1) return -1;
  const int input = graph.inputs()[0];
  int reader = -1;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (std::find(node.inputs.begin(), node.inputs.end(), input) == node.inputs.end()) continue;
    if (reader >= 0 || !node.spec->takes_sparse()) return -1;
    reader = static_cast<int>(i);
  }
  const std::vector<int> outputs = graph.outputs();
  return std::find(outputs.begin(), outputs.end(), input) == outputs.end() ? reader : -1;
}

template <class T>
Plan<T>::Plan(const Graph& graph, const Parameters<T>& params, const Trainable& trainable, i64 batch, Purpose purpose,
              bool sparse)
    : batch_(batch), purpose_(purpose), is_sparse_(sparse) {
  if (batch < 1) throw_invalid("batch_size: expected at least 1, got %lld", static_cast<long long>(batch));
  lower(graph, params, trainable);
  if (trains()) find_gradients();
  share_buffers();
  if (trains()) share_gradients();
  place();
  // What stays below both takes a few milliseconds at most: the parameters stand for the work of dense layers, the arena
  // for that of all others.
  long_ = static_cast<double>(params.size()) * static_cast<double>(batch) > (1 << 24) || arena_size_ > (1 << 21);
}

template <class T>
int Plan<T>::add_step(std::unique_ptr<Op<T>> op, const std::vector<int>& inputs, Shape shape, Layout layout) {
  const int step = static_cast<int>(steps_.size()), value = static_cast<int>(values_.size());
  for (int v : inputs) values_[at(v)].consumers.push_back(step);
  Value out;
  out.shape = std::move(shape);
  out.layout = layout;
  out.producer = step;
  values_.push_back(std::move(out));
  Step s;
  s.traits = op->traits();
  s.op = std::move(op);
  s.inputs = inputs;
  s.output = value;
  s.x.resize(inputs.size());
  s.gx.resize(inputs.size());
  s.grad_temps.assign(inputs.size(), -1);
  steps_.push_back(std::move(s));
  return value;
}

// The value itself, or its conversion (made once per value and layout).
template <class T>
int Plan<T>::with_layout(int value, Layout layout) {
  const Shape shape = values_[at(value)].shape;
  if (values_[at(value)].layout == layout || !has_layouts(shape)) return value;
  if (values_[at(value)].converted < 0) {
    const int made = add_step(make_layout_op<T>(shape, layout), {value}, shape, layout);
    values_[at(value)].converted = made;  // two layouts only: there is at most one other
  }
  return values_[at(value)].converted;
}

// Whether the step that makes `value`, which `node` alone reads, does the node's work too: an activation, where the
// derivative, if one is wanted, follows from the output; or a pooling.
template <class T>
bool Plan<T>::take_in(const Node& node, int value) {
  const int producer = values_[at(value)].producer;
  if (producer < 0) return false;
  Step& step = steps_[at(producer)];
  nnf_activation act;
  double alpha;
  PoolShape pool;
  bool max, taken = false;
  if (node.spec->as_activation(&act, &alpha)) {
    taken = (!trains() || activation_has_backward_from_output(act, alpha)) && step.op->fuse_activation(act, alpha);
  } else if (node.spec->as_pooling(&pool, &max)) {
    taken = step.op->fuse_pooling(pool, max);
  }
  if (!taken) return false;
  step.traits = step.op->traits();
  if (step.frozen && step.traits.input_for_params) step.traits.backward_needs_input = false;
  values_[at(value)].shape = node.shape;
  if (!has_layouts(node.shape)) values_[at(value)].layout = Layout::plain;
  return true;
}

template <class T>
void Plan<T>::lower(const Graph& graph, const Parameters<T>& params, const Trainable& trainable) {
  const auto& nodes = graph.nodes();
  const std::vector<int> outputs = graph.outputs();
  std::vector<int> readers(nodes.size(), 0);
  for (const Node& n : nodes) {
    for (int i : n.inputs) ++readers[at(i)];
  }
  for (int i : outputs) ++readers[at(i)];

  std::vector<int> value_of(nodes.size(), -1);
  int random_index = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    if (node.spec == nullptr) {
      Value v;
      v.shape = node.shape;
      value_of[i] = static_cast<int>(values_.size());
      inputs_.push_back(value_of[i]);
      values_.push_back(std::move(v));
      continue;
    }
    if (readers[at(node.inputs[0])] == 1 && take_in(node, value_of[at(node.inputs[0])])) {
      value_of[i] = value_of[at(node.inputs[0])];
      continue;
    }
    const int index = node.spec->is_random() ? random_index++ : 0;
    std::unique_ptr<Op<T>> op = make_op<T>(*node.spec, index);
    const LayoutWish wish = op->traits().wish;
    // "Any" follows the first input; a result that is neither image nor signal is plain.
    Layout layout = wish == LayoutWish::channels_last ? Layout::channels_last : Layout::plain;
    if (wish == LayoutWish::any) layout = values_[at(value_of[at(node.inputs[0])])].layout;
    std::vector<int> inputs;
    for (int in : node.inputs) inputs.push_back(with_layout(value_of[at(in)], layout));
    if (!has_layouts(node.shape)) layout = Layout::plain;
    value_of[i] = add_step(std::move(op), inputs, node.shape, layout);
    Step& step = steps_.back();
    step.node = static_cast<int>(i);
    step.frozen = trainable.frozen(step.node);
    if (step.frozen && step.traits.input_for_params) step.traits.backward_needs_input = false;
    for (const ParamEntry& p : params.entries()) {
      if (p.node != static_cast<int>(i)) continue;
      if (!p.spec.trained) {
        step.buffers.push_back(params.untrained() + p.offset);
        continue;
      }
      step.params.push_back(params.values() + p.offset);
      step.gparams.push_back(step.frozen ? nullptr : params.gradients() + p.offset);
    }
  }
  for (int i : outputs) {
    outputs_.push_back(with_layout(value_of[at(i)], Layout::plain));
    values_[at(outputs_.back())].is_output = true;
  }
}

// Which values' gradients are worth computing: those from which a parameter that is trained (or, for custom, an input)
// can be reached.
template <class T>
void Plan<T>::find_gradients() {
  if (purpose_ == Purpose::custom && !is_sparse_) {
    for (int v : inputs_) values_[at(v)].needs_grad = true;
  }
  for (Step& s : steps_) {
    bool params = !s.params.empty() && !s.frozen, needed = params;
    for (int v : s.inputs) {
      needed = needed || values_[at(v)].needs_grad;
      params = params || values_[at(v)].reaches_params;
    }
    s.has_backward = values_[at(s.output)].needs_grad = needed;
    values_[at(s.output)].reaches_params = params;
  }
}

template <class T>
int Plan<T>::new_buffer(i64 elements) {
  constexpr i64 limit = INT64_MAX / static_cast<i64>(sizeof(T)) / 2;
  if (elements > limit / batch_) throw std::bad_alloc();
  Buffer b;
  b.bytes = elements * batch_ * static_cast<i64>(sizeof(T));
  buffers_.push_back(b);
  return static_cast<int>(buffers_.size()) - 1;
}

template <class T>
void Plan<T>::use(int buffer, int time) {
  Buffer& b = buffers_[at(buffer)];
  b.first = b.first < 0 ? time : std::min(b.first, time);
  b.last = std::max(b.last, time);
}

// Forward values: a view shares its input's buffer; so does an in-place step whose input nobody reads again.
template <class T>
void Plan<T>::share_buffers() {
  const int S = static_cast<int>(steps_.size());
  for (int v : inputs_) {
    Value& value = values_[at(v)];
    value.buffer = new_buffer(is_sparse_ ? 0 : element_count(value.shape));
    buffers_[at(value.buffer)].exclusive = false;  // may be the caller's memory
    use(value.buffer, 0);
  }
  for (int i = 0; i < S; ++i) {
    Step& s = steps_[at(i)];
    Value& out = values_[at(s.output)];
    const Value& in = values_[at(s.inputs[0])];
    bool share = s.traits.view;
    if (!share && s.traits.in_place && in.consumers.size() == 1 && buffers_[at(in.buffer)].exclusive) {
      share = !(trains() && s.has_backward && s.traits.backward_needs_input);
    }
    out.buffer = share ? in.buffer : new_buffer(element_count(out.shape));
    Buffer& b = buffers_[at(out.buffer)];
    // Once two steps read a buffer, or a backward pass will, nobody may write over it.
    const int readers = static_cast<int>(out.consumers.size()) + (out.is_output ? 1 : 0);
    if (readers > 1 || (share && s.traits.view && in.consumers.size() > 1)) b.exclusive = false;
    if (trains() && s.has_backward && s.traits.backward_needs_output) b.exclusive = false;
    use(out.buffer, i);
    if (trains() && s.has_backward && s.traits.saved_bytes > 0) {
      const i64 item = static_cast<i64>(sizeof(T));
      s.saved = new_buffer((s.traits.saved_bytes + item - 1) / item);
      use(s.saved, i);
      use(s.saved, 2 * S - i);
    }
    for (int v : s.inputs) {
      use(values_[at(v)].buffer, i);
      if (trains() && s.has_backward && s.traits.backward_needs_input) {
        use(values_[at(v)].buffer, 2 * S - i);
        buffers_[at(values_[at(v)].buffer)].exclusive = false;
      }
    }
    if (trains() && s.has_backward && s.traits.backward_needs_output) use(out.buffer, 2 * S - i);
  }
  for (int v : outputs_) use(values_[at(v)].buffer, S);
}

// Gradients, latest step first: an in-place step with a sole claim on its input's gradient writes it over its own.
template <class T>
void Plan<T>::share_gradients() {
  const int S = static_cast<int>(steps_.size());
  // The loss writes an output's gradient; steps that read the output as well add theirs to it.
  for (int v : outputs_) {
    Value& out = values_[at(v)];
    if (!out.needs_grad) continue;
    out.grad_buffer = new_buffer(element_count(out.shape));
    use(out.grad_buffer, S);
  }
  for (int i = S - 1; i >= 0; --i) {
    Step& s = steps_[at(i)];
    if (!s.has_backward) continue;
    const int time = 2 * S - i;
    const int g = values_[at(s.output)].grad_buffer;
    if (g < 0) {  // a branch that does not reach an output: its gradient is zero and its backward is not run
      s.has_backward = false;
      continue;
    }
    use(g, time);
    for (std::size_t j = 0; j < s.inputs.size(); ++j) {
      Value& in = values_[at(s.inputs[j])];
      if (!in.needs_grad) continue;
      if (in.grad_buffer >= 0) {  // a later step, or an earlier input of this one, has written it: add through a temporary
        s.grad_temps[j] = new_buffer(element_count(in.shape));
        use(s.grad_temps[j], time);
      } else if (s.traits.in_place && s.inputs.size() == 1 && in.consumers.size() == 1) {
        in.grad_buffer = g;
      } else {
        in.grad_buffer = new_buffer(element_count(in.shape));
      }
      use(in.grad_buffer, time);
    }
  }
  // The inputs' gradients are read by the caller after everything.
  for (int v : inputs_) {
    if (values_[at(v)].grad_buffer >= 0) use(values_[at(v)].grad_buffer, 2 * S + 1);
  }
}

template <class T>
void Plan<T>::place() {
  ArenaPlanner planner;
  for (const Buffer& b : buffers_) planner.add(b.bytes, b.first, b.last);
  arena_size_ = planner.plan();
  naive_size_ = planner.naive_size();
  arena_ = AlignedBuffer(static_cast<std::size_t>(arena_size_), true);
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    char* p = arena_.as<char>() + planner.offset(static_cast<int>(i));
    buffers_[i].pointer = buffers_[i].home = reinterpret_cast<T*>(p);
  }
}

template class Plan<float>;
template class Plan<double>;

}  // namespace nnf
