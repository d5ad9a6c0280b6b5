// Softmax with cross-entropy over rows of logits: values and gradients together. The contract is in contract.h; class
// weights, smoothing and what is ignored are the driver's (classes.cpp).
//
// With m = max x, s = sum exp(x - m), t the target (one-hot or given):
//   loss = log(s) * sum(t) - sum(t * (x - m))       which is logsumexp(x) * sum(t) - sum(t * x)
//   gx   = scale * (exp(x - m) / s * sum(t) - t)
// Both use shifted logits only, so logits of any size neither overflow nor cost precision. Infinite and NaN logits
// behave as in kernels/softmax: they make the row's loss and gradient NaN, -inf beside finite logits excepted.
#ifndef NNF_KERNELS_LOSS_CROSS_ENTROPY_INL_H
#define NNF_KERNELS_LOSS_CROSS_ENTROPY_INL_H

#include "kernels/loss/contract.h"
#include "kernels/softmax/softmax-inl.h"

namespace nnf {
namespace {

// Rows whose logarithms are taken together, a vector at a time.
constexpr i64 kLossRows = 64;

// What a block of rows leaves for its losses: loss = log(s) * t - tx.
template <class T>
struct LossTerms {
  T s[kLossRows];   // sum exp(x - m)
  T t[kLossRows];   // sum t
  T tx[kLossRows];  // sum t * (x - m)

  NNF_INLINE void finish(i64 rows, T* loss) const {
    const T *sums = s, *targets = t, *products = tx;
    for_each_vector<T>(rows, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      lanes.store(loss + i, log(lanes.load(sums + i)) * lanes.load(targets + i) - lanes.load(products + i));
    });
  }
};

template <class T>
NNF_INLINE i64 clamp_lanes(i64 n) {
  return n < 0 ? 0 : n > Vec<T>::N ? Vec<T>::N : n;
}

// Rows of V vectors at most, in registers (see ShortRow). labels or probs, as in the contract.
template <class T, int V, bool kLabels>
inline void cross_entropy_short_rows(i64 rows, i64 classes, const T* x, const i64* labels, const T* probs, T* loss,
                                     const T* scale, i64 scale_stride, T* gx) {
  constexpr int N = Vec<T>::N;
  const int last = static_cast<int>(classes - (V - 1) * N);
  const FirstLanes<T> last_lanes{last};
  const Vec<T> one = set1<T>(T(1));
  LossTerms<T> terms;
  for (i64 r0 = 0; r0 < rows; r0 += kLossRows) {
    const i64 block = rows - r0 < kLossRows ? rows - r0 : kLossRows;
    for (i64 b = 0; b < block; ++b) {
      const i64 r = r0 + b;
      const T* xr = x + r * classes;
      ShortRow<T, V> row;
      Vec<T> e[V], t[V];
      const T largest = row.load_shifted(xr, last);
      terms.s[b] = row.exponentials(e);
      if constexpr (kLabels) {
        const i64 label = labels[r];
        terms.t[b] = T(1);
        terms.tx[b] = xr[label] - largest;
        for (int i = 0; i < V; ++i) {
          const Mask<T> upto = first_n<T>(clamp_lanes<T>(label + 1 - i * N));
          const Mask<T> below = first_n<T>(clamp_lanes<T>(label - i * N));
          t[i] = select(below, zero<T>(), select(upto, one, zero<T>()));
        }
      } else {
        const T* tr = probs + r * classes;
        for (int i = 0; i < V - 1; ++i) t[i] = load<T>(tr + i * N);
        t[V - 1] = last_lanes.load(tr + (V - 1) * N);
        Vec<T> st = t[0];
        for (int i = 1; i < V; ++i) st = st + t[i];
        // The lanes beyond the row hold t = 0 and x = -inf; their product would be NaN.
        Vec<T> stx = last_lanes.or_else(t[V - 1] * row.v[V - 1], zero<T>());
        for (int i = 0; i < V - 1; ++i) stx = stx + t[i] * row.v[i];
        terms.t[b] = sum(st);
        terms.tx[b] = sum(stx);
      }
      if (gx != nullptr) {
        const Vec<T> inverse = one / set1<T>(terms.s[b]);
        const Vec<T> total = set1<T>(terms.t[b]), k = set1<T>(scale[r * scale_stride]);
        for (int i = 0; i < V; ++i) e[i] = (e[i] * inverse * total - t[i]) * k;
        row.store(gx + r * classes, e, last);
      }
    }
    if (loss != nullptr) terms.finish(block, loss + r0);
  }
}

// One long row: fills terms[b], writes gx unless it is null.
template <class T>
inline void cross_entropy_long_row(i64 classes, const T* x, const i64* label, const T* probs, T scale, T* gx,
                                   LossTerms<T>* terms, i64 b) {
  const T largest = row_max(classes, x);
  if (probs != nullptr) {
    const Vec<T> m = set1<T>(largest);
    terms->t[b] = tree_sum<T>(classes, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE { return lanes.load(probs + i); });
    terms->tx[b] = tree_sum<T>(classes, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      return lanes.or_else(lanes.load(probs + i) * (lanes.load(x + i) - m), zero<T>());
    });
  } else {
    terms->t[b] = T(1);
    terms->tx[b] = x[*label] - largest;
  }
  // From here on x may be overwritten: gx == x.
  const T s = exponentials_and_sums(classes, x, largest, gx).e;
  terms->s[b] = s;
  if (gx == nullptr) return;
  const T inverse = T(1) / s;
  const Vec<T> vi = set1<T>(inverse), k = set1<T>(scale);
  if (probs != nullptr) {
    const Vec<T> total = set1<T>(terms->t[b]);
    for_each_vector<T>(classes, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      lanes.store(gx + i, (lanes.load(gx + i) * vi * total - lanes.load(probs + i)) * k);
    });
  } else {
    const T at_label = (gx[*label] * inverse - T(1)) * scale;
    for_each_vector<T>(classes, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      lanes.store(gx + i, lanes.load(gx + i) * vi * k);
    });
    gx[*label] = at_label;
  }
}

