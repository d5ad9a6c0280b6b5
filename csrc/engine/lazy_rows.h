// Optimizer updates of a sparse batch's weights: rows that a batch does not touch are updated later, some steps at
// once.
//
// Every row gets the updates, in the order, that a dense gradient would have brought it, down to the bits: an update
// without a gradient is not nothing (momentum goes on, penalties pull), but nobody sees it before the row is next read.
// What is saved is the memory's traffic: a row is loaded once for all the steps it has missed. Each step also brings
// a share of all rows up to date, so that no row is ever more than kPending steps behind, and no step has much to make
// up. Where tables are larger than the caches, fetching rows is more than half of the time, and a batch's are fetched
// twice: before the forward and for their step.
#ifndef NNF_ENGINE_LAZY_ROWS_H
#define NNF_ENGINE_LAZY_ROWS_H

#include <optional>
#include <vector>

#include "engine/optimizer.h"
#include "kernels/sparse/csr.h"

namespace nnf {

// A weight (rows, width) and the optimizer's states of it, null where there is none.
template <class T>
struct LazyArray {
  T* values;
  T* states[3];
  i64 rows, width;
};

// What a step's penalties count for in the gradient, and in the two sums of a call.
struct PenaltyShares {
  double gradient, objective, loss;
};

template <class T>
class LazyRows {
 public:
  // All rows are up to date. l1, l2: the array's penalties, l1 * sum |w| + l2 * sum w^2. rests: rows without a gradient
  // stay as they are; penalties then pull at the others alone, and count for all.
  void begin(const LazyArray<T>& array, double l1, double l2, bool rests);
  // Brings the batch's rows up to date: before anything reads them.
  void catch_up(const CsrColumns<T>& batch);
  // One step of all rows, those of the batch with the gradient that g (samples, width) gives them.
  void step(const Update& update, const PenaltyShares& shares, const CsrColumns<T>& batch, const T* g);
  // Brings all rows up to date.
  void finish();
  // The penalties of the steps since begin, times their shares; complete after finish.
  double objective() const { return objective_; }
  double loss() const { return loss_; }

 private:
  static constexpr i64 kPending = 32;  // steps a row may be behind
  struct Step {
    std::optional<Update> update;
    PenaltyShares shares{};
    T l1 = 0, slope = 0;  // of the penalties' gradient
    double penalty = 0;   // over the rows that have made it
    bool quick = false;   // there is a kernel that makes several such steps at once
  };
  static std::size_t at(i64 i) { return static_cast<std::size_t>(i); }
  Step& slot(i64 step) { return steps_[at(step % kPending)]; }

  // f(index, sums, after) for 0..count-1, some together a task; adds up the penalties that they put into sums,
  // kReplayLanes numbers a slot, and in whole_ those of rows as they have become.
  template <class F>
  void over(i64 count, i64 cost, F f);
  void ask_for(const CsrColumns<T>& batch, i64 j) const;
  void replay(i64 row, T* sums);
  void advance(i64 row, i64 step, T* gradient, T* sums);
  void advance_one(i64 row, T* gradient, T* sums);
  void advance_quickly(i64 row, i64 steps, const T* gradient, T* sums);
  void set_numbers(Step& step, i64 place);
  void retire(Step& step);
  void make_up(i64 first, i64 last);
  double penalty_of(const T* row) const;

  LazyArray<T> array_{};
  bool rests_ = false;
  double l1_ = 0, l2_ = 0, objective_ = 0, loss_ = 0;
  double whole_ = 0;                     // where rows rest: the penalty as it stands
  i64 now_ = 0;                          // steps made since begin
  std::vector<i64> done_;                // of every row
  std::vector<Step> steps_;              // the last kPending
  std::vector<ReplayStep<T>> numbers_;   // theirs
  std::vector<T> sums_;
  std::vector<double> after_;
};

}  // namespace nnf

#endif  // NNF_ENGINE_LAZY_ROWS_H
