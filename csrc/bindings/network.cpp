// Bindings of networks: Model, beside Graph (graph.h). Arrays of samples become nnf_sources (samples.h); the engine
// converts them batch by batch.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "bindings/graph.h"
#include "bindings/network_arrays.h"

namespace nnf::bindings {
namespace {

// ---------------------------------------------------------------- model

struct FreeModel {
  void operator()(nnf_model* m) const { nnf_model_free(m); }
};

constexpr const char* kDtypes[] = {"float32", "float64"};
constexpr const char* kOptimizers[] = {"sgd", "rmsprop", "adam", "adagrad", "adadelta", "nadam", "sparse_adam"};

constexpr i64 kFirstSlice = 256;  // rows of a prediction before the clock is asked

i64 read_batch(const char* function, py::handle value) {
  const i64 batch = read_integer(function, "batch", value);
  if (batch < 1) fail_value("%s: batch: expected at least 1, got %lld", function, static_cast<long long>(batch));
  return std::min(batch, i64{1} << 62);  // more than any array has; leaves room for sums
}

// Dense floats without NaN and infinity.
bool all_finite(const nnf_source& source) {
  const i64 n = source.rows * source.row_size;
  int finite = 0;
  run(static_cast<double>(n) / 4, [&] {
    return nnf_all_finite(source.type == NNF_SRC_F32 ? NNF_F32 : NNF_F64, n, source.data, &finite);
  });
  return finite != 0;
}

class Model {
 public:
  Model(Graph& graph, py::handle dtype) {
    const InUse guard(graph.busy(), "graph");
    dtype_ = static_cast<nnf_dtype>(read_choice("Model", "dtype", dtype, kDtypes, 2));
    nnf_model* m = nullptr;
    check(nnf_model_new(graph.get(), dtype_, &m));
    model_.reset(m);
    for (int node : graph.inputs) inputs_.push_back(graph.shape_of(node));
    for (int node : graph.outputs()) outputs_.push_back(graph.shape_of(node));
    losses_.assign(outputs_.size(), -1);
    void* values = nullptr;
    check(nnf_model_buffer(model_.get(), NNF_PARAMETERS, &values, &parameters_));
    check(nnf_model_set_poll(model_.get(), &signals_raise, nullptr));
  }

  // ---- arrays over the flat buffers, which live as long as the model: it is their base

  static py::list params(const py::object& self, bool trained) {
    Model& m = self.cast<Model&>();
    const InUse guard(m.busy_, "model");
    py::list list;
    const std::vector<nnf_param> all = m.param_list(trained);
    const std::vector<py::object> arrays = m.views(self, trained ? NNF_PARAMETERS : NNF_UNTRAINED, all);
    for (std::size_t i = 0; i < all.size(); ++i) list.append(py::make_tuple(all[i].node, all[i].name, arrays[i]));
    return list;
  }
  static py::list buffers(const py::object& self, nnf_buffer which) {
    Model& m = self.cast<Model&>();
    const InUse guard(m.busy_, "model");
    py::list list;
    for (const py::object& array : m.views(self, which, m.param_list(true))) list.append(array);
    return list;
  }
  static py::list states(const py::object& self, py::handle which) {
    const i64 i = read_integer("states", "which", which);
    if (i < 0 || i > 2) fail_value("states: which: expected 0, 1 or 2, got %lld", static_cast<long long>(i));
    return buffers(self, static_cast<nnf_buffer>(NNF_STATE0 + i));
  }

  // ---- settings

