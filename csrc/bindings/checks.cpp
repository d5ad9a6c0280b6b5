// The cold half of checks.h: conversions, and the words of every error.
#include "bindings/checks.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace nnf::bindings {

PyTypeObject* array_type = nullptr;

namespace {

std::string format_message(const char* format, va_list args) {
  va_list again;
  va_copy(again, args);
  const int n = std::vsnprintf(nullptr, 0, format, args);
  std::string text(static_cast<std::size_t>(n > 0 ? n : 0), '\0');
  std::vsnprintf(text.data(), text.size() + 1, format, again);
  va_end(again);
  return text;
}

std::string dtype_text(PyObject* array) {
  return py::str(py::handle(py::detail::array_proxy(array)->descr)).cast<std::string>();
}

std::string label(const char* function, const char* name, int index) {
  std::string s = std::string(function) + ": " + name;
  if (index >= 0) s += "[" + std::to_string(index) + "]";
  return s;
}

// NumPy's array of anything; a TypeError naming the argument where there is none (ragged sequences among them).
py::object to_array(const char* function, const char* name, PyObject* object) {
  if (object == Py_None) fail_type("%s: %s: expected an array, got None", function, name);
  PyObject* array = Npy::get().PyArray_FromAny_(object, nullptr, 0, 0, Npy::NPY_ARRAY_ENSUREARRAY_, nullptr);
  if (array == nullptr) {
    PyErr_Clear();
    fail_type("%s: %s: expected an array of numbers, got %s", function, name, Py_TYPE(object)->tp_name);
  }
  return py::reinterpret_steal<py::object>(array);
}

// A dense, aligned copy of `array` in native bytes; itself where it is that already.
py::object cast_array(PyObject* array, int type) {
  PyObject* descr = Npy::get().PyArray_DescrFromType_(type);
  constexpr int kFlags = Npy::NPY_ARRAY_C_CONTIGUOUS_ | Npy::NPY_ARRAY_ALIGNED_ | Npy::NPY_ARRAY_FORCECAST_;
  PyObject* copy = Npy::get().PyArray_FromAny_(array, descr, 0, 0, kFlags, nullptr);  // takes descr
  if (copy == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(copy);
}

bool is_integer_type(int type) { return type >= Npy::NPY_BYTE_ && type <= Npy::NPY_ULONGLONG_; }

// A Python integer; booleans are a mistake where a number is asked for.
py::object as_integer(const char* function, const char* name, py::handle value) {
  PyObject* index = PyBool_Check(value.ptr()) ? nullptr : PyNumber_Index(value.ptr());
  if (index == nullptr) {
    PyErr_Clear();
    fail_type("%s: %s: expected an integer, got %s", function, name, Py_TYPE(value.ptr())->tp_name);
  }
  return py::reinterpret_steal<py::object>(index);
}

}  // namespace

std::string shape_text(const py::ssize_t* shape, int nd) {
  std::string s = "(";
  for (int i = 0; i < nd; ++i) {
    if (i) s += ", ";
    s += std::to_string(shape[i]);
  }
  return s + (nd == 1 ? ",)" : ")");
}

void fail_value(const char* format, ...) {
  va_list args;
  va_start(args, format);
  std::string text = format_message(format, args);
  va_end(args);
  throw py::value_error(text);
}

void fail_type(const char* format, ...) {
  va_list args;
  va_start(args, format);
  std::string text = format_message(format, args);
  va_end(args);
  throw py::type_error(text);
}

namespace {

PyObject* exception_of(nnf_status status) {
  PyObject* type = PyExc_RuntimeError;
  switch (status) {
    case NNF_INVALID_VALUE: type = PyExc_ValueError; break;
    case NNF_INVALID_TYPE: type = PyExc_TypeError; break;
    case NNF_OUT_OF_MEMORY: type = PyExc_MemoryError; break;
    case NNF_NON_FINITE: type = PyExc_FloatingPointError; break;
    case NNF_OK:
    case NNF_INTERNAL: break;
  }
  return type;
}

}  // namespace

void raise(nnf_status status) {
  PyErr_SetString(exception_of(status), nnf_last_error());
  throw py::error_already_set();
}

void check_as(const char* function, nnf_status status) {
  if (status == NNF_OK) return;
  const char* message = nnf_last_error();
  const char* colon = std::strchr(message, ':');
  PyErr_Format(exception_of(status), "%s%s%s", function, colon == nullptr ? ": " : "",
               colon == nullptr ? message : colon);
  throw py::error_already_set();
}

// ---------------------------------------------------------------- arrays

void Input::convert(PyObject* object) {
  py::object array = is_array(object) ? py::reinterpret_borrow<py::object>(object) : to_array(function_, name_, object);
  const int type = ArrayFields(array.ptr()).type_num();
  int target;
  if (type == Npy::NPY_FLOAT_ || type == kHalf) {
    target = Npy::NPY_FLOAT_;
  } else if (type == Npy::NPY_DOUBLE_ || type == Npy::NPY_BOOL_ || is_integer_type(type)) {
    target = Npy::NPY_DOUBLE_;
  } else {
    fail_type("%s: %s: expected float32 or float64 (float16, integers and booleans are converted), got dtype %s",
              function_, name_, dtype_text(array.ptr()).c_str());
  }
  owned_ = cast_array(array.ptr(), target);
  adopt(owned_.ptr());
}

void Input::copy_contiguous() {
  owned_ = cast_array(object_, type_number(dtype_));
  adopt(owned_.ptr());
}

void Input::expect_shape(std::initializer_list<i64> shape) const {
  py::ssize_t dims[kMaxDims];
  int nd = 0;
  for (i64 d : shape) dims[nd++] = static_cast<py::ssize_t>(d);
  expect_shape(dims, nd);
}

void Input::fail_nd(int nd, const char* what) const {
  fail_value("%s: %s: expected %d dimension%s %s, got shape %s", function_, name_, nd, nd == 1 ? "" : "s", what,
             shape_text(shape_, nd_).c_str());
}

void Input::fail_shape(const py::ssize_t* shape, int nd) const {
  fail_value("%s: %s: expected shape %s, got %s", function_, name_, shape_text(shape, nd).c_str(),
             shape_text(shape_, nd_).c_str());
}

void Input::fail_dtype(const Input& first) const {
  fail_type("%s: %s: expected the dtype of %s, %s, got %s", function_, name_, first.name_, dtype_name(first.dtype_),
            dtype_name(dtype_));
}

bool holds_integers(const char* function, const char* name, py::handle value, py::object* array) {
  *array = is_array(value.ptr()) ? py::reinterpret_borrow<py::object>(value) : to_array(function, name, value.ptr());
  return is_integer_type(ArrayFields(array->ptr()).type_num());
}

Labels::Labels(const char* function, const char* name, py::handle value) {
  py::object array;
  if (!holds_integers(function, name, value, &array)) {
    fail_type("%s: %s: expected integers, got dtype %s", function, name, dtype_text(array.ptr()).c_str());
  }
  owned_ = cast_array(array.ptr(), Npy::NPY_INT64_);
  const ArrayFields f(owned_.ptr());
  data_ = reinterpret_cast<const i64*>(f.data());
  nd_ = f.nd();
  shape_ = f.shape();
}

py::object new_array(nnf_dtype dtype, const py::ssize_t* shape, int nd) {
  const Npy& api = Npy::get();
  PyObject* descr = api.PyArray_DescrFromType_(type_number(dtype));
  PyObject* array = api.PyArray_NewFromDescr_(array_type, descr, nd, shape, nullptr, nullptr, 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

py::object as_scalar(const py::object& array) {
  PyObject* scalar = PyObject_GetItem(array.ptr(), py::tuple().ptr());
  if (scalar == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(scalar);
}

Extent extent_of(const char* data, const py::ssize_t* shape, const py::ssize_t* strides, int nd, i64 item) {
  std::uintptr_t low = reinterpret_cast<std::uintptr_t>(data);
  std::uintptr_t high = low + static_cast<std::uintptr_t>(item);
  for (int i = 0; i < nd; ++i) {
    if (shape[i] == 0) return {low, low};
    const i64 reach = static_cast<i64>(strides[i]) * (shape[i] - 1);
    (reach < 0 ? low : high) += static_cast<std::uintptr_t>(reach);
  }
  return {low, high};
}

void check_out(const char* function, py::handle out, nnf_dtype dtype, const py::ssize_t* shape, int nd,
               std::initializer_list<const Input*> inputs, const Input* in_place) {
  if (!is_array(out.ptr())) {
    fail_type("%s: out: expected a NumPy array or None, got %s", function, Py_TYPE(out.ptr())->tp_name);
  }
  const ArrayFields f(out.ptr());
  if (f.type_num() != type_number(dtype) || !f.native()) {
    fail_type("%s: out: expected dtype %s, got %s", function, dtype_name(dtype), dtype_text(out.ptr()).c_str());
  }
  bool same = f.nd() == nd;
  for (int i = 0; same && i < nd; ++i) same = f.shape()[i] == shape[i];
  if (!same) {
    fail_value("%s: out: expected shape %s, got %s", function, shape_text(shape, nd).c_str(),
               shape_text(f.shape(), f.nd()).c_str());
  }
  if (!f.has(Npy::NPY_ARRAY_C_CONTIGUOUS_ | Npy::NPY_ARRAY_ALIGNED_)) {
    fail_value("%s: out: expected a C-contiguous, aligned array", function);
  }
  if (!f.has(Npy::NPY_ARRAY_WRITEABLE_)) {
    fail_value("%s: out: expected a writable array, got a read-only one", function);
  }
  const std::uintptr_t low = reinterpret_cast<std::uintptr_t>(f.data());
  const std::uintptr_t high = low + static_cast<std::uintptr_t>(product(shape, nd) * item_size(dtype));
  for (const Input* input : inputs) {
    if (input == in_place && input->data() == f.data() && input->contiguous()) continue;
    const Extent e = extent_of(input->data(), input->shape(), input->byte_strides(), input->nd(), item_size(dtype));
    if (low < high && e.low < e.high && low < e.high && e.low < high) {
      fail_value("%s: out: expected memory apart from %s%s", function, input->name(),
                 input == in_place ? " (or exactly its own, C-contiguous, to work in place)" : "");
    }
  }
}

InOut::InOut(const char* function, const char* name, int index, py::handle value) {
  if (!is_array(value.ptr())) {
    fail_type("%s: expected a NumPy array to change in place, got %s", label(function, name, index).c_str(),
              Py_TYPE(value.ptr())->tp_name);
  }
  const ArrayFields f(value.ptr());
  const int type = f.type_num();
  if ((type != Npy::NPY_FLOAT_ && type != Npy::NPY_DOUBLE_) || !f.native()) {
    fail_type("%s: expected dtype float32 or float64, got %s", label(function, name, index).c_str(),
              dtype_text(value.ptr()).c_str());
  }
  if (!f.has(Npy::NPY_ARRAY_C_CONTIGUOUS_ | Npy::NPY_ARRAY_ALIGNED_)) {
    fail_value("%s: expected a C-contiguous, aligned array", label(function, name, index).c_str());
  }
  if (!f.has(Npy::NPY_ARRAY_WRITEABLE_)) {
    fail_value("%s: expected a writable array, got a read-only one", label(function, name, index).c_str());
  }
  data = f.data();
  dtype = type == Npy::NPY_FLOAT_ ? NNF_F32 : NNF_F64;
  nd = f.nd();
  shape = f.shape();
  size = product(shape, nd);
}

// ---------------------------------------------------------------- numbers, names, pairs

double read_double(const char* function, const char* name, py::handle value) {
  if (PyFloat_CheckExact(value.ptr())) return PyFloat_AS_DOUBLE(value.ptr());
  const double x = PyFloat_AsDouble(value.ptr());
  if (x == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail_type("%s: %s: expected a number, got %s", function, name, Py_TYPE(value.ptr())->tp_name);
  }
  return x;
}

i64 read_integer(const char* function, const char* name, py::handle value) {
  const py::object index = as_integer(function, name, value);
  const long long x = PyLong_AsLongLong(index.ptr());
  if (x == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail_value("%s: %s: expected an integer of 64 bits, got %s", function, name,
               py::str(index).cast<std::string>().c_str());
  }
  return x;
}

std::uint64_t read_unsigned(const char* function, const char* name, py::handle value, std::uint64_t max) {
  const py::object index = as_integer(function, name, value);
  const unsigned long long x = PyLong_AsUnsignedLongLong(index.ptr());
  const bool failed = x == static_cast<unsigned long long>(-1) && PyErr_Occurred() != nullptr;
  if (failed) PyErr_Clear();
  if (failed || x > max) {
    fail_value("%s: %s: expected an integer from 0 to %llu, got %s", function, name,
               static_cast<unsigned long long>(max), py::str(index).cast<std::string>().c_str());
  }
  return x;
}

bool read_bool(const char* function, const char* name, py::handle value) {
  if (value.ptr() == Py_True) return true;
  if (value.ptr() == Py_False) return false;
  const int truth = PyObject_IsTrue(value.ptr());
  if (truth < 0) {
    PyErr_Clear();
    fail_type("%s: %s: expected a bool, got %s", function, name, Py_TYPE(value.ptr())->tp_name);
  }
  return truth != 0;
}

void read_integers(const char* function, const char* name, py::handle value, int count, i64* out) {
  PyObject* object = value.ptr();
  if (!PyTuple_Check(object) && !PyList_Check(object)) {
    fail_type("%s: %s: expected %d integers, got %s", function, name, count, Py_TYPE(object)->tp_name);
  }
  const py::ssize_t n = PySequence_Fast_GET_SIZE(object);
  if (n != count) fail_value("%s: %s: expected %d integers, got %zd", function, name, count, n);
  for (int i = 0; i < count; ++i) out[i] = read_integer(function, name, PySequence_Fast_GET_ITEM(object, i));
}

int read_choice(const char* function, const char* name, py::handle value, const char* const* choices, int count) {
  if (!PyUnicode_Check(value.ptr())) {
    fail_type("%s: %s: expected a string, got %s", function, name, Py_TYPE(value.ptr())->tp_name);
  }
  for (int i = 0; i < count; ++i) {
    if (PyUnicode_CompareWithASCIIString(value.ptr(), choices[i]) == 0) return i;
  }
  std::string list;
  for (int i = 0; i < count; ++i) list += (i ? ", '" : "'") + std::string(choices[i]) + "'";
  fail_value("%s: %s: expected one of %s, got %s", function, name, list.c_str(),
             py::repr(value).cast<std::string>().c_str());
}

nnf_reduction read_reduction(const char* function, py::handle value) {
  static const char* const kNames[] = {"none", "mean", "sum"};  // in the order of nnf_reduction
  return static_cast<nnf_reduction>(read_choice(function, "reduction", value, kNames, 3));
}

double read_non_negative(const char* function, const char* name, py::handle value) {
  const double x = read_double(function, name, value);
  if (!(x >= 0) || std::isinf(x)) fail_value("%s: %s: expected a finite number >= 0, got %g", function, name, x);
  return x;
}

double read_below_one(const char* function, const char* name, py::handle value) {
  const double x = read_double(function, name, value);
  if (!(x >= 0 && x < 1)) fail_value("%s: %s: expected 0 <= %s < 1, got %g", function, name, name, x);
  return x;
}

}  // namespace nnf::bindings
