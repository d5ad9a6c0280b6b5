// A network as the user described it: nodes with checked options and inferred shapes. Knows no dtype, no batch size,
// no memory; plan.h turns it into work.
#ifndef NNF_ENGINE_GRAPH_H
#define NNF_ENGINE_GRAPH_H

#include <memory>
#include <string>
#include <vector>

#include "engine/op.h"

namespace nnf {

struct Node {
  std::shared_ptr<const OpSpec> spec;  // null for an input
  std::vector<int> inputs;             // all smaller than the node's own index: the order is topological
  Shape shape;                         // of one sample
};

class Graph {
 public:
  int add_input(Shape shape);
  int add_node(const char* op, const std::vector<int>& inputs, Attrs& attrs);
  void set_outputs(const std::vector<int>& nodes);

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(int index) const;
  const std::vector<int>& inputs() const { return inputs_; }
  std::vector<int> outputs() const;  // the last node unless set_outputs named others

 private:
  std::vector<Node> nodes_;
  std::vector<int> inputs_;
  std::vector<int> outputs_;
};

}  // namespace nnf

#endif  // NNF_ENGINE_GRAPH_H
