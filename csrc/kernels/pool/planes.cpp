// See planes.h. Work is cut into planes; a plane's result does not depend on the cut.
#include "kernels/pool/planes.h"

#include <algorithm>
#include <atomic>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kFewChannels = 4;          // with so many, channels-last vectors are less than half full
constexpr i64 kMostPhases = 64;
// Outputs of a row below which vectors are too empty (AVX-512): 14x14 by windows of 3x3, two apart, takes 40 us by
// planes as by conversion, 112 us by the kernels for any window.
constexpr i64 kNarrow = 12;
constexpr i64 kBandElements = i64{1} << 13;  // of a band's rows in scratch: inside a first-level cache as float
constexpr i64 kLeastBand = 8;                // rows

i64 reach(i64 taps, i64 dilation) { return (taps - 1) * dilation; }

PoolPlanes make_planes(const PoolShape& shape, i64* taps) {
  PoolPlanes p{};
  p.s = shape;
  p.s.n = shape.n * shape.c, p.s.c = 1;
  const PoolShape& s = p.s;
  p.margin = reach(s.kw, s.dilation_w) / s.stride_w;
  p.columns = std::min(s.w, (s.ow - 1) * s.stride_w + reach(s.kw, s.dilation_w) + 1 - s.pad_w);
  p.split_line = round_up(s.ow + p.margin + 2 + 2 * kPoolSlack, kPoolSlack);
  p.line = round_up(p.margin + std::max(s.ow, (s.w - 1 + s.pad_w) / s.stride_w + 1) + 2 * kPoolSlack, kPoolSlack);
  for (i64 b = 0; b < s.kw; ++b) {
    taps[b] = b * s.dilation_w % s.stride_w * p.split_line + b * s.dilation_w / s.stride_w;
  }
  p.taps = taps;
  return p;
}

// Sets the bands, of output rows or (of the gradient) input rows: as many planes as kBandElements hold, or rows of one.
void set_bands(PoolPlanes& p, bool backward) {
  const PoolShape& s = p.s;
  const i64 down = reach(s.kh, s.dilation_h), per_in = s.stride_w * p.split_line + (backward ? 2 : 1) * p.line;
  const i64 per_out = backward ? 2 * p.line : 0, plane = s.h * per_in + s.oh * per_out;
  const i64 planes = std::min(s.n, kBandElements / plane);
  if (planes > 0) {
    p.band = planes * (backward ? s.h : s.oh);
    p.rows_in = planes * s.h, p.rows_out = planes * s.oh;
    return;
  }
  const i64 rows = std::max(kLeastBand, kBandElements / (per_in + per_out / s.stride_h) - down);
  p.band = backward ? std::min(rows, s.h) : std::min(std::max(kLeastBand, rows / s.stride_h), s.oh);
  p.rows_out = backward ? (p.band - 1 + down) / s.stride_h + 2 : p.band;
  p.rows_in = std::min(s.h, p.rows_out * s.stride_h + down + 1);
}

// The plan; its taps lie in the thread's scratch.
PoolPlanes plan_planes(const PoolShape& shape, bool backward) {
  PoolPlanes p = make_planes(shape, thread_scratch<i64>(Scratch::convert_out, shape.kw));
  set_bands(p, backward);
  return p;
}

i64 scratch_elements(const PoolPlanes& p, bool backward) {
  const i64 forward = p.rows_in * p.s.stride_w * p.split_line + (1 + p.rows_in) * p.line;
  return forward + (backward ? (p.rows_in + p.s.stride_w + 2 * p.rows_out) * p.line : 0);
}

// f(plan, first plane, beyond the last, scratch).
template <class T, class F>
void over_planes(const PoolShape& shape, bool backward, F f) {
  if (shape.n == 0) return;
  const PoolPlanes p = plan_planes(shape, backward);
  const PoolShape& s = p.s;
  const i64 elements = scratch_elements(p, backward);
  const i64 cost = (s.h * s.w + s.oh * s.ow * (s.kh + s.kw)) / 8 + 1;
  parallel_for(s.n, cost, [&](i64 begin, i64 end) {
    f(p, begin, end, thread_scratch<T>(Scratch::convert_in, elements));
  });
}

}  // namespace

bool planes_pay(const PoolShape& s, PlaneWork work) {
  const bool twos = s.stride_h == 2 && s.stride_w == 2 && s.dilation_h == 1 && s.dilation_w == 1;
  const bool pairs = twos && s.kh == 2 && s.kw == 2 && s.pad_h == 0 && s.pad_w == 0;
  const bool triples = twos && s.kh == 3 && s.kw == 3 && s.pad_h == 1 && s.pad_w == 1;
  const bool inside = 2 * s.oh <= s.h && 2 * s.ow <= s.w;  // of pairs
  // Cells are counted as float.
  if ((reach(s.kh, s.dilation_h) + s.h) * s.w + reach(s.kw, s.dilation_w) >= kMostCells) return false;
  if (work == PlaneWork::pairs_gradient) return pairs && inside && s.ow >= kNarrow;
  if (work == PlaneWork::indices) return (pairs && inside && s.ow >= 4) || (triples && s.ow >= kNarrow);
  if (s.stride_w > kMostPhases) return false;
  if (reach(s.kh, s.dilation_h) >= s.h + 2 * s.pad_h || reach(s.kw, s.dilation_w) >= s.w + 2 * s.pad_w) return false;
  if (s.c < kFewChannels) return true;
  if (pairs) return s.ow >= 4;
  if (triples) return s.ow >= kNarrow;
  // Places of maxima are found faster with the channels in vectors: 28x28, 3x3 one apart, 64 channels, 8 images: 1,150
  // us by planes, conversions and all 500.
  return s.stride_w <= 2 && s.ow >= kNarrow && work != PlaneWork::max_gradient;
}

