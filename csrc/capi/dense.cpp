// The C interface of dense algebra: matrix products and the fully connected layer.
#include "base/error.h"
#include "capi/arguments.h"
#include "capi/guard.h"
#include "capi/linear_gradient.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/gemm_batched.h"
#include "nnfast/nnfast.h"

namespace nnf {
namespace {

void check_size(const char* name, i64 size) {
  if (size < 0) throw_invalid("%s: expected a size of at least 0, got %lld", name, static_cast<long long>(size));
}

// An array may be null only when it has no elements.
void check_array(const char* name, const void* p, i64 rows, i64 columns) {
  if (p == nullptr && rows > 0 && columns > 0) {
    throw_invalid("%s: expected an array of shape (%lld, %lld), got NULL", name, static_cast<long long>(rows),
                  static_cast<long long>(columns));
  }
}

void check_product(i64 m, i64 n, i64 k, const void* a, const void* b, const void* c, i64 c_rs) {
  check_size("m", m);
  check_size("n", n);
  check_size("k", k);
  check_array("a", a, m, k);
  check_array("b", b, k, n);
  check_array("c", c, m, n);
  if (m > 1 && c_rs < n) {
    throw_invalid("c_rs: expected a row stride of at least n = %lld, got %lld", static_cast<long long>(n),
                  static_cast<long long>(c_rs));
  }
}

template <class T>
MatView<T> view(const void* p, i64 rs, i64 cs) {
  return {static_cast<const T*>(p), rs, cs};
}

// One linear layer, as it was given.
template <class T>
struct Linear {
  i64 m, out, in;
  MatView<T> x, weight;
  Epilogue<T> epilogue;

  void forward(T* y, const Epilogue<T>& e) const { gemm<T>(m, out, in, x, weight.transposed(), y, out, false, e); }

  // (m, out)
  const T* gradient_before_activation(const T* g, const T* output) const {
    return nnf::gradient_before_activation(epilogue, m * out, g, output,
                                           [&](T* to, const Epilogue<T>& e) { forward(to, e); });
  }
};

}  // namespace
}  // namespace nnf

extern "C" {

using nnf::i64;

nnf_status nnf_matmul(nnf_dtype dt, int64_t m, int64_t n, int64_t k, const void* a, int64_t a_rs, int64_t a_cs,
                      const void* b, int64_t b_rs, int64_t b_cs, void* c, int64_t c_rs, int accumulate) {
  return nnf::guard_typed(dt, [&](auto type) {
    using T = decltype(type);
    nnf::check_product(m, n, k, a, b, c, c_rs);
    nnf::gemm<T>(m, n, k, nnf::view<T>(a, a_rs, a_cs), nnf::view<T>(b, b_rs, b_cs), static_cast<T*>(c), c_rs,
                 accumulate != 0);
  });
}

nnf_status nnf_matmul_batched(nnf_dtype dt, int nd, const int64_t* shape, int64_t m, int64_t n, int64_t k,
                              const void* a, int64_t a_rs, int64_t a_cs, const int64_t* a_step, const void* b,
                              int64_t b_rs, int64_t b_cs, const int64_t* b_step, void* c, int64_t c_rs,
                              const int64_t* c_step, int accumulate) {
  return nnf::guard_typed(dt, [&](auto type) {
    using T = decltype(type);
    if (nd < 0 || nd > nnf::kMaxStackDims) {
      nnf::throw_invalid("nd: expected 0 to %d, got %d", nnf::kMaxStackDims, nd);
    }
    if (nd > 0 && (!shape || !a_step || !b_step || !c_step)) {
      nnf::throw_invalid("shape, a_step, b_step, c_step: expected %d numbers each, got NULL", nd);
    }
    bool empty = false;
    for (int d = 0; d < nd; ++d) {
      nnf::check_size("shape", shape[d]);
      empty = empty || shape[d] == 0;
    }
    // An empty stack may have no arrays; where it sums to something, C is there and filled with zeros.
    nnf::check_product(m, n, k, empty ? "" : a, empty ? "" : b, empty ? "" : c, c_rs);
    const nnf::MatmulStack stack{nd, shape, a_step, b_step, c_step};
    nnf::gemm_batched<T>(stack, m, n, k, nnf::view<T>(a, a_rs, a_cs), nnf::view<T>(b, b_rs, b_cs),
                         static_cast<T*>(c), c_rs, accumulate != 0);
  });
}

nnf_status nnf_linear(nnf_dtype dt, int64_t m, int64_t out, int64_t in, const void* x, int64_t x_rs, int64_t x_cs,
                      const void* weight, int64_t w_rs, int64_t w_cs, const void* bias, nnf_activation act,
                      double alpha, void* y) {
  return nnf::guard_typed(dt, [&](auto type) {
    using T = decltype(type);
    nnf::check_size("m", m);
    nnf::check_size("out", out);
    nnf::check_size("in", in);
    nnf::check_array("x", x, m, in);
    nnf::check_array("weight", weight, out, in);
    nnf::check_array("y", y, m, out);
    nnf::require_activation("linear", act);
    const nnf::Linear<T> layer{m, out, in, nnf::view<T>(x, x_rs, x_cs), nnf::view<T>(weight, w_rs, w_cs),
                               {static_cast<const T*>(bias), act, static_cast<T>(alpha)}};
    layer.forward(static_cast<T*>(y), layer.epilogue);
  });
}

int nnf_activation_has_backward_from_output(nnf_activation act, double alpha) {
  const int value = static_cast<int>(act);
  return value >= 0 && value < NNF_ACT_COUNT && nnf::activation_has_backward_from_output(act, alpha);
}

nnf_status nnf_linear_backward(nnf_dtype dt, int64_t m, int64_t out, int64_t in, const void* grad_output,
                               const void* x, int64_t x_rs, int64_t x_cs, const void* weight, int64_t w_rs,
                               int64_t w_cs, const void* bias, nnf_activation act, double alpha, const void* output,
                               void* gx, void* gweight, void* gbias) {
  return nnf::guard_typed(dt, [&](auto type) {
    using T = decltype(type);
    nnf::check_size("m", m);
    nnf::check_size("out", out);
    nnf::check_size("in", in);
    nnf::require_activation("linear_backward", act);
    if (!gx && !gweight && !gbias) return;
    nnf::check_array("grad_output", grad_output, m, out);
    const bool again = nnf::needs_forward(act, alpha, output);
    if (gx || again) nnf::check_array("weight", weight, out, in);
    if (gweight || again) nnf::check_array("x", x, m, in);
    const nnf::Linear<T> layer{m, out, in, nnf::view<T>(x, x_rs, x_cs), nnf::view<T>(weight, w_rs, w_cs),
                               {static_cast<const T*>(bias), act, static_cast<T>(alpha)}};
    const T* gz = layer.gradient_before_activation(static_cast<const T*>(grad_output), static_cast<const T*>(output));
    const nnf::MatView<T> g = nnf::view<T>(gz, out, 1);  // (m, out)
    if (gx) nnf::gemm<T>(m, in, out, g, layer.weight, static_cast<T*>(gx), in);
    if (gweight) nnf::gemm<T>(out, in, m, g.transposed(), layer.x, static_cast<T*>(gweight), in);
    if (gbias) nnf::column_sum<T>(m, out, gz, static_cast<T*>(gbias), false);
  });
}

}  // extern "C"
