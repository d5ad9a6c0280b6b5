// Between NCHW, the border's layout, and channels-last, the engine's; and the conversion of users' rows.
#ifndef NNF_KERNELS_LAYOUT_LAYOUT_H
#define NNF_KERNELS_LAYOUT_LAYOUT_H

#include "base/types.h"
#include "nnfast/nnfast.h"

namespace nnf {

// x (n, c, hw) -> y (n, hw, c), and back. A copy when c or hw is 1.
template <class T>
void nchw_to_nhwc(i64 n, i64 c, i64 hw, const T* x, T* y);
template <class T>
void nhwc_to_nchw(i64 n, i64 c, i64 hw, const T* x, T* y);
// weight (oc, ic, kh, kw) <-> (kh, kw, ic, oc)
template <class T>
void oihw_to_hwio(i64 oc, i64 ic, i64 khw, const T* x, T* y);
template <class T>
void hwio_to_oihw(i64 oc, i64 ic, i64 khw, const T* x, T* y);

// y (count, row_size) = rows order[first..first+count-1] of source (order null: rows first.. themselves), converted
// to T. Indices must have been checked. Conversion as a C cast does it; float16 exactly.
template <class T>
void gather_rows(const nnf_source& source, const i64* order, i64 first, i64 count, T* y);

}  // namespace nnf

#endif  // NNF_KERNELS_LAYOUT_LAYOUT_H
