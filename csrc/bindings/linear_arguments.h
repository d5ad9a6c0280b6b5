// The arguments that linear and sparse_linear share: the activation's name, the bias of a backward pass.
#ifndef NNF_BINDINGS_LINEAR_ARGUMENTS_H
#define NNF_BINDINGS_LINEAR_ARGUMENTS_H

#include "bindings/checks.h"

namespace nnf::bindings {

// An activation by its name, or none; its options are the defaults of the function of that name.
struct Activation {
  nnf_activation act = NNF_ACT_IDENTITY;
  double alpha = 1.0;  // elu's alpha, softplus's beta

  Activation(const char* function, py::handle name) {
    // In the order of nnf_activation.
    static const char* const kNames[] = {"identity",     "sigmoid", "tanh", "relu", "leaky_relu", "step",
                                         "hard_sigmoid", "relu6",   "elu",  "selu", "gelu",       "gelu_tanh",
                                         "silu",         "mish",    "softplus", "softsign"};
    static_assert(sizeof kNames / sizeof kNames[0] == NNF_ACT_COUNT, "a name for each nnf_activation");
    if (name.is_none()) return;
    act = static_cast<nnf_activation>(read_choice(function, "activation", name, kNames, NNF_ACT_COUNT));
    if (act == NNF_ACT_LEAKY_RELU) alpha = 0.01;  // PyTorch's slope
  }
};

// The derivative of some activations needs x @ weight.T + bias, which is computed again. A bias left out by mistake
// would then give a wrong gradient: it has to be named, be it None. (Ellipsis: it was not given.)
inline py::handle require_bias(const char* function, py::handle bias, const Activation& a, bool has_output) {
  if (bias.ptr() != Py_Ellipsis) return bias;
  if (a.act == NNF_ACT_IDENTITY) return Py_None;
  const bool enough = nnf_activation_has_backward_from_output(a.act, a.alpha) != 0;
  if (enough && has_output) return Py_None;
  fail_type("%s: bias: expected the forward's, None where it had none, for the activation's derivative%s; got none",
            function, enough ? " (or its result as output)" : "");
}

}  // namespace nnf::bindings

#endif  // NNF_BINDINGS_LINEAR_ARGUMENTS_H
