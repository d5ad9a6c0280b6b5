"""Softmax and its logarithm over one axis, with their gradients."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def softmax(x: ArrayLike, axis: int = -1, *, out: Array | None = None) -> Array:
    """Softmax ``exp(x_i) / sum over j of exp(x_j)`` along an axis.

    Parameters
    ----------
    x : array of any shape but (), float32 or float64
    axis : int, default -1
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype
        Sums to 1 along `axis`.

    Raises
    ------
    TypeError, ValueError
        A dtype, the axis, or `out` does not fit; the message names the argument.

    Notes
    -----
    The maximum is subtracted first, so nothing overflows (Goodfellow, Bengio, Courville, "Deep Learning",
    2016, section 4.1).

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    return _core.softmax(x, axis, out)


def softmax_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    axis: int = -1,
    *,
    output: ArrayLike | None = None,
    out: Array | None = None,
) -> Array:
    """Gradient of `softmax`: ``y * (g - sum(g * y))`` along the axis, with ``y = softmax(x)``.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
        `x` is the forward's input.
    axis : int, default -1
    output : array of x's shape and dtype, optional
        What ``softmax(x, axis)`` gave; the gradient is then taken from it, which saves computing it again.
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or the axis does not fit; the message names the argument.

    Notes
    -----
    ``dy_i / dx_j = y_i ((i == j) - y_j)``: Bishop, "Pattern recognition and machine learning", 2006,
    equation 4.106.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([ 0.25, -0.25])
    """
    return _core.softmax_backward(grad_output, x, axis, output, out)


def log_softmax(x: ArrayLike, axis: int = -1, *, out: Array | None = None) -> Array:
    """Logarithm of `softmax`, ``x_i - log(sum over j of exp(x_j))``, without its loss of precision.

    Parameters
    ----------
    x : array of any shape but (), float32 or float64
    axis : int, default -1
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, the axis, or `out` does not fit; the message names the argument.

    Notes
    -----
    Blanchard, Higham, Higham, "Accurately computing the log-sum-exp and softmax functions", IMA Journal of
    Numerical Analysis 41(4), 2021.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.log_softmax(np.array([0.0, -1000.0])).tolist()
    [0.0, -1000.0]
    """
    return _core.log_softmax(x, axis, out)


def log_softmax_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    axis: int = -1,
    *,
    output: ArrayLike | None = None,
    out: Array | None = None,
) -> Array:
    """Gradient of `log_softmax`: ``g - softmax(x) * sum(g)`` along the axis.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
        `x` is the forward's input.
    axis : int, default -1
    output : array of x's shape and dtype, optional
        What ``log_softmax(x, axis)`` gave; the gradient is then taken from it, which saves computing that
        again.
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or the axis does not fit; the message names the argument.

    Notes
    -----
    ``d log y_i / dx_j = (i == j) - y_j``, from Bishop, "Pattern recognition and machine learning", 2006,
    equation 4.106.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.log_softmax_backward(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([ 0.5, -0.5])
    """
    return _core.log_softmax_backward(grad_output, x, axis, output, out)
