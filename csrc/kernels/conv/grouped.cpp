// See grouped.h. Bands of padded images are copied into scratch, so that the kernels know no edges; the work is cut
// into bands of output rows by shape alone, and a pixel's sum does not depend on the cut.
#include "kernels/conv/grouped.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/conv/frame.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kBandElements = i64{1} << 15;  // of padded rows: an eighth of a megabyte as float

// The rows of an image that a band of output rows reaches, padded or as they lie.
template <class T>
struct Bands {
  ConvShape s;
  Frame frame;
  bool in_place;
  i64 pitch, rows;  // elements between rows; output rows of a band

  explicit Bands(const ConvShape& shape) : s(shape) {
    frame = {s.pad_top, s.pad_left, (s.oh - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1,
             (s.ow - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1};
    in_place = frame_inside(frame, s.h, s.w);
    pitch = (in_place ? s.w : frame.cols) * s.c;
    const i64 fit = (kBandElements / pitch - (s.kh - 1) * s.dilation_h) / s.stride_h;
    rows = std::clamp<i64>(fit, std::min<i64>(4, s.oh), s.oh);
  }
  i64 count() const { return ceil_div(s.oh, rows); }
  // Output rows o0..o1-1 of an image: where tap (0, 0) of the first one lies.
  const T* at(const T* image, i64 o0, i64 o1) const {
    if (in_place) return image + o0 * s.stride_h * pitch;
    const i64 height = (o1 - o0 - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;
    T* copy = thread_scratch<T>(Scratch::conv_image, height * pitch);
    copy_frame(frame, s.h, s.w, s.c, o0 * s.stride_h, height, image, copy);
    return copy;
  }
};

template <class T>
void correlate_groups(const ConvShape& s, const T* x, const T* weight, const Epilogue<T>& e, T* y) {
  const KernelTable<T>& k = kernels<T>();
  const Bands<T> bands(s);
  const i64 per_image = bands.count(), width = s.c / s.groups;
  const i64 cost = bands.rows * s.ow * s.kh * s.kw * width * ceil_div(s.c, 16);
  parallel_for(s.n * per_image, cost, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 n = t / per_image, o0 = t % per_image * bands.rows, o1 = std::min(s.oh, o0 + bands.rows);
      GroupedRow<T> r{};
      r.pixels = s.ow, r.c = s.c, r.width = width, r.kh = s.kh, r.kw = s.kw;
      r.x_step = s.stride_w * s.c, r.x_row = s.dilation_h * bands.pitch, r.x_col = s.dilation_w * s.c;
      r.w = weight;
      r.bias = e.bias;
      const T* from = bands.at(x + n * s.h * s.w * s.c, o0, o1);
      T* to = y + (n * s.oh + o0) * s.ow * s.c;
      for (i64 o = o0; o < o1; ++o) {
        r.x = from + (o - o0) * s.stride_h * bands.pitch;
        r.y = to + (o - o0) * s.ow * s.c;
        k.grouped_row(r);
      }
      if (e.act != NNF_ACT_IDENTITY) k.activation[e.act].forward((o1 - o0) * s.ow * s.c, to, to, e.alpha);
    }
  });
}

}  // namespace

template <class T>
bool is_grouped_small(const ConvShape& s) {
  const i64 width = s.c / s.groups, lanes = vector_lanes<T>();
  return s.groups > 1 && s.oc == s.c && (width == 2 || width == 4 || width == 8) && width <= lanes;
}

template <class T>
void grouped_forward(const ConvShape& s, const T* x, const T* weight, const Epilogue<T>& epilogue, T* y) {
  correlate_groups(s, x, weight, epilogue, y);
}

// A convolution of g with the weights mirrored, and input and output changed in every group.
template <class T>
void grouped_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx) {
  const i64 width = s.c / s.groups, taps = s.kh * s.kw, c = s.c;
  T* turned = thread_scratch<T>(Scratch::gemm_b, taps * width * c);
  for (i64 t = 0; t < taps; ++t) {
    const T* from = weight + (taps - 1 - t) * width * c;
    T* to = turned + t * width * c;
    for (i64 q = 0; q < c; q += width) {
      for (i64 i = 0; i < width; ++i) {
        for (i64 o = 0; o < width; ++o) to[o * c + q + i] = from[i * c + q + o];
      }
    }
  }
  ConvShape r = s;
  r.h = s.oh, r.w = s.ow, r.oh = s.h, r.ow = s.w;
  r.pad_top = (s.kh - 1) * s.dilation_h - s.pad_top, r.pad_left = (s.kw - 1) * s.dilation_w - s.pad_left;
  correlate_groups<T>(r, g, turned, Epilogue<T>{}, gx);
}

template <class T>
void grouped_backward_weight(const ConvShape& s, i64 n0, i64 n1, const T* g, const T* x, T* gweight) {
  const KernelTable<T>& k = kernels<T>();
  const Bands<T> bands(s);
  const i64 width = s.c / s.groups;
  GroupedSums<T> t{};
  t.pixels = s.ow, t.c = s.c, t.width = width, t.taps = s.kw;
  t.x_line = s.stride_h * bands.pitch, t.x_step = s.stride_w * s.c, t.x_col = s.dilation_w * s.c;
  for (i64 n = n0; n < n1; ++n) {
    for (i64 o0 = 0; o0 < s.oh; o0 += bands.rows) {
      const i64 o1 = std::min(s.oh, o0 + bands.rows);
      const T* from = bands.at(x + n * s.h * s.w * s.c, o0, o1);
      t.lines = o1 - o0;
      t.g = g + (n * s.oh + o0) * s.ow * s.c;
      for (i64 a = 0; a < s.kh; ++a) {
        t.x = from + a * s.dilation_h * bands.pitch;
        t.out = gweight + a * s.kw * width * s.c;
        k.grouped_sums(t);
      }
    }
  }
}

#define NNF_INSTANTIATE(T)                                                                                \
  template bool is_grouped_small<T>(const ConvShape&);                                                    \
  template void grouped_forward<T>(const ConvShape&, const T*, const T*, const Epilogue<T>&, T*);         \
  template void grouped_backward_data<T>(const ConvShape&, const T*, const T*, T*);                       \
  template void grouped_backward_weight<T>(const ConvShape&, i64, i64, const T*, const T*, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
