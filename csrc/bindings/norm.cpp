// Bindings of batch, layer and group normalisation.
#include <optional>

#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

// An optional (shape) array of x's dtype, dense.
class Optional {
 public:
  Optional(const char* function, const char* name, py::handle value, const Input& x, const py::ssize_t* shape, int nd) {
    if (value.is_none()) return;
    array_.emplace(function, name, value);
    array_->expect_same_dtype(x);
    array_->expect_shape(shape, nd);
    array_->make_contiguous();
  }
  const char* data() const { return array_ ? array_->data() : nullptr; }
  // For the checks of `out`; x where there is none.
  const Input* or_else(const Input* x) const { return array_ ? &*array_ : x; }

 private:
  std::optional<Input> array_;
};

double read_eps(const char* function, py::handle eps) { return read_non_negative(function, "eps", eps); }

// x (n, c, ...) as (n, c, inner).
struct Sizes {
  Sizes(const char* function, const Input& x, int most) {
    if (x.nd() < 2 || x.nd() > most) {
      fail_value("%s: x: expected 2 to %d dimensions (n, channels, ...), got %d", function, most, x.nd());
    }
    n = x.dim(0);
    c = x.dim(1);
    for (int i = 2; i < x.nd(); ++i) inner *= x.dim(i);
    channels[0] = x.shape()[1];
  }
  i64 n, c, inner = 1;
  py::ssize_t channels[1];
};

struct Gradients {
  Gradients(const Input& x, const py::ssize_t* shape, int nd)
      : gx(new_array(x.dtype(), x.shape(), x.nd())),
        gweight(new_array(x.dtype(), shape, nd)),
        gbias(new_array(x.dtype(), shape, nd)) {}
  py::tuple tuple() const { return py::make_tuple(gx, gweight, gbias); }
  py::object gx, gweight, gbias;
};

// ---------------------------------------------------------------- batch_norm

// The running statistics: changed in place while training, otherwise only read; both or none.
class Running {
 public:
  Running(const char* function, py::handle mean, py::handle variance, const Input& x, const Sizes& s, bool training,
          bool in_place)
      : mean_name_(mean.is_none() ? "running_mean" : "running_var") {
    if (mean.is_none() != variance.is_none()) {
      fail_value("%s: %s: expected running_mean and running_var, or neither of them", function, mean_name_);
    }
    if (mean.is_none()) {
      if (!training) fail_value("%s: running_mean: expected an array when not training, got None", function);
      return;
    }
    if (in_place && training) {
      const InOut m(function, "running_mean", -1, mean), v(function, "running_var", -1, variance);
      check_array(function, "running_mean", m, x, s);
      check_array(function, "running_var", v, x, s);
      if (m.size > 0 && m.data == v.data) {
        fail_value("%s: running_var: expected memory apart from running_mean, got an overlap", function);
      }
      mean_data = m.data;
      var_data = v.data;
      return;
    }
    mean_.emplace(function, "running_mean", mean, x, s.channels, 1);
    variance_.emplace(function, "running_var", variance, x, s.channels, 1);
    // Only read: the C interface takes them as changeable for the sake of training.
    mean_data = const_cast<char*>(mean_->data());
    var_data = const_cast<char*>(variance_->data());
  }
  const Input* mean_input(const Input* x) const { return mean_ ? mean_->or_else(x) : x; }
  const Input* var_input(const Input* x) const { return variance_ ? variance_->or_else(x) : x; }

  char *mean_data = nullptr, *var_data = nullptr;

 private:
  static void check_array(const char* function, const char* name, const InOut& a, const Input& x, const Sizes& s) {
    if (a.dtype != x.dtype()) {
      fail_type("%s: %s: expected the dtype of x, %s, got %s", function, name, dtype_name(x.dtype()),
                dtype_name(a.dtype));
    }
    if (a.nd != 1 || a.shape[0] != s.channels[0]) {
      fail_value("%s: %s: expected shape %s, got %s", function, name, shape_text(s.channels, 1).c_str(),
                 shape_text(a.shape, a.nd).c_str());
    }
  }
  const char* mean_name_;
  std::optional<Optional> mean_, variance_;
};

void expect_values(const char* function, const Sizes& s, bool training) {
  if (training && s.n * s.inner == 1) {
    fail_value("%s: x: expected more than 1 value per channel when training, got 1", function);
  }
}

