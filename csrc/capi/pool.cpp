// The C interface's pooling. Channels-last images go to the kernels as they are. Of NCHW images most shapes are pooled
// as they lie (kernels/pool/planes.h). Of the others (narrow images, strides beyond 2) blocks of images are converted
// to channels-last and back in cache, or, with few channels, every channel is treated as an image of its own.
#include <algorithm>

#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "capi/arguments.h"
#include "capi/guard.h"
#include "kernels/dispatch.h"
#include "kernels/pool/planes.h"
#include "kernels/pool/pool2d.h"

namespace nnf {
namespace {

constexpr i64 kFewChannels = 4;

// Elements a task converts at once: input, output and their gradients are a quarter megabyte as float.
constexpr i64 kTaskElements = i64{1} << 16;

struct Sizes {
  i64 in, out, images;  // elements of an image; images of a task
  explicit Sizes(const PoolShape& s)
      : in(s.h * s.w * s.c), out(s.oh * s.ow * s.c), images(std::max<i64>(1, kTaskElements / (2 * (in + out)))) {}
};

PoolShape channels_as_images(const PoolShape& s) {
  PoolShape p = s;
  p.n = s.n * s.c;
  p.c = 1;
  return p;
}

// f(first image, images) over tasks of whole images.
template <class F>
void over_images(const PoolShape& s, const Sizes& z, F f) {
  const i64 cost = z.images * (z.in + z.out * s.kh * s.kw / 4);
  parallel_for(ceil_div(s.n, z.images), cost, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) f(t * z.images, std::min(z.images, s.n - t * z.images));
  });
}

// (images, c, hw) to channels-last and back, on the calling thread.
template <class T>
void to_last(i64 images, i64 c, i64 hw, const T* x, T* y) {
  for (i64 i = 0; i < images; ++i) kernels<T>().transpose(c, hw, x + i * c * hw, hw, y + i * c * hw, c);
}
template <class T>
void to_first(i64 images, i64 c, i64 hw, const T* x, T* y) {
  for (i64 i = 0; i < images; ++i) kernels<T>().transpose(hw, c, x + i * c * hw, c, y + i * c * hw, hw);
}

template <class T>
void forward(const PoolShape& s, bool channels_last, bool max, const T* x, T* y) {
  if (channels_last) return max ? max_pool2d_forward<T>(s, x, y, nullptr) : avg_pool2d_forward<T>(s, x, y);
  if (planes_pay(s, PlaneWork::values)) return max ? max_pool2d_planes<T>(s, x, y) : avg_pool2d_planes<T>(s, x, y);
  if (s.c < kFewChannels) {
    const PoolShape p = channels_as_images(s);
    return max ? max_pool2d_forward<T>(p, x, y, nullptr) : avg_pool2d_forward<T>(p, x, y);
  }
  const Sizes z(s);
  const PoolRowFn<T> kernel = max ? kernels<T>().max_pool_nhwc : kernels<T>().avg_pool_nhwc;
  over_images(s, z, [&](i64 first, i64 images) {
    T* own_x = thread_scratch<T>(Scratch::convert_in, images * z.in);
    T* own_y = thread_scratch<T>(Scratch::convert_out, images * z.out);
    to_last(images, s.c, s.h * s.w, x + first * z.in, own_x);
    kernel(s, 0, images * s.oh, own_x, own_y);
    to_first(images, s.c, s.oh * s.ow, own_y, y + first * z.out);
  });
}

// Integers of 64 bits, which the transposition moves as it moves doubles.
void to_first(i64 images, i64 c, i64 hw, const i64* x, i64* y) {
  to_first(images, c, hw, reinterpret_cast<const double*>(x), reinterpret_cast<double*>(y));
}

// Whether NCHW images are so few or large that each of their channels is taken as an image.
bool channels_apart(const PoolShape& s) { return s.c < kFewChannels || s.h * s.w > kMostCells; }

