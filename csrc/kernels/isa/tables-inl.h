// Instantiates every kernel for the instruction set whose Vec was included before, and fills its tables.
// Included last by each <isa>.cpp, which defines NNF_ISA_NAME. All but the tables stays in anonymous namespaces.
#include "kernels/conv/depthwise-inl.h"
#include "kernels/conv/depthwise_planes-inl.h"
#include "kernels/conv/grouped-inl.h"
#include "kernels/conv/overlap-inl.h"
#include "kernels/conv/planar-inl.h"
#include "kernels/dropout/dropout-inl.h"
#include "kernels/elementwise/activation-inl.h"
#include "kernels/elementwise/prelu-inl.h"
#include "kernels/elementwise/rows-inl.h"
#include "kernels/elementwise/smooth-inl.h"
#include "kernels/gemm/gemm-inl.h"
#include "kernels/layout/transpose-inl.h"
#include "kernels/loss/cross_entropy-inl.h"
#include "kernels/loss/elementwise-inl.h"
#include "kernels/norm/norm-inl.h"
#include "kernels/optim/optim-inl.h"
#include "kernels/optim/replay-inl.h"
#include "kernels/peak/peak-inl.h"
#include "kernels/pool/planes_indices-inl.h"
#include "kernels/pool/pool-inl.h"
#include "kernels/pool/pool_backward-inl.h"
#include "kernels/registry.h"
#include "kernels/softmax/softmax-inl.h"
#include "kernels/sparse/sparse-inl.h"

namespace nnf {
namespace {

template <class T>
constexpr KernelTable<T> make_table() {
  return KernelTable<T>{
      kGemmGeometry<T>,
#define NNF_ENTRY(name, Signature) &name<T>,
      NNF_KERNELS(NNF_ENTRY)
#undef NNF_ENTRY
      {
#define NNF_ENTRY(name, ENUM) make_activation<T, act_##name>(),
          NNF_ACTIVATIONS(NNF_ENTRY)
#undef NNF_ENTRY
      },
      {
#define NNF_ENTRY(name, ENUM) make_element_loss<T, loss_##name>(),
          NNF_ELEMENT_LOSSES(NNF_ENTRY)
#undef NNF_ENTRY
      }};
}

constexpr KernelTable<float> kTableF32 = make_table<float>();
constexpr KernelTable<double> kTableF64 = make_table<double>();

}  // namespace

#define NNF_CONCAT2(a, b) a##b
#define NNF_CONCAT(a, b) NNF_CONCAT2(a, b)
#define NNF_STRING2(a) #a
#define NNF_STRING(a) NNF_STRING2(a)

extern "C" const IsaTables NNF_CONCAT(nnf_tables_, NNF_ISA_NAME) = {NNF_STRING(NNF_ISA_NAME), &kTableF32, &kTableF64};

}  // namespace nnf