py::object batch_norm(py::handle x_, py::handle running_mean, py::handle running_var, py::handle weight_,
                      py::handle bias_, py::handle training_, py::handle momentum_, py::handle eps_, py::handle out) {
  constexpr const char* kName = "batch_norm";
  Input x(kName, "x", x_);
  const Sizes s(kName, x, 4);
  const bool training = read_bool(kName, "training", training_);
  const Running running(kName, running_mean, running_var, x, s, training, true);
  const Optional weight(kName, "weight", weight_, x, s.channels, 1), bias(kName, "bias", bias_, x, s.channels, 1);
  const double momentum = read_double(kName, "momentum", momentum_), eps = read_eps(kName, eps_);
  expect_values(kName, s, training);
  py::object y = get_or_make(kName, out, x.dtype(), x.shape(), x.nd(),
                             {&x, weight.or_else(&x), bias.or_else(&x), running.mean_input(&x), running.var_input(&x)},
                             &x);
  x.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(x.size()), [&] {
    return nnf_batch_norm(x.dtype(), s.n, s.c, s.inner, x.data(), weight.data(), bias.data(), running.mean_data,
                          running.var_data, training, momentum, eps, to);
  });
  return y;
}

py::object batch_norm_backward(py::handle grad_output, py::handle x_, py::handle running_mean, py::handle running_var,
                               py::handle weight_, py::handle training_, py::handle eps_) {
  constexpr const char* kName = "batch_norm_backward";
  Input g(kName, "grad_output", grad_output);
  Input x(kName, "x", x_);
  const Sizes s(kName, x, 4);
  g.expect_same_dtype(x);
  g.expect_shape(x.shape(), x.nd());
  const bool training = read_bool(kName, "training", training_);
  const Running running(kName, running_mean, running_var, x, s, training, false);
  const Optional weight(kName, "weight", weight_, x, s.channels, 1);
  const double eps = read_eps(kName, eps_);
  expect_values(kName, s, training);
  const Gradients out(x, s.channels, 1);
  g.make_contiguous();
  x.make_contiguous();
  char *gx = array_data(out.gx), *gw = array_data(out.gweight), *gb = array_data(out.gbias);
  run(static_cast<double>(x.size()), [&] {
    return nnf_batch_norm_backward(x.dtype(), s.n, s.c, s.inner, g.data(), x.data(), weight.data(), running.mean_data,
                                   running.var_data, training, eps, gx, gw, gb);
  });
  return out.tuple();
}

// ---------------------------------------------------------------- group_norm

i64 read_groups(const char* function, py::handle value, const Sizes& s) {
  const i64 groups = read_integer(function, "num_groups", value);
  if (groups < 1 || s.c % groups != 0) {
    fail_value("%s: num_groups: expected a divisor of the %lld channels, got %lld", function,
               static_cast<long long>(s.c), static_cast<long long>(groups));
  }
  return groups;
}

py::object group_norm(py::handle x_, py::handle num_groups, py::handle weight_, py::handle bias_, py::handle eps_,
                      py::handle out) {
  constexpr const char* kName = "group_norm";
  Input x(kName, "x", x_);
  const Sizes s(kName, x, 5);
  const Optional weight(kName, "weight", weight_, x, s.channels, 1), bias(kName, "bias", bias_, x, s.channels, 1);
  const i64 groups = read_groups(kName, num_groups, s);
  const double eps = read_eps(kName, eps_);
  py::object y =
      get_or_make(kName, out, x.dtype(), x.shape(), x.nd(), {&x, weight.or_else(&x), bias.or_else(&x)}, &x);
  x.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(x.size()), [&] {
    return nnf_group_norm(x.dtype(), s.n, s.c, s.inner, groups, x.data(), weight.data(), bias.data(), eps, to);
  });
  return y;
}

py::object group_norm_backward(py::handle grad_output, py::handle x_, py::handle num_groups, py::handle weight_,
                               py::handle eps_) {
  constexpr const char* kName = "group_norm_backward";
  Input g(kName, "grad_output", grad_output);
  Input x(kName, "x", x_);
  const Sizes s(kName, x, 5);
  g.expect_same_dtype(x);
  g.expect_shape(x.shape(), x.nd());
  const Optional weight(kName, "weight", weight_, x, s.channels, 1);
  const i64 groups = read_groups(kName, num_groups, s);
  const double eps = read_eps(kName, eps_);
  const Gradients out(x, s.channels, 1);
  g.make_contiguous();
  x.make_contiguous();
  char *gx = array_data(out.gx), *gw = array_data(out.gweight), *gb = array_data(out.gbias);
  run(static_cast<double>(x.size()), [&] {
    return nnf_group_norm_backward(x.dtype(), s.n, s.c, s.inner, groups, g.data(), x.data(), weight.data(), eps, gx, gw,
                                   gb);
  });
  return out.tuple();
}

// ---------------------------------------------------------------- layer_norm

