// Pooling: checks, output sizes, and threading around the kernels of contract.h.
#include "kernels/pool/pool2d.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

constexpr i64 kMaxField = i64{1} << 31;  // keeps every product of two fields far from overflow

void check_pair(const char* op, const char* name, i64 down, i64 across, i64 least) {
  if (down < least || across < least || down > kMaxField || across > kMaxField) {
    throw_invalid("%s: %s: expected both at least %lld and at most %lld, got (%lld, %lld)", op, name,
                  static_cast<long long>(least), static_cast<long long>(kMaxField), static_cast<long long>(down),
                  static_cast<long long>(across));
  }
}

// PyTorch's rule: with ceil_mode a last window may run over the edge, but must start in the input or the padding
// before it.
i64 pool_output_size(const char* op, const char* axis, i64 size, i64 kernel, i64 stride, i64 pad, i64 dilation,
                     bool ceil_mode) {
  const i64 room = size + 2 * pad - dilation * (kernel - 1) - 1;
  if (room < 0 && !(ceil_mode && room + stride > 0)) {
    throw_invalid("%s: kernel_size: the window's %s %lld exceeds the padded input's %lld", op, axis,
                  static_cast<long long>(dilation * (kernel - 1) + 1), static_cast<long long>(size + 2 * pad));
  }
  i64 out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= size + pad) --out;
  return out;
}

// A pixel's cost in parallel_for's unit: a vector operation a tap and eight channels.
i64 pixel_cost(const PoolShape& s) { return s.kh * s.kw * ceil_div(s.c, 8) + 8; }

// f(first row, beyond the last) of all images' input rows, in the multiples the kernels ask for.
template <class F>
void over_input_rows(const PoolShape& s, F f) {
  const i64 rows = s.tiles ? s.kh : s.h, windows = s.tiles ? 1 : s.oh;
  parallel_for(s.n * s.h / rows, windows * s.ow * 2 * pixel_cost(s), [&](i64 begin, i64 end) {
    f(begin * rows, end * rows);
  });
}

// ---- images of more than kMostCells cells, whose numbers are not exact as float: a cell at a time

// f(output, its first cell's row and column) for all outputs, counted without channels.
template <class F>
void over_outputs(const PoolShape& s, F f) {
  for (i64 o = 0; o < s.n * s.oh * s.ow; ++o) {
    f(o, o / s.ow % s.oh * s.stride_h - s.pad_h, o % s.ow * s.stride_w - s.pad_w);
  }
}

template <class T>
void index_large(const PoolShape& s, const T* x, T* y, i64* indices) {
  over_outputs(s, [&](i64 o, i64 top, i64 left) {
    const T* image = x + o / (s.oh * s.ow) * s.h * s.w * s.c;
    for (i64 ch = 0; ch < s.c; ++ch) {
      T best = -std::numeric_limits<T>::infinity();
      i64 index = -1;
      for (i64 tap = 0; tap < s.kh * s.kw; ++tap) {
        const i64 row = top + tap / s.kw * s.dilation_h, col = left + tap % s.kw * s.dilation_w;
        if (row < 0 || row >= s.h || col < 0 || col >= s.w) continue;
        const T value = image[(row * s.w + col) * s.c + ch];
        if (index >= 0 && (best >= value || std::isnan(best))) continue;
        best = value, index = row * s.w + col;
      }
      y[o * s.c + ch] = best, indices[o * s.c + ch] = index;
    }
  });
}

// The gradient by any indices.
template <class T>
bool scatter(const PoolShape& s, const T* g, const i64* indices, T* gx) {
  const i64 cells = s.h * s.w, outputs = s.oh * s.ow;
  std::atomic<bool> good{true};
  parallel_for(s.n, (cells + outputs) * s.c, [&](i64 begin, i64 end) {
    bool all_good = true;
    for (i64 n = begin; n < end; ++n) {
      T* image = gx + n * cells * s.c;
      std::fill_n(image, cells * s.c, T{0});
      for (i64 o = n * outputs; o < (n + 1) * outputs; ++o) {
        for (i64 ch = 0; ch < s.c; ++ch) {
          const i64 index = indices[o * s.c + ch];
          const bool inside = index >= 0 && index < cells;
          if (inside) image[index * s.c + ch] += g[o * s.c + ch];
          all_good = all_good && (inside || index == -1);
        }
      }
    }
    if (!all_good) good = false;
  });
  return good;
}

}  // namespace

