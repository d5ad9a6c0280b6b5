"""Arrays of another size: constant padding, nearest-neighbour upsampling, and their gradients."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .checks import (
    Array,
    Pair,
    deliver,
    floats,
    has_ndim,
    has_shape,
    integer_in,
    one_of,
    pair_of,
    value_error,
)

Factor = float | Sequence[float]
Goal = tuple[tuple[int, int], tuple[float, float]]  # of an upsampling: see _goal
Sides = list[tuple[int, int]]  # (before, after) of every axis


def _sides(function: str, x: Array, pad: Any) -> Sides:
    """PyTorch's order, the last axis first, turned round."""
    if not isinstance(pad, (tuple, list, np.ndarray)):
        raise TypeError(f"{function}: pad: expected a sequence of integers, got {type(pad).__name__}")
    if len(pad) % 2 or len(pad) > 2 * x.ndim:
        expected = f"an even number of integers, at most {2 * x.ndim}"
        raise value_error(function, "pad", expected, len(pad))
    numbers = [integer_in(function, "pad", number, -(2**44), 2**44) for number in pad]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    sides = [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]
    for axis, (before, after) in enumerate(sides):
        if x.shape[axis] + before + after < 0:
            expected = f"axis {axis} of size {x.shape[axis]} to keep a size of at least 0"
            raise value_error(function, "pad", expected, (before, after))
    return sides


def surround(x: Array, sides: Sides, value: float) -> Array:
    """`x` with (before, after) cells of `value` along every axis; negative numbers cut off.

    Examples
    --------
    >>> surround(np.arange(4), [(1, -2)], 9)
    array([9, 0, 1])
    """
    shape = [size + before + after for size, (before, after) in zip(x.shape, sides, strict=True)]
    y = np.full(shape, value, x.dtype)
    target, source = [], []
    for size, (before, after) in zip(x.shape, sides, strict=True):
        low, high = max(0, -before), max(0, -before, size + min(0, after))  # the cells of x that stay
        source.append(slice(low, high))
        target.append(slice(low + before, high + before))
    if all(part.stop > part.start for part in source):
        y[tuple(target)] = x[tuple(source)]
    return y


def pad(
    x: Array,
    pad: Sequence[int],
    mode: str = "constant",
    value: float = 0.0,
    *,
    out: Array | None = None,
) -> Array:
    """`x` with cells of a constant around it (PyTorch's ``pad``).

    Parameters
    ----------
    x : array of any shape, float32 or float64
    pad : sequence of an even number of int
        Pairs (before, after), the last axis' first; negative numbers cut cells off.
    mode : "constant"
    value : float
        Of the new cells.
    out : array of the result's shape, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    array, with ``before + after`` more cells along each axis named

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> pad(np.ones((2, 2)), (1, 0, 0, 1))
    array([[0., 1., 1.],
           [0., 1., 1.],
           [0., 0., 0.]])
    """
    (x,) = floats("pad", x=x)
    one_of("pad", "mode", mode, ("constant",))
    return deliver("pad", surround(x, _sides("pad", x, pad), value), x.dtype, out, apart=(x,))


def pad_backward(
    grad_output: Array, x: Array, pad: Sequence[int], mode: str = "constant", value: float = 0.0
) -> Array:
    """Gradient of `pad`: that of the cells which come from `x`; 0 for cells cut off.

    Parameters
    ----------
    grad_output : array of the forward's result's shape
    x, pad, mode, value : the forward's arguments

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> pad_backward(np.array([1.0, 2.0, 3.0]), np.zeros(3), (1, -1))
    array([2., 3., 0.])
    """
    function = "pad_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    one_of(function, "mode", mode, ("constant",))
    sides = _sides(function, x, pad)
    shape = tuple(size + before + after for size, (before, after) in zip(x.shape, sides, strict=True))
    has_shape(function, "grad_output", grad_output, shape)
    return surround(grad_output, [(-before, -after) for before, after in sides], 0.0)


def _sources(size: int, new: int, scale: float) -> Array:
    """Which of `size` cells each of the `new` ones shows; scale 0 stands for new / size."""
    places = np.arange(new)
    at = places / scale if scale else places * size / max(new, 1)
    return np.minimum(np.floor(at).astype(np.int64), size - 1)