// x's last dimensions, which must be normalized_shape.
struct Rows {
  Rows(const char* function, const Input& x, py::handle normalized_shape) {
    if (!PyTuple_Check(normalized_shape.ptr()) && !PyList_Check(normalized_shape.ptr())) {
      fail_type("%s: normalized_shape: expected a tuple of integers, got %s", function,
                Py_TYPE(normalized_shape.ptr())->tp_name);
    }
    nd = static_cast<int>(PySequence_Fast_GET_SIZE(normalized_shape.ptr()));
    if (nd < 1 || nd > kMaxDims) {
      fail_value("%s: normalized_shape: expected at least 1 dimension, got %d", function, nd);
    }
    i64 sizes[kMaxDims];
    read_integers(function, "normalized_shape", normalized_shape, nd, sizes);
    for (int i = 0; i < nd; ++i) {
      if (sizes[i] < 0) {
        fail_value("%s: normalized_shape: expected sizes of at least 0, got %lld", function,
                   static_cast<long long>(sizes[i]));
      }
      shape[i] = static_cast<py::ssize_t>(sizes[i]);
    }
    bool same = x.nd() >= nd;
    for (int i = 0; same && i < nd; ++i) same = x.shape()[x.nd() - nd + i] == shape[i];
    if (!same) {
      fail_value("%s: x: expected the last dimensions %s (normalized_shape), got shape %s", function,
                 shape_text(shape, nd).c_str(), shape_text(x.shape(), x.nd()).c_str());
    }
    len = product(shape, nd);
    rows = product(x.shape(), x.nd() - nd);
  }
  py::ssize_t shape[kMaxDims];
  int nd;
  i64 rows, len;
};

py::object layer_norm(py::handle x_, py::handle normalized_shape, py::handle weight_, py::handle bias_,
                      py::handle eps_, py::handle out) {
  constexpr const char* kName = "layer_norm";
  Input x(kName, "x", x_);
  const Rows r(kName, x, normalized_shape);
  const Optional weight(kName, "weight", weight_, x, r.shape, r.nd), bias(kName, "bias", bias_, x, r.shape, r.nd);
  const double eps = read_eps(kName, eps_);
  py::object y =
      get_or_make(kName, out, x.dtype(), x.shape(), x.nd(), {&x, weight.or_else(&x), bias.or_else(&x)}, &x);
  x.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(x.size()), [&] {
    return nnf_layer_norm(x.dtype(), r.rows, r.len, x.data(), weight.data(), bias.data(), eps, to);
  });
  return y;
}

py::object layer_norm_backward(py::handle grad_output, py::handle x_, py::handle normalized_shape, py::handle weight_,
                               py::handle eps_) {
  constexpr const char* kName = "layer_norm_backward";
  Input g(kName, "grad_output", grad_output);
  Input x(kName, "x", x_);
  const Rows r(kName, x, normalized_shape);
  g.expect_same_dtype(x);
  g.expect_shape(x.shape(), x.nd());
  const Optional weight(kName, "weight", weight_, x, r.shape, r.nd);
  const double eps = read_eps(kName, eps_);
  const Gradients out(x, r.shape, r.nd);
  g.make_contiguous();
  x.make_contiguous();
  char *gx = array_data(out.gx), *gw = array_data(out.gweight), *gb = array_data(out.gbias);
  run(static_cast<double>(x.size()), [&] {
    return nnf_layer_norm_backward(x.dtype(), r.rows, r.len, g.data(), x.data(), weight.data(), eps, gx, gw, gb);
  });
  return out.tuple();
}

}  // namespace

void init_norm(py::module_& m) {
  const auto none = py::none();
  m.def("batch_norm", &batch_norm, py::arg("x"), py::arg("running_mean"), py::arg("running_var"),
        py::arg("weight") = none, py::arg("bias") = none, py::arg("training") = false, py::arg("momentum") = 0.1,
        py::arg("eps") = 1e-5, py::arg("out") = none);
  m.def("batch_norm_backward", &batch_norm_backward, py::arg("grad_output"), py::arg("x"), py::arg("running_mean"),
        py::arg("running_var"), py::arg("weight") = none, py::arg("training") = false, py::arg("eps") = 1e-5);
  m.def("group_norm", &group_norm, py::arg("x"), py::arg("num_groups"), py::arg("weight") = none,
        py::arg("bias") = none, py::arg("eps") = 1e-5, py::arg("out") = none);
  m.def("group_norm_backward", &group_norm_backward, py::arg("grad_output"), py::arg("x"), py::arg("num_groups"),
        py::arg("weight") = none, py::arg("eps") = 1e-5);
  m.def("layer_norm", &layer_norm, py::arg("x"), py::arg("normalized_shape"), py::arg("weight") = none,
        py::arg("bias") = none, py::arg("eps") = 1e-5, py::arg("out") = none);
  m.def("layer_norm_backward", &layer_norm_backward, py::arg("grad_output"), py::arg("x"), py::arg("normalized_shape"),
        py::arg("weight") = none, py::arg("eps") = 1e-5);
}

}  // namespace nnf::bindings
