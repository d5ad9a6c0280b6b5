// Bindings of the optimizer updates: in place, one array or a list of arrays. A list is checked whole before its first
// array is changed.
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

constexpr int kMaxArrays = 5;  // param, grad and up to three states

// Names and values of the arrays of a call, in the order param, grad, states.
struct Arguments {
  const char* function;
  const char* names[kMaxArrays];
  py::handle values[kMaxArrays];
  int count;
};

// One parameter with its gradient and states.
struct Item {
  InOut param;
  Input grad;
  std::optional<InOut> state[kMaxArrays - 2];

  Item(const Arguments& a, int index, const py::handle* values)
      : param(a.function, a.names[0], index, values[0]), grad(a.function, a.names[1], values[1]) {
    if (grad.dtype() != param.dtype) {
      fail_type("%s: %s: expected the dtype of %s, %s, got %s", a.function, a.names[1], a.names[0],
                dtype_name(param.dtype), dtype_name(grad.dtype()));
    }
    grad.expect_shape(param.shape, param.nd);
    for (int i = 2; i < a.count; ++i) {
      if (values[i].is_none()) continue;
      InOut& s = state[i - 2].emplace(a.function, a.names[i], index, values[i]);
      if (s.dtype != param.dtype) {
        fail_type("%s: %s: expected the dtype of %s, %s, got %s", a.function, a.names[i], a.names[0],
                  dtype_name(param.dtype), dtype_name(s.dtype));
      }
      if (s.nd != param.nd || !std::equal(s.shape, s.shape + s.nd, param.shape)) {
        fail_value("%s: %s: expected the shape of %s", a.function, a.names[i], a.names[0]);
      }
    }
  }
};

struct Region {
  Extent bytes;
  const char* name;
  bool written;
};

// The arrays of one parameter, at to[0], to[step], to[2 step] ...; returns how many.
int regions_of(const Arguments& a, const Item& item, Region* to, py::ssize_t step = 1) {
  const auto dense = [&](const char* data) {
    const auto low = reinterpret_cast<std::uintptr_t>(data);
    return Extent{low, low + static_cast<std::uintptr_t>(item.param.size * item_size(item.param.dtype))};
  };
  int n = 0;
  to[step * n++] = {dense(item.param.data), a.names[0], true};
  const Input& g = item.grad;
  to[step * n++] = {extent_of(g.data(), g.shape(), g.byte_strides(), g.nd(), item_size(g.dtype())), a.names[1], false};
  for (int i = 0; i < kMaxArrays - 2; ++i) {
    if (item.state[i]) to[step * n++] = {dense(item.state[i]->data), a.names[i + 2], true};
  }
  return n;
}

// By address. A list's arrays were mostly made one after the other: `runs` runs of them in order, as many regions each,
// are merged, which takes a third of the time of sorting all of them.
void sort_by_address(Region* regions, py::ssize_t runs, py::ssize_t each) {
  const auto below = [](const Region& a, const Region& b) { return a.bytes.low < b.bytes.low; };
  for (py::ssize_t i = 0; i < runs; ++i) {
    Region *first = regions + i * each, *last = first + each;
    if (!std::is_sorted(first, last, below)) std::sort(first, last, below);
    std::inplace_merge(regions, first, last, below);
  }
}

// What is written may share memory with nothing else of the call. A sweep over the regions, by address; they lie in
// `runs` runs, a parameter's in each.
void check_apart(const char* function, Region* regions, py::ssize_t runs, py::ssize_t each) {
  sort_by_address(regions, runs, each);
  const py::ssize_t n = runs * each;
  const Region* last = nullptr;          // reaches furthest so far
  const Region* last_written = nullptr;  // ... of those written
  for (py::ssize_t i = 0; i < n; ++i) {
    const Region& r = regions[i];
    if (r.bytes.low == r.bytes.high) continue;
    const Region* other = r.written ? last : last_written;
    if (other != nullptr && r.bytes.low < other->bytes.high) {
      fail_value("%s: %s: expected memory apart from %s", function, r.name, other->name);
    }
    if (last == nullptr || r.bytes.high > last->bytes.high) last = &r;
    if (r.written && (last_written == nullptr || r.bytes.high > last_written->bytes.high)) last_written = &r;
  }
}

