// The arrays of Model's calls: x, y and sample weights, results, and totals; lists of them where a network has several
// inputs or outputs.
//
// What this is: checks, and the pointers that the C interface takes. What it is not: the calls (network.cpp).
#ifndef NNF_BINDINGS_NETWORK_ARRAYS_H
#define NNF_BINDINGS_NETWORK_ARRAYS_H

#include <memory>
#include <vector>

#include "bindings/csr.h"
#include "bindings/samples.h"

namespace nnf::bindings {

struct Totals : nnf_totals {
  Totals() : nnf_totals{} {}
};

inline int batch_shape(const Shape& sample, i64 rows, py::ssize_t* shape) {
  shape[0] = static_cast<py::ssize_t>(rows);
  for (int i = 0; i < sample.nd; ++i) shape[i + 1] = static_cast<py::ssize_t>(sample.dims[i]);
  return sample.nd + 1;
}

// The items of a list of `count`, `value` itself when that is 1.
inline std::vector<py::handle> items_of(const char* function, const char* name, py::handle value, std::size_t count,
                                        const char* what) {
  if (count == 1) return {value};
  const bool list = PyList_Check(value.ptr()) || PyTuple_Check(value.ptr());
  if (!list || static_cast<std::size_t>(PySequence_Fast_GET_SIZE(value.ptr())) != count) {
    fail_type("%s: %s: expected a list of %zu %s", function, name, count, what);
  }
  std::vector<py::handle> items;
  for (std::size_t i = 0; i < count; ++i) {
    items.emplace_back(PySequence_Fast_GET_ITEM(value.ptr(), static_cast<py::ssize_t>(i)));
  }
  return items;
}

// x of a call: one array or sparse matrix, or a list of arrays for a network with several inputs.
struct Inputs {
  std::vector<std::unique_ptr<Samples>> arrays;
  std::unique_ptr<Csr> matrix;  // then there are no arrays
  std::vector<nnf_source> sources;
  i64 rows = 0;

  Inputs(const std::vector<Shape>& shapes, const char* function, py::handle x) {
    if (shapes.size() == 1 && is_sparse(x)) {
      add_matrix(function, x, shapes[0]);
      return;
    }
    const std::vector<py::handle> given = items_of(function, "x", x, shapes.size(), "arrays, one an input");
    for (std::size_t i = 0; i < shapes.size(); ++i) add(function, given[i], shapes[i]);
    rows = arrays[0]->rows();
    for (const auto& a : arrays) {
      if (a->rows() != rows) {
        fail_value("%s: x: expected arrays of the same number of samples, got %lld and %lld", function,
                   static_cast<long long>(rows), static_cast<long long>(a->rows()));
      }
    }
  }
  void expect_apart(const py::object& out) const {
    if (matrix) matrix->expect_apart(out, "out");
    for (const auto& a : arrays) a->expect_apart(out);
  }

 private:
  void add_matrix(const char* function, py::handle x, const Shape& shape) {
    matrix = std::make_unique<Csr>(function, "x", x);
    if (matrix->columns() != shape.size()) {
      fail_value("%s: x: expected samples of %lld numbers %s, got a matrix of %lld columns", function,
                 static_cast<long long>(shape.size()), shape.text().c_str(),
                 static_cast<long long>(matrix->columns()));
    }
    rows = matrix->rows();
    nnf_source source{};
    source.data = matrix->matrix();
    source.type = NNF_SRC_CSR;
    source.rows = rows;
    source.row_size = matrix->columns();
    sources.push_back(source);
  }
  void add(const char* function, py::handle x, const Shape& shape) {
    arrays.push_back(std::make_unique<Samples>(function, "x", x));
    arrays.back()->expect_samples(shape);
    sources.push_back(arrays.back()->source());
  }
};

// y of a call, and the samples' weights: an array of numbers, one a sample, for all outputs, or a list of one an output
// in which None stands for none.
struct Targets {
  std::vector<std::unique_ptr<Samples>> arrays, weight_arrays;
  std::vector<nnf_source> sources, weight_sources;

  // losses: nnf_loss of each output, -1: not set.
  Targets(const std::vector<Shape>& shapes, const std::vector<int>& losses, const char* function, const Inputs& x,
          py::handle y, py::handle sample_weight) {
    const std::vector<py::handle> given = items_of(function, "y", y, shapes.size(), "arrays, one an output");
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      arrays.push_back(std::make_unique<Samples>(function, "y", given[i]));
      check_targets(function, x, *arrays.back(), shapes[i], losses[i]);
      sources.push_back(arrays.back()->source());
    }
    if (sample_weight.is_none()) return;
    const bool list = PyList_Check(sample_weight.ptr()) || PyTuple_Check(sample_weight.ptr());
    std::vector<py::handle> weights(shapes.size(), sample_weight);
    if (list) weights = items_of(function, "sample_weight", sample_weight, shapes.size(), "arrays, one an output");
    for (py::handle weight : weights) {
      weight_sources.emplace_back();
      if (weight.is_none()) continue;
      weight_arrays.push_back(std::make_unique<Samples>(function, "sample_weight", weight));
      const Samples& w = *weight_arrays.back();
      w.expect_samples(Shape{});
      if (w.rows() != x.rows) {
        fail_value("%s: sample_weight: expected %lld numbers, as many as x has samples, got %lld", function,
                   static_cast<long long>(x.rows), static_cast<long long>(w.rows()));
      }
      weight_sources.back() = w.source();
    }
  }
  const nnf_source* weights() const { return weight_sources.empty() ? nullptr : weight_sources.data(); }

