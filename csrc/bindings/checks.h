// Argument checks of the Python module: the one place where Python objects become pointers, sizes and options.
//
// What this is: typed views of arrays, getting or making `out`, readers of numbers and names, the turning of a status
// into an exception, and the release of the GIL. Every message names the function and the argument.
// What this is not: anything that computes. Only the C interface is called, never the core's C++.
//
// A binding has one shape: views of its arguments, checks, `out`, run(), return. Nothing is written before run().
// The hot path (arrays that fit as they are) is inline and allocates nothing; all else is in checks.cpp.
#ifndef NNF_BINDINGS_CHECKS_H
#define NNF_BINDINGS_CHECKS_H

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <initializer_list>
#include <string>

#include "nnfast/nnfast.h"

namespace nnf::bindings {

namespace py = pybind11;
using i64 = std::int64_t;

// ---------------------------------------------------------------- errors

[[noreturn]] void fail_value(const char* format, ...) __attribute__((format(printf, 1, 2)));
[[noreturn]] void fail_type(const char* format, ...) __attribute__((format(printf, 1, 2)));
// Throws the exception that stands for a status other than NNF_OK, with nnf_last_error() as its message.
[[noreturn]] void raise(nnf_status status);

inline void check(nnf_status status) {
  if (status != NNF_OK) raise(status);
}

// The same for calls that serve several functions: the message's own function name gives way to `function`.
void check_as(const char* function, nnf_status status);

// Below this many elements (or multiply-adds) a call is shorter than giving the GIL away and taking it back.
constexpr double kReleaseWork = 4096;

// Calls `body`, which returns an nnf_status and must not touch Python, without the GIL where the work is worth it.
template <class F>
inline nnf_status release(double work, F&& body) {
  if (work < kReleaseWork) return body();
  PyThreadState* state = PyEval_SaveThread();
  const nnf_status status = body();
  PyEval_RestoreThread(state);
  return status;
}

// The same, with an exception where the status is an error.
template <class F>
inline void run(double work, F&& body) {
  check(release(work, body));
}

// ---------------------------------------------------------------- arrays

constexpr int kMaxDims = 64;  // NumPy's limit

// NumPy's own fields, read without calls.
struct ArrayFields {
  explicit ArrayFields(PyObject* array) : proxy(py::detail::array_proxy(array)) {}
  int nd() const { return proxy->nd; }
  const py::ssize_t* shape() const { return proxy->dimensions; }
  const py::ssize_t* strides() const { return proxy->strides; }
  char* data() const { return proxy->data; }
  bool has(int flags) const { return (proxy->flags & flags) == flags; }
  const py::detail::PyArrayDescr_Proxy* descr() const {
    return reinterpret_cast<const py::detail::PyArrayDescr_Proxy*>(proxy->descr);
  }
  int type_num() const { return descr()->type_num; }
  bool native() const { return descr()->byteorder == '=' || descr()->byteorder == '|'; }