template <class T>
void max_pool2d_planes(const PoolShape& s, const T* x, T* y) {
  over_planes<T>(s, false, [&](const PoolPlanes& p, i64 p0, i64 p1, T* scratch) {
    kernels<T>().max_pool_planes(p, p0, p1, x, y, scratch);
  });
}

template <class T>
void max_pool2d_planes_backward(const PoolShape& s, const T* g, const T* x, T* gx) {
  over_planes<T>(s, true, [&](const PoolPlanes& p, i64 p0, i64 p1, T* scratch) {
    kernels<T>().max_pool_planes_backward(p, p0, p1, g, x, gx, scratch);
  });
}

template <class T>
void max_pool2d_planes_indices(const PoolShape& s, const T* x, T* y, i64* indices) {
  over_planes<T>(s, false, [&](const PoolPlanes& p, i64 p0, i64 p1, T* scratch) {
    kernels<T>().max_pool_planes_indices(p, p0, p1, x, y, indices, scratch);
  });
}

template <class T>
bool max_pool2d_pairs_backward(const PoolShape& s, const T* g, const i64* indices, T* gx) {
  std::atomic<bool> good{true};
  over_planes<T>(s, false, [&](const PoolPlanes& p, i64 p0, i64 p1, T*) {
    if (!kernels<T>().max_pool_pairs_indices_backward(p, p0, p1, g, indices, gx)) good = false;
  });
  return good;
}

template <class T>
bool max_pool2d_planes_scatter(const PoolShape& s, const T* g, const i64* indices, T* gx) {
  const i64 cells = s.h * s.w, outputs = s.oh * s.ow;
  std::atomic<bool> good{true};
  parallel_for(s.n * s.c, cells / 8 + outputs, [&](i64 begin, i64 end) {
    bool all_good = true;
    for (i64 plane = begin; plane < end; ++plane) {
      T* to = gx + plane * cells;
      std::fill_n(to, cells, T{0});
      for (i64 o = plane * outputs; o < (plane + 1) * outputs; ++o) {
        const i64 index = indices[o];
        if (index >= 0 && index < cells) {
          to[index] += g[o];
        } else {
          all_good = all_good && index == -1;
        }
      }
    }
    if (!all_good) good = false;
  });
  return good;
}

template <class T>
void avg_pool2d_planes(const PoolShape& s, const T* x, T* y) {
  over_planes<T>(s, false, [&](const PoolPlanes& p, i64 p0, i64 p1, T* scratch) {
    kernels<T>().avg_pool_planes(p, p0, p1, x, y, scratch);
  });
}

template <class T>
void avg_pool2d_planes_backward(const PoolShape& s, const T* g, T* gx) {
  over_planes<T>(s, true, [&](const PoolPlanes& p, i64 p0, i64 p1, T* scratch) {
    kernels<T>().avg_pool_planes_backward(p, p0, p1, g, nullptr, gx, scratch);
  });
}

namespace {

PoolShape of_one_image(PoolShape s) {
  s.n = 1;
  return s;
}

}  // namespace

template <class T>
ImagePlanes<T>::ImagePlanes(const PoolShape& s, bool max, Pass pass)
    : plan_(plan_planes(of_one_image(s), pass == Pass::backward)),
      elements_(scratch_elements(plan_, pass == Pass::backward)),
      max_(max) {}

template <class T>
void ImagePlanes<T>::forward(const T* x, T* y) const {
  const KernelTable<T>& k = kernels<T>();
  const auto pool = max_ ? k.max_pool_planes : k.avg_pool_planes;
  pool(plan_, 0, plan_.s.n, x, y, thread_scratch<T>(Scratch::convert_in, elements_));
}

template <class T>
void ImagePlanes<T>::backward(const T* g, const T* x, T* gx) const {
  const KernelTable<T>& k = kernels<T>();
  const auto pool = max_ ? k.max_pool_planes_backward : k.avg_pool_planes_backward;
  pool(plan_, 0, plan_.s.n, g, x, gx, thread_scratch<T>(Scratch::convert_in, elements_));
}

#define NNF_INSTANTIATE(T)                                                                \
  template class ImagePlanes<T>;                                                          \
  template void max_pool2d_planes<T>(const PoolShape&, const T*, T*);                     \
  template void max_pool2d_planes_backward<T>(const PoolShape&, const T*, const T*, T*);  \
  template void max_pool2d_planes_indices<T>(const PoolShape&, const T*, T*, i64*);       \
  template bool max_pool2d_pairs_backward<T>(const PoolShape&, const T*, const i64*, T*); \
  template bool max_pool2d_planes_scatter<T>(const PoolShape&, const T*, const i64*, T*); \
  template void avg_pool2d_planes<T>(const PoolShape&, const T*, T*);                     \
  template void avg_pool2d_planes_backward<T>(const PoolShape&, const T*, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
