// All trained arrays of a network in one flat buffer, their gradients and the optimizer's states in others of the same
// layout: one update call serves them all.
#ifndef NNF_ENGINE_PARAMETERS_H
#define NNF_ENGINE_PARAMETERS_H

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
  // Optimizer state 0 or 1; null until set_states made it.
  T* state(int which) const { return states_[which].template as<T>(); }
  // Makes `count` zeroed states and drops the rest.
  void set_states(int count) {
    for (int i = 0; i < 2; ++i) states_[i] = i < count ? AlignedBuffer(bytes(), true) : AlignedBuffer();
  }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }
  std::vector<ParamEntry> entries_;
  i64 size_ = 0;
  AlignedBuffer values_, gradients_, states_[2];
};

}  // namespace nnf

#endif  // NNF_ENGINE_PARAMETERS_H
