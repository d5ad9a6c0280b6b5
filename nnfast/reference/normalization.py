"""Batch, group and layer normalisation, with their gradients.

All three are ``y = z * weight + bias`` with ``z = (x - mean) / sqrt(variance + eps)``; they differ in the
elements that mean and variance are taken over:

- batch_norm: one channel, all samples and pixels (Ioffe, Szegedy: "Batch normalization", 2015)
- group_norm: one sample, a group of channels and all pixels (Wu, He: "Group normalization", 2018)
- layer_norm: one sample's last axes (Ba, Kiros, Hinton: "Layer normalization", 2016)

The gradient of z, where mean and variance depend on x, follows from the chain rule: with h the gradient that
reaches z, ``gx = (h - mean(h) - z * mean(h * z)) / sqrt(variance + eps)``, the means over the same elements.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .checks import Array, at_least, deliver, floats, has_shape, integer_in, value_error

Axes = tuple[int, ...]
Three = tuple[Array, Array, Array]


def _moments(x: Array, axes: Axes) -> tuple[Array, Array]:
    """Mean and biased variance over `axes`, which stay with size 1.

    The mean is the first element plus the mean of what the others differ from it by: exact for equal
    elements, whose variance is 0 then.
    """
    where = {axis % x.ndim for axis in axes}
    first = x[tuple(slice(1) if axis in where else slice(None) for axis in range(x.ndim))]
    mean = first + (x - first).mean(axes, keepdims=True)
    return mean, ((x - mean) ** 2).mean(axes, keepdims=True)


def _standardize(x: Array, axes: Axes, eps: float) -> tuple[Array, Array]:
    """z and ``1 / sqrt(variance + eps)``, the moments over `axes`."""
    with np.errstate(invalid="ignore"):
        mean, variance = _moments(x, axes)
        rstd = 1 / np.sqrt(variance + eps)
        return (x - mean) * rstd, rstd


def _standardize_backward(h: Array, z: Array, rstd: Array, axes: Axes) -> Array:
    """Gradient of x from the gradient `h` of z."""
    return (h - h.mean(axes, keepdims=True) - z * (h * z).mean(axes, keepdims=True)) * rstd


def _channels(array: Array | None, x: Array, otherwise: float) -> Array | float:
    """A value a channel, shaped to meet x (n, c, ...)."""
    return otherwise if array is None else array.reshape(1, -1, *[1] * (x.ndim - 2))


def _optional(function: str, shape: tuple[int, ...], x: Array, **arrays: Array | None) -> list[Array | None]:
    """The named arrays, None left as it is, each of x's dtype and the given shape."""
    checked: list[Array | None] = []
    for name, array in arrays.items():
        if array is not None:
            array = floats(function, x=x, **{name: array})[1]
            has_shape(function, name, array, shape)
        checked.append(array)
    return checked


def _image(function: str, x: Array, most: int) -> tuple[int, ...]:
    """(c,) of x (n, c, ...)."""
    if not 2 <= x.ndim <= most:
        raise value_error(function, "x", f"2 to {most} dimensions (n, channels, ...)", x.ndim)
    return x.shape[1:2]


# ---------------------------------------------------------------- batch_norm


def _running(
    function: str, mean: Array | None, var: Array | None, x: Array, training: bool
) -> tuple[Array | None, Array | None]:
    if (mean is None) != (var is None):
        name = "running_mean" if mean is None else "running_var"
        raise ValueError(f"{function}: {name}: expected running_mean and running_var, or neither of them")
    if mean is None and not training:
        raise ValueError(f"{function}: running_mean: expected an array when not training, got None")
    if training and x.size == x.shape[1] > 0:
        raise value_error(function, "x", "more than 1 value per channel when training", 1)
    mean, var = _optional(function, x.shape[1:2], x, running_mean=mean, running_var=var)
    return mean, var


