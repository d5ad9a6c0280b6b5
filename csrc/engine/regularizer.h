// Penalties and constraints of single parameter arrays: L1, L2, max-norm. Each acts on its own slice of the flat buffers.
#ifndef NNF_ENGINE_REGULARIZER_H
#define NNF_ENGINE_REGULARIZER_H

#include <vector>

#include "engine/parameters.h"

namespace nnf {

struct Regularizer {
  int index;  // of the parameter array
  double l1, l2, max_norm;
};

// l1 * sum |w| + l2 * sum w^2 over the arrays that have one.
template <class T>
double penalty(const std::vector<Regularizer>& list, const Parameters<T>& params);
// Its gradient, l1 * sign(w) + 2 * l2 * w, times `share`, added to theirs. by_row: but not to rows (ParamSpec) that have
// none yet.
template <class T>
void add_penalty_gradient(const std::vector<Regularizer>& list, const Parameters<T>& params, double share,
                          bool by_row);
// The weights into each output scaled down to the Euclidean norm max_norm. `norms` is room that is kept.
template <class T>
void apply_max_norm(const std::vector<Regularizer>& list, const Parameters<T>& params, std::vector<double>& norms);

}  // namespace nnf

#endif  // NNF_ENGINE_REGULARIZER_H
