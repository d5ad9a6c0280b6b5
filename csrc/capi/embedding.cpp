// The C interface of embeddings: indices are checked before anything is written.
#include "capi/arguments.h"
#include "capi/guard.h"
#include "kernels/embedding/embedding.h"

namespace {

using nnf::i64;

void check(const char* function, i64 count, i64 rows, i64 dim, const int64_t* indices) {
  nnf::require_size(function, "count", count);
  nnf::require_size(function, "rows", rows);
  nnf::require_size(function, "dim", dim);
  nnf::require_array(function, "indices", indices, count);
  const i64 bad = nnf::first_index_outside(count, indices, rows);
  if (bad >= 0) {
    nnf::throw_invalid("%s: indices: expected 0..%lld, got %lld", function, static_cast<long long>(rows - 1),
                       static_cast<long long>(indices[bad]));
  }
}

}  // namespace

extern "C" {

nnf_status nnf_embedding(nnf_dtype dt, int64_t count, int64_t rows, int64_t dim, const int64_t* indices,
                         const void* weight, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check("embedding", count, rows, dim, indices);
    nnf::require_array("embedding", "weight", weight, rows * dim);
    nnf::require_array("embedding", "y", y, count * dim);
    nnf::embedding_forward<T>(count, dim, indices, static_cast<const T*>(weight), static_cast<T*>(y));
  });
}

nnf_status nnf_embedding_backward(nnf_dtype dt, int64_t count, int64_t rows, int64_t dim, const int64_t* indices,
                                  int64_t padding, const void* g, void* gweight) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    check("embedding_backward", count, rows, dim, indices);
    nnf::require_array("embedding_backward", "g", g, count * dim);
    nnf::require_array("embedding_backward", "gweight", gweight, rows * dim);
    nnf::embedding_backward<T>(count, rows, dim, indices, padding, static_cast<const T*>(g), static_cast<T*>(gweight),
                               false);
  });
}

}  // extern "C"
