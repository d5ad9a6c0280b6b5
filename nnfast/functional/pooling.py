"""Two-dimensional pooling of images, with its gradients."""

from __future__ import annotations

from typing import Literal, overload

from numpy.typing import ArrayLike

from .. import _core
from .options import Array, Pair, pair


@overload
def max_pool2d(
    x: ArrayLike,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
    *,
    out: Array | None = None,
) -> Array: ...
@overload
def max_pool2d(
    x: ArrayLike,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
    out: Array | None = None,
) -> tuple[Array, Array]: ...
def max_pool2d(
    x: ArrayLike,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    out: Array | None = None,
) -> Array | tuple[Array, Array]:
    """The maximum of every window; NaN is a maximum.

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    kernel_size : int or (height, width)
    stride : int or (height, width), optional
        The kernel's size when None.
    padding : int or (height, width), default 0
        On both sides, at most half the kernel. Padding never wins.
    dilation : int or (height, width), default 1
    ceil_mode : bool, default False
        Keep a last window that runs over the edge but starts inside.
    return_indices : bool, default False
        Return the maxima's places too, for `max_pool2d_backward`.
    out : (n, c, oh, ow) array of x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    (n, c, oh, ow) array of x's dtype
        ``oh = (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1`` (rounded up in ceil_mode), ow
        likewise.
    indices : (n, c, oh, ow) array of int64, with `return_indices`
        ``row * w + column`` of each maximum in its image and channel: the first of equal ones, the first
        NaN; -1 where all of a window is padding.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.max_pool2d``, which names the last NaN of a window. Images that lie channels-last
    in memory are read, and results returned, as they lie.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    >>> nf.max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2, return_indices=True)[1][0, 0]
    array([[ 5,  7],
           [13, 15]])
    """
    function = "max_pool2d"
    kernel = pair(function, "kernel_size", kernel_size)
    step = kernel if stride is None else pair(function, "stride", stride)
    pads, spread = pair(function, "padding", padding), pair(function, "dilation", dilation)
    return _core.max_pool2d(x, kernel, step, pads, spread, ceil_mode, return_indices, out)


def max_pool2d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    indices: ArrayLike | None = None,
) -> Array:
    """Gradient of `max_pool2d`: each window's gradient goes to its maximum, the first of equal ones.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
    x, kernel_size, stride, padding, dilation, ceil_mode : the forward's arguments
    indices : (n, c, oh, ow) array of integers, optional
        What `max_pool2d` returned with ``return_indices=True``: then only x's shape and dtype matter. Without
        them the maxima are found again in x, which takes longer.

    Returns
    -------
    (n, c, h, w) array of x's dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit, or an index is no cell of the image; the message names
        the argument.

    Notes
    -----
    The derivative of ``torch.nn.functional.max_pool2d``, with its rule for equal maxima.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x = np.array([[[[1.0, 2.0], [2.0, 0.0]]]])
    >>> nf.max_pool2d_backward(np.array([[[[5.0]]]]), x, 2)[0, 0]
    array([[0., 5.],
           [0., 0.]])
    """
    function = "max_pool2d_backward"
    kernel = pair(function, "kernel_size", kernel_size)
    step = kernel if stride is None else pair(function, "stride", stride)
    pads, spread = pair(function, "padding", padding), pair(function, "dilation", dilation)
    return _core.max_pool2d_backward(grad_output, x, kernel, step, pads, spread, ceil_mode, indices)


def avg_pool2d(
    x: ArrayLike,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    *,
    out: Array | None = None,
) -> Array:
    """The average of every window.

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    kernel_size : int or (height, width)
    stride : int or (height, width), optional
        The kernel's size when None.
    padding : int or (height, width), default 0
        Zeros on both sides, at most half the kernel.
    ceil_mode : bool, default False
        Keep a last window that runs over the edge but starts inside.
    count_include_pad : bool, default True
        Whether padding counts in the number that a sum is divided by.
    out : (n, c, oh, ow) array of x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    (n, c, oh, ow) array of x's dtype
        Sizes as of `max_pool2d` with dilation 1.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.avg_pool2d``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    function = "avg_pool2d"
    kernel = pair(function, "kernel_size", kernel_size)
    step = kernel if stride is None else pair(function, "stride", stride)
    pads = pair(function, "padding", padding)
    return _core.avg_pool2d(x, kernel, step, pads, ceil_mode, count_include_pad, out)


def avg_pool2d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Gradient of `avg_pool2d`: each window's gradient, divided as in the forward, goes to all its cells.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
    x : (n, c, h, w) array
        Only its shape and dtype matter.
    kernel_size, stride, padding, ceil_mode, count_include_pad : the forward's arguments

    Returns
    -------
    (n, c, h, w) array of x's dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    The transpose of the linear map ``torch.nn.functional.avg_pool2d``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.avg_pool2d_backward(np.array([[[[8.0]]]]), np.zeros((1, 1, 2, 2)), 2)[0, 0]
    array([[2., 2.],
           [2., 2.]])
    """
    function = "avg_pool2d_backward"
    kernel = pair(function, "kernel_size", kernel_size)
    step = kernel if stride is None else pair(function, "stride", stride)
    pads = pair(function, "padding", padding)
    return _core.avg_pool2d_backward(grad_output, x, kernel, step, pads, ceil_mode, count_include_pad)