  void set_loss(py::handle loss, py::handle reduction, py::handle weight, py::handle pos_weight, py::handle beta,
                py::handle delta, py::handle eps, py::handle log_input, py::handle log_target, py::handle full,
                py::handle label_smoothing, py::handle ignore_index, py::handle output, py::handle share) {
    const InUse guard(busy_, "model");
    constexpr const char* kName = "set_loss";
    const char* names[NNF_LOSS_COUNT];
    for (int i = 0; i < NNF_LOSS_COUNT; ++i) names[i] = nnf_loss_name(static_cast<nnf_loss>(i));
    const auto kind = static_cast<nnf_loss>(read_choice(kName, "loss", loss, names, NNF_LOSS_COUNT));
    static const char* const kReductions[] = {"mean", "sum", "batchmean"};
    nnf_loss_options o = nnf_loss_defaults();
    o.reduction = static_cast<nnf_reduction>(
        NNF_REDUCE_MEAN + read_choice(kName, "reduction", reduction, kReductions, kind == NNF_LOSS_KL_DIV ? 3 : 2));
    o.beta = kind == NNF_LOSS_HUBER ? read_double(kName, "delta", delta) : read_double(kName, "beta", beta);
    o.eps = read_double(kName, "eps", eps);
    o.log_input = read_bool(kName, "log_input", log_input) ? 1 : 0;
    o.log_target = read_bool(kName, "log_target", log_target) ? 1 : 0;
    o.full = read_bool(kName, "full", full) ? 1 : 0;
    o.label_smoothing = read_double(kName, "label_smoothing", label_smoothing);
    o.ignore_index = read_integer(kName, "ignore_index", ignore_index);
    const i64 which = read_integer(kName, "output", output);
    const auto count = static_cast<i64>(outputs_.size());
    if (which < 0 || which >= count) {
      fail_value("set_loss: output: expected 0..%lld, got %lld", static_cast<long long>(count - 1),
                 static_cast<long long>(which));
    }
    const Shape& shape = outputs_[static_cast<std::size_t>(which)];
    const py::object own = weights("weight", weight, shape), own_pos = weights("pos_weight", pos_weight, shape);
    o.weight = own ? array_data(own) : nullptr;
    o.pos_weight = own_pos ? array_data(own_pos) : nullptr;
    const double part = read_double(kName, "share", share);
    if (!(part >= 0) || part > 1e300) fail_value("set_loss: share: expected a finite number >= 0, got %g", part);
    check_as(kName, nnf_model_set_loss(model_.get(), static_cast<int>(which), kind, &o, part));
    losses_[static_cast<std::size_t>(which)] = kind;
  }
  void set_optimizer(py::handle kind, py::handle lr, py::handle weight_decay, py::handle momentum,
                     py::handle dampening, py::handle nesterov, py::handle alpha, py::handle centered,
                     py::handle beta1, py::handle beta2, py::handle amsgrad, py::handle decoupled,
                     py::handle momentum_decay, py::handle rho, py::handle lr_decay,
                     py::handle initial_accumulator_value, py::handle eps, py::handle clip_value,
                     py::handle clip_norm, py::handle eps_hat) {
    const InUse guard(busy_, "model");
    constexpr const char* kName = "set_optimizer";
    nnf_optimizer o{};
    o.kind = static_cast<nnf_optimizer_kind>(read_choice(kName, "kind", kind, kOptimizers, 7));
    o.lr = read_double(kName, "lr", lr);
    o.weight_decay = read_double(kName, "weight_decay", weight_decay);
    o.momentum = read_double(kName, "momentum", momentum);
    o.dampening = read_double(kName, "dampening", dampening);
    o.nesterov = read_bool(kName, "nesterov", nesterov);
    o.alpha = read_double(kName, "alpha", alpha);
    o.centered = read_bool(kName, "centered", centered);
    o.beta1 = read_double(kName, "beta1", beta1);
    o.beta2 = read_double(kName, "beta2", beta2);
    o.amsgrad = read_bool(kName, "amsgrad", amsgrad);
    o.decoupled = read_bool(kName, "decoupled", decoupled);
    o.momentum_decay = read_double(kName, "momentum_decay", momentum_decay);
    o.rho = read_double(kName, "rho", rho);
    o.lr_decay = read_double(kName, "lr_decay", lr_decay);
    o.initial_accumulator_value = read_double(kName, "initial_accumulator_value", initial_accumulator_value);
    o.eps = read_double(kName, "eps", eps);
    o.clip_value = read_double(kName, "clip_value", clip_value);
    o.clip_norm = read_double(kName, "clip_norm", clip_norm);
    o.eps_hat = read_bool(kName, "eps_hat", eps_hat);
    check(nnf_model_set_optimizer(model_.get(), &o));
  }
  void reset_optimizer() {
    const InUse guard(busy_, "model");
    check(nnf_model_reset_optimizer(model_.get()));
  }
  void set_learning_rates(py::handle first, py::handle lr) {
    const InUse guard(busy_, "model");
    if (!PyList_Check(lr.ptr()) && !PyTuple_Check(lr.ptr())) {
      fail_type("set_learning_rates: lr: expected a list of numbers, got %s", Py_TYPE(lr.ptr())->tp_name);
    }
    std::vector<double> rates;
    for (py::handle item : lr) rates.push_back(read_double("set_learning_rates", "lr", item));
    const i64 start = read_integer("set_learning_rates", "first", first);
    check(nnf_model_set_learning_rates(model_.get(), start, static_cast<i64>(rates.size()), rates.data()));
  }
  void set_regularizer(py::handle index, py::handle l1, py::handle l2, py::handle max_norm) {
    const InUse guard(busy_, "model");
    constexpr const char* kName = "set_regularizer";
    check(nnf_model_set_regularizer(model_.get(), trained_array(kName, index), read_double(kName, "l1", l1),
                                    read_double(kName, "l2", l2), read_double(kName, "max_norm", max_norm)));
  }
  void set_trainable(py::handle node, py::handle trainable) {
    const InUse guard(busy_, "model");
    constexpr const char* kName = "set_trainable";
    const int index = read_node(kName, "node", node);
    forward_rows_ = -1;  // the plan that a backward would need is gone
    check(nnf_model_set_trainable(model_.get(), index, read_bool(kName, "trainable", trainable) ? 1 : 0));
  }
  void set_lr_scale(py::handle node, py::handle scale) {
    const InUse guard(busy_, "model");
    constexpr const char* kName = "set_lr_scale";
    check(nnf_model_set_lr_scale(model_.get(), read_node(kName, "node", node), read_double(kName, "scale", scale)));
  }
  i64 updates(py::handle node) {
    const InUse guard(busy_, "model");
    i64 count = 0;
    check(nnf_model_get_updates(model_.get(), read_node("updates", "node", node), &count));
    return count;
  }
  void set_updates(py::handle node, py::handle count) {
    const InUse guard(busy_, "model");
    constexpr const char* kName = "set_updates";
    check(nnf_model_set_updates(model_.get(), read_node(kName, "node", node), read_integer(kName, "count", count)));
  }
  void set_penalty_in_mean(py::handle on) {
    const InUse guard(busy_, "model");
    check(nnf_model_set_penalty_in_mean(model_.get(), read_bool("set_penalty_in_mean", "on", on)));
  }
  void set_seed(py::handle seed) {
    const InUse guard(busy_, "model");
    check(nnf_model_set_seed(model_.get(), read_unsigned("set_seed", "seed", seed, UINT64_MAX)));
  }
  i64 step_count() {
    const InUse guard(busy_, "model");
    i64 step = 0;
    check(nnf_model_get_step(model_.get(), &step));
    return step;
  }
  void set_step_count(py::handle step) {
    const InUse guard(busy_, "model");
    check(nnf_model_set_step(model_.get(), read_integer("Model", "step_count", step)));
  }

