"""Smooth activation functions made of exponentials, and their gradients, element by element."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def elu(x: ArrayLike, alpha: float = 1.0, *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.elu(np.array([-1000.0, 0.0, 3.0]), 0.5)
    array([-0.5,  0. ,  3. ])
    """
    return _core.elu(x, alpha, out)


def elu_backward(
    grad_output: ArrayLike, x: ArrayLike, alpha: float = 1.0, *, out: Array | None = None
) -> Array:
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

    Notes
    -----
    The derivative of `elu`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.elu_backward(np.array([4.0, 4.0]), np.array([0.0, 3.0]), 0.5)
    array([2., 4.])
    """
    return _core.elu_backward(grad_output, x, alpha, out)


def selu(x: ArrayLike, *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.selu(np.array([-1000.0, 0.0, 1.0]))
    array([-1.75809934,  0.        ,  1.05070099])
    """
    return _core.selu(x, out)


def selu_backward(grad_output: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> Array:
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

    Notes
    -----
    The derivative of `selu`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.selu_backward(np.array([2.0]), np.array([1.0]))
    array([2.10140197])
    """
    return _core.selu_backward(grad_output, x, out)


def gelu(x: ArrayLike, approximate: str = "none", *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.gelu(np.array([-1000.0, 0.0, 1.0]))
    array([-0.        ,  0.        ,  0.84134475])
    """
    return _core.gelu(x, approximate, out)


def gelu_backward(
    grad_output: ArrayLike, x: ArrayLike, approximate: str = "none", *, out: Array | None = None
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

    Notes
    -----
    The derivative of `gelu`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.gelu_backward(np.array([2.0]), np.array([0.0]))
    array([1.])
    """
    return _core.gelu_backward(grad_output, x, approximate, out)


def silu(x: ArrayLike, *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.silu(np.array([-1000.0, 0.0, 1.0]))
    array([-0.        ,  0.        ,  0.73105858])
    """
    return _core.silu(x, out)


def silu_backward(grad_output: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> Array:
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

    Notes
    -----
    The derivative of `silu`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.silu_backward(np.array([2.0]), np.array([0.0]))
    array([1.])
    """
    return _core.silu_backward(grad_output, x, out)


def mish(x: ArrayLike, *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.mish(np.array([-1000.0, 0.0, 1.0]))
    array([-0.        ,  0.        ,  0.86509839])
    """
    return _core.mish(x, out)


def mish_backward(grad_output: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> Array:
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

    Notes
    -----
    The derivative of `mish`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.mish_backward(np.array([2.0]), np.array([0.0]))
    array([1.2])
    """
    return _core.mish_backward(grad_output, x, out)


def softplus(x: ArrayLike, beta: float = 1.0, threshold: float = 20.0, *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.softplus(np.array([0.0, 30.0]))
    array([ 0.69314718, 30.        ])
    """
    return _core.softplus(x, beta, threshold, out)


def softplus_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    beta: float = 1.0,
    threshold: float = 20.0,
    *,
    out: Array | None = None,
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

    Notes
    -----
    The derivative of `softplus`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.softplus_backward(np.array([2.0]), np.array([0.0]))
    array([1.])
    """
    return _core.softplus_backward(grad_output, x, beta, threshold, out)


def softsign(x: ArrayLike, *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.softsign(np.array([-np.inf, 0.0, 3.0]))
    array([-1.  ,  0.  ,  0.75])
    """
    return _core.softsign(x, out)


def softsign_backward(grad_output: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> Array:
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

    Notes
    -----
    The derivative of `softsign`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.softsign_backward(np.array([4.0]), np.array([-1.0]))
    array([1.])
    """
    return _core.softsign_backward(grad_output, x, out)
