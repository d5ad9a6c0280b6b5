// Layout conversion over threads, and users' rows of any type as rows of T. The vector code is transpose-inl.h.
#include "kernels/layout/layout.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
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

// IEEE binary16: 1 sign, 5 exponent, 10 mantissa bits. Every value is a float, so this is exact.
float half_to_float(std::uint16_t half) {
  const u32 sign = static_cast<u32>(half & 0x8000u) << 16;
  const u32 exponent = (half >> 10) & 0x1Fu, mantissa = half & 0x3FFu;
  float value;
  if (exponent == 0) {  // zero and denormals: mantissa * 2^-24, a normal float
    value = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  const u32 biased = exponent == 0x1Fu ? 0xFFu : exponent + (127 - 15);  // infinity, NaN: all ones stay all ones
  const u32 bits = sign | biased << 23 | mantissa << 13;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct Half {
  std::uint16_t bits;
};
struct Bool {
  std::uint8_t byte;
};

template <class T, class S>
void convert_row(i64 count, const S* x, T* y) {
  if constexpr (std::is_same_v<S, T>) {
    copy(count, x, y);
  } else if constexpr (std::is_same_v<S, Half>) {
    for (i64 i = 0; i < count; ++i) y[i] = static_cast<T>(half_to_float(x[i].bits));
  } else if constexpr (std::is_same_v<S, Bool>) {
    for (i64 i = 0; i < count; ++i) y[i] = static_cast<T>(x[i].byte != 0);
  } else {
    for (i64 i = 0; i < count; ++i) y[i] = static_cast<T>(x[i]);
  }
}

template <class T, class S>
void gather_typed(const nnf_source& source, const i64* order, i64 first, i64 count, T* y) {
  const S* data = static_cast<const S*>(source.data);
  const i64 width = source.row_size;
  const i64 block = std::max<i64>(1, kTaskElements / std::max<i64>(1, width));
  parallel_for(ceil_div(count, block), block * width, [&](i64 begin, i64 end) {
    const i64 stop = std::min(end * block, count);
    for (i64 i = begin * block; i < stop; ++i) {
      const i64 row = order != nullptr ? order[first + i] : first + i;
      convert_row(width, data + row * source.row_stride, y + i * width);
    }
  });
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
  switch (source.type) {
    case NNF_SRC_F32: return gather_typed<T, float>(source, order, first, count, y);
    case NNF_SRC_F64: return gather_typed<T, double>(source, order, first, count, y);
    case NNF_SRC_F16: return gather_typed<T, Half>(source, order, first, count, y);
    case NNF_SRC_U8: return gather_typed<T, std::uint8_t>(source, order, first, count, y);
    case NNF_SRC_I8: return gather_typed<T, std::int8_t>(source, order, first, count, y);
    case NNF_SRC_I16: return gather_typed<T, std::int16_t>(source, order, first, count, y);
    case NNF_SRC_I32: return gather_typed<T, std::int32_t>(source, order, first, count, y);
    case NNF_SRC_I64: return gather_typed<T, std::int64_t>(source, order, first, count, y);
    case NNF_SRC_BOOL: return gather_typed<T, Bool>(source, order, first, count, y);
    case NNF_SRC_U16: return gather_typed<T, std::uint16_t>(source, order, first, count, y);
    case NNF_SRC_U32: return gather_typed<T, std::uint32_t>(source, order, first, count, y);
    case NNF_SRC_CSR:
      if constexpr (std::is_floating_point_v<T>) {
        return dense_rows<T>({static_cast<const nnf_csr*>(source.data), order, first, count}, y);
      }
      break;
  }
  throw_type("source: unknown element type %d", static_cast<int>(source.type));
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