  i64 optimizer_step_count() {
    const InUse guard(busy_, "model");
    i64 step = 0;
    check(nnf_model_get_optimizer_step(model_.get(), &step));
    return step;
  }
  void set_optimizer_step_count(py::handle step) {
    const InUse guard(busy_, "model");
    check(nnf_model_set_optimizer_step(model_.get(), read_integer("Model", "optimizer_step_count", step)));
  }

  // ---- whole epochs

  i64 train(py::handle x_, py::handle y_, py::handle order_, py::handle batch_, py::handle first_, py::handle last_,
            py::handle seconds_, py::handle totals, py::handle sample_weight) {
    const InUse guard(busy_, "model");
    const Inputs x(inputs_, "train", x_);
    const Targets y(outputs_, losses_, "train", x, y_, sample_weight);
    Sums sums(outputs_.size(), "train", totals);
    std::optional<Labels> order;
    i64 n = x.rows;
    if (!order_.is_none()) {
      order.emplace("train", "order", order_);
      if (order->nd() != 1) fail_value("train: order: expected 1 dimension, got %d", order->nd());
      n = order->size();
    }
    const i64 batch = read_batch("train", batch_);
    const i64 first = read_integer("train", "first", first_), last = read_integer("train", "last", last_);
    const double seconds = read_double("train", "seconds", seconds_);
    forward_rows_ = -1;
    i64 done = 0;
    const i64* indices = order ? order->data() : nullptr;
    const GiveBack back{sums};  // the steps before an error count
    check(released([&] {
      return nnf_model_train(model_.get(), x.sources.data(), y.sources.data(), y.weights(), indices, n, batch, first,
                             last, seconds, sums.values.data(), &done);
    }));
    return done;
  }

