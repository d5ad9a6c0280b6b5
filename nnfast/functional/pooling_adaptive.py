"""Pooling to a given size: adaptive averages, and global averages and maxima, with their gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .options import Array, pair

OutputSize = int | None | Sequence[int | None]


def _sizes(function: str, x: ArrayLike, output_size: OutputSize) -> Sequence[int]:
    """The pair of integers; None stands for the input's own size."""
    both = (None, None) if output_size is None else output_size
    if isinstance(both, (tuple, list)) and None in both:
        own = (*np.shape(x)[2:4], 1, 1)  # the compiled module names what is wrong with a shorter shape
        return tuple(size if given is None else given for given, size in zip(both, own, strict=False))
    return pair(function, "output_size", both)  # type: ignore[arg-type]


def adaptive_avg_pool2d(x: ArrayLike, output_size: OutputSize, *, out: Array | None = None) -> Array:
    """Averages over windows whose sizes follow from the output's.

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    output_size : int or (height, width)
        None in it, or instead of it, keeps the input's size.
    out : (n, c, oh, ow) array of x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    (n, c, oh, ow) array of x's dtype
        Cell i averages rows ``floor(i * h / oh)`` to ``ceil((i + 1) * h / oh) - 1``, columns likewise.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.adaptive_avg_pool2d``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.adaptive_avg_pool2d(np.arange(9.0).reshape(1, 1, 3, 3), 2)[0, 0]
    array([[2., 3.],
           [5., 6.]])
    """
    return _core.adaptive_avg_pool2d(x, _sizes("adaptive_avg_pool2d", x, output_size), out)


def adaptive_avg_pool2d_backward(grad_output: ArrayLike, x: ArrayLike, output_size: OutputSize) -> Array:
    """Gradient of `adaptive_avg_pool2d`: each window's gradient, divided by its size, goes to all its cells.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
    x : (n, c, h, w) array
        Only its shape and dtype matter.
    output_size : the forward's argument

    Returns
    -------
    (n, c, h, w) array of x's dtype

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
    >>> nf.adaptive_avg_pool2d_backward(np.array([[[[2.0, 4.0]]]]), np.zeros((1, 1, 1, 3)), (1, 2))[0, 0]
    array([[1., 3., 2.]])
    """
    function = "adaptive_avg_pool2d_backward"
    return _core.adaptive_avg_pool2d_backward(grad_output, x, _sizes(function, x, output_size))


def global_avg_pool2d(x: ArrayLike, keepdims: bool = False, *, out: Array | None = None) -> Array:
    """The average of every channel of every image.

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    keepdims : bool, default False
        Keep height and width, as 1.
    out : array of the result's shape and x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    (n, c) array of x's dtype, or (n, c, 1, 1) with `keepdims`

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    Keras' ``GlobalAveragePooling2D``; ``adaptive_avg_pool2d(x, 1)`` of PyTorch with `keepdims`.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.global_avg_pool2d(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[1.5, 5.5]])
    """
    return _core.global_avg_pool2d(x, keepdims, out)


def global_avg_pool2d_backward(grad_output: ArrayLike, x: ArrayLike, keepdims: bool = False) -> Array:
    """Gradient of `global_avg_pool2d`.

    Parameters
    ----------
    grad_output : (n, c) array, or (n, c, 1, 1) with `keepdims`
    x, keepdims : the forward's arguments

    Returns
    -------
    (n, c, h, w) array of x's dtype

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
    >>> nf.global_avg_pool2d_backward(np.array([[8.0]]), np.array([[[[1.0, 3.0], [3.0, 0.0]]]]))[0, 0]
    array([[2., 2.],
           [2., 2.]])
    """
    return _core.global_avg_pool2d_backward(grad_output, x, keepdims)


def global_max_pool2d(x: ArrayLike, keepdims: bool = False, *, out: Array | None = None) -> Array:
    """The maximum of every channel of every image; NaN is a maximum.

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    keepdims : bool, default False
        Keep height and width, as 1.
    out : array of the result's shape and x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    (n, c) array of x's dtype, or (n, c, 1, 1) with `keepdims`

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    Keras' ``GlobalMaxPooling2D``; ``adaptive_max_pool2d(x, 1)`` of PyTorch with `keepdims`.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.global_max_pool2d(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[3., 7.]])
    """
    return _core.global_max_pool2d(x, keepdims, out)


def global_max_pool2d_backward(grad_output: ArrayLike, x: ArrayLike, keepdims: bool = False) -> Array:
    """Gradient of `global_max_pool2d`.

    Parameters
    ----------
    grad_output : (n, c) array, or (n, c, 1, 1) with `keepdims`
    x, keepdims : the forward's arguments

    Returns
    -------
    (n, c, h, w) array of x's dtype

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
    >>> nf.global_max_pool2d_backward(np.array([[8.0]]), np.array([[[[1.0, 3.0], [3.0, 0.0]]]]))[0, 0]
    array([[0., 8.],
           [0., 0.]])
    """
    return _core.global_max_pool2d_backward(grad_output, x, keepdims)
