// See depthwise_planes.h. Forward and the data's gradient are cut into planes, the weight's gradient into channels,
// each of which one task sums over all images: the same bits at any number of threads.
#include "kernels/conv/depthwise_planes.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/conv/depthwise.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kBandElements = i64{1} << 13;  // of a band's split rows: some are in a first-level cache as float
constexpr i64 kLeastBand = 8;                // rows: half of what the kernels make at once, at most
constexpr i64 kMostPhases = 64;

i64 reach(i64 taps, i64 dilation) { return (taps - 1) * dilation; }

// `taps`: room for kw.
DepthwisePlanes make_plan(const ConvShape& s, i64* taps) {
  DepthwisePlanes p{};
  p.n = s.n, p.c = s.c, p.h = s.h, p.w = s.w, p.oh = s.oh, p.ow = s.ow;
  p.kh = s.kh, p.kw = s.kw;
  p.stride_h = s.stride_h, p.stride_w = s.stride_w;
  p.dilation_h = s.dilation_h, p.dilation_w = s.dilation_w;
  p.pad_top = s.pad_top, p.pad_left = s.pad_left;
  const i64 across = reach(s.kw, s.dilation_w);
  p.columns = std::clamp<i64>((s.ow - 1) * s.stride_w + across + 1 - s.pad_left, 0, s.w);
  p.margin = across / s.stride_w;
  p.split_line = round_up(s.ow + p.margin + 2 + kPlaneSlack, kPlaneSlack);
  p.line = round_up(p.margin + std::max(s.ow, (s.w - 1 + s.pad_left) / s.stride_w + 1) + 2 * kPlaneSlack, kPlaneSlack);
  for (i64 b = 0; b < s.kw; ++b) {
    taps[b] = b * s.dilation_w % s.stride_w * p.split_line + b * s.dilation_w / s.stride_w;
  }
  p.taps = taps;
  return p;
}

// Bands of output rows, for the sums over x. Rows of x are stored on whole vectors' boundaries where they are not
// split.
void set_output_bands(DepthwisePlanes& p, i64* taps) {
  p.lead = round_up(p.pad_left / p.stride_w, kPlaneSlack) - p.pad_left / p.stride_w;
  p.split_line += kPlaneSlack;
  for (i64 b = 0; b < p.kw; ++b) taps[b] += p.lead + b * p.dilation_w % p.stride_w * kPlaneSlack;
  const i64 down = reach(p.kh, p.dilation_h), size = p.stride_w * p.split_line;
  const i64 rows = (kBandElements / size - down) / p.stride_h / kLeastBand * kLeastBand;
  p.band = std::min(p.oh, std::max(kLeastBand, rows));
  p.rows = (p.band - 1) * p.stride_h + down + 1;
}

// Bands of input rows, for those over g.
void set_input_bands(DepthwisePlanes& p) {
  const i64 down = reach(p.kh, p.dilation_h);
  p.band = std::min(p.h, std::max(kLeastBand, kBandElements / p.line * p.stride_h - down));
  p.rows = std::min(p.oh, (p.band - 1 + down) / p.stride_h + 2);
}

i64 plane_cost(const ConvShape& s) { return s.oh * ceil_div(s.ow, 8) * s.kh * s.kw + s.h * s.w / 8; }

// Elements of the scratch of kernels that keep two bands.
i64 bands_elements(const DepthwisePlanes& p) { return 2 * p.rows * p.stride_w * p.split_line + kRowSlack; }

template <class T>
void correlate_planes(const ConvShape& s, const T* x, const T* weight, bool mirrored, const T* bias, T* y) {
  i64* taps = thread_scratch<i64>(Scratch::gemm_rows, s.kw);
  DepthwisePlanes p = make_plan(s, taps);
  set_output_bands(p, taps);
  parallel_for(s.n * s.c, plane_cost(s), [&](i64 begin, i64 end) {
    T* scratch = thread_scratch<T>(Scratch::conv_image, bands_elements(p));
    kernels<T>().depthwise_planes(p, begin, end, x, weight, mirrored, bias, y, scratch);
  });
}

bool has_planes(const ConvShape& s) {
  return is_depthwise(s) && s.oc == s.c && s.n > 0 && s.stride_w <= kMostPhases;
}

// What a plane takes either way, in multiply-adds of vectors (0.18 ns on the AVX-512 machine that this was fitted on,
// for planes from 5x5 to 112x112 and kernels from 3x3 to 9x9): a row read costs its vectors some more, and so does
// turning an image's elements, 16 at a time. Channels-last, pixels near an edge take longer. On planes, rows beside
// each other hide the latency of multiply-adds; too few take twice the time.
constexpr i64 kReadVector = 6, kTurn16 = 13, kEnoughRows = 7;