  i64 evaluate(py::handle x_, py::handle y_, py::handle batch_, py::handle first_, py::handle last_,
               py::handle seconds_, py::handle totals, py::handle sample_weight) {
    const InUse guard(busy_, "model", WhenBusy::wait);
    const Inputs x(inputs_, "evaluate", x_);
    const Targets y(outputs_, losses_, "evaluate", x, y_, sample_weight);
    Sums sums(outputs_.size(), "evaluate", totals);
    const i64 batch = read_batch("evaluate", batch_);
    const i64 first = read_integer("evaluate", "first", first_), last = read_integer("evaluate", "last", last_);
    const double seconds = read_double("evaluate", "seconds", seconds_);
    i64 done = 0;
    check(released([&] {
      return nnf_model_evaluate(model_.get(), x.sources.data(), y.sources.data(), y.weights(), batch, first, last,
                                seconds, sums.values.data(), &done);
    }));
    sums.give_back();
    return done;
  }

  py::object predict(py::handle x_, py::handle batch_, py::handle out_) {
    const InUse guard(busy_, "model", WhenBusy::wait);
    const Inputs x(inputs_, "predict", x_);
    const i64 batch = read_batch("predict", batch_);
    const Outputs out(outputs_, dtype_, "predict", x, out_);
    // Slices that grow until one takes about a twentieth of a second, and shrink when one takes twice that: long
    // predictions answer to Ctrl-C in time, whatever the batch.
    i64 slice = std::min(batch, kFirstSlice);
    for (i64 first = 0; first < x.rows;) {
      const i64 last = slice < x.rows - first ? first + slice : x.rows;
      const auto start = std::chrono::steady_clock::now();
      const std::vector<void*> to = out.rows_from(first);
      check(released(
          [&] { return nnf_model_predict(model_.get(), x.sources.data(), batch, first, last, to.data()); }));
      first = last;
      if (first == x.rows) break;
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      if (took.count() < 0.025) {
        slice *= 2;
      } else if (took.count() > 0.1) {
        slice = std::max<i64>(slice / 2, 1);
      }
    }
    return out.result();
  }

