// The Python class Graph: nodes and their options on the way to the C interface.
//
// What this is: a network under construction. What it is not: one with parameters, which is network.cpp's Model.
#ifndef NNF_BINDINGS_GRAPH_H
#define NNF_BINDINGS_GRAPH_H

#include <memory>
#include <string>
#include <vector>

#include "bindings/in_use.h"
#include "bindings/samples.h"

namespace nnf::bindings {

struct FreeGraph {
  void operator()(nnf_graph* g) const { nnf_graph_free(g); }
};

inline int read_node(const char* function, const char* name, py::handle value) {
  const i64 node = read_integer(function, name, value);
  if (node < 0 || node > INT32_MAX) {
    fail_value("%s: %s: expected a node's number, got %lld", function, name, static_cast<long long>(node));
  }
  return static_cast<int>(node);
}

class Graph {
 public:
  Graph() {
    nnf_graph* g = nullptr;
    check(nnf_graph_new(&g));
    graph_.reset(g);
  }

  int input(py::handle shape) {
    const InUse guard(busy_, "graph");
    i64 dims[kMaxDims];
    py::object sequence = py::reinterpret_steal<py::object>(PySequence_Tuple(shape.ptr()));
    if (!sequence) {
      PyErr_Clear();
      fail_type("input: shape: expected a sequence of integers, got %s", Py_TYPE(shape.ptr())->tp_name);
    }
    const auto n = static_cast<int>(PyTuple_GET_SIZE(sequence.ptr()));
    if (n > kMaxDims) fail_value("input: shape: expected at most %d dimensions, got %d", kMaxDims, n);
    read_integers("input", "shape", sequence, n, dims);
    int node = 0;
    check(nnf_graph_input(graph_.get(), n, dims, &node));
    inputs.push_back(node);
    last_ = node;
    return node;
  }

  int node(py::handle op, py::handle inputs_, const py::kwargs& attrs) {
    const InUse guard(busy_, "graph");
    if (!PyUnicode_Check(op.ptr())) fail_type("node: op: expected a string, got %s", Py_TYPE(op.ptr())->tp_name);
    const std::string name = op.cast<std::string>();
    if (!PyList_Check(inputs_.ptr()) && !PyTuple_Check(inputs_.ptr())) {
      fail_type("%s: inputs: expected a list of nodes, got %s", name.c_str(), Py_TYPE(inputs_.ptr())->tp_name);
    }
    std::vector<int> nodes;
    for (py::handle item : inputs_) nodes.push_back(read_node(name.c_str(), "inputs", item));
    std::vector<std::string> keys;
    std::vector<nnf_attr> list;
    keys.reserve(attrs.size());  // the attributes point into it
    for (auto [key, value] : attrs) {
      keys.push_back(key.cast<std::string>());
      list.push_back(read_attr(name.c_str(), keys.back().c_str(), value));
    }
    int index = 0;
    check(nnf_graph_node(graph_.get(), name.c_str(), static_cast<int>(nodes.size()), nodes.data(),
                         static_cast<int>(list.size()), list.data(), &index));
    last_ = index;
    return index;
  }

  py::tuple shape(py::handle node) {
    const InUse guard(busy_, "graph");
    const Shape s = shape_of(read_node("shape", "node", node));
    py::tuple t(s.nd);
    for (int i = 0; i < s.nd; ++i) t[static_cast<std::size_t>(i)] = s.dims[i];
    return t;
  }

  void set_output(py::handle node) {
    const InUse guard(busy_, "graph");
    const int index = read_node("output", "node", node);
    check(nnf_graph_output(graph_.get(), index));
    outputs_ = {index};
  }
  void set_outputs(py::handle given) {
    const InUse guard(busy_, "graph");
    if (!PyList_Check(given.ptr()) && !PyTuple_Check(given.ptr())) {
      fail_type("outputs: nodes: expected a list of nodes, got %s", Py_TYPE(given.ptr())->tp_name);
    }
    std::vector<int> nodes;
    for (py::handle item : given) nodes.push_back(read_node("outputs", "nodes", item));
    check(nnf_graph_outputs(graph_.get(), static_cast<int>(nodes.size()), nodes.data()));
    outputs_ = nodes;
  }

  Shape shape_of(int node) const {
    Shape s;
    check(nnf_graph_shape(graph_.get(), node, &s.nd, s.dims));
    return s;
  }
  nnf_graph* get() const { return graph_.get(); }
  std::vector<int> outputs() const { return outputs_.empty() ? std::vector<int>{last_} : outputs_; }
  Busy& busy() { return busy_; }

  std::vector<int> inputs;

 private:
  static nnf_attr read_attr(const char* op, const char* name, py::handle value) {
    nnf_attr a{};
    a.name = name;
    if (PyList_Check(value.ptr()) || PyTuple_Check(value.ptr())) {
      const py::ssize_t n = PySequence_Fast_GET_SIZE(value.ptr());
      if (n < 1 || n > 4) fail_value("%s: %s: expected 1 to 4 numbers, got %zd", op, name, n);
      a.count = static_cast<int>(n);
      for (int i = 0; i < a.count; ++i) a.values[i] = read_double(op, name, PySequence_Fast_GET_ITEM(value.ptr(), i));
    } else {
      a.count = 1;
      a.values[0] = read_double(op, name, value);
    }
    return a;
  }

  std::unique_ptr<nnf_graph, FreeGraph> graph_;
  Busy busy_;
  std::vector<int> outputs_;
  int last_ = -1;
};

}  // namespace nnf::bindings

#endif  // NNF_BINDINGS_GRAPH_H