def batch_norm(
    x: Array,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None = None,
    bias: Array | None = None,
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

    Examples
    --------
    >>> batch_norm(np.array([[1.0], [3.0]]), None, None, training=True, eps=0.0)
    array([[-1.],
           [ 1.]])
    """
    (x,) = floats("batch_norm", x=x)
    c = _image("batch_norm", x, 4)
    mean, var = _running("batch_norm", running_mean, running_var, x, training)
    weight, bias = _optional("batch_norm", c, x, weight=weight, bias=bias)
    at_least("batch_norm", "eps", eps, 0)
    axes = (0, *range(2, x.ndim))
    if training and x.size > 0:
        z, _ = _standardize(x, axes, eps)
        if mean is not None and var is not None:
            values = x.size // x.shape[1]
            of_batch, biased = (moment.reshape(-1) for moment in _moments(x, axes))
            mean[...] = (1 - momentum) * mean + momentum * of_batch
            var[...] = (1 - momentum) * var + momentum * (biased * (values / (values - 1)))
    elif x.size > 0:
        with np.errstate(invalid="ignore", divide="ignore"):
            z = (x - _channels(mean, x, 0)) / np.sqrt(_channels(var, x, 1) + eps)
    else:
        z = x
    return deliver("batch_norm", z * _channels(weight, x, 1) + _channels(bias, x, 0), x.dtype, out, same=x)


def batch_norm_backward(
    grad_output: Array,
    x: Array,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None = None,
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

    Examples
    --------
    >>> x = np.array([[1.0], [3.0]])
    >>> gx, gweight, gbias = batch_norm_backward(np.ones((2, 1)), x, None, None, training=True)
    >>> gx.tolist(), gbias.tolist()
    ([[0.0], [0.0]], [2.0])
    """
    x, grad_output = floats("batch_norm_backward", x=x, grad_output=grad_output)
    c = _image("batch_norm_backward", x, 4)
    has_shape("batch_norm_backward", "grad_output", grad_output, x.shape)
    mean, var = _running("batch_norm_backward", running_mean, running_var, x, training)
    (weight,) = _optional("batch_norm_backward", c, x, weight=weight)
    at_least("batch_norm_backward", "eps", eps, 0)
    if x.size == 0:
        return np.zeros_like(x), np.zeros(c, x.dtype), np.zeros(c, x.dtype)
    axes = (0, *range(2, x.ndim))
    h = grad_output * _channels(weight, x, 1)
    if training:
        z, rstd = _standardize(x, axes, eps)
        gx = _standardize_backward(h, z, rstd, axes)
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = 1 / np.sqrt(_channels(var, x, 1) + eps)
        z, gx = (x - _channels(mean, x, 0)) * scale, h * scale
    gweight, gbias = (grad_output * z).sum(axes), grad_output.sum(axes)
    return gx.astype(x.dtype), gweight.astype(x.dtype), gbias.astype(x.dtype)


# ---------------------------------------------------------------- group_norm


def _grouped(function: str, x: Array, num_groups: Any) -> Array:
    """x (n, c, ...) as (n, groups, everything of a group)."""
    c = x.shape[1]
    groups = integer_in(function, "num_groups", num_groups, 1, 2**31)
    if c % groups:
        raise value_error(function, "num_groups", f"a divisor of the {c} channels", groups)
    return x.reshape(len(x), groups, x.size // max(len(x) * groups, 1))


def group_norm(
    x: Array,
    num_groups: int,
    weight: Array | None = None,
    bias: Array | None = None,
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

    Examples
    --------
    >>> group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1., -1.,  1.]])
    """
    (x,) = floats("group_norm", x=x)
    c = _image("group_norm", x, 5)
    weight, bias = _optional("group_norm", c, x, weight=weight, bias=bias)
    at_least("group_norm", "eps", eps, 0)
    grouped = _grouped("group_norm", x, num_groups)
    z = _standardize(grouped, (2,), eps)[0].reshape(x.shape) if x.size else x
    return deliver("group_norm", z * _channels(weight, x, 1) + _channels(bias, x, 0), x.dtype, out, same=x)


def group_norm_backward(
    grad_output: Array, x: Array, num_groups: int, weight: Array | None = None, eps: float = 1e-5
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

    Examples
    --------
    >>> gx, gweight, gbias = group_norm_backward(np.ones((1, 2)), np.array([[1.0, 3.0]]), 1)
    >>> gx.tolist(), gbias.tolist()
    ([[0.0, 0.0]], [1.0, 1.0])
    """
    x, grad_output = floats("group_norm_backward", x=x, grad_output=grad_output)
    c = _image("group_norm_backward", x, 5)
    has_shape("group_norm_backward", "grad_output", grad_output, x.shape)
    (weight,) = _optional("group_norm_backward", c, x, weight=weight)
    at_least("group_norm_backward", "eps", eps, 0)
    grouped = _grouped("group_norm_backward", x, num_groups)
    if x.size == 0:
        return np.zeros_like(x), np.zeros(c, x.dtype), np.zeros(c, x.dtype)
    z, rstd = _standardize(grouped, (2,), eps)
    h = (grad_output * _channels(weight, x, 1)).reshape(z.shape)
    gx = _standardize_backward(h, z, rstd, (2,)).reshape(x.shape)
    axes = (0, *range(2, x.ndim))
    return gx, (grad_output * z.reshape(x.shape)).sum(axes), grad_output.sum(axes)