  // A prediction of few samples in an array that the engine takes as it is, or None: the caller then asks predict. So
  // it does for numbers that are not finite, where `finite` asks for such.
  py::object predict_now(py::handle x, py::handle batch_, bool finite) {
    nnf_source source{};
    if (inputs_.size() != 1 || outputs_.size() != 1 || !reads_as_is(x.ptr(), inputs_[0], &source)) return py::none();
    if (finite && !all_finite(source)) return py::none();
    const i64 rows = source.rows, batch = read_batch("predict", batch_);
    if (rows < 1 || rows > batch || rows > kFirstSlice) return py::none();
    const InUse guard(busy_, "model", WhenBusy::wait);
    py::ssize_t dims[9];
    py::object y = new_array(dtype_, dims, batch_shape(outputs_[0], rows, dims));
    void* to = array_data(y);
    // Dense layers do a multiply-add a parameter and row, some 16 in the time that an element of other work takes.
    const double work = inputs_[0].nd > 1 ? kReleaseWork : static_cast<double>(parameters_ * rows) / 16;
    check(released([&] { return nnf_model_predict(model_.get(), &source, batch, 0, rows, &to); }, work));
    return y;
  }

  // One training step on arrays that the engine takes as they are, its sums in *totals; or false, nothing done.
  bool train_now(py::handle x_, py::handle y_, Totals& totals) {
    nnf_source x{}, y{};
    if (inputs_.size() != 1 || outputs_.size() != 1 || !reads_as_is(x_.ptr(), inputs_[0], &x)) return false;
    const bool classes = losses_[0] == NNF_LOSS_CROSS_ENTROPY || losses_[0] == NNF_LOSS_NLL;
    const bool fits = classes ? outputs_[0].nd == 1 && labels_read_as_is(y_.ptr(), outputs_[0].dims[0], &y)
                              : losses_[0] >= 0 && reads_as_is(y_.ptr(), outputs_[0], &y);
    if (!fits || x.rows < 1 || x.rows != y.rows) return false;
    const InUse guard(busy_, "model");
    forward_rows_ = -1;
    i64 done = 0;
    nnf_totals* const sums = &totals;
    check(released([&] {
      return nnf_model_train(model_.get(), &x, &y, nullptr, nullptr, x.rows, x.rows, 0, 1, 0.0, sums, &done);
    }));
    return true;
  }

  // ---- custom training

  py::object forward(py::handle x_, py::handle training_) {
    const InUse guard(busy_, "model");
    const Inputs x(inputs_, "forward", x_);
    const bool training = read_bool("forward", "training", training_);
    if (training && x.rows == 0) fail_value("forward: x: expected at least one sample to train on, got none");
    const Outputs out(outputs_, dtype_, "forward", x, py::none());
    const std::vector<void*> to = out.rows_from(0);
    forward_rows_ = -1;
    if (x.rows > 0) {
      check(released([&] { return nnf_model_forward(model_.get(), x.sources.data(), training, to.data()); }));
    }
    if (training) forward_rows_ = x.rows;
    forward_sparse_ = x.matrix != nullptr;
    return out.result();
  }

  py::object backward(py::handle grad_output, py::handle accumulate_, py::handle need_input_grad) {
    const InUse guard(busy_, "model");
    if (forward_rows_ < 0) fail_value("backward: expected a call of forward with training=True before it, got none");
    // A list for several outputs, in which None stands for zeros.
    const bool several = outputs_.size() > 1;
    const std::vector<py::handle> items =
        items_of("backward", "grad_output", grad_output, outputs_.size(), "arrays, one an output");
    std::vector<std::unique_ptr<Input>> gradients;
    std::vector<const void*> from(outputs_.size(), nullptr);
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const py::handle item = items[i];
      if (several && item.is_none()) continue;
      gradients.push_back(std::make_unique<Input>("backward", "grad_output", item));
      Input& g = *gradients.back();
      py::ssize_t shape[9];
      const int nd = batch_shape(outputs_[i], forward_rows_, shape);
      if (g.dtype() != dtype_) {
        fail_type("backward: grad_output: expected dtype %s, got %s", dtype_name(dtype_), dtype_name(g.dtype()));
      }
      g.expect_shape(shape, nd);
      g.make_contiguous();
      from[i] = g.data();
    }
    const bool accumulate = read_bool("backward", "accumulate", accumulate_);
    py::object gx = py::none();
    std::vector<void*> to(inputs_.size(), nullptr);
    if (read_bool("backward", "need_input_grad", need_input_grad)) {
      if (forward_sparse_) fail_value("backward: need_input_grad: expected False after sparse samples, got True");
      py::list arrays;
      for (std::size_t i = 0; i < inputs_.size(); ++i) {
        py::ssize_t shape[9];
        arrays.append(new_array(dtype_, shape, batch_shape(inputs_[i], forward_rows_, shape)));
        to[i] = array_data(arrays[i]);
      }
      gx = inputs_.size() == 1 ? py::object(arrays[0]) : py::object(arrays);
    }
    forward_rows_ = -1;
    check(released([&] { return nnf_model_backward(model_.get(), from.data(), accumulate, to.data()); }));
    return gx;
  }

