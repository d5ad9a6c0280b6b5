// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11): the counter RNG
// behind dropout, one block at a time. The vector form lives in kernels/dropout.
#ifndef NNF_BASE_PHILOX_H
#define NNF_BASE_PHILOX_H

#include "base/types.h"

namespace nnf {

constexpr u32 kPhiloxM0 = 0xD2511F53u, kPhiloxM1 = 0xCD9E8D57u;
constexpr u32 kPhiloxW0 = 0x9E3779B9u, kPhiloxW1 = 0xBB67AE85u;
constexpr int kPhiloxRounds = 10;

}  // namespace nnf

#endif  // NNF_BASE_PHILOX_H
