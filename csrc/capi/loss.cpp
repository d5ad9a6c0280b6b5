// The C interface of the losses.
#include "kernels/loss/loss.h"

#include "capi/arguments.h"
#include "capi/guard.h"

namespace {

using nnf::i64;

void check_reduction(const char* function, nnf_reduction red) {
  if (red != NNF_REDUCE_NONE && red != NNF_REDUCE_MEAN && red != NNF_REDUCE_SUM) {
    nnf::throw_invalid("%s: red: expected an nnf_reduction (0..2), got %d", function, static_cast<int>(red));
  }
}

// Elements of a loss over `terms` terms, and of the gradient that comes back to it.
i64 loss_size(nnf_reduction red, i64 terms) { return red == NNF_REDUCE_NONE ? terms : 1; }

void check_cross_entropy(const char* function, nnf_reduction red, i64 rows, i64 classes, const void* logits,
                         const i64* labels, const void* probs) {
  check_reduction(function, red);
  nnf::require_size(function, "rows", rows);
  if (classes < 1) {
    nnf::throw_invalid("%s: classes: expected at least 1, got %lld", function, static_cast<long long>(classes));
  }
  nnf::require_array(function, "logits", logits, rows * classes);
  if (rows > 0 && (labels != nullptr) == (probs != nullptr)) {
    nnf::throw_invalid("%s: expected exactly one of labels and probs, got %s", function,
                       labels != nullptr ? "both" : "neither");
  }
}

}  // namespace

extern "C" {

nnf_status nnf_mse_loss(nnf_dtype dt, nnf_reduction red, int64_t n, const void* input, const void* target,
                        void* loss) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check_reduction("mse_loss", red);
    nnf::require_size("mse_loss", "n", n);
    nnf::require_array("mse_loss", "input", input, n);
    nnf::require_array("mse_loss", "target", target, n);
    nnf::require_array("mse_loss", "loss", loss, loss_size(red, n));
    nnf::mse_loss<T>(red, n, static_cast<const T*>(input), static_cast<const T*>(target), static_cast<T*>(loss),
                     nullptr, nullptr);
  });
}

nnf_status nnf_mse_loss_backward(nnf_dtype dt, nnf_reduction red, int64_t n, const void* g, const void* input,
                                 const void* target, void* ginput) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check_reduction("mse_loss_backward", red);
    nnf::require_size("mse_loss_backward", "n", n);
    nnf::require_array("mse_loss_backward", "g", g, loss_size(red, n));
    nnf::require_array("mse_loss_backward", "input", input, n);
    nnf::require_array("mse_loss_backward", "target", target, n);
    nnf::require_array("mse_loss_backward", "ginput", ginput, n);
    nnf::mse_loss<T>(red, n, static_cast<const T*>(input), static_cast<const T*>(target), nullptr,
                     static_cast<const T*>(g), static_cast<T*>(ginput));
  });
}

nnf_status nnf_cross_entropy(nnf_dtype dt, nnf_reduction red, int64_t rows, int64_t classes, const void* logits,
                             const int64_t* labels, const void* probs, void* loss) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check_cross_entropy("cross_entropy", red, rows, classes, logits, labels, probs);
    nnf::require_array("cross_entropy", "loss", loss, loss_size(red, rows));
    nnf::cross_entropy<T>(red, rows, classes, static_cast<const T*>(logits), labels, static_cast<const T*>(probs),
                          static_cast<T*>(loss), nullptr, nullptr);
  });
}

nnf_status nnf_cross_entropy_backward(nnf_dtype dt, nnf_reduction red, int64_t rows, int64_t classes, const void* g,
                                      const void* logits, const int64_t* labels, const void* probs, void* glogits) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check_cross_entropy("cross_entropy_backward", red, rows, classes, logits, labels, probs);
    nnf::require_array("cross_entropy_backward", "g", g, loss_size(red, rows));
    nnf::require_array("cross_entropy_backward", "glogits", glogits, rows * classes);
    nnf::cross_entropy<T>(red, rows, classes, static_cast<const T*>(logits), labels, static_cast<const T*>(probs),
                          nullptr, static_cast<const T*>(g), static_cast<T*>(glogits));
  });
}

}  // extern "C"
