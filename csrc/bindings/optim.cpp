// Bindings of the optimizer updates: in place, one array or a list of arrays. A list is checked whole before its first
// array is changed.
#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <vector>

#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

// Names and values of the arrays of a call, in the order param, grad, states.
struct Arguments {
  const char* function;
  const char* names[4];
  py::handle values[4];
  int count;
};

// One parameter with its gradient and states.
struct Item {
  InOut param;
  Input grad;
  std::optional<InOut> state[2];

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

int regions_of(const Arguments& a, const Item& item, Region* to) {
  const auto dense = [&](const char* data) {
    const auto low = reinterpret_cast<std::uintptr_t>(data);
    return Extent{low, low + static_cast<std::uintptr_t>(item.param.size * item_size(item.param.dtype))};
  };
  int n = 0;
  to[n++] = {dense(item.param.data), a.names[0], true};
  const Input& g = item.grad;
  to[n++] = {extent_of(g.data(), g.shape(), g.byte_strides(), g.nd(), item_size(g.dtype())), a.names[1], false};
  for (int i = 0; i < 2; ++i) {
    if (item.state[i]) to[n++] = {dense(item.state[i]->data), a.names[i + 2], true};
  }
  return n;
}

// What is written may share memory with nothing else of the call. A sweep over the regions by address.
void check_apart(const char* function, Region* regions, int n) {
  std::sort(regions, regions + n, [](const Region& a, const Region& b) { return a.bytes.low < b.bytes.low; });
  const Region* last = nullptr;          // reaches furthest so far
  const Region* last_written = nullptr;  // ... of those written
  for (int i = 0; i < n; ++i) {
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

py::ssize_t list_length(py::handle value) {
  return PyList_Check(value.ptr()) || PyTuple_Check(value.ptr()) ? PySequence_Fast_GET_SIZE(value.ptr()) : -1;
}

// Checks everything, then calls update(dtype, n, param, grad, state0, state1) for each parameter without the GIL.
template <class Update>
void update_all(const Arguments& a, Update&& update) {
  const auto apply = [&](const Item& item) {
    return update(item.param.dtype, item.param.size, item.param.data, item.grad.data(),
                  item.state[0] ? item.state[0]->data : nullptr, item.state[1] ? item.state[1]->data : nullptr);
  };
  const py::ssize_t count = list_length(a.values[0]);
  if (count < 0) {
    Item item(a, -1, a.values);
    Region regions[4];
    check_apart(a.function, regions, regions_of(a, item, regions));
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
  std::deque<Item> items;
  std::vector<Region> regions(static_cast<std::size_t>(4 * count));
  int used = 0;
  double work = 0;
  for (py::ssize_t k = 0; k < count; ++k) {
    py::handle values[4];
    for (int i = 0; i < a.count; ++i) {
      values[i] = a.values[i].is_none() ? a.values[i]
                                        : py::handle(PySequence_Fast_GET_ITEM(a.values[i].ptr(), k));
    }
    Item& item = items.emplace_back(a, static_cast<int>(k), values);
    if (item.state[0].has_value() != (a.count > 2 && !a.values[2].is_none())) {
      fail_type("%s: %s[%zd]: expected an array, got None", a.function, a.names[2], k);
    }
    if (item.state[1].has_value() != (a.count > 3)) {
      fail_type("%s: %s[%zd]: expected an array, got None", a.function, a.names[3], k);
    }
    used += regions_of(a, item, regions.data() + used);
    work += static_cast<double>(item.param.size);
  }
  check_apart(a.function, regions.data(), used);
  for (Item& item : items) item.grad.make_contiguous();
  run(work, [&] {
    for (const Item& item : items) {
      const nnf_status s = apply(item);
      if (s != NNF_OK) return s;
    }
    return NNF_OK;
  });
}

void need(const Arguments& a) {
  for (int i = 0; i < a.count; ++i) {
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
  const Arguments a{kName, {"param", "grad", "momentum_buffer", ""}, {param, grad, momentum_buffer, {}}, 3};
  update_all(a, [&](nnf_dtype dt, i64 n, void* p, const void* g, void* buf, void*) {
    return nnf_sgd_update(dt, n, p, g, buf, lr, momentum, dampening, weight_decay, nesterov,
                          first_step);
  });
}

void rmsprop_update(py::handle param, py::handle grad, py::handle square_avg, py::handle lr_, py::handle alpha_,
                    py::handle eps_, py::handle weight_decay_) {
  constexpr const char* kName = "rmsprop_update";
  const double lr = read_non_negative(kName, "lr", lr_), alpha = read_double(kName, "alpha", alpha_);
  if (!(alpha >= 0 && alpha <= 1)) fail_value("%s: alpha: expected 0 <= alpha <= 1, got %g", kName, alpha);
  const double eps = read_non_negative(kName, "eps", eps_);
  const double weight_decay = read_non_negative(kName, "weight_decay", weight_decay_);
  const Arguments a{kName, {"param", "grad", "square_avg", ""}, {param, grad, square_avg, {}}, 3};
  need(a);
  update_all(a, [&](nnf_dtype dt, i64 n, void* p, const void* g, void* s, void*) {
    return nnf_rmsprop_update(dt, n, p, g, s, lr, alpha, eps, weight_decay);
  });
}

void adam_update(py::handle param, py::handle grad, py::handle m, py::handle v, py::handle step_, py::handle lr_,
                 py::handle beta1_, py::handle beta2_, py::handle eps_, py::handle weight_decay_) {
  constexpr const char* kName = "adam_update";
  const i64 step = read_integer(kName, "step", step_);
  if (step < 1) fail_value("%s: step: expected at least 1, got %lld", kName, static_cast<long long>(step));
  const double lr = read_non_negative(kName, "lr", lr_);
  const double beta1 = read_below_one(kName, "beta1", beta1_), beta2 = read_below_one(kName, "beta2", beta2_);
  const double eps = read_non_negative(kName, "eps", eps_);
  const double weight_decay = read_non_negative(kName, "weight_decay", weight_decay_);
  const Arguments a{kName, {"param", "grad", "m", "v"}, {param, grad, m, v}, 4};
  need(a);
  update_all(a, [&](nnf_dtype dt, i64 n, void* p, const void* g, void* first, void* second) {
    return nnf_adam_update(dt, n, p, g, first, second, step, lr, beta1, beta2, eps, weight_decay);
  });
}

}  // namespace

void init_optim(py::module_& m) {
  m.def("sgd_update", &sgd_update, py::arg("param"), py::arg("grad"), py::arg("momentum_buffer"), py::arg("lr"),
        py::arg("momentum"), py::arg("dampening"), py::arg("weight_decay"), py::arg("nesterov"),
        py::arg("first_step"));
  m.def("rmsprop_update", &rmsprop_update, py::arg("param"), py::arg("grad"), py::arg("square_avg"), py::arg("lr"),
        py::arg("alpha"), py::arg("eps"), py::arg("weight_decay"));
  m.def("adam_update", &adam_update, py::arg("param"), py::arg("grad"), py::arg("m"), py::arg("v"), py::arg("step"),
        py::arg("lr"), py::arg("beta1"), py::arg("beta2"), py::arg("eps"), py::arg("weight_decay"));
}

}  // namespace nnf::bindings
