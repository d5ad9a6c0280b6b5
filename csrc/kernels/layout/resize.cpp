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
  if (s.n < 0 || s.c < 0 || s.h < 0 || s.w < 0 || s.h > kMaxField || s.w > kMaxField) {
    throw_invalid("%s: x: expected sizes of 0..2^31, got a height of %lld and a width of %lld", op,
                  static_cast<long long>(s.h), static_cast<long long>(s.w));
  }
  if (!(s.scale_h >= 0) || !(s.scale_w >= 0) || s.scale_h > 0x1p31 || s.scale_w > 0x1p31) {
    throw_invalid("%s: scale_factor: expected two numbers above 0, got (%g, %g)", op, s.scale_h, s.scale_w);
  }
  const bool some = (s.oh > 0 || s.h == 0) && (s.ow > 0 || s.w == 0);  // an image without cells stays so
  const bool possible = (s.h > 0 || s.oh == 0) && (s.w > 0 || s.ow == 0);
  if (!some || !possible || s.oh < 0 || s.ow < 0 || s.oh > kMaxField || s.ow > kMaxField ||
      static_cast<double>(s.oh) * static_cast<double>(s.ow) > 0x1p44) {
    throw_invalid("%s: size: expected both at least 1 and no more than 2^44 cells for images of (%lld, %lld), got "
                  "(%lld, %lld)", op, static_cast<long long>(s.h), static_cast<long long>(s.w),
                  static_cast<long long>(s.oh), static_cast<long long>(s.ow));
  }
}

namespace {

// One axis: which cells of the input the cells of the output show.
class Axis {
 public:
  Axis(i64 in, i64 out, double scale) : in_(in), out_(out), scale_(scale) {
    const i64 k = in > 0 ? out / in : 0;
    if (k >= 1 && k * in == out && (!(scale > 0) || scale == static_cast<double>(k))) repeats_ = k;
  }
  // k where every cell is shown exactly k times, otherwise 0.
  i64 repeats() const { return repeats_; }
  i64 source(i64 o) const {
    const double at = scale_ > 0 ? static_cast<double>(o) / scale_
                                 : static_cast<double>(o * in_) / static_cast<double>(out_);
    return std::min(static_cast<i64>(at), in_ - 1);
  }
  // The first output cell that shows input cell i or one behind it.
  i64 first(i64 i) const {
    if (i >= in_) return out_;
    if (repeats_ > 0) return i * repeats_;
    const double about = scale_ > 0 ? static_cast<double>(i) * scale_
                                    : static_cast<double>(i * out_) / static_cast<double>(in_);
    i64 o = static_cast<i64>(std::min(about, static_cast<double>(out_)));
    while (o > 0 && source(o - 1) >= i) --o;
    while (o < out_ && source(o) < i) ++o;
    return o;
  }

 private:
  i64 in_, out_, repeats_ = 0;
  double scale_;
};

// visit(o, source of o) for every output cell of the axis, in order.
template <class Visit>
void along(const Axis& axis, i64 in, i64 out, const Visit& visit) {
  if (const i64 k = axis.repeats()) {
    i64 o = 0;
    for (i64 i = 0; i < in; ++i) {
      for (i64 copy = 0; copy < k; ++copy) visit(o++, i);
    }
    return;
  }
  for (i64 o = 0; o < out; ++o) visit(o, axis.source(o));
}

// Numbers an input row has to do with, a piece of work; the constant is for the row's own bookkeeping.
i64 row_work(const UpsampleShape& s) { return (s.oh / std::max<i64>(s.h, 1) + 1) * s.ow * s.c / 8 + s.w + s.ow + 4; }

}  // namespace

template <class T>
void upsample_nearest_forward(const UpsampleShape& s, const T* x, T* y) {
  const i64 in = s.w * s.c, out = s.ow * s.c;
  const Axis rows(s.h, s.oh, s.scale_h), columns(s.w, s.ow, s.scale_w);
  parallel_for(s.n * s.h, row_work(s), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      const i64 image = row / s.h, first = rows.first(row % s.h), last = rows.first(row % s.h + 1);
      if (first == last) continue;
      const T* from = x + row * in;
      T* to = y + (image * s.oh + first) * out;
      along(columns, s.w, s.ow, [&](i64 o, i64 i) {
        for (i64 ch = 0; ch < s.c; ++ch) to[o * s.c + ch] = from[i * s.c + ch];
      });
      for (i64 copy = 1; copy < last - first; ++copy) std::copy_n(to, out, to + copy * out);
    }
  });
}

template <class T>
void upsample_nearest_backward(const UpsampleShape& s, const T* g, T* gx) {
  const i64 in = s.w * s.c, out = s.ow * s.c;
  const Axis rows(s.h, s.oh, s.scale_h), columns(s.w, s.ow, s.scale_w);
  parallel_for(s.n * s.h, row_work(s), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      const i64 image = row / s.h, first = rows.first(row % s.h), last = rows.first(row % s.h + 1);
      T* to = gx + row * in;
      std::fill_n(to, in, T{0});
      for (i64 line = first; line < last; ++line) {
        const T* from = g + (image * s.oh + line) * out;
        along(columns, s.w, s.ow, [&](i64 o, i64 i) {
          for (i64 ch = 0; ch < s.c; ++ch) to[i * s.c + ch] += from[o * s.c + ch];
        });
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
