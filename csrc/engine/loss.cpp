// Loss<T>: see loss.h. The formulas are in kernels/loss.
#include "engine/loss.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/layout/layout.h"

namespace nnf {
namespace {

// The first of the largest; a NaN counts as largest, as NumPy's argmax has it.
template <class T>
i64 argmax(const T* row, i64 n) {
  i64 best = 0;
  for (i64 i = 1; i < n; ++i) {
    if (!(row[i] <= row[best]) && !std::isnan(row[best])) best = i;
  }
  return best;
}

bool is_binary(nnf_loss kind) {
  return kind == NNF_LOSS_BCE || kind == NNF_LOSS_BCE_WITH_LOGITS || kind == NNF_LOSS_HINGE ||
         kind == NNF_LOSS_PERCEPTRON;
}

}  // namespace

template <class T>
Loss<T>::Loss(nnf_loss kind, const nnf_loss_options& options, const Shape& output, double share)
    : kind_(kind), options_(options), outputs_(element_count(output)), share_(share) {
  check_loss(kind, options);
  if (!(std::isfinite(share) && share >= 0)) throw_invalid("share: expected a finite number >= 0, got %g", share);
  if (options.reduction == NNF_REDUCE_NONE) throw_invalid("reduction: expected a mean or sum for training, got none");
  if (is_class_loss(kind) && output.size() != 1) {
    throw_invalid("loss: a class loss takes outputs of shape (classes,), got %s", to_string(output).c_str());
  }
  const auto copy = [this](const void* from, std::vector<T>& to) -> const void* {
    if (from == nullptr) return nullptr;
    const T* p = static_cast<const T*>(from);
    to.assign(p, p + outputs_);
    return to.data();
  };
  options_.weight = copy(options.weight, class_weight_);
  options_.pos_weight = copy(options.pos_weight, pos_weight_);
  options_.weight_stride = options_.pos_weight_stride = 0;
}

template <class T>
bool Loss<T>::are_labels(const nnf_source& y) const {
  // Cross-entropy takes probabilities too; one column of them would be one class, which labels say as well.
  const bool floats = y.type == NNF_SRC_F32 || y.type == NNF_SRC_F64 || y.type == NNF_SRC_F16;
  return kind_ == NNF_LOSS_NLL || (kind_ == NNF_LOSS_CROSS_ENTROPY && y.row_size == 1 && !floats);
}

template <class T>
void Loss<T>::check(const nnf_source& y, const nnf_source* weights, i64 rows) const {
  const auto check_rows = [rows](const char* name, const nnf_source& source, i64 expected) {
    if (source.type == NNF_SRC_CSR) throw_type("%s: expected an array, got a sparse matrix", name);
    if (source.row_size != expected) {
      throw_invalid("%s: expected %lld numbers a sample, got %lld", name, static_cast<long long>(expected),
                    static_cast<long long>(source.row_size));
    }
    if (source.rows < rows || (rows > 0 && source.data == nullptr)) {
      throw_invalid("%s: expected at least %lld samples, got %lld", name, static_cast<long long>(rows),
                    static_cast<long long>(source.data == nullptr ? 0 : source.rows));
    }
  };
  check_rows("y", y, are_labels(y) ? 1 : outputs_);
  if (weights != nullptr) check_rows("sample_weight", *weights, 1);
}

template <class T>
void Loss<T>::reserve(i64 batch) {
  const auto n = static_cast<std::size_t>(batch);
  if (labels_.size() >= n) return;
  labels_.resize(n);
  sample_weight_.resize(n);
  targets_.resize(n * static_cast<std::size_t>(outputs_));
}

template <class T>
void Loss<T>::load(const nnf_source& y, const nnf_source* weights, const i64* order, i64 first, i64 n) {
  labelled_ = are_labels(y);
  weighted_ = weights != nullptr;
  if (labelled_) {
    gather_rows<i64>(y, order, first, n, labels_.data());
  } else {
    gather_rows<T>(y, order, first, n, targets_.data());
  }
  if (weighted_) gather_rows<T>(*weights, order, first, n, sample_weight_.data());
}

template <class T>
double Loss<T>::row_weight(i64 r) const {
  const auto i = static_cast<std::size_t>(r);
  if (labelled_ && labels_[i] == options_.ignore_index) return 0;
  return weighted_ ? static_cast<double>(sample_weight_[i]) : 1;
}

template <class T>
double Loss<T>::apply(const T* output, i64 n, T* gradient, nnf_totals& totals) {
  T value = 0;
  const T share = static_cast<T>(share_);
  const LossBatch<T> batch{n,
                           outputs_,
                           output,
                           labelled_ ? nullptr : targets_.data(),
                           labelled_ ? labels_.data() : nullptr,
                           weighted_ ? sample_weight_.data() : nullptr};
  // The metrics read the outputs, over which the gradient may be written.
  nnf_totals sums = totals;
  add_metrics(output, n, sums);
  weight_ = loss_of_batch<T>(kind_, options_, batch, &value, &share, gradient);
  const double loss = weight_ == 0 && options_.reduction != NNF_REDUCE_SUM ? 0 : static_cast<double>(value);
  totals = sums;
  totals.loss += options_.reduction != NNF_REDUCE_SUM ? loss * weight_ : loss;
  totals.loss_weight += weight_;
  totals.samples += n;
  totals.outputs = outputs_;
  totals.steps += 1;
  return loss;
}

template <class T>
void Loss<T>::add_metrics(const T* output, i64 n, nnf_totals& totals) const {
  const bool binary = is_binary(kind_);
  const T threshold = kind_ == NNF_LOSS_BCE ? T(0.5) : T(0), positive = kind_ == NNF_LOSS_HINGE ? T(0) : T(0.5);
  for (i64 r = 0; r < n; ++r) {
    const double w = row_weight(r);
    const T* out = output + r * outputs_;
    const T* target = targets_.data() + r * outputs_;
    totals.weight += w;
    if (!is_class_loss(kind_)) {
      double abs_error = 0, squared_error = 0;
      for (i64 j = 0; j < outputs_; ++j) {
        const double d = static_cast<double>(out[j]) - static_cast<double>(target[j]);
        abs_error += std::fabs(d);
        squared_error += d * d;
      }
      totals.abs_error += w * abs_error;
      totals.squared_error += w * squared_error;
    }
    if (binary) {
      i64 right = 0;
      for (i64 j = 0; j < outputs_; ++j) right += (out[j] > threshold) == (target[j] > positive);
      totals.correct += w * static_cast<double>(right) / static_cast<double>(outputs_);
    } else if (is_class_loss(kind_) || outputs_ > 1) {
      const i64 label = labelled_ ? labels_[static_cast<std::size_t>(r)] : argmax(target, outputs_);
      if (argmax(out, outputs_) == label) totals.correct += w;
    }
  }
}

template class Loss<float>;
template class Loss<double>;

}  // namespace nnf