void check_apart(const Arguments& a, const std::vector<std::optional<Item>>& items) {
  const py::ssize_t count = static_cast<py::ssize_t>(items.size());
  std::vector<Region> regions(static_cast<std::size_t>(kMaxArrays * count));
  py::ssize_t runs = 0;  // the same for all of them: param, grad and the states given
  for (py::ssize_t k = 0; k < count; ++k) {
    runs = regions_of(a, *items[static_cast<std::size_t>(k)], regions.data() + k, count);
  }
  check_apart(a.function, regions.data(), runs, count);
}

// Arrays that all own their memory share none if they are different objects: a set of the objects tells so in a fifth
// of the time the sweep takes, an eighth of a step's over 200 arrays of 1,000 numbers.
class Owners {
 public:
  explicit Owners(py::ssize_t count) {
    std::size_t slots = 64;
    while (slots < static_cast<std::size_t>(2 * count)) slots *= 2;
    slots_.resize(slots);
  }
  void add(PyObject* object) {
    if (!apart_ || !is_array(object) || !ArrayFields(object).has(Npy::NPY_ARRAY_OWNDATA_)) {
      apart_ = false;
      return;
    }
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(object) * 0x9E3779B97F4A7C15u) >> 32);
    for (i &= mask; slots_[i] != nullptr; i = (i + 1) & mask) {
      if (slots_[i] == object) apart_ = false;
    }
    slots_[i] = object;
  }
  // Whether all that were added are such arrays, and different.
  bool apart() const { return apart_; }

 private:
  std::vector<PyObject*> slots_;
  bool apart_ = true;
};

py::ssize_t list_length(py::handle value) {
  return PyList_Check(value.ptr()) || PyTuple_Check(value.ptr()) ? PySequence_Fast_GET_SIZE(value.ptr()) : -1;
}

// Checks everything, then calls update(dtype, n, param, grad, states) for each parameter without the GIL.
template <class Update>
void update_all(const Arguments& a, Update&& update) {
  const auto apply = [&](const Item& item) {
    void* states[kMaxArrays - 2] = {};
    for (int i = 0; i < kMaxArrays - 2; ++i) states[i] = item.state[i] ? item.state[i]->data : nullptr;
    return update(item.param.dtype, item.param.size, item.param.data, item.grad.data(), states);
  };
  const py::ssize_t count = list_length(a.values[0]);
  if (count < 0) {
    Item item(a, -1, a.values);
    Region regions[kMaxArrays];
    check_apart(a.function, regions, 1, regions_of(a, item, regions));
    item.grad.make_contiguous();
    run(static_cast<double>(item.param.size), [&] { return apply(item); });
    return;
  }
  for (int i = 1; i < a.count; ++i) {
    if (a.values[i].is_none() && i >= 2) continue;
    const py::ssize_t n = list_length(a.values[i]);
    if (n < 0) fail_type("%s: %s: expected a list of arrays, as param is, got %s", a.function, a.names[i],
                         Py_TYPE(a.values[i].ptr())->tp_name);
    if (n != count) {
      fail_value("%s: %s: expected %zd arrays, as many as param has, got %zd", a.function, a.names[i], count, n);
    }
  }
  std::vector<std::optional<Item>> items(static_cast<std::size_t>(count));  // one block: they cannot move
  Owners owners(kMaxArrays * count);
  double work = 0;
  for (py::ssize_t k = 0; k < count; ++k) {
    py::handle values[kMaxArrays];
    for (int i = 0; i < a.count; ++i) {
      values[i] = a.values[i].is_none() ? a.values[i]
                                        : py::handle(PySequence_Fast_GET_ITEM(a.values[i].ptr(), k));
    }
    Item& item = items[static_cast<std::size_t>(k)].emplace(a, static_cast<int>(k), values);
    for (int i = 2; i < a.count; ++i) {
      if (!a.values[i].is_none() && values[i].is_none()) {
        fail_type("%s: %s[%zd]: expected an array, got None", a.function, a.names[i], k);
      }
    }
    for (int i = 0; i < a.count; ++i) {
      if (!values[i].is_none()) owners.add(values[i].ptr());
    }
    work += static_cast<double>(item.param.size);
  }
  if (!owners.apart()) check_apart(a, items);
  for (std::optional<Item>& item : items) item->grad.make_contiguous();
  run(work, [&] {
    for (const std::optional<Item>& item : items) {
      const nnf_status s = apply(*item);
      if (s != NNF_OK) return s;
    }
    return NNF_OK;
  });
}

