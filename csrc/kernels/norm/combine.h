// Moments of a whole from the moments of its pieces, in double (Chan, Golub, LeVeque 1983, the updating formula).
#ifndef NNF_KERNELS_NORM_COMBINE_H
#define NNF_KERNELS_NORM_COMBINE_H

#include "base/types.h"

namespace nnf {

// Rows of a piece: its two passes find it in the cache, and its sums are short.
constexpr i64 kMomentRows = 256;

struct Moments {
  double count = 0, mean = 0, m2 = 0;

  void add(double n, double piece_mean, double piece_m2) {
    const double whole = count + n, d = piece_mean - mean;
    mean += d * (n / whole);
    m2 += piece_m2 + d * d * (count * n / whole);
    count = whole;
  }
};

}  // namespace nnf

#endif  // NNF_KERNELS_NORM_COMBINE_H
