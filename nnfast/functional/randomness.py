"""Dropout, whose masks are a function of (seed, step, layer, element)."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def dropout(
    x: ArrayLike,
    p: float = 0.5,
    training: bool = True,
    *,
    seed: int,
    step: int = 0,
    layer: int = 0,
    out: Array | None = None,
) -> Array:
    """Drop elements with probability `p` and multiply the others by ``1 / (1 - p)``.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    p : float in 0..1, default 0.5
        Resolved to 1 / 65536.
    training : bool, default True
        False: the result is a copy of `x`.
    seed : int in 0..2^64-1
    step, layer : int in 0..2^32-1, default 0
        The same seed, step and layer give the same mask, on any machine and at any number of threads.
    out : array of x's shape and dtype, optional
        Receives the result; may be `x` itself.

    Returns
    -------
    array of x's shape and dtype

    Raises
    ------
    TypeError, ValueError
        An argument does not fit; the message names it.

    Notes
    -----
    Inverted dropout: Srivastava et al., "Dropout", JMLR 15, 2014. The bits are Philox 4x32-10: Salmon et al.,
    "Parallel random numbers: as easy as 1, 2, 3", SC'11; `nnfast.reference.dropout_mask` says which bits.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.dropout(np.array([1.0, 2.0, 3.0, 4.0]), 0.5, seed=0)
    array([2., 0., 6., 8.])
    """
    return _core.dropout(x, p, training, seed, step, layer, out)


def dropout_backward(
    grad_output: ArrayLike,
    p: float = 0.5,
    training: bool = True,
    *,
    seed: int,
    step: int = 0,
    layer: int = 0,
    out: Array | None = None,
) -> Array:
    """Gradient of `dropout`: the forward's mask and scale applied to the gradient.

    Parameters
    ----------
    grad_output : array of any shape, float32 or float64
    p, training, seed, step, layer : the forward's arguments
    out : array of grad_output's shape and dtype, optional
        Receives the result; may be `grad_output` itself.

    Returns
    -------
    array of grad_output's shape and dtype

    Raises
    ------
    TypeError, ValueError
        An argument does not fit; the message names it.

    Notes
    -----
    Srivastava et al., "Dropout", JMLR 15, 2014, section 5.1: only the elements that were kept take part.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.dropout_backward(np.ones(4), 0.5, seed=0)
    array([2., 0., 2., 2.])
    """
    return _core.dropout_backward(grad_output, p, training, seed, step, layer, out)