  py::detail::PyArray_Proxy* proxy;
};

using Npy = py::detail::npy_api;
constexpr int kHalf = 23;  // NPY_HALF, which pybind11 does not name

// NumPy's ndarray type, set when the module is made.
extern PyTypeObject* array_type;

inline bool is_array(PyObject* object) {
  return Py_TYPE(object) == array_type || PyType_IsSubtype(Py_TYPE(object), array_type);
}

inline int type_number(nnf_dtype dtype) { return dtype == NNF_F32 ? Npy::NPY_FLOAT_ : Npy::NPY_DOUBLE_; }
inline i64 item_size(nnf_dtype dtype) { return dtype == NNF_F32 ? 4 : 8; }
inline const char* dtype_name(nnf_dtype dtype) { return dtype == NNF_F32 ? "float32" : "float64"; }

// "(3, 4)", as Python writes it.
std::string shape_text(const py::ssize_t* shape, int nd);

inline i64 product(const py::ssize_t* shape, int nd) {
  i64 n = 1;
  for (int i = 0; i < nd; ++i) n *= shape[i];
  return n;
}

// An array to read, float32 or float64. float16 becomes float32; sequences, scalars, integers and booleans become
// float64; swapped bytes and misaligned data are copied; complex, object, text, dates: TypeError. Strided views stay
// as they are until make_contiguous().
class Input {
 public:
  Input(const char* function, const char* name, py::handle value) : function_(function), name_(name) {
    PyObject* object = value.ptr();
    if (is_array(object)) {
      const ArrayFields f(object);
      const int type = f.type_num();
      if ((type == Npy::NPY_FLOAT_ || type == Npy::NPY_DOUBLE_) && f.has(Npy::NPY_ARRAY_ALIGNED_) && f.native()) {
        adopt(object);
        return;
      }
    }
    convert(object);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const char* function() const { return function_; }
  const char* name() const { return name_; }
  nnf_dtype dtype() const { return dtype_; }
  int nd() const { return nd_; }
  const py::ssize_t* shape() const { return shape_; }
  i64 dim(int i) const { return shape_[i]; }
  i64 size() const { return size_; }
  const char* data() const { return data_; }
  // In elements; of a dimension counted from the front.
  i64 stride(int i) const { return static_cast<i64>(strides_[i]) / item_size(dtype_); }
  const py::ssize_t* byte_strides() const { return strides_; }
  bool contiguous() const { return contiguous_; }
  PyObject* object() const { return object_; }

  // Dense and row-major from here on, by a copy where it is not.
  Input& make_contiguous() {
    if (!contiguous_) copy_contiguous();
    return *this;
  }
  // `what` describes the dimensions, as "(n, classes)".
  void expect_nd(int nd, const char* what) const {
    if (nd_ != nd) fail_nd(nd, what);
  }
  void expect_min_nd(int nd, const char* what) const {
    if (nd_ < nd) fail_nd(nd, what);
  }
  void expect_shape(const py::ssize_t* shape, int nd) const {
    bool same = nd == nd_;
    for (int i = 0; same && i < nd; ++i) same = shape[i] == shape_[i];
    if (!same) fail_shape(shape, nd);
  }
  void expect_shape(std::initializer_list<i64> shape) const;
  void expect_same_dtype(const Input& first) const {
    if (dtype_ != first.dtype_) fail_dtype(first);
  }

 private:
  void adopt(PyObject* array) {
    const ArrayFields f(array);
    object_ = array;
    dtype_ = f.type_num() == Npy::NPY_FLOAT_ ? NNF_F32 : NNF_F64;
    nd_ = f.nd();
    shape_ = f.shape();
    strides_ = f.strides();
    data_ = f.data();
    contiguous_ = f.has(Npy::NPY_ARRAY_C_CONTIGUOUS_);
    size_ = product(shape_, nd_);
  }
  void convert(PyObject* object);
  void copy_contiguous();
  [[noreturn]] void fail_nd(int nd, const char* what) const;
  [[noreturn]] void fail_shape(const py::ssize_t* shape, int nd) const;
  [[noreturn]] void fail_dtype(const Input& first) const;

  const char* function_;
  const char* name_;
  PyObject* object_ = nullptr;  // the caller's, or owned_
  py::object owned_;            // a converted or contiguous copy
  nnf_dtype dtype_ = NNF_F32;
  int nd_ = 0;
  bool contiguous_ = false;
  i64 size_ = 0;
  const py::ssize_t* shape_ = nullptr;
  const py::ssize_t* strides_ = nullptr;  // bytes
  const char* data_ = nullptr;
};

// A float array that may be None.
struct OptionalInput {
  std::optional<Input> input;

  OptionalInput(const char* function, const char* name, py::handle value, const Input& like) {
    if (value.is_none()) return;
    input.emplace(function, name, value);
    input->expect_same_dtype(like);
  }
  const char* data() {
    if (!input) return nullptr;
    return input->make_contiguous().data();
  }
};

// Integers to read as dense int64: class labels, orders. Any integer dtype but bool; floats: TypeError.
class Labels {
 public:
  Labels(const char* function, const char* name, py::handle value);
  const i64* data() const { return data_; }
  int nd() const { return nd_; }
  const py::ssize_t* shape() const { return shape_; }
  i64 size() const { return product(shape_, nd_); }

