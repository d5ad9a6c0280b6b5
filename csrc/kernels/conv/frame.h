// An image with zeros around it, copied where a kernel would otherwise have to look for its borders. Private to
// kernels/conv.
#ifndef NNF_KERNELS_CONV_FRAME_H
#define NNF_KERNELS_CONV_FRAME_H

#include "base/types.h"

namespace nnf {

// The image as the kernel sees it: `rows` x `cols` pixels of which pixel (i, j) is x's (i - top, j - left), and 0 where
// x has none.
struct Frame {
  i64 top, left, rows, cols;
};

// Rows row0..row0+rows-1 of the frame around one image x (h, w, c): out (rows, frame.cols, c).
template <class T>
void copy_frame(const Frame& frame, i64 h, i64 w, i64 c, i64 row0, i64 rows, const T* x, T* out);
// Whether x can be read in place: the frame lies inside it.
inline bool frame_inside(const Frame& f, i64 h, i64 w) {
  return f.top == 0 && f.left == 0 && f.rows <= h && f.cols <= w;
}

}  // namespace nnf

#endif  // NNF_KERNELS_CONV_FRAME_H
