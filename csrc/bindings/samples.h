// Arrays of samples as the engine reads them: nnf_source views of NumPy arrays of many dtypes.
//
// What this is: the checks of x and y in the calls of Model. What it is not: a conversion of whole data sets; the
// engine converts batch by batch, and only samples that are not dense are copied here.
#ifndef NNF_BINDINGS_SAMPLES_H
#define NNF_BINDINGS_SAMPLES_H

#include <string>

#include "bindings/checks.h"

namespace nnf::bindings {

// Of one sample.
struct Shape {
  int nd = 0;
  i64 dims[8] = {};
  i64 size() const {
    i64 n = 1;
    for (int i = 0; i < nd; ++i) n *= dims[i];
    return n;
  }
  std::string text() const {
    std::string s = "(n";
    for (int i = 0; i < nd; ++i) s += ", " + std::to_string(dims[i]);
    return s + (nd == 0 ? ",)" : ")");
  }
};

inline int source_type(int type) {
  switch (type) {
    case Npy::NPY_FLOAT_: return NNF_SRC_F32;
    case Npy::NPY_DOUBLE_: return NNF_SRC_F64;
    case kHalf: return NNF_SRC_F16;
    case Npy::NPY_BOOL_: return NNF_SRC_BOOL;
    case Npy::NPY_UBYTE_: return NNF_SRC_U8;
    case Npy::NPY_BYTE_: return NNF_SRC_I8;
    case Npy::NPY_SHORT_: return NNF_SRC_I16;
    case Npy::NPY_INT_: return NNF_SRC_I32;
    case Npy::NPY_USHORT_: return NNF_SRC_U16;
    case Npy::NPY_UINT_: return NNF_SRC_U32;
    case Npy::NPY_LONG_: return sizeof(long) == 8 ? NNF_SRC_I64 : NNF_SRC_I32;
    case Npy::NPY_LONGLONG_: return NNF_SRC_I64;
    case Npy::NPY_ULONG_: return sizeof(long) == 4 ? NNF_SRC_U32 : -1;
    default: return -1;
  }
}

// An array of samples, first dimension their number. Read as it lies when each sample is dense; other layouts are made
// dense by a copy.
class Samples {
 public:
  Samples(const char* function, const char* name, py::handle value) : function_(function), name_(name) {
    array_ = py::reinterpret_borrow<py::object>(value);
    if (!is_array(value.ptr())) array_ = from_any(value.ptr(), -1, 0);
    const int type = ArrayFields(array_.ptr()).type_num();
    const int source = source_type(type);
    if (source < 0) {
      fail_type("%s: %s: expected float16/32/64, int8/16/32/64, uint8/16/32 or bool, got dtype %s", function, name,
                py::str(array_.attr("dtype")).cast<std::string>().c_str());
    }
    if (ArrayFields(array_.ptr()).nd() < 1) {
      fail_value("%s: %s: expected an array of samples, got a single number", function, name);
    }
    if (!dense_rows()) array_ = from_any(array_.ptr(), type, kDense);
    const ArrayFields f(array_.ptr());
    item_ = array_.attr("itemsize").cast<i64>();
    if (f.shape()[0] > 1 && f.strides()[0] % item_ != 0) array_ = from_any(array_.ptr(), type, kDense | kCopy);
    const ArrayFields g(array_.ptr());
    nd_ = g.nd();
    shape_ = g.shape();
    source_.data = g.data();
    source_.type = static_cast<nnf_source_type>(source);
    source_.rows = shape_[0];
    source_.row_size = product(shape_ + 1, nd_ - 1);
    source_.row_stride = shape_[0] > 1 ? static_cast<i64>(g.strides()[0]) / item_ : source_.row_size;
  }

  const nnf_source& source() const { return source_; }
  i64 rows() const { return source_.rows; }
  int nd() const { return nd_; }
  bool is_integer() const {
    return source_.type != NNF_SRC_F32 && source_.type != NNF_SRC_F64 && source_.type != NNF_SRC_F16;
  }
  // One sample must hold as many numbers as `shape`.
  void expect_samples(const Shape& shape) const {
    if (source_.row_size == shape.size()) return;
    fail_value("%s: %s: expected shape %s, got %s", function_, name_, shape.text().c_str(),
               shape_text(shape_, nd_).c_str());
  }
  // `out`, dense, must not lie over the samples.
  void expect_apart(const py::object& out) const {
    const ArrayFields from(array_.ptr()), to(out.ptr());
    const Extent a = extent_of(from.data(), from.shape(), from.strides(), from.nd(), item_);
    const Extent b = extent_of(to.data(), to.shape(), to.strides(), to.nd(), 1);
    if (a.low < a.high && b.low < b.high && a.low < b.high && b.low < a.high) {
      fail_value("%s: out: expected memory apart from %s", function_, name_);
    }
  }

 private:
  static constexpr int kDense = Npy::NPY_ARRAY_C_CONTIGUOUS_ | Npy::NPY_ARRAY_ALIGNED_ | Npy::NPY_ARRAY_FORCECAST_;
  static constexpr int kCopy = 0x0020;  // NPY_ARRAY_ENSURECOPY

  bool dense_rows() const {
    const ArrayFields f(array_.ptr());
    if (!f.has(Npy::NPY_ARRAY_ALIGNED_) || !f.native()) return false;
    if (f.has(Npy::NPY_ARRAY_C_CONTIGUOUS_)) return true;
    if (f.nd() == 1) return true;
    i64 step = array_.attr("itemsize").cast<i64>();
    for (int i = f.nd() - 1; i >= 1; --i) {
      if (f.shape()[i] != 1 && f.strides()[i] != step) return false;
      step *= f.shape()[i];
    }
    return true;
  }
  py::object from_any(PyObject* object, int type, int flags) const {
    PyObject* descr = type < 0 ? nullptr : Npy::get().PyArray_DescrFromType_(type);
    PyObject* made = object == Py_None ? nullptr
                                       : Npy::get().PyArray_FromAny_(object, descr, 0, 0,
                                                                     flags | Npy::NPY_ARRAY_ENSUREARRAY_, nullptr);
    if (made == nullptr) {
      PyErr_Clear();
      fail_type("%s: %s: expected an array of numbers, got %s", function_, name_, Py_TYPE(object)->tp_name);
    }
    return py::reinterpret_steal<py::object>(made);
  }

  const char *function_, *name_;
  py::object array_;
  int nd_ = 0;
  i64 item_ = 0;  // bytes
  const py::ssize_t* shape_ = nullptr;
  nnf_source source_{};
};

}  // namespace nnf::bindings

#endif  // NNF_BINDINGS_SAMPLES_H
