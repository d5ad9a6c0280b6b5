// Matrices in compressed sparse rows as SciPy has them, or anything with the same attributes: nnf_csr views of theirs.
//
// What this is: what kind of object it is, dtypes and lengths. What it is not: a look into indptr and indices, which is
// the core's.
#ifndef NNF_BINDINGS_CSR_H
#define NNF_BINDINGS_CSR_H

#include "bindings/checks.h"

namespace nnf::bindings {

// Whether an object is to be taken for a sparse matrix: arrays are not, and SciPy's other formats are, to be refused.
inline bool is_sparse(py::handle value) {
  if (is_array(value.ptr()) || PyList_Check(value.ptr()) || PyTuple_Check(value.ptr())) return false;
  return py::hasattr(value, "indptr") || (py::hasattr(value, "nnz") && py::hasattr(value, "tocsr"));
}

// Integers to read as they are, int32 or int64; any other integer dtype is converted.
class Indices {
 public:
  Indices(const char* function, const char* name, py::handle value);
  const void* data() const { return data_; }
  int item() const { return item_; }  // bytes
  i64 size() const { return size_; }

 private:
  py::object owned_;
  const void* data_ = nullptr;
  int item_ = 8;
  i64 size_ = 0;
};

// x.data, x.indices, x.indptr, x.shape, and x.format where there is one. Numbers other than floats become float64.
class Csr {
 public:
  Csr(const char* function, const char* name, py::handle value);

  const nnf_csr* matrix() const { return &matrix_; }
  const Input& data() const { return data_; }
  nnf_dtype dtype() const { return data_.dtype(); }
  i64 rows() const { return matrix_.rows; }
  i64 columns() const { return matrix_.columns; }
  i64 stored() const { return matrix_.stored; }
  // `out`, dense, must not lie over the numbers or their places.
  void expect_apart(const py::object& out, const char* what) const;

 private:
  const char *function_, *name_;
  Input data_;
  Indices indices_, indptr_;
  nnf_csr matrix_{};
};

}  // namespace nnf::bindings

#endif  // NNF_BINDINGS_CSR_H
