// The table of vector kernels: what each instruction set must provide, and how the rest of the core finds it.
//
// A line in one of the lists NNF_<PART>_KERNELS makes a kernel's declaration, its slot in every instruction set's table
// and its dispatch; a line in NNF_ACTIVATIONS does the same for an activation function (forward and both backward
// forms), a line in NNF_ELEMENT_LOSSES for a loss that goes element by element. The signatures are the contracts in
// each family's header (kernels/<family>/contract.h).
//
// This header is compiled by the ISA files too, so it holds plain data only: no inline functions, no std::.
#ifndef NNF_KERNELS_REGISTRY_H
#define NNF_KERNELS_REGISTRY_H

#include "kernels/conv/contract.h"
#include "kernels/conv/depthwise_contract.h"
#include "kernels/conv/grouped_contract.h"
#include "kernels/dropout/contract.h"
#include "kernels/elementwise/contract.h"
#include "kernels/gemm/contract.h"
#include "kernels/layout/contract.h"
#include "kernels/loss/contract.h"
#include "kernels/norm/contract.h"
#include "kernels/optim/contract.h"
#include "kernels/peak/contract.h"
#include "kernels/pool/contract.h"
#include "kernels/softmax/contract.h"
#include "kernels/sparse/contract.h"

// A(name, ENUM): the functor act_<name> of kernels/elementwise/ (activation-inl.h, smooth-inl.h), NNF_ACT_<ENUM> of
// the C header.
#define NNF_ACTIVATIONS(A)      \
  A(identity, IDENTITY)         \
  A(sigmoid, SIGMOID)           \
  A(tanh, TANH)                 \
  A(relu, RELU)                 \
  A(leaky_relu, LEAKY_RELU)     \
  A(step, STEP)                 \
  A(hard_sigmoid, HARD_SIGMOID) \
  A(relu6, RELU6)               \
  A(elu, ELU)                   \
  A(selu, SELU)                 \
  A(gelu, GELU)                 \
  A(gelu_tanh, GELU_TANH)       \
  A(silu, SILU)                 \
  A(mish, MISH)                 \
  A(softplus, SOFTPLUS)         \
  A(softsign, SOFTSIGN)

// L(name, ENUM): the functor loss_<name> of kernels/loss/elementwise-inl.h, NNF_LOSS_<ENUM> of the C header.
#define NNF_ELEMENT_LOSSES(L)    \
  L(mse, MSE)                    \
  L(quadratic, QUADRATIC)        \
  L(l1, L1)                      \
  L(smooth_l1, SMOOTH_L1)        \
  L(huber, HUBER)                \
  L(hinge, HINGE)                \
  L(perceptron, PERCEPTRON)      \
  L(bce, BCE)                    \
  L(bce_logits, BCE_WITH_LOGITS) \
  L(kl_div, KL_DIV)              \
  L(poisson_nll, POISSON_NLL)

// K(name, Signature): the function template `name<T>` of the family's -inl.h with the type Signature<T>. A list a part
// of the tables; each is compiled by itself (kernels/isa/<part>.cpp), for one instruction set and dtype at a time: all
// in one file took five gigabytes and half as long again.
#define NNF_GEMM_KERNELS(K)             \
  K(gemm_micro, GemmMicroFn)            \
  K(gemm_pack_b, GemmPackFn)            \
  K(gemm_pack_strips, GemmPackStripsFn) \
  K(gemm_dots, GemmDotsFn)              \
  K(gemm_row, GemmRowFn)                \
  K(fma_rounds, FmaRoundsFn)

#define NNF_CONV_KERNELS(K)    \
  K(planar_rows, PlanarRowsFn) \
  K(overlap_row, OverlapRowFn) \
  K(planar_sums, PlanarSumsFn) \
  K(grouped_row, GroupedRowFn) \
  K(grouped_sums, GroupedSumsFn)

#define NNF_DEPTHWISE_KERNELS(K)                \
  K(depthwise_row, DepthwiseRowFn)              \
  K(depthwise_sums, DepthwiseSumsFn)            \
  K(depthwise_planes, DepthwisePlanesFn)        \
  K(depthwise_planes_gather, DepthwiseGatherFn) \
  K(depthwise_planes_sums, DepthwisePlaneSumsFn)

#define NNF_POOL_KERNELS(K)                                      \
  K(max_pool_nhwc, PoolRowFn)                                    \
  K(max_pool_nhwc_bytes, PoolBytePlacesFn)                       \
  K(max_pool_nhwc_wide, PoolWidePlacesFn)                        \
  K(max_pool_nhwc_bytes_backward, PoolBytePlacesBackwardFn)      \
  K(max_pool_nhwc_wide_backward, PoolWidePlacesBackwardFn)       \
  K(max_pool_nhwc_indices, PoolIndicesFn)                        \
  K(max_pool_nhwc_indices_backward, PoolIndicesBackwardFn)       \
  K(avg_pool_nhwc, PoolRowFn)                                    \
  K(avg_pool_nhwc_backward, PoolRowBackwardFn)                   \
  K(max_pool_planes, PoolPlanesFn)                               \
  K(max_pool_planes_backward, PoolPlanesBackwardFn)              \
  K(max_pool_planes_indices, PoolPlanesIndicesFn)                \
  K(max_pool_pairs_indices_backward, PoolPairsIndicesBackwardFn) \
  K(avg_pool_planes, PoolPlanesFn)                               \
  K(avg_pool_planes_backward, PoolPlanesBackwardFn)

