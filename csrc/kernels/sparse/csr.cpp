// Matrices in compressed sparse rows; see csr.h.
#include "kernels/sparse/csr.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"

namespace nnf {
namespace {

long long wide(i64 n) { return static_cast<long long>(n); }

void check_index_size(const char* x, const char* part, int size) {
  if (size != 4 && size != 8) throw_invalid("%s: %s: expected integers of 4 or 8 bytes, got %d", x, part, size);
}

void check_place(const char* x, const char* part, const void* p, i64 count) {
  if (p == nullptr && count > 0) throw_invalid("%s: %s: expected %lld elements, got NULL", x, part, wide(count));
}

template <class I>
void check_indptr(const char* name, const I* indptr, i64 rows, i64 stored) {
  i64 before = 0;
  for (i64 i = 0; i <= rows; ++i) {
    const i64 here = static_cast<i64>(indptr[i]);
    if (here < before || here > stored) {
      throw_invalid("%s: indptr: expected numbers that rise from 0 to at most %lld, got %lld at place %lld", name,
                    wide(stored), wide(here), wide(i));
    }
    before = here;
  }
}

template <class I>
void check_indices(const char* name, const I* indices, i64 stored, i64 columns) {
  // No branch for each: the loop is a few numbers a cycle.
  constexpr i64 kBlock = 4096;
  for (i64 first = 0; first < stored; first += kBlock) {
    const i64 last = std::min(first + kBlock, stored);
    bool outside = false;
    for (i64 k = first; k < last; ++k) {
      outside |= static_cast<u64>(static_cast<i64>(indices[k])) >= static_cast<u64>(columns);
    }
    for (i64 k = first; outside && k < last; ++k) {
      const i64 column = static_cast<i64>(indices[k]);
      if (column >= 0 && column < columns) continue;
      throw_invalid("%s: indices: expected columns 0..%lld, got %lld at place %lld", name, wide(columns - 1),
                    wide(column), wide(k));
    }
  }
}

// f(first, last) with a pointer to indices of their own type.
template <class F>
void with_indices(const nnf_csr& x, F f) {
  x.indices_size == 4 ? f(static_cast<const std::int32_t*>(x.indices)) : f(static_cast<const i64*>(x.indices));
}

template <class F>
void with_data(const nnf_csr& x, F f) {
  x.type == NNF_F32 ? f(static_cast<const float*>(x.data)) : f(static_cast<const double*>(x.data));
}

}  // namespace

void check_csr(const char* name, const nnf_csr& x) {
  if (x.rows < 0 || x.columns < 0 || x.stored < 0) {
    throw_invalid("%s: expected sizes of at least 0, got a shape of (%lld, %lld) with %lld stored", name,
                  wide(x.rows), wide(x.columns), wide(x.stored));
  }
  check_index_size(name, "indices", x.indices_size);
  check_index_size(name, "indptr", x.indptr_size);
  if (x.type != NNF_F32 && x.type != NNF_F64) {
    throw_type("%s: data: expected NNF_F32 or NNF_F64, got %d", name, x.type);
  }
  check_place(name, "data", x.data, x.stored);
  check_place(name, "indices", x.indices, x.stored);
  check_place(name, "indptr", x.indptr, x.rows + 1);
  if (x.indptr_size == 4) {
    check_indptr(name, static_cast<const std::int32_t*>(x.indptr), x.rows, x.stored);
  } else {
    check_indptr(name, static_cast<const i64*>(x.indptr), x.rows, x.stored);
  }
  with_indices(x, [&](const auto* indices) { check_indices(name, indices, x.stored, x.columns); });
}

template <class T>
void read_stored(const nnf_csr& x, i64 k, i64 count, i64 width, T* values, i64* offsets) {
  with_data(x, [&](const auto* data) {
    for (i64 j = 0; j < count; ++j) values[j] = static_cast<T>(data[k + j]);
  });
  with_indices(x, [&](const auto* indices) {
    for (i64 j = 0; j < count; ++j) offsets[j] = static_cast<i64>(indices[k + j]) * width;
  });
}

template <class T>
void dense_rows(const CsrRows& rows, T* y) {
  const nnf_csr& x = *rows.x;
  parallel_for(rows.count, x.columns / 8 + 64, [&](i64 begin, i64 end) {
    for (i64 i = begin; i < end; ++i) {
      T* row = y + i * x.columns;
      std::fill(row, row + x.columns, T(0));
      with_data(x, [&](const auto* data) {
        with_indices(x, [&](const auto* indices) {
          for (i64 k = rows.begin(i); k < rows.end(i); ++k) row[indices[k]] += static_cast<T>(data[k]);
        });
      });
    }
  });
}

namespace {

// Sets the bit of every column with a number; returns how many numbers there are.
i64 mark_columns(const CsrRows& rows, std::vector<u64>& met) {
  const nnf_csr& x = *rows.x;
  i64 stored = 0;
  met.assign(static_cast<std::size_t>(ceil_div(x.columns, 64)), 0);
  with_indices(x, [&](const auto* indices) {
    for (i64 i = 0; i < rows.count; ++i) {
      const i64 end = rows.end(i);
      stored += end - rows.begin(i);
      for (i64 k = rows.begin(i); k < end; ++k) {
        met[static_cast<std::size_t>(indices[k]) / 64] |= u64{1} << (static_cast<u64>(indices[k]) % 64);
      }
    }
  });
  return stored;
}

void list_columns(const std::vector<u64>& met, std::vector<i64>& columns) {
  columns.clear();
  for (std::size_t word = 0; word < met.size(); ++word) {
    for (u64 bits = met[word]; bits != 0; bits &= bits - 1) {
      columns.push_back(static_cast<i64>(word) * 64 + __builtin_ctzll(bits));
    }
  }
}

}  // namespace

std::vector<i64> columns_of(const CsrRows& rows) {
  std::vector<u64> met;
  std::vector<i64> columns;
  mark_columns(rows, met);
  list_columns(met, columns);
  return columns;
}

template <class T>
void CsrColumns<T>::build(const CsrRows& rows, i64 width) {
  const nnf_csr& x = *rows.x;
  const i64 stored = mark_columns(rows, met_);
  if (stored > std::numeric_limits<std::int32_t>::max()) {
    throw_invalid("x: expected at most 2^31 - 1 stored numbers in a batch, got %lld", wide(stored));
  }
  list_columns(met_, columns_);
  place_.resize(at(std::max<i64>(x.columns, static_cast<i64>(place_.size()))), 0);
  starts_.resize(at(count() + 1));
  values_.resize(at(stored));
  offsets_.resize(at(stored));
  with_indices(x, [&](const auto* indices) {
    for (i64 i = 0; i < rows.count; ++i) {
      for (i64 k = rows.begin(i), end = rows.end(i); k < end; ++k) ++place_[static_cast<std::size_t>(indices[k])];
    }
    i64 place = 0;
    for (i64 j = 0; j < count(); ++j) {
      starts_[at(j)] = place;
      std::int32_t& here = place_[at(columns_[at(j)])];
      const std::int32_t size = here;
      here = static_cast<std::int32_t>(place);
      place += size;
    }
    starts_[at(count())] = place;
    with_data(x, [&](const auto* data) {
      for (i64 i = 0; i < rows.count; ++i) {
        for (i64 k = rows.begin(i), end = rows.end(i); k < end; ++k) {
          const std::size_t to = static_cast<std::size_t>(place_[static_cast<std::size_t>(indices[k])]++);
          values_[to] = static_cast<T>(data[k]);
          offsets_[to] = i * width;
        }
      }
    });
  });
  for (const i64 column : columns_) place_[at(column)] = 0;
}

template <class T>
void CsrCopy<T>::copy(const CsrRows& rows) {
  indptr_.assign(1, 0);
  for (i64 i = 0; i < rows.count; ++i) indptr_.push_back(indptr_.back() + rows.end(i) - rows.begin(i));
  const auto stored = static_cast<std::size_t>(indptr_.back());
  data_.resize(stored);
  indices_.resize(stored);
  for (i64 i = 0; i < rows.count; ++i) {
    const auto to = static_cast<std::size_t>(indptr_[static_cast<std::size_t>(i)]);
    read_stored(*rows.x, rows.begin(i), rows.end(i) - rows.begin(i), 1, data_.data() + to, indices_.data() + to);
  }
  matrix_.data = data_.data();
  matrix_.type = sizeof(T) == sizeof(float) ? NNF_F32 : NNF_F64;
  matrix_.indices = indices_.data();
  matrix_.indptr = indptr_.data();
  matrix_.indices_size = matrix_.indptr_size = 8;
  matrix_.stored = indptr_.back();
  matrix_.rows = rows.count;
  matrix_.columns = rows.x->columns;
}

#define NNF_INSTANTIATE(T)                                                      \
  template void read_stored<T>(const nnf_csr&, i64, i64, i64, T*, i64*);        \
  template void dense_rows<T>(const CsrRows&, T*);                              \
  template class CsrColumns<T>;                                                 \
  template class CsrCopy<T>;
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
