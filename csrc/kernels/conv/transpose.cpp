// The transposed convolution on top of the convolution: forward is the convolution's data gradient and a bias, backward
// its forward and its weight gradient with the roles of input and output gradient changed.
#include "kernels/conv/transpose.h"

#include <algorithm>

#include "base/error.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/elementwise.h"

namespace nnf {
namespace {

constexpr i64 kMaxField = i64{1} << 31;
constexpr i64 kBiasElements = i64{1} << 14;  // of a task

long long ll(i64 value) { return static_cast<long long>(value); }

void check_pair(const char* op, const char* name, i64 down, i64 across, i64 least) {
  if (down < least || across < least || down > kMaxField || across > kMaxField) {
    throw_invalid("%s: %s: expected both at least %lld, got (%lld, %lld)", op, name, ll(least), ll(down), ll(across));
  }
}

i64 transposed_size(const char* op, const char* axis, i64 size, i64 kernel, i64 stride, i64 pad, i64 output_pad,
                    i64 dilation) {
  // Fields are at most 2^31, so each product fits, and so does their sum.
  const i64 out = (size - 1) * stride + dilation * (kernel - 1) + 1 + output_pad - 2 * pad;
  if (out < 1 || out > kMaxField) {
    throw_invalid("%s: padding: expected an output of 1..2^31 cells, got a %s of %lld", op, axis, ll(out));
  }
  return out;
}

}  // namespace

ConvShape transposed_conv(const nnf_conv_transpose2d_shape& s, const char* op) {
  if (s.n < 0 || s.n > kMaxField) throw_invalid("%s: x: expected a batch size of at least 0, got %lld", op, ll(s.n));
  if (s.c < 1 || s.h < 1 || s.w < 1 || s.c > kMaxField || s.h > kMaxField || s.w > kMaxField) {
    throw_invalid("%s: x: expected channels, height and width of at least 1, got (%lld, %lld, %lld)", op, ll(s.c),
                  ll(s.h), ll(s.w));
  }
  if (s.oc < 1 || s.oc > kMaxField) {
    throw_invalid("%s: weight: expected at least 1 output channel, got %lld", op, ll(s.oc));
  }
  check_pair(op, "kernel_size", s.kh, s.kw, 1);
  check_pair(op, "stride", s.stride_h, s.stride_w, 1);
  check_pair(op, "padding", s.pad_h, s.pad_w, 0);
  check_pair(op, "output_padding", s.output_pad_h, s.output_pad_w, 0);
  check_pair(op, "dilation", s.dilation_h, s.dilation_w, 1);
  if (s.output_pad_h >= std::max(s.stride_h, s.dilation_h) || s.output_pad_w >= std::max(s.stride_w, s.dilation_w)) {
    throw_invalid("%s: output_padding: expected less than stride or dilation, got (%lld, %lld)", op,
                  ll(s.output_pad_h), ll(s.output_pad_w));
  }
  if (s.groups < 1 || s.c % s.groups != 0 || s.oc % s.groups != 0) {
    throw_invalid("%s: groups: expected a divisor of the %lld input and %lld output channels, got %lld", op, ll(s.c),
                  ll(s.oc), ll(s.groups));
  }
  nnf_conv2d_shape conv{};
  conv.n = s.n, conv.c = s.oc, conv.oc = s.c;
  conv.h = transposed_size(op, "height", s.h, s.kh, s.stride_h, s.pad_h, s.output_pad_h, s.dilation_h);
  conv.w = transposed_size(op, "width", s.w, s.kw, s.stride_w, s.pad_w, s.output_pad_w, s.dilation_w);
  conv.kh = s.kh, conv.kw = s.kw;
  conv.stride_h = s.stride_h, conv.stride_w = s.stride_w;
  conv.pad_top = conv.pad_bottom = s.pad_h, conv.pad_left = conv.pad_right = s.pad_w;
  conv.dilation_h = s.dilation_h, conv.dilation_w = s.dilation_w;
  conv.groups = s.groups;
  ConvShape shape(conv, op);
  // With output_padding >= stride the convolution would have further outputs: they do not exist here.
  shape.oh = s.h;
  shape.ow = s.w;
  return shape;
}

template <class T>
void conv_transpose2d_forward(const ConvShape& s, const T* x, const T* weight, const T* bias, T* y) {
  conv2d_backward_data<T>(s, x, weight, y);
  if (bias == nullptr) return;
  const KernelTable<T>& k = kernels<T>();
  const i64 rows = s.n * s.h * s.w, task = std::max<i64>(1, kBiasElements / s.c);
  parallel_for((rows + task - 1) / task, task * s.c / 8 + 1, [&](i64 begin, i64 end) {
    const i64 first = begin * task;
    k.bias_add_rows(std::min(rows, end * task) - first, s.c, bias, y + first * s.c, s.c);
  });
}

template <class T>
void conv_transpose2d_backward(const ConvShape& s, const T* g, const T* x, const T* weight, T* gx, T* gweight,
                               T* gbias, bool accumulate) {
  if (gweight != nullptr) conv2d_backward_weight<T>(s, x, g, gweight, nullptr, accumulate);
  if (gbias != nullptr) column_sum<T>(s.n * s.h * s.w, s.c, g, gbias, accumulate);
  if (gx != nullptr) conv2d_forward<T>(s, g, weight, Epilogue<T>{}, gx);
}

#define NNF_INSTANTIATE(T)                                                                                       \
  template void conv_transpose2d_forward<T>(const ConvShape&, const T*, const T*, const T*, T*);                 \
  template void conv_transpose2d_backward<T>(const ConvShape&, const T*, const T*, const T*, T*, T*, T*, bool);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE

}  // namespace nnf
