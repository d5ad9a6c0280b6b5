// Checks of plain arguments at the C border. Each names the function and the argument, what was expected and what came;
// all throw Error(invalid_value).
#ifndef NNF_CAPI_ARGUMENTS_H
#define NNF_CAPI_ARGUMENTS_H

#include <cmath>

#include "base/error.h"
#include "base/types.h"
#include "nnfast/nnfast.h"

namespace nnf {

inline void require_size(const char* function, const char* name, i64 n) {
  if (n < 0) {
    throw_invalid("%s: %s: expected a size of at least 0, got %lld", function, name, static_cast<long long>(n));
  }
}

// An array of n elements; without elements it may be NULL.
inline void require_array(const char* function, const char* name, const void* p, i64 n) {
  if (p == nullptr && n > 0) {
    throw_invalid("%s: %s: expected an array of %lld elements, got NULL", function, name, static_cast<long long>(n));
  }
}

inline void require_finite(const char* function, const char* name, double x) {
  if (!std::isfinite(x)) throw_invalid("%s: %s: expected a finite number, got %g", function, name, x);
}

inline void require_not_negative(const char* function, const char* name, double x) {
  if (!(std::isfinite(x) && x >= 0)) {
    throw_invalid("%s: %s: expected a finite number of at least 0, got %g", function, name, x);
  }
}

// A decay factor: 0 <= x < 1.
inline void require_factor(const char* function, const char* name, double x) {
  if (!(x >= 0 && x < 1)) throw_invalid("%s: %s: expected 0 <= %s < 1, got %g", function, name, name, x);
}

inline void require_activation(const char* function, nnf_activation act) {
  const int value = static_cast<int>(act);
  if (value < 0 || value >= NNF_ACT_COUNT) {
    throw_invalid("%s: act: expected an nnf_activation from 0 to %d, got %d", function, NNF_ACT_COUNT - 1, value);
  }
}

}  // namespace nnf

#endif  // NNF_CAPI_ARGUMENTS_H
