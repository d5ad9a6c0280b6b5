"""Softmax and log-softmax along one axis, with their gradients.

Subtracting the maximum first changes nothing in exact arithmetic and keeps exp from overflowing (Goodfellow,
Bengio, Courville: "Deep Learning", 2016, section 4.1). A slice that holds NaN or +inf, or only -inf, gives
NaN.
"""

from typing import Any

import numpy as np

from .checks import Array, backward_arrays, deliver, floats, integer_in, value_error


def _axis(function: str, x: Array, axis: Any) -> int:
    if x.ndim == 0:
        raise value_error(function, "x", "at least 1 dimension", 0)
    return integer_in(function, "axis", axis, -x.ndim, x.ndim - 1)


def _log_softmax(x: Array, axis: int) -> Array:
    if x.size == 0:
        return np.empty_like(x)
    with np.errstate(invalid="ignore"):  # inf - inf is the NaN promised above
        shifted = x - x.max(axis=axis, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _softmax(x: Array, axis: int) -> Array:
    if x.size == 0:
        return np.empty_like(x)
    with np.errstate(invalid="ignore"):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)


def softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """Softmax along an axis: ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    x : array of any shape, float32 or float64, at least one dimension
    axis : int
        The axis along which the result sums to 1.
    out : array of x's shape and dtype, optional
        May be `x` itself.

    Returns
    -------
    array of x's shape, values in 0..1

    Raises
    ------
    TypeError, ValueError
        A dtype does not fit, `axis` is out of range, or `out` does not fit; the message names the argument.

    Examples
    --------
    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    (x,) = floats("softmax", x=x)
    axis = _axis("softmax", x, axis)
    return deliver("softmax", _softmax(x, axis), x.dtype, out, same=x)


def softmax_backward(
    grad_output: Array, x: Array, axis: int = -1, *, output: Array | None = None, out: Array | None = None
) -> Array:
    """Gradient of `softmax`: ``y * (g - sum(g * y))`` with ``y = softmax(x)``.

    It follows from the Jacobian ``dy_i / dx_j = y_i (delta_ij - y_j)``.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    axis : int
    output : array of x's shape and dtype, optional
        What ``softmax(x, axis)`` gave; the gradient is then taken from it.
    out : array of x's shape and dtype, optional
        May be `grad_output` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit or `axis` is out of range; the message names the argument.

    Examples
    --------
    >>> softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([ 0.25, -0.25])
    """
    x, grad_output, output = backward_arrays("softmax_backward", grad_output, x, output)
    axis = _axis("softmax_backward", x, axis)
    y = _softmax(x, axis) if output is None else output
    gx = y * (grad_output - (grad_output * y).sum(axis=axis, keepdims=True))
    return deliver("softmax_backward", gx, x.dtype, out, apart=(x, y), same=grad_output)


def log_softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """Logarithm of softmax: ``x - log(sum(exp(x)))``, accurate where softmax itself underflows.

    Parameters
    ----------
    x : array of any shape, float32 or float64, at least one dimension
    axis : int
    out : array of x's shape and dtype, optional
        May be `x` itself.

    Returns
    -------
    array of x's shape, values <= 0

    Raises
    ------
    TypeError, ValueError
        A dtype does not fit, `axis` is out of range, or `out` does not fit; the message names the argument.

    Examples
    --------
    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    (x,) = floats("log_softmax", x=x)
    axis = _axis("log_softmax", x, axis)
    return deliver("log_softmax", _log_softmax(x, axis), x.dtype, out, same=x)


def log_softmax_backward(
    grad_output: Array, x: Array, axis: int = -1, *, output: Array | None = None, out: Array | None = None
) -> Array:
    """Gradient of `log_softmax`: ``g - softmax(x) * sum(g)``.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    axis : int
    output : array of x's shape and dtype, optional
        What ``log_softmax(x, axis)`` gave; the gradient is then taken from it.
    out : array of x's shape and dtype, optional
        May be `grad_output` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit or `axis` is out of range; the message names the argument.

    Examples
    --------
    >>> log_softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([ 0.5, -0.5])
    """
    x, grad_output, output = backward_arrays("log_softmax_backward", grad_output, x, output)
    axis = _axis("log_softmax_backward", x, axis)
    probabilities = _softmax(x, axis) if output is None else np.exp(output)
    gx = grad_output - probabilities * grad_output.sum(axis=axis, keepdims=True)
    apart = (x,) if output is None else (x, output)
    return deliver("log_softmax_backward", gx, x.dtype, out, apart=apart, same=grad_output)
