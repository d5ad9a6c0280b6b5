// Transposes a matrix (contract.h) in register blocks. On x86, 8x8 floats or 4x4 doubles go through AVX shuffles, the
// edges through masked loads and stores; elsewhere small blocks are copied an element at a time.
//
// A band of kLine columns, a cache line of the source's rows, is finished before the next: every line of x is read once
// although the rows may lie a power of two apart. Within it kChunk rows at a time, so that no more than a block's rows
// of y are being written, which may lie a power of two apart as well (1024 x 16 floats: 21 GB/s with all rows at once,
// 61 so). Moves bits only: any values, NaNs too.
#ifndef NNF_KERNELS_LAYOUT_TRANSPOSE_INL_H
#define NNF_KERNELS_LAYOUT_TRANSPOSE_INL_H

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "kernels/layout/contract.h"
#include "simd/vec.h"

namespace nnf {
namespace {

#if defined(__AVX2__)

// One block: at most kTransposeBlock<T> rows and columns, transposed in registers.
template <class T>
constexpr i64 kTransposeBlock = 32 / static_cast<i64>(sizeof(T));

NNF_INLINE __m256i transpose_lanes(i64 n, float*) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
NNF_INLINE __m256i transpose_lanes(i64 n, double*) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}

NNF_INLINE void transpose_registers(__m256 (&r)[8]) {
  __m256 t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  __m256 u[8];
  for (int i = 0; i < 8; i += 4) {
    u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
    u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
    r[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
  }
}
NNF_INLINE void transpose_registers(__m256d (&r)[4]) {
  const __m256d t0 = _mm256_unpacklo_pd(r[0], r[1]), t1 = _mm256_unpackhi_pd(r[0], r[1]);
  const __m256d t2 = _mm256_unpacklo_pd(r[2], r[3]), t3 = _mm256_unpackhi_pd(r[2], r[3]);
  r[0] = _mm256_permute2f128_pd(t0, t2, 0x20);
  r[1] = _mm256_permute2f128_pd(t1, t3, 0x20);
  r[2] = _mm256_permute2f128_pd(t0, t2, 0x31);
  r[3] = _mm256_permute2f128_pd(t1, t3, 0x31);
}

NNF_INLINE void transpose_block(const float* x, i64 ldx, float* y, i64 ldy) {
  __m256 r[8];
  for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(x + i * ldx);
  transpose_registers(r);
  for (int j = 0; j < 8; ++j) _mm256_storeu_ps(y + j * ldy, r[j]);
}
NNF_INLINE void transpose_block(const double* x, i64 ldx, double* y, i64 ldy) {
  __m256d r[4];
  for (int i = 0; i < 4; ++i) r[i] = _mm256_loadu_pd(x + i * ldx);
  transpose_registers(r);
  for (int j = 0; j < 4; ++j) _mm256_storeu_pd(y + j * ldy, r[j]);
}
NNF_INLINE void transpose_edge(i64 rows, i64 cols, const float* x, i64 ldx, float* y, i64 ldy) {
  const __m256i in = transpose_lanes(cols, static_cast<float*>(nullptr));
  const __m256i out = transpose_lanes(rows, static_cast<float*>(nullptr));
  __m256 r[8];
  for (int i = 0; i < 8; ++i) r[i] = i < rows ? _mm256_maskload_ps(x + i * ldx, in) : _mm256_setzero_ps();
  transpose_registers(r);
  for (int j = 0; j < 8; ++j) {
    if (j < cols) _mm256_maskstore_ps(y + j * ldy, out, r[j]);
  }
}
NNF_INLINE void transpose_edge(i64 rows, i64 cols, const double* x, i64 ldx, double* y, i64 ldy) {
  const __m256i in = transpose_lanes(cols, static_cast<double*>(nullptr));
  const __m256i out = transpose_lanes(rows, static_cast<double*>(nullptr));
  __m256d r[4];
  for (int i = 0; i < 4; ++i) r[i] = i < rows ? _mm256_maskload_pd(x + i * ldx, in) : _mm256_setzero_pd();
  transpose_registers(r);
  for (int j = 0; j < 4; ++j) {
    if (j < cols) _mm256_maskstore_pd(y + j * ldy, out, r[j]);
  }
}

NNF_INLINE __m256 transpose_load(const float* x) { return _mm256_loadu_ps(x); }
NNF_INLINE __m256d transpose_load(const double* x) { return _mm256_loadu_pd(x); }
NNF_INLINE void transpose_store(float* y, __m256 r) { _mm256_storeu_ps(y, r); }
NNF_INLINE void transpose_store(double* y, __m256d r) { _mm256_storeu_pd(y, r); }

// Images of a few channels, less than a block: `rows` planes to dense pixels, and back. Pixels are stored (loaded) with
// whole vectors whose end falls on the next pixels, in order, so that each is overwritten by its own; the edge ends it.
// 3 x 1024 floats: 36 GB/s with masks, 71 so; 6 x 784: 61, 93.
template <class T>
NNF_INLINE void transpose_to_thin(i64 rows, i64 cols, const T* x, i64 ldx, T* y) {
  constexpr i64 B = kTransposeBlock<T>;
  i64 j = 0;
  for (; (j + B - 1) * rows + B <= cols * rows; j += B) {
    decltype(transpose_load(x)) r[B] = {};
    for (i64 i = 0; i < B; ++i) {
      if (i < rows) r[i] = transpose_load(x + i * ldx + j);
    }
    transpose_registers(r);
    for (i64 i = 0; i < B; ++i) transpose_store(y + (j + i) * rows, r[i]);
  }
  for (; j < cols; j += B) transpose_edge(rows, cols - j < B ? cols - j : B, x + j, ldx, y + j * rows, rows);
}
template <class T>
NNF_INLINE void transpose_from_thin(i64 rows, i64 cols, const T* x, T* y, i64 ldy) {
  constexpr i64 B = kTransposeBlock<T>;
  i64 i = 0;
  for (; (i + B - 1) * cols + B <= rows * cols; i += B) {
    decltype(transpose_load(x)) r[B];
    for (i64 k = 0; k < B; ++k) r[k] = transpose_load(x + (i + k) * cols);
    transpose_registers(r);
    for (i64 k = 0; k < B; ++k) {
      if (k < cols) transpose_store(y + k * ldy + i, r[k]);
    }
  }
  for (; i < rows; i += B) transpose_edge(rows - i < B ? rows - i : B, cols, x + i * cols, cols, y + i, ldy);
}

#else

template <class T>
constexpr i64 kTransposeBlock = 4;

template <class T>
NNF_INLINE void transpose_block(const T* x, i64 ldx, T* y, i64 ldy) {
  T r[kTransposeBlock<T>][kTransposeBlock<T>];
  for (i64 i = 0; i < kTransposeBlock<T>; ++i) {
    for (i64 j = 0; j < kTransposeBlock<T>; ++j) r[j][i] = x[i * ldx + j];
  }
  for (i64 j = 0; j < kTransposeBlock<T>; ++j) {
    for (i64 i = 0; i < kTransposeBlock<T>; ++i) y[j * ldy + i] = r[j][i];
  }
}
template <class T>
NNF_INLINE void transpose_edge(i64 rows, i64 cols, const T* x, i64 ldx, T* y, i64 ldy) {
  for (i64 j = 0; j < cols; ++j) {
    for (i64 i = 0; i < rows; ++i) y[j * ldy + i] = x[i * ldx + j];
  }
}

#endif

template <class T>
void transpose(i64 rows, i64 cols, const T* x, i64 ldx, T* y, i64 ldy) {
  constexpr i64 B = kTransposeBlock<T>, kLine = 64 / static_cast<i64>(sizeof(T)), kChunk = 64;
#if defined(__AVX2__)
  if (rows < B && ldy == rows) return transpose_to_thin(rows, cols, x, ldx, y);
  if (cols < B && ldx == cols) return transpose_from_thin(rows, cols, x, y, ldy);
#endif
  for (i64 band = 0; band < cols; band += kLine) {
    const i64 stop = cols - band < kLine ? cols : band + kLine;
    for (i64 chunk = 0; chunk < rows; chunk += kChunk) {
      const i64 end = rows - chunk < kChunk ? rows : chunk + kChunk;
      for (i64 j = band; j < stop; j += B) {
        const i64 width = stop - j < B ? stop - j : B;
        for (i64 i = chunk; i < end; i += B) {
          const i64 height = end - i < B ? end - i : B;
          if (height == B && width == B) {
            transpose_block(x + i * ldx + j, ldx, y + j * ldy + i, ldy);
          } else {
            transpose_edge(height, width, x + i * ldx + j, ldx, y + j * ldy + i, ldy);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_LAYOUT_TRANSPOSE_INL_H
