// See depthwise.h. One output a channel goes through the kernels of depthwise_contract.h; several
// outputs a channel, and the data's gradient with strides and dilation both, are plain loops over the channels that
// the compiler vectorises for the baseline instruction set.
#include "kernels/conv/depthwise.h"

#include <algorithm>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kBlockChannels = 16;  // of a task of the weight's gradient: a cache line of a pixel as float

// The taps first..last-1 of a window that starts at `start` lie inside 0..size-1.
struct Taps {
  i64 first, last;
  Taps(i64 start, i64 taps, i64 dilation, i64 size)
      : first(start < 0 ? ceil_div(-start, dilation) : 0),
        last(start < size ? std::min(taps, ceil_div(size - start, dilation)) : 0) {
    first = std::min(first, last);
  }
};

// f(output pixel, pixel of x under tap (0, 0), taps down, taps across), over rows row0..row1-1 of n * oh.
template <class F>
void over_pixels(const ConvShape& s, i64 row0, i64 row1, F f) {
  for (i64 row = row0; row < row1; ++row) {
    const i64 image = row / s.oh, top = row % s.oh * s.stride_h - s.pad_top;
    const Taps down(top, s.kh, s.dilation_h, s.h);
    for (i64 j = 0; j < s.ow; ++j) {
      const i64 left = j * s.stride_w - s.pad_left;
      const Taps across(left, s.kw, s.dilation_w, s.w);
      f(row * s.ow + j, (image * s.h + top) * s.w + left, down, across);
    }
  }
}

// f(input pixel's distance from the window's first, tap) for the taps inside the image.
template <class F>
inline void over_taps(const ConvShape& s, const Taps& down, const Taps& across, F f) {
  for (i64 a = down.first; a < down.last; ++a) {
    for (i64 b = across.first; b < across.last; ++b) {
      f(a * s.dilation_h * s.w + b * s.dilation_w, a * s.kw + b);
    }
  }
}

i64 row_cost(const ConvShape& s) { return s.ow * s.kh * s.kw * (s.oc / 4 + 1); }

// One channel in, one out: output rows row0..row1-1 of n * oh, with weight (kh, kw, c), or mirrored.
template <class T>
void simple_rows(const ConvShape& s, i64 row0, i64 row1, const T* x, const T* weight, bool mirrored, const T* bias,
                 T* y) {
  const KernelTable<T>& k = kernels<T>();
  const i64 c = s.c, sign = mirrored ? -1 : 1;
  DepthwiseRow<T> r{};
  r.pixels = s.ow, r.c = c, r.across = s.kw;
  r.first = -s.pad_left, r.stride = s.stride_w, r.dilation = s.dilation_w, r.columns = s.w;
  r.x_row = s.dilation_h * s.w * c, r.x_col = c;
  r.w_row = sign * s.kw * c, r.w_col = sign * c;
  r.bias = bias;
  r.y_step = c;
  const T* first = mirrored ? weight + (s.kh * s.kw - 1) * c : weight;
  for (i64 row = row0; row < row1; ++row) {
    const i64 image = row / s.oh, top = row % s.oh * s.stride_h - s.pad_top;
    const Taps down(top, s.kh, s.dilation_h, s.h);
    r.down = down.last - down.first;
    r.x = x + (image * s.h + top + down.first * s.dilation_h) * s.w * c;
    r.w = first + down.first * r.w_row;
    r.y = y + row * s.ow * c;
    k.depthwise_row(r);
  }
}