def nearest(x: Array, goal: Goal) -> Array:
    """`upsample_nearest` after its checks."""
    (height, width), (scale_h, scale_w) = goal
    rows, columns = _sources(x.shape[2], height, scale_h), _sources(x.shape[3], width, scale_w)
    return x[:, :, rows][:, :, :, columns]


def nearest_backward(grad_output: Array, shape: tuple[int, ...], goal: Goal) -> Array:
    """`upsample_nearest_backward` after its checks."""
    (height, width), (scale_h, scale_w) = goal
    gx = np.zeros(shape, grad_output.dtype)
    rows, columns = _sources(shape[2], height, scale_h), _sources(shape[3], width, scale_w)
    for row, line in zip(rows, np.moveaxis(grad_output, 2, 0), strict=True):
        for column, cells in zip(columns, np.moveaxis(line, 2, 0), strict=True):
            gx[:, :, row, column] += cells
    return gx


def _goal(function: str, x: Array, size: Pair | None, scale_factor: Factor | None) -> Goal:
    """Height and width of the result, and the factors; 0 where the sizes decide."""
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{function}: scale_factor: expected either size or scale_factor")
    h, w = x.shape[2:]
    if scale_factor is None:
        height, width = pair_of(function, "size", size, 1 if h and w else 0)
        if (height > 0) != (h > 0) or (width > 0) != (w > 0):
            raise value_error(function, "size", f"a size that images of {(h, w)} can have", (height, width))
        return (height, width), (0.0, 0.0)
    factors = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor, scale_factor)
    if len(factors) != 2:
        raise value_error(function, "scale_factor", "a number or a pair", f"{len(factors)} values")
    for factor in factors:
        if isinstance(factor, (bool, np.bool_)) or not isinstance(factor, (int, float, np.number)):
            raise TypeError(f"{function}: scale_factor: expected a number, got {factor!r}")
        if not 0 < factor < np.inf:
            raise value_error(function, "scale_factor", "finite numbers above 0", factor)
    scale_h, scale_w = (float(factor) for factor in factors)
    height, width = int(h * scale_h), int(w * scale_w)
    if (h and not height) or (w and not width):
        raise value_error(function, "scale_factor", f"to leave images of {(h, w)} at least one cell", factors)
    return (height, width), (scale_h, scale_w)


def upsample_nearest(
    x: Array, size: Pair | None = None, scale_factor: Factor | None = None, *, out: Array | None = None
) -> Array:
    """Images of another size, every cell that of the nearest one (PyTorch's ``interpolate``, mode "nearest").

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    size : int or (height, width), optional
        Of the result; or else
    scale_factor : float or (height, width), optional
        The result has floor(h * scale) rows, columns likewise.
    out : (n, c, oh, ow) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, c, oh, ow) array
        Row i is row ``floor(i * h / oh)`` of `x`, with `scale_factor` row ``min(floor(i / scale), h - 1)``;
        columns likewise.

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> upsample_nearest(np.array([[[[1.0, 2.0]]]]), scale_factor=2)[0, 0]
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]])
    """
    function = "upsample_nearest"
    (x,) = floats(function, x=x)
    has_ndim(function, "x", x, 4)
    y = nearest(x, _goal(function, x, size, scale_factor))
    return deliver(function, y, x.dtype, out, apart=(x,))


def upsample_nearest_backward(
    grad_output: Array, x: Array, size: Pair | None = None, scale_factor: Factor | None = None
) -> Array:
    """Gradient of `upsample_nearest`: the sum over each cell's copies.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
    x, size, scale_factor : the forward's arguments

    Returns
    -------
    (n, c, h, w) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> upsample_nearest_backward(np.arange(4.0).reshape(1, 1, 2, 2), np.zeros((1, 1, 1, 1)), 2).item()
    6.0
    """
    function = "upsample_nearest_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    has_ndim(function, "x", x, 4)
    goal = _goal(function, x, size, scale_factor)
    has_shape(function, "grad_output", grad_output, (*x.shape[:2], *goal[0]))
    return nearest_backward(grad_output, x.shape, goal)
