// Which nodes are trained, how fast, and how often each was updated. Says where in the flat buffers an optimizer goes; the
// update itself is optimizer.h's.
#ifndef NNF_ENGINE_TRAINABLE_H
#define NNF_ENGINE_TRAINABLE_H

#include <vector>

#include "engine/parameters.h"

namespace nnf {

// A part of the flat buffers whose arrays are updated alike.
struct Stretch {
  i64 offset, size;
  double lr_scale;
  i64 updates;  // made before
};

class Trainable {
 public:
  // `entries` are the arrays in flat buffers of `size` elements; they must outlive this.
  Trainable(const std::vector<ParamEntry>& entries, std::size_t nodes, i64 size);

  bool frozen(int node) const { return nodes_[at(node)].frozen; }
  void set_frozen(int node, bool frozen);
  void set_lr_scale(int node, double scale);
  i64 updates(int node) const { return nodes_[at(node)].updates; }
  void set_updates(int node, i64 count);
  void set_all_updates(i64 count);
  // One update of all nodes that are not frozen was made.
  void count_update();
  // What an update covers, in the order of memory: the whole buffer in one while all nodes are alike.
  const std::vector<Stretch>& stretches();

 private:
  struct Node {
    bool frozen = false;
    double lr_scale = 1;
    i64 updates = 0;
  };
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  const std::vector<ParamEntry>& entries_;
  i64 size_;
  std::vector<Node> nodes_;
  std::vector<Stretch> stretches_;
  bool stale_ = true;  // stretches_ must be found anew
};

}  // namespace nnf

#endif  // NNF_ENGINE_TRAINABLE_H
