"""The sigmoids and the piecewise linear activation functions and their derivatives, element by element.

Each ``<name>_backward(grad_output, x)`` is the chain rule ``grad_output * f'(x)``. Formulas: Goodfellow,
Bengio, Courville: "Deep Learning", 2016, sections 6.2.2 and 6.3; leaky ReLU: Maas, Hannun, Ng, ICML 2013.
All take arrays of any shape, float32 or float64, and raise TypeError for other dtypes, ValueError for shapes
that differ. `out` receives the result: the exact shape and dtype, C-contiguous, and it may be the first
argument itself.
"""

from collections.abc import Callable

import numpy as np

from .checks import Array, backward_arrays, deliver, floats, has_shape, value_error


def _forward(name: str, f: Callable[[Array], Array], x: Array, out: Array | None) -> Array:
    (x,) = floats(name, x=x)
    return deliver(name, f(x), x.dtype, out, same=x)


def _backward(
    name: str, f: Callable[[Array, Array], Array], grad_output: Array, x: Array, out: Array | None
) -> Array:
    x, grad_output, _ = backward_arrays(name, grad_output, x)
    return deliver(name, f(grad_output, x), x.dtype, out, apart=(x,), same=grad_output)


def _sigmoid_backward(
    name: str,
    forward: Callable[[Array], Array],
    f: Callable[[Array, Array], Array],
    grad_output: Array,
    x: Array,
    output: Array | None,
    out: Array | None,
) -> Array:
    """The same where the derivative follows from the output: the caller's, or ``forward(x)``."""
    x, grad_output, output = backward_arrays(name, grad_output, x, output)
    y = forward(x) if output is None else output
    return deliver(name, f(grad_output, y), x.dtype, out, apart=(x, y), same=grad_output)


def _logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow: exp is only taken of -|x|."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, x.dtype.type(1)) / (1 + e)


def sigmoid(x: Array, *, out: Array | None = None) -> Array:
    """Logistic function ``1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : array of any shape, float32 or float64
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


def sigmoid_backward(
    grad_output: Array, x: Array, *, output: Array | None = None, out: Array | None = None
) -> Array:
    """Gradient of `sigmoid`: ``g * s * (1 - s)`` with ``s = sigmoid(x)``.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    output : array of x's shape and dtype, optional
        What ``sigmoid(x)`` gave; the derivative is then taken from it.
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

    def rule(g: Array, y: Array) -> Array:
        return g * y * (1 - y)

    return _sigmoid_backward("sigmoid_backward", _logistic, rule, grad_output, x, output, out)


def tanh(x: Array, *, out: Array | None = None) -> Array:
    """Hyperbolic tangent.

    Parameters
    ----------
    x : array of any shape, float32 or float64
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


def tanh_backward(
    grad_output: Array, x: Array, *, output: Array | None = None, out: Array | None = None
) -> Array:
    """Gradient of `tanh`: ``g * (1 - t^2)`` with ``t = tanh(x)``.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    output : array of x's shape and dtype, optional
        What ``tanh(x)`` gave; the derivative is then taken from it.
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

    def rule(g: Array, y: Array) -> Array:
        return g * (1 - y**2)

    return _sigmoid_backward("tanh_backward", np.tanh, rule, grad_output, x, output, out)


def relu(x: Array, *, out: Array | None = None) -> Array:
    """Rectifier ``max(x, 0)``; NaN stays NaN.

    Parameters
    ----------
    x : array of any shape, float32 or float64
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


def finite(name: str, option: str, value: float) -> float:
    """An option that must be a finite number."""
    if not np.isfinite(value):
        raise value_error(name, option, "a finite number", value)
    return float(value)


def leaky_relu(x: Array, negative_slope: float = 0.01, *, out: Array | None = None) -> Array:
    """Leaky rectifier: ``x`` where ``x > 0``, ``negative_slope * x`` elsewhere.

    Parameters
    ----------
    x : array of any shape, float32 or float64
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
    slope = finite("leaky_relu", "negative_slope", negative_slope)

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
    slope = finite("leaky_relu_backward", "negative_slope", negative_slope)

    def rule(g: Array, x: Array) -> Array:
        return np.where(x > 0, g, slope * g)

    return _backward("leaky_relu_backward", rule, grad_output, x, out)


def _slopes(name: str, x: Array, weight: Array) -> Array:
    """PReLU's slopes, shaped to meet axis 1 of x."""
    places = x.shape[1] if x.ndim > 1 else 1
    if weight.ndim > 1 or weight.size not in (1, places):
        raise value_error(name, "weight", f"shape (1,) or ({places},), the channels of x", weight.shape)
    return weight.reshape(()) if weight.size == 1 else weight.reshape(-1, *[1] * (x.ndim - 2))


def prelu(x: Array, weight: Array, *, out: Array | None = None) -> Array:
    """Rectifier with trained slopes: ``x`` where ``x > 0``, ``weight * x`` elsewhere.

    Parameters
    ----------
    x : (n, channels, ...) array of any shape, float32 or float64
    weight : (1,) or (channels,) array, or a number, of x's dtype
        One slope, or one for each place of axis 1.
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, weight's shape, or `out` does not fit; the message names the argument.

    Notes
    -----
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015. ``torch.nn.functional.prelu``.

    Examples
    --------
    >>> prelu(np.array([[-2.0, -2.0], [3.0, 3.0]]), np.array([0.5, 0.25]))
    array([[-1. , -0.5],
           [ 3. ,  3. ]])
    """
    x, weight = floats("prelu", x=x, weight=weight)
    slope = _slopes("prelu", x, weight)
    return deliver("prelu", np.where(x > 0, x, slope * x), x.dtype, out, apart=(weight,), same=x)


