// The C interface of the negative log-likelihood loss.
#include "capi/arguments.h"
#include "capi/guard.h"
#include "kernels/loss/loss.h"

namespace {

void check_nll(const char* function, nnf_reduction red, int64_t rows, int64_t classes, const void* input,
               const int64_t* labels) {
  if (red != NNF_REDUCE_NONE && red != NNF_REDUCE_MEAN && red != NNF_REDUCE_SUM) {
    nnf::throw_invalid("%s: red: expected an nnf_reduction (0..2), got %d", function, static_cast<int>(red));
  }
  nnf::require_size(function, "rows", rows);
  if (classes < 1) {
    nnf::throw_invalid("%s: classes: expected at least 1, got %lld", function, static_cast<long long>(classes));
  }
  nnf::require_array(function, "input", input, rows * classes);
  nnf::require_array(function, "labels", labels, rows);
}

int64_t loss_size(nnf_reduction red, int64_t rows) { return red == NNF_REDUCE_NONE ? rows : 1; }

}  // namespace

extern "C" {

nnf_status nnf_nll_loss(nnf_dtype dt, nnf_reduction red, int64_t rows, int64_t classes, const void* input,
                        const int64_t* labels, void* loss) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check_nll("nll_loss", red, rows, classes, input, labels);
    nnf::require_array("nll_loss", "loss", loss, loss_size(red, rows));
    nnf::nll_loss<T>(red, rows, classes, static_cast<const T*>(input), labels, static_cast<T*>(loss), nullptr, nullptr);
  });
}

nnf_status nnf_nll_loss_backward(nnf_dtype dt, nnf_reduction red, int64_t rows, int64_t classes, const void* g,
                                 const void* input, const int64_t* labels, void* ginput) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check_nll("nll_loss_backward", red, rows, classes, input, labels);
    nnf::require_array("nll_loss_backward", "g", g, loss_size(red, rows));
    nnf::require_array("nll_loss_backward", "ginput", ginput, rows * classes);
    nnf::nll_loss<T>(red, rows, classes, static_cast<const T*>(input), labels, nullptr, static_cast<const T*>(g),
                     static_cast<T*>(ginput));
  });
}

}  // extern "C"
