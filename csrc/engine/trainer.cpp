// Model<T>: the loops over batches - training, evaluation, prediction - and the loss at their end.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/interrupt.h"
#include "engine/model_impl.h"
#include "kernels/layout/layout.h"

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

void check_range(i64 first, i64 last, i64 count, const char* what) {
  if (first < 0 || last < first || last > count) {
    throw_invalid("%s: expected 0 <= first <= last <= %lld, got %lld and %lld", what, static_cast<long long>(count),
                  static_cast<long long>(first), static_cast<long long>(last));
  }
}

// The samples' weights for output i; null: none.
const nnf_source* weights_of(const nnf_source* weights, std::size_t i) {
  return weights != nullptr && weights[i].data != nullptr ? &weights[i] : nullptr;
}

}  // namespace

template <class T>
void Model<T>::check_targets(const nnf_source* y, const nnf_source* weights, i64 rows) const {
  for (std::size_t i = 0; i < losses_.size(); ++i) {
    if (losses_[i] == nullptr) throw_invalid("loss: expected one to be set before training or evaluation, got none");
    losses_[i]->check(y[i], weights_of(weights, i), rows);
    if (losses_[i]->mean() != losses_[0]->mean()) {
      throw_invalid("loss: expected the same reduction for all outputs, got mean and sum");
    }
  }
}

template <class T>
void Model<T>::reserve(const Plan<T>& p, const nnf_totals* totals) {
  for (auto& loss : losses_) loss->reserve(p.batch());
  sums_.assign(totals, totals + num_totals());
  untrained_before_.resize(static_cast<std::size_t>(params_.untrained_size()));
}

template <class T>
void Model<T>::load_targets(const nnf_source* y, const nnf_source* weights, const i64* order, i64 first, i64 n) {
  for (std::size_t i = 0; i < losses_.size(); ++i) {
    losses_[i]->load(y[i], weights_of(weights, i), order, first, n);
  }
}

template <class T>
double Model<T>::penalty_share(i64 n) const {
  if (!penalty_in_mean || !losses_[0]->mean()) return 1;
  const double weight = losses_.size() == 1 ? losses_[0]->weight() : static_cast<double>(n);
  return weight > 0 ? 1 / weight : 0;
}

template <class T>
double Model<T>::penalty_weight(i64 n) const {
  if (!losses_[0]->mean()) return 1;
  return losses_.size() == 1 ? losses_[0]->weight() : static_cast<double>(n);
}

template <class T>
double Model<T>::losses(Plan<T>& p, i64 n, bool gradient, double penalty) {
  double value = 0;
  for (int i = 0; i < p.num_outputs(); ++i) {
    Loss<T>& loss = *losses_[static_cast<std::size_t>(i)];
    T* const g = gradient ? p.output_gradient(i) : nullptr;
    value += loss.share() * loss.apply(p.output(i), n, g, sums_[static_cast<std::size_t>(i)]);
  }
  const double extra = penalty * penalty_share(n);
  value += extra;
  nnf_totals& penalties = sums_.back();
  penalties.loss += extra * penalty_weight(n);
  if (losses_.size() == 1) return value;  // they are part of the only loss
  penalties.loss_weight += static_cast<double>(n);
  penalties.samples += n;
  penalties.steps += 1;
  return value;
}

// A batch is copied in pieces, too, between which the caller may end it: a first one meets new memory, page by page.
template <class T>
void Model<T>::load_asking(Plan<T>& p, const nnf_source* x, const i64* order, i64 first, i64 n) {
  std::optional<Interruptible> asking;
  if (p.takes_long()) asking.emplace(&Poll::check_of, &poll_);
  load(p, x, order, first, n, /*may_borrow=*/true);
}

template <class T>
void Model<T>::train(const nnf_source* x, const nnf_source* y, const nnf_source* weights, const i64* order, i64 n,
                     i64 batch, i64 first, i64 last, double seconds, nnf_totals* totals, i64& done) {
  done = 0;
  if (!has_optimizer_) throw_invalid("optimizer: expected one to be set before training, got none");
  if (n < 0) throw_invalid("n: expected at least 0, got %lld", static_cast<long long>(n));
  if (batch < 1) throw_invalid("batch_size: expected at least 1, got %lld", static_cast<long long>(batch));
  check_range(first, last, ceil_div(n, batch), "steps");
  check_sources(x, order != nullptr ? 0 : n);
  check_targets(y, weights, order != nullptr ? 0 : n);
  i64 rows = y[0].rows;
  for (std::size_t i = 0; i < losses_.size(); ++i) {
    rows = std::min(rows, y[i].rows);
    if (const nnf_source* w = weights_of(weights, i)) rows = std::min(rows, w->rows);
  }
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

  Plan<T>& p = plan(std::min(batch, n), Purpose::train, stays_sparse(x));
  pending_ = nullptr;
  reserve(p, totals);
  begin_lazy(p);
  const bool waits = is_lazy_;
  try {
    train_steps(p, x, y, weights, order, n, batch, first, last, seconds, totals, done);
  } catch (...) {
    end_lazy(totals);
    throw;
  }
  end_lazy(totals);
  const double objective = totals[num_totals() - 1].objective;
  if (waits && !std::isfinite(objective)) throw_non_finite("loss is %g: the penalties of the weights", objective);
}

