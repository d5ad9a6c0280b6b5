// Model<T>: the steps whose updates of rows that a sparse batch does not touch wait; see lazy_rows.h.
//
// They wait within one call of train alone: whoever looks at the weights afterwards finds them as they should be.
#include <algorithm>

#include "engine/model_impl.h"
#include "engine/optimizer.h"

namespace nnf {
namespace {

// The stretches without the array; its own is returned.
Stretch take_out(const std::vector<Stretch>& all, const ParamEntry& entry, std::vector<Stretch>& rest) {
  const i64 begin = entry.offset, end = entry.offset + entry.spec.size;
  Stretch own{};
  rest.clear();
  for (const Stretch& s : all) {
    const i64 last = s.offset + s.size;
    if (begin < s.offset || begin >= last) {
      rest.push_back(s);
      continue;
    }
    own = {begin, entry.spec.size, s.lr_scale, s.updates};
    if (s.offset < begin) rest.push_back({s.offset, begin - s.offset, s.lr_scale, s.updates});
    if (end < last) rest.push_back({end, last - end, s.lr_scale, s.updates});
  }
  return own;
}

}  // namespace

template <class T>
void Model<T>::begin_lazy(const Plan<T>& p) {
  is_lazy_ = sparse_.keeps_delta = false;
  if (!p.sparse() || trainable_.frozen(sparse_reader_)) return;
  // Limits of all gradients, or of all weights into an output, need every weight at every step.
  if (optimizer_.clip_value > 0 || optimizer_.clip_norm > 0) return;
  const auto& entries = params_.entries();
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const ParamEntry& e) { return e.node == sparse_reader_ && e.spec.trained; });
  lazy_entry_ = &*found;  // the weight, before the bias
  other_regularizers_.clear();
  Regularizer own{};
  for (const Regularizer& r : regularizers_) {
    if (&entries[static_cast<std::size_t>(r.index)] == lazy_entry_) {
      own = r;
    } else {
      other_regularizers_.push_back(r);
    }
  }
  if (own.max_norm > 0) return;
  const i64 width = element_count(graph_.node(sparse_reader_).shape), place = lazy_entry_->offset;
  LazyArray<T> array{params_.values() + place, {}, lazy_entry_->spec.size / width, width};
  for (int i = 0; i < 3; ++i) array.states[i] = params_.state(i) != nullptr ? params_.state(i) + place : nullptr;
  const Update update(optimizer_, 0);
  const bool rests = update.by_row() || (own.l1 == 0 && own.l2 == 0 && update.rests());
  lazy_.begin(array, own.l1, own.l2, rests);
  is_lazy_ = sparse_.keeps_delta = true;
}

template <class T>
void Model<T>::end_lazy(nnf_totals* totals) {
  if (!is_lazy_) return;
  is_lazy_ = sparse_.keeps_delta = false;
  lazy_.finish();
  nnf_totals& penalties = totals[num_totals() - 1];
  penalties.objective += lazy_.objective();
  penalties.loss += lazy_.loss();
}

template <class T>
void Model<T>::lazy_step(const Plan<T>& p, i64 n, const nnf_optimizer& now) {
  const Stretch own = take_out(trainable_.stretches(), *lazy_entry_, other_stretches_);
  update(other_stretches_, now);
  nnf_optimizer scaled = now;
  scaled.lr *= own.lr_scale;
  const double share = penalty_share(n);
  lazy_.step(Update(scaled, own.updates), {share, share * static_cast<double>(n), share * penalty_weight(n)},
             sparse_.columns, p.sparse_delta());
  count_step();
}

template class Model<float>;
template class Model<double>;

}  // namespace nnf