template <class T, int V>
inline void cross_entropy_short(i64 rows, i64 classes, const T* x, const i64* labels, const T* probs, T* loss,
                                const T* scale, i64 scale_stride, T* gx) {
  if (labels != nullptr) {
    cross_entropy_short_rows<T, V, true>(rows, classes, x, labels, probs, loss, scale, scale_stride, gx);
  } else {
    cross_entropy_short_rows<T, V, false>(rows, classes, x, labels, probs, loss, scale, scale_stride, gx);
  }
}

template <class T>
void cross_entropy_rows(i64 rows, i64 classes, const T* x, const i64* labels, const T* probs, T* loss,
                        const T* scale, i64 scale_stride, T* gx) {
  constexpr i64 N = Vec<T>::N;
  if (classes <= 0) return;
  if (classes <= N) {
    return cross_entropy_short<T, 1>(rows, classes, x, labels, probs, loss, scale, scale_stride, gx);
  }
  if (classes <= 2 * N) {
    return cross_entropy_short<T, 2>(rows, classes, x, labels, probs, loss, scale, scale_stride, gx);
  }
  LossTerms<T> terms;
  for (i64 r0 = 0; r0 < rows; r0 += kLossRows) {
    const i64 block = rows - r0 < kLossRows ? rows - r0 : kLossRows;
    for (i64 b = 0; b < block; ++b) {
      const i64 r = r0 + b;
      cross_entropy_long_row<T>(classes, x + r * classes, labels != nullptr ? labels + r : nullptr,
                                probs != nullptr ? probs + r * classes : nullptr,
                                gx != nullptr ? scale[r * scale_stride] : T(0),
                                gx != nullptr ? gx + r * classes : nullptr, &terms, b);
    }
    if (loss != nullptr) terms.finish(block, loss + r0);
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_LOSS_CROSS_ENTROPY_INL_H
