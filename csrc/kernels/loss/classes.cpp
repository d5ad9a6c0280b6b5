// Cross-entropy and negative log-likelihood: class weights, label smoothing, ignored labels, weights of rows, threads,
// and the reduction. The vector code is in cross_entropy-inl.h.
//
// All of cross-entropy's options come down to a target row t and a factor of the row (PyTorch's cross_entropy_loss):
//   t[j] = weight[j] ((1 - smoothing) p[j] + smoothing / classes)    p one-hot for a label
//   loss = factor (logsumexp(x) sum(t) - sum(t x))                   factor: sample_weight; 0 where ignored
// Labels without smoothing need no such row: t is one-hot, and weight[label] goes into the factor.
// A mean divides by the sum of the factors, each times weight[label] where there are labels.
#include "base/error.h"
#include "kernels/dispatch.h"
#include "kernels/loss/reduce.h"

namespace nnf {
namespace {

// Measured with AVX-512: cross-entropy takes 0.3 to 0.5 ns an element and 8 ns more a row; picking a row's label a cache
// miss (kRowCost).
constexpr i64 kEntropyCost = 3;

// Whether any row is ignored; labels that are neither a class nor ignored are an error.
bool check_labels(nnf_loss kind, i64 rows, i64 classes, const i64* labels, i64 ignore) {
  const auto outside = [classes](i64 label) { return static_cast<u64>(label) >= static_cast<u64>(classes); };
  bool bad = false, ignored = false;
  for (i64 r = 0; r < rows; ++r) bad |= outside(labels[r]);
  if (!bad && outside(ignore)) return false;
  for (i64 r = 0; r < rows; ++r) {
    if (labels[r] == ignore) {
      ignored = true;
    } else if (outside(labels[r])) {
      throw_invalid("%s: target: expected classes in 0..%lld, got %lld in row %lld", loss_name(kind),
                    static_cast<long long>(classes - 1), static_cast<long long>(labels[r]), static_cast<long long>(r));
    }
  }
  return ignored;
}

// What the rows of a batch are multiplied by, and which of them count.
template <class T>
class Rows {
 public:
  Rows(nnf_loss kind, const nnf_loss_options& o, const LossBatch<T>& b)
      : rows_(b.rows), weight_(static_cast<const T*>(o.weight)), labels_(b.labels) {
    ignored_ = b.labels != nullptr && check_labels(kind, b.rows, b.outputs, b.labels, o.ignore_index);
    ignore_ = o.ignore_index;
    sample_weight_ = b.sample_weight;
    // The target row is written out: then weight is in it.
    smooth_ = kind == NNF_LOSS_CROSS_ENTROPY && (o.label_smoothing != 0 || (weight_ != nullptr && labels_ == nullptr));
    const bool per_label = weight_ != nullptr && labels_ != nullptr;
    plain_ = !ignored_ && !per_label && sample_weight_ == nullptr;
    total_ = static_cast<double>(rows_);
    if (plain_) return;
    // factor, scale and loss of every row, and labels a kernel may look up.
    room_ = thread_scratch<T>(Scratch::loss_rows, 3 * rows_ + (ignored_ ? rows_ * i64{sizeof(i64) / sizeof(T)} + 8 : 0));
    T* counted = loss_room();
    for (i64 r = 0; r < rows_; ++r) {
      const T s = ignored(r) ? T(0) : sample_weight_ != nullptr ? sample_weight_[r] : T(1);
      const T w = per_label && !ignored(r) ? weight_[labels_[r]] : T(1);
      counted[r] = s * w;
      room_[r] = smooth_ ? s : s * w;
    }
    total_ = pairwise_sum(rows_, counted);
    if (!ignored_) return;
    void* p = room_ + round_up(3 * rows_, 8);
    i64* safe = static_cast<i64*>(p);
    for (i64 r = 0; r < rows_; ++r) safe[r] = ignored(r) ? 0 : b.labels[r];
    safe_ = safe;
  }
  bool plain() const { return plain_; }          // every factor is 1
  bool smooth() const { return smooth_; }        // the target rows are written out
  bool ignored(i64 r) const { return ignored_ && labels_[r] == ignore_; }
  T factor(i64 r) const { return plain_ ? T(1) : room_[r]; }
  const i64* labels() const { return safe_ != nullptr ? safe_ : labels_; }
  double total() const { return total_; }
  T* scale_room() const { return room_ + rows_; }
  T* loss_room() const { return room_ + 2 * rows_; }

