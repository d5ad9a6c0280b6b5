// See frame.h.
#include "kernels/conv/frame.h"

#include <algorithm>
#include <cstring>

namespace nnf {
namespace {

template <class T>
void copy_elements(i64 count, const T* x, T* y) {
  if (count > 0) std::memcpy(y, x, static_cast<std::size_t>(count) * sizeof(T));
}
template <class T>
void zero_elements(i64 count, T* y) {
  std::fill_n(y, std::max<i64>(0, count), T{0});
}

}  // namespace

template <class T>
void copy_frame(const Frame& f, i64 h, i64 w, i64 c, i64 row0, i64 rows, const T* x, T* out) {
  const i64 first = std::clamp<i64>(f.left, 0, f.cols);            // frame columns that x covers: first..last-1
  const i64 last = std::clamp<i64>(w + f.left, first, f.cols);
  for (i64 i = row0; i < row0 + rows; ++i, out += f.cols * c) {
    const i64 from = i - f.top;
    if (from < 0 || from >= h) {
      zero_elements(f.cols * c, out);
      continue;
    }
    zero_elements(first * c, out);
    copy_elements((last - first) * c, x + (from * w + first - f.left) * c, out + first * c);
    zero_elements((f.cols - last) * c, out + last * c);
  }
}

template void copy_frame<float>(const Frame&, i64, i64, i64, i64, i64, const float*, float*);
template void copy_frame<double>(const Frame&, i64, i64, i64, i64, i64, const double*, double*);

}  // namespace nnf
