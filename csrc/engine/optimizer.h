// The optimizers as the engine uses them: one update over the flat buffers.
#ifndef NNF_ENGINE_OPTIMIZER_H
#define NNF_ENGINE_OPTIMIZER_H

#include <variant>
#include <vector>

#include "engine/trainable.h"
#include "kernels/optim/contract.h"
#include "nnfast/nnfast.h"

namespace nnf {

// Throws Error(invalid_value) naming the field that is out of range.
void check_optimizer(const nnf_optimizer& o);
// How many state buffers it keeps: 0 to 3.
int optimizer_states(const nnf_optimizer& o);
// Whether states of the one mean the same for the other.
bool same_states(const nnf_optimizer& a, const nnf_optimizer& b);
// What states hold before the first step.
double initial_state(const nnf_optimizer& o);

// One update, its numbers worked out from the optimizer and how many have been made before; without clipping. May go over
// any part of the arrays at any time.
class Update {
 public:
  Update(const nnf_optimizer& o, i64 steps);
  template <class T>
  void apply(i64 n, T* param, const T* grad, T* const states[3]) const;
  // The options of Adam with two states, and of SGD but for a first step with momentum; null otherwise.
  const AdamOptions* adam() const;
  const SgdOptions* sgd() const;
  // Whether parameters with a gradient of 0 stay as they are, whatever the states.
  bool rests() const;
  // Whether rows without a gradient stay as they are, penalties or not.
  bool by_row() const { return by_row_; }

 private:
  std::variant<SgdOptions, RmspropOptions, AdamOptions, AdagradOptions, AdadeltaOptions, NadamOptions> options_;
  bool third_state_ = false;  // RMSprop: centered; Adam: amsgrad
  bool by_row_ = false;       // SparseAdam
};

// Clips the gradients, all stretches' together, then updates each stretch of the flat buffers, whose arrays `entries`
// are; unused states are null.
template <class T>
void apply_optimizer(const nnf_optimizer& o, const std::vector<Stretch>& stretches,
                     const std::vector<ParamEntry>& entries, T* param, T* grad, T* const states[3]);

}  // namespace nnf

#endif  // NNF_ENGINE_OPTIMIZER_H
