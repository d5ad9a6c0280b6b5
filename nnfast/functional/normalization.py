"""Batch, group and layer normalisation, with their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from .. import _core
from .options import Array

Three = tuple[Array, Array, Array]


def _shape(value: int | Sequence[int]) -> Any:
    """One integer as a tuple; anything else as it is, for the compiled module to check."""
    return value if isinstance(value, (tuple, list)) or not hasattr(value, "__index__") else (value,)


def batch_norm(
    x: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    out: Array | None = None,
) -> Array:
    """Batch normalisation: ``(x - mean) / sqrt(variance + eps) * weight + bias``, moments a channel.

    Parameters
    ----------
    x : (n, c), (n, c, l) or (n, c, h, w) array, float32 or float64
    running_mean, running_var : (c,) arrays or None
        Used when not training. While training, both are updated in place when given:
        ``running = (1 - momentum) * running + momentum * batch``, with the unbiased variance.
    weight, bias : (c,) arrays, optional
    training : bool
        Normalise with the batch's own moments, the variance being the biased one.
    momentum, eps : float
    out : array of x's shape and dtype, optional
        May be `x` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit, or a training batch has one value a channel only.

    Notes
    -----
    Ioffe, Szegedy, "Batch normalization", 2015. The variance is taken in two passes, about the mean.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.batch_norm(np.array([[1.0], [3.0]]), None, None, training=True, eps=0.0)
    array([[-1.],
           [ 1.]])
    """
    return _core.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps, out)


def batch_norm_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None = None,
    training: bool = False,
    eps: float = 1e-5,
) -> Three:
    """Gradients of `batch_norm` with respect to x, weight and bias.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    running_mean, running_var : (c,) arrays or None
        Read when not training.
    weight : (c,) array, optional
    training : bool
    eps : float

    Returns
    -------
    (array of x's shape, (c,) array, (c,) array)

    Raises
    ------
    TypeError, ValueError
        As `batch_norm`.

    Notes
    -----
    Ioffe, Szegedy, "Batch normalization", 2015, section 3; outside training ``gx = g * weight /
    sqrt(running_var + eps)``. In training, with z the normalised x and
    ``h = g * weight``: ``gx = (h - mean(h) - z * mean(h * z)) / sqrt(variance + eps)``, ``gweight =
    sum(g * z)``, ``gbias = sum(g)``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x = np.array([[1.0], [3.0]])
    >>> gx, gweight, gbias = nf.batch_norm_backward(np.ones((2, 1)), x, None, None, training=True)
    >>> gx.tolist(), gbias.tolist()
    ([[0.0], [0.0]], [2.0])
    """
    return _core.batch_norm_backward(grad_output, x, running_mean, running_var, weight, training, eps)


def group_norm(
    x: ArrayLike,
    num_groups: int,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
    *,
    out: Array | None = None,
) -> Array:
    """Group normalisation: moments over each sample's groups of ``c / num_groups`` channels.

    Parameters
    ----------
    x : (n, c, ...) array of 2 to 5 dimensions, float32 or float64
    num_groups : int
        A divisor of c.
    weight, bias : (c,) arrays, optional
    eps : float
    out : array of x's shape and dtype, optional
        May be `x` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Notes
    -----
    Wu, He, "Group normalization", 2018. The variance is taken in two passes, about the mean.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1., -1.,  1.]])
    """
    return _core.group_norm(x, num_groups, weight, bias, eps, out)


def group_norm_backward(
    grad_output: ArrayLike, x: ArrayLike, num_groups: int, weight: ArrayLike | None = None, eps: float = 1e-5
) -> Three:
    """Gradients of `group_norm` with respect to x, weight and bias.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    num_groups : int
    weight : (c,) array, optional
    eps : float

    Returns
    -------
    (array of x's shape, (c,) array, (c,) array)

    Raises
    ------
    TypeError, ValueError
        As `group_norm`.

    Notes
    -----
    Wu, He, "Group normalization", 2018. With z the normalised x and
    ``h = g * weight``: ``gx = (h - mean(h) - z * mean(h * z)) / sqrt(variance + eps)``, ``gweight =
    sum(g * z)``, ``gbias = sum(g)``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> gx, gweight, gbias = nf.group_norm_backward(np.ones((1, 2)), np.array([[1.0, 3.0]]), 1)
    >>> gx.tolist(), gbias.tolist()
    ([[0.0, 0.0]], [1.0, 1.0])
    """
    return _core.group_norm_backward(grad_output, x, num_groups, weight, eps)


def layer_norm(
    x: ArrayLike,
    normalized_shape: int | Sequence[int],
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
    *,
    out: Array | None = None,
) -> Array:
    """Layer normalisation: moments over the last axes.

    Parameters
    ----------
    x : (..., *normalized_shape) array, float32 or float64
    normalized_shape : int or sequence of int
    weight, bias : arrays of normalized_shape, optional
    eps : float
    out : array of x's shape and dtype, optional
        May be `x` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Notes
    -----
    Ba, Kiros, Hinton, "Layer normalization", 2016. The variance is taken in two passes, about the mean.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.layer_norm(np.array([[1.0, 3.0], [10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    return _core.layer_norm(x, _shape(normalized_shape), weight, bias, eps, out)


def layer_norm_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    normalized_shape: int | Sequence[int],
    weight: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Three:
    """Gradients of `layer_norm` with respect to x, weight and bias.

    Parameters
    ----------
    grad_output, x : arrays of one shape and dtype
    normalized_shape : int or sequence of int
    weight : array of normalized_shape, optional
    eps : float

    Returns
    -------
    (array of x's shape, two arrays of normalized_shape)

    Raises
    ------
    TypeError, ValueError
        As `layer_norm`.

    Notes
    -----
    Ba, Kiros, Hinton, "Layer normalization", 2016. With z the normalised x and
    ``h = g * weight``: ``gx = (h - mean(h) - z * mean(h * z)) / sqrt(variance + eps)``, ``gweight =
    sum(g * z)``, ``gbias = sum(g)``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> gx, gweight, gbias = nf.layer_norm_backward(np.ones((1, 2)), np.array([[1.0, 3.0]]), 2)
    >>> gx.tolist(), gbias.tolist()
    ([[0.0, 0.0]], [1.0, 1.0])
    """
    return _core.layer_norm_backward(grad_output, x, _shape(normalized_shape), weight, eps)
