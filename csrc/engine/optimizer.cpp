// The optimizers as the engine uses them: checks, states, and the call of kernels/optim.
#include "engine/optimizer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/optim/clip.h"
#include "kernels/optim/optim.h"

namespace nnf {
namespace {

void check_at_least_0(const char* name, double value) {
  if (!(value >= 0) || std::isinf(value)) throw_invalid("%s: expected a finite number >= 0, got %g", name, value);
}

void check_0(const char* name, double value) {
  if (value != 0) throw_invalid("%s: expected 0 with sparse_adam, got %g", name, value);
}

void check_below_1(const char* name, double value) {
  if (!(value >= 0 && value < 1)) throw_invalid("%s: expected 0 <= %s < 1, got %g", name, name, value);
}

// With eps_hat the step is lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps), the form before section 2.1 of
// Kingma, Ba, "Adam", 2015: Keras's and scikit-learn's.
AdamOptions adam_options(const nnf_optimizer& o, i64 step) {
  AdamOptions a =
      make_adam_options(step, o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.decoupled != 0);
  if (o.eps_hat || o.kind == NNF_SPARSE_ADAM) a.eps /= a.bias2_sqrt;
  return a;
}

}  // namespace

void check_optimizer(const nnf_optimizer& o) {
  check_at_least_0("lr", o.lr);
  check_at_least_0("weight_decay", o.weight_decay);
  check_at_least_0("clip_value", o.clip_value);
  check_at_least_0("clip_norm", o.clip_norm);
  if (o.kind != NNF_SGD) check_at_least_0("eps", o.eps);
  switch (o.kind) {
    case NNF_SGD:
      check_at_least_0("momentum", o.momentum);
      if (!std::isfinite(o.dampening)) throw_invalid("dampening: expected a finite number, got %g", o.dampening);
      if (o.nesterov && (o.momentum <= 0 || o.dampening != 0)) {
        throw_invalid("nesterov: expected a momentum above 0 and no dampening, got momentum %g, dampening %g",
                      o.momentum, o.dampening);
      }
      return;
    case NNF_RMSPROP:
      check_at_least_0("alpha", o.alpha);
      check_at_least_0("momentum", o.momentum);
      return;
    case NNF_SPARSE_ADAM:
      check_0("weight_decay", o.weight_decay);
      check_0("clip_value", o.clip_value);
      check_0("clip_norm", o.clip_norm);
      [[fallthrough]];
    case NNF_ADAM:
    case NNF_NADAM:
      check_below_1("beta1", o.beta1);
      check_below_1("beta2", o.beta2);
      if (o.kind == NNF_NADAM) check_at_least_0("momentum_decay", o.momentum_decay);
      return;
    case NNF_ADAGRAD:
      check_at_least_0("lr_decay", o.lr_decay);
      check_at_least_0("initial_accumulator_value", o.initial_accumulator_value);
      return;
    case NNF_ADADELTA:
      if (!(o.rho >= 0 && o.rho <= 1)) throw_invalid("rho: expected 0 <= rho <= 1, got %g", o.rho);
      return;
  }
  throw_invalid("kind: expected an nnf_optimizer_kind, got %d", static_cast<int>(o.kind));
}

int optimizer_states(const nnf_optimizer& o) {
  switch (o.kind) {
    case NNF_SGD: return o.momentum != 0 ? 1 : 0;
    case NNF_RMSPROP: return 1 + (o.centered ? 1 : 0) + (o.momentum != 0 ? 1 : 0);
    case NNF_ADAM: return o.amsgrad ? 3 : 2;
    case NNF_ADAGRAD: return 1;
    case NNF_ADADELTA:
    case NNF_NADAM:
    case NNF_SPARSE_ADAM: return 2;
  }
  return 0;
}

bool same_states(const nnf_optimizer& a, const nnf_optimizer& b) {
  return a.kind == b.kind && optimizer_states(a) == optimizer_states(b) &&
         (a.kind != NNF_RMSPROP || (a.centered != 0) == (b.centered != 0));
}

double initial_state(const nnf_optimizer& o) { return o.kind == NNF_ADAGRAD ? o.initial_accumulator_value : 0.0; }

namespace {

template <class T>
void clip(const nnf_optimizer& o, const std::vector<Stretch>& stretches, T* grad) {
  if (o.clip_value > 0) {
    for (const Stretch& s : stretches) clip_value<T>(s.size, grad + s.offset, o.clip_value);
  }
  if (o.clip_norm > 0) {
    double power = 0;
    for (const Stretch& s : stretches) power = join_norm_powers(power, norm_power<T>(s.size, grad + s.offset, 2.0), 2.0);
    const double factor = clip_factor(finish_norm(power, 2.0), o.clip_norm);
    for (const Stretch& s : stretches) scale<T>(s.size, grad + s.offset, factor);
  }
}

using Options = std::variant<SgdOptions, RmspropOptions, AdamOptions, AdagradOptions, AdadeltaOptions, NadamOptions>;

Options options_of(const nnf_optimizer& o, i64 steps) {
  switch (o.kind) {
    case NNF_SGD:
      // PyTorch sets the buffer to the gradient at the first step, whatever the dampening.
      return SgdOptions{o.lr, o.momentum, o.dampening, o.weight_decay, o.nesterov != 0, steps == 0};
    case NNF_RMSPROP: return RmspropOptions{o.lr, o.alpha, o.eps, o.weight_decay, o.momentum};
    case NNF_ADAM:
    case NNF_SPARSE_ADAM: return adam_options(o, steps + 1);
    case NNF_ADAGRAD:
      return AdagradOptions{o.lr / (1.0 + static_cast<double>(steps) * o.lr_decay), o.eps, o.weight_decay};
    case NNF_ADADELTA: return AdadeltaOptions{o.lr, o.rho, o.eps, o.weight_decay};
    case NNF_NADAM: break;
  }
  return make_nadam_options(steps + 1, o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.momentum_decay,
                            o.decoupled != 0);
}

}  // namespace

Update::Update(const nnf_optimizer& o, i64 steps)
    : options_(options_of(o, steps)),
      third_state_(o.kind == NNF_RMSPROP ? o.centered != 0 : o.kind == NNF_ADAM && o.amsgrad != 0),
      by_row_(o.kind == NNF_SPARSE_ADAM) {}

template <class T>
void Update::apply(i64 n, T* param, const T* grad, T* const states[3]) const {
  if (const auto* sgd = std::get_if<SgdOptions>(&options_)) {
    sgd_update<T>(n, param, grad, states[0], *sgd);
  } else if (const auto* rmsprop = std::get_if<RmspropOptions>(&options_)) {
    rmsprop_update<T>(n, param, grad, states[0], third_state_ ? states[1] : nullptr,
                      rmsprop->momentum != 0 ? states[third_state_ ? 2 : 1] : nullptr, *rmsprop);
  } else if (const auto* adam = std::get_if<AdamOptions>(&options_)) {
    adam_update<T>(n, param, grad, states[0], states[1], third_state_ ? states[2] : nullptr, *adam);
  } else if (const auto* adagrad = std::get_if<AdagradOptions>(&options_)) {
    adagrad_update<T>(n, param, grad, states[0], *adagrad);
  } else if (const auto* adadelta = std::get_if<AdadeltaOptions>(&options_)) {
    adadelta_update<T>(n, param, grad, states[0], states[1], *adadelta);
  } else {
    nadam_update<T>(n, param, grad, states[0], states[1], std::get<NadamOptions>(options_));
  }
}
template void Update::apply(i64, float*, const float*, float* const[3]) const;
template void Update::apply(i64, double*, const double*, double* const[3]) const;

const AdamOptions* Update::adam() const { return third_state_ ? nullptr : std::get_if<AdamOptions>(&options_); }

const SgdOptions* Update::sgd() const {
  const auto* o = std::get_if<SgdOptions>(&options_);
  return o != nullptr && o->momentum != 0 && o->first_step ? nullptr : o;
}

bool Update::rests() const {
  const auto* sgd = std::get_if<SgdOptions>(&options_);
  return sgd != nullptr && sgd->momentum == 0 && sgd->weight_decay == 0;
}

namespace {

// Those rows whose gradient is not all 0.
template <class T>
void apply_to_rows(const Update& update, i64 rows, i64 size, T* param, const T* grad, T* const states[3]) {
  const KernelTable<T>& k = kernels<T>();
  constexpr i64 kTaskRows = 64;
  parallel_for(ceil_div(rows, kTaskRows), kTaskRows * (size + 8), [&](i64 begin, i64 end) {
    for (i64 i = begin * kTaskRows; i < std::min(end * kTaskRows, rows); ++i) {
      const i64 place = i * size;
      if (k.absolute_sum_part(size, grad + place) == T(0)) continue;
      k.adam_step(size, param + place, grad + place, states[0] + place, states[1] + place, nullptr, *update.adam());
    }
  });
}

}  // namespace

template <class T>
void apply_optimizer(const nnf_optimizer& o, const std::vector<Stretch>& stretches,
                     const std::vector<ParamEntry>& entries, T* param, T* grad, T* const states[3]) {
  clip<T>(o, stretches, grad);
  for (const Stretch& s : stretches) {
    nnf_optimizer own = o;
    own.lr *= s.lr_scale;
    const Update update(own, s.updates);
    const auto part = [&](i64 offset, i64 size, i64 row_size) {
      T* moved[3];
      for (int i = 0; i < 3; ++i) moved[i] = states[i] != nullptr ? states[i] + offset : nullptr;
      if (row_size == 0) return update.apply<T>(size, param + offset, grad + offset, moved);
      apply_to_rows<T>(update, size / row_size, row_size, param + offset, grad + offset, moved);
    };
    if (o.kind != NNF_SPARSE_ADAM) {
      part(s.offset, s.size, 0);
      continue;
    }
    for (const ParamEntry& e : entries) {
      const bool inside = e.spec.trained && e.offset >= s.offset && e.offset < s.offset + s.size;
      if (inside) part(e.offset, e.spec.size, e.spec.row_size);
    }
  }
}
template void apply_optimizer(const nnf_optimizer&, const std::vector<Stretch>&, const std::vector<ParamEntry>&,
                              float*, float*, float* const[3]);
template void apply_optimizer(const nnf_optimizer&, const std::vector<Stretch>&, const std::vector<ParamEntry>&,
                              double*, double*, double* const[3]);

}  // namespace nnf
