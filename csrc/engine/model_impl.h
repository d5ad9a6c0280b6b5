// Model<T>: declared here, its loops over batches in trainer.cpp, the rest in model.cpp.
#ifndef NNF_ENGINE_MODEL_IMPL_H
#define NNF_ENGINE_MODEL_IMPL_H

#include "engine/lazy_rows.h"
#include "engine/loss.h"
#include "engine/model.h"
#include "engine/regularizer.h"

namespace nnf {

template <class T>
class Model final : public ModelBase {
 public:
  explicit Model(const Graph& graph);

  const std::vector<ParamEntry>& params() const override { return params_.entries(); }
  int num_outputs() const override { return static_cast<int>(output_sizes_.size()); }
  void buffer(nnf_buffer which, void** data, i64* size) override;
  void set_loss(int output, nnf_loss loss, const nnf_loss_options& options, double share) override;
  void set_optimizer(const nnf_optimizer& optimizer) override;
  void reset_optimizer() override;
  void set_learning_rates(i64 first, i64 n, const double* lr) override;
  void set_regularizer(int index, double l1, double l2, double max_norm) override;
  void train(const nnf_source* x, const nnf_source* y, const nnf_source* weights, const i64* order, i64 n, i64 batch,
             i64 first, i64 last, double seconds, nnf_totals* totals, i64& done) override;
  void evaluate(const nnf_source* x, const nnf_source* y, const nnf_source* weights, i64 batch, i64 first, i64 last,
                double seconds, nnf_totals* totals, i64& done) override;
  void predict(const nnf_source* x, i64 batch, i64 first, i64 last, void* const* out) override;
  void forward(const nnf_source* x, bool training, void* const* out) override;
  void backward(const void* const* grad_output, bool accumulate, void* const* gx) override;
  void step() override;
  bool stays_sparse(const nnf_source* x) const override;
  void plan_size(i64 batch, bool training, i64* arena, i64* naive) override;
  std::vector<int> backward_nodes(i64 batch) override { return plan(batch, Purpose::train, false).backward_nodes(); }
  void set_trainable(int node, bool trainable) override;
  void set_lr_scale(int node, double scale) override;
  i64 node_updates(int node) const override { return trainable_.updates(checked(node)); }
  void set_node_updates(int node, i64 count) override { trainable_.set_updates(checked(node), count); }
  void set_optimizer_steps(i64 count) override;
  void set_poll(nnf_poll_fn* poll, void* context) override { poll_.set(poll, context); }

 private:
  Plan<T>& plan(i64 batch, Purpose purpose, bool sparse);
  // Of the sparse batch that was loaded: what a backward of the node that reads it needs.
  void load_columns();
  int checked(int node) const;  // throws unless the graph has it
  void find_penalties();
  RunState run_state(bool training) const;
  void check_sources(const nnf_source* x, i64 rows) const;
  void check_targets(const nnf_source* y, const nnf_source* weights, i64 rows) const;
  // Samples order[first..first+n-1] into the plan's inputs; the caller's own memory where it fits as it is.
  void load(Plan<T>& p, const nnf_source* x, const i64* order, i64 first, i64 n, bool may_borrow);
  void load_asking(Plan<T>& p, const nnf_source* x, const i64* order, i64 first, i64 n);
  // Steps first..last-1, checked, as train describes them.
  void train_steps(Plan<T>& p, const nnf_source* x, const nnf_source* y, const nnf_source* weights, const i64* order,
                   i64 n, i64 batch, i64 first, i64 last, double seconds, nnf_totals* totals, i64& done);
  // Before and after a call's steps: whether updates of rows that a sparse batch does not touch may wait, and the end of
  // waiting, which adds the penalties of these weights to the totals.
  void begin_lazy(const Plan<T>& p);
  void end_lazy(nnf_totals* totals);
  void lazy_step(const Plan<T>& p, i64 n, const nnf_optimizer& now);
  nnf_optimizer optimizer_now() const;
  void update(const std::vector<Stretch>& stretches, const nnf_optimizer& now);
  void count_step();
  // Whether updates leave rows without a gradient alone.
  bool by_row() const { return has_optimizer_ && optimizer_.kind == NNF_SPARSE_ADAM; }
  // Those that a step adds at once.
  const std::vector<Regularizer>& penalties_now() const { return is_lazy_ ? other_regularizers_ : regularizers_; }
  // What a step's penalties count for in the sums of the loss; the losses have met its targets.
  double penalty_weight(i64 n) const;
  // Room for a batch's targets; sums_ continues the caller's totals.
  void reserve(const Plan<T>& p, const nnf_totals* totals);
  void load_targets(const nnf_source* y, const nnf_source* weights, const i64* order, i64 first, i64 n);
  // The outputs' losses, each times its share, and the penalties, which sum to `penalty`; gradients where wanted; sums.
  double losses(Plan<T>& p, i64 n, bool gradient, double penalty);
  // What penalties are multiplied by in a step of n samples; the losses have met its targets.
  double penalty_share(i64 n) const;
  std::size_t num_totals() const { return losses_.size() + (losses_.size() > 1 ? 1 : 0); }
  // The plan's outputs for n samples, to the caller's arrays from row `first` on.
  void deliver(Plan<T>& p, i64 first, i64 n, void* const* out) const;

  Graph graph_;
  Parameters<T> params_;
  Trainable trainable_;
  std::vector<i64> output_sizes_;  // numbers a sample of each output
  std::vector<std::unique_ptr<Loss<T>>> losses_;  // of each output; null before it is set
  std::vector<nnf_totals> sums_;  // of the call under way: the caller's get them step by step
  std::vector<T> untrained_before_;  // running statistics as they were before the step under way
  bool has_optimizer_ = false;
  nnf_optimizer optimizer_{};
  std::vector<double> rates_;  // learning rates of steps first_rate_, first_rate_ + 1, ...
  i64 first_rate_ = 0;
  std::vector<Regularizer> all_regularizers_;
  std::vector<Regularizer> regularizers_;  // those of nodes that are not frozen
  Poll poll_;
  int sparse_reader_;  // the node that takes sparse samples; -1: none
  SparseBatch<T> sparse_;
  CsrCopy<T> held_;  // the samples of a training forward that a backward may follow
  bool is_lazy_ = false;
  LazyRows<T> lazy_;
  const ParamEntry* lazy_entry_ = nullptr;
  std::vector<Regularizer> other_regularizers_;
  std::vector<Stretch> other_stretches_;
  std::vector<double> norms_;  // room for apply_max_norm
  std::vector<std::unique_ptr<Plan<T>>> plans_;  // at most one of each purpose
  Plan<T>* pending_ = nullptr;  // a training forward that a backward may follow
  i64 pending_n_ = 0;
  RunState pending_run_;
};

}  // namespace nnf

#endif  // NNF_ENGINE_MODEL_IMPL_H
