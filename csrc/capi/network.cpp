// The C interface of networks: graphs and models.
#include <algorithm>
#include <string>
#include <vector>

#include "base/fp_control.h"
#include "capi/guard.h"
#include "engine/model.h"

struct nnf_graph {
  nnf::Graph graph;
};

struct nnf_model {
  std::unique_ptr<nnf::ModelBase> model;
};

namespace {

template <class P>
P& need(P* pointer, const char* name) {
  if (pointer == nullptr) nnf::throw_invalid("%s: expected a pointer, got NULL", name);
  return *pointer;
}

// An array for each of the model's outputs.
void need_each(const nnf::ModelBase& model, void* const* arrays, const char* name) {
  need(arrays, name);
  for (int i = 0; i < model.num_outputs(); ++i) need(static_cast<char*>(arrays[i]), name);
}

// What runs a network does so without denormal numbers.
template <class F>
nnf_status compute(F&& body) {
  const nnf::FlushDenormals flush;
  return nnf::guard(body);
}

}  // namespace

extern "C" {

nnf_status nnf_graph_new(nnf_graph** graph) {
  return nnf::guard([&] { need(graph, "graph") = new nnf_graph; });
}

void nnf_graph_free(nnf_graph* graph) { delete graph; }

nnf_status nnf_graph_input(nnf_graph* graph, int ndim, const int64_t* shape, int* node) {
  return nnf::guard([&] {
    if (ndim < 0) nnf::throw_invalid("ndim: expected at least 0, got %d", ndim);
    if (ndim > 0) need(shape, "shape");
    const int index = need(graph, "graph").graph.add_input(nnf::Shape(shape, shape + ndim));
    if (node != nullptr) *node = index;
  });
}

nnf_status nnf_graph_node(nnf_graph* graph, const char* op, int n_inputs, const int* inputs, int n_attrs,
                          const nnf_attr* attrs, int* node) {
  return nnf::guard([&] {
    need(op, "op");
    if (n_inputs > 0) need(inputs, "inputs");
    if (n_attrs > 0) need(attrs, "attrs");
    nnf::Attrs a(op, n_attrs, attrs);
    const int index =
        need(graph, "graph").graph.add_node(op, std::vector<int>(inputs, inputs + std::max(n_inputs, 0)), a);
    if (node != nullptr) *node = index;
  });
}

nnf_status nnf_graph_shape(const nnf_graph* graph, int node, int* ndim, int64_t* shape) {
  return nnf::guard([&] {
    const nnf::Shape& s = need(graph, "graph").graph.node(node).shape;
    need(ndim, "ndim") = static_cast<int>(s.size());
    std::copy(s.begin(), s.end(), &need(shape, "shape"));
  });
}

nnf_status nnf_graph_output(nnf_graph* graph, int node) {
  return nnf::guard([&] { need(graph, "graph").graph.set_outputs({node}); });
}

nnf_status nnf_graph_outputs(nnf_graph* graph, int count, const int* nodes) {
  return nnf::guard([&] {
    if (count > 0) need(nodes, "nodes");
    need(graph, "graph").graph.set_outputs(std::vector<int>(nodes, nodes + std::max(count, 0)));
  });
}

nnf_status nnf_model_new(const nnf_graph* graph, nnf_dtype dt, nnf_model** model) {
  return nnf::guard([&] {
    auto made = nnf::make_model(need(graph, "graph").graph, dt);
    need(model, "model") = new nnf_model{std::move(made)};
  });
}

void nnf_model_free(nnf_model* model) { delete model; }

nnf_status nnf_model_num_params(const nnf_model* model, int* count) {
  return nnf::guard(
      [&] { need(count, "count") = static_cast<int>(need(model, "model").model->params().size()); });
}

nnf_status nnf_model_param(const nnf_model* model, int index, nnf_param* param) {
  return nnf::guard([&] {
    const auto& entries = need(model, "model").model->params();
    if (index < 0 || index >= static_cast<int>(entries.size())) {
      nnf::throw_invalid("index: expected 0..%d, got %d", static_cast<int>(entries.size()) - 1, index);
    }
    const nnf::ParamEntry& e = entries[static_cast<std::size_t>(index)];
    nnf_param p{};
    p.node = e.node;
    p.name = e.spec.name;
    p.ndim = static_cast<int>(e.spec.shape.size());
    std::copy(e.spec.shape.begin(), e.spec.shape.end(), p.shape);
    std::copy(e.spec.strides.begin(), e.spec.strides.end(), p.strides);
    p.offset = e.offset;
    p.trained = e.spec.trained ? 1 : 0;
    need(param, "param") = p;
  });
}

nnf_status nnf_model_buffer(nnf_model* model, nnf_buffer which, void** data, int64_t* size) {
  return nnf::guard([&] { need(model, "model").model->buffer(which, &need(data, "data"), &need(size, "size")); });
}

nnf_status nnf_model_set_loss(nnf_model* model, int output, nnf_loss loss, const nnf_loss_options* options,
                              double share) {
  return nnf::guard([&] { need(model, "model").model->set_loss(output, loss, need(options, "options"), share); });
}

nnf_status nnf_model_set_optimizer(nnf_model* model, const nnf_optimizer* optimizer) {
  return nnf::guard([&] { need(model, "model").model->set_optimizer(need(optimizer, "optimizer")); });
}

nnf_status nnf_model_reset_optimizer(nnf_model* model) {
  return nnf::guard([&] { need(model, "model").model->reset_optimizer(); });
}

nnf_status nnf_model_set_learning_rates(nnf_model* model, int64_t first, int64_t n, const double* lr) {
  return nnf::guard([&] { need(model, "model").model->set_learning_rates(first, n, lr); });
}

nnf_status nnf_model_set_regularizer(nnf_model* model, int index, double l1, double l2, double max_norm) {
  return nnf::guard([&] { need(model, "model").model->set_regularizer(index, l1, l2, max_norm); });
}

nnf_status nnf_model_set_trainable(nnf_model* model, int node, int trainable) {
  return nnf::guard([&] { need(model, "model").model->set_trainable(node, trainable != 0); });
}

nnf_status nnf_model_set_lr_scale(nnf_model* model, int node, double scale) {
  return nnf::guard([&] { need(model, "model").model->set_lr_scale(node, scale); });
}

nnf_status nnf_model_get_updates(const nnf_model* model, int node, int64_t* count) {
  return nnf::guard([&] { need(count, "count") = need(model, "model").model->node_updates(node); });
}

nnf_status nnf_model_set_updates(nnf_model* model, int node, int64_t count) {
  return nnf::guard([&] {
    if (count < 0) nnf::throw_invalid("count: expected at least 0, got %lld", static_cast<long long>(count));
    need(model, "model").model->set_node_updates(node, count);
  });
}

nnf_status nnf_model_set_poll(nnf_model* model, nnf_poll_fn* poll, void* context) {
  return nnf::guard([&] { need(model, "model").model->set_poll(poll, context); });
}

nnf_status nnf_model_set_penalty_in_mean(nnf_model* model, int on) {
  return nnf::guard([&] { need(model, "model").model->penalty_in_mean = on != 0; });
}

nnf_status nnf_model_get_step(const nnf_model* model, int64_t* step) {
  return nnf::guard([&] { need(step, "step") = need(model, "model").model->step_count; });
}

nnf_status nnf_model_set_step(nnf_model* model, int64_t step) {
  return nnf::guard([&] {
    if (step < 0) nnf::throw_invalid("step: expected at least 0, got %lld", static_cast<long long>(step));
    need(model, "model").model->step_count = step;
  });
}

nnf_status nnf_model_get_optimizer_step(const nnf_model* model, int64_t* step) {
  return nnf::guard([&] { need(step, "step") = need(model, "model").model->optimizer_steps(); });
}

nnf_status nnf_model_set_optimizer_step(nnf_model* model, int64_t step) {
  return nnf::guard([&] {
    if (step < 0) nnf::throw_invalid("step: expected at least 0, got %lld", static_cast<long long>(step));
    need(model, "model").model->set_optimizer_steps(step);
  });
}

nnf_status nnf_model_set_seed(nnf_model* model, uint64_t seed) {
  return nnf::guard([&] { need(model, "model").model->seed = seed; });
}

nnf_status nnf_model_train(nnf_model* model, const nnf_source* x, const nnf_source* y, const nnf_source* sample_weight,
                           const int64_t* order, int64_t n, int64_t batch, int64_t first, int64_t last, double seconds,
                           nnf_totals* totals, int64_t* done) {
  return compute([&] {
    need(model, "model").model->train(&need(x, "x"), &need(y, "y"), sample_weight, order, n, batch, first, last,
                                      seconds, &need(totals, "totals"), need(done, "done"));
  });
}

nnf_status nnf_model_evaluate(nnf_model* model, const nnf_source* x, const nnf_source* y,
                              const nnf_source* sample_weight, int64_t batch, int64_t first, int64_t last,
                              double seconds, nnf_totals* totals, int64_t* done) {
  return compute([&] {
    need(model, "model").model->evaluate(&need(x, "x"), &need(y, "y"), sample_weight, batch, first, last, seconds,
                                         &need(totals, "totals"), need(done, "done"));
  });
}

nnf_status nnf_model_predict(nnf_model* model, const nnf_source* x, int64_t batch, int64_t first, int64_t last,
                             void* const* out) {
  return compute([&] {
    nnf::ModelBase& m = *need(model, "model").model;
    if (last > first) need_each(m, out, "out");
    m.predict(&need(x, "x"), batch, first, last, out);
  });
}

nnf_status nnf_model_forward(nnf_model* model, const nnf_source* x, int training, void* const* out) {
  return compute([&] {
    nnf::ModelBase& m = *need(model, "model").model;
    if (need(x, "x").rows > 0) need_each(m, out, "out");
    m.forward(x, training != 0, out);
  });
}

nnf_status nnf_model_backward(nnf_model* model, const void* const* grad_output, int accumulate, void* const* gx) {
  return compute([&] {
    need(grad_output, "grad_output");
    need(model, "model").model->backward(grad_output, accumulate != 0, gx);
  });
}

nnf_status nnf_model_step(nnf_model* model) {
  return compute([&] { need(model, "model").model->step(); });
}

nnf_status nnf_model_stays_sparse(const nnf_model* model, const nnf_source* x, int* yes) {
  return nnf::guard(
      [&] { need(yes, "yes") = need(model, "model").model->stays_sparse(&need(x, "x")) ? 1 : 0; });
}

nnf_status nnf_model_plan(nnf_model* model, int64_t batch, int training, int64_t* arena, int64_t* naive) {
  return nnf::guard([&] {
    need(model, "model").model->plan_size(batch, training != 0, &need(arena, "arena"), &need(naive, "naive"));
  });
}

nnf_status nnf_model_plan_backward(nnf_model* model, int64_t batch, int* count, int* nodes) {
  return nnf::guard([&] {
    const std::vector<int> found = need(model, "model").model->backward_nodes(batch);
    need(count, "count") = static_cast<int>(found.size());
    if (nodes != nullptr) std::copy(found.begin(), found.end(), nodes);
  });
}

}  // extern "C"