  void step() {
    const InUse guard(busy_, "model");
    check(released([&] { return nnf_model_step(model_.get()); }));
  }

  bool stays_sparse(py::handle x_) {
    const InUse guard(busy_, "model");
    const Inputs x(inputs_, "stays_sparse", x_);
    int yes = 0;
    check(nnf_model_stays_sparse(model_.get(), x.sources.data(), &yes));
    return yes != 0;
  }

  std::size_t num_inputs() const { return inputs_.size(); }
  std::size_t num_outputs() const { return outputs_.size(); }

  // The C handle for nnfast.cython_api, the dtype in its name. It does not keep the model alive.
  py::capsule capsule() {
    return py::capsule(model_.get(), dtype_ == NNF_F32 ? "nnf_model float32" : "nnf_model float64");
  }

  py::tuple plan(py::handle batch_, py::handle training_) {
    const InUse guard(busy_, "model");
    const i64 batch = read_batch("plan", batch_);
    const bool training = read_bool("plan", "training", training_);
    i64 arena = 0, naive = 0;
    check(nnf_model_plan(model_.get(), batch, training, &arena, &naive));
    return py::make_tuple(arena, naive);
  }

  py::list plan_backward(py::handle batch_) {
    const InUse guard(busy_, "model");
    const i64 batch = read_batch("plan_backward", batch_);
    int count = 0;
    check(nnf_model_plan_backward(model_.get(), batch, &count, nullptr));
    std::vector<int> nodes(static_cast<std::size_t>(count));
    check(nnf_model_plan_backward(model_.get(), batch, &count, nodes.data()));
    py::list list;
    for (int node : nodes) list.append(node);
    return list;
  }

 private:
  // Long calls answer to Ctrl-C: what Python's handler raises ends them, and comes out of them.
  static int signals_raise(void*) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    const int raised = PyErr_CheckSignals();
    PyGILState_Release(gil);
    return raised;
  }
  template <class F>
  static nnf_status released(F&& body, double work = kReleaseWork) {
    const nnf_status status = release(work, body);
    return PyErr_Occurred() != nullptr ? throw py::error_already_set() : status;
  }

  // A loss's weights, one an output, in the model's dtype; a null object for None.
  py::object weights(const char* name, py::handle value, const Shape& shape) const {
    if (value.is_none()) return {};
    const Input given("set_loss", name, value);
    if (given.size() != shape.size()) {
      fail_value("set_loss: %s: expected %lld numbers, one an output, got %lld", name,
                 static_cast<long long>(shape.size()), static_cast<long long>(given.size()));
    }
    return py::module_::import("numpy").attr("ascontiguousarray")(value, dtype_ == NNF_F32 ? "f4" : "f8");
  }

  // The number among all arrays of the one that is number `index` among those trained.
  int trained_array(const char* function, py::handle index) const {
    const int wanted = read_node(function, "index", index);
    int count = 0, trained = 0;
    check(nnf_model_num_params(model_.get(), &count));
    for (int i = 0; i < count; ++i) {
      nnf_param p;
      check(nnf_model_param(model_.get(), i, &p));
      if (p.trained != 0 && trained++ == wanted) return i;
    }
    fail_value("%s: index: expected 0..%d, got %d", function, trained - 1, wanted);
  }

