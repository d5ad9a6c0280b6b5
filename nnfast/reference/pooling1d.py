"""Maximum and average pooling of signals, and their gradients: those of images one cell high (`pooling`)."""

from typing import Any

import numpy as np

from . import pooling
from .checks import Array, Pair, deliver, floats, has_ndim, has_shape, value_error
from .convolution1d import one_of_axis


def _check(
    function: str, x: Array, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Any, ...]:
    """kernel, stride, padding and dilation as pairs of height 1, and the output's length."""
    has_ndim(function, "x", x, 3)
    kernel = one_of_axis(function, "kernel_size", kernel_size, 1)
    stride = kernel if stride is None else one_of_axis(function, "stride", stride, 1)
    padding = one_of_axis(function, "padding", padding, 0)
    dilation = one_of_axis(function, "dilation", dilation, 1)
    if 2 * padding > kernel:
        raise value_error(function, "padding", f"at most half the kernel {kernel}", padding)
    pairs = (1, kernel), (1, stride), (0, padding), (1, dilation)
    return *pairs, pooling.output_size(function, (1, x.shape[2]), *pairs, ceil_mode)[1]


def max_pool1d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    out: Array | None = None,
) -> Any:
    """The maximum of every window; NaN is a maximum (PyTorch's ``max_pool1d``).

    Parameters
    ----------
    x : (n, c, l) array, float32 or float64
    kernel_size, stride, padding, dilation : int
        `stride` is the kernel's size when None; `padding`, on both sides, at most half of it.
    ceil_mode : bool
        Also keep a last window that runs over the edge.
    return_indices : bool
        Return the maxima's places too.
    out : (n, c, ol) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, c, ol) array
        Length as of `max_pool2d`.
    indices : (n, c, ol) array of int64, with `return_indices`
        The place of each maximum, as of `max_pool2d`.

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> max_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2)
    array([[[3., 2.]]])
    """
    function = "max_pool1d"
    (x,) = floats(function, x=x)
    kernel, step, pads, spread, _ = _check(function, x, kernel_size, stride, padding, dilation, ceil_mode)
    y, indices = pooling.max_pool2d(x[:, :, np.newaxis], kernel, step, pads, spread, ceil_mode, True)
    y = deliver(function, y[:, :, 0], x.dtype, out, apart=(x,))
    return (y, indices[:, :, 0]) if return_indices else y


def max_pool1d_backward(
    grad_output: Array,
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    indices: Array | None = None,
) -> Array:
    """Gradient of `max_pool1d`: each window's gradient goes to its maximum, the first of equal ones.

    Parameters
    ----------
    grad_output : (n, c, ol) array
    x, kernel_size, stride, padding, dilation, ceil_mode : the forward's arguments
    indices : (n, c, ol) array of integers, optional
        What `max_pool1d` returned; without them the maxima are found again in x.

    Returns
    -------
    (n, c, l) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> max_pool1d_backward(np.array([[[5.0]]]), np.array([[[1.0, 2.0, 2.0]]]), 3)
    array([[[0., 5., 0.]]])
    """
    function = "max_pool1d_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    kernel, step, pads, spread, length = _check(
        function, x, kernel_size, stride, padding, dilation, ceil_mode
    )
    has_shape(function, "grad_output", grad_output, (*x.shape[:2], length))
    high = grad_output[:, :, np.newaxis], x[:, :, np.newaxis]
    places = None if indices is None else np.asarray(indices)[:, :, np.newaxis]
    return pooling.max_pool2d_backward(*high, kernel, step, pads, spread, ceil_mode, places)[:, :, 0]


def avg_pool1d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    *,
    out: Array | None = None,
) -> Array:
    """The average of every window (PyTorch's ``avg_pool1d``).

    Parameters
    ----------
    x : (n, c, l) array, float32 or float64
    kernel_size, stride, padding : int
        `stride` is the kernel's size when None; `padding`, on both sides, at most half of it.
    ceil_mode : bool
        Also keep a last window that runs over the edge.
    count_include_pad : bool
        Whether padding counts in the number that a sum is divided by.
    out : (n, c, ol) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, c, ol) array
        Length as of `max_pool2d`.

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> avg_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2)
    array([[[2., 1.]]])
    """
    function = "avg_pool1d"
    (x,) = floats(function, x=x)
    kernel, step, pads, _, _ = _check(function, x, kernel_size, stride, padding, 1, ceil_mode)
    y = pooling.avg_pool2d(x[:, :, np.newaxis], kernel, step, pads, ceil_mode, count_include_pad)
    return deliver(function, y[:, :, 0], x.dtype, out, apart=(x,))


