// The losses that go element by element: blocks, threads, the layout of the weights, and the reduction. The vector code
// is in elementwise-inl.h.
//
// Every reduction has an order fixed by the shape: the vector code sums a block in its own tree, the blocks' sums are
// added pairwise in double. So a float32 mean over a million elements is right to about an ULP.
#include "base/error.h"
#include "kernels/dispatch.h"
#include "kernels/loss/reduce.h"

namespace nnf {
namespace {

// Elements of a task: microseconds' work that stays in the second-level cache.
constexpr i64 kErrorElements = 16384;

// Factors laid out (rows, outputs): a row's, times an element's, either of which may be missing.
template <class T>
struct Factors {
  const T* row;      // (rows) or null
  const T* element;  // (rows, outputs) with `stride` between rows, or null
  i64 stride, outputs;

  bool any() const { return row != nullptr || element != nullptr; }
  // Those of elements first..first+n-1: where they lie as they are wanted there, otherwise in `room`.
  const T* at(i64 first, i64 n, T* room) const {
    if (!any()) return nullptr;
    if (row == nullptr && stride == outputs) return element + first;
    if (element == nullptr && outputs == 1) return row + first;
    for (i64 done = 0; done < n;) {
      const i64 r = (first + done) / outputs, j = (first + done) % outputs;
      const i64 count = std::min(outputs - j, n - done);
      if (element == nullptr) {
        std::fill_n(room + done, count, row[r]);
      } else {
        const T s = row != nullptr ? row[r] : T(1);
        const T* e = element + r * stride + j;
        for (i64 k = 0; k < count; ++k) room[done + k] = s * e[k];
      }
      done += count;
    }
    return room;
  }
};

template <class T>
void check_probabilities(i64 n, const T* x) {
  bool bad = false;
  for (i64 i = 0; i < n; ++i) bad |= (x[i] < T(0)) | (x[i] > T(1));
  if (!bad) return;
  i64 i = 0;
  while (!(x[i] < T(0) || x[i] > T(1))) ++i;
  throw_invalid("binary_cross_entropy: input: expected probabilities, numbers in 0..1, got %g at element %lld",
                static_cast<double>(x[i]), static_cast<long long>(i));
}

}  // namespace

template <class T>
double elementwise_loss(nnf_loss kind, const nnf_loss_options& o, const LossBatch<T>& b, T* loss, const T* g, T* gx) {
  const ElementLossKernels<T>& k = kernels<T>().element_loss[kind];
  const i64 n = b.rows * b.outputs;
  if (kind == NNF_LOSS_BCE) check_probabilities(n, b.input);
  const nnf_reduction red = o.reduction;
  const bool binary = kind == NNF_LOSS_BCE || kind == NNF_LOSS_BCE_WITH_LOGITS;
  const Factors<T> weight{b.sample_weight, binary ? static_cast<const T*>(o.weight) : nullptr, o.weight_stride,
                          b.outputs};
  const Factors<T> pos_weight{
      nullptr, kind == NNF_LOSS_BCE_WITH_LOGITS ? static_cast<const T*>(o.pos_weight) : nullptr, o.pos_weight_stride,
      b.outputs};
  const double total = b.sample_weight != nullptr ? pairwise_sum(b.rows, b.sample_weight) : static_cast<double>(b.rows);
  const bool over_elements = red == NNF_REDUCE_MEAN && kind != NNF_LOSS_QUADRATIC;
  const double divisor = over_elements ? total * static_cast<double>(b.outputs) : total;
  const Scale<T> scale(red, divisor, g);

  LossArrays<T> all{};
  all.beta = static_cast<T>(o.beta);
  all.eps = static_cast<T>(o.eps);
  all.log_scale = (kind == NNF_LOSS_KL_DIV ? o.log_target : o.log_input) != 0;
  all.full = o.full != 0;
  // count elements from `first` on.
  const auto block = [&](i64 first, i64 count, T* each, T* sum, const T* factor, i64 factor_stride) {
    T* room = weight.any() || pos_weight.any() ? thread_scratch<T>(Scratch::loss_weights, 2 * count) : nullptr;
    LossArrays<T> a = all;
    a.x = b.input + first;
    a.t = b.target + first;
    a.weight = weight.at(first, count, room);
    a.pos_weight = pos_weight.at(first, count, room + count);
    a.loss = each;
    a.sum = sum;
    a.scale = factor;
    a.scale_stride = factor_stride;
    a.gx = gx != nullptr ? gx + first : nullptr;
    (loss != nullptr ? k.forward : k.backward)(count, a);
  };

  if (red == NNF_REDUCE_NONE && kind == NNF_LOSS_QUADRATIC) {  // a sum a row
    over_rows(b.rows, b.outputs, k.cost, [&](i64 first, i64 count) {
      for (i64 r = first; r < first + count; ++r) {
        block(r * b.outputs, b.outputs, nullptr, loss != nullptr ? loss + r : nullptr, scale.p + r * scale.stride, 0);
      }
    });
    return total;
  }
  T* each = red == NNF_REDUCE_NONE ? loss : nullptr;
  const bool reduce = loss != nullptr && red != NNF_REDUCE_NONE;
  // One sum a block: its size, and so the order of the additions, does not depend on the threads.
  const i64 blocks = ceil_div(n, kErrorElements);
  T* sums = reduce ? thread_scratch<T>(Scratch::reduce, blocks) : nullptr;
  parallel_for(blocks, kErrorElements * k.cost, [&](i64 begin, i64 end) {
    for (i64 i = begin; i < end; ++i) {
      const i64 first = i * kErrorElements;
      block(first, std::min(kErrorElements, n - first), each != nullptr ? each + first : nullptr,
            reduce ? sums + i : nullptr, scale.p + first * scale.stride, scale.stride);
    }
  });
  if (reduce) *loss = reduced<T>(red, n > 0 ? divisor : 0, pairwise_sum(blocks, sums));
  return total;
}

template double elementwise_loss<float>(nnf_loss, const nnf_loss_options&, const LossBatch<float>&, float*, const float*,
                                        float*);
template double elementwise_loss<double>(nnf_loss, const nnf_loss_options&, const LossBatch<double>&, double*,
                                         const double*, double*);

}  // namespace nnf
