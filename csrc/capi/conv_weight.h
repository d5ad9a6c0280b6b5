// A convolution's weight in an order that a kernel reads: as it is given, or turned. For the C interface's convolutions.
#ifndef NNF_CAPI_CONV_WEIGHT_H
#define NNF_CAPI_CONV_WEIGHT_H

#include "kernels/conv/conv2d.h"
#include "kernels/layout/layout.h"

namespace nnf {

template <class T>
struct ReadableWeight {
  const T* p;
  WeightOrder order;
  // place(): where a turned weight goes; asked for where one is needed.
  template <class Place>
  ReadableWeight(const ConvShape& s, const T* weight, WeightOrder given, bool reads_oihw, Place place)
      : p(weight), order(given) {
    if (given == WeightOrder::hwio || reads_oihw) return;
    T* turned = place();
    oihw_to_hwio(s.oc, s.c / s.groups, s.kh * s.kw, weight, turned);
    p = turned;
    order = WeightOrder::hwio;
  }
};

}  // namespace nnf

#endif  // NNF_CAPI_CONV_WEIGHT_H
