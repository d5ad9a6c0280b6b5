// The loss of one output of a network: its kind and options, copies of its weights, the batch's targets, and what a
// batch adds to the totals. An output has one of its own; which outputs there are is the trainer's business.
#ifndef NNF_ENGINE_LOSS_H
#define NNF_ENGINE_LOSS_H

#include <vector>

#include "engine/graph.h"
#include "kernels/loss/loss.h"

namespace nnf {

template <class T>
class Loss {
 public:
  // For outputs of this shape. options' weights, of T, are copied: a number an output (class losses: a class). share:
  // what the loss counts among those of a network's other outputs.
  Loss(nnf_loss kind, const nnf_loss_options& options, const Shape& output, double share);
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;

  bool mean() const { return options_.reduction != NNF_REDUCE_SUM; }
  // Throws unless y has a target, and weights (null: none) a number, for `rows` samples.
  void check(const nnf_source& y, const nnf_source* weights, i64 rows) const;
  // Makes room for batches of this size: what follows allocates nothing.
  void reserve(i64 batch);
  // Targets and weights of the samples order[first..first+n-1]; order null: first.. themselves.
  void load(const nnf_source& y, const nnf_source* weights, const i64* order, i64 first, i64 n);
  // The loss of n outputs for what was loaded last, share times its gradient where wanted, the totals' sums. A batch
  // that weighs nothing (all ignored, all weights 0) has loss and gradient 0.
  double apply(const T* output, i64 n, T* gradient, nnf_totals& totals);
  // What the batch of the last apply weighs: a mean over several batches weights each batch's mean with it.
  double weight() const { return weight_; }
  double share() const { return share_; }

 private:
  bool are_labels(const nnf_source& y) const;
  void add_metrics(const T* output, i64 n, nnf_totals& totals) const;
  double row_weight(i64 r) const;

  nnf_loss kind_;
  nnf_loss_options options_;
  i64 outputs_;
  std::vector<T> class_weight_, pos_weight_;
  std::vector<T> targets_, sample_weight_;
  std::vector<i64> labels_;
  bool labelled_ = false, weighted_ = false;
  double weight_ = 0, share_;
};

}  // namespace nnf

#endif  // NNF_ENGINE_LOSS_H
