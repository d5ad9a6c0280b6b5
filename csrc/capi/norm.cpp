// The C interface of batch, layer and group normalisation. Arrays (n, c, inner) are brought to channels-last and back
// where inner is above 1.
#include <algorithm>

#include "base/memory.h"
#include "capi/arguments.h"
#include "capi/guard.h"
#include "kernels/layout/layout.h"
#include "kernels/norm/norm.h"

namespace {

using nnf::i64;

struct Sizes {
  Sizes(const char* function, i64 n_, i64 c_, i64 inner_) : n(n_), c(c_), inner(inner_) {
    nnf::require_size(function, "n", n);
    nnf::require_size(function, "c", c);
    nnf::require_size(function, "inner", inner);
  }
  i64 rows() const { return n * inner; }
  i64 elements() const { return n * inner * c; }
  i64 n, c, inner;
};

// Statistics of a training batch need two values at least.
void require_values(const char* function, i64 rows) {
  if (rows == 1) {
    nnf::throw_invalid("%s: x: expected more than 1 value per channel when training, got 1", function);
  }
}

template <class T>
const T* channels_last(const Sizes& s, const void* x, T* buffer) {
  if (s.inner == 1) return static_cast<const T*>(x);
  nnf::nchw_to_nhwc<T>(s.n, s.c, s.inner, static_cast<const T*>(x), buffer);
  return buffer;
}

template <class T>
T* image_scratch(const Sizes& s, i64 arrays) {
  return s.inner == 1 ? nullptr : nnf::thread_scratch<T>(nnf::Scratch::norm_image, arrays * s.elements());
}

template <class T>
void zero_sums(i64 count, void* gweight, void* gbias) {
  for (void* p : {gweight, gbias}) {
    if (p != nullptr) std::fill(static_cast<T*>(p), static_cast<T*>(p) + count, T(0));
  }
}

// mean and rstd (c each): the batch's own, or the running ones.
template <class T>
class Statistics {
 public:
  Statistics(const Sizes& s, const T* x_last, const void* running_mean, const void* running_var, bool training,
             double eps)
      : buffer_(static_cast<std::size_t>(3 * s.c) * sizeof(T)) {
    mean = buffer_.as<T>();
    variance = mean + s.c;
    rstd = variance + s.c;
    if (training) {
      nnf::channel_moments<T>(s.rows(), s.c, x_last, mean, variance);
    } else {
      std::copy_n(static_cast<const T*>(running_mean), s.c, mean);
      std::copy_n(static_cast<const T*>(running_var), s.c, variance);
    }
    nnf::inverse_deviation<T>(s.c, variance, eps, rstd);
  }
  T *mean, *variance, *rstd;

 private:
  nnf::AlignedBuffer buffer_;
};

}  // namespace

extern "C" {

nnf_status nnf_batch_norm(nnf_dtype dt, int64_t n, int64_t c, int64_t inner, const void* x, const void* weight,
                          const void* bias, void* running_mean, void* running_var, int training, double momentum,
                          double eps, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    constexpr const char* kName = "batch_norm";
    const Sizes s(kName, n, c, inner);
    nnf::require_array(kName, "x", x, s.elements());
    nnf::require_array(kName, "y", y, s.elements());
    nnf::require_not_negative(kName, "eps", eps);
    nnf::require_finite(kName, "momentum", momentum);
    if (training == 0) {
      nnf::require_array(kName, "running_mean", running_mean, c);
      nnf::require_array(kName, "running_var", running_var, c);
    } else {
      require_values(kName, s.rows());
    }
    if (s.elements() == 0) return;
    T* buffer = image_scratch<T>(s, 1);
    const T* from = channels_last<T>(s, x, buffer);
    const Statistics<T> st(s, from, running_mean, running_var, training != 0, eps);
    T* to = buffer != nullptr ? buffer : static_cast<T*>(y);
    nnf::batch_norm_forward<T>(s.rows(), c, from, st.mean, st.rstd, static_cast<const T*>(weight),
                               static_cast<const T*>(bias), to);
    if (buffer != nullptr) nnf::nhwc_to_nchw<T>(n, c, inner, buffer, static_cast<T*>(y));
    if (training != 0 && running_mean != nullptr && running_var != nullptr) {
      nnf::update_running<T>(s.rows(), c, momentum, st.mean, st.variance, static_cast<T*>(running_mean),
                             static_cast<T*>(running_var));
    }
  });
}

nnf_status nnf_batch_norm_backward(nnf_dtype dt, int64_t n, int64_t c, int64_t inner, const void* g, const void* x,
                                   const void* weight, const void* running_mean, const void* running_var, int training,
                                   double eps, void* gx, void* gweight, void* gbias) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    constexpr const char* kName = "batch_norm_backward";
    const Sizes s(kName, n, c, inner);
    nnf::require_array(kName, "g", g, s.elements());
    nnf::require_array(kName, "x", x, s.elements());
    nnf::require_not_negative(kName, "eps", eps);
    if (training == 0) {
      nnf::require_array(kName, "running_mean", running_mean, c);
      nnf::require_array(kName, "running_var", running_var, c);
    } else {
      require_values(kName, s.rows());
    }
    if (s.elements() == 0) return zero_sums<T>(c, gweight, gbias);
    T* buffer = image_scratch<T>(s, 2);
    const T* x_last = channels_last<T>(s, x, buffer);
    T* g_buffer = buffer != nullptr ? buffer + s.elements() : nullptr;
    const T* g_last = channels_last<T>(s, g, g_buffer);
    const Statistics<T> st(s, x_last, running_mean, running_var, training != 0, eps);
    T* to = gx == nullptr ? nullptr : buffer != nullptr ? g_buffer : static_cast<T*>(gx);
    nnf::batch_norm_backward<T>(s.rows(), c, g_last, x_last, st.mean, st.rstd, static_cast<const T*>(weight),
                                training != 0, to, static_cast<T*>(gweight), static_cast<T*>(gbias), false);
    if (gx != nullptr && buffer != nullptr) nnf::nhwc_to_nchw<T>(n, c, inner, g_buffer, static_cast<T*>(gx));
  });
}

