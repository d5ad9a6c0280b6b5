// Model<T>: settings, plans, and the steps a custom training loop is made of.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "engine/model_impl.h"
#include "engine/optimizer.h"
#include "kernels/layout/layout.h"

namespace nnf {

template <class T>
Model<T>::Model(const Graph& graph)
    : graph_(graph),
      params_(graph),
      trainable_(params_.entries(), graph.nodes().size(), params_.size()),
      sparse_reader_(reader_of_sparse(graph)) {
  for (int node : graph_.outputs()) output_sizes_.push_back(element_count(graph_.node(node).shape));
  losses_.resize(output_sizes_.size());
  if (graph_.inputs().empty()) throw_invalid("graph: expected at least one input, got none");
}

template <class T>
void Model<T>::buffer(nnf_buffer which, void** data, i64* size) {
  T* p = nullptr;
  switch (which) {
    case NNF_PARAMETERS: p = params_.values(); break;
    case NNF_GRADIENTS: p = params_.gradients(); break;
    case NNF_STATE0: p = params_.state(0); break;
    case NNF_STATE1: p = params_.state(1); break;
    case NNF_STATE2: p = params_.state(2); break;
    case NNF_UNTRAINED:  // a buffer of its own size
      *data = params_.untrained();
      *size = params_.untrained_size();
      return;
    default: throw_invalid("which: expected an nnf_buffer, got %d", static_cast<int>(which));
  }
  *data = p;
  *size = p != nullptr ? params_.size() : 0;
}

template <class T>
void Model<T>::set_loss(int output, nnf_loss loss, const nnf_loss_options& options, double share) {
  if (output < 0 || output >= num_outputs()) {
    throw_invalid("output: expected 0..%d, got %d", num_outputs() - 1, output);
  }
  const auto i = static_cast<std::size_t>(output);
  losses_[i] = std::make_unique<Loss<T>>(loss, options, graph_.node(graph_.outputs()[i]).shape, share);
}

template <class T>
void Model<T>::set_optimizer(const nnf_optimizer& o) {
  check_optimizer(o);
  if (!has_optimizer_ || !same_states(o, optimizer_)) {
    params_.set_states(optimizer_states(o), static_cast<T>(initial_state(o)));
    set_optimizer_steps(0);
  }
  optimizer_ = o;
  has_optimizer_ = true;
}

template <class T>
void Model<T>::reset_optimizer() {
  params_.set_states(params_.num_states(), static_cast<T>(initial_state(optimizer_)));
  step_count = 0;
  set_optimizer_steps(0);
}

template <class T>
void Model<T>::set_learning_rates(i64 first, i64 n, const double* lr) {
  if (first < 0 || n < 0) {
    throw_invalid("set_learning_rates: expected sizes of at least 0, got first %lld and n %lld",
                  static_cast<long long>(first), static_cast<long long>(n));
  }
  if (n > 0 && lr == nullptr) throw_invalid("set_learning_rates: lr: expected an array, got NULL");
  for (i64 i = 0; i < n; ++i) {
    if (!(std::isfinite(lr[i]) && lr[i] >= 0)) {
      throw_invalid("lr: expected finite numbers >= 0, got %g for step %lld", lr[i],
                    static_cast<long long>(first + i));
    }
  }
  rates_.assign(lr, lr + n);
  first_rate_ = first;
}

template <class T>
void Model<T>::set_regularizer(int index, double l1, double l2, double max_norm) {
  const int count = static_cast<int>(params_.entries().size());
  if (index < 0 || index >= count) throw_invalid("index: expected 0..%d, got %d", count - 1, index);
  if (!params_.entries()[static_cast<std::size_t>(index)].spec.trained) {
    throw_invalid("index: expected an array that is trained, got %d", index);
  }
  const std::pair<const char*, double> options[] = {{"l1", l1}, {"l2", l2}, {"max_norm", max_norm}};
  for (const auto& [name, value] : options) {
    if (!(std::isfinite(value) && value >= 0)) {
      throw_invalid("%s: expected a finite number >= 0, got %g", name, value);
    }
  }
  auto& all = all_regularizers_;
  all.erase(std::remove_if(all.begin(), all.end(), [&](const Regularizer& r) { return r.index == index; }), all.end());
  if (l1 != 0 || l2 != 0 || max_norm != 0) all.push_back({index, l1, l2, max_norm});
  find_penalties();
}

template <class T>
void Model<T>::find_penalties() {
  regularizers_.clear();
  for (const Regularizer& r : all_regularizers_) {
    const ParamEntry& e = params_.entries()[static_cast<std::size_t>(r.index)];
    if (!trainable_.frozen(e.node)) regularizers_.push_back(r);
  }
}

template <class T>
int Model<T>::checked(int node) const {
  graph_.node(node);  // throws
  return node;
}

template <class T>
void Model<T>::set_trainable(int node, bool trainable) {
  if (trainable_.frozen(checked(node)) != trainable) return;
  trainable_.set_frozen(node, !trainable);
  find_penalties();
  for (const ParamEntry& e : params_.entries()) {  // what nobody writes from now on, or added to last
    if (e.node == node && e.spec.trained) std::fill_n(params_.gradients() + e.offset, e.spec.size, T{0});
  }
  pending_ = nullptr;
  plans_.erase(std::remove_if(plans_.begin(), plans_.end(),
                              [](const auto& p) { return p->purpose() != Purpose::infer; }),
               plans_.end());
}

template <class T>
void Model<T>::set_lr_scale(int node, double scale) {
  if (!(std::isfinite(scale) && scale >= 0)) {
    throw_invalid("lr_scale: expected a finite number >= 0, got %g", scale);
  }
  trainable_.set_lr_scale(checked(node), scale);
}

template <class T>
void Model<T>::set_optimizer_steps(i64 count) {
  optimizer_steps_ = count;
  trainable_.set_all_updates(count);
}

template <class T>
Plan<T>& Model<T>::plan(i64 batch, Purpose purpose, bool sparse) {
  // A plan serves every batch up to its own size. One of each kind is kept, the largest asked for so far: batches of
  // ever new sizes compile little, and memory stays that of the largest.
  for (auto& p : plans_) {
    if (p->purpose() != purpose || p->sparse() != sparse) continue;
    if (p->batch() < batch) {
      if (pending_ == p.get()) pending_ = nullptr;  // only another training forward asks for a larger custom plan
      p = std::make_unique<Plan<T>>(graph_, params_, trainable_, batch, purpose, sparse);
    }
    return *p;
  }
  plans_.push_back(std::make_unique<Plan<T>>(graph_, params_, trainable_, batch, purpose, sparse));
  return *plans_.back();
}

template <class T>
RunState Model<T>::run_state(bool training) const {
  RunState run;
  run.training = training;
  run.seed = seed;
  run.step = static_cast<u32>(step_count);
  return run;
}

template <class T>
void Model<T>::check_sources(const nnf_source* x, i64 rows) const {
  for (std::size_t i = 0; i < graph_.inputs().size(); ++i) {
    const Shape& shape = graph_.node(graph_.inputs()[i]).shape;
    if (x[i].row_size != element_count(shape)) {
      throw_invalid("x: expected samples of %lld numbers %s, got %lld", static_cast<long long>(element_count(shape)),
                    to_string(shape).c_str(), static_cast<long long>(x[i].row_size));
    }
    if (x[i].rows < rows || (rows > 0 && x[i].data == nullptr)) {
      throw_invalid("x: expected at least %lld samples, got %lld", static_cast<long long>(rows),
                    static_cast<long long>(x[i].data == nullptr ? 0 : x[i].rows));
    }
    if (x[i].type == NNF_SRC_CSR && x[i].data != nullptr) {
      const nnf_csr& matrix = *static_cast<const nnf_csr*>(x[i].data);
      check_csr("x", matrix);
      if (matrix.rows != x[i].rows || matrix.columns != x[i].row_size) {
        throw_invalid("x: expected a matrix of shape (%lld, %lld), got (%lld, %lld)",
                      static_cast<long long>(x[i].rows), static_cast<long long>(x[i].row_size),
                      static_cast<long long>(matrix.rows), static_cast<long long>(matrix.columns));
      }
    }
  }
}

template <class T>
bool Model<T>::stays_sparse(const nnf_source* x) const {
  if (sparse_reader_ < 0 || x[0].type != NNF_SRC_CSR || x[0].data == nullptr) return false;
  // From about a tenth of the numbers on, the product of dense matrices is quicker.
  constexpr double kDensest = 0.1;
  const nnf_csr& matrix = *static_cast<const nnf_csr*>(x[0].data);
  const double size = static_cast<double>(matrix.rows) * static_cast<double>(matrix.columns);
  return static_cast<double>(matrix.stored) <= kDensest * size;
}

template <class T>
void Model<T>::load_columns() {
  if (trainable_.frozen(sparse_reader_)) return;
  sparse_.columns.build(sparse_.rows, element_count(graph_.node(sparse_reader_).shape));
}

template <class T>
void Model<T>::load(Plan<T>& p, const nnf_source* x, const i64* order, i64 first, i64 n, bool may_borrow) {
  if (p.sparse()) {
    sparse_.rows = {static_cast<const nnf_csr*>(x[0].data), order, first, n};
    p.set_sparse(&sparse_);
    return;
  }
  constexpr nnf_source_type own = sizeof(T) == sizeof(float) ? NNF_SRC_F32 : NNF_SRC_F64;
  for (int i = 0; i < p.num_inputs(); ++i) {
    const nnf_source& s = x[i];
    if (may_borrow && order == nullptr && s.type == own && s.row_stride == s.row_size) {
      p.borrow_input(i, static_cast<const T*>(s.data) + first * s.row_size);
    } else {
      p.borrow_input(i, nullptr);
      gather_rows<T>(s, order, first, n, p.input(i));
    }
  }
}

template <class T>
void Model<T>::deliver(Plan<T>& p, i64 first, i64 n, void* const* out) const {
  for (int i = 0; i < p.num_outputs(); ++i) {
    const i64 size = output_sizes_[static_cast<std::size_t>(i)];
    std::copy(p.output(i), p.output(i) + n * size, static_cast<T*>(out[i]) + first * size);
  }
}

template <class T>
void Model<T>::forward(const nnf_source* x, bool training, void* const* out) {
  const i64 n = x[0].rows;
  check_sources(x, n);
  if (n == 0) return;
  Plan<T>& p = plan(n, training ? Purpose::custom : Purpose::infer, stays_sparse(x));
  const RunState run = run_state(training);
  load(p, x, nullptr, 0, n, /*may_borrow=*/!training);
  if (p.sparse() && training) {
    held_.copy(sparse_.rows);
    sparse_.rows = {&held_.matrix(), nullptr, 0, n};
  }
  p.forward(n, run);
  deliver(p, 0, n, out);
  pending_ = training ? &p : nullptr;
  pending_n_ = n;
  pending_run_ = run;
}

template <class T>
void Model<T>::backward(const void* const* grad_output, bool accumulate, void* const* gx) {
  if (pending_ == nullptr) throw_invalid("backward: expected a forward with training=True before it, got none");
  Plan<T>& p = *pending_;
  const i64 n = pending_n_;
  if (p.sparse()) {
    if (gx != nullptr && gx[0] != nullptr) throw_invalid("gx: expected none of sparse samples, got an array");
    sparse_.keeps_delta = false;
    load_columns();
  }
  pending_ = nullptr;  // the activations are overwritten on the way back
  if (p.has_backward()) {
    for (int i = 0; i < p.num_outputs(); ++i) {
      T* to = p.output_gradient(i);
      if (to == nullptr) continue;
      const i64 size = n * output_sizes_[static_cast<std::size_t>(i)];
      const T* g = static_cast<const T*>(grad_output[i]);
      g != nullptr ? (void)std::copy(g, g + size, to) : (void)std::fill(to, to + size, T{0});
    }
    bool to_inputs = false;
    for (int i = 0; gx != nullptr && i < p.num_inputs(); ++i) to_inputs = to_inputs || gx[i] != nullptr;
    p.backward(n, pending_run_, accumulate, to_inputs);
    if (!accumulate) {
      add_penalty_gradient(regularizers_, params_, penalty_in_mean ? 1 / static_cast<double>(n) : 1.0, by_row());
    }
  }
  for (int i = 0; gx != nullptr && i < p.num_inputs(); ++i) {
    T* to = static_cast<T*>(gx[i]);
    if (to == nullptr) continue;
    const i64 size = n * element_count(p.input_shape(i));
    const T* from = p.input_gradient(i);
    from != nullptr ? (void)std::copy(from, from + size, to) : (void)std::fill(to, to + size, T{0});
  }
}

template <class T>
void Model<T>::step() {
  if (!has_optimizer_) throw_invalid("step: expected an optimizer to be set before it, got none");
  update(trainable_.stretches(), optimizer_now());
  count_step();
}

template <class T>
nnf_optimizer Model<T>::optimizer_now() const {
  nnf_optimizer now = optimizer_;
  const i64 place = step_count - first_rate_;
  if (place >= 0 && place < static_cast<i64>(rates_.size())) now.lr = rates_[static_cast<std::size_t>(place)];
  return now;
}

template <class T>
void Model<T>::update(const std::vector<Stretch>& stretches, const nnf_optimizer& now) {
  T* const states[3] = {params_.state(0), params_.state(1), params_.state(2)};
  apply_optimizer<T>(now, stretches, params_.entries(), params_.values(), params_.gradients(), states);
  apply_max_norm(regularizers_, params_, norms_);
}

template <class T>
void Model<T>::count_step() {
  ++step_count;
  ++optimizer_steps_;
  trainable_.count_update();
}

template <class T>
void Model<T>::plan_size(i64 batch, bool training, i64* arena, i64* naive) {
  const Plan<T>& p = plan(batch, training ? Purpose::train : Purpose::infer, false);
  *arena = p.arena_bytes();
  *naive = p.naive_bytes();
}

template class Model<float>;
template class Model<double>;

std::unique_ptr<ModelBase> make_model(const Graph& graph, nnf_dtype dtype) {
  if (dtype == NNF_F32) return std::make_unique<Model<float>>(graph);
  if (dtype == NNF_F64) return std::make_unique<Model<double>>(graph);
  throw_type("dt: expected NNF_F32 or NNF_F64, got %d", static_cast<int>(dtype));
}

}  // namespace nnf