# ---------------------------------------------------------------- layer_norm


def _last_axes(
    function: str, x: Array, normalized_shape: int | Sequence[int]
) -> tuple[tuple[int, ...], Axes]:
    """The shape as a tuple, and the axes of x that it names."""
    sizes = (normalized_shape,) if isinstance(normalized_shape, (int, np.integer)) else normalized_shape
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"{function}: normalized_shape: expected integers, got {type(sizes).__name__}")
    shape = tuple(integer_in(function, "normalized_shape", size, 0, 2**62) for size in sizes)
    if not shape:
        raise value_error(function, "normalized_shape", "at least 1 dimension", 0)
    if x.shape[-len(shape) :] != shape:
        raise value_error(
            function, "x", f"the last dimensions {shape} (normalized_shape)", f"shape {x.shape}"
        )
    return shape, tuple(range(-len(shape), 0))


def layer_norm(
    x: Array,
    normalized_shape: int | Sequence[int],
    weight: Array | None = None,
    bias: Array | None = None,
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

    Examples
    --------
    >>> layer_norm(np.array([[1.0, 3.0], [10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    (x,) = floats("layer_norm", x=x)
    shape, axes = _last_axes("layer_norm", x, normalized_shape)
    weight, bias = _optional("layer_norm", shape, x, weight=weight, bias=bias)
    at_least("layer_norm", "eps", eps, 0)
    y = _standardize(x, axes, eps)[0] if x.size else x
    y = y if weight is None else y * weight
    return deliver("layer_norm", y if bias is None else y + bias, x.dtype, out, same=x)


def layer_norm_backward(
    grad_output: Array,
    x: Array,
    normalized_shape: int | Sequence[int],
    weight: Array | None = None,
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

    Examples
    --------
    >>> gx, gweight, gbias = layer_norm_backward(np.ones((1, 2)), np.array([[1.0, 3.0]]), 2)
    >>> gx.tolist(), gbias.tolist()
    ([[0.0, 0.0]], [1.0, 1.0])
    """
    x, grad_output = floats("layer_norm_backward", x=x, grad_output=grad_output)
    shape, axes = _last_axes("layer_norm_backward", x, normalized_shape)
    has_shape("layer_norm_backward", "grad_output", grad_output, x.shape)
    (weight,) = _optional("layer_norm_backward", shape, x, weight=weight)
    at_least("layer_norm_backward", "eps", eps, 0)
    if x.size == 0:
        return np.zeros_like(x), np.zeros(shape, x.dtype), np.zeros(shape, x.dtype)
    z, rstd = _standardize(x, axes, eps)
    gx = _standardize_backward(grad_output if weight is None else grad_output * weight, z, rstd, axes)
    rows = (math.prod(x.shape[: x.ndim - len(shape)]), *shape)
    gweight, gbias = (grad_output * z).reshape(rows).sum(0), grad_output.reshape(rows).sum(0)
    return gx, gweight, gbias
