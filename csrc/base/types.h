// Small types every layer shares. Not a place for helpers: a type only belongs here when base, simd, kernels
// and engine all name it.
#ifndef NNF_BASE_TYPES_H
#define NNF_BASE_TYPES_H

#include <cstddef>
#include <cstdint>

namespace nnf {

using i64 = std::int64_t;
using u64 = std::uint64_t;
using u32 = std::uint32_t;

}  // namespace nnf

#endif  // NNF_BASE_TYPES_H
