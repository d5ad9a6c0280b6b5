// Bindings of the configuration: instruction set, caches, threads, the library's own place.
#include "bindings/checks.h"

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace nnf::bindings {
namespace {

// A misspelt name and one this machine cannot run must both be ValueError, so it has to be text first.
py::str need_text(const char* function, const char* name, py::handle value) {
  if (!PyUnicode_Check(value.ptr())) {
    fail_type("%s: %s: expected a string, got %s", function, name, Py_TYPE(value.ptr())->tp_name);
  }
  return py::reinterpret_borrow<py::str>(value);
}

const char* utf8(const py::str& text) {
  const char* s = PyUnicode_AsUTF8(text.ptr());
  if (s == nullptr) throw py::error_already_set();
  return s;
}

int read_count(const char* function, const char* name, py::handle value, i64 min) {
  const i64 n = read_integer(function, name, value);
  if (n < min || n > NNF_MAX_THREADS) {
    fail_value("%s: %s: expected an integer from %lld to %d, got %lld", function, name, static_cast<long long>(min),
               NNF_MAX_THREADS, static_cast<long long>(n));
  }
  return static_cast<int>(n);
}

// The file libnnfast was loaded from: for threadpoolctl and ctypes, which want that very library.
py::object library_path() {
#if defined(_WIN32)
  return py::str("");
#else
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&nnf_version), &info) == 0 || info.dli_fname == nullptr) {
    throw std::runtime_error("library_path: the library's file could not be found");
  }
  return py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefault(info.dli_fname));
#endif
}

}  // namespace

void init_config(py::module_& m) {
  m.attr("__version__") = nnf_version();
  m.attr("MAX_THREADS") = NNF_MAX_THREADS;
  m.def("isa", [] { return py::str(nnf_isa()); });
  m.def(
      "set_isa",
      [](py::handle name) {
        const py::str text = need_text("set_isa", "name", name);
        check(nnf_set_isa(utf8(text)));
      },
      py::arg("name"));
  m.def(
      "isa_supported",
      [](py::handle name) {
        const py::str text = need_text("isa_supported", "name", name);
        return nnf_isa_supported(utf8(text)) != 0;
      },
      py::arg("name"));
  m.def("cpu_name", [] { return py::str(nnf_cpu_name()); });
  m.def("cpu_features", [] { return py::str(nnf_cpu_features()); });
  m.def(
      "cache_size",
      [](py::handle level) {
        return nnf_cache_size(static_cast<int>(read_unsigned("cache_size", "level", level, 1000)));
      },
      py::arg("level"));
  m.def("get_num_threads", [] { return nnf_get_num_threads(); });
  m.def(
      "set_num_threads",
      [](py::handle n) { check(nnf_set_num_threads(read_count("set_num_threads", "n", n, 1))); }, py::arg("n"));
  m.def(
      "set_local_num_threads",
      [](py::handle n) { return nnf_set_local_num_threads(read_count("set_local_num_threads", "n", n, 0)); },
      py::arg("n"));
  m.def("library_path", &library_path);
  m.def("allocation_count", [] { return nnf_allocation_count(); });
  m.def(
      "fma_rounds",
      [](py::handle dtype, py::handle rounds) {
        static const char* const kNames[] = {"float32", "float64"};
        const auto dt = static_cast<nnf_dtype>(read_choice("fma_rounds", "dtype", dtype, kNames, 2));
        const i64 n = read_integer("fma_rounds", "rounds", rounds);
        i64 flops = 0;
        run(static_cast<double>(n), [&] { return nnf_fma_rounds(dt, n, &flops); });
        return flops;
      },
      py::arg("dtype"), py::arg("rounds"));
}

}  // namespace nnf::bindings