// The first `count` arrays (all when below 0) must be given.
void need(const Arguments& a, int count = -1) {
  for (int i = 0; i < (count < 0 ? a.count : count); ++i) {
    if (!a.values[i].is_none()) continue;
    fail_type("%s: %s: expected an array or a list of arrays, got None", a.function, a.names[i]);
  }
}

void sgd_update(py::handle param, py::handle grad, py::handle momentum_buffer, py::handle lr_, py::handle momentum_,
                py::handle dampening_, py::handle weight_decay_, py::handle nesterov_, py::handle first_step_) {
  constexpr const char* kName = "sgd_update";
  const double lr = read_non_negative(kName, "lr", lr_);
  const double momentum = read_non_negative(kName, "momentum", momentum_);
  const double dampening = read_double(kName, "dampening", dampening_);
  const double weight_decay = read_non_negative(kName, "weight_decay", weight_decay_);
  const bool nesterov = read_bool(kName, "nesterov", nesterov_);
  const bool first_step = read_bool(kName, "first_step", first_step_);
  if (!std::isfinite(dampening)) fail_value("%s: dampening: expected a finite number, got %g", kName, dampening);
  if (nesterov && (momentum == 0 || dampening != 0)) {
    fail_value("%s: nesterov: expected a momentum above 0 and no dampening, got momentum %g, dampening %g", kName,
               momentum, dampening);
  }
  if (momentum != 0 && momentum_buffer.is_none()) {
    fail_value("%s: momentum_buffer: expected an array for momentum %g, got None", kName, momentum);
  }
  const Arguments a{kName, {"param", "grad", "momentum_buffer"}, {param, grad, momentum_buffer}, 3};
  update_all(a, [&](nnf_dtype dt, i64 n, void* p, const void* g, void* const* s) {
    return nnf_sgd_update(dt, n, p, g, s[0], lr, momentum, dampening, weight_decay, nesterov, first_step);
  });
}

double read_share(const char* function, const char* name, py::handle value) {
  const double x = read_double(function, name, value);
  if (!(x >= 0 && x <= 1)) fail_value("%s: %s: expected 0 <= %s <= 1, got %g", function, name, name, x);
  return x;
}

i64 read_step(const char* function, py::handle value) {
  const i64 step = read_integer(function, "step", value);
  if (step < 1) fail_value("%s: step: expected at least 1, got %lld", function, static_cast<long long>(step));
  return step;
}

void rmsprop_update(py::handle param, py::handle grad, py::handle square_avg, py::handle grad_avg,
                    py::handle momentum_buffer, py::handle lr_, py::handle alpha_, py::handle eps_,
                    py::handle weight_decay_, py::handle momentum_, py::handle centered_) {
  constexpr const char* kName = "rmsprop_update";
  const double lr = read_non_negative(kName, "lr", lr_), alpha = read_share(kName, "alpha", alpha_);
  const double eps = read_non_negative(kName, "eps", eps_);
  const double weight_decay = read_non_negative(kName, "weight_decay", weight_decay_);
  const double momentum = read_non_negative(kName, "momentum", momentum_);
  const bool centered = read_bool(kName, "centered", centered_);
  if (centered && grad_avg.is_none()) fail_value("%s: grad_avg: expected an array for centered=True, got None", kName);
  if (momentum != 0 && momentum_buffer.is_none()) {
    fail_value("%s: momentum_buffer: expected an array for momentum %g, got None", kName, momentum);
  }
  const Arguments a{kName,
                    {"param", "grad", "square_avg", "grad_avg", "momentum_buffer"},
                    {param, grad, square_avg, grad_avg, momentum_buffer},
                    5};
  need(a, 3);
  update_all(a, [&](nnf_dtype dt, i64 n, void* p, const void* g, void* const* s) {
    return nnf_rmsprop_update(dt, n, p, g, s[0], centered ? s[1] : nullptr, s[2], lr, alpha, eps, weight_decay,
                              momentum);
  });
}

