"""Smooth activation functions made of exponentials, and their derivatives, element by element.

Each ``<name>_backward(grad_output, x)`` is the chain rule ``grad_output * f'(x)``. Arrays, errors and `out`
are as in `activations`. Infinite inputs give the functions' limits.
"""

import math

import numpy as np

from .activations import _backward, _forward, _logistic, finite
from .checks import Array, one_of, value_error

# Klambauer et al. 2017, equation 14
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848, 1.0507009873554804935


def _above(x: Array) -> Array:
    """x, with -inf made finite, so that its product with 0 is 0."""
    return np.maximum(x, -1e30)


def _within(x: Array) -> Array:
    """x, with both infinities made finite."""
    return np.clip(x, -1e30, 1e30)


def _not_above_0(x: Array) -> Array:
    """min(x, 0), with the sign of 0 kept."""
    return np.where(x > 0, x.dtype.type(0), x)


def _softplus(z: Array) -> Array:
    """log(1 + exp(z)) without overflow: exp is only taken of -|z|."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _normal_cdf(x: Array) -> Array:
    """Phi(x) = erfc(-x / sqrt(2)) / 2, which loses no digits for negative x."""
    values = [0.5 * math.erfc(-value / math.sqrt(2)) for value in x.ravel().tolist()]
    return np.array(values, x.dtype).reshape(x.shape)


def _tanh_argument(x: Array) -> Array:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)


def _tanh_cdf(x: Array) -> Array:
    """(1 + tanh(u)) / 2 = sigmoid(2 u)."""
    return _logistic(2 * _tanh_argument(np.clip(x, -50, 50)))


def _gelu_slope(x: Array) -> Array:
    c = np.clip(x, -50, 50)  # the density is 0 there
    return _normal_cdf(x) + c * np.exp(-0.5 * c * c) / math.sqrt(2 * math.pi)


def _gelu_tanh_slope(x: Array) -> Array:
    c = np.clip(x, -50, 50)
    s, rest = _logistic(2 * _tanh_argument(c)), _logistic(-2 * _tanh_argument(c))
    return s + c * s * rest * 2 * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * c * c)


def positive(name: str, option: str, value: float) -> float:
    """An option that must be a finite number above 0."""
    if not 0 < value < math.inf:
        raise value_error(name, option, "a finite number > 0", value)
    return float(value)


def elu(x: Array, alpha: float = 1.0, *, out: Array | None = None) -> Array:
    """Exponential linear unit: ``x`` where ``x > 0``, ``alpha * (exp(x) - 1)`` elsewhere.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    alpha : float, default 1.0
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, an option, or `out` does not fit; the message names the argument.

    Notes
    -----
    Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential linear units",
    2016. ``torch.nn.functional.elu``.

    Examples
    --------
    >>> elu(np.array([-1000.0, 0.0, 3.0]), 0.5)
    array([-0.5,  0. ,  3. ])
    """
    alpha = finite("elu", "alpha", alpha)

    def rule(x: Array) -> Array:
        return np.where(x > 0, x, alpha * np.expm1(_not_above_0(x)))

    return _forward("elu", rule, x, out)


def elu_backward(grad_output: Array, x: Array, alpha: float = 1.0, *, out: Array | None = None) -> Array:
    """Gradient of `elu`: `grad_output` where ``x > 0``, ``grad_output * alpha * exp(x)`` elsewhere.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
    alpha : float, default 1.0
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, an option, or `out` does not fit; the message names the argument.

    Examples
    --------
    >>> elu_backward(np.array([4.0, 4.0]), np.array([0.0, 3.0]), 0.5)
    array([2., 4.])
    """
    alpha = finite("elu_backward", "alpha", alpha)

    def rule(g: Array, x: Array) -> Array:
        return np.where(x > 0, g, g * alpha * np.exp(_not_above_0(x)))

    return _backward("elu_backward", rule, grad_output, x, out)


def selu(x: Array, *, out: Array | None = None) -> Array:
    """Scaled ELU: ``scale * elu(x, alpha)``, whose outputs tend to mean 0 and variance 1.

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
    alpha = 1.6732632423543772, scale = 1.0507009873554805 (Klambauer, Unterthiner, Mayr, Hochreiter,
    "Self-normalizing neural networks", 2017, equation 14). ``torch.nn.functional.selu``.

    Examples
    --------
    >>> selu(np.array([-1000.0, 0.0, 1.0]))
    array([-1.75809934,  0.        ,  1.05070099])
    """

    def rule(x: Array) -> Array:
        return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(_not_above_0(x)))

    return _forward("selu", rule, x, out)


def selu_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """Gradient of `selu`: ``grad_output * scale`` where ``x > 0``, times ``alpha * exp(x)`` elsewhere.

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
    >>> selu_backward(np.array([2.0]), np.array([1.0]))
    array([2.10140197])
    """

    def rule(g: Array, x: Array) -> Array:
        return g * SELU_SCALE * np.where(x > 0, g.dtype.type(1), SELU_ALPHA * np.exp(_not_above_0(x)))

    return _backward("selu_backward", rule, grad_output, x, out)


def gelu(x: Array, approximate: str = "none", *, out: Array | None = None) -> Array:
    """Gaussian error linear unit ``x * Phi(x)``, Phi the normal distribution function.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    approximate : {"none", "tanh"}, default "none"
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, an option, or `out` does not fit; the message names the argument.

    Notes
    -----
    ``Phi(x) = (1 + erf(x / sqrt(2))) / 2``; with "tanh" it is replaced by
    ``(1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2`` (Hendrycks, Gimpel, "Gaussian error linear
    units", 2016).
    ``torch.nn.functional.gelu``; -inf gives the limit -0, where PyTorch gives NaN.

    Examples
    --------
    >>> gelu(np.array([-1000.0, 0.0, 1.0]))
    array([-0.        ,  0.        ,  0.84134475])
    """
    one_of("gelu", "approximate", approximate, ("none", "tanh"))
    cdf = _normal_cdf if approximate == "none" else _tanh_cdf
    return _forward("gelu", lambda x: _above(x) * cdf(x), x, out)


def gelu_backward(
    grad_output: Array, x: Array, approximate: str = "none", *, out: Array | None = None
) -> Array:
    """Gradient of `gelu`: ``grad_output * (Phi(x) + x * phi(x))``, phi the normal density.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
    approximate : {"none", "tanh"}, default "none"
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, an option, or `out` does not fit; the message names the argument.

    Examples
    --------
    >>> gelu_backward(np.array([2.0]), np.array([0.0]))
    array([1.])
    """
    one_of("gelu_backward", "approximate", approximate, ("none", "tanh"))
    slope = _gelu_slope if approximate == "none" else _gelu_tanh_slope
    return _backward("gelu_backward", lambda g, x: g * slope(x), grad_output, x, out)


def silu(x: Array, *, out: Array | None = None) -> Array:
    """Sigmoid linear unit, also called swish: ``x * sigmoid(x)``.

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
    Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", 2018. ``torch.nn.functional.silu``; -inf gives the limit -0, where PyTorch gives
    NaN.

    Examples
    --------
    >>> silu(np.array([-1000.0, 0.0, 1.0]))
    array([-0.        ,  0.        ,  0.73105858])
    """

    def rule(x: Array) -> Array:
        return _above(x) * _logistic(x)

    return _forward("silu", rule, x, out)


def silu_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """Gradient of `silu`: ``grad_output * s * (1 + x * (1 - s))`` with ``s = sigmoid(x)``.

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
    >>> silu_backward(np.array([2.0]), np.array([0.0]))
    array([1.])
    """

    def rule(g: Array, x: Array) -> Array:
        s = _logistic(x)
        return g * (s + _within(x) * s * _logistic(-x))

    return _backward("silu_backward", rule, grad_output, x, out)


def mish(x: Array, *, out: Array | None = None) -> Array:
    """Mish: ``x * tanh(softplus(x))``.

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
    Misra, "Mish: a self regularized non-monotonic activation function", 2020.
    ``torch.nn.functional.mish``; -inf gives the limit -0, where PyTorch gives NaN.

    Examples
    --------
    >>> mish(np.array([-1000.0, 0.0, 1.0]))
    array([-0.        ,  0.        ,  0.86509839])
    """

    def rule(x: Array) -> Array:
        return _above(x) * np.tanh(_softplus(x))

    return _forward("mish", rule, x, out)


def mish_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """Gradient of `mish`: ``grad_output * (w + x * (1 - w^2) * sigmoid(x))`` with ``w = tanh(softplus(x))``.

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
    >>> mish_backward(np.array([2.0]), np.array([0.0]))
    array([1.2])
    """

    def rule(g: Array, x: Array) -> Array:
        s = np.minimum(_softplus(x), 300)  # w is 1 and 1 - w^2 is 0 long before
        w, rest = np.tanh(s), 1 / np.cosh(s) ** 2  # 1 - w^2, without its cancellation
        return g * (w + _within(x) * rest * _logistic(x))

    return _backward("mish_backward", rule, grad_output, x, out)


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0, *, out: Array | None = None) -> Array:
    """Smooth rectifier ``log(1 + exp(beta * x)) / beta``; ``x`` itself where ``beta * x > threshold``.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    beta : float above 0, default 1.0
    threshold : float, default 20.0
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, an option, or `out` does not fit; the message names the argument.

    Notes
    -----
    Dugas et al., "Incorporating second-order functional knowledge for better option pricing", 2001; computed
    as ``max(z, 0) + log1p(exp(-abs(z)))`` with ``z = beta * x``. ``torch.nn.functional.softplus``.

    Examples
    --------
    >>> softplus(np.array([0.0, 30.0]))
    array([ 0.69314718, 30.        ])
    """
    beta = positive("softplus", "beta", beta)
    threshold = finite("softplus", "threshold", threshold)

    def rule(x: Array) -> Array:
        z = beta * x
        return np.where(z > threshold, x, _softplus(z) / beta)

    return _forward("softplus", rule, x, out)


def softplus_backward(
    grad_output: Array, x: Array, beta: float = 1.0, threshold: float = 20.0, *, out: Array | None = None
) -> Array:
    """Gradient of `softplus`: ``grad_output * sigmoid(beta * x)``; `grad_output` beyond the threshold.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
    beta : float above 0, default 1.0
    threshold : float, default 20.0
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, an option, or `out` does not fit; the message names the argument.

    Examples
    --------
    >>> softplus_backward(np.array([2.0]), np.array([0.0]))
    array([1.])
    """
    beta = positive("softplus_backward", "beta", beta)
    threshold = finite("softplus_backward", "threshold", threshold)

    def rule(g: Array, x: Array) -> Array:
        z = beta * x
        return np.where(z > threshold, g, g * _logistic(z))

    return _backward("softplus_backward", rule, grad_output, x, out)


def softsign(x: Array, *, out: Array | None = None) -> Array:
    """Softsign ``x / (1 + abs(x))``.

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
    Turian, Bergstra, Bengio, "Quadratic features and deep architectures for chunking", 2009.
    ``torch.nn.functional.softsign``; infinities give the limits -1 and 1, where PyTorch gives NaN.

    Examples
    --------
    >>> softsign(np.array([-np.inf, 0.0, 3.0]))
    array([-1.  ,  0.  ,  0.75])
    """

    def rule(x: Array) -> Array:
        size = np.minimum(np.abs(x), 1e30)  # 1e30 / (1 + 1e30) is 1, inf / inf is not
        return np.copysign(size / (1 + size), x)

    return _forward("softsign", rule, x, out)


def softsign_backward(grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
    """Gradient of `softsign`: ``grad_output / (1 + abs(x))^2``.

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
    >>> softsign_backward(np.array([4.0]), np.array([-1.0]))
    array([1.])
    """

    def rule(g: Array, x: Array) -> Array:
        size = 1 + np.abs(x)
        return g / size / size

    return _backward("softsign_backward", rule, grad_output, x, out)
