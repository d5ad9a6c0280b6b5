// Bindings of embedding and its gradient.
#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

struct Table {
  Table(const char* function, const Input& weight, const Labels& indices, py::handle padding_idx) {
    weight.expect_nd(2, "(rows, dim)");
    rows = weight.dim(0);
    dim = weight.dim(1);
    count = indices.size();
    nd = indices.nd() + 1;
    if (nd > kMaxDims) fail_value("%s: indices: expected at most %d dimensions", function, kMaxDims - 1);
    for (int i = 0; i < indices.nd(); ++i) shape[i] = indices.shape()[i];
    shape[nd - 1] = weight.shape()[1];
    if (!padding_idx.is_none()) {
      padding = read_integer(function, "padding_idx", padding_idx);
      if (padding < -rows || padding >= rows) {
        fail_value("%s: padding_idx: expected %lld..%lld, got %lld", function, static_cast<long long>(-rows),
                   static_cast<long long>(rows - 1), static_cast<long long>(padding));
      }
      if (padding < 0) padding += rows;
    }
  }
  i64 rows, dim, count, padding = -1;
  py::ssize_t shape[kMaxDims + 1];  // of the result
  int nd;
};

py::object embedding(py::handle indices_, py::handle weight_, py::handle padding_idx, py::handle out) {
  constexpr const char* kName = "embedding";
  const Labels indices(kName, "indices", indices_);
  Input weight(kName, "weight", weight_);
  const Table t(kName, weight, indices, padding_idx);
  py::object y = get_or_make(kName, out, weight.dtype(), t.shape, t.nd, {&weight});
  weight.make_contiguous();
  char* to = array_data(y);
  run(static_cast<double>(t.count * t.dim), [&] {
    return nnf_embedding(weight.dtype(), t.count, t.rows, t.dim, indices.data(), weight.data(), to);
  });
  return y;
}

py::object embedding_backward(py::handle grad_output, py::handle indices_, py::handle weight_, py::handle padding_idx) {
  constexpr const char* kName = "embedding_backward";
  Input g(kName, "grad_output", grad_output);
  const Labels indices(kName, "indices", indices_);
  const Input weight(kName, "weight", weight_);
  g.expect_same_dtype(weight);
  const Table t(kName, weight, indices, padding_idx);
  g.expect_shape(t.shape, t.nd);
  py::object gweight = new_array(weight.dtype(), weight.shape(), 2);
  g.make_contiguous();
  char* to = array_data(gweight);
  run(static_cast<double>(t.count * t.dim + t.rows * t.dim), [&] {
    return nnf_embedding_backward(g.dtype(), t.count, t.rows, t.dim, indices.data(), t.padding, g.data(), to);
  });
  return gweight;
}

}  // namespace

void init_embedding(py::module_& m) {
  m.def("embedding", &embedding, py::arg("indices"), py::arg("weight"), py::arg("padding_idx") = py::none(),
        py::arg("out") = py::none());
  m.def("embedding_backward", &embedding_backward, py::arg("grad_output"), py::arg("indices"), py::arg("weight"),
        py::arg("padding_idx") = py::none());
}

}  // namespace nnf::bindings
