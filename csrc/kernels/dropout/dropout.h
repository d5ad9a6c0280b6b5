// Dropout over whole arrays: threading around the kernel of contract.h.
#ifndef NNF_KERNELS_DROPOUT_DROPOUT_H
#define NNF_KERNELS_DROPOUT_DROPOUT_H

#include "kernels/dropout/contract.h"

namespace nnf {

// y == x allowed; 0 <= p <= 1 (checked). p == 0 copies, p == 1 writes zeros.
template <class T>
void dropout(double p, const DropoutKey& key, i64 first, i64 n, const T* x, T* y);

}  // namespace nnf

#endif  // NNF_KERNELS_DROPOUT_DROPOUT_H