 private:
  i64 rows_, ignore_ = 0;
  const T* weight_;
  const i64* labels_;
  const T* sample_weight_ = nullptr;
  const i64* safe_ = nullptr;
  T* room_ = nullptr;
  bool ignored_ = false, smooth_ = false, plain_ = true;
  double total_ = 0;
};

// The target rows first..first+count-1 into t.
template <class T>
void smooth_targets(const nnf_loss_options& o, const LossBatch<T>& b, const i64* labels, i64 first, i64 count, T* t) {
  const i64 classes = b.outputs;
  const T* weight = static_cast<const T*>(o.weight);
  const T keep = static_cast<T>(1 - o.label_smoothing);
  const T spread = static_cast<T>(o.label_smoothing / static_cast<double>(classes));
  for (i64 r = first; r < first + count; ++r, t += classes) {
    if (labels != nullptr) {
      std::fill_n(t, classes, spread);
      t[labels[r]] += keep;
    } else {
      const T* p = b.target + r * classes;
      for (i64 j = 0; j < classes; ++j) t[j] = keep * p[j] + spread;
    }
    if (weight != nullptr) {
      for (i64 j = 0; j < classes; ++j) t[j] *= weight[j];
    }
  }
}

// loss[r] *= factor, without NaN from what is ignored; the gradient's ignored rows are 0.
template <class T>
void apply_factors(const Rows<T>& rows, i64 first, i64 count, i64 classes, T* loss, T* gx) {
  for (i64 r = first; r < first + count; ++r) {
    const bool ignored = rows.ignored(r);
    if (loss != nullptr) loss[r] = ignored ? T(0) : loss[r] * rows.factor(r);
    if (gx != nullptr && ignored) std::fill_n(gx + r * classes, classes, T(0));
  }
}

template <class T>
void cross_entropy(const nnf_loss_options& o, const LossBatch<T>& b, const Rows<T>& rows, T* each, const T* scale,
                   i64 scale_stride, T* gx) {
  const KernelTable<T>& k = kernels<T>();
  const i64 classes = b.outputs;
  over_rows(b.rows, classes, kEntropyCost, [&](i64 r, i64 count) {
    const i64* labels = b.labels != nullptr ? rows.labels() + r : nullptr;
    // Blocks of one task's size at most, however many tasks came in one piece.
    const i64 step = rows.smooth() ? std::max<i64>(1, kRowElements / classes) : count;
    for (i64 done = 0; done < count; done += step) {
      const i64 first = r + done, n = std::min(step, count - done), i = first * classes;
      const T* probs = b.labels != nullptr ? nullptr : b.target + i;
      if (rows.smooth()) {
        T* t = thread_scratch<T>(Scratch::loss_weights, n * classes);
        smooth_targets(o, b, b.labels != nullptr ? rows.labels() : nullptr, first, n, t);
        probs = t;
      }
      k.cross_entropy_rows(n, classes, b.input + i, probs != nullptr ? nullptr : labels + done, probs,
                           each != nullptr ? each + first : nullptr, scale + first * scale_stride, scale_stride,
                           gx != nullptr ? gx + i : nullptr);
      if (!rows.plain()) apply_factors(rows, first, n, classes, each, gx);
    }
  });
}

template <class T>
void nll(const LossBatch<T>& b, const Rows<T>& rows, T* each, const T* scale, i64 scale_stride, T* gx) {
  const i64 classes = b.outputs;
  const i64* labels = rows.labels();
  if (each != nullptr) {
    over_rows(b.rows, 1, 0, [&](i64 first, i64 count) {
      for (i64 r = first; r < first + count; ++r) each[r] = -b.input[r * classes + labels[r]];
      if (!rows.plain()) apply_factors<T>(rows, first, count, classes, each, nullptr);
    });
  }
  if (gx == nullptr) return;
  over_rows(b.rows, classes, 1, [&](i64 first, i64 count) {
    std::fill_n(gx + first * classes, count * classes, T(0));
    for (i64 r = first; r < first + count; ++r) {
      if (!rows.ignored(r)) gx[r * classes + labels[r]] = -scale[r * scale_stride];
    }
  });
}

}  // namespace

template <class T>
double class_loss(nnf_loss kind, const nnf_loss_options& o, const LossBatch<T>& b, T* loss, const T* g, T* gx) {
  const Rows<T> rows(kind, o, b);
  const Scale<T> all(o.reduction, rows.total(), g);
  const T* scale = all.p;
  i64 stride = all.stride;
  if (!rows.plain() && gx != nullptr) {
    T* own = rows.scale_room();
    for (i64 r = 0; r < b.rows; ++r) own[r] = all.value(r) * rows.factor(r);
    scale = own;
    stride = 1;
  }
  const bool reduce = loss != nullptr && o.reduction != NNF_REDUCE_NONE;
  T* each = reduce ? thread_scratch<T>(Scratch::reduce, b.rows) : loss;
  if (kind == NNF_LOSS_CROSS_ENTROPY) {
    cross_entropy(o, b, rows, each, scale, stride, gx);
  } else {
    nll(b, rows, each, scale, stride, gx);
  }
  if (reduce) *loss = reduced<T>(o.reduction, rows.total(), pairwise_sum(b.rows, each));
  return rows.total();
}

template double class_loss<float>(nnf_loss, const nnf_loss_options&, const LossBatch<float>&, float*, const float*,
                                  float*);
template double class_loss<double>(nnf_loss, const nnf_loss_options&, const LossBatch<double>&, double*, const double*,
                                   double*);

}  // namespace nnf
