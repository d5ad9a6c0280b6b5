"""The same elements under another shape, as new arrays, with gradients: reshape and flatten."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def _sizes(shape: int | Sequence[int]) -> Sequence[int]:
    if isinstance(shape, (tuple, list)):
        return shape
    return tuple(shape) if isinstance(shape, np.ndarray) and shape.ndim == 1 else (shape,)  # type: ignore[return-value]


def reshape(x: ArrayLike, shape: int | Sequence[int], *, out: Array | None = None) -> Array:
    """`x` under another shape, its elements in row-major order.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    shape : int or sequence of int
        Sizes; one of them may be -1, which stands for what is left.
    out : array of the new shape and x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    array of the new shape and x's dtype
        Always a copy.

    Raises
    ------
    TypeError, ValueError
        A dtype does not fit, or the sizes do not make as many elements as `x` has; the message names the
        argument.

    Notes
    -----
    ``torch.reshape``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.reshape(np.array([1.0, 2.0, 3.0, 4.0]), (2, -1))
    array([[1., 2.],
           [3., 4.]])
    """
    return _core.reshape(x, _sizes(shape), out)


def reshape_backward(grad_output: ArrayLike, x: ArrayLike, shape: int | Sequence[int]) -> Array:
    """Gradient of `reshape`: `grad_output` under x's shape.

    Parameters
    ----------
    grad_output : array of the forward's result's shape
    x : array of any shape
        Only its shape and dtype matter.
    shape : the forward's argument

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    The transpose of a permutation that moves nothing.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.reshape_backward(np.ones((2, 2)), np.zeros(4), (2, 2))
    array([1., 1., 1., 1.])
    """
    return _core.reshape_backward(grad_output, x, _sizes(shape))


def flatten(x: ArrayLike, start_dim: int = 0, end_dim: int = -1, *, out: Array | None = None) -> Array:
    """`x` with the axes from `start_dim` to `end_dim`, both included, made one.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    start_dim, end_dim : int, default 0 and -1
        Negative numbers count from the end. A network's `Flatten` starts at 1, behind the samples.
    out : array of the result's shape and x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    array of x's dtype
        Always a copy; a single number becomes an array of shape (1,).

    Raises
    ------
    TypeError, ValueError
        A dtype or an axis does not fit; the message names the argument.

    Notes
    -----
    ``torch.flatten``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.flatten(np.zeros((2, 3, 4, 5)), 1).shape
    (2, 60)
    """
    return _core.flatten(x, start_dim, end_dim, out)


def flatten_backward(grad_output: ArrayLike, x: ArrayLike, start_dim: int = 0, end_dim: int = -1) -> Array:
    """Gradient of `flatten`: `grad_output` under x's shape.

    Parameters
    ----------
    grad_output : array of the forward's result's shape
    x : array of any shape
        Only its shape and dtype matter.
    start_dim, end_dim : the forward's arguments

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an axis does not fit; the message names the argument.

    Notes
    -----
    The transpose of a permutation that moves nothing.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.flatten_backward(np.ones(4), np.zeros((2, 2)))
    array([[1., 1.],
           [1., 1.]])
    """
    return _core.flatten_backward(grad_output, x, start_dim, end_dim)
