// The C interface of the losses.
#include "kernels/loss/loss.h"

#include "capi/arguments.h"
#include "capi/guard.h"

namespace {

using nnf::i64;

// The batch with its type, once all of it fits the loss; messages begin with the loss's name.
template <class T>
nnf::LossBatch<T> checked(nnf_loss loss, const nnf_loss_options* options, const nnf_loss_batch* batch) {
  if (options == nullptr || batch == nullptr) nnf::throw_invalid("loss: expected options and a batch, got NULL");
  nnf::check_loss(loss, *options);
  const char* name = nnf::loss_name(loss);
  nnf::require_size(name, "rows", batch->rows);
  nnf::require_size(name, "outputs", batch->outputs);
  const bool classes = nnf::is_class_loss(loss), either = loss == NNF_LOSS_CROSS_ENTROPY;
  if (classes && batch->outputs < 1) nnf::throw_invalid("%s: outputs: expected at least one class, got none", name);
  const i64 n = batch->rows * batch->outputs;
  nnf::require_array(name, "input", batch->input, n);
  if (batch->rows > 0 && either && (batch->labels != nullptr) == (batch->target != nullptr)) {
    nnf::throw_invalid("%s: expected exactly one of labels and target, got %s", name,
                       batch->labels != nullptr ? "both" : "neither");
  }
  if (either && batch->target != nullptr && options->ignore_index >= 0) {
    nnf::throw_invalid("%s: ignore_index: expected a negative number with probabilities, got %lld", name,
                       static_cast<long long>(options->ignore_index));
  }
  if (!either && classes) nnf::require_array(name, "labels", batch->labels, batch->rows);
  if (!either && !classes) nnf::require_array(name, "target", batch->target, n);
  for (const i64 stride : {options->weight_stride, options->pos_weight_stride}) {
    if (!classes && stride != 0 && stride < batch->outputs) {
      nnf::throw_invalid("%s: weight_stride: expected 0 or at least %lld, got %lld", name,
                         static_cast<long long>(batch->outputs), static_cast<long long>(stride));
    }
  }
  return {batch->rows,
          batch->outputs,
          static_cast<const T*>(batch->input),
          static_cast<const T*>(batch->target),
          batch->labels,
          static_cast<const T*>(batch->sample_weight)};
}

// Elements of the loss, and of the gradient that comes back to it.
i64 loss_size(nnf_loss loss, const nnf_loss_options& options, const nnf_loss_batch& batch) {
  return options.reduction == NNF_REDUCE_NONE ? nnf::loss_terms(loss, batch.rows, batch.outputs) : 1;
}

}  // namespace

extern "C" {

nnf_loss_options nnf_loss_defaults(void) { return nnf::loss_defaults(); }

const char* nnf_loss_name(nnf_loss loss) { return nnf::loss_name(loss); }

nnf_status nnf_loss_forward(nnf_dtype dt, nnf_loss loss, const nnf_loss_options* options, const nnf_loss_batch* batch,
                            void* value) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const nnf::LossBatch<T> b = checked<T>(loss, options, batch);
    nnf::require_array(nnf::loss_name(loss), "value", value, loss_size(loss, *options, *batch));
    // With no losses wanted there may be no array for them, which must not mean that values are not wanted.
    if (value != nullptr) nnf::loss_of_batch<T>(loss, *options, b, static_cast<T*>(value), nullptr, nullptr);
  });
}

nnf_status nnf_loss_backward(nnf_dtype dt, nnf_loss loss, const nnf_loss_options* options, const nnf_loss_batch* batch,
                             const void* g, void* ginput) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const nnf::LossBatch<T> b = checked<T>(loss, options, batch);
    const char* name = nnf::loss_name(loss);
    nnf::require_array(name, "g", g, loss_size(loss, *options, *batch));
    nnf::require_array(name, "ginput", ginput, b.rows * b.outputs);
    nnf::loss_of_batch<T>(loss, *options, b, nullptr, static_cast<const T*>(g), static_cast<T*>(ginput));
  });
}

}  // extern "C"
