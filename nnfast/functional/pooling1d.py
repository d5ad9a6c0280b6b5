"""One-dimensional pooling of signals, with its gradients."""

from __future__ import annotations

from typing import Literal, overload

from numpy.typing import ArrayLike

from .. import _core
from .options import Array, Pair, single


@overload
def max_pool1d(
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
def max_pool1d(
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
def max_pool1d(
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
    x : (n, c, l) array, float32 or float64
    kernel_size : int
    stride : int, optional
        The kernel's size when None.
    padding : int, default 0
        On both sides, at most half the kernel. Padding never wins.
    dilation : int, default 1
    ceil_mode : bool, default False
        Keep a last window that runs over the edge but starts inside.
    return_indices : bool, default False
        Return the maxima's places too, for `max_pool1d_backward`.
    out : (n, c, ol) array of x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    (n, c, ol) array of x's dtype
        ``ol = (l + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1`` (rounded up in ceil_mode).
    indices : (n, c, ol) array of int64, with `return_indices`
        The place of each maximum in its channel: the first of equal ones, the first NaN; -1 where all of a
        window is padding.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.max_pool1d``, which names the last NaN of a window.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.max_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2)
    array([[[3., 2.]]])
    >>> nf.max_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2, return_indices=True)[1]
    array([[[1, 2]]])
    """
    function = "max_pool1d"
    kernel = single(function, "kernel_size", kernel_size)
    step = kernel if stride is None else single(function, "stride", stride)
    pads, spread = single(function, "padding", padding), single(function, "dilation", dilation)
    return _core.max_pool1d(x, kernel, step, pads, spread, ceil_mode, return_indices, out)


def max_pool1d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    indices: ArrayLike | None = None,
) -> Array:
    """Gradient of `max_pool1d`: each window's gradient goes to its maximum, the first of equal ones.

    Parameters
    ----------
    grad_output : (n, c, ol) array
    x, kernel_size, stride, padding, dilation, ceil_mode : the forward's arguments
    indices : (n, c, ol) array of integers, optional
        What `max_pool1d` returned with ``return_indices=True``: then only x's shape and dtype matter. Without
        them the maxima are found again in x, which takes longer.

    Returns
    -------
    (n, c, l) array of x's dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit, or an index is no place in the signal; the message names
        the argument.

    Notes
    -----
    As PyTorch's; the subgradient of a maximum that several cells attain is the first one's.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.max_pool1d_backward(np.array([[[5.0]]]), np.array([[[1.0, 2.0, 2.0]]]), 3)
    array([[[0., 5., 0.]]])
    """
    function = "max_pool1d_backward"
    kernel = single(function, "kernel_size", kernel_size)
    step = kernel if stride is None else single(function, "stride", stride)
    pads, spread = single(function, "padding", padding), single(function, "dilation", dilation)
    return _core.max_pool1d_backward(grad_output, x, kernel, step, pads, spread, ceil_mode, indices)


def avg_pool1d(
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
    x : (n, c, l) array, float32 or float64
    kernel_size : int
    stride : int, optional
        The kernel's size when None.
    padding : int, default 0
        Zeros on both sides, at most half the kernel.
    ceil_mode : bool, default False
        Keep a last window that runs over the edge but starts inside.
    count_include_pad : bool, default True
        Whether padding counts in the number that a sum is divided by.
    out : (n, c, ol) array of x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    (n, c, ol) array of x's dtype
        Sizes as of `max_pool1d` with dilation 1.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.avg_pool1d``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.avg_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2)
    array([[[2., 1.]]])
    """
    function = "avg_pool1d"
    kernel = single(function, "kernel_size", kernel_size)
    step = kernel if stride is None else single(function, "stride", stride)
    pads = single(function, "padding", padding)
    return _core.avg_pool1d(x, kernel, step, pads, ceil_mode, count_include_pad, out)


def avg_pool1d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
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
    x : (n, c, l) array
        Only its shape and dtype matter.
    kernel_size, stride, padding, ceil_mode, count_include_pad : the forward's arguments

    Returns
    -------
    (n, c, l) array of x's dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    The transpose of the averages, which are linear in x.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.avg_pool1d_backward(np.array([[[8.0]]]), np.zeros((1, 1, 2)), 2)
    array([[[4., 4.]]])
    """
    function = "avg_pool1d_backward"
    kernel = single(function, "kernel_size", kernel_size)
    step = kernel if stride is None else single(function, "stride", stride)
    pads = single(function, "padding", padding)
    return _core.avg_pool1d_backward(grad_output, x, kernel, step, pads, ceil_mode, count_include_pad)


def global_avg_pool1d(x: ArrayLike, keepdims: bool = False, *, out: Array | None = None) -> Array:
    """The average of every channel of every signal.

    Parameters
    ----------
    x : (n, c, l) array, float32 or float64
    keepdims : bool, default False
        Keep the length, as 1.
    out : array of the result's shape and x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    (n, c) array of x's dtype, or (n, c, 1) with `keepdims`

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    Keras' ``GlobalAveragePooling1D``; ``adaptive_avg_pool1d(x, 1)`` of PyTorch with `keepdims`.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.global_avg_pool1d(np.arange(8.0).reshape(1, 2, 4))
    array([[1.5, 5.5]])
    """
    return _core.global_avg_pool1d(x, keepdims, out)


def global_avg_pool1d_backward(grad_output: ArrayLike, x: ArrayLike, keepdims: bool = False) -> Array:
    """Gradient of `global_avg_pool1d`.

    Parameters
    ----------
    grad_output : (n, c) array, or (n, c, 1) with `keepdims`
    x, keepdims : the forward's arguments

    Returns
    -------
    (n, c, l) array of x's dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    The transpose of the averages, which are linear in x.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.global_avg_pool1d_backward(np.array([[8.0]]), np.array([[[1.0, 3.0, 3.0, 0.0]]]))
    array([[[2., 2., 2., 2.]]])
    """
    return _core.global_avg_pool1d_backward(grad_output, x, keepdims)


def global_max_pool1d(x: ArrayLike, keepdims: bool = False, *, out: Array | None = None) -> Array:
    """The maximum of every channel of every signal; NaN is a maximum.

    Parameters
    ----------
    x : (n, c, l) array, float32 or float64
    keepdims : bool, default False
        Keep the length, as 1.
    out : array of the result's shape and x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    (n, c) array of x's dtype, or (n, c, 1) with `keepdims`

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    Keras' ``GlobalMaxPooling1D``; ``adaptive_max_pool1d(x, 1)`` of PyTorch with `keepdims`.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.global_max_pool1d(np.arange(8.0).reshape(1, 2, 4))
    array([[3., 7.]])
    """
    return _core.global_max_pool1d(x, keepdims, out)


def global_max_pool1d_backward(grad_output: ArrayLike, x: ArrayLike, keepdims: bool = False) -> Array:
    """Gradient of `global_max_pool1d`.

    Parameters
    ----------
    grad_output : (n, c) array, or (n, c, 1) with `keepdims`
    x, keepdims : the forward's arguments

    Returns
    -------
    (n, c, l) array of x's dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    The first of equal maxima takes the gradient, as in PyTorch's pooling.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.global_max_pool1d_backward(np.array([[8.0]]), np.array([[[1.0, 3.0, 3.0, 0.0]]]))
    array([[[0., 8., 0., 0.]]])
    """
    return _core.global_max_pool1d_backward(grad_output, x, keepdims)
