// Matrices in compressed sparse rows; see csr.h.
#include "bindings/csr.h"

namespace nnf::bindings {
namespace {

py::object attribute(const char* function, const char* name, py::handle value, const char* of) {
  if (py::hasattr(value, "format")) {
    const auto format = py::str(value.attr("format")).cast<std::string>();
    if (format != "csr") {
      fail_type("%s: %s: expected a sparse matrix in compressed rows, got format %s: call its tocsr()", function, name,
                format.c_str());
    }
  }
  if (!py::hasattr(value, of)) {
    fail_type("%s: %s: expected a sparse matrix in compressed rows, with data, indices, indptr and shape; got %s "
              "without %s",
              function, name, Py_TYPE(value.ptr())->tp_name, of);
  }
  return value.attr(of);
}

}  // namespace

Indices::Indices(const char* function, const char* name, py::handle value) {
  if (!holds_integers(function, name, value, &owned_)) {
    fail_type("%s: %s: expected integers, got dtype %s", function, name,
              py::str(owned_.attr("dtype")).cast<std::string>().c_str());
  }
  const ArrayFields given(owned_.ptr());
  if (given.nd() != 1) fail_value("%s: %s: expected 1 dimension, got %d", function, name, given.nd());
  const i64 item = owned_.attr("itemsize").cast<i64>();
  const bool is_signed = owned_.attr("dtype").attr("kind").cast<std::string>() == "i";
  const bool as_is = is_signed && (item == 4 || item == 8) && given.native() &&
                     given.has(Npy::NPY_ARRAY_C_CONTIGUOUS_ | Npy::NPY_ARRAY_ALIGNED_);
  if (!as_is) owned_ = owned_.attr("astype")("int64", py::arg("order") = "C");
  const ArrayFields f(owned_.ptr());
  data_ = f.data();
  item_ = as_is ? static_cast<int>(item) : 8;
  size_ = f.shape()[0];
}

Csr::Csr(const char* function, const char* name, py::handle value)
    : function_(function),
      name_(name),
      data_(function, name, attribute(function, name, value, "data")),
      indices_(function, name, attribute(function, name, value, "indices")),
      indptr_(function, name, attribute(function, name, value, "indptr")) {
  const py::object shape = attribute(function, name, value, "shape");
  if (!PyTuple_Check(shape.ptr()) || PyTuple_GET_SIZE(shape.ptr()) != 2) {
    fail_value("%s: %s: expected a matrix of shape (rows, columns), got shape %s", function, name,
               py::str(shape).cast<std::string>().c_str());
  }
  i64 sizes[2];
  read_integers(function, name, shape, 2, sizes);
  data_.expect_nd(1, "of stored numbers");
  data_.make_contiguous();
  if (indices_.size() != data_.size()) {
    fail_value("%s: %s: indices: expected %lld, as many as data has, got %lld", function, name,
               static_cast<long long>(data_.size()), static_cast<long long>(indices_.size()));
  }
  if (sizes[0] < 0 || sizes[1] < 0 || indptr_.size() - 1 != sizes[0]) {
    fail_value("%s: %s: indptr: expected one more than %lld rows, got %lld", function, name,
               static_cast<long long>(sizes[0]), static_cast<long long>(indptr_.size()));
  }
  matrix_ = {data_.data(),     data_.dtype(), indices_.data(), indptr_.data(), indices_.item(),
             indptr_.item(), data_.size(),  sizes[0],        sizes[1]};
}

void Csr::expect_apart(const py::object& out, const char* what) const {
  const ArrayFields f(out.ptr());
  const Extent to = extent_of(f.data(), f.shape(), f.strides(), f.nd(), out.attr("itemsize").cast<i64>());
  const auto check = [&](const void* data, i64 bytes) {
    const auto low = reinterpret_cast<std::uintptr_t>(data);
    if (bytes > 0 && to.low < to.high && low < to.high && to.low < low + static_cast<std::uintptr_t>(bytes)) {
      fail_value("%s: %s: expected memory apart from %s", function_, what, name_);
    }
  };
  check(matrix_.data, stored() * item_size(dtype()));
  check(matrix_.indices, stored() * matrix_.indices_size);
  check(matrix_.indptr, (rows() + 1) * matrix_.indptr_size);
}

}  // namespace nnf::bindings
