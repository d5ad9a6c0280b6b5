// Convolutions with few channels by the kernels of contract.h, whose vectors run along image rows: forward and the
// gradients. Private to kernels/conv and the C interface's convolution; what is chosen when: planar.cpp.
//
// Images may be channels-last or planar (NCHW), x and y each: inside they are planes, a row of every channel at a time.
#ifndef NNF_KERNELS_CONV_PLANAR_H
#define NNF_KERNELS_CONV_PLANAR_H

#include "kernels/conv/conv2d.h"

namespace nnf {

struct PlanarLayout {
  bool x_planes, y_planes;  // (n, c, h, w) and (n, oc, oh, ow); else channels-last
};

// Whether these are faster than the GEMM over pixels, conversions of the layout included.
template <class T>
bool planar_forward_pays(const ConvShape& s, PlanarLayout layout);
template <class T>
bool planar_backward_pays(const ConvShape& s, PlanarLayout layout);
template <class T>
bool planar_backward_data_pays(const ConvShape& s);
// Whether it can be done for more channels, where it may pay.
template <class T>
bool planar_backward_data_fits(const ConvShape& s);

// As conv2d_forward, conv2d_backward_weight (without the bias) and conv2d_backward_data, where g lies as y and gx as x;
// the weight is (kh, kw, c, oc) in all.
template <class T>
void planar_forward(const ConvShape& s, PlanarLayout layout, const T* x, const T* weight, const Epilogue<T>& epilogue,
                    T* y);
template <class T>
void planar_backward_weight(const ConvShape& s, PlanarLayout layout, const T* g, const T* x, T* gweight,
                            bool accumulate);
template <class T>
void planar_backward_data(const ConvShape& s, PlanarLayout layout, const T* g, const T* weight, T* gx);
// The bias's gradient, of planes.
template <class T>
void planar_plane_sums(const ConvShape& s, const T* g, T* gbias, bool accumulate);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_PLANAR_H
