// Contract of the pooling kernels, channels-last and on planes. Plain data only (see registry.h).
#ifndef NNF_KERNELS_POOL_CONTRACT_H
#define NNF_KERNELS_POOL_CONTRACT_H

#include "base/types.h"

namespace nnf {

struct PoolShape {
  i64 n, c, h, w;    // input (n, h, w, c)
  i64 oh, ow;        // output (n, oh, ow, c)
  i64 kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  bool count_include_pad;
  bool tiles;        // windows tile the images: every cell lies in exactly one
};

// Output rows row0..row1-1, counted over n * oh; x and y are whole arrays. Maximum: NaN wins, padding never does.
// Average: over the window's cells inside the input (padding's too when count_include_pad, PyTorch's rule).
template <class T>
using PoolRowFn = void (*)(const PoolShape& s, i64 row0, i64 row1, const T* x, T* y);

// The maximum and, for its gradient, its place: the number, row * kw + column in the window, of the first tap that
// holds it (any number where all of the window is padding). P is unsigned char where windows have at most kBytePlaces
// taps, else T.
template <class T, class P>
using PoolPlacesFn = void (*)(const PoolShape& s, i64 row0, i64 row1, const T* x, T* y, P* places);
template <class T>
using PoolBytePlacesFn = PoolPlacesFn<T, unsigned char>;
template <class T>
using PoolWidePlacesFn = PoolPlacesFn<T, T>;
constexpr i64 kBytePlaces = 256;

// The same with the places as PyTorch gives them: the number, row * w + column, of the cell in its image; -1 where all
// of the window is padding. Images have at most kMostCells cells, whose numbers are exact as float.
template <class T>
using PoolIndicesFn = PoolPlacesFn<T, i64>;
constexpr i64 kMostCells = i64{1} << 24;
// And their gradient, as PoolPlacesBackwardFn. False when an index is no cell of its window; gx is then of no use.
template <class T>
using PoolIndicesBackwardFn = bool (*)(const PoolShape& s, i64 row0, i64 row1, const T* g, const i64* indices, T* gx);

// Rows row0..row1-1 of gx (n, h, w, c), counted over n * h, are overwritten: multiples of kh where the windows tile the
// images, else of h. The gradient of the maximum goes to its place.
template <class T, class P>
using PoolPlacesBackwardFn = void (*)(const PoolShape& s, i64 row0, i64 row1, const T* g, const P* places, T* gx);
template <class T>
using PoolBytePlacesBackwardFn = PoolPlacesBackwardFn<T, unsigned char>;
template <class T>
using PoolWidePlacesBackwardFn = PoolPlacesBackwardFn<T, T>;
template <class T>
using PoolRowBackwardFn = void (*)(const PoolShape& s, i64 row0, i64 row1, const T* g, T* gx);

// The same on planes, the images of one channel that NCHW arrays consist of: s.n counts them and s.c is 1. Input rows
// are split by their columns' places modulo stride_w ("phases"), so that neighbouring outputs' taps are neighbours.
// Rows are taken in bands, counted over all planes, whose split rows and results lie in scratch; the driver
// (planes.cpp) finds the sizes.
struct PoolPlanes {
  PoolShape s;
  i64 columns;        // input columns that windows reach
  i64 split_line;     // elements of one phase of a split row; stride_w of them
  i64 line, margin;   // elements of a row of results, and of those before its first column
  i64 band;           // output rows of a band, of the input's gradient: its rows
  i64 rows_in, rows_out;  // input and output rows a band needs at most
  const i64* taps;    // (kw): where in a split row tap b of output column 0 lies
};
constexpr i64 kPoolSlack = 16;  // elements that whole vectors may go beyond a row in scratch: the widest vector's

// Planes p0..p1-1 of whole arrays x and y. scratch: rows_in * stride_w * split_line + (1 + rows_in) * line elements.
template <class T>
using PoolPlanesFn = void (*)(const PoolPlanes& p, i64 p0, i64 p1, const T* x, T* y, T* scratch);

// The maximum and its place in the plane, row * w + column: of windows of 2x2 without overlap and of 3x3, two apart,
// with padding 1; of planes of at most kMostCells cells. scratch: line elements.
template <class T>
using PoolPlanesIndicesFn = void (*)(const PoolPlanes& p, i64 p0, i64 p1, const T* x, T* y, i64* indices, T* scratch);
// The gradient by the places of windows of 2x2. False when an index is no cell of its window; gx is then of no use.
template <class T>
using PoolPairsIndicesBackwardFn = bool (*)(const PoolPlanes& p, i64 p0, i64 p1, const T* g, const i64* indices, T* gx);

// gx is overwritten; x may be null for the average. scratch: rows_in * (stride_w * split_line + 2 * line) +
// (1 + stride_w + 2 * rows_out) * line elements.
template <class T>
using PoolPlanesBackwardFn = void (*)(const PoolPlanes& p, i64 p0, i64 p1, const T* g, const T* x, T* gx, T* scratch);

}  // namespace nnf

#endif  // NNF_KERNELS_POOL_CONTRACT_H
