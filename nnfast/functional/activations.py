"""The sigmoids and the piecewise linear activation functions, and their gradients, element by element."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def sigmoid(x: ArrayLike, *, out: Array | None = None) -> Array:
    """Logistic function ``1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype
        Values in 0..1.

    Raises
    ------
    TypeError, ValueError
        A dtype, or `out`, does not fit; the message names the argument.

    Notes
    -----
    Computed from ``exp(-|x|)``, which never overflows (Goodfellow, Bengio, Courville, "Deep Learning", 2016,
    section 3.10).

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return _core.sigmoid(x, out)


def sigmoid_backward(
    grad_output: ArrayLike, x: ArrayLike, *, output: ArrayLike | None = None, out: Array | None = None
) -> Array:
    """Gradient of `sigmoid`: ``grad_output * s * (1 - s)`` with ``s = sigmoid(x)``.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
    output : array of x's shape and dtype, optional
        What ``sigmoid(x)`` gave. The derivative is then taken from it, which saves computing it again; where
        it is rounded to a limit the derivative is 0, and not the small number that follows from `x`.
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Notes
    -----
    Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 3.10.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.sigmoid_backward(np.array([2.0]), np.array([0.0]))
    array([0.5])
    """
    return _core.sigmoid_backward(grad_output, x, output, out)


def tanh(x: ArrayLike, *, out: Array | None = None) -> Array:
    """Hyperbolic tangent ``(e^x - e^-x) / (e^x + e^-x)``.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype
        Values in -1..1.

    Raises
    ------
    TypeError, ValueError
        A dtype, or `out`, does not fit; the message names the argument.

    Notes
    -----
    Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.3.2.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.tanh(np.array([-1000.0, 0.0, 1000.0]))
    array([-1.,  0.,  1.])
    """
    return _core.tanh(x, out)


def tanh_backward(
    grad_output: ArrayLike, x: ArrayLike, *, output: ArrayLike | None = None, out: Array | None = None
) -> Array:
    """Gradient of `tanh`: ``grad_output * (1 - tanh(x)^2)``.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
    output : array of x's shape and dtype, optional
        What ``tanh(x)`` gave. The derivative is then taken from it, which saves computing it again; where
        it is rounded to a limit the derivative is 0, and not the small number that follows from `x`.
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Notes
    -----
    From ``tanh(x) = 2 sigmoid(2 x) - 1`` (Goodfellow, Bengio, Courville, "Deep Learning", 2016, section
    6.3.2).

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.tanh_backward(np.array([2.0]), np.array([0.0]))
    array([2.])
    """
    return _core.tanh_backward(grad_output, x, output, out)


def relu(x: ArrayLike, *, out: Array | None = None) -> Array:
    """Rectifier ``max(x, 0)``; NaN stays NaN.

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
        A dtype, or `out`, does not fit; the message names the argument.

    Notes
    -----
    Glorot, Bordes, Bengio, "Deep sparse rectifier neural networks", AISTATS 2011.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.relu(np.array([-2.0, 3.0, np.nan]))
    array([ 0.,  3., nan])
    """
    return _core.relu(x, out)


def relu_backward(grad_output: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> Array:
    """Gradient of `relu`: 0 where ``x <= 0``, `grad_output` elsewhere.

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
        A dtype or shape does not fit; the message names the argument.

    Notes
    -----
    Glorot, Bordes, Bengio, "Deep sparse rectifier neural networks", AISTATS 2011. At 0, where there is no
    derivative, the one from the left, as in PyTorch.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.relu_backward(np.array([5.0, 5.0, 5.0]), np.array([-1.0, 0.0, 1.0]))
    array([0., 0., 5.])
    """
    return _core.relu_backward(grad_output, x, out)


def leaky_relu(x: ArrayLike, negative_slope: float = 0.01, *, out: Array | None = None) -> Array:
    """Leaky rectifier: ``x`` where ``x > 0``, ``negative_slope * x`` elsewhere.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    negative_slope : float, default 0.01
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, the slope, or `out` does not fit; the message names the argument.

    Notes
    -----
    Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.leaky_relu(np.array([-2.0, 3.0]), 0.5)
    array([-1.,  3.])
    """
    return _core.leaky_relu(x, negative_slope, out)


def leaky_relu_backward(
    grad_output: ArrayLike, x: ArrayLike, negative_slope: float = 0.01, *, out: Array | None = None
) -> Array:
    """Gradient of `leaky_relu`: `grad_output` where ``x > 0``, ``negative_slope * grad_output`` elsewhere.

    Parameters
    ----------
    grad_output, x : arrays of one shape, float32 or float64
    negative_slope : float, default 0.01
    out : array of x's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or the slope does not fit; the message names the argument.

    Notes
    -----
    Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013. At 0,
    where there is no derivative, the one from the left, as in PyTorch.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.leaky_relu_backward(np.array([4.0, 4.0]), np.array([-2.0, 3.0]), 0.5)
    array([2., 4.])
    """
    return _core.leaky_relu_backward(grad_output, x, negative_slope, out)


def prelu(x: ArrayLike, weight: ArrayLike, *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.prelu(np.array([[-2.0, -2.0], [3.0, 3.0]]), np.array([0.5, 0.25]))
    array([[-1. , -0.5],
           [ 3. ,  3. ]])
    """
    return _core.prelu(x, weight, out)


def prelu_backward(grad_output: ArrayLike, x: ArrayLike, weight: ArrayLike) -> tuple[Array, Array]:
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

    Notes
    -----
    The derivative of `prelu`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.prelu_backward(np.array([4.0, 4.0]), np.array([-2.0, 3.0]), np.array([0.5]))
    (array([2., 4.]), array([-8.]))
    """
    return _core.prelu_backward(grad_output, x, weight)


def step(x: ArrayLike, *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.step(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 1.])
    """
    return _core.step(x, out)


def step_backward(grad_output: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> Array:
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

    Notes
    -----
    The derivative of `step`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.step_backward(np.array([5.0, 5.0]), np.array([-1.0, 1.0]))
    array([0., 0.])
    """
    return _core.step_backward(grad_output, x, out)


def hard_sigmoid(x: ArrayLike, *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.hard_sigmoid(np.array([-4.0, 0.0, 1.5]))
    array([0.  , 0.5 , 0.75])
    """
    return _core.hard_sigmoid(x, out)


def hard_sigmoid_backward(grad_output: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> Array:
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

    Notes
    -----
    The derivative of `hard_sigmoid`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.hard_sigmoid_backward(np.array([6.0, 6.0]), np.array([-4.0, 1.0]))
    array([0., 1.])
    """
    return _core.hard_sigmoid_backward(grad_output, x, out)


def relu6(x: ArrayLike, *, out: Array | None = None) -> Array:
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
    >>> import numpy as np, nnfast as nf
    >>> nf.relu6(np.array([-2.0, 3.0, 8.0]))
    array([0., 3., 6.])
    """
    return _core.relu6(x, out)


def relu6_backward(grad_output: ArrayLike, x: ArrayLike, *, out: Array | None = None) -> Array:
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

    Notes
    -----
    The derivative of `relu6`'s formula; its source is there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.relu6_backward(np.array([5.0, 5.0, 5.0]), np.array([-1.0, 1.0, 7.0]))
    array([0., 5., 0.])
    """
    return _core.relu6_backward(grad_output, x, out)
