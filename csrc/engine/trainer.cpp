// Model<T>: the loops over batches - training, evaluation, prediction - and the loss at their end.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "engine/model_impl.h"
#include "kernels/layout/layout.h"
#include "kernels/loss/loss.h"

namespace nnf {
namespace {

// Says when a time budget is used up; asks the clock once a step.
class Deadline {
 public:
  explicit Deadline(double seconds) : limited_(seconds > 0) {
    if (limited_) {
      // A day is as good as forever, and does not overflow the clock.
      end_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double>(std::min(seconds, 86400.0)));
    }
  }
  bool passed() const { return limited_ && Clock::now() >= end_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool limited_;
  Clock::time_point end_;
};

// The first of the largest; a NaN counts as largest, as NumPy's argmax has it.
template <class T>
i64 argmax(const T* row, i64 n) {
  i64 best = 0;
  for (i64 i = 1; i < n; ++i) {
    if (!(row[i] <= row[best]) && !std::isnan(row[best])) best = i;
  }
  return best;
}

void check_range(i64 first, i64 last, i64 count, const char* what) {
  if (first < 0 || last < first || last > count) {
    throw_invalid("%s: expected 0 <= first <= last <= %lld, got %lld and %lld", what, static_cast<long long>(count),
                  static_cast<long long>(first), static_cast<long long>(last));
  }
}

}  // namespace

template <class T>
bool Model<T>::targets_are_labels(const nnf_source& y) const {
  // Cross-entropy takes probabilities too; one column of them would be one class, which labels say as well.
  return loss_ == NNF_LOSS_NLL ||
         (loss_ == NNF_LOSS_CROSS_ENTROPY && y.row_size == 1 && y.type != NNF_SRC_F32 && y.type != NNF_SRC_F64 &&
          y.type != NNF_SRC_F16);
}

template <class T>
void Model<T>::check_targets(const nnf_source& y, i64 rows) const {
  if (!has_loss_) throw_invalid("loss: expected one to be set before training or evaluation, got none");
  if (num_outputs() != 1) throw_invalid("loss: expected a network with one output, got %d", num_outputs());
  const i64 expected = targets_are_labels(y) ? 1 : outputs_;
  if (y.row_size != expected) {
    throw_invalid("y: expected %lld numbers a sample, got %lld", static_cast<long long>(expected),
                  static_cast<long long>(y.row_size));
  }
  if (y.rows < rows || (rows > 0 && y.data == nullptr)) {
    throw_invalid("y: expected at least %lld samples, got %lld", static_cast<long long>(rows),
                  static_cast<long long>(y.data == nullptr ? 0 : y.rows));
  }
}

template <class T>
typename Model<T>::Targets Model<T>::load_targets(const nnf_source& y, const i64* order, i64 first, i64 n) {
  Targets t;
  if (targets_are_labels(y)) {
    gather_rows<i64>(y, order, first, n, labels_.data());
    t.labels = labels_.data();
  } else {
    gather_rows<T>(y, order, first, n, targets_.data());
    t.values = targets_.data();
  }
  return t;
}

template <class T>
double Model<T>::loss(Plan<T>& p, const Targets& t, i64 n, bool gradient, nnf_totals& totals) {
  T value = 0;
  T* g = gradient ? p.output_gradient(0) : nullptr;
  const T* out = p.output(0);
  double abs_error = 0, squared_error = 0;
  i64 correct = 0;
  nnf_loss_options options = loss_defaults();
  options.reduction = reduction_;
  loss_of_batch<T>(loss_, options, {n, outputs_, out, t.values, t.labels, nullptr}, &value, nullptr, g);
  if (loss_ == NNF_LOSS_MSE) {
    for (i64 i = 0; i < n * outputs_; ++i) {
      const double d = static_cast<double>(out[i]) - static_cast<double>(t.values[i]);
      abs_error += std::fabs(d);
      squared_error += d * d;
    }
  }
  if (loss_ != NNF_LOSS_MSE || outputs_ > 1) {
    for (i64 i = 0; i < n; ++i) {
      const i64 label = t.labels != nullptr ? t.labels[i] : argmax(t.values + i * outputs_, outputs_);
      correct += argmax(out + i * outputs_, outputs_) == label;
    }
  }
  totals.loss += static_cast<double>(value) * (reduction_ == NNF_REDUCE_MEAN ? static_cast<double>(n) : 1.0);
  totals.correct += correct;
  totals.abs_error += abs_error;
  totals.squared_error += squared_error;
  totals.samples += n;
  totals.outputs = outputs_;
  totals.steps += 1;
  return static_cast<double>(value);
}

template <class T>
void Model<T>::train(const nnf_source* x, const nnf_source& y, const i64* order, i64 n, i64 batch, i64 first, i64 last,
                     double seconds, nnf_totals& totals, i64& done) {
  done = 0;
  if (!has_optimizer_) throw_invalid("optimizer: expected one to be set before training, got none");
  if (n < 0) throw_invalid("n: expected at least 0, got %lld", static_cast<long long>(n));
  if (batch < 1) throw_invalid("batch_size: expected at least 1, got %lld", static_cast<long long>(batch));
  check_range(first, last, ceil_div(n, batch), "steps");
  check_sources(x, order != nullptr ? 0 : n);
  check_targets(y, order != nullptr ? 0 : n);
  i64 rows = y.rows;
  for (std::size_t i = 0; i < graph_.inputs().size(); ++i) rows = std::min(rows, x[i].rows);
  if (order != nullptr) {
    const i64 end = std::min(last * batch, n);
    for (i64 i = first * batch; i < end; ++i) {
      if (order[i] < 0 || order[i] >= rows) {
        throw_invalid("order: expected indices 0..%lld, got %lld", static_cast<long long>(rows - 1),
                      static_cast<long long>(order[i]));
      }
    }
  }
  if (first == last) return;

  Plan<T>& p = plan(std::min(batch, n), Purpose::train);
  pending_ = nullptr;
  labels_.resize(static_cast<std::size_t>(p.batch()));
  targets_.resize(static_cast<std::size_t>(p.batch() * outputs_));
  const Deadline deadline(seconds);
  for (i64 s = first; s < last; ++s) {
    const i64 start = s * batch, count = std::min(batch, n - start);
    const RunState run = run_state(true);
    load(p, x, order, start, count, /*may_borrow=*/true);
    const Targets t = load_targets(y, order, start, count);
    p.forward(count, run);
    nnf_totals step_totals = totals;
    const double extra = penalty(regularizers_, params_);
    const double value = loss(p, t, count, true, step_totals) + extra;
    step_totals.loss += extra * (reduction_ == NNF_REDUCE_MEAN ? static_cast<double>(count) : 1.0);
    if (!std::isfinite(value)) {
      // A NaN's sign means nothing.
      throw_non_finite("loss is %g at step %lld (sample %lld of the epoch); the step was not applied",
                       std::isnan(value) ? std::fabs(value) : value,
                       static_cast<long long>(step_count), static_cast<long long>(start));
    }
    if (p.has_backward()) {
      p.backward(count, run, false);
      add_penalty_gradient(regularizers_, params_);
    }
    step();
    totals = step_totals;
    ++done;
    if (deadline.passed()) break;
  }
  for (int i = 0; i < p.num_inputs(); ++i) p.borrow_input(i, nullptr);
}

template <class T>
void Model<T>::evaluate(const nnf_source* x, const nnf_source& y, i64 batch, i64 first, i64 last, double seconds,
                        nnf_totals& totals, i64& done) {
  done = 0;
  if (batch < 1) throw_invalid("batch_size: expected at least 1, got %lld", static_cast<long long>(batch));
  const i64 n = x[0].rows;
  check_range(first, last, ceil_div(n, batch), "steps");
  check_sources(x, n);
  check_targets(y, n);
  if (first == last) return;
  Plan<T>& p = plan(std::min(batch, n), Purpose::infer);
  labels_.resize(std::max(labels_.size(), static_cast<std::size_t>(p.batch())));
  targets_.resize(std::max(targets_.size(), static_cast<std::size_t>(p.batch() * outputs_)));
  const RunState run = run_state(false);
  const Deadline deadline(seconds);
  const double extra = penalty(regularizers_, params_);
  // Once in the mean over all samples, and once in their sum.
  if (reduction_ != NNF_REDUCE_MEAN && totals.steps == 0) totals.loss += extra;
  for (i64 s = first; s < last; ++s) {
    const i64 start = s * batch, count = std::min(batch, n - start);
    if (reduction_ == NNF_REDUCE_MEAN) totals.loss += extra * static_cast<double>(count);
    load(p, x, nullptr, start, count, /*may_borrow=*/true);
    const Targets t = load_targets(y, nullptr, start, count);
    p.forward(count, run);
    loss(p, t, count, false, totals);
    ++done;
    if (deadline.passed()) break;
  }
  for (int i = 0; i < p.num_inputs(); ++i) p.borrow_input(i, nullptr);
}

template <class T>
void Model<T>::predict(const nnf_source* x, i64 batch, i64 first, i64 last, void* const* out) {
  if (batch < 1) throw_invalid("batch_size: expected at least 1, got %lld", static_cast<long long>(batch));
  const i64 n = x[0].rows;
  check_range(first, last, n, "rows");
  check_sources(x, n);
  if (first == last) return;
  Plan<T>& p = plan(std::min(batch, last - first), Purpose::infer);
  const RunState run = run_state(false);
  for (i64 start = first; start < last; start += p.batch()) {
    const i64 count = std::min(p.batch(), last - start);
    load(p, x, nullptr, start, count, /*may_borrow=*/true);
    p.forward(count, run);
    deliver(p, start - first, count, out);
  }
  for (int i = 0; i < p.num_inputs(); ++i) p.borrow_input(i, nullptr);
}

template class Model<float>;
template class Model<double>;

}  // namespace nnf