void adagrad_update(py::handle param, py::handle grad, py::handle sum, py::handle step_, py::handle lr_,
                    py::handle lr_decay_, py::handle weight_decay_, py::handle eps_) {
  constexpr const char* kName = "adagrad_update";
  const i64 step = read_step(kName, step_);
  const double lr = read_non_negative(kName, "lr", lr_), lr_decay = read_non_negative(kName, "lr_decay", lr_decay_);
  const double weight_decay = read_non_negative(kName, "weight_decay", weight_decay_);
  const double eps = read_non_negative(kName, "eps", eps_);
  const Arguments a{kName, {"param", "grad", "sum"}, {param, grad, sum}, 3};
  need(a);
  update_all(a, [&](nnf_dtype dt, i64 n, void* p, const void* g, void* const* s) {
    return nnf_adagrad_update(dt, n, p, g, s[0], step, lr, lr_decay, eps, weight_decay);
  });
}

void adadelta_update(py::handle param, py::handle grad, py::handle square_avg, py::handle acc_delta, py::handle lr_,
                     py::handle rho_, py::handle eps_, py::handle weight_decay_) {
  constexpr const char* kName = "adadelta_update";
  const double lr = read_non_negative(kName, "lr", lr_), rho = read_share(kName, "rho", rho_);
  const double eps = read_non_negative(kName, "eps", eps_);
  const double weight_decay = read_non_negative(kName, "weight_decay", weight_decay_);
  const Arguments a{kName, {"param", "grad", "square_avg", "acc_delta"}, {param, grad, square_avg, acc_delta}, 4};
  need(a);
  update_all(a, [&](nnf_dtype dt, i64 n, void* p, const void* g, void* const* s) {
    return nnf_adadelta_update(dt, n, p, g, s[0], s[1], lr, rho, eps, weight_decay);
  });
}

// Adam and, with `decoupled`, AdamW.
void adam_update(const char* function, bool decoupled, py::handle param, py::handle grad, py::handle m, py::handle v,
                 py::handle max_v, py::handle step_, py::handle lr_, py::handle beta1_, py::handle beta2_,
                 py::handle eps_, py::handle weight_decay_, py::handle amsgrad_) {
  const i64 step = read_step(function, step_);
  const double lr = read_non_negative(function, "lr", lr_);
  const double beta1 = read_below_one(function, "beta1", beta1_), beta2 = read_below_one(function, "beta2", beta2_);
  const double eps = read_non_negative(function, "eps", eps_);
  const double weight_decay = read_non_negative(function, "weight_decay", weight_decay_);
  const bool amsgrad = read_bool(function, "amsgrad", amsgrad_);
  if (amsgrad && max_v.is_none()) fail_value("%s: max_v: expected an array for amsgrad=True, got None", function);
  const Arguments a{function, {"param", "grad", "m", "v", "max_v"}, {param, grad, m, v, max_v}, 5};
  need(a, 4);
  update_all(a, [&](nnf_dtype dt, i64 n, void* p, const void* g, void* const* s) {
    return nnf_adam_update(dt, n, p, g, s[0], s[1], amsgrad ? s[2] : nullptr, step, lr, beta1, beta2, eps,
                           weight_decay, decoupled);
  });
}

void nadam_update(py::handle param, py::handle grad, py::handle m, py::handle v, py::handle step_, py::handle lr_,
                  py::handle beta1_, py::handle beta2_, py::handle eps_, py::handle weight_decay_,
                  py::handle momentum_decay_, py::handle decoupled_) {
  constexpr const char* kName = "nadam_update";
  const i64 step = read_step(kName, step_);
  const double lr = read_non_negative(kName, "lr", lr_);
  const double beta1 = read_below_one(kName, "beta1", beta1_), beta2 = read_below_one(kName, "beta2", beta2_);
  const double eps = read_non_negative(kName, "eps", eps_);
  const double weight_decay = read_non_negative(kName, "weight_decay", weight_decay_);
  const double momentum_decay = read_non_negative(kName, "momentum_decay", momentum_decay_);
  const bool decoupled = read_bool(kName, "decoupled_weight_decay", decoupled_);
  const Arguments a{kName, {"param", "grad", "m", "v"}, {param, grad, m, v}, 4};
  need(a);
  update_all(a, [&](nnf_dtype dt, i64 n, void* p, const void* g, void* const* s) {
    return nnf_nadam_update(dt, n, p, g, s[0], s[1], step, lr, beta1, beta2, eps, weight_decay, momentum_decay,
                            decoupled);
  });
}