 private:
  py::object owned_;
  const i64* data_;
  int nd_;
  const py::ssize_t* shape_;
};

// Whether `value`, made an array where it is none, holds integers (not booleans); the array is left in *array.
bool holds_integers(const char* function, const char* name, py::handle value, py::object* array);

// A new C-contiguous array.
py::object new_array(nnf_dtype dtype, const py::ssize_t* shape, int nd);
inline char* array_data(const py::object& array) { return py::detail::array_proxy(array.ptr())->data; }
// A 0-dimensional array as the NumPy scalar it holds.
py::object as_scalar(const py::object& array);

void check_out(const char* function, py::handle out, nnf_dtype dtype, const py::ssize_t* shape, int nd,
               std::initializer_list<const Input*> inputs, const Input* in_place);

// `out` checked (exact dtype and shape, C-contiguous, writable, no memory shared with `inputs`), or a new array when it
// is None. `in_place`: the one input whose very memory `out` may be.
inline py::object get_or_make(const char* function, py::handle out, nnf_dtype dtype, const py::ssize_t* shape, int nd,
                              std::initializer_list<const Input*> inputs, const Input* in_place = nullptr) {
  if (out.is_none()) return new_array(dtype, shape, nd);
  check_out(function, out, dtype, shape, nd, inputs, in_place);
  return py::reinterpret_borrow<py::object>(out);
}

// What the gradient of a function on arrays of x's shape reads: grad_output, x, and perhaps the output, which saves
// computing it again. make_result() checks `out`, or makes it, and then asks for dense copies of what will be read.
struct GradientFromOutput {
  Input g, x;
  std::optional<Input> output;

  GradientFromOutput(const char* function, py::handle grad_output, py::handle x_, py::handle output_)
      : g(function, "grad_output", grad_output), x(function, "x", x_) {
    if (!output_.is_none()) output.emplace(function, "output", output_);
    for (Input* other : {&g, output ? &*output : &g}) {
      other->expect_same_dtype(x);
      other->expect_shape(x.shape(), x.nd());
    }
  }
  py::object make_result(const char* function, py::handle out) {
    Input& from = output ? *output : x;
    py::object result = get_or_make(function, out, x.dtype(), x.shape(), x.nd(), {&g, &x, &from}, &g);
    g.make_contiguous();
    from.make_contiguous();
    return result;
  }
  const char* given() const { return output ? output->data() : nullptr; }
};

// An array that a function changes in place: exactly float32 or float64, C-contiguous, writable. `index`: its place in
// a list of arrays, or -1.
struct InOut {
  InOut(const char* function, const char* name, int index, py::handle value);
  char* data;
  nnf_dtype dtype;
  int nd;
  const py::ssize_t* shape;
  i64 size;
};

// The bytes between the first and the last element; empty when the array is.
struct Extent {
  std::uintptr_t low, high;
};
Extent extent_of(const char* data, const py::ssize_t* shape, const py::ssize_t* strides, int nd, i64 item);

// ---------------------------------------------------------------- numbers, names, pairs

double read_double(const char* function, const char* name, py::handle value);
i64 read_integer(const char* function, const char* name, py::handle value);
std::uint64_t read_unsigned(const char* function, const char* name, py::handle value, std::uint64_t max);
bool read_bool(const char* function, const char* name, py::handle value);
// `count` integers from a tuple or list.
void read_integers(const char* function, const char* name, py::handle value, int count, i64* out);
// The index of a text among `choices`, which the message lists.
int read_choice(const char* function, const char* name, py::handle value, const char* const* choices, int count);

nnf_reduction read_reduction(const char* function, py::handle value);

// value >= 0 and finite; 0 <= value < 1.
double read_non_negative(const char* function, const char* name, py::handle value);
double read_below_one(const char* function, const char* name, py::handle value);

// ---------------------------------------------------------------- the module's parts

void init_config(py::module_& m);
void init_dense(py::module_& m);
void init_sparse(py::module_& m);
void init_elementwise(py::module_& m);
void init_softmax(py::module_& m);
void init_norm(py::module_& m);
void init_embedding(py::module_& m);
void init_loss(py::module_& m);
void init_conv(py::module_& m);
void init_pool(py::module_& m);
void init_resize(py::module_& m);
void init_reshape(py::module_& m);
void init_conv_transpose(py::module_& m);
void init_optim(py::module_& m);
void init_network(py::module_& m);

}  // namespace nnf::bindings

#endif  // NNF_BINDINGS_CHECKS_H
