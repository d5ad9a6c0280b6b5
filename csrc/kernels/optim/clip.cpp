// Clipping of gradients; see clip.h.
#include "kernels/optim/clip.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/memory.h"
#include "base/thread_pool.h"

namespace nnf {
namespace {

constexpr i64 kChunk = 8192;  // elements a task and a partial sum
constexpr i64 kLanes = 8;     // independent sums: hides the latency of the additions

template <class T, class F>
double sum_of(i64 n, const T* x, F f) {
  double lanes[kLanes] = {};
  i64 i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (i64 j = 0; j < kLanes; ++j) lanes[j] += f(static_cast<double>(x[i + j]));
  }
  for (i64 j = 0; i < n; ++i, ++j) lanes[j] += f(static_cast<double>(x[i]));
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

// The larger, or NaN when either is.
double maximum(double a, double b) { return std::isnan(a) || a > b ? a : b; }

template <class T>
double chunk_power(i64 n, const T* x, double p) {
  if (p == 2) return sum_of(n, x, [](double v) { return v * v; });
  if (p == 1) return sum_of(n, x, [](double v) { return std::fabs(v); });
  if (!std::isinf(p)) return sum_of(n, x, [p](double v) { return std::pow(std::fabs(v), p); });
  double most = 0;
  for (i64 i = 0; i < n; ++i) most = maximum(most, std::fabs(static_cast<double>(x[i])));
  return most;
}

}  // namespace

double join_norm_powers(double a, double b, double p) { return std::isinf(p) ? maximum(a, b) : a + b; }

double finish_norm(double power, double p) {
  if (p == 2) return std::sqrt(power);
  return p == 1 || std::isinf(p) ? power : std::pow(power, 1.0 / p);
}

double clip_factor(double norm, double max_norm) {
  const double factor = max_norm / (norm + 1e-6);
  return factor > 1.0 ? 1.0 : factor;
}

template <class T>
double norm_power(i64 n, const T* x, double p) {
  if (n <= kChunk) return chunk_power(n, x, p);
  // Chunks by the size alone, added in order: the same bits for any number of threads.
  std::vector<double> parts(static_cast<std::size_t>(ceil_div(n, kChunk)));
  parallel_for(static_cast<i64>(parts.size()), kChunk, [&](i64 begin, i64 end) {
    for (i64 c = begin; c < end; ++c) {
      parts[static_cast<std::size_t>(c)] = chunk_power(std::min(kChunk, n - c * kChunk), x + c * kChunk, p);
    }
  });
  double total = 0;
  for (const double part : parts) total = join_norm_powers(total, part, p);
  return total;
}

template <class T>
void scale(i64 n, T* x, double factor) {
  if (factor == 1) return;
  const T f = static_cast<T>(factor);
  parallel_for(ceil_div(n, kChunk), kChunk, [&](i64 begin, i64 end) {
    const i64 last = std::min(end * kChunk, n);
    for (i64 i = begin * kChunk; i < last; ++i) x[i] *= f;
  });
}

template <class T>
void clip_value(i64 n, T* grad, double limit) {
  const T high = static_cast<T>(limit), low = -high;
  parallel_for(ceil_div(n, kChunk), kChunk, [&](i64 begin, i64 end) {
    const i64 last = std::min(end * kChunk, n);
    for (i64 i = begin * kChunk; i < last; ++i) {
      const T g = grad[i] < low ? low : grad[i];
      grad[i] = g > high ? high : g;
    }
  });
}

#define NNF_INSTANTIATE(T)                                \
  template void clip_value<T>(i64, T*, double);           \
  template double norm_power<T>(i64, const T*, double);   \
  template void scale<T>(i64, T*, double);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
