"""The same elements under another shape: reshape and flatten, whose gradients go the way back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .checks import Array, deliver, floats, has_shape, integer_in, value_error


def _shape(function: str, x: Array, shape: Any) -> tuple[int, ...]:
    """`shape` with its -1 resolved."""
    given = shape if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
    sizes = tuple(integer_in(function, "shape", size, -(2**63), 2**63 - 1) for size in given)
    try:
        if any(size < -1 for size in sizes):  # NumPy takes any negative number for -1
            raise ValueError
        return np.broadcast_to(0, x.shape).reshape(sizes).shape
    except ValueError:
        expected = f"sizes, at most one of them -1, that make {x.size} elements"
        raise value_error(function, "shape", expected, sizes) from None


def _flat(function: str, x: Array, start_dim: Any, end_dim: Any) -> tuple[int, ...]:
    """The shape with the axes from start_dim to end_dim made one."""
    shape = x.shape or (1,)
    nd = len(shape)
    first, last = (
        integer_in(function, name, axis, -nd, nd - 1) % nd
        for name, axis in (("start_dim", start_dim), ("end_dim", end_dim))
    )
    if first > last:
        raise value_error(function, "start_dim", f"an axis not behind end_dim {last}", first)
    return (*shape[:first], int(np.prod(shape[first : last + 1])), *shape[last + 1 :])


def reshape(x: Array, shape: int | Sequence[int], *, out: Array | None = None) -> Array:
    """`x` under another shape, its elements in row-major order.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    shape : int or sequence of int
        Sizes; one of them may be -1, which stands for what is left.
    out : array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from `x`.

    Returns
    -------
    array of the new shape
        A copy.

    Raises
    ------
    TypeError, ValueError
        A dtype or size does not fit; the message names the argument.

    Examples
    --------
    >>> reshape(np.array([1.0, 2.0, 3.0, 4.0]), (2, -1))
    array([[1., 2.],
           [3., 4.]])
    """
    (x,) = floats("reshape", x=x)
    y = x.reshape(_shape("reshape", x, shape)).copy()
    return deliver("reshape", y, x.dtype, out, apart=(x,))


def reshape_backward(grad_output: Array, x: Array, shape: int | Sequence[int]) -> Array:
    """Gradient of `reshape`: `grad_output` under x's shape.

    Parameters
    ----------
    grad_output : array of the forward's result's shape
    x, shape : the forward's arguments

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or size does not fit; the message names the argument.

    Examples
    --------
    >>> reshape_backward(np.ones((2, 2)), np.zeros(4), (2, 2))
    array([1., 1., 1., 1.])
    """
    function = "reshape_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    has_shape(function, "grad_output", grad_output, _shape(function, x, shape))
    return grad_output.reshape(x.shape).copy()


def flatten(x: Array, start_dim: int = 0, end_dim: int = -1, *, out: Array | None = None) -> Array:
    """`x` with the axes from `start_dim` to `end_dim`, both included, made one.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    start_dim, end_dim : int
        Negative numbers count from the end.
    out : array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from `x`.

    Returns
    -------
    array
        A copy; a single number becomes an array of shape (1,).

    Raises
    ------
    TypeError, ValueError
        A dtype or axis does not fit; the message names the argument.

    Examples
    --------
    >>> flatten(np.zeros((2, 3, 4, 5)), 1).shape
    (2, 60)
    """
    (x,) = floats("flatten", x=x)
    y = x.reshape(_flat("flatten", x, start_dim, end_dim)).copy()
    return deliver("flatten", y, x.dtype, out, apart=(x,))


def flatten_backward(grad_output: Array, x: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    """Gradient of `flatten`: `grad_output` under x's shape.

    Parameters
    ----------
    grad_output : array of the forward's result's shape
    x, start_dim, end_dim : the forward's arguments

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or axis does not fit; the message names the argument.

    Examples
    --------
    >>> flatten_backward(np.ones(4), np.zeros((2, 2)))
    array([[1., 1.],
           [1., 1.]])
    """
    function = "flatten_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    has_shape(function, "grad_output", grad_output, _flat(function, x, start_dim, end_dim))
    return grad_output.reshape(x.shape).copy()
