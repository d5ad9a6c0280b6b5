"""Layers that change no numbers: flatten."""

from __future__ import annotations

from nnfast.layers.base import Layer


class Flatten(Layer):
    """Every sample as one row: (n, c, h, w) becomes (n, c h w), in NCHW's order as in PyTorch.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Flatten(), input_shape=(8, 4, 4)).output_shape
    (128,)
    """

    _op = "flatten"
