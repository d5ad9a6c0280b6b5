// See resize.h. Rows are copied whole, so the library's memmove does the vector work.
#include "kernels/layout/resize.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"

namespace nnf {
namespace {

constexpr i64 kMaxField = i64{1} << 31;

}  // namespace

template <class T>
void pad_constant(int ndim, const i64* shape, const i64* before, const i64* after, T value, const T* x, T* y) {
  // Axes behind the last padded one are part of its cells: the rows get longer.
  int nd = ndim;
  i64 cell = 1;
  while (nd > 1 && before[nd - 1] == 0 && after[nd - 1] == 0) cell *= shape[--nd];
  const int outer = std::max(nd, 1) - 1;
  const i64 in = nd > 0 ? shape[outer] * cell : 1;  // a row of x; an array without axes is one number
  const i64 front = nd > 0 ? before[outer] * cell : 0, out = nd > 0 ? in + front + after[outer] * cell : 1;
  i64 rows = 1;
  for (int d = 0; d < outer; ++d) rows *= shape[d] + before[d] + after[d];
  if (rows == 0 || out == 0) return;
  // The row's own cells: x[from..from+count) at y[to..].
  const i64 from = std::max<i64>(0, -front), to = std::max<i64>(0, front);
  const i64 count = std::max<i64>(0, std::min(in - from, out - to));
  const i64 head = std::min(to, out);
  parallel_for(rows, out / 8 + 4, [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      i64 rest = row, source = 0, step = 1;
      bool inside = true;
      for (int d = outer - 1; d >= 0; --d) {
        const i64 size = shape[d] + before[d] + after[d];
        const i64 i = rest % size - before[d];
        rest /= size;
        inside = inside && i >= 0 && i < shape[d];
        source += i * step;
        step *= shape[d];
      }
      T* at = y + row * out;
      if (!inside || count == 0) {
        std::fill_n(at, out, value);
        continue;
      }
      std::fill_n(at, head, value);
      std::copy_n(x + source * in + from, count, at + to);
      std::fill_n(at + to + count, out - to - count, value);
    }
  });
}

void check_upsample_shape(const UpsampleShape& s, const char* op) {
  if (s.scale_h < 1 || s.scale_w < 1 || s.scale_h > kMaxField || s.scale_w > kMaxField) {
    throw_invalid("%s: scale_factor: expected both at least 1, got (%lld, %lld)", op,
                  static_cast<long long>(s.scale_h), static_cast<long long>(s.scale_w));
  }
  if (s.n < 0 || s.c < 0 || s.h < 0 || s.w < 0 || s.h > kMaxField || s.w > kMaxField) {
    throw_invalid("%s: x: expected sizes of 0..2^31, got a height of %lld and a width of %lld", op,
                  static_cast<long long>(s.h), static_cast<long long>(s.w));
  }
  if (static_cast<double>(s.h * s.scale_h) * static_cast<double>(s.w * s.scale_w) > 0x1p44) {
    throw_invalid("%s: scale_factor: the result of height %lld and width %lld is too large", op,
                  static_cast<long long>(s.h * s.scale_h), static_cast<long long>(s.w * s.scale_w));
  }
}

template <class T>
void upsample_nearest_forward(const UpsampleShape& s, const T* x, T* y) {
  const i64 in = s.w * s.c, out = in * s.scale_w;
  parallel_for(s.n * s.h, out * s.scale_h / 8 + s.w * s.scale_w + 4, [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      const T* from = x + row * in;
      T* first = y + row * s.scale_h * out;
      T* to = first;
      for (i64 j = 0; j < s.w; ++j, from += s.c) {
        for (i64 b = 0; b < s.scale_w; ++b, to += s.c) {
          for (i64 ch = 0; ch < s.c; ++ch) to[ch] = from[ch];
        }
      }
      for (i64 a = 1; a < s.scale_h; ++a) std::copy_n(first, out, first + a * out);
    }
  });
}

template <class T>
void upsample_nearest_backward(const UpsampleShape& s, const T* g, T* gx) {
  const i64 in = s.w * s.c, out = in * s.scale_w;
  parallel_for(s.n * s.h, out * s.scale_h / 8 + s.w * s.scale_w + 4, [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      T* to_row = gx + row * in;
      std::fill_n(to_row, in, T{0});
      for (i64 a = 0; a < s.scale_h; ++a) {
        const T* from = g + (row * s.scale_h + a) * out;
        for (i64 j = 0; j < s.w; ++j) {
          T* to = to_row + j * s.c;
          for (i64 b = 0; b < s.scale_w; ++b, from += s.c) {
            for (i64 ch = 0; ch < s.c; ++ch) to[ch] += from[ch];
          }
        }
      }
    }
  });
}

#define NNF_INSTANTIATE(T)                                                                          \
  template void pad_constant<T>(int, const i64*, const i64*, const i64*, T, const T*, T*);          \
  template void upsample_nearest_forward<T>(const UpsampleShape&, const T*, T*);                    \
  template void upsample_nearest_backward<T>(const UpsampleShape&, const T*, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