 private:
  static void check_targets(const char* function, const Inputs& x, const Samples& y, const Shape& shape, int loss) {
    if (loss < 0) fail_value("%s: expected a call of set_loss before it, got none", function);
    if (y.rows() != x.rows) {
      fail_value("%s: y: expected %lld samples, as many as x has, got %lld", function,
                 static_cast<long long>(x.rows), static_cast<long long>(y.rows()));
    }
    const bool labels = loss == NNF_LOSS_NLL || (loss == NNF_LOSS_CROSS_ENTROPY && y.nd() == 1);
    if (!labels) {
      y.expect_samples(shape);
      return;
    }
    if (!y.is_integer()) {
      fail_type("%s: y: expected integer class labels for %s, got floats", function,
                nnf_loss_name(static_cast<nnf_loss>(loss)));
    }
    if (y.source().row_size != 1) y.expect_samples(Shape{});
  }
};

// Whether an array is floats (n, *shape) that the engine reads as they are: the short way of calls of few samples,
// which leaves every conversion and every error to the long one.
inline bool reads_as_is(PyObject* object, const Shape& shape, nnf_source* source) {
  if (Py_TYPE(object) != array_type) return false;
  const ArrayFields f(object);
  const int type = f.type_num();
  if ((type != Npy::NPY_FLOAT_ && type != Npy::NPY_DOUBLE_) || !f.native() || f.nd() != shape.nd + 1 ||
      !f.has(Npy::NPY_ARRAY_C_CONTIGUOUS_ | Npy::NPY_ARRAY_ALIGNED_)) {
    return false;
  }
  for (int i = 0; i < shape.nd; ++i) {
    if (f.shape()[i + 1] != shape.dims[i]) return false;
  }
  source->data = f.data();
  source->type = type == Npy::NPY_FLOAT_ ? NNF_SRC_F32 : NNF_SRC_F64;
  source->rows = f.shape()[0];
  source->row_size = source->row_stride = shape.size();
  return true;
}

// The same for class labels (n,): int64, dense, each in 0..classes-1.
inline bool labels_read_as_is(PyObject* object, i64 classes, nnf_source* source) {
  if (Py_TYPE(object) != array_type) return false;
  const ArrayFields f(object);
  const int type = f.type_num();
  const bool wide = type == Npy::NPY_LONGLONG_ || (sizeof(long) == 8 && type == Npy::NPY_LONG_);
  if (!wide || !f.native() || f.nd() != 1) return false;
  if (!f.has(Npy::NPY_ARRAY_C_CONTIGUOUS_ | Npy::NPY_ARRAY_ALIGNED_)) return false;
  const i64* labels = reinterpret_cast<const i64*>(f.data());
  bool inside = true;
  for (i64 i = 0; i < f.shape()[0]; ++i) {
    inside &= static_cast<std::uint64_t>(labels[i]) < static_cast<std::uint64_t>(classes);
  }
  source->data = f.data();
  source->type = NNF_SRC_I64;
  source->rows = f.shape()[0];
  source->row_size = source->row_stride = 1;
  return inside;
}

// totals of a call: one Totals, or a list of them for several outputs, the penalties' at its end.
struct Sums {
  std::vector<Totals*> given;
  std::vector<nnf_totals> values;

  Sums(std::size_t outputs, const char* function, py::handle totals) {
    const std::size_t count = outputs > 1 ? outputs + 1 : 1;
    for (py::handle item : items_of(function, "totals", totals, count, "Totals, one an output and one for penalties")) {
      if (!py::isinstance<Totals>(item)) {
        fail_type("%s: totals: expected Totals, got %s", function, Py_TYPE(item.ptr())->tp_name);
      }
      given.push_back(&item.cast<Totals&>());
      values.push_back(*given.back());
    }
  }
  void give_back() const {
    for (std::size_t i = 0; i < given.size(); ++i) static_cast<nnf_totals&>(*given[i]) = values[i];
  }
};

// Gives them back at the end, also of a call that raises.
struct GiveBack {
  const Sums& sums;
  ~GiveBack() { sums.give_back(); }
};

// The result of a call: an array, or a list of them for a network with several outputs.
struct Outputs {
  std::vector<py::object> arrays;
  std::vector<i64> row_bytes;

  Outputs(const std::vector<Shape>& shapes, nnf_dtype dtype, const char* function, const Inputs& x, py::handle out) {
    std::vector<py::handle> given(shapes.size(), out);
    if (!out.is_none()) given = items_of(function, "out", out, shapes.size(), "arrays, one an output");
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      py::ssize_t shape[9];
      const int nd = batch_shape(shapes[i], x.rows, shape);
      arrays.push_back(get_or_make(function, given[i], dtype, shape, nd, {}));
      x.expect_apart(arrays.back());
      row_bytes.push_back(shapes[i].size() * item_size(dtype));
    }
  }
  std::vector<void*> rows_from(i64 first) const {
    std::vector<void*> to;
    for (std::size_t i = 0; i < arrays.size(); ++i) to.push_back(array_data(arrays[i]) + first * row_bytes[i]);
    return to;
  }
  py::object result() const {
    if (arrays.size() == 1) return arrays[0];
    py::list list;
    for (const py::object& array : arrays) list.append(array);
    return list;
  }
};

}  // namespace nnf::bindings

#endif  // NNF_BINDINGS_NETWORK_ARRAYS_H