template <class T>
struct PlaneCosts {
  i64 lanes, taps, rows, turns;  // rows: vectors of g and y, whole or not
  static i64 waits(i64 height) { return height < kEnoughRows ? 2 : 1; }
  explicit PlaneCosts(const ConvShape& s)
      : lanes(vector_lanes<T>()), taps(s.kh * s.kw), rows(s.oh * ceil_div(s.ow, lanes)),
        turns(kTurn16 * (s.h * s.w + s.oh * s.ow) / 16) {}
  i64 read(const ConvShape& s) const { return kReadVector * s.h * ceil_div(s.w, lanes); }
};

}  // namespace

template <class T>
bool depthwise_planes_forward_pays(const ConvShape& s) {
  if (!has_planes(s)) return false;
  const PlaneCosts<T> cost(s);
  const i64 turned = s.oh * (s.ow + s.kw / 2) * cost.taps / cost.lanes;
  return cost.waits(s.oh) * cost.rows * cost.taps + cost.read(s) <= turned + cost.turns;
}

template <class T>
bool depthwise_planes_data_pays(const ConvShape& s, bool g_is_turned) {
  if (!has_planes(s)) return false;
  const PlaneCosts<T> cost(s);
  const i64 strides = s.stride_h * s.stride_w;
  // With strides a chain of dependent sums a vector; the kernels of 3x3 have two.
  const i64 wait = strides == 1 ? cost.waits(s.h) : strides == 4 && s.kh == 3 && s.kw == 3 ? 4 : 8;
  const i64 planes = wait * s.h * ceil_div(s.w, cost.lanes) * cost.taps / strides + kReadVector * cost.rows;
  const i64 turns = g_is_turned ? kTurn16 * s.h * s.w / 16 : cost.turns;
  return planes <= s.h * (s.w + s.kw / 2) * cost.taps / strides / cost.lanes + turns;
}

template <class T>
bool depthwise_planes_weight_pays(const ConvShape& s) {
  if (!has_planes(s)) return false;
  const PlaneCosts<T> cost(s);
  constexpr i64 kPlane = 120;  // fetching a plane's sums and putting them back
  // Kernels 3, 5 or 7 high have each load of x meet several rows of g.
  const bool shared = s.stride_h == 1 && s.dilation_h == 1 && (s.kh == 3 || s.kh == 5 || s.kh == 7);
  const i64 planes = cost.rows * cost.taps * (shared ? 1 : 2) + cost.read(s) + kPlane;
  return planes <= s.oh * s.ow * cost.taps * 4 / 3 / cost.lanes + cost.turns;
}

template <class T>
void depthwise_planes_forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y) {
  correlate_planes(s, x, weight, false, bias, y);
}

template <class T>
void depthwise_planes_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx) {
  if (s.stride_h == 1 && s.stride_w == 1) {  // a convolution of g with the weights mirrored
    ConvShape r = s;
    r.h = s.oh, r.w = s.ow, r.oh = s.h, r.ow = s.w;
    r.pad_top = reach(s.kh, s.dilation_h) - s.pad_top, r.pad_left = reach(s.kw, s.dilation_w) - s.pad_left;
    if (r.pad_top >= 0 && r.pad_left >= 0) return correlate_planes<T>(r, g, weight, true, nullptr, gx);
  }
  DepthwisePlanes p = make_plan(s, thread_scratch<i64>(Scratch::gemm_rows, s.kw));
  set_input_bands(p);
  parallel_for(s.n * s.c, plane_cost(s), [&](i64 begin, i64 end) {
    T* scratch = thread_scratch<T>(Scratch::conv_image, p.rows * p.line + p.stride_w * (p.line + 1));
    kernels<T>().depthwise_planes_gather(p, begin, end, g, weight, gx, scratch);
  });
}

template <class T>
void depthwise_planes_backward_weight(const ConvShape& s, const T* g, const T* x, T* gweight) {
  i64* taps = thread_scratch<i64>(Scratch::gemm_rows, s.kw);
  DepthwisePlanes p = make_plan(s, taps);
  set_output_bands(p, taps);
  parallel_for(s.c, s.n * plane_cost(s), [&](i64 begin, i64 end) {
    T* scratch = thread_scratch<T>(Scratch::conv_image, bands_elements(p));
    kernels<T>().depthwise_planes_sums(p, begin, end, g, x, gweight, scratch);
  });
}

#define NNF_INSTANTIATE(T)                                                                                   \
  template bool depthwise_planes_forward_pays<T>(const ConvShape&);                                          \
  template bool depthwise_planes_data_pays<T>(const ConvShape&, bool);                                       \
  template bool depthwise_planes_weight_pays<T>(const ConvShape&);                                           \
  template void depthwise_planes_forward<T>(const ConvShape&, const T*, const T*, const T*, T*);             \
  template void depthwise_planes_backward_data<T>(const ConvShape&, const T*, const T*, T*);                 \
  template void depthwise_planes_backward_weight<T>(const ConvShape&, const T*, const T*, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