template <class T>
void forward_indices(const PoolShape& s, bool channels_last, const T* x, T* y, i64* indices) {
  if (channels_last) return max_pool2d_indices<T>(s, x, y, indices);
  if (planes_pay(s, PlaneWork::indices)) return max_pool2d_planes_indices<T>(s, x, y, indices);
  if (channels_apart(s)) return max_pool2d_indices<T>(channels_as_images(s), x, y, indices);
  const Sizes z(s);
  over_images(s, z, [&](i64 first, i64 images) {
    PoolShape part = s;
    part.n = images;
    T* own_x = thread_scratch<T>(Scratch::convert_in, images * z.in);
    i64* own_indices = thread_scratch<i64>(Scratch::convert_out, 2 * images * z.out);
    T* own_y = reinterpret_cast<T*>(own_indices + images * z.out);
    to_last(images, s.c, s.h * s.w, x + first * z.in, own_x);
    max_pool2d_indices<T>(part, own_x, own_y, own_indices);
    to_first(images, s.c, s.oh * s.ow, own_y, y + first * z.out);
    to_first(images, s.c, s.oh * s.ow, own_indices, indices + first * z.out);
  });
}

// By any indices; false when one is no cell of its image.
template <class T>
bool backward_indices(const PoolShape& s, bool channels_last, const T* g, const i64* indices, T* gx) {
  if (channels_last) return max_pool2d_indices_backward<T>(s, g, indices, gx);
  if (planes_pay(s, PlaneWork::pairs_gradient) && max_pool2d_pairs_backward<T>(s, g, indices, gx)) return true;
  return max_pool2d_planes_scatter<T>(s, g, indices, gx);
}

// The maximum's gradient of channels-last images, a task of whole images after the other, whose places lie in scratch.
template <class T>
void max_backward_last(const PoolShape& s, const T* g, const T* x, T* gx) {
  const Sizes z(s);
  over_images(s, z, [&](i64 first, i64 images) {
    PoolShape part = s;
    part.n = images;
    T* y = thread_scratch<T>(Scratch::convert_out, 2 * images * z.out);
    T* places = y + images * z.out;
    max_pool2d_forward<T>(part, x + first * z.in, y, places);
    max_pool2d_backward<T>(part, g + first * z.out, places, gx + first * z.in);
  });
}

// x: null for the average.
template <class T>
void backward(const PoolShape& s, bool channels_last, const T* g, const T* x, T* gx) {
  const bool max = x != nullptr;
  if (channels_last) return max ? max_backward_last<T>(s, g, x, gx) : avg_pool2d_backward<T>(s, g, gx);
  if (planes_pay(s, max ? PlaneWork::max_gradient : PlaneWork::values)) {
    return max ? max_pool2d_planes_backward<T>(s, g, x, gx) : avg_pool2d_planes_backward<T>(s, g, gx);
  }
  const PoolShape p = s.c < kFewChannels ? channels_as_images(s) : s;
  const Sizes z(p);
  over_images(p, z, [&](i64 first, i64 images) {
    PoolShape part = p;
    part.n = images;
    // x or gx, which take turns; g, y and the places of the maxima.
    T* image = thread_scratch<T>(Scratch::convert_in, images * z.in);
    T *own_g = thread_scratch<T>(Scratch::convert_out, 3 * images * z.out), *y = own_g + images * z.out;
    T* places = y + images * z.out;
    to_last(images, p.c, p.oh * p.ow, g + first * z.out, own_g);
    if (max) {
      to_last(images, p.c, p.h * p.w, x + first * z.in, image);
      max_pool2d_forward<T>(part, image, y, places);
      max_pool2d_backward<T>(part, own_g, places, image);
    } else {
      avg_pool2d_backward<T>(part, own_g, image);
    }
    to_first(images, p.c, p.h * p.w, image, gx + first * z.in);
  });
}

