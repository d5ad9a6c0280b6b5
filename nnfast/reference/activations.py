"""Activation functions and their derivatives, element by element.

Each ``<name>_backward(grad_output, x)`` is the chain rule ``grad_output * f'(x)``. Formulas: Goodfellow,
Bengio, Courville: "Deep Learning", 2016, sections 6.2.2 and 6.3; leaky ReLU: Maas, Hannun, Ng, ICML 2013.
All take arrays of any shape, float32 or float64, and raise TypeError for other dtypes, ValueError for shapes
that differ. `out` receives the result: the exact shape and dtype, C-contiguous, and it may be the first
argument itself.
"""

from collections.abc import Callable

import numpy as np

from .checks import Array, deliver, floats, has_shape, value_error


def _forward(name: str, f: Callable[[Array], Array], x: Array, out: Array | None) -> Array:
    (x,) = floats(name, x=x)
    return deliver(name, f(x), x.dtype, out, same=x)


def _backward(
    name: str, f: Callable[[Array, Array], Array], grad_output: Array, x: Array, out: Array | None
) -> Array:
    x, grad_output = floats(name, x=x, grad_output=grad_output)
    has_shape(name, "grad_output", grad_output, x.shape)
    return deliver(name, f(grad_output, x), x.dtype, out, apart=(x,), same=grad_output)


def _logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow: exp is only taken of -|x|."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, x.dtype.type(1)) / (1 + e)


def sigmoid(x: Array, *, out: Array | None = None) -> Array:
    """Logistic function ``1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : array, float32 or float64
    out : array of x's shape and dtype, optional
        May be `x` itself.

    Returns
    -------
    array of x's shape, values in 0..1

    Raises
    ------
    TypeError, ValueError
        A dtype does not fit, or `out` does not; the message names the argument.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return _forward("sigmoid", _logistic, x, out)


def sigmoid_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """Gradient of `sigmoid`: ``g * s * (1 - s)`` with ``s = sigmoid(x)``.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    out : array of x's shape and dtype, optional
        May be `grad_output` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Examples
    --------
    >>> sigmoid_backward(np.array([2.0]), np.array([0.0]))
    array([0.5])
    """

    def rule(g: Array, x: Array) -> Array:
        s = _logistic(x)
        return g * s * (1 - s)

    return _backward("sigmoid_backward", rule, grad_output, x, out)


def tanh(x: Array, *, out: Array | None = None) -> Array:
    """Hyperbolic tangent.

    Parameters
    ----------
    x : array, float32 or float64
    out : array of x's shape and dtype, optional
        May be `x` itself.

    Returns
    -------
    array of x's shape, values in -1..1

    Raises
    ------
    TypeError, ValueError
        A dtype does not fit, or `out` does not; the message names the argument.

    Examples
    --------
    >>> tanh(np.array([-1000.0, 0.0, 1000.0]))
    array([-1.,  0.,  1.])
    """
    return _forward("tanh", np.tanh, x, out)


def tanh_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """Gradient of `tanh`: ``g * (1 - t^2)`` with ``t = tanh(x)``.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    out : array of x's shape and dtype, optional
        May be `grad_output` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Examples
    --------
    >>> tanh_backward(np.array([2.0]), np.array([0.0]))
    array([2.])
    """

    def rule(g: Array, x: Array) -> Array:
        return g * (1 - np.tanh(x) ** 2)

    return _backward("tanh_backward", rule, grad_output, x, out)


def relu(x: Array, *, out: Array | None = None) -> Array:
    """Rectifier ``max(x, 0)``; NaN stays NaN.

    Parameters
    ----------
    x : array, float32 or float64
    out : array of x's shape and dtype, optional
        May be `x` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype does not fit, or `out` does not; the message names the argument.

    Examples
    --------
    >>> relu(np.array([-2.0, 3.0, np.nan]))
    array([ 0.,  3., nan])
    """

    def rule(x: Array) -> Array:
        return np.where(x <= 0, x.dtype.type(0), x)

    return _forward("relu", rule, x, out)


def relu_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """Gradient of `relu`: 0 where ``x <= 0``, ``g`` elsewhere.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    out : array of x's shape and dtype, optional
        May be `grad_output` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Examples
    --------
    >>> relu_backward(np.array([5.0, 5.0, 5.0]), np.array([-1.0, 0.0, 1.0]))
    array([0., 0., 5.])
    """

    def rule(g: Array, x: Array) -> Array:
        return np.where(x <= 0, g.dtype.type(0), g)

    return _backward("relu_backward", rule, grad_output, x, out)


def _slope(name: str, negative_slope: float) -> float:
    if not np.isfinite(negative_slope):
        raise value_error(name, "negative_slope", "a finite number", negative_slope)
    return float(negative_slope)


def leaky_relu(x: Array, negative_slope: float = 0.01, *, out: Array | None = None) -> Array:
    """Leaky rectifier: ``x`` where ``x > 0``, ``negative_slope * x`` elsewhere.

    Parameters
    ----------
    x : array, float32 or float64
    negative_slope : float
    out : array of x's shape and dtype, optional
        May be `x` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype does not fit, or `out` does not; the message names the argument.

    Examples
    --------
    >>> leaky_relu(np.array([-2.0, 3.0]), 0.5)
    array([-1.,  3.])
    """
    slope = _slope("leaky_relu", negative_slope)

    def rule(x: Array) -> Array:
        return np.where(x > 0, x, slope * x)

    return _forward("leaky_relu", rule, x, out)


def leaky_relu_backward(
    grad_output: Array, x: Array, negative_slope: float = 0.01, *, out: Array | None = None
) -> Array:
    """Gradient of `leaky_relu`: ``g`` where ``x > 0``, ``negative_slope * g`` elsewhere.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    negative_slope : float
    out : array of x's shape and dtype, optional
        May be `grad_output` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Examples
    --------
    >>> leaky_relu_backward(np.array([4.0, 4.0]), np.array([-2.0, 3.0]), 0.5)
    array([2., 4.])
    """
    slope = _slope("leaky_relu_backward", negative_slope)

    def rule(g: Array, x: Array) -> Array:
        return np.where(x > 0, g, slope * g)

    return _backward("leaky_relu_backward", rule, grad_output, x, out)


BY_NAME: dict[str, Callable[..., Array]] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
}
