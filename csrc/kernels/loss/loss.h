// Losses over whole batches: threading, weights, and the reduction in an order fixed by the shape.
//
// loss.cpp checks and chooses, elementwise.cpp and classes.cpp carry out. What each loss, option and reduction means
// stands in nnfast.h; nothing here knows of networks (engine/loss.h does).
#ifndef NNF_KERNELS_LOSS_LOSS_H
#define NNF_KERNELS_LOSS_LOSS_H

#include "base/types.h"
#include "nnfast/nnfast.h"

namespace nnf {

// nnf_loss_batch with its type.
template <class T>
struct LossBatch {
  i64 rows = 0, outputs = 0;
  const T* input = nullptr;          // (rows, outputs)
  const T* target = nullptr;         // (rows, outputs)
  const i64* labels = nullptr;       // (rows)
  const T* sample_weight = nullptr;  // (rows)
};

nnf_loss_options loss_defaults();
const char* loss_name(nnf_loss loss);  // null for no loss
inline bool is_class_loss(nnf_loss loss) { return loss >= NNF_LOSS_ELEMENTWISE; }
// How many losses "none" yields.
inline i64 loss_terms(nnf_loss loss, i64 rows, i64 outputs) {
  return is_class_loss(loss) || loss == NNF_LOSS_QUADRATIC ? rows : rows * outputs;
}

// Throws Error(invalid_value) when the loss, its reduction or an option is none; the message begins with the loss's name.
void check_loss(nnf_loss loss, const nnf_loss_options& options);

// `loss` receives loss_terms() elements for NNF_REDUCE_NONE, one otherwise; null: not wanted. `gx` (rows, outputs)
// receives the gradient to the input multiplied by g (as many elements as `loss`; null: 1); null: not wanted. gx ==
// input is allowed. Labels and probabilities are checked: Error(invalid_value) before anything is written.
// Returns what the batch weighs: the number of rows a mean over rows divides by.
template <class T>
double loss_of_batch(nnf_loss kind, const nnf_loss_options& options, const LossBatch<T>& batch, T* loss, const T* g,
                     T* gx);

}  // namespace nnf

#endif  // NNF_KERNELS_LOSS_LOSS_H
