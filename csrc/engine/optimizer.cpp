// The optimizers as the engine uses them: checks, states, and the call of kernels/optim.
#include "engine/optimizer.h"

#include <cmath>

#include "base/error.h"
#include "kernels/optim/optim.h"

namespace nnf {
namespace {

void check_at_least_0(const char* name, double value) {
  if (!(value >= 0) || std::isinf(value)) throw_invalid("%s: expected a finite number >= 0, got %g", name, value);
}

void check_below_1(const char* name, double value) {
  if (!(value >= 0 && value < 1)) throw_invalid("%s: expected 0 <= %s < 1, got %g", name, name, value);
}

}  // namespace

void check_optimizer(const nnf_optimizer& o) {
  check_at_least_0("lr", o.lr);
  check_at_least_0("weight_decay", o.weight_decay);
  switch (o.kind) {
    case NNF_SGD:
      check_at_least_0("momentum", o.momentum);
      if (!std::isfinite(o.dampening)) throw_invalid("dampening: expected a finite number, got %g", o.dampening);
      if (o.nesterov && (o.momentum <= 0 || o.dampening != 0)) {
        throw_invalid("nesterov: expected a momentum above 0 and no dampening, got momentum %g, dampening %g",
                      o.momentum, o.dampening);
      }
      return;
    case NNF_RMSPROP:
      check_at_least_0("alpha", o.alpha);
      check_at_least_0("eps", o.eps);
      return;
    case NNF_ADAM:
      check_below_1("beta1", o.beta1);
      check_below_1("beta2", o.beta2);
      check_at_least_0("eps", o.eps);
      return;
  }
  throw_invalid("kind: expected an nnf_optimizer_kind, got %d", static_cast<int>(o.kind));
}

int optimizer_states(const nnf_optimizer& o) {
  switch (o.kind) {
    case NNF_SGD: return o.momentum != 0 ? 1 : 0;
    case NNF_RMSPROP: return 1;
    case NNF_ADAM: return 2;
  }
  return 0;
}

template <class T>
void apply_optimizer(const nnf_optimizer& o, i64 steps, i64 n, T* param, const T* grad, T* state0, T* state1) {
  switch (o.kind) {
    case NNF_SGD:
      // PyTorch sets the buffer to the gradient at the first step, whatever the dampening.
      sgd_update<T>(n, param, grad, state0,
                    {o.lr, o.momentum, o.dampening, o.weight_decay, o.nesterov != 0, steps == 0});
      return;
    case NNF_RMSPROP: rmsprop_update<T>(n, param, grad, state0, {o.lr, o.alpha, o.eps, o.weight_decay}); return;
    case NNF_ADAM:
      adam_update<T>(n, param, grad, state0, state1,
                     make_adam_options(steps + 1, o.lr, o.beta1, o.beta2, o.eps, o.weight_decay));
      return;
  }
}
template void apply_optimizer(const nnf_optimizer&, i64, i64, float*, const float*, float*, float*);
template void apply_optimizer(const nnf_optimizer&, i64, i64, double*, const double*, double*, double*);

}  // namespace nnf
