// Updates put off; see lazy_rows.h.
#include "engine/lazy_rows.h"

#include <algorithm>
#include <limits>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/optim/penalty.h"

namespace nnf {
namespace {

constexpr i64 kTaskRows = 128;
constexpr i64 kRowsAhead = 3;  // of a batch's: they lie anywhere in arrays larger than the caches

}  // namespace

template <class T>
void LazyRows<T>::begin(const LazyArray<T>& array, double l1, double l2, bool rests) {
  array_ = array;
  rests_ = rests;
  l1_ = l1;
  l2_ = l2;
  objective_ = loss_ = 0;
  now_ = 0;
  done_.assign(at(array.rows), 0);
  steps_.assign(at(kPending), Step{});
  numbers_.assign(at(kPending), ReplayStep<T>{});
  // A penalty that is off must not turn an infinite weight into NaN.
  whole_ = 0;
  if (rests && l1 != 0) whole_ += l1 * absolute_sum<T>(array.rows * array.width, array.values);
  if (rests && l2 != 0) whole_ += l2 * square_sum<T>(array.rows * array.width, array.values);
}

template <class T>
double LazyRows<T>::penalty_of(const T* row) const {
  const KernelTable<T>& k = kernels<T>();
  double penalty = 0;
  if (l1_ != 0) penalty += l1_ * static_cast<double>(k.absolute_sum_part(array_.width, row));
  if (l2_ != 0) penalty += l2_ * static_cast<double>(k.square_sum_part(array_.width, row));
  return penalty;
}

template <class T>
template <class F>
void LazyRows<T>::over(i64 count, i64 cost, F f) {
  constexpr i64 kSums = kPending * kReplayLanes;
  const i64 tasks = ceil_div(count, kTaskRows);
  sums_.assign(at(tasks * kSums), T(0));
  after_.assign(at(tasks), 0.0);
  parallel_for(tasks, kTaskRows * cost, [&](i64 begin, i64 end) {
    for (i64 task = begin; task < end; ++task) {
      T* const sums = sums_.data() + task * kSums;
      for (i64 i = task * kTaskRows; i < std::min((task + 1) * kTaskRows, count); ++i) {
        f(i, sums, after_[at(task)]);
      }
    }
  });
  if (l1_ == 0 && l2_ == 0) return;
  for (const double sum : after_) whole_ += sum;
  const T* lanes = sums_.data();
  for (i64 task = 0; task < tasks; ++task) {
    for (Step& s : steps_) {
      double sum = 0;
      for (i64 i = 0; i < kReplayLanes; ++i) sum += static_cast<double>(lanes[i]);
      s.penalty += sum;
      lanes += kReplayLanes;
    }
  }
}

// One update of a row by the kernels that there are for any optimizer; `gradient` is lost.
template <class T>
void LazyRows<T>::advance_one(i64 row, T* gradient, T* sums) {
  const KernelTable<T>& k = kernels<T>();
  const i64 n = array_.width, place = row * n, step = done_[at(row)];
  const Step& s = slot(step);
  T* const w = array_.values + place;
  T& sum = sums[step % kPending * kReplayLanes];
  if (l1_ != 0) sum += static_cast<T>(l1_) * k.absolute_sum_part(n, w);
  if (l2_ != 0) sum += static_cast<T>(l2_) * k.square_sum_part(n, w);
  if (s.l1 != 0 || s.slope != 0) k.penalty_slope(n, w, s.l1, s.slope, gradient);
  T* states[3];
  for (int i = 0; i < 3; ++i) states[i] = array_.states[i] != nullptr ? array_.states[i] + place : nullptr;
  s.update->template apply<T>(n, w, gradient, states);
  ++done_[at(row)];
}

// The next `steps` updates of a row by one kernel: quick ones, in slots that follow each other.
template <class T>
void LazyRows<T>::advance_quickly(i64 row, i64 steps, const T* gradient, T* sums) {
  const KernelTable<T>& k = kernels<T>();
  const i64 n = array_.width, place = row * n, first = done_[at(row)] % kPending;
  const Update& update = *steps_[at(first)].update;
  T* const w = array_.values + place;
  T* const a = array_.states[0] != nullptr ? array_.states[0] + place : nullptr;
  T* const squares = sums + first * kReplayLanes;
  if (const AdamOptions* adam = update.adam()) {
    k.adam_replay(n, steps, w, gradient, a, array_.states[1] + place, *adam, &numbers_[at(first)], squares);
  } else {
    const SgdOptions& sgd = *update.sgd();
    k.sgd_replay(n, steps, w, gradient, sgd.momentum != 0 ? a : nullptr, sgd, &numbers_[at(first)], squares);
  }
  done_[at(row)] += steps;
}

// The updates of a row up to `step`, that one with this gradient, which is lost; null: none has one.
template <class T>
void LazyRows<T>::advance(i64 row, i64 step, T* gradient, T* sums) {
  while (done_[at(row)] <= step) {
    const i64 next = done_[at(row)];
    if (slot(next).quick) {
      i64 end = next + 1;
      while (end <= step && end % kPending != 0 && slot(end).quick) ++end;
      advance_quickly(row, end - next, end > step ? gradient : nullptr, sums);
    } else if (next == step && gradient != nullptr) {
      advance_one(row, gradient, sums);
    } else {
      T* const zeros = thread_scratch<T>(Scratch::lazy_row, 2 * array_.width) + array_.width;
      std::fill(zeros, zeros + array_.width, T(0));
      advance_one(row, zeros, sums);
    }
  }
}

// The steps that a row has missed.
template <class T>
void LazyRows<T>::replay(i64 row, T* sums) {
  advance(row, now_ - 1, nullptr, sums);
}

// Has the row of the batch's j-th column fetched.
template <class T>
void LazyRows<T>::ask_for(const CsrColumns<T>& batch, i64 j) const {
  if (j >= batch.count()) return;
  constexpr i64 kLine = static_cast<i64>(kAlignment / sizeof(T));
  const i64 place = batch.column(j) * array_.width;
  for (const T* p : {static_cast<const T*>(array_.values), static_cast<const T*>(array_.states[0]),
                     static_cast<const T*>(array_.states[1])}) {
    for (i64 i = 0; p != nullptr && i < array_.width; i += kLine) __builtin_prefetch(p + place + i, 1);
  }
}

template <class T>
void LazyRows<T>::catch_up(const CsrColumns<T>& batch) {
  if (rests_) {
    for (i64 j = 0; j < batch.count(); ++j) done_[at(batch.column(j))] = now_;
    return;
  }
  over(batch.count(), array_.width * 4, [&](i64 j, T* sums, double&) {
    ask_for(batch, j + kRowsAhead);
    replay(batch.column(j), sums);
  });
}

template <class T>
void LazyRows<T>::make_up(i64 first, i64 last) {
  if (rests_) return;
  over(last - first, array_.width * 8, [&](i64 i, T* sums, double&) { replay(first + i, sums); });
}

template <class T>
void LazyRows<T>::retire(Step& step) {
  // The kernels for several steps sum squares alone.
  const double penalty = step.quick ? l2_ * step.penalty : step.penalty;
  objective_ += penalty * step.shares.objective;
  loss_ += penalty * step.shares.loss;
  step.penalty = 0;
}

// Of a step in words of the kernels that make several at once, where they can.
template <class T>
void LazyRows<T>::set_numbers(Step& step, i64 place) {
  ReplayStep<T> n{step.slope, 0, 0, 0, 0, 1};
  if (const AdamOptions* adam = step.update->adam()) {
    n.weight_decay = static_cast<T>(adam->weight_decay);
    n.step_size = static_cast<T>(adam->step_size);
    n.root_scale = static_cast<T>(1.0 / adam->bias2_sqrt);
    n.eps = static_cast<T>(adam->eps);
    n.shrink = static_cast<T>(adam->shrink);
    step.quick = l1_ == 0 && n.eps >= std::numeric_limits<T>::min();
  } else if (const SgdOptions* sgd = step.update->sgd()) {
    n.weight_decay = static_cast<T>(sgd->weight_decay);
    n.step_size = static_cast<T>(sgd->lr);
    step.quick = l1_ == 0;
  } else {
    step.quick = false;
  }
  numbers_[at(place)] = n;
}

template <class T>
void LazyRows<T>::step(const Update& update, const PenaltyShares& shares, const CsrColumns<T>& batch, const T* g) {
  // All rows are past the step whose place this one takes: each was brought up to date in one of the last kPending.
  Step& s = slot(now_);
  retire(s);
  s.update = update;
  s.shares = shares;
  s.l1 = static_cast<T>(shares.gradient * l1_);
  s.slope = static_cast<T>(2.0 * shares.gradient * l2_);
  set_numbers(s, now_ % kPending);
  objective_ += whole_ * shares.objective;
  loss_ += whole_ * shares.loss;
  const KernelTable<T>& k = kernels<T>();
  const i64 n = array_.width;
  const i64 cost = n / 2 + batch.stored() / std::max<i64>(batch.count(), 1) * (n / 8 + 4);
  over(batch.count(), cost, [&](i64 j, T* sums, double& after) {
    ask_for(batch, j + kRowsAhead);
    T* const gradient = thread_scratch<T>(Scratch::lazy_row, 2 * n);
    std::fill(gradient, gradient + n, T(0));
    k.weighted_rows(batch.size(j), n, batch.values(j), batch.offsets(j), g, gradient);
    const i64 row = batch.column(j);
    if (rests_ && std::all_of(gradient, gradient + n, [](T value) { return value == T(0); })) {
      ++done_[at(row)];
      return;
    }
    advance(row, now_, gradient, sums);
    if (rests_) after += penalty_of(array_.values + row * n);
  });
  if (rests_) {  // of the rows that moved, what they were before
    whole_ -= (s.quick ? l2_ : 1.0) * s.penalty;
    s.penalty = 0;
  }
  ++now_;
  const i64 share = ceil_div(array_.rows, kPending), first = (now_ - 1) % kPending * share;
  make_up(std::min(first, array_.rows), std::min(first + share, array_.rows));
}

template <class T>
void LazyRows<T>::finish() {
  make_up(0, array_.rows);
  for (Step& s : steps_) retire(s);
}

template class LazyRows<float>;
template class LazyRows<double>;

}  // namespace nnf