def prelu_backward(grad_output: Array, x: Array, weight: Array) -> tuple[Array, Array]:
    """Gradients of `prelu` for `x` and for the slopes: sums of ``grad_output * x`` where ``x > 0`` is not so.

    Parameters
    ----------
    grad_output, x : (n, channels, ...) arrays of one shape, float32 or float64
    weight : (1,) array or a number, or (channels,) array, of x's dtype

    Returns
    -------
    grad_x : array of x's shape and dtype
    grad_weight : array of weight's shape and x's dtype

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Examples
    --------
    >>> prelu_backward(np.array([4.0, 4.0]), np.array([-2.0, 3.0]), np.array([0.5]))
    (array([2., 4.]), array([-8.]))
    """
    x, grad_output, weight = floats("prelu_backward", x=x, grad_output=grad_output, weight=weight)
    has_shape("prelu_backward", "grad_output", grad_output, x.shape)
    slope = _slopes("prelu_backward", x, weight)
    gx = np.where(x > 0, grad_output, slope * grad_output)
    terms = np.where(x > 0, x.dtype.type(0), grad_output * x)
    others = tuple(axis for axis in range(x.ndim) if weight.size == 1 or axis != 1)
    return gx, terms.sum(axis=others, dtype=x.dtype).reshape(weight.shape)


def step(x: Array, *, out: Array | None = None) -> Array:
    """Step function of the perceptron: 1 where ``x > 0``, 0 elsewhere; NaN stays NaN.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, or `out` does not fit; the message names the argument.

    Notes
    -----
    McCulloch, Pitts, "A logical calculus of the ideas immanent in nervous activity", 1943; Rosenblatt, "The
    perceptron", 1958. ``numpy.heaviside(x, 0)``.

    Examples
    --------
    >>> step(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 1.])
    """

    def rule(x: Array) -> Array:
        return np.where(np.isnan(x), x, (x > 0).astype(x.dtype))

    return _forward("step", rule, x, out)


def step_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """Gradient of `step`: 0 everywhere, its jump included.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, or `out` does not fit; the message names the argument.

    Examples
    --------
    >>> step_backward(np.array([5.0, 5.0]), np.array([-1.0, 1.0]))
    array([0., 0.])
    """

    def rule(g: Array, x: Array) -> Array:
        return np.zeros_like(x)

    return _backward("step_backward", rule, grad_output, x, out)


def hard_sigmoid(x: Array, *, out: Array | None = None) -> Array:
    """Piecewise linear sigmoid ``min(max(x + 3, 0), 6) / 6``.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, or `out` does not fit; the message names the argument.

    Notes
    -----
    Howard et al., "Searching for MobileNetV3", 2019, section 5.2. ``torch.nn.functional.hardsigmoid``.

    Examples
    --------
    >>> hard_sigmoid(np.array([-4.0, 0.0, 1.5]))
    array([0.  , 0.5 , 0.75])
    """

    def rule(x: Array) -> Array:
        return np.clip(x + 3, 0, 6) / 6

    return _forward("hard_sigmoid", rule, x, out)


def hard_sigmoid_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """Gradient of `hard_sigmoid`: ``grad_output / 6`` where ``-3 < x < 3``, 0 elsewhere.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, or `out` does not fit; the message names the argument.

    Examples
    --------
    >>> hard_sigmoid_backward(np.array([6.0, 6.0]), np.array([-4.0, 1.0]))
    array([0., 1.])
    """

    def rule(g: Array, x: Array) -> Array:
        return np.where((x <= -3) | (x >= 3), g.dtype.type(0), g / 6)

    return _backward("hard_sigmoid_backward", rule, grad_output, x, out)


def relu6(x: Array, *, out: Array | None = None) -> Array:
    """Rectifier cut at 6: ``min(max(x, 0), 6)``; NaN stays NaN.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, or `out` does not fit; the message names the argument.

    Notes
    -----
    Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010. ``torch.nn.functional.relu6``.

    Examples
    --------
    >>> relu6(np.array([-2.0, 3.0, 8.0]))
    array([0., 3., 6.])
    """

    def rule(x: Array) -> Array:
        return np.clip(x, 0, 6)

    return _forward("relu6", rule, x, out)


def relu6_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """Gradient of `relu6`: 0 where ``x <= 0`` or ``x >= 6``, `grad_output` elsewhere.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, or `out` does not fit; the message names the argument.

    Examples
    --------
    >>> relu6_backward(np.array([5.0, 5.0, 5.0]), np.array([-1.0, 1.0, 7.0]))
    array([0., 5., 0.])
    """

    def rule(g: Array, x: Array) -> Array:
        return np.where((x <= 0) | (x >= 6), g.dtype.type(0), g)

    return _backward("relu6_backward", rule, grad_output, x, out)
