"""Layers that change no numbers: flatten and reshape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnfast import _checks
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


class Reshape(Layer):
    """Every sample under another shape, in the order of its elements (Keras' Reshape).

    Parameters
    ----------
    shape : int or tuple of int
        One to four sizes, without the batch axis; one -1 stands for what is left.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For sizes of the wrong kind or range; when the model is built also if they do not fit.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Reshape((1, 28, -1)), input_shape=784).output_shape
    (1, 28, 28)
    """

    _op = "reshape"

    def __init__(self, shape: int | Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name=name)
        sizes: Any = shape if isinstance(shape, (tuple, list)) else (shape,)
        if not 1 <= len(sizes) <= 4:
            raise ValueError(f"Reshape: shape: expected 1 to 4 sizes, got {len(sizes)}")
        self.shape = tuple(_checks.integer("Reshape", "shape", size, -1) for size in sizes)
        if 0 in self.shape or self.shape.count(-1) > 1:
            raise ValueError(
                f"Reshape: shape: expected positive sizes, at most one of them -1, got {self.shape}"
            )

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"shape": self.shape}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("shape", self.shape, ...)]
