// Softmax and log_softmax of dense rows, and their gradients. The contract is in contract.h.
//
// A row is shifted by its maximum, so that exp neither overflows nor loses the largest term: the sum lies in 1..len.
// Rows that fit into two vectors stay in registers: one load, one store. Longer rows take three passes (maximum;
// exponentials and their sum; scaling), each over a row that the pass before has left in the cache.
//
// Special values follow from the arithmetic and agree with PyTorch: a NaN or +inf in a row makes the whole row NaN
// (inf - inf), and so does a row of nothing but -inf; a -inf beside finite values has probability 0.
//
// Elements that lie so far below the maximum that their exponential would be a denormal number (87 in float, 708 in
// double) have probability 0. A denormal costs a vector 70 ns instead of 2.5, and masked logits (-inf) would meet that
// on the way to their zero.
#ifndef NNF_KERNELS_SOFTMAX_SOFTMAX_INL_H
#define NNF_KERNELS_SOFTMAX_SOFTMAX_INL_H

#include "kernels/softmax/contract.h"
#include "simd/loop-inl.h"
#include "simd/math-inl.h"

namespace nnf {
namespace {

// log of the smallest normal number, rounded up: above it, x = n ln 2 + r gives a normal 2^n.
template <class T>
constexpr T kLogSmallest = T(-0x1.5d589ep6);  // -87.33654
template <>
constexpr double kLogSmallest<double> = -0x1.6232bdd7abcdp9;  // -708.3964
template <class T, int U>
constexpr T kLogSmallest<Wide<T, U>> = kLogSmallest<T>;

// exp(x) for x <= 0 or NaN; 0 below kLogSmallest. Cheaper than exp(x), which also takes care of large and denormal
// results. Max ULP: exp's.
template <class T>
NNF_INLINE Vec<T> exp_of_shifted(Vec<T> x) {
  const Vec<T> lowest = set1<T>(kLogSmallest<T>);
  const ExpParts<T> e = exp_parts(max(lowest, x), exp_unit<T>(0));  // in this order a NaN stays
  return select(lt(x, lowest), zero<T>(), fma(e.s, e.p, e.s));
}

template <class T>
NNF_INLINE Vec<T> minus_infinity() {
  return set1<T>(static_cast<T>(-__builtin_inf()));
}

// The largest element; anything when the row holds a NaN (the sum of exponentials is NaN then in any case).
template <class T>
NNF_INLINE T row_max(i64 len, const T* x) {
  constexpr i64 N = Vec<T>::N;
  Vec<T> a = minus_infinity<T>(), b = a, c = a, d = a;
  i64 i = 0;
  for (; i + 4 * N <= len; i += 4 * N) {
    a = max(a, load<T>(x + i));
    b = max(b, load<T>(x + i + N));
    c = max(c, load<T>(x + i + 2 * N));
    d = max(d, load<T>(x + i + 3 * N));
  }
  for (; i + N <= len; i += N) a = max(a, load<T>(x + i));
  if (i < len) {
    const FirstLanes<T> lanes{static_cast<int>(len - i)};
    b = max(b, lanes.or_else(lanes.load(x + i), minus_infinity<T>()));
  }
  return max_lane(max(max(a, b), max(c, d)));
}

// A row of V vectors, the last one partly filled, held in registers and shifted by its maximum; -inf in the lanes
// beyond the row, so that they add nothing to a sum of exponentials.
template <class T, int V>
struct ShortRow {
  Vec<T> v[V];

