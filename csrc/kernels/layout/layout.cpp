// Layout conversion over threads, and users' rows of any type as rows of T. The vector code is in transpose-inl.h and
// convert-inl.h.
#include "kernels/layout/layout.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/layout/convert-inl.h"
#include "kernels/sparse/csr.h"

namespace nnf {
namespace {

// Elements a task moves: in and out together fit a 256 KB second-level cache as float, an L2 of today as double.
constexpr i64 kTaskElements = 16384;

template <class T>
void copy(i64 count, const T* x, T* y) {
  if (count > 0) std::memcpy(y, x, static_cast<std::size_t>(count) * sizeof(T));
}

// f(image, first, count): pieces of `inner` (of n images of outer x inner elements), about kTaskElements each.
template <class F>
void over_pieces(i64 n, i64 outer, i64 inner, F f) {
  if (n <= 0 || outer <= 0 || inner <= 0) return;
  const i64 piece = std::min(inner, std::max<i64>(64, kTaskElements / outer / 64 * 64));
  const i64 pieces = ceil_div(inner, piece);
  parallel_for(n * pieces, outer * piece, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 first = t % pieces * piece;
      f(t / pieces, first, std::min(piece, inner - first));
    }
  });
}

// ---- users' rows

#define NNF_SAME(type, source) static_assert(static_cast<int>(NumberType::type) == NNF_SRC_##source)
NNF_SAME(float32, F32);
NNF_SAME(float64, F64);
NNF_SAME(float16, F16);
NNF_SAME(uint8, U8);
NNF_SAME(int8, I8);
NNF_SAME(int16, I16);
NNF_SAME(int32, I32);
NNF_SAME(int64, I64);
NNF_SAME(boolean, BOOL);
NNF_SAME(uint16, U16);
NNF_SAME(uint32, U32);
#undef NNF_SAME
constexpr i64 kNumberSizes[] = {4, 8, 2, 1, 1, 2, 4, 8, 1, 2, 4};  // bytes

// What converts samples is compiled for the instruction set; class labels are few.
template <class T>
ConvertFn<T> converter() {
  return kernels<T>().convert;
}
template <>
ConvertFn<i64> converter<i64>() {
  return convert<i64>;
}

// Rows in an order of their own lie anywhere: the processor does not fetch them ahead, and waits at each. (32 rows of 784
// bytes out of 2, 47 and 400 MB, us, without and with this: 5.5, 1.9; 9.4, 3.5; 16, 10. 2 or 8 rows ahead: a tenth to a
// half more. What lies beyond a page of a row it fetches itself.)
constexpr i64 kRowsAhead = 4;
constexpr i64 kBytesAhead = 4096;

void fetch(const char* row, i64 bytes) {
  constexpr i64 line = static_cast<i64>(kAlignment);
  for (i64 at = 0; at < std::min(bytes, kBytesAhead); at += line) __builtin_prefetch(row + at);
}

}  // namespace

template <class T>
void nchw_to_nhwc(i64 n, i64 c, i64 hw, const T* x, T* y) {
  if (c == 1 || hw == 1) {
    copy(n * c * hw, x, y);
    return;
  }
  const KernelTable<T>& k = kernels<T>();
  over_pieces(n, c, hw, [&](i64 image, i64 first, i64 count) {
    k.transpose(c, count, x + image * c * hw + first, hw, y + image * c * hw + first * c, c);
  });
}

template <class T>
void nhwc_to_nchw(i64 n, i64 c, i64 hw, const T* x, T* y) {
  if (c == 1 || hw == 1) {
    copy(n * c * hw, x, y);
    return;
  }
  const KernelTable<T>& k = kernels<T>();
  over_pieces(n, c, hw, [&](i64 image, i64 first, i64 count) {
    k.transpose(count, c, x + image * c * hw + first * c, c, y + image * c * hw + first, hw);
  });
}

