// Penalties and constraints; see regularizer.h.
#include "engine/regularizer.h"

#include <algorithm>
#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/optim/penalty.h"

namespace nnf {
namespace {

// What max-norm limits: the weights into output i are those with index i along `axis`, and a transposed convolution's
// groups of inputs have outputs of their own.
struct Outputs {
  std::size_t axis;
  i64 count, inputs;  // outputs altogether; inputs a group
};

Outputs outputs_of(const ParamSpec& spec) {
  const i64 groups = spec.transposed_groups;
  if (groups == 0) return {0, spec.shape[0], 0};
  return {1, groups * spec.shape[1], spec.shape[0] / groups};
}

// Calls f(offset, first) for every run along the outputs' axis: where it starts, and the number of its first output.
template <class F>
void for_each_run(const ParamSpec& spec, const Outputs& o, F f) {
  const std::size_t nd = spec.shape.size();
  i64 runs = 1;
  for (std::size_t d = 0; d < nd; ++d) runs *= d == o.axis ? 1 : spec.shape[d];
  for (i64 r = 0; r < runs; ++r) {
    i64 rest = r, offset = 0, index = 0;
    for (std::size_t d = nd; d-- > 0;) {
      if (d == o.axis) continue;
      index = rest % spec.shape[d];
      offset += index * spec.strides[d];
      rest /= spec.shape[d];
    }
    // The last index met is that of the first axis, unless that is the outputs' own.
    f(offset, o.axis == 0 ? 0 : index / o.inputs * spec.shape[1]);
  }
}

}  // namespace

template <class T>
double penalty(const std::vector<Regularizer>& list, const Parameters<T>& params) {
  double total = 0;
  for (const Regularizer& r : list) {
    if (r.l1 == 0 && r.l2 == 0) continue;
    const ParamEntry& e = params.entries()[static_cast<std::size_t>(r.index)];
    const T* w = params.values() + e.offset;
    // An option that is off must not turn an infinite weight into NaN.
    if (r.l1 != 0) total += r.l1 * absolute_sum<T>(e.spec.size, w);
    if (r.l2 != 0) total += r.l2 * square_sum<T>(e.spec.size, w);
  }
  return total;
}

template <class T>
void add_penalty_gradient(const std::vector<Regularizer>& list, const Parameters<T>& params, double share,
                          bool by_row) {
  for (const Regularizer& r : list) {
    if (r.l1 == 0 && r.l2 == 0) continue;
    const ParamEntry& e = params.entries()[static_cast<std::size_t>(r.index)];
    const T* w = params.values() + e.offset;
    T* const g = params.gradients() + e.offset;
    const bool some = by_row && e.spec.row_size > 0;
    const i64 size = some ? e.spec.row_size : e.spec.size;
    for (i64 i = 0; i < e.spec.size; i += size) {
      if (some && kernels<T>().absolute_sum_part(size, g + i) == T(0)) continue;
      add_penalty_slope<T>(size, w + i, share * r.l1, 2.0 * share * r.l2, g + i);
    }
  }
}

template <class T>
void apply_max_norm(const std::vector<Regularizer>& list, const Parameters<T>& params, std::vector<double>& norms) {
  for (const Regularizer& r : list) {
    if (r.max_norm == 0) continue;
    const ParamEntry& e = params.entries()[static_cast<std::size_t>(r.index)];
    T* w = params.values() + e.offset;
    const Outputs outputs = outputs_of(e.spec);
    const i64 length = e.spec.shape[outputs.axis], stride = e.spec.strides[outputs.axis];
    norms.assign(static_cast<std::size_t>(outputs.count), 0.0);
    for_each_run(e.spec, outputs, [&](i64 offset, i64 first) {
      for (i64 s = 0; s < length; ++s) {
        const double value = static_cast<double>(w[offset + s * stride]);
        norms[static_cast<std::size_t>(first + s)] += value * value;
      }
    });
    bool any = false;
    for (double& norm : norms) {
      norm = std::sqrt(norm);
      const bool over = norm > r.max_norm;
      any = any || over;
      norm = over ? r.max_norm / norm : 1.0;  // the factor from here on
    }
    if (!any) continue;
    for_each_run(e.spec, outputs, [&](i64 offset, i64 first) {
      for (i64 s = 0; s < length; ++s) {
        T& value = w[offset + s * stride];
        value = static_cast<T>(static_cast<double>(value) * norms[static_cast<std::size_t>(first + s)]);
      }
    });
  }
}

#define NNF_INSTANTIATE(T)                                                                       \
  template double penalty<T>(const std::vector<Regularizer>&, const Parameters<T>&);             \
  template void add_penalty_gradient<T>(const std::vector<Regularizer>&, const Parameters<T>&, double,    \
                                        bool);                                                     \
  template void apply_max_norm<T>(const std::vector<Regularizer>&, const Parameters<T>&, std::vector<double>&);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
