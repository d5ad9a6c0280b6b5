"""Sliding windows over images: what convolution and pooling share.

A kernel position (i, j) meets, over all output cells, a regular grid of input cells: `tap` returns that grid
as a view. With it im2col is an assignment for each kernel position, and its transpose (col2im) an addition.
Dumoulin, Visin: "A guide to convolution arithmetic for deep learning", arXiv 1603.07285.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .checks import Array

Size = tuple[int, int]


def extent(kernel: int, dilation: int) -> int:
    """Input cells from the first to the last tap of a kernel, along one axis."""
    return dilation * (kernel - 1) + 1


def positions(kernel: Size) -> Iterator[Size]:
    """(i, j) of every kernel position, row by row."""
    return ((i, j) for i in range(kernel[0]) for j in range(kernel[1]))


def tap(padded: Array, position: Size, output: Size, stride: Size, dilation: Size) -> Array:
    """The cells that kernel position (i, j) meets: a view (..., oh, ow) of `padded` (..., height, width).

    Examples
    --------
    >>> image = np.arange(16).reshape(4, 4)
    >>> tap(image, (0, 1), (2, 2), (2, 2), (1, 1))  # the upper right cell of each of four 2 x 2 windows
    array([[ 1,  3],
           [ 9, 11]])
    """
    slices = []
    for axis in (0, 1):
        first = position[axis] * dilation[axis]
        slices.append(slice(first, first + stride[axis] * (output[axis] - 1) + 1, stride[axis]))
    return padded[..., slices[0], slices[1]]


def embed(x: Array, corner: Size, size: Size, value: Any = 0) -> Array:
    """`x` (..., h, w) inside an array of `size` filled with `value`, its first cell at `corner`."""
    padded = np.full((*x.shape[:-2], *size), value, x.dtype)
    inner(padded, corner, x.shape)[...] = x
    return padded


def inner(padded: Array, corner: Size, shape: tuple[int, ...]) -> Array:
    """The view of `padded` that `embed` fills."""
    (top, left), (height, width) = corner, shape[-2:]
    return padded[..., top : top + height, left : left + width]
