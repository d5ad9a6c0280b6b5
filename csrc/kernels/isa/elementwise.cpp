// What goes element by element: activations, losses, biases, dropout. A part of the tables, see part.h.
#include "kernels/isa/part.h"

#include "kernels/dropout/dropout-inl.h"
#include "kernels/elementwise/activation-inl.h"
#include "kernels/elementwise/prelu-inl.h"
#include "kernels/elementwise/rows-inl.h"
#include "kernels/elementwise/smooth-inl.h"
#include "kernels/loss/elementwise-inl.h"

#define NNF_ENTRY(name, Signature) &nnf::name<NNF_DTYPE>,
#define NNF_ACTIVATION_ENTRY(name, ENUM) nnf::make_activation<NNF_DTYPE, nnf::act_##name>(),
#define NNF_LOSS_ENTRY(name, ENUM) nnf::make_element_loss<NNF_DTYPE, nnf::loss_##name>(),
NNF_PART(ElementwisePart, elementwise) = {
    NNF_ELEMENTWISE_KERNELS(NNF_ENTRY){NNF_ACTIVATIONS(NNF_ACTIVATION_ENTRY)}, {NNF_ELEMENT_LOSSES(NNF_LOSS_ENTRY)}};
