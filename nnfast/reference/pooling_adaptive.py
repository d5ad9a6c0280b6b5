"""Pooling to a given size: adaptive averages, and global averages and maxima, with their gradients.

Cell i of `size` output cells averages the input's cells floor(i * h / size) to ceil((i + 1) * h / size) - 1:
PyTorch's rule, under which windows may overlap and differ in size.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .checks import Array, deliver, floats, has_ndim, has_shape, integer_in, value_error
from .windows import Size

OutputSize = int | None | Sequence[int | None]


def windows(size: int, cells: int) -> list[slice]:
    """The input cells that each output cell averages, along one axis.

    Examples
    --------
    >>> windows(5, 2)
    [slice(0, 3, None), slice(2, 5, None)]
    """
    return [slice(i * size // cells, -(-(i + 1) * size // cells)) for i in range(cells)]


def grid(size: tuple[int, ...], output: tuple[int, ...]) -> Iterator[tuple[int, int, slice, slice]]:
    """(row, column, rows, columns) of every output cell and its window."""
    for i, rows in enumerate(windows(size[0], output[0])):
        for j, columns in enumerate(windows(size[1], output[1])):
            yield i, j, rows, columns


def average(x: Array, output: Size) -> Array:
    """`adaptive_avg_pool2d` after its checks."""
    y = np.empty((*x.shape[:2], *output), x.dtype)
    for i, j, rows, columns in grid(x.shape[2:], output):
        y[:, :, i, j] = x[:, :, rows, columns].mean(axis=(2, 3))
    return y


def average_backward(grad_output: Array, shape: tuple[int, ...]) -> Array:
    """`adaptive_avg_pool2d_backward` after its checks."""
    gx = np.zeros(shape, grad_output.dtype)
    for i, j, rows, columns in grid(shape[2:], grad_output.shape[2:]):
        cells = (rows.stop - rows.start) * (columns.stop - columns.start)
        gx[:, :, rows, columns] += grad_output[:, :, i, j, np.newaxis, np.newaxis] / gx.dtype.type(cells)
    return gx


def _check_image(function: str, x: Array) -> None:
    has_ndim(function, "x", x, 4)
    if min(x.shape[1:]) < 1:
        raise value_error(function, "x", "channels, height and width of at least 1", x.shape)


def _check(function: str, x: Array, output_size: Any) -> Size:
    _check_image(function, x)
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    if len(given) != 2:
        raise value_error(function, "output_size", "an integer or a pair", f"{len(given)} values")
    height, width = (
        own if size is None else integer_in(function, "output_size", size, 1, 2**31 - 1)
        for size, own in zip(given, x.shape[2:], strict=True)
    )
    return height, width


def adaptive_avg_pool2d(x: Array, output_size: OutputSize, *, out: Array | None = None) -> Array:
    """Averages over windows whose sizes follow from the output's (PyTorch's ``adaptive_avg_pool2d``).

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    output_size : int or (height, width)
        None in it, or instead of it, keeps the input's size.
    out : (n, c, oh, ow) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, c, oh, ow) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> adaptive_avg_pool2d(np.arange(9.0).reshape(1, 1, 3, 3), 2)[0, 0]
    array([[2., 3.],
           [5., 6.]])
    """
    (x,) = floats("adaptive_avg_pool2d", x=x)
    y = average(x, _check("adaptive_avg_pool2d", x, output_size))
    return deliver("adaptive_avg_pool2d", y, x.dtype, out, apart=(x,))


def adaptive_avg_pool2d_backward(grad_output: Array, x: Array, output_size: OutputSize) -> Array:
    """Gradient of `adaptive_avg_pool2d`: each window's gradient, divided by its size, goes to all its cells.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
    x, output_size : the forward's arguments

    Returns
    -------
    (n, c, h, w) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> adaptive_avg_pool2d_backward(np.array([[[[2.0, 4.0]]]]), np.zeros((1, 1, 1, 3)), (1, 2))[0, 0]
    array([[1., 3., 2.]])
    """
    function = "adaptive_avg_pool2d_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    has_shape(function, "grad_output", grad_output, (*x.shape[:2], *_check(function, x, output_size)))
    return average_backward(grad_output, x.shape)


def global_avg_pool2d(x: Array, keepdims: bool = False, *, out: Array | None = None) -> Array:
    """The average of every channel of every image.

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    keepdims : bool
        Keep height and width, as 1.
    out : array of the result's shape, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, c) array, or (n, c, 1, 1) with `keepdims`

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> global_avg_pool2d(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[1.5, 5.5]])
    """
    (x,) = floats("global_avg_pool2d", x=x)
    _check_image("global_avg_pool2d", x)
    return deliver("global_avg_pool2d", x.mean(axis=(2, 3), keepdims=keepdims), x.dtype, out, apart=(x,))


def global_avg_pool2d_backward(grad_output: Array, x: Array, keepdims: bool = False) -> Array:
    """Gradient of `global_avg_pool2d`.

    Parameters
    ----------
    grad_output : (n, c) array, or (n, c, 1, 1) with `keepdims`
    x, keepdims : the forward's arguments

    Returns
    -------
    (n, c, h, w) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> global_avg_pool2d_backward(np.array([[8.0]]), np.array([[[[1.0, 3.0], [3.0, 0.0]]]]))[0, 0]
    array([[2., 2.],
           [2., 2.]])
    """
    function = "global_avg_pool2d_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    _check_image(function, x)
    has_shape(function, "grad_output", grad_output, (*x.shape[:2], 1, 1) if keepdims else x.shape[:2])
    cells = x.dtype.type(x.shape[2] * x.shape[3])
    return np.broadcast_to(grad_output.reshape(*x.shape[:2], 1, 1) / cells, x.shape).copy()


def global_max_pool2d(x: Array, keepdims: bool = False, *, out: Array | None = None) -> Array:
    """The maximum of every channel of every image; NaN is a maximum.

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    keepdims : bool
        Keep height and width, as 1.
    out : array of the result's shape, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, c) array, or (n, c, 1, 1) with `keepdims`

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> global_max_pool2d(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[3., 7.]])
    """
    (x,) = floats("global_max_pool2d", x=x)
    _check_image("global_max_pool2d", x)
    return deliver("global_max_pool2d", x.max(axis=(2, 3), keepdims=keepdims), x.dtype, out, apart=(x,))


def global_max_pool2d_backward(grad_output: Array, x: Array, keepdims: bool = False) -> Array:
    """Gradient of `global_max_pool2d`: to the first of equal maxima.

    Parameters
    ----------
    grad_output : (n, c) array, or (n, c, 1, 1) with `keepdims`
    x, keepdims : the forward's arguments

    Returns
    -------
    (n, c, h, w) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> global_max_pool2d_backward(np.array([[8.0]]), np.array([[[[1.0, 3.0], [3.0, 0.0]]]]))[0, 0]
    array([[0., 8.],
           [0., 0.]])
    """
    function = "global_max_pool2d_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    _check_image(function, x)
    has_shape(function, "grad_output", grad_output, (*x.shape[:2], 1, 1) if keepdims else x.shape[:2])
    flat = x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])
    gx = np.zeros_like(flat)  # argmax takes the first NaN, or else the first of equal maxima
    np.put_along_axis(gx, flat.argmax(axis=2)[..., np.newaxis], grad_output.reshape(*x.shape[:2], 1), axis=2)
    return gx.reshape(x.shape)
