// 2-D convolution, channels-last: blocking and threading of the batch-reduce GEMM over image rows.
//
// Layouts: x (n, h, w, c), y and g (n, oh, ow, oc), weight (kh, kw, c / groups, oc): group q owns the columns
// q * oc/groups .. of the last axis. No im2col buffer of a batch is ever made: at most a padded image, or the patches
// of a few output rows, in the thread's scratch.
#ifndef NNF_KERNELS_CONV_CONV2D_H
#define NNF_KERNELS_CONV_CONV2D_H

#include "kernels/gemm/gemm.h"
#include "nnfast/nnfast.h"

namespace nnf {

// nnf_conv2d_shape with its output size; throws Error(invalid_value) naming `op` and the field that does not
// fit.
struct ConvShape : nnf_conv2d_shape {
  i64 oh, ow;
  explicit ConvShape(const nnf_conv2d_shape& s, const char* op = "conv2d");
  i64 weight_elements() const { return kh * kw * (c / groups) * oc; }
  // One matrix product does it: an output pixel's taps are a dense row of x.
  bool is_product() const;
};

// The order of a weight's elements: the kernels' own (kh, kw, c / groups, oc), or PyTorch's (oc, c / groups, kh, kw),
// which some ways can read, so that it need not be converted first.
enum class WeightOrder { hwio, oihw };
template <class T>
bool forward_reads_oihw(const ConvShape& s);
template <class T>
bool backward_data_reads_oihw(const ConvShape& s);

// The order of images' elements: channels-last, or planes, (n, c, h, w), which some ways turn a task at a time, in its
// caches. Then x and y, or g and gx, are both planes.
enum class ImageOrder { channels_last, planes };
template <class T>
bool forward_turns_planes(const ConvShape& s);
template <class T>
bool backward_data_turns_planes(const ConvShape& s);

template <class T>
void conv2d_forward(const ConvShape& s, const T* x, const T* weight, const Epilogue<T>& epilogue, T* y,
                    WeightOrder order = WeightOrder::hwio, ImageOrder images = ImageOrder::channels_last);
// gx is overwritten.
template <class T>
void conv2d_backward_data(const ConvShape& s, const T* g, const T* weight, T* gx,
                          WeightOrder order = WeightOrder::hwio, ImageOrder images = ImageOrder::channels_last);
// gbias (oc) is overwritten, or added to when accumulate.
template <class T>
void conv2d_backward_bias(const ConvShape& s, const T* g, T* gbias, bool accumulate);
// gweight (and gbias when not null) are overwritten, or added to when accumulate. The batch is cut into groups by
// shape alone, whose sums are combined in order: the same bits at any number of threads.
template <class T>
void conv2d_backward_weight(const ConvShape& s, const T* g, const T* x, T* gweight, T* gbias, bool accumulate,
                            WeightOrder order = WeightOrder::hwio);
// Whether it can write gweight in PyTorch's order; not when accumulate.
template <class T>
bool backward_weight_writes_oihw(const ConvShape& s);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_CONV2D_H
