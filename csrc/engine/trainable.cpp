// Frozen nodes, factors of the learning rate, counts of updates: see trainable.h.
#include "engine/trainable.h"

namespace nnf {

Trainable::Trainable(const std::vector<ParamEntry>& entries, std::size_t nodes, i64 size)
    : entries_(entries), size_(size), nodes_(nodes) {}

void Trainable::set_frozen(int node, bool frozen) {
  nodes_[at(node)].frozen = frozen;
  stale_ = true;
}

void Trainable::set_lr_scale(int node, double scale) {
  nodes_[at(node)].lr_scale = scale;
  stale_ = true;
}

void Trainable::set_updates(int node, i64 count) {
  nodes_[at(node)].updates = count;
  stale_ = true;
}

void Trainable::set_all_updates(i64 count) {
  for (Node& node : nodes_) node.updates = count;
  stale_ = true;
}

void Trainable::count_update() {
  // Both: the stretches stay what they are, as all nodes in one count alike.
  for (Node& node : nodes_) node.updates += node.frozen ? 0 : 1;
  for (Stretch& s : stretches_) ++s.updates;
}

const std::vector<Stretch>& Trainable::stretches() {
  if (!stale_) return stretches_;
  stretches_.clear();
  bool joined = false;  // whether the array before this one is in the last stretch
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const ParamEntry& e = entries_[i];
    if (!e.spec.trained) continue;
    const Node& node = nodes_[at(e.node)];
    if (!node.frozen) {
      const Stretch* last = stretches_.empty() ? nullptr : &stretches_.back();
      const bool alike = joined && last->lr_scale == node.lr_scale && last->updates == node.updates;
      if (!alike) stretches_.push_back({e.offset, 0, node.lr_scale, node.updates});
    }
    joined = !node.frozen;
    if (!joined) continue;
    // Up to the next array: what lies between is zero and stays zero.
    std::size_t next = i + 1;
    while (next < entries_.size() && !entries_[next].spec.trained) ++next;
    const i64 end = next < entries_.size() ? entries_[next].offset : size_;
    stretches_.back().size = end - stretches_.back().offset;
  }
  stale_ = false;
  return stretches_;
}

}  // namespace nnf
