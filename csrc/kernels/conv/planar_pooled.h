// A convolution of few channels, its activation and the pooling behind it as one operation: image by image, on planes
// that stay in the first- or second-level cache. What comes between convolution and pooling, and its gradient, is the
// largest array of a small network, and is never turned to channels-last here.
#ifndef NNF_KERNELS_CONV_PLANAR_POOLED_H
#define NNF_KERNELS_CONV_PLANAR_POOLED_H

#include "kernels/conv/conv2d.h"
#include "kernels/pool/contract.h"

namespace nnf {

template <class T>
struct PooledConv {
  ConvShape conv;
  PoolShape pool;  // of (n, oh, ow, oc)
  bool max;
  nnf_activation act;
  T alpha;
};

// Whether this is faster than one after the other.
template <class T>
bool planar_pooled_pays(const ConvShape& s, const PoolShape& pool, bool max);

// x (n, h, w, c), weight (kh, kw, c, oc), y (n, pool.oh, pool.ow, oc). planes (n, oc, oh, ow): where the activation's
// outputs are left for the backward; null: nobody wants them.
template <class T>
void planar_pooled_forward(const PooledConv<T>& s, const T* x, const T* weight, const T* bias, T* planes, T* y);

// g as y. planes: may be null for averages of outputs without activation. gbias may be null; gweight (then gbias is,
// too) and gx where nobody wants them; gx is overwritten, the others as conv2d_backward_weight does.
template <class T>
void planar_pooled_backward(const PooledConv<T>& s, const T* g, const T* x, const T* weight, const T* planes,
                            T* gweight, T* gbias, T* gx, bool accumulate);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_PLANAR_POOLED_H
