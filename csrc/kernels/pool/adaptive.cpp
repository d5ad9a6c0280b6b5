// See adaptive.h. Windows that tile the image go to the kernels of pool2d.h; the others, which overlap and differ in
// size, take plain loops over the channels that the compiler vectorises for the baseline instruction set.
#include "kernels/pool/adaptive.h"

#include <algorithm>

#include "base/error.h"
#include "base/thread_pool.h"
#include "kernels/pool/pool2d.h"

namespace nnf {
namespace {

constexpr i64 kMaxField = i64{1} << 31;

// Cell i of `out` averages cells first..last-1 of `size`: floor(i size / out), ceil((i + 1) size / out).
struct Window {
  i64 first, last;
  Window(i64 i, i64 size, i64 out) : first(i * size / out), last(((i + 1) * size + out - 1) / out) {}
};

PoolShape as_pooling(const AdaptiveShape& s) {
  PoolShape p{};
  p.n = s.n, p.c = s.c, p.h = s.h, p.w = s.w, p.oh = s.oh, p.ow = s.ow;
  p.kh = p.stride_h = s.h / s.oh;
  p.kw = p.stride_w = s.w / s.ow;
  p.dilation_h = p.dilation_w = 1;
  p.tiles = true;
  return p;
}

i64 row_cost(const AdaptiveShape& s) { return (s.h / s.oh + 2) * (s.w + s.ow) * (s.c / 4 + 1); }

}  // namespace

void check_adaptive_shape(const AdaptiveShape& s, const char* op) {
  if (s.n < 0) throw_invalid("%s: x: expected a batch size of at least 0, got %lld", op, static_cast<long long>(s.n));
  if (s.c < 1 || s.h < 1 || s.w < 1 || s.c > kMaxField || s.h > kMaxField || s.w > kMaxField) {
    throw_invalid("%s: x: expected channels, height and width of at least 1, got (%lld, %lld, %lld)", op,
                  static_cast<long long>(s.c), static_cast<long long>(s.h), static_cast<long long>(s.w));
  }
  if (s.oh < 1 || s.ow < 1 || s.oh > kMaxField || s.ow > kMaxField) {
    throw_invalid("%s: output_size: expected both at least 1, got (%lld, %lld)", op, static_cast<long long>(s.oh),
                  static_cast<long long>(s.ow));
  }
}

template <class T>
void adaptive_avg_pool2d_forward(const AdaptiveShape& s, const T* x, T* y) {
  if (adaptive_tiles(s)) return avg_pool2d_forward<T>(as_pooling(s), x, y);
  parallel_for(s.n * s.oh, row_cost(s), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      const i64 image = row / s.oh;
      const Window down(row % s.oh, s.h, s.oh);
      for (i64 j = 0; j < s.ow; ++j) {
        const Window across(j, s.w, s.ow);
        T* to = y + (row * s.ow + j) * s.c;
        std::fill_n(to, s.c, T{0});
        for (i64 a = down.first; a < down.last; ++a) {
          for (i64 b = across.first; b < across.last; ++b) {
            const T* from = x + ((image * s.h + a) * s.w + b) * s.c;
            for (i64 ch = 0; ch < s.c; ++ch) to[ch] += from[ch];
          }
        }
        const T count = static_cast<T>((down.last - down.first) * (across.last - across.first));
        for (i64 ch = 0; ch < s.c; ++ch) to[ch] /= count;
      }
    }
  });
}

template <class T>
void adaptive_avg_pool2d_backward(const AdaptiveShape& s, const T* g, T* gx) {
  if (adaptive_tiles(s)) return avg_pool2d_backward<T>(as_pooling(s), g, gx);
  parallel_for(s.n, s.oh * row_cost(s), [&](i64 begin, i64 end) {
    for (i64 image = begin; image < end; ++image) {
      T* to_image = gx + image * s.h * s.w * s.c;
      std::fill_n(to_image, s.h * s.w * s.c, T{0});
      for (i64 i = 0; i < s.oh; ++i) {
        const Window down(i, s.h, s.oh);
        for (i64 j = 0; j < s.ow; ++j) {
          const Window across(j, s.w, s.ow);
          const T* from = g + ((image * s.oh + i) * s.ow + j) * s.c;
          const T count = static_cast<T>((down.last - down.first) * (across.last - across.first));
          for (i64 a = down.first; a < down.last; ++a) {
            for (i64 b = across.first; b < across.last; ++b) {
              T* to = to_image + (a * s.w + b) * s.c;
              for (i64 ch = 0; ch < s.c; ++ch) to[ch] += from[ch] / count;
            }
          }
        }
      }
    }
  });
}

#define NNF_INSTANTIATE(T)                                                           \
  template void adaptive_avg_pool2d_forward<T>(const AdaptiveShape&, const T*, T*);  \
  template void adaptive_avg_pool2d_backward<T>(const AdaptiveShape&, const T*, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
