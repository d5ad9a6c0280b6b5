// Matrices in compressed sparse rows as the core reads them: checks, chosen rows, and a batch by its columns.
//
// What this is: everything that knows how a nnf_csr lies in memory. What it is not: products (sparse_linear.h).
#ifndef NNF_KERNELS_SPARSE_CSR_H
#define NNF_KERNELS_SPARSE_CSR_H

#include <vector>

#include "base/types.h"
#include "nnfast/nnfast.h"

namespace nnf {

// Throws Error(invalid_value) naming what does not fit: sizes, NULLs, indptr that falls, columns outside the matrix.
// `name`: what the message calls the matrix, "sparse_linear: x".
void check_csr(const char* name, const nnf_csr& x);

// Rows order[first..first+count-1] of a matrix (order null: rows first.. themselves), both checked.
struct CsrRows {
  const nnf_csr* x;
  const i64* order;
  i64 first, count;

  i64 row(i64 i) const { return order != nullptr ? order[first + i] : first + i; }
  i64 begin(i64 i) const { return indptr(row(i)); }
  i64 end(i64 i) const { return indptr(row(i) + 1); }

 private:
  i64 indptr(i64 r) const {
    return x->indptr_size == 4 ? static_cast<const std::int32_t*>(x->indptr)[r] : static_cast<const i64*>(x->indptr)[r];
  }
};

// Stored numbers k..k+count-1 as T, and where the rows of their columns begin in a table of that width.
template <class T>
void read_stored(const nnf_csr& x, i64 k, i64 count, i64 width, T* values, i64* offsets);

// y (count, columns) = those rows, dense.
template <class T>
void dense_rows(const CsrRows& rows, T* y);

// A batch by its columns: of each that has numbers, ascending, these and the rows they stand in, in the rows' order.
// Room is kept from one batch to the next.
template <class T>
class CsrColumns {
 public:
  // `width`: what one row of the batch stands for in the table of rows that `offsets` index.
  void build(const CsrRows& rows, i64 width);
  i64 count() const { return static_cast<i64>(columns_.size()); }
  i64 column(i64 j) const { return columns_[at(j)]; }
  i64 size(i64 j) const { return starts_[at(j) + 1] - starts_[at(j)]; }
  i64 stored() const { return starts_.back(); }
  const T* values(i64 j) const { return values_.data() + starts_[at(j)]; }
  const i64* offsets(i64 j) const { return offsets_.data() + starts_[at(j)]; }  // row * width

 private:
  static std::size_t at(i64 i) { return static_cast<std::size_t>(i); }
  std::vector<std::int32_t> place_;  // of every column: how many numbers, then where its next goes; 0 between builds
  std::vector<u64> met_;             // a bit a column
  std::vector<i64> columns_, starts_, offsets_;
  std::vector<T> values_;
};

// The columns that any stored number of these rows lies in, ascending.
std::vector<i64> columns_of(const CsrRows& rows);

// The rows of a matrix in memory of our own, for those who need them after the caller's may be gone.
template <class T>
class CsrCopy {
 public:
  void copy(const CsrRows& rows);
  const nnf_csr& matrix() const { return matrix_; }

 private:
  std::vector<T> data_;
  std::vector<i64> indices_, indptr_;
  nnf_csr matrix_{};
};

}  // namespace nnf

#endif  // NNF_KERNELS_SPARSE_CSR_H