// The data's gradient with strides, no dilation: rows row0..row1-1 of n * h. A row's pixels fall into stride_w
// classes by their place modulo the stride, and a class is a convolution of g's rows with every stride_w-th tap, the
// last of them first.
template <class T>
void strided_gradient_rows(const ConvShape& s, i64 row0, i64 row1, const T* g, const T* weight, T* gx) {
  const KernelTable<T>& k = kernels<T>();
  const i64 c = s.c;
  DepthwiseRow<T> r{};
  r.c = c;
  r.stride = r.dilation = 1, r.columns = s.ow;
  r.x_row = -s.ow * c, r.x_col = c;
  r.w_row = s.stride_h * s.kw * c, r.w_col = -s.stride_w * c;
  r.y_step = s.stride_w * c;
  for (i64 row = row0; row < row1; ++row) {
    const i64 image = row / s.h, below = row % s.h + s.pad_top, a = below % s.stride_h, top = below / s.stride_h;
    // Taps a, a + stride_h, ... meet rows top, top - 1, ... of g.
    const i64 first = std::max<i64>(0, top - s.oh + 1);
    const i64 last = a < s.kh ? std::min(top, (s.kh - 1 - a) / s.stride_h) : -1;
    for (i64 b = 0; b < s.stride_w; ++b) {
      const i64 col0 = ((b - s.pad_left) % s.stride_w + s.stride_w) % s.stride_w;
      const i64 most = b < s.kw ? (s.kw - 1 - b) / s.stride_w : -1;  // taps b, b + stride_w, ... less one
      r.pixels = col0 < s.w ? (s.w - 1 - col0) / s.stride_w + 1 : 0;
      r.down = most >= 0 ? std::max<i64>(0, last - first + 1) : 0;
      r.across = std::max<i64>(1, most + 1);
      r.first = (col0 + s.pad_left) / s.stride_w - std::max<i64>(0, most);
      r.x = r.down > 0 ? g + (image * s.oh + top - first) * s.ow * c : g;
      r.w = r.down > 0 ? weight + ((a + first * s.stride_h) * s.kw + b + most * s.stride_w) * c : weight;
      if (r.down == 0) r.across = 1;
      r.y = gx + (row * s.w + col0) * c;
      k.depthwise_row(r);
    }
  }
}

// The weight's gradient of channels ch0..ch1-1, added to gweight.
template <class T>
void simple_sums(const ConvShape& s, i64 ch0, i64 ch1, const T* g, const T* x, T* gweight) {
  const i64 c = s.c;
  DepthwiseSums<T> t{};
  t.lines = s.oh, t.pixels = s.ow, t.c = ch1 - ch0, t.down = s.kh, t.across = s.kw;
  t.top = -s.pad_top, t.stride_h = s.stride_h, t.dilation_h = s.dilation_h, t.rows = s.h;
  t.first = -s.pad_left, t.stride = s.stride_w, t.dilation = s.dilation_w, t.columns = s.w;
  t.g_line = s.ow * c, t.g_step = c;
  t.x_row = s.w * c, t.x_col = c;
  t.out = gweight + ch0;
  t.out_row = s.kw * c, t.out_col = c;
  for (i64 n = 0; n < s.n; ++n) {
    t.g = g + n * s.oh * s.ow * c + ch0;
    t.x = x + n * s.h * s.w * c + ch0;
    kernels<T>().depthwise_sums(t);
  }
}

// Several outputs a channel.
template <class T>
void forward_multiplied(const ConvShape& s, i64 row0, i64 row1, const T* x, const T* weight, T* y) {
  const i64 c = s.c, times = s.oc / s.c;
  over_pixels(s, row0, row1, [&](i64 out, i64 in, Taps down, Taps across) {
    T* to = y + out * s.oc;
    std::fill_n(to, s.oc, T{0});
    over_taps(s, down, across, [&](i64 step, i64 tap) {
      const T* from = x + (in + step) * c;
      const T* w = weight + tap * s.oc;
      for (i64 ch = 0; ch < c; ++ch) {
        for (i64 m = 0; m < times; ++m) to[ch * times + m] += from[ch] * w[ch * times + m];
      }
    });
  });
}

}  // namespace

template <class T>
void depthwise_forward(const ConvShape& s, const T* x, const T* weight, const Epilogue<T>& e, T* y) {
  const KernelTable<T>& k = kernels<T>();
  const i64 row = s.ow * s.oc;
  parallel_for(s.n * s.oh, row_cost(s), [&](i64 begin, i64 end) {
    for (i64 i = begin; i < end; ++i) {
      T* done = y + i * row;
      if (s.oc == s.c) {
        simple_rows(s, i, i + 1, x, weight, false, e.bias, y);
      } else {
        forward_multiplied(s, i, i + 1, x, weight, y);
        if (e.bias != nullptr) k.bias_add_rows(s.ow, s.oc, e.bias, done, s.oc);
      }
      if (e.act != NNF_ACT_IDENTITY) k.activation[e.act].forward(row, done, done, e.alpha);
    }
  });
}

