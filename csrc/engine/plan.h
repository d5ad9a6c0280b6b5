// A plan: a graph compiled for one batch size and purpose. Fused steps over values that live in one arena.
//
// Compiling infers layouts, inserts their conversions, fuses activations into the linear or convolution before them and
// a pooling into a convolution of few channels, lets elementwise steps work in place, finds each buffer's lifetime and
// packs all into one block. Running a plan allocates nothing.
#ifndef NNF_ENGINE_PLAN_H
#define NNF_ENGINE_PLAN_H

#include <memory>
#include <vector>

#include "base/memory.h"
#include "engine/poll.h"
#include "engine/trainable.h"

namespace nnf {

enum class Purpose {
  infer,   // forward only
  train,   // forward, loss, backward to the parameters
  custom,  // as train, and gradients to the network's inputs too
};

// The node that reads the graph's only input and takes sparse samples; -1 when there is none.
int reader_of_sparse(const Graph& graph);

template <class T>
class Plan {
 public:
  // Frozen nodes get no gradients, and nothing is computed backward that reaches frozen nodes alone.
  // sparse: the only input's samples come by set_sparse, and its only reader takes them (reader_of_sparse).
  Plan(const Graph& graph, const Parameters<T>& params, const Trainable& trainable, i64 batch, Purpose purpose,
       bool sparse);

  i64 batch() const { return batch_; }
  Purpose purpose() const { return purpose_; }
  bool sparse() const { return is_sparse_; }
  i64 arena_bytes() const { return arena_size_; }
  bool takes_long() const { return long_; }  // whether a step may take more than some milliseconds
  i64 naive_bytes() const { return naive_size_; }

  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  const Shape& input_shape(int i) const { return values_[at(inputs_[at(i)])].shape; }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  const Shape& output_shape(int i) const { return values_[at(outputs_[at(i)])].shape; }
  // Where the samples go, plain layout (n, shape...), before forward.
  T* input(int i) { return pointer(values_[at(inputs_[at(i)])].buffer); }
  // Reads input i from the caller's dense array instead, for the next forward and backward only; nothing is copied.
  void borrow_input(int i, const T* x);
  // The samples of the next forward and backward, which must stay until then.
  void set_sparse(const SparseBatch<T>* batch) { sparse_ = batch; }
  // What reached the reader of the sparse input from above, after a backward; its activation's derivative included.
  const T* sparse_delta() const { return pointer(values_[at(steps_[0].output)].grad_buffer); }
  T* output(int i) { return pointer(values_[at(outputs_[at(i)])].buffer); }  // plain layout
  // Where the loss writes, plain; null for infer, and where no gradient is wanted. Consumed by backward.
  T* output_gradient(int i) { return pointer(values_[at(outputs_[at(i)])].grad_buffer); }
  bool has_backward() const;  // whether any gradient is wanted
  // The graph's nodes whose gradients a backward computes, last first; conversions of layouts left out. An activation
  // or pooling that was taken into the node before it is part of that node.
  std::vector<int> backward_nodes() const;
  T* input_gradient(int i) { return pointer(values_[at(inputs_[at(i)])].grad_buffer); }  // custom only

  // With a poll, both throw Stopped, between two pieces of their work, when the caller is in a hurry.
  void forward(i64 n, const RunState& run, Poll* poll = nullptr);
  // From the outputs' gradients, all of which must have been written; to the gradients of params, and the inputs' if
  // this plan is custom and `to_inputs`.
  void backward(i64 n, const RunState& run, bool accumulate, bool to_inputs, Poll* poll = nullptr);

 private:
  struct Value {
    Shape shape;
    Layout layout = Layout::plain;
    int producer = -1;  // step, -1 for an input
    std::vector<int> consumers;
    int converted = -1;  // the same value in the other layout, once a step asked for it
    bool needs_grad = false, is_output = false;
    bool reaches_params = false;  // its gradient leads to one of a parameter, not of an input alone
    int buffer = -1, grad_buffer = -1;
  };
  struct Step {
    int node = -1;  // of the graph; -1: a conversion of layouts
    bool frozen = false;
    std::unique_ptr<Op<T>> op;
    OpTraits traits;
    std::vector<int> inputs;
    int output;
    std::vector<const T*> params;
    std::vector<T*> gparams;
    std::vector<T*> buffers;  // not trained
    bool has_backward = false;
    int saved = -1;  // a buffer that forward leaves for backward
    std::vector<int> grad_temps;  // per input: a buffer when another consumer has written the gradient before, else -1
    // Scratch for the pointer arrays the operation sees.
    std::vector<const T*> x;
    std::vector<T*> gx;
  };
  struct Buffer {
    i64 bytes = 0;
    int first = -1, last = -1;  // lifetime on the plan's clock
    bool exclusive = true;      // one reader only so far along its chain: may be overwritten in place
    T* pointer = nullptr;
    T* home = nullptr;  // its place in the arena, when `pointer` is borrowed
  };

  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  T* pointer(int buffer) const { return buffer < 0 ? nullptr : buffers_[at(buffer)].pointer; }
  bool trains() const { return purpose_ != Purpose::infer; }

  void lower(const Graph& graph, const Parameters<T>& params, const Trainable& trainable);
  int add_step(std::unique_ptr<Op<T>> op, const std::vector<int>& inputs, Shape shape, Layout layout);
  int with_layout(int value, Layout layout);
  bool take_in(const Node& node, int value);
  void find_gradients();
  void share_buffers();
  void share_gradients();
  void place();
  int new_buffer(i64 elements);
  void use(int buffer, int time);

  i64 batch_;
  Purpose purpose_;
  std::vector<Value> values_;
  std::vector<Step> steps_;
  std::vector<Buffer> buffers_;
  std::vector<int> inputs_;  // values
  std::vector<int> outputs_;  // values, no two of them the same
  AlignedBuffer arena_;
  i64 arena_size_ = 0, naive_size_ = 0;
  bool is_sparse_;
  const SparseBatch<T>* sparse_ = nullptr;
  bool long_ = false;  // worth a look at the clock between steps
};

}  // namespace nnf

#endif  // NNF_ENGINE_PLAN_H