def avg_pool1d_backward(
    grad_output: Array,
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Gradient of `avg_pool1d`: each window's gradient, divided as in the forward, goes to all its cells.

    Parameters
    ----------
    grad_output : (n, c, ol) array
    x, kernel_size, stride, padding, ceil_mode, count_include_pad : the forward's arguments

    Returns
    -------
    (n, c, l) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> avg_pool1d_backward(np.array([[[8.0]]]), np.zeros((1, 1, 2)), 2)
    array([[[4., 4.]]])
    """
    function = "avg_pool1d_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    kernel, step, pads, _, length = _check(function, x, kernel_size, stride, padding, 1, ceil_mode)
    has_shape(function, "grad_output", grad_output, (*x.shape[:2], length))
    high = grad_output[:, :, np.newaxis], x[:, :, np.newaxis]
    return pooling.avg_pool2d_backward(*high, kernel, step, pads, ceil_mode, count_include_pad)[:, :, 0]


def _check_signal(function: str, x: Array) -> None:
    has_ndim(function, "x", x, 3)
    if min(x.shape[1:]) < 1:
        raise value_error(function, "x", "channels and length of at least 1", x.shape)


def global_avg_pool1d(x: Array, keepdims: bool = False, *, out: Array | None = None) -> Array:
    """The average of every channel of every signal.

    Parameters
    ----------
    x : (n, c, l) array, float32 or float64
    keepdims : bool
        Keep the length, as 1.
    out : array of the result's shape, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, c) array, or (n, c, 1) with `keepdims`

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> global_avg_pool1d(np.arange(8.0).reshape(1, 2, 4))
    array([[1.5, 5.5]])
    """
    (x,) = floats("global_avg_pool1d", x=x)
    _check_signal("global_avg_pool1d", x)
    return deliver("global_avg_pool1d", x.mean(axis=2, keepdims=keepdims), x.dtype, out, apart=(x,))


def global_avg_pool1d_backward(grad_output: Array, x: Array, keepdims: bool = False) -> Array:
    """Gradient of `global_avg_pool1d`.

    Parameters
    ----------
    grad_output : (n, c) array, or (n, c, 1) with `keepdims`
    x, keepdims : the forward's arguments

    Returns
    -------
    (n, c, l) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> global_avg_pool1d_backward(np.array([[8.0]]), np.array([[[1.0, 3.0, 3.0, 0.0]]]))
    array([[[2., 2., 2., 2.]]])
    """
    function = "global_avg_pool1d_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    _check_signal(function, x)
    has_shape(function, "grad_output", grad_output, (*x.shape[:2], 1) if keepdims else x.shape[:2])
    cells = x.dtype.type(x.shape[2])
    return np.broadcast_to(grad_output.reshape(*x.shape[:2], 1) / cells, x.shape).copy()


def global_max_pool1d(x: Array, keepdims: bool = False, *, out: Array | None = None) -> Array:
    """The maximum of every channel of every signal; NaN is a maximum.

    Parameters
    ----------
    x : (n, c, l) array, float32 or float64
    keepdims : bool
        Keep the length, as 1.
    out : array of the result's shape, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, c) array, or (n, c, 1) with `keepdims`

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> global_max_pool1d(np.arange(8.0).reshape(1, 2, 4))
    array([[3., 7.]])
    """
    (x,) = floats("global_max_pool1d", x=x)
    _check_signal("global_max_pool1d", x)
    return deliver("global_max_pool1d", x.max(axis=2, keepdims=keepdims), x.dtype, out, apart=(x,))


def global_max_pool1d_backward(grad_output: Array, x: Array, keepdims: bool = False) -> Array:
    """Gradient of `global_max_pool1d`: to the first of equal maxima.

    Parameters
    ----------
    grad_output : (n, c) array, or (n, c, 1) with `keepdims`
    x, keepdims : the forward's arguments

    Returns
    -------
    (n, c, l) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> global_max_pool1d_backward(np.array([[8.0]]), np.array([[[1.0, 3.0, 3.0, 0.0]]]))
    array([[[0., 8., 0., 0.]]])
    """
    function = "global_max_pool1d_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    _check_signal(function, x)
    has_shape(function, "grad_output", grad_output, (*x.shape[:2], 1) if keepdims else x.shape[:2])
    gx = np.zeros_like(x)  # argmax takes the first NaN, or else the first of equal maxima
    np.put_along_axis(gx, x.argmax(axis=2)[..., np.newaxis], grad_output.reshape(*x.shape[:2], 1), axis=2)
    return gx