  // last: lanes of the last vector that belong to the row, 1..N
  NNF_INLINE T load_shifted(const T* x, int last) {
    constexpr int N = Vec<T>::N;
    const FirstLanes<T> lanes{last};
    for (int i = 0; i < V - 1; ++i) v[i] = nnf::load<T>(x + i * N);
    v[V - 1] = lanes.or_else(lanes.load(x + (V - 1) * N), minus_infinity<T>());
    Vec<T> m = v[0];
    for (int i = 1; i < V; ++i) m = max(m, v[i]);
    const T largest = max_lane(m);
    for (int i = 0; i < V; ++i) v[i] = v[i] - set1<T>(largest);
    return largest;
  }
  // e[i] = exp_of_shifted(v[i]); returns their sum.
  NNF_INLINE T exponentials(Vec<T>* e) const {
    for (int i = 0; i < V; ++i) e[i] = exp_of_shifted(v[i]);
    Vec<T> s = e[0];
    for (int i = 1; i < V; ++i) s = s + e[i];
    return sum(s);
  }
  NNF_INLINE static void store(T* y, const Vec<T>* e, int last) {
    constexpr int N = Vec<T>::N;
    for (int i = 0; i < V - 1; ++i) nnf::store(y + i * N, e[i]);
    store_n(y + (V - 1) * N, e[V - 1], last);
  }
};

template <class T, int V>
inline void softmax_short_rows(i64 rows, i64 len, const T* x, T* y) {
  const int last = static_cast<int>(len - (V - 1) * Vec<T>::N);
  for (i64 r = 0; r < rows; ++r) {
    ShortRow<T, V> row;
    Vec<T> e[V];
    row.load_shifted(x + r * len, last);
    const Vec<T> inverse = set1<T>(T(1)) / set1<T>(row.exponentials(e));
    for (int i = 0; i < V; ++i) e[i] = e[i] * inverse;
    row.store(y + r * len, e, last);
  }
}

// The logarithms of many rows' sums are taken together: a row's own would use one lane of a vector and take longer than
// everything else.
template <class T, int V>
inline void log_softmax_short_rows(i64 rows, i64 len, const T* x, T* y) {
  constexpr i64 kBlock = 64;
  T sums[kBlock];
  const int last = static_cast<int>(len - (V - 1) * Vec<T>::N);
  for (i64 r0 = 0; r0 < rows; r0 += kBlock) {
    const i64 block = rows - r0 < kBlock ? rows - r0 : kBlock;
    T* to = y + r0 * len;
    for (i64 b = 0; b < block; ++b) {
      ShortRow<T, V> row;
      Vec<T> e[V];
      row.load_shifted(x + (r0 + b) * len, last);
      sums[b] = row.exponentials(e);
      row.store(to + b * len, row.v, last);
    }
    T* s = sums;
    for_each_vector<T>(block, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { lanes.store(s + i, log(lanes.load(s + i))); });
    for (i64 b = 0; b < block; ++b) {
      const Vec<T> log_sum = set1<T>(sums[b]);
      T* row = to + b * len;
      for_each_vector<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
        lanes.store(row + i, lanes.load(row + i) - log_sum);
      });
    }
  }
}

// What the pass over a row's exponentials sums beside them: nothing, g times them, or g.
enum class AlsoSum { nothing, products, gradients };
template <class T>
struct RowSums {
  T e, also;
};

// The sum of e[i] = exp_of_shifted(x[i] - m) in blocks of 32 vectors, as tree_sum, several vectors at a time. They are
// stored in y unless that is null (y == x allowed). The next rows of x, y and g are fetched.
template <class T, AlsoSum kAlso = AlsoSum::nothing>
inline RowSums<T> exponentials_and_sums(i64 len, const T* x, T m, T* y, const T* g = nullptr) {
  constexpr bool kAny = kAlso != AlsoSum::nothing;
  constexpr int U = kMixedVectors == 1 ? 2 : 4;
  constexpr i64 N = Vec<T>::N, kLine = 64 / static_cast<i64>(sizeof(T));
  const auto term = [](auto gi, auto e) NNF_LAMBDA_INLINE { return kAlso == AlsoSum::products ? gi * e : gi; };
  const i64 ahead = next_row<T>(len);
  TreeSum<T> tree, also;
  for (i64 i = 0;;) {
    const i64 stop = len - i < 32 * N ? len : i + 32 * N;
    Vec<Wide<T, U>> sums = zero<Wide<T, U>>(), also_sums = sums;
    for (; i + U * N <= stop; i += U * N) {
      for (i64 j = 0; j < U * N; j += kLine) {
        fetch(x + ahead + i + j);
        if (y != nullptr) fetch(y + ahead + i + j);
        if constexpr (kAny) fetch(g + ahead + i + j);
      }
      const Vec<Wide<T, U>> e = exp_of_shifted(load_wide<U>(x + i) - set1<Wide<T, U>>(m));
      if constexpr (kAny) also_sums = also_sums + term(load_wide<U>(g + i), e);
      if (y != nullptr) store(y + i, e);
      sums = sums + e;
    }
    Vec<T> block = sums.part[0], also_block = also_sums.part[0];
    for (int u = 1; u < U; ++u) {
      block = block + sums.part[u];
      also_block = also_block + also_sums.part[u];
    }
    for (; i < stop; i += N) {
      const FirstLanes<T> lanes{static_cast<int>(stop - i < N ? stop - i : N)};
      const Vec<T> e = exp_of_shifted(lanes.or_else(lanes.load(x + i) - set1<T>(m), minus_infinity<T>()));
      if constexpr (kAny) also_block = also_block + term(lanes.load(g + i), e);
      if (y != nullptr) lanes.store(y + i, e);
      block = block + e;
    }
    if (i >= len) return {sum(tree.finish(block)), kAny ? sum(also.finish(also_block)) : T(0)};
    tree.push(block);
    if constexpr (kAny) also.push(also_block);
  }
}

