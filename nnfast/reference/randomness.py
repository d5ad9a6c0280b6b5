"""Dropout, and the counter-based random numbers behind its masks.

A counter RNG has no state: the bits of element e in step s of layer l are a function of (seed, s, l, e), so a
mask can be made again for the backward pass, by any thread, in any order, and here as well as in compiled
code.

Philox 4x32-10: Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11.
Dropout (inverted: scaled in training, the identity afterwards): Srivastava et al., JMLR 15, 2014.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checks import Array, deliver, floats, integer_in, value_error

MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
WEYL = (0x9E3779B9, 0xBB67AE85)  # golden ratio and sqrt(3) - 1, in 32 bits
ROUNDS = 10
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


def philox4x32(counter: Any, key: Any) -> NDArray[np.uint32]:
    """Philox 4x32-10: 128 random bits for every counter.

    Parameters
    ----------
    counter : (..., 4) array of integers in 0..2^32-1
    key : (..., 2) array of integers in 0..2^32-1
        Its leading dimensions broadcast with the counter's.

    Returns
    -------
    (..., 4) uint32 array

    Raises
    ------
    ValueError
        The last dimension is not 4 (2 for the key).

    Examples
    --------
    >>> [f"{word:08x}" for word in philox4x32([0, 0, 0, 0], [0, 0])]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    counter, key = np.asarray(counter, np.uint64), np.asarray(key, np.uint64)
    for name, words, expected in (("counter", counter, 4), ("key", key, 2)):
        if words.ndim == 0 or words.shape[-1] != expected:
            raise value_error("philox4x32", name, f"shape (..., {expected})", words.shape)
    c0, c1, c2, c3 = np.moveaxis(counter & LOW, -1, 0)
    k0, k1 = np.moveaxis(key & LOW, -1, 0)
    for _ in range(ROUNDS):
        product0 = MULTIPLIERS[0] * c0  # 32 x 32 -> 64 bits
        product1 = MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (product1 >> SHIFT) ^ c1 ^ k0,
            product1 & LOW,
            (product0 >> SHIFT) ^ c3 ^ k1,
            product0 & LOW,
        )
        k0 = (k0 + np.uint64(WEYL[0])) & LOW
        k1 = (k1 + np.uint64(WEYL[1])) & LOW
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), axis=-1).astype(np.uint32)


def _check_probability(function: str, p: float) -> float:
    p = float(p)
    if not 0.0 <= p <= 1.0:
        raise value_error(function, "p", "a probability in 0..1", p)
    return p


def dropout_mask(
    shape: int | Sequence[int], p: float, *, seed: int, step: int = 0, layer: int = 0
) -> NDArray[np.bool_]:
    """Which elements dropout keeps.

    Element e, counted in C order, takes 16 bits of the Philox block with key `seed` (low word, high word) and
    counter ``(e // 8 low word, e // 8 high word, layer, step)``: word ``(e % 8) // 2``, its low half for even
    e. It is kept when these bits are >= ``round(p * 65536)`` (halves up).

    Parameters
    ----------
    shape : int or sequence of int
    p : float
        Probability of dropping an element, resolved to 1/65536.
    seed : int in 0..2^64-1
    step, layer : int in 0..2^32-1

    Returns
    -------
    bool array of `shape`, True where kept

    Raises
    ------
    TypeError, ValueError
        An argument is no integer or out of range; the message names it.

    Examples
    --------
    >>> dropout_mask(4, 0.5, seed=0)  # halves of 6627e8d5 e169c58d: e8d5 6627 c58d e169; kept when >= 8000
    array([ True, False,  True,  True])
    """
    p = _check_probability("dropout_mask", p)
    seed = integer_in("dropout_mask", "seed", seed, 0, 2**64 - 1)
    step = integer_in("dropout_mask", "step", step, 0, 2**32 - 1)
    layer = integer_in("dropout_mask", "layer", layer, 0, 2**32 - 1)
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    n = math.prod(sizes)
    block = np.arange((n + 7) // 8, dtype=np.uint64)
    counter = np.empty((block.size, 4), np.uint64)
    counter[:, 0] = block & LOW
    counter[:, 1] = block >> SHIFT
    counter[:, 2] = layer
    counter[:, 3] = step
    words = philox4x32(counter, [seed & 0xFFFFFFFF, seed >> 32])  # (blocks, 4)
    halves = np.stack(
        [words & np.uint32(0xFFFF), words >> np.uint32(16)], axis=-1
    )  # (blocks, 4, low and high)
    threshold = math.floor(p * 65536 + 0.5)
    return (halves.reshape(-1)[:n] >= threshold).reshape(sizes)


def _dropped(
    function: str, name: str, x: Array, p: float, training: bool, out: Array | None, **key: int
) -> Array:
    (x,) = floats(function, **{name: x})
    p = _check_probability(function, p)
    if not training:
        return deliver(function, x.copy(), x.dtype, out, same=x)
    mask = dropout_mask(x.shape, p, **key)
    scale = x.dtype.type(1 / (1 - p) if p < 1 else 0)
    return deliver(function, np.where(mask, x * scale, x.dtype.type(0)), x.dtype, out, same=x)


def dropout(
    x: Array,
    p: float = 0.5,
    training: bool = True,
    *,
    seed: int,
    step: int = 0,
    layer: int = 0,
    out: Array | None = None,
) -> Array:
    """Drop elements with probability `p` and scale the others by ``1 / (1 - p)``.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    p : float in 0..1
    training : bool
        False: the result is a copy of `x`.
    seed, step, layer : int
        What the mask is made from, see `dropout_mask`: the same numbers give the same mask.
    out : array of x's shape and dtype, optional
        May be `x` itself.

    Returns
    -------
    array of x's shape

    Raises
    ------
    TypeError, ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    >>> dropout(np.array([1.0, 2.0, 3.0, 4.0]), 0.5, seed=0)
    array([2., 0., 6., 8.])
    """
    return _dropped("dropout", "x", x, p, training, out, seed=seed, step=step, layer=layer)


def dropout_backward(
    grad_output: Array,
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
        May be `grad_output` itself.

    Returns
    -------
    array of grad_output's shape

    Raises
    ------
    TypeError, ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    >>> dropout_backward(np.ones(4), 0.5, seed=0)
    array([2., 0., 2., 2.])
    """
    function, key = "dropout_backward", {"seed": seed, "step": step, "layer": layer}
    return _dropped(function, "grad_output", grad_output, p, training, out, **key)