// The shape, once it and its two arrays are known to be there.
PoolShape checked(const char* function, const nnf_pool2d_shape* s, const char* in_name, const void* in,
                  const char* out_name, const void* out) {
  require_array(function, "shape", s, 1);
  const PoolShape p = make_pool_shape(*s, function);
  require_array(function, in_name, in, p.n * p.c * p.h * p.w);
  require_array(function, out_name, out, p.n * p.c * p.oh * p.ow);
  return p;
}

}  // namespace
}  // namespace nnf

extern "C" {

nnf_status nnf_pool2d_output(const nnf_pool2d_shape* s, int64_t* oh, int64_t* ow) {
  return nnf::guard([&] {
    nnf::require_array("pool2d", "shape", s, 1);
    nnf::require_array("pool2d", "oh", oh, 1);
    nnf::require_array("pool2d", "ow", ow, 1);
    const nnf::PoolShape shape = nnf::make_pool_shape(*s, "pool2d");
    *oh = shape.oh;
    *ow = shape.ow;
  });
}

nnf_status nnf_max_pool2d(nnf_dtype dt, const nnf_pool2d_shape* s, const void* x, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const nnf::PoolShape shape = nnf::checked("max_pool2d", s, "x", x, "y", y);
    nnf::forward<T>(shape, s->channels_last != 0, true, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

nnf_status nnf_max_pool2d_backward(nnf_dtype dt, const nnf_pool2d_shape* s, const void* g, const void* x, void* gx) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const nnf::PoolShape shape = nnf::checked("max_pool2d_backward", s, "gx", gx, "g", g);
    if (shape.n == 0) return;
    nnf::require_array("max_pool2d_backward", "x", x, shape.n * shape.c * shape.h * shape.w);
    nnf::backward<T>(shape, s->channels_last != 0, static_cast<const T*>(g), static_cast<const T*>(x),
                     static_cast<T*>(gx));
  });
}

nnf_status nnf_max_pool2d_indices(nnf_dtype dt, const nnf_pool2d_shape* s, const void* x, void* y, int64_t* indices) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const nnf::PoolShape shape = nnf::checked("max_pool2d", s, "x", x, "y", y);
    nnf::require_array("max_pool2d", "indices", indices, shape.n * shape.c * shape.oh * shape.ow);
    nnf::forward_indices<T>(shape, s->channels_last != 0, static_cast<const T*>(x), static_cast<T*>(y), indices);
  });
}

nnf_status nnf_max_pool2d_indices_backward(nnf_dtype dt, const nnf_pool2d_shape* s, const void* g,
                                           const int64_t* indices, void* gx) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const nnf::PoolShape shape = nnf::checked("max_pool2d_backward", s, "gx", gx, "g", g);
    nnf::require_array("max_pool2d_backward", "indices", indices, shape.n * shape.c * shape.oh * shape.ow);
    if (!nnf::backward_indices<T>(shape, s->channels_last != 0, static_cast<const T*>(g), indices,
                                  static_cast<T*>(gx))) {
      nnf::throw_invalid("max_pool2d_backward: indices: expected cells of the image, 0 to %lld, or -1, got others",
                         static_cast<long long>(shape.h * shape.w - 1));
    }
  });
}

nnf_status nnf_avg_pool2d(nnf_dtype dt, const nnf_pool2d_shape* s, const void* x, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const nnf::PoolShape shape = nnf::checked("avg_pool2d", s, "x", x, "y", y);
    nnf::forward<T>(shape, s->channels_last != 0, false, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

nnf_status nnf_avg_pool2d_backward(nnf_dtype dt, const nnf_pool2d_shape* s, const void* g, void* gx) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    const nnf::PoolShape shape = nnf::checked("avg_pool2d_backward", s, "gx", gx, "g", g);
    nnf::backward<T>(shape, s->channels_last != 0, static_cast<const T*>(g), nullptr, static_cast<T*>(gx));
  });
}

}  // extern "C"
