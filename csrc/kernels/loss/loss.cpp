// The losses' names, defaults and checks of their options, and the choice between the two families (loss.h).
#include "kernels/loss/loss.h"

#include "base/error.h"
#include "kernels/loss/reduce.h"

namespace nnf {
namespace {

// In the order of nnf_loss.
constexpr const char* kNames[] = {"mse_loss",
                                  "quadratic_cost",
                                  "l1_loss",
                                  "smooth_l1_loss",
                                  "huber_loss",
                                  "hinge_loss",
                                  "perceptron_loss",
                                  "binary_cross_entropy",
                                  "binary_cross_entropy_with_logits",
                                  "kl_div",
                                  "poisson_nll_loss",
                                  "cross_entropy",
                                  "nll_loss"};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == NNF_LOSS_COUNT, "kNames and nnfast.h differ");

}  // namespace

const char* loss_name(nnf_loss loss) { return loss >= 0 && loss < NNF_LOSS_COUNT ? kNames[loss] : nullptr; }

nnf_loss_options loss_defaults() {
  nnf_loss_options o{};
  o.reduction = NNF_REDUCE_MEAN;
  o.beta = 1;
  o.eps = 1e-8;
  o.log_input = 1;
  o.ignore_index = -100;
  return o;
}

void check_loss(nnf_loss loss, const nnf_loss_options& o) {
  const char* name = loss_name(loss);
  if (name == nullptr) throw_invalid("loss: expected an nnf_loss, got %d", static_cast<int>(loss));
  const nnf_reduction last = is_class_loss(loss) ? NNF_REDUCE_SUM : NNF_REDUCE_BATCH_MEAN;
  if (o.reduction < NNF_REDUCE_NONE || o.reduction > last) {
    throw_invalid("%s: reduction: expected an nnf_reduction (0..%d), got %d", name, static_cast<int>(last),
                  static_cast<int>(o.reduction));
  }
  // Written so that a NaN fails.
  if (loss == NNF_LOSS_SMOOTH_L1 && !(o.beta >= 0)) throw_invalid("%s: beta: expected at least 0, got %g", name, o.beta);
  if (loss == NNF_LOSS_HUBER && !(o.beta > 0)) throw_invalid("%s: delta: expected more than 0, got %g", name, o.beta);
  if (loss == NNF_LOSS_POISSON_NLL && !(o.eps >= 0)) throw_invalid("%s: eps: expected at least 0, got %g", name, o.eps);
  if (loss == NNF_LOSS_CROSS_ENTROPY && !(o.label_smoothing >= 0 && o.label_smoothing <= 1)) {
    throw_invalid("%s: label_smoothing: expected a number in 0..1, got %g", name, o.label_smoothing);
  }
}

template <class T>
double loss_of_batch(nnf_loss kind, const nnf_loss_options& options, const LossBatch<T>& batch, T* loss, const T* g,
                     T* gx) {
  return is_class_loss(kind) ? class_loss(kind, options, batch, loss, g, gx)
                             : elementwise_loss(kind, options, batch, loss, g, gx);
}

template double loss_of_batch<float>(nnf_loss, const nnf_loss_options&, const LossBatch<float>&, float*, const float*,
                                     float*);
template double loss_of_batch<double>(nnf_loss, const nnf_loss_options&, const LossBatch<double>&, double*,
                                      const double*, double*);

}  // namespace nnf
