// Checks of a convolution's fields, in the words of its Python arguments, its output size, and what follows from them.
#include "base/error.h"
#include "kernels/conv/conv2d.h"

namespace nnf {
namespace {

constexpr i64 kMaxField = i64{1} << 31;  // keeps every product of two fields far from overflow
constexpr double kMaxImage = 0x1p44;      // elements of a padded image: beyond any memory, far from overflow in bytes

long long ll(i64 value) { return static_cast<long long>(value); }

bool within(i64 value, i64 least) { return value >= least && value <= kMaxField; }

void check_pair(const char* op, const char* name, i64 down, i64 across) {
  if (!within(down, 1) || !within(across, 1)) {
    throw_invalid("%s: %s: expected both at least 1 and at most %lld, got (%lld, %lld)", op, name, ll(kMaxField),
                  ll(down), ll(across));
  }
}

i64 output_size(const char* op, const char* axis, i64 size, i64 kernel, i64 stride, i64 before, i64 after,
                i64 dilation) {
  const i64 reach = dilation * (kernel - 1) + 1, padded = size + before + after;
  if (reach > padded) {
    throw_invalid("%s: kernel_size: the dilated kernel's %s %lld exceeds the padded input's %lld", op, axis, ll(reach),
                  ll(padded));
  }
  return (padded - reach) / stride + 1;
}

}  // namespace

ConvShape::ConvShape(const nnf_conv2d_shape& s, const char* op) : nnf_conv2d_shape(s), oh(0), ow(0) {
  if (!within(n, 0)) throw_invalid("%s: x: expected a batch size of at least 0, got %lld", op, ll(n));
  if (!within(c, 1) || !within(h, 1) || !within(w, 1)) {
    throw_invalid("%s: x: expected channels, height and width of at least 1, got (%lld, %lld, %lld)", op, ll(c), ll(h),
                  ll(w));
  }
  if (!within(oc, 1)) throw_invalid("%s: weight: expected at least 1 output channel, got %lld", op, ll(oc));
  check_pair(op, "kernel_size", kh, kw);
  check_pair(op, "stride", stride_h, stride_w);
  if (!within(pad_top, 0) || !within(pad_bottom, 0) || !within(pad_left, 0) || !within(pad_right, 0)) {
    throw_invalid("%s: padding: expected all at least 0 and at most %lld, got (top %lld, bottom %lld, left %lld, "
                  "right %lld)", op, ll(kMaxField), ll(pad_top), ll(pad_bottom), ll(pad_left), ll(pad_right));
  }
  if (static_cast<double>(h + pad_top + pad_bottom) * static_cast<double>(w + pad_left + pad_right) *
          static_cast<double>(c) > kMaxImage) {
    throw_invalid("%s: padding: the padded image of (%lld, %lld, %lld) is too large", op, ll(c),
                  ll(h + pad_top + pad_bottom), ll(w + pad_left + pad_right));
  }
  check_pair(op, "dilation", dilation_h, dilation_w);
  if (groups < 1) throw_invalid("%s: groups: expected at least 1, got %lld", op, ll(groups));
  if (c % groups != 0) throw_invalid("%s: groups: %lld does not divide the %lld input channels", op, ll(groups), ll(c));
  if (oc % groups != 0) {
    throw_invalid("%s: groups: %lld does not divide the %lld output channels", op, ll(groups), ll(oc));
  }
  oh = output_size(op, "height", h, kh, stride_h, pad_top, pad_bottom, dilation_h);
  ow = output_size(op, "width", w, kw, stride_w, pad_left, pad_right, dilation_w);
}

bool ConvShape::is_product() const {
  const bool padded = pad_top != 0 || pad_bottom != 0 || pad_left != 0 || pad_right != 0;
  const bool pointwise = kh == 1 && kw == 1 && stride_h == 1 && stride_w == 1 && oh == h && ow == w;
  const bool whole_image = kh == h && kw == w && dilation_h == 1 && dilation_w == 1;
  return groups == 1 && !padded && (pointwise || whole_image);
}

}  // namespace nnf