// (oc, ic, khw) <-> (khw, ic, oc): for each ic a matrix (oc, khw), its rows ic * khw apart. So many rows at a time:
// more of them, a power of two apart as often as not, would not stay in the few sets of the first-level cache they share
// while the next ic follow (512 x 512 x 9: 747 and 1689 us with all 512 rows at a time, 757 and 746 with 16).
constexpr i64 kWeightRows = 16;

template <class T, class F>
void over_weights(i64 oc, i64 ic, i64 khw, F f) {
  const i64 blocks = ceil_div(oc, kWeightRows);
  parallel_for(blocks, kWeightRows * ic * khw, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 o = t * kWeightRows, rows = std::min(kWeightRows, oc - o);
      for (i64 i = 0; i < ic; ++i) f(o, rows, i);
    }
  });
}

template <class T>
void oihw_to_hwio(i64 oc, i64 ic, i64 khw, const T* x, T* y) {
  const KernelTable<T>& k = kernels<T>();
  if (khw == 1) {
    k.transpose(oc, ic, x, ic, y, oc);
    return;
  }
  over_weights<T>(oc, ic, khw, [&](i64 o, i64 rows, i64 i) {
    k.transpose(rows, khw, x + (o * ic + i) * khw, ic * khw, y + i * oc + o, ic * oc);
  });
}

template <class T>
void hwio_to_oihw(i64 oc, i64 ic, i64 khw, const T* x, T* y) {
  const KernelTable<T>& k = kernels<T>();
  if (khw == 1) {
    k.transpose(ic, oc, x, oc, y, ic);
    return;
  }
  over_weights<T>(oc, ic, khw, [&](i64 o, i64 rows, i64 i) {
    k.transpose(khw, rows, x + i * oc + o, ic * oc, y + (o * ic + i) * khw, ic * khw);
  });
}

template <class T>
void gather_rows(const nnf_source& source, const i64* order, i64 first, i64 count, T* y) {
  if (source.type == NNF_SRC_CSR) {
    if constexpr (std::is_floating_point_v<T>) {
      return dense_rows<T>({static_cast<const nnf_csr*>(source.data), order, first, count}, y);
    }
  }
  if (source.type < NNF_SRC_F32 || source.type >= NNF_SRC_CSR) {
    throw_type("source: unknown element type %d", static_cast<int>(source.type));
  }
  const ConvertFn<T> convert_row = converter<T>();
  const NumberType type = static_cast<NumberType>(source.type);
  const i64 width = source.row_size, size = kNumberSizes[source.type], bytes = width * size;
  const i64 stride = source.row_stride * size;
  const char* data = static_cast<const char*>(source.data);
  const i64 block = std::max<i64>(1, kTaskElements / std::max<i64>(1, width));
  parallel_for(ceil_div(count, block), block * width, [&](i64 begin, i64 end) {
    const i64 stop = std::min(end * block, count);
    for (i64 i = begin * block; i < stop; ++i) {
      if (order != nullptr && i + kRowsAhead < stop) fetch(data + order[first + i + kRowsAhead] * stride, bytes);
      const i64 row = order != nullptr ? order[first + i] : first + i;
      convert_row(type, width, data + row * stride, y + i * width);
    }
  });
}

#define NNF_INSTANTIATE(T)                                           \
  template void nchw_to_nhwc<T>(i64, i64, i64, const T*, T*);        \
  template void nhwc_to_nchw<T>(i64, i64, i64, const T*, T*);        \
  template void oihw_to_hwio<T>(i64, i64, i64, const T*, T*);        \
  template void hwio_to_oihw<T>(i64, i64, i64, const T*, T*);        \
  template void gather_rows<T>(const nnf_source&, const i64*, i64, i64, T*);
NNF_INSTANTIATE(float)
NNF_INSTANTIATE(double)
#undef NNF_INSTANTIATE
template void gather_rows<i64>(const nnf_source&, const i64*, i64, i64, i64*);  // class labels

}  // namespace nnf
