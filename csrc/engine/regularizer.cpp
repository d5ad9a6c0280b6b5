// Penalties and constraints; see regularizer.h. Sums are taken in double, in the order of memory, by one thread: a few
// layers' weights once a step.
#include "engine/regularizer.h"

#include <cmath>

namespace nnf {
namespace {

// Calls f(offset) for the start of every run along the first axis: all indices of the other axes.
template <class F>
void for_each_run(const ParamSpec& spec, F f) {
  const std::size_t nd = spec.shape.size();
  i64 runs = 1;
  for (std::size_t d = 1; d < nd; ++d) runs *= spec.shape[d];
  for (i64 r = 0; r < runs; ++r) {
    i64 rest = r, offset = 0;
    for (std::size_t d = nd; d-- > 1;) {
      offset += rest % spec.shape[d] * spec.strides[d];
      rest /= spec.shape[d];
    }
    f(offset);
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
    double absolute = 0, square = 0;
    for (i64 i = 0; i < e.spec.size; ++i) {
      const double value = static_cast<double>(w[i]);
      absolute += std::fabs(value);
      square += value * value;
    }
    // An option that is off must not turn an infinite weight into NaN.
    if (r.l1 != 0) total += r.l1 * absolute;
    if (r.l2 != 0) total += r.l2 * square;
  }
  return total;
}

template <class T>
void add_penalty_gradient(const std::vector<Regularizer>& list, const Parameters<T>& params) {
  for (const Regularizer& r : list) {
    if (r.l1 == 0 && r.l2 == 0) continue;
    const ParamEntry& e = params.entries()[static_cast<std::size_t>(r.index)];
    const T* w = params.values() + e.offset;
    T* g = params.gradients() + e.offset;
    const T l1 = static_cast<T>(r.l1), slope = static_cast<T>(2.0 * r.l2);
    for (i64 i = 0; i < e.spec.size; ++i) {
      const T sign = static_cast<T>((w[i] > T{0}) - (w[i] < T{0}));
      g[i] += l1 * sign + slope * w[i];
    }
  }
}

template <class T>
void apply_max_norm(const std::vector<Regularizer>& list, const Parameters<T>& params, std::vector<double>& norms) {
  for (const Regularizer& r : list) {
    if (r.max_norm == 0) continue;
    const ParamEntry& e = params.entries()[static_cast<std::size_t>(r.index)];
    T* w = params.values() + e.offset;
    const i64 slices = e.spec.shape[0], stride = e.spec.strides[0];
    norms.assign(static_cast<std::size_t>(slices), 0.0);
    for_each_run(e.spec, [&](i64 offset) {
      for (i64 s = 0; s < slices; ++s) {
        const double value = static_cast<double>(w[offset + s * stride]);
        norms[static_cast<std::size_t>(s)] += value * value;
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
    for_each_run(e.spec, [&](i64 offset) {
      for (i64 s = 0; s < slices; ++s) {
        T& value = w[offset + s * stride];
        value = static_cast<T>(static_cast<double>(value) * norms[static_cast<std::size_t>(s)]);
      }
    });
  }
}

#define NNF_INSTANTIATE(T)                                                                       \
  template double penalty<T>(const std::vector<Regularizer>&, const Parameters<T>&);             \
  template void add_penalty_gradient<T>(const std::vector<Regularizer>&, const Parameters<T>&);  \
  template void apply_max_norm<T>(const std::vector<Regularizer>&, const Parameters<T>&, std::vector<double>&);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
