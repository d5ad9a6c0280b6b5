// The C interface of sparse samples.
#include <algorithm>

#include "capi/arguments.h"
#include "capi/guard.h"
#include "capi/linear_gradient.h"
#include "kernels/sparse/sparse_linear.h"

namespace nnf {
namespace {

const nnf_csr& checked(const char* name, const nnf_csr* x) {
  if (x == nullptr) throw_invalid("%s: expected a nnf_csr, got NULL", name);
  check_csr(name, *x);
  return *x;
}

void check_arrays(const char* function, nnf_dtype dt, const nnf_csr& x, i64 out, nnf_activation act) {
  if (x.type != dt) throw_type("%s: x: expected data of type %d, got %d", function, dt, x.type);
  require_size(function, "out", out);
  require_activation(function, act);
}

}  // namespace
}  // namespace nnf

extern "C" {

using nnf::i64;

nnf_status nnf_sparse_linear(nnf_dtype dt, const nnf_csr* x_, int64_t out, const void* weight, const void* bias,
                             nnf_activation act, double alpha, void* y) {
  return nnf::guard_typed(dt, [&](auto type) {
    using T = decltype(type);
    const nnf_csr& x = nnf::checked("sparse_linear: x", x_);
    nnf::check_arrays("sparse_linear", dt, x, out, act);
    nnf::require_array("sparse_linear", "weight", weight, x.columns * out);
    nnf::require_array("sparse_linear", "y", y, x.rows * out);
    nnf::sparse_linear<T>({&x, nullptr, 0, x.rows}, out, static_cast<const T*>(weight),
                          {static_cast<const T*>(bias), act, static_cast<T>(alpha)}, static_cast<T*>(y));
  });
}

nnf_status nnf_sparse_linear_backward(nnf_dtype dt, const nnf_csr* x_, int64_t out, const void* grad_output,
                                      const void* weight_, const void* bias, nnf_activation act, double alpha,
                                      const void* output, void* gdata, void* gweight, int touched, void* gbias) {
  return nnf::guard_typed(dt, [&](auto type) {
    using T = decltype(type);
    constexpr const char* kName = "sparse_linear_backward";
    const nnf_csr& x = nnf::checked("sparse_linear_backward: x", x_);
    nnf::check_arrays(kName, dt, x, out, act);
    if (!gdata && !gweight && !gbias) return;
    nnf::require_array(kName, "grad_output", grad_output, x.rows * out);
    if (gdata || nnf::needs_forward(act, alpha, output)) {
      nnf::require_array(kName, "weight", weight_, x.columns * out);
    }
    const nnf::CsrRows rows{&x, nullptr, 0, x.rows};
    const T* weight = static_cast<const T*>(weight_);
    const T* g = nnf::gradient_before_activation<T>(
        {static_cast<const T*>(bias), act, static_cast<T>(alpha)}, x.rows * out, static_cast<const T*>(grad_output),
        static_cast<const T*>(output),
        [&](T* to, const nnf::Epilogue<T>& e) { nnf::sparse_linear<T>(rows, out, weight, e, to); });
    if (gdata) nnf::sparse_data_gradient<T>(x, out, g, weight, static_cast<T*>(gdata));
    if (gweight) {
      nnf::CsrColumns<T> columns;
      columns.build(rows, out);
      if (touched) {
        nnf::sparse_touched_gradient<T>(columns, out, g, static_cast<T*>(gweight));
      } else {
        nnf::sparse_weight_gradient<T>(columns, x.columns, out, g, static_cast<T*>(gweight), false);
      }
    }
    if (gbias) nnf::column_sum<T>(x.rows, out, g, static_cast<T*>(gbias), false);
  });
}

nnf_status nnf_csr_columns(const nnf_csr* x_, int64_t* count, int64_t* columns) {
  return nnf::guard([&] {
    const nnf_csr& x = nnf::checked("csr_columns: x", x_);
    if (count == nullptr) nnf::throw_invalid("csr_columns: count: expected a pointer, got NULL");
    const std::vector<i64> found = nnf::columns_of({&x, nullptr, 0, x.rows});
    *count = static_cast<int64_t>(found.size());
    if (columns != nullptr) std::copy(found.begin(), found.end(), columns);
  });
}

}  // extern "C"
