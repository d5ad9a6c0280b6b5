// Graph building: node numbers, topological order by construction, shapes.
#include "engine/graph.h"

#include "base/error.h"

namespace nnf {
namespace {

constexpr i64 kMaxElements = i64{1} << 40;  // of one sample: beyond it sizes in bytes could overflow

void check_shape(const char* what, const Shape& shape) {
  if (shape.empty() || shape.size() > 7) {
    throw_invalid("%s: shape: expected 1 to 7 dimensions, got %d", what, static_cast<int>(shape.size()));
  }
  i64 n = 1;
  for (i64 d : shape) {
    if (d < 1 || d > kMaxElements / n) {
      throw_invalid("%s: shape: expected positive sizes of at most 2^40 elements, got %s", what,
                    to_string(shape).c_str());
    }
    n *= d;
  }
}

}  // namespace

int Graph::add_input(Shape shape) {
  check_shape("input", shape);
  const int index = static_cast<int>(nodes_.size());
  nodes_.push_back({nullptr, {}, std::move(shape)});
  inputs_.push_back(index);
  return index;
}

int Graph::add_node(const char* op, const std::vector<int>& inputs, Attrs& attrs) {
  std::vector<Shape> shapes;
  for (int i : inputs) {
    if (i < 0 || i >= static_cast<int>(nodes_.size())) {
      throw_invalid("%s: inputs: expected nodes 0..%d, got %d", op, static_cast<int>(nodes_.size()) - 1, i);
    }
    shapes.push_back(nodes_[static_cast<std::size_t>(i)].shape);
  }
  std::shared_ptr<const OpSpec> spec = make_op_spec(shapes, attrs);
  attrs.finish();
  Shape shape = spec->output_shape();
  check_shape(op, shape);
  nodes_.push_back({std::move(spec), inputs, std::move(shape)});
  return static_cast<int>(nodes_.size()) - 1;
}

void Graph::set_outputs(const std::vector<int>& nodes) {
  if (nodes.empty()) throw_invalid("outputs: expected at least one node, got none");
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    (void)node(nodes[i]);
    for (std::size_t j = 0; j < i; ++j) {
      if (nodes[i] == nodes[j]) throw_invalid("outputs: expected different nodes, got %d twice", nodes[i]);
    }
  }
  outputs_ = nodes;
}

const Node& Graph::node(int index) const {
  if (index < 0 || index >= static_cast<int>(nodes_.size())) {
    throw_invalid("node: expected 0..%d, got %d", static_cast<int>(nodes_.size()) - 1, index);
  }
  return nodes_[static_cast<std::size_t>(index)];
}

std::vector<int> Graph::outputs() const {
  if (nodes_.empty()) throw_invalid("graph: expected at least one node, got none");
  return outputs_.empty() ? std::vector<int>{static_cast<int>(nodes_.size()) - 1} : outputs_;
}

}  // namespace nnf
