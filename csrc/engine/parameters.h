// All trained arrays of a network in one flat buffer, their gradients and the optimizer's states in others of the same
// layout: one update call serves them all.
#ifndef NNF_ENGINE_PARAMETERS_H
#define NNF_ENGINE_PARAMETERS_H

#include <algorithm>
#include <vector>

#include "base/memory.h"
#include "engine/graph.h"

namespace nnf {

struct ParamEntry {
  int node;
  ParamSpec spec;
  i64 offset;  // in elements; a multiple of a cache line
};

template <class T>
class Parameters {
 public:
  explicit Parameters(const Graph& graph) {
    constexpr i64 line = static_cast<i64>(kAlignment / sizeof(T));
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
      if (graph.nodes()[i].spec == nullptr) continue;
      for (const ParamSpec& p : graph.nodes()[i].spec->params()) {
        entries_.push_back({static_cast<int>(i), p, size_});
        size_ = round_up(size_ + p.size, line);
      }
    }
    values_ = AlignedBuffer(bytes(), true);
    gradients_ = AlignedBuffer(bytes(), true);
  }

  const std::vector<ParamEntry>& entries() const { return entries_; }
  i64 size() const { return size_; }
  T* values() const { return values_.as<T>(); }
  T* gradients() const { return gradients_.as<T>(); }
  // Optimizer state 0, 1 or 2; null when the optimizer has none.
  T* state(int which) const { return which < num_states_ ? states_[which].template as<T>() : nullptr; }
  // Fills `count` states. A buffer once made stays for the model's life: the caller may hold views of it.
  void set_states(int count, T value) {
    for (int i = 0; i < count; ++i) {
      if (states_[i].size() == 0) states_[i] = AlignedBuffer(bytes(), true);
      std::fill(states_[i].template as<T>(), states_[i].template as<T>() + size_, value);
    }
    num_states_ = count;
  }
  int num_states() const { return num_states_; }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }
  std::vector<ParamEntry> entries_;
  i64 size_ = 0;
  int num_states_ = 0;
  AlignedBuffer values_, gradients_, states_[3];
};

}  // namespace nnf

#endif  // NNF_ENGINE_PARAMETERS_H
