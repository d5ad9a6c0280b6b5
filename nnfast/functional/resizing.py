"""Arrays and images of another size: padding and nearest-neighbour upsampling, with their gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .. import _checks, _core
from .options import Array, Pair, pair


def _pads(pad: Sequence[int]) -> Sequence[int]:
    return pad if isinstance(pad, (tuple, list)) or not hasattr(pad, "tolist") else list(pad)


def pad(
    x: ArrayLike,
    pad: Sequence[int],
    mode: str = "constant",
    value: float = 0.0,
    *,
    out: Array | None = None,
) -> Array:
    """`x` with cells of a constant around it.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    pad : sequence of an even number of int
        Pairs (before, after), the last axis' first: ``(left, right, top, bottom)`` for images. Negative
        numbers cut cells off.
    mode : "constant"
    value : float, default 0.0
        Of the new cells.
    out : array of the result's shape and x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    array of x's dtype, with ``before + after`` more cells along each axis named

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.pad``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.pad(np.ones((2, 2)), (1, 0, 0, 1))
    array([[0., 1., 1.],
           [0., 1., 1.],
           [0., 0., 0.]])
    """
    return _core.pad(x, _pads(pad), mode, value, out)


def pad_backward(
    grad_output: ArrayLike, x: ArrayLike, pad: Sequence[int], mode: str = "constant", value: float = 0.0
) -> Array:
    """Gradient of `pad`: that of the cells which come from `x`; 0 for cells cut off.

    Parameters
    ----------
    grad_output : array of the forward's result's shape
    x : array of any shape
        Only its shape and dtype matter.
    pad, mode, value : the forward's arguments
        The value does not matter.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    The transpose of the copy, which is linear in x.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.pad_backward(np.array([1.0, 2.0, 3.0]), np.zeros(3), (1, -1))
    array([2., 3., 0.])
    """
    return _core.pad_backward(grad_output, x, _pads(pad), mode, value)


Factor = float | Sequence[float]


def _goal(
    function: str, x: ArrayLike, size: Pair | None, scale_factor: Factor | None
) -> tuple[Sequence[int], float, float]:
    """The result's height and width, and the factors; 0 where the sizes decide."""
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{function}: scale_factor: expected either size or scale_factor")
    if scale_factor is None:
        return pair(function, "size", size), 0.0, 0.0  # type: ignore[arg-type]
    factors = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor, scale_factor)
    if len(factors) != 2:
        raise ValueError(f"{function}: scale_factor: expected a number or a pair, got {len(factors)} values")
    height, width = (_checks.real(function, "scale_factor", factor) for factor in factors)
    try:
        own = np.shape(x)[2:]
    except ValueError:  # rows of different lengths
        own = ()
    if len(own) != 2:
        return (1, 1), 0.0, 0.0  # the compiled module names what is wrong
    size = math.floor(own[0] * height), math.floor(own[1] * width)
    if any(new < 1 and (old or factor <= 0) for new, old, factor in zip(size, own, factors, strict=True)):
        raise ValueError(
            f"{function}: scale_factor: expected factors that leave images of {own} at least one cell, "
            f"got ({height:g}, {width:g})"
        )
    return size, height, width


def upsample_nearest(
    x: ArrayLike, size: Pair | None = None, scale_factor: Factor | None = None, *, out: Array | None = None
) -> Array:
    """Images of another size by the nearest cell: enlarged by repeating, reduced by leaving out.

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    size : int or (height, width), optional
        Of the result; or else
    scale_factor : float or (height, width), optional
        The result has floor(h * scale) rows, columns likewise.
    out : (n, c, oh, ow) array of x's dtype, optional
        Receives the result; apart from `x`.

    Returns
    -------
    (n, c, oh, ow) array of x's dtype
        Row i is row ``floor(i * h / oh)`` of `x`, with `scale_factor` row ``min(floor(i / scale), h - 1)``;
        columns likewise.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.interpolate(x, size, scale_factor, mode="nearest")``. PyTorch computes the places in
    float32, this in float64.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.upsample_nearest(np.array([[[[1.0, 2.0]]]]), scale_factor=2)[0, 0]
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]])
    """
    return _core.upsample_nearest(x, *_goal("upsample_nearest", x, size, scale_factor), out)


def upsample_nearest_backward(
    grad_output: ArrayLike, x: ArrayLike, size: Pair | None = None, scale_factor: Factor | None = None
) -> Array:
    """Gradient of `upsample_nearest`: the sum over each cell's copies.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
    x : (n, c, h, w) array
        Only its shape and dtype matter.
    size, scale_factor : the forward's arguments

    Returns
    -------
    (n, c, h, w) array of x's dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    The transpose of the repetition, which is linear in x.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.upsample_nearest_backward(np.arange(4.0).reshape(1, 1, 2, 2), np.zeros((1, 1, 1, 1)), 2).item()
    6.0
    """
    function = "upsample_nearest_backward"
    return _core.upsample_nearest_backward(grad_output, x, *_goal(function, x, size, scale_factor))