#define NNF_ELEMENTWISE_KERNELS(K)               \
  K(bias_add_rows, BiasAddFn)                    \
  K(add_into, AddIntoFn)                         \
  K(add_runs, AddRunsFn)                         \
  K(scale_into, ScaleIntoFn)                     \
  K(column_sum, ColumnSumFn)                     \
  K(all_finite, AllFiniteFn)                     \
  K(softplus_array, SoftplusFn)                  \
  K(softplus_array_backward, SoftplusBackwardFn) \
  K(prelu_rows, PreluRowsFn)                     \
  K(prelu_rows_backward, PreluRowsBackwardFn)    \
  K(prelu_slope_sum, PreluSlopeSumFn)            \
  K(prelu_slope_columns, PreluSlopeColumnsFn)    \
  K(dropout_apply, DropoutFn)

#define NNF_ROWS_KERNELS(K)                            \
  K(softmax_rows, SoftmaxRowsFn)                       \
  K(softmax_rows_backward, SoftmaxRowsBackwardFn)      \
  K(softmax_rows_grad, SoftmaxRowsGradFn)              \
  K(cross_entropy_rows, CrossEntropyRowsFn)            \
  K(column_moments, ColumnMomentsFn)                   \
  K(column_affine, ColumnAffineFn)                     \
  K(column_grad_sums, ColumnGradSumsFn)                \
  K(column_norm_backward, ColumnNormBackwardFn)        \
  K(layer_norm_rows, LayerNormRowsFn)                  \
  K(layer_norm_rows_backward, LayerNormRowsBackwardFn) \
  K(transpose, TransposeFn)                            \
  K(convert, ConvertFn)                                \
  K(weighted_rows, WeightedRowsFn)                     \
  K(row_dots, RowDotsFn)

#define NNF_OPTIM_KERNELS(K)       \
  K(sgd_step, SgdFn)               \
  K(rmsprop_step, RmspropFn)       \
  K(adagrad_step, AdagradFn)       \
  K(adadelta_step, AdadeltaFn)     \
  K(adam_step, AdamFn)             \
  K(nadam_step, NadamFn)           \
  K(adam_replay, AdamReplayFn)     \
  K(sgd_replay, SgdReplayFn)       \
  K(absolute_sum_part, NormSumFn)  \
  K(square_sum_part, NormSumFn)    \
  K(penalty_slope, PenaltySlopeFn) \
  K(perceptron_pass, PerceptronFn)

namespace nnf {

#define NNF_FIELD(name, Signature) Signature<T> name;
template <class T>
struct GemmPart {
  GemmGeometry gemm;  // the microkernel's tile, for the blocking code
  NNF_GEMM_KERNELS(NNF_FIELD)
};
template <class T>
struct ConvPart {
  NNF_CONV_KERNELS(NNF_FIELD)
};
template <class T>
struct DepthwisePart {
  NNF_DEPTHWISE_KERNELS(NNF_FIELD)
};
template <class T>
struct PoolPart {
  NNF_POOL_KERNELS(NNF_FIELD)
};
template <class T>
struct ElementwisePart {
  NNF_ELEMENTWISE_KERNELS(NNF_FIELD)
  ActivationKernels<T> activation[kActivationCount];
  ElementLossKernels<T> element_loss[kElementLossCount];
};
template <class T>
struct RowsPart {
  NNF_ROWS_KERNELS(NNF_FIELD)
};
template <class T>
struct OptimPart {
  NNF_OPTIM_KERNELS(NNF_FIELD)
};
#undef NNF_FIELD

// P(Part, part, T, suffix, isa): the type, and the names of its file and of what the objects export,
// nnf_<part>_<suffix>_<isa>.
#define NNF_PARTS(P, T, suffix, isa)              \
  P(GemmPart, gemm, T, suffix, isa)               \
  P(ConvPart, conv, T, suffix, isa)               \
  P(DepthwisePart, depthwise, T, suffix, isa)     \
  P(PoolPart, pool, T, suffix, isa)               \
  P(ElementwisePart, elementwise, T, suffix, isa) \
  P(RowsPart, rows, T, suffix, isa)               \
  P(OptimPart, optim, T, suffix, isa)

template <class T>
struct KernelTable : GemmPart<T>,
                     ConvPart<T>,
                     DepthwisePart<T>,
                     PoolPart<T>,
                     ElementwisePart<T>,
                     RowsPart<T>,
                     OptimPart<T> {};

struct IsaTables {
  const char* name;  // "scalar", "avx2", "avx512", "neon"
  const KernelTable<float>* f32;
  const KernelTable<double>* f64;
};

}  // namespace nnf

#endif  // NNF_KERNELS_REGISTRY_H