nnf_status nnf_group_norm(nnf_dtype dt, int64_t n, int64_t c, int64_t inner, int64_t groups, const void* x,
                          const void* weight, const void* bias, double eps, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    constexpr const char* kName = "group_norm";
    const Sizes s(kName, n, c, inner);
    nnf::require_array(kName, "x", x, s.elements());
    nnf::require_array(kName, "y", y, s.elements());
    nnf::require_not_negative(kName, "eps", eps);
    if (groups < 1 || c % groups != 0) {
      nnf::throw_invalid("group_norm: num_groups: expected a divisor of the %lld channels, got %lld",
                         static_cast<long long>(c), static_cast<long long>(groups));
    }
    if (s.elements() == 0) return;
    T* buffer = image_scratch<T>(s, 1);
    const T* from = channels_last<T>(s, x, buffer);
    T* to = buffer != nullptr ? buffer : static_cast<T*>(y);
    nnf::group_norm_forward<T>(n, inner, c, groups, from, static_cast<const T*>(weight), static_cast<const T*>(bias),
                               eps, to);
    if (buffer != nullptr) nnf::nhwc_to_nchw<T>(n, c, inner, buffer, static_cast<T*>(y));
  });
}

nnf_status nnf_group_norm_backward(nnf_dtype dt, int64_t n, int64_t c, int64_t inner, int64_t groups, const void* g,
                                   const void* x, const void* weight, double eps, void* gx, void* gweight,
                                   void* gbias) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    constexpr const char* kName = "group_norm_backward";
    const Sizes s(kName, n, c, inner);
    nnf::require_array(kName, "g", g, s.elements());
    nnf::require_array(kName, "x", x, s.elements());
    nnf::require_not_negative(kName, "eps", eps);
    if (groups < 1 || c % groups != 0) {
      nnf::throw_invalid("group_norm_backward: num_groups: expected a divisor of the %lld channels, got %lld",
                         static_cast<long long>(c), static_cast<long long>(groups));
    }
    if (s.elements() == 0) return zero_sums<T>(c, gweight, gbias);
    T* buffer = image_scratch<T>(s, 2);
    const T* x_last = channels_last<T>(s, x, buffer);
    T* g_buffer = buffer != nullptr ? buffer + s.elements() : nullptr;
    const T* g_last = channels_last<T>(s, g, g_buffer);
    T* to = gx == nullptr ? nullptr : buffer != nullptr ? g_buffer : static_cast<T*>(gx);
    nnf::group_norm_backward<T>(n, inner, c, groups, g_last, x_last, static_cast<const T*>(weight), eps, to,
                                static_cast<T*>(gweight), static_cast<T*>(gbias), false);
    if (gx != nullptr && buffer != nullptr) nnf::nhwc_to_nchw<T>(n, c, inner, g_buffer, static_cast<T*>(gx));
  });
}

nnf_status nnf_layer_norm(nnf_dtype dt, int64_t rows, int64_t len, const void* x, const void* weight, const void* bias,
                          double eps, void* y) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    constexpr const char* kName = "layer_norm";
    nnf::require_size(kName, "rows", rows);
    nnf::require_size(kName, "len", len);
    nnf::require_array(kName, "x", x, rows * len);
    nnf::require_array(kName, "y", y, rows * len);
    nnf::require_not_negative(kName, "eps", eps);
    nnf::layer_norm_forward<T>(rows, len, static_cast<const T*>(x), static_cast<const T*>(weight),
                               static_cast<const T*>(bias), eps, static_cast<T*>(y));
  });
}

nnf_status nnf_layer_norm_backward(nnf_dtype dt, int64_t rows, int64_t len, const void* g, const void* x,
                                   const void* weight, double eps, void* gx, void* gweight, void* gbias) {
  return nnf::guard_typed(dt, [&](auto zero) {
    using T = decltype(zero);
    constexpr const char* kName = "layer_norm_backward";
    nnf::require_size(kName, "rows", rows);
    nnf::require_size(kName, "len", len);
    nnf::require_array(kName, "g", g, rows * len);
    nnf::require_array(kName, "x", x, rows * len);
    nnf::require_not_negative(kName, "eps", eps);
    nnf::layer_norm_backward<T>(rows, len, static_cast<const T*>(g), static_cast<const T*>(x),
                                static_cast<const T*>(weight), eps, static_cast<T*>(gx), static_cast<T*>(gweight),
                                static_cast<T*>(gbias), false);
  });
}

}  // extern "C"