  // Those that are trained, or those that are not.
  std::vector<nnf_param> param_list(bool trained) const {
    int count = 0;
    check(nnf_model_num_params(model_.get(), &count));
    std::vector<nnf_param> all;
    for (int i = 0; i < count; ++i) {
      nnf_param p;
      check(nnf_model_param(model_.get(), i, &p));
      if ((p.trained != 0) == trained) all.push_back(p);
    }
    return all;
  }
  std::vector<py::object> views(const py::object& self, nnf_buffer which, const std::vector<nnf_param>& all) const {
    void* data = nullptr;
    i64 size = 0;
    check(nnf_model_buffer(model_.get(), which, &data, &size));
    std::vector<py::object> arrays;
    if (data == nullptr) return arrays;
    const i64 item = item_size(dtype_);
    for (const nnf_param& p : all) {
      std::vector<py::ssize_t> shape(p.shape, p.shape + p.ndim), strides;
      for (int i = 0; i < p.ndim; ++i) strides.push_back(static_cast<py::ssize_t>(p.strides[i] * item));
      arrays.push_back(py::array(py::dtype(type_number(dtype_)), shape, strides,
                                 static_cast<char*>(data) + p.offset * item, self));
    }
    return arrays;
  }

  std::unique_ptr<nnf_model, FreeModel> model_;
  nnf_dtype dtype_ = NNF_F32;
  std::vector<Shape> inputs_, outputs_;
  std::vector<int> losses_;  // nnf_loss of each output, -1: not set
  i64 parameters_ = 0;
  bool forward_sparse_ = false;  // whether that pass's samples were
  i64 forward_rows_ = -1;  // samples of the forward pass that backward may follow; -1: none
  Busy busy_;
};

// Whether x is floats (n, features), n > 0, that the engine takes as they are, and all of them finite.
bool finite_samples(py::handle x, py::handle features) {
  Shape shape;
  shape.nd = 1;
  shape.dims[0] = read_integer("finite_samples", "features", features);
  nnf_source source{};
  return reads_as_is(x.ptr(), shape, &source) && source.rows > 0 && all_finite(source);
}

}  // namespace