PoolShape make_pool_shape(const nnf_pool2d_shape& s, const char* op) {
  if (s.n < 0) throw_invalid("%s: x: expected a batch size of at least 0, got %lld", op, static_cast<long long>(s.n));
  if (s.c < 1 || s.h < 1 || s.w < 1 || s.c > kMaxField || s.h > kMaxField || s.w > kMaxField) {
    throw_invalid("%s: x: expected channels, height and width of at least 1, got (%lld, %lld, %lld)", op,
                  static_cast<long long>(s.c), static_cast<long long>(s.h), static_cast<long long>(s.w));
  }
  check_pair(op, "kernel_size", s.kh, s.kw, 1);
  check_pair(op, "stride", s.stride_h, s.stride_w, 1);
  check_pair(op, "padding", s.pad_h, s.pad_w, 0);
  check_pair(op, "dilation", s.dilation_h, s.dilation_w, 1);
  if (s.pad_h > s.kh / 2 || s.pad_w > s.kw / 2) {
    throw_invalid("%s: padding: expected at most half of kernel_size (%lld, %lld), got (%lld, %lld)", op,
                  static_cast<long long>(s.kh), static_cast<long long>(s.kw), static_cast<long long>(s.pad_h),
                  static_cast<long long>(s.pad_w));
  }
  PoolShape p{};
  p.n = s.n, p.c = s.c, p.h = s.h, p.w = s.w;
  p.kh = s.kh, p.kw = s.kw;
  p.stride_h = s.stride_h, p.stride_w = s.stride_w;
  p.pad_h = s.pad_h, p.pad_w = s.pad_w;
  p.dilation_h = s.dilation_h, p.dilation_w = s.dilation_w;
  p.count_include_pad = s.count_include_pad != 0;
  p.oh = pool_output_size(op, "height", s.h, s.kh, s.stride_h, s.pad_h, s.dilation_h, s.ceil_mode != 0);
  p.ow = pool_output_size(op, "width", s.w, s.kw, s.stride_w, s.pad_w, s.dilation_w, s.ceil_mode != 0);
  p.tiles = p.pad_h == 0 && p.pad_w == 0 && p.dilation_h == 1 && p.dilation_w == 1 && p.kh == p.stride_h &&
            p.kw == p.stride_w && p.oh * p.kh == p.h && p.ow * p.kw == p.w;
  return p;
}

template <class T>
void max_pool2d_forward(const PoolShape& s, const T* x, T* y, void* places) {
  const KernelTable<T>& k = kernels<T>();
  const bool bytes = s.kh * s.kw <= kBytePlaces;
  parallel_for(s.n * s.oh, s.ow * pixel_cost(s), [&](i64 begin, i64 end) {
    if (places == nullptr) {
      k.max_pool_nhwc(s, begin, end, x, y);
    } else if (bytes) {
      k.max_pool_nhwc_bytes(s, begin, end, x, y, static_cast<unsigned char*>(places));
    } else {
      k.max_pool_nhwc_wide(s, begin, end, x, y, static_cast<T*>(places));
    }
  });
}

template <class T>
void max_pool2d_backward(const PoolShape& s, const T* g, const void* places, T* gx) {
  const KernelTable<T>& k = kernels<T>();
  const bool bytes = s.kh * s.kw <= kBytePlaces;
  over_input_rows(s, [&](i64 row0, i64 row1) {
    if (bytes) {
      k.max_pool_nhwc_bytes_backward(s, row0, row1, g, static_cast<const unsigned char*>(places), gx);
    } else {
      k.max_pool_nhwc_wide_backward(s, row0, row1, g, static_cast<const T*>(places), gx);
    }
  });
}

template <class T>
void max_pool2d_indices(const PoolShape& s, const T* x, T* y, i64* indices) {
  if (s.h * s.w > kMostCells) return index_large<T>(s, x, y, indices);
  parallel_for(s.n * s.oh, s.ow * pixel_cost(s), [&](i64 begin, i64 end) {
    kernels<T>().max_pool_nhwc_indices(s, begin, end, x, y, indices);
  });
}

template <class T>
bool max_pool2d_indices_backward(const PoolShape& s, const T* g, const i64* indices, T* gx) {
  if (s.h * s.w > kMostCells) return scatter(s, g, indices, gx);
  std::atomic<bool> good{true};  // whether all indices are cells of their windows
  over_input_rows(s, [&](i64 row0, i64 row1) {
    if (!kernels<T>().max_pool_nhwc_indices_backward(s, row0, row1, g, indices, gx)) good = false;
  });
  if (!good) return scatter(s, g, indices, gx);
  return true;
}

template <class T>
void avg_pool2d_forward(const PoolShape& s, const T* x, T* y) {
  const KernelTable<T>& k = kernels<T>();
  parallel_for(s.n * s.oh, s.ow * pixel_cost(s), [&](i64 begin, i64 end) { k.avg_pool_nhwc(s, begin, end, x, y); });
}

template <class T>
void avg_pool2d_backward(const PoolShape& s, const T* g, T* gx) {
  const KernelTable<T>& k = kernels<T>();
  over_input_rows(s, [&](i64 row0, i64 row1) { k.avg_pool_nhwc_backward(s, row0, row1, g, gx); });
}

#define NNF_INSTANTIATE(T)                                                          \
  template void max_pool2d_forward<T>(const PoolShape&, const T*, T*, void*);       \
  template void max_pool2d_backward<T>(const PoolShape&, const T*, const void*, T*); \
  template void max_pool2d_indices<T>(const PoolShape&, const T*, T*, i64*);        \
  template bool max_pool2d_indices_backward<T>(const PoolShape&, const T*, const i64*, T*); \
  template void avg_pool2d_forward<T>(const PoolShape&, const T*, T*);              \
  template void avg_pool2d_backward<T>(const PoolShape&, const T*, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
