// The correlation for groups and dilated columns; see correlate.h, whose correlate() comes here for them.
#ifndef NNF_KERNELS_CONV_CORRELATE_FRAMED_H
#define NNF_KERNELS_CONV_CORRELATE_FRAMED_H

#include "kernels/conv/correlate.h"

namespace nnf {

template <class T>
void correlate_framed(const Correlation& s, const T* x, const WeightView<T>& weight, const Epilogue<T>& epilogue, T* y);

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_CORRELATE_FRAMED_H