void init_network(py::module_& m) {
  m.def(
      "finite_samples", [](py::handle x, py::handle features) { return finite_samples(x, features); }, py::arg("x"),
      py::arg("features"));

  py::class_<Graph>(m, "Graph")
      .def(py::init<>())
      .def("input", &Graph::input, py::arg("shape"))
      .def("node", &Graph::node, py::arg("op"), py::arg("inputs"))
      .def("shape", &Graph::shape, py::arg("node"))
      .def("output", &Graph::set_output, py::arg("node"))
      .def("outputs", &Graph::set_outputs, py::arg("nodes"));

  py::class_<Totals>(m, "Totals")
      .def(py::init<>())
      .def_readwrite("loss", &Totals::loss)
      .def_readwrite("loss_weight", &Totals::loss_weight)
      .def_readwrite("correct", &Totals::correct)
      .def_readwrite("abs_error", &Totals::abs_error)
      .def_readwrite("squared_error", &Totals::squared_error)
      .def_readwrite("weight", &Totals::weight)
      .def_readwrite("samples", &Totals::samples)
      .def_readwrite("outputs", &Totals::outputs)
      .def_readwrite("steps", &Totals::steps)
      .def_readwrite("objective", &Totals::objective);

  py::class_<Model>(m, "Model")
      .def(py::init<Graph&, py::handle>(), py::arg("graph"), py::arg("dtype"))
      .def("params", [](const py::object& self) { return Model::params(self, true); })
      .def("buffers", [](const py::object& self) { return Model::params(self, false); })
      .def("gradients", [](const py::object& self) { return Model::buffers(self, NNF_GRADIENTS); })
      .def("states", [](const py::object& self, py::handle which) { return Model::states(self, which); },
           py::arg("which"))
      .def("set_loss", &Model::set_loss, py::arg("loss"), py::arg("reduction") = "mean", py::kw_only(),
           py::arg("weight") = py::none(), py::arg("pos_weight") = py::none(), py::arg("beta") = 1.0,
           py::arg("delta") = 1.0, py::arg("eps") = 1e-8, py::arg("log_input") = true, py::arg("log_target") = false,
           py::arg("full") = false, py::arg("label_smoothing") = 0.0, py::arg("ignore_index") = -100,
           py::arg("output") = 0, py::arg("share") = 1.0)
      .def("set_optimizer", &Model::set_optimizer, py::arg("kind"), py::kw_only(), py::arg("lr"),
           py::arg("weight_decay") = 0.0, py::arg("momentum") = 0.0, py::arg("dampening") = 0.0,
           py::arg("nesterov") = false, py::arg("alpha") = 0.99, py::arg("centered") = false, py::arg("beta1") = 0.9,
           py::arg("beta2") = 0.999, py::arg("amsgrad") = false, py::arg("decoupled") = false,
           py::arg("momentum_decay") = 4e-3, py::arg("rho") = 0.9, py::arg("lr_decay") = 0.0,
           py::arg("initial_accumulator_value") = 0.0, py::arg("eps") = 1e-8, py::arg("clip_value") = 0.0,
           py::arg("clip_norm") = 0.0, py::arg("eps_hat") = false)
      .def("reset_optimizer", &Model::reset_optimizer)
      .def("set_learning_rates", &Model::set_learning_rates, py::arg("first"), py::arg("lr"))
      .def("set_regularizer", &Model::set_regularizer, py::arg("index"), py::kw_only(), py::arg("l1") = 0.0,
           py::arg("l2") = 0.0, py::arg("max_norm") = 0.0)
      .def("set_trainable", &Model::set_trainable, py::arg("node"), py::arg("trainable"))
      .def("set_lr_scale", &Model::set_lr_scale, py::arg("node"), py::arg("scale"))
      .def("updates", &Model::updates, py::arg("node"))
      .def("set_updates", &Model::set_updates, py::arg("node"), py::arg("count"))
      .def("set_penalty_in_mean", &Model::set_penalty_in_mean, py::arg("on"))
      .def("set_seed", &Model::set_seed, py::arg("seed"))
      .def_property("step_count", &Model::step_count, &Model::set_step_count)
      .def_property("optimizer_step_count", &Model::optimizer_step_count, &Model::set_optimizer_step_count)
      .def("train", &Model::train, py::arg("x"), py::arg("y"), py::arg("order"), py::arg("batch"), py::arg("first"),
           py::arg("last"), py::arg("seconds"), py::arg("totals"), py::arg("sample_weight") = py::none())
      .def("evaluate", &Model::evaluate, py::arg("x"), py::arg("y"), py::arg("batch"), py::arg("first"),
           py::arg("last"), py::arg("seconds"), py::arg("totals"), py::arg("sample_weight") = py::none())
      .def("predict", &Model::predict, py::arg("x"), py::arg("batch") = 256, py::arg("out") = py::none())
      .def("predict_now", &Model::predict_now, py::arg("x"), py::arg("batch"), py::arg("finite") = false)
      .def("train_now", &Model::train_now, py::arg("x"), py::arg("y"), py::arg("totals"))
      .def("forward", &Model::forward, py::arg("x"), py::arg("training") = false)
      .def("backward", &Model::backward, py::arg("grad_output"), py::arg("accumulate") = false,
           py::arg("need_input_grad") = false)
      .def("step", &Model::step)
      .def_property_readonly("num_inputs", &Model::num_inputs)
      .def_property_readonly("num_outputs", &Model::num_outputs)
      .def("stays_sparse", &Model::stays_sparse, py::arg("x"))
      .def("plan", &Model::plan, py::arg("batch"), py::arg("training"))
      .def("plan_backward", &Model::plan_backward, py::arg("batch"))
      .def("_capsule", &Model::capsule);
}

}  // namespace nnf::bindings
