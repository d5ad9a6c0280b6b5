// L1 and L2 penalties of an array and their gradient: threading around the kernels of contract.h.
#ifndef NNF_KERNELS_OPTIM_PENALTY_H
#define NNF_KERNELS_OPTIM_PENALTY_H

#include "kernels/optim/contract.h"

namespace nnf {

// sum |w|: chunks in T, the chunks' sums in double, in an order fixed by n.
template <class T>
double absolute_sum(i64 n, const T* w);
// sum w^2, likewise.
template <class T>
double square_sum(i64 n, const T* w);
// g += l1 * sign(w) + slope * w
template <class T>
void add_penalty_slope(i64 n, const T* w, double l1, double slope, T* g);

}  // namespace nnf

#endif  // NNF_KERNELS_OPTIM_PENALTY_H