i64 perceptron_update(py::handle weight_, py::handle bias_, py::handle x_, py::handle target_, py::handle lr_) {
  constexpr const char* kName = "perceptron_update";
  const double lr = read_non_negative(kName, "lr", lr_);
  const InOut weight(kName, "weight", -1, weight_), bias(kName, "bias", -1, bias_);
  Input x(kName, "x", x_), target(kName, "target", target_);
  if (weight.nd != 1) fail_value("%s: weight: expected 1 dimension, got %d", kName, weight.nd);
  if (bias.size != 1) fail_value("%s: bias: expected one number, got %lld", kName, static_cast<long long>(bias.size));
  if (x.nd() != 2 || x.shape()[1] != weight.shape[0]) {
    fail_value("%s: x: expected shape (n, %lld), got %d dimensions%s", kName, static_cast<long long>(weight.size),
               x.nd(), x.nd() == 2 ? " of other sizes" : "");
  }
  target.expect_shape(x.shape(), 1);
  const auto same = [&](nnf_dtype dtype, const char* name) {
    if (dtype == weight.dtype) return;
    fail_type("%s: %s: expected the dtype of weight, %s, got %s", kName, name, dtype_name(weight.dtype),
              dtype_name(dtype));
  };
  same(bias.dtype, "bias");
  same(x.dtype(), "x");
  same(target.dtype(), "target");
  const auto dense = [](const InOut& a) {
    const auto low = reinterpret_cast<std::uintptr_t>(a.data);
    return Extent{low, low + static_cast<std::uintptr_t>(a.size * item_size(a.dtype))};
  };
  const auto read = [](const Input& a) {
    return extent_of(a.data(), a.shape(), a.byte_strides(), a.nd(), item_size(a.dtype()));
  };
  Region regions[] = {{dense(weight), "weight", true},
                      {dense(bias), "bias", true},
                      {read(x), "x", false},
                      {read(target), "target", false}};
  check_apart(kName, regions, 1, 4);
  x.make_contiguous();
  target.make_contiguous();
  const i64 n = x.shape()[0];
  i64 errors = 0;
  run(static_cast<double>(n) * static_cast<double>(weight.size), [&] {
    return nnf_perceptron_update(weight.dtype, n, weight.size, weight.data, bias.data, x.data(), target.data(), lr,
                                 &errors);
  });
  return errors;
}

// ---------------------------------------------------------------- clipping

// One array or a list of arrays that change in place: all of one dtype and apart from one another.
std::vector<InOut> read_gradients(const char* function, py::handle grads) {
  std::vector<InOut> all;
  const py::ssize_t count = list_length(grads);
  if (count < 0) {
    all.emplace_back(function, "grads", -1, grads);
    return all;
  }
  std::vector<Region> regions;
  for (py::ssize_t k = 0; k < count; ++k) {
    const InOut& g = all.emplace_back(function, "grads", static_cast<int>(k), PySequence_Fast_GET_ITEM(grads.ptr(), k));
    if (g.dtype != all[0].dtype) {
      fail_type("%s: grads[%zd]: expected the dtype of grads[0], %s, got %s", function, k, dtype_name(all[0].dtype),
                dtype_name(g.dtype));
    }
    const auto low = reinterpret_cast<std::uintptr_t>(g.data);
    regions.push_back({{low, low + static_cast<std::uintptr_t>(g.size * item_size(g.dtype))}, "grads", true});
  }
  check_apart(function, regions.data(), 1, static_cast<py::ssize_t>(regions.size()));
  return all;
}

