// The optimizers as the engine uses them: one update over the flat buffers.
#ifndef NNF_ENGINE_OPTIMIZER_H
#define NNF_ENGINE_OPTIMIZER_H

#include "base/types.h"
#include "nnfast/nnfast.h"

namespace nnf {

// Throws Error(invalid_value) naming the field that is out of range.
void check_optimizer(const nnf_optimizer& o);
// How many state buffers it keeps: 0, 1 or 2.
int optimizer_states(const nnf_optimizer& o);
// `steps` updates have been made before this one.
template <class T>
void apply_optimizer(const nnf_optimizer& o, i64 steps, i64 n, T* param, const T* grad, T* state0, T* state1);

}  // namespace nnf

#endif  // NNF_ENGINE_OPTIMIZER_H
