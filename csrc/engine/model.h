// A network that can be run and trained: graph, parameters, optimizer, loss, and a plan for each batch size in use.
#ifndef NNF_ENGINE_MODEL_H
#define NNF_ENGINE_MODEL_H

#include <memory>
#include <vector>

#include "engine/plan.h"

namespace nnf {

// The dtype-blind face of Model<T>, for the C interface. The meaning of each call is in nnfast.h.
class ModelBase {
 public:
  virtual ~ModelBase() = default;
  virtual const std::vector<ParamEntry>& params() const = 0;
  virtual int num_outputs() const = 0;
  virtual void buffer(nnf_buffer which, void** data, i64* size) = 0;
  virtual void set_loss(int output, nnf_loss loss, const nnf_loss_options& options, double share) = 0;
  virtual void set_optimizer(const nnf_optimizer& optimizer) = 0;
  virtual void reset_optimizer() = 0;
  virtual void set_learning_rates(i64 first, i64 n, const double* lr) = 0;
  virtual void set_regularizer(int index, double l1, double l2, double max_norm) = 0;
  virtual void train(const nnf_source* x, const nnf_source* y, const nnf_source* weights, const i64* order, i64 n,
                     i64 batch, i64 first, i64 last, double seconds, nnf_totals* totals, i64& done) = 0;
  virtual void evaluate(const nnf_source* x, const nnf_source* y, const nnf_source* weights, i64 batch, i64 first,
                        i64 last, double seconds, nnf_totals* totals, i64& done) = 0;
  virtual void predict(const nnf_source* x, i64 batch, i64 first, i64 last, void* const* out) = 0;
  virtual void forward(const nnf_source* x, bool training, void* const* out) = 0;
  virtual void backward(const void* const* grad_output, bool accumulate, void* const* gx) = 0;
  virtual void step() = 0;
  virtual bool stays_sparse(const nnf_source* x) const = 0;
  virtual void plan_size(i64 batch, bool training, i64* arena, i64* naive) = 0;
  virtual std::vector<int> backward_nodes(i64 batch) = 0;
  virtual void set_trainable(int node, bool trainable) = 0;
  virtual void set_lr_scale(int node, double scale) = 0;
  virtual i64 node_updates(int node) const = 0;
  virtual void set_node_updates(int node, i64 count) = 0;
  virtual void set_optimizer_steps(i64 count) = 0;  // every node's, too
  virtual void set_poll(nnf_poll_fn* poll, void* context) = 0;
  i64 optimizer_steps() const { return optimizer_steps_; }

  i64 step_count = 0;  // training steps: keys the dropout masks
  u64 seed = 0;
  bool penalty_in_mean = false;  // penalties are divided by what a batch weighs, as the losses are

 protected:
  i64 optimizer_steps_ = 0;  // updates made with the optimizer's present states
};

std::unique_ptr<ModelBase> make_model(const Graph& graph, nnf_dtype dtype);

}  // namespace nnf

#endif  // NNF_ENGINE_MODEL_H