template <class T>
void depthwise_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx) {
  const i64 c = s.c, times = s.oc / s.c;
  if (times == 1 && s.stride_h == 1 && s.stride_w == 1) {  // a convolution of g with the weights mirrored
    ConvShape r = s;
    r.h = s.oh, r.w = s.ow, r.oh = s.h, r.ow = s.w;
    r.pad_top = (s.kh - 1) * s.dilation_h - s.pad_top, r.pad_left = (s.kw - 1) * s.dilation_w - s.pad_left;
    if (r.pad_top >= 0 && r.pad_left >= 0) {
      parallel_for(r.n * r.oh, row_cost(r), [&](i64 begin, i64 end) {
        simple_rows<T>(r, begin, end, g, weight, true, nullptr, gx);
      });
      return;
    }
  }
  if (times == 1 && s.dilation_h == 1 && s.dilation_w == 1) {
    const i64 cost = s.w * s.kh * s.kw / (s.stride_h * s.stride_w) * (c / 4 + 1);
    parallel_for(s.n * s.h, cost + 1, [&](i64 begin, i64 end) {
      strided_gradient_rows(s, begin, end, g, weight, gx);
    });
    return;
  }
  parallel_for(s.n, s.oh * row_cost(s), [&](i64 begin, i64 end) {
    std::fill_n(gx + begin * s.h * s.w * c, (end - begin) * s.h * s.w * c, T{0});
    over_pixels(s, begin * s.oh, end * s.oh, [&](i64 out, i64 in, Taps down, Taps across) {
      const T* from = g + out * s.oc;
      over_taps(s, down, across, [&](i64 step, i64 tap) {
        T* to = gx + (in + step) * c;
        const T* w = weight + tap * s.oc;
        if (times == 1) {
          for (i64 ch = 0; ch < c; ++ch) to[ch] += from[ch] * w[ch];
        } else {
          for (i64 ch = 0; ch < c; ++ch) {
            for (i64 m = 0; m < times; ++m) to[ch] += from[ch * times + m] * w[ch * times + m];
          }
        }
      });
    });
  });
}

// Cut into blocks of channels, each summed by one task over all images: the same bits at any number of threads.
template <class T>
void depthwise_backward_weight(const ConvShape& s, const T* g, const T* x, T* gweight, bool accumulate) {
  const i64 c = s.c, times = s.oc / s.c;
  if (!accumulate) std::fill_n(gweight, s.kh * s.kw * s.oc, T{0});
  parallel_for(ceil_div(c, kBlockChannels), s.n * s.oh * row_cost(s) * kBlockChannels / c + 1, [&](i64 begin, i64 end) {
    const i64 ch0 = begin * kBlockChannels, ch1 = std::min(c, end * kBlockChannels);
    if (times == 1) return simple_sums(s, ch0, ch1, g, x, gweight);
    over_pixels(s, 0, s.n * s.oh, [&](i64 out, i64 in, Taps down, Taps across) {
      const T* from = g + out * s.oc;
      over_taps(s, down, across, [&](i64 step, i64 tap) {
        const T* image = x + (in + step) * c;
        T* to = gweight + tap * s.oc;
        for (i64 ch = ch0; ch < ch1; ++ch) {
          for (i64 m = 0; m < times; ++m) to[ch * times + m] += from[ch * times + m] * image[ch];
        }
      });
    });
  });
}

#define NNF_INSTANTIATE(T)                                                                                  \
  template void depthwise_forward<T>(const ConvShape&, const T*, const T*, const Epilogue<T>&, T*);         \
  template void depthwise_backward_data<T>(const ConvShape&, const T*, const T*, T*);                       \
  template void depthwise_backward_weight<T>(const ConvShape&, const T*, const T*, T*, bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