template <class T>
void Model<T>::train_steps(Plan<T>& p, const nnf_source* x, const nnf_source* y, const nnf_source* weights,
                           const i64* order, i64 n, i64 batch, i64 first, i64 last, double seconds, nnf_totals* totals,
                           i64& done) {
  const Deadline deadline(seconds);
  for (i64 s = first; s < last; ++s) {
    const i64 start = s * batch, count = std::min(batch, n - start);
    const RunState run = run_state(true);
    // A forward moves running statistics: those of a step that is not applied are put back.
    std::copy_n(params_.untrained(), params_.untrained_size(), untrained_before_.begin());
    bool stopped = false;
    try {
      load_asking(p, x, order, start, count);
      if (p.sparse()) load_columns();
      if (is_lazy_) lazy_.catch_up(sparse_.columns);
      load_targets(y, weights, order, start, count);
      p.forward(count, run, &poll_);
      const double value = losses(p, count, true, penalty(penalties_now(), params_));
      sums_.back().objective += value * static_cast<double>(count);
      if (!std::isfinite(value)) {
        // A NaN's sign means nothing.
        throw_non_finite("loss is %g at step %lld (sample %lld of the epoch); the step was not applied",
                         std::isnan(value) ? std::fabs(value) : value,
                         static_cast<long long>(step_count), static_cast<long long>(start));
      }
      if (p.has_backward()) {
        p.backward(count, run, /*accumulate=*/false, /*to_inputs=*/false, &poll_);
        add_penalty_gradient(penalties_now(), params_, penalty_share(count), by_row());
      }
    } catch (const Stopped&) {
      stopped = true;
    } catch (...) {
      std::copy(untrained_before_.begin(), untrained_before_.end(), params_.untrained());
      throw;
    }
    if (stopped) {
      std::copy(untrained_before_.begin(), untrained_before_.end(), params_.untrained());
      break;
    }
    if (is_lazy_) {
      lazy_step(p, count, optimizer_now());
    } else {
      step();
    }
    std::copy(sums_.begin(), sums_.end(), totals);
    ++done;
    if (deadline.passed()) break;
  }
  for (int i = 0; i < p.num_inputs(); ++i) p.borrow_input(i, nullptr);
}

template <class T>
void Model<T>::evaluate(const nnf_source* x, const nnf_source* y, const nnf_source* weights, i64 batch, i64 first,
                        i64 last, double seconds, nnf_totals* totals, i64& done) {
  done = 0;
  if (batch < 1) throw_invalid("batch_size: expected at least 1, got %lld", static_cast<long long>(batch));
  const i64 n = x[0].rows;
  check_range(first, last, ceil_div(n, batch), "steps");
  check_sources(x, n);
  check_targets(y, weights, n);
  if (first == last) return;
  Plan<T>& p = plan(std::min(batch, n), Purpose::infer, stays_sparse(x));
  reserve(p, totals);
  const RunState run = run_state(false);
  const Deadline deadline(seconds);
  const double extra = penalty(regularizers_, params_);
  // Once in the mean over all samples, and once in their sum.
  const bool in_mean = losses_[0]->mean() && !penalty_in_mean;
  if (!in_mean && sums_.back().steps == 0) sums_.back().loss += extra;
  for (i64 s = first; s < last; ++s) {
    const i64 start = s * batch, count = std::min(batch, n - start);
    try {
      load_asking(p, x, nullptr, start, count);
      load_targets(y, weights, nullptr, start, count);
      p.forward(count, run, &poll_);
    } catch (const Stopped&) {
      break;
    }
    losses(p, count, false, in_mean ? extra : 0.0);
    ++done;
    if (deadline.passed()) break;
  }
  std::copy(sums_.begin(), sums_.end(), totals);
  for (int i = 0; i < p.num_inputs(); ++i) p.borrow_input(i, nullptr);
}

template <class T>
void Model<T>::predict(const nnf_source* x, i64 batch, i64 first, i64 last, void* const* out) {
  if (batch < 1) throw_invalid("batch_size: expected at least 1, got %lld", static_cast<long long>(batch));
  const i64 n = x[0].rows;
  check_range(first, last, n, "rows");
  check_sources(x, n);
  if (first == last) return;
  Plan<T>& p = plan(std::min(batch, last - first), Purpose::infer, stays_sparse(x));
  const RunState run = run_state(false);
  for (i64 start = first; start < last; start += p.batch()) {
    const i64 count = std::min(p.batch(), last - start);
    try {
      load_asking(p, x, nullptr, start, count);
      p.forward(count, run, &poll_);
    } catch (const Stopped&) {
      break;
    }
    deliver(p, start - first, count, out);
  }
  for (int i = 0; i < p.num_inputs(); ++i) p.borrow_input(i, nullptr);
}

template class Model<float>;
template class Model<double>;

}  // namespace nnf