template <class T, bool kLog>
inline void softmax_long_rows(i64 rows, i64 len, const T* x, T* y) {
  for (i64 r = 0; r < rows; ++r, x += len, y += len) {
    const T largest = row_max(len, x), s = exponentials_and_sums(len, x, largest, kLog ? nullptr : y).e;
    if constexpr (kLog) {
      const Vec<T> m = set1<T>(largest);
      const i64 ahead = next_row<T>(len);
      // Not x - (m + log s): the shift is exact or nearly so, and the sum would round to the precision of m.
      const Vec<T> log_sum = log(set1<T>(s));
      for_each_vector<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
        fetch(y + ahead + i);
        lanes.store(y + i, (lanes.load(x + i) - m) - log_sum);
      });
    } else {
      // One division a row; two roundings instead of one cost at most half an ULP more.
      const Vec<T> inverse = set1<T>(T(1) / s);
      for_each_vector<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
        lanes.store(y + i, lanes.load(y + i) * inverse);
      });
    }
  }
}

template <class T>
void softmax_rows(i64 rows, i64 len, const T* x, T* y, bool log) {
  constexpr i64 N = Vec<T>::N;
  if (len <= 0) return;
  if (log) {
    if (len <= N) return log_softmax_short_rows<T, 1>(rows, len, x, y);
    if (len <= 2 * N) return log_softmax_short_rows<T, 2>(rows, len, x, y);
    softmax_long_rows<T, true>(rows, len, x, y);
  } else {
    if (len <= N) return softmax_short_rows<T, 1>(rows, len, x, y);
    if (len <= 2 * N) return softmax_short_rows<T, 2>(rows, len, x, y);
    softmax_long_rows<T, false>(rows, len, x, y);
  }
}

template <class T>
void softmax_rows_backward(i64 rows, i64 len, const T* g, const T* y, T* gx, bool log) {
  const i64 ahead = next_row<T>(len);
  for (i64 r = 0; r < rows; ++r, g += len, y += len, gx += len) {
    if (log) {
      const Vec<T> s = set1<T>(
          tree_sum<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { return lanes.load(g + i); }));
      for_each_vector<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
        fetch(g + ahead + i);
        fetch(y + ahead + i);
        lanes.store(gx + i, fnma(exp_of_shifted(lanes.load(y + i)), s, lanes.load(g + i)));
      });
    } else {
      const Vec<T> s = set1<T>(tree_sum<T>(
          len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { return lanes.load(g + i) * lanes.load(y + i); }));
      for_each_vector<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
        fetch(g + ahead + i);
        fetch(y + ahead + i);
        lanes.store(gx + i, lanes.load(y + i) * (lanes.load(g + i) - s));
      });
    }
  }
}

// gx = p (g - sum(g p)) or g - p sum(g) with p = e / sum(e). Products of a row's sums, one division a row.
template <class T, bool kLog>
inline void softmax_rows_grad_kind(i64 rows, i64 len, const T* g, const T* x, T* e, i64 e_step, T* gx) {
  constexpr AlsoSum kAlso = kLog ? AlsoSum::gradients : AlsoSum::products;
  for (i64 r = 0; r < rows; ++r, g += len, x += len, e += e_step, gx += len) {
    const RowSums<T> sums = exponentials_and_sums<T, kAlso>(len, x, row_max(len, x), e, g);
    const T inverse = T(1) / sums.e;
    const Vec<T> scale = set1<T>(inverse), s = set1<T>(kLog ? sums.also : sums.also * inverse);
    for_each_vector<T>(len, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      const Vec<T> p = lanes.load(e + i) * scale, gi = lanes.load(g + i);
      lanes.store(gx + i, kLog ? fnma(p, s, gi) : p * (gi - s));
    });
  }
}

template <class T>
void softmax_rows_grad(i64 rows, i64 len, const T* g, const T* x, T* e, i64 e_step, T* gx, bool log) {
  if (len <= 0) return;
  if (log) return softmax_rows_grad_kind<T, true>(rows, len, g, x, e, e_step, gx);
  softmax_rows_grad_kind<T, false>(rows, len, g, x, e, e_step, gx);
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_SOFTMAX_SOFTMAX_INL_H