void clip_grad_value(py::handle grads, py::handle clip_value) {
  constexpr const char* kName = "clip_grad_value_";
  const double limit = read_non_negative(kName, "clip_value", clip_value);
  const std::vector<InOut> all = read_gradients(kName, grads);
  double work = 0;
  for (const InOut& g : all) work += static_cast<double>(g.size);
  run(work, [&] {
    for (const InOut& g : all) {
      const nnf_status s = nnf_clip_value(g.dtype, g.size, g.data, limit);
      if (s != NNF_OK) return s;
    }
    return NNF_OK;
  });
}

double clip_grad_norm(py::handle grads, py::handle max_norm_, py::handle norm_type_, py::handle error_if_nonfinite) {
  constexpr const char* kName = "clip_grad_norm_";
  const double max_norm = read_non_negative(kName, "max_norm", max_norm_);
  const double p = read_double(kName, "norm_type", norm_type_);
  if (!(p > 0)) fail_value("%s: norm_type: expected a number above 0, got %g", kName, p);
  const bool refuse = read_bool(kName, "error_if_nonfinite", error_if_nonfinite);
  const std::vector<InOut> all = read_gradients(kName, grads);
  std::vector<i64> sizes;
  std::vector<void*> data;
  double work = 0, norm = 0;
  for (const InOut& g : all) {
    sizes.push_back(g.size);
    data.push_back(g.data);
    work += 2.0 * static_cast<double>(g.size);
  }
  const nnf_dtype dtype = all.empty() ? NNF_F32 : all[0].dtype;
  const auto count = static_cast<i64>(all.size());
  run(work, [&] { return nnf_clip_norm(dtype, count, sizes.data(), data.data(), max_norm, p, refuse, &norm); });
  return norm;
}

}  // namespace

void init_optim(py::module_& m) {
  using py::arg;
  m.def("sgd_update", &sgd_update, arg("param"), arg("grad"), arg("momentum_buffer"), arg("lr"), arg("momentum"),
        arg("dampening"), arg("weight_decay"), arg("nesterov"), arg("first_step"));
  m.def("rmsprop_update", &rmsprop_update, arg("param"), arg("grad"), arg("square_avg"), arg("grad_avg"),
        arg("momentum_buffer"), arg("lr"), arg("alpha"), arg("eps"), arg("weight_decay"), arg("momentum"),
        arg("centered"));
  m.def("adagrad_update", &adagrad_update, arg("param"), arg("grad"), arg("sum"), arg("step"), arg("lr"),
        arg("lr_decay"), arg("weight_decay"), arg("eps"));
  m.def("adadelta_update", &adadelta_update, arg("param"), arg("grad"), arg("square_avg"), arg("acc_delta"),
        arg("lr"), arg("rho"), arg("eps"), arg("weight_decay"));
  const auto adam = [&m](const char* name, bool decoupled) {
    m.def(
        name,
        [name, decoupled](py::handle param, py::handle grad, py::handle first, py::handle second, py::handle max_v,
                          py::handle step, py::handle lr, py::handle beta1, py::handle beta2, py::handle eps,
                          py::handle weight_decay, py::handle amsgrad) {
          adam_update(name, decoupled, param, grad, first, second, max_v, step, lr, beta1, beta2, eps, weight_decay,
                      amsgrad);
        },
        arg("param"), arg("grad"), arg("m"), arg("v"), arg("max_v"), arg("step"), arg("lr"), arg("beta1"),
        arg("beta2"), arg("eps"), arg("weight_decay"), arg("amsgrad"));
  };
  adam("adam_update", false);
  adam("adamw_update", true);
  m.def("nadam_update", &nadam_update, arg("param"), arg("grad"), arg("m"), arg("v"), arg("step"), arg("lr"),
        arg("beta1"), arg("beta2"), arg("eps"), arg("weight_decay"), arg("momentum_decay"),
        arg("decoupled_weight_decay"));
  m.def("perceptron_update", &perceptron_update, arg("weight"), arg("bias"), arg("x"), arg("target"), arg("lr"));
  m.def("clip_grad_value_", &clip_grad_value, arg("grads"), arg("clip_value"));
  m.def("clip_grad_norm_", &clip_grad_norm, arg("grads"), arg("max_norm"), arg("norm_type"),
        arg("error_if_nonfinite"));
}

}  // namespace nnf::bindings
