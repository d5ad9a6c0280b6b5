"""What Winograd's F(2x2, 3x3) would do to a convolution's error: ``python benchmarks/winograd.py``.

It computes 2x2 outputs from 4x4 inputs with 16 multiplications instead of 36 [1]_. For random images its
error is smaller than the direct sum's, which adds nine times as many terms. But it multiplies every pixel
of a window with sums of all taps, and counts on what does not belong there to cancel: beside a large pixel
that meets a small tap, its error is no longer bounded by the sizes of the sum's own terms. That bound is
what nnfast promises, hence its convolutions are direct.

A C++ trial over nnfast's own GEMM (float32, AVX-512, one thread, transformed weights at hand) took, against
the direct convolution: 32x64x32x32 -> 64 0.79 of the time, 32x128x16x16 -> 128 0.65, 1x256x14x14 -> 256
0.57, 128x16x32x32 -> 16 1.28.

.. [1] A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
"""

import numpy as np

import nnfast as nf
from nnfast import reference

B = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], np.float32)
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)
A = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], np.float32)
SHAPES = [(4, 16, 16, 16), (4, 64, 16, 64), (2, 256, 14, 256)]  # n, c, h, oc


def winograd(x, weight):
    """conv2d(x, weight, padding=1) of even images and 3x3 kernels."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    tiles = np.lib.stride_tricks.sliding_window_view(padded, (4, 4), axis=(2, 3))[:, :, ::2, ::2]
    v = np.einsum("ai,nchwij,bj->abnhwc", B, tiles, B, optimize=True).reshape(16, -1, c)
    u = np.einsum("ai,ocij,bj->abco", G, weight, G, optimize=True).reshape(16, c, -1)
    m = nf.matmul(np.ascontiguousarray(v), np.ascontiguousarray(u)).reshape(4, 4, n, h // 2, w // 2, -1)
    return np.einsum("pa,abnhwo,qb->nohpwq", A, m, A, optimize=True).reshape(n, -1, h, w)


def errors(x, weight):
    """rms and largest share of |x| * |w|, of the errors of the direct and the transformed convolution."""
    exact = reference.conv2d(x.astype(float), weight.astype(float), padding=1)
    size = reference.conv2d(np.abs(x).astype(float), np.abs(weight).astype(float), padding=1)
    for y in (nf.conv2d(x, weight, padding=1), winograd(x, weight)):
        error = np.abs(y - exact)
        yield np.sqrt(np.mean(error**2)), np.max(error / size)


def main():
    rng = np.random.default_rng(0)
    print("shape                     rms: direct  Winograd    largest share of the terms: direct  Winograd")
    for n, c, h, oc in SHAPES:
        x = rng.standard_normal((n, c, h, h), np.float32)
        weight = rng.standard_normal((oc, c, 3, 3), np.float32)
        bright, heavy = x.copy(), weight.copy()
        bright[:, :, 8, 8] *= 1e4
        heavy[:, :, 0, 0] *= 1e4
        for name, images, w in (("normal", x, weight), ("a pixel and a tap x 10^4", bright, heavy)):
            (rms, worst), (w_rms, w_worst) = errors(images, w)
            print(f"{n}x{c}x{h}x{h} -> {oc}, {name}: {rms:.1e} {w_rms:.1e}  {worst:.1e} {w_worst:.1e}")


if __name__ == "__main__":
    main()
