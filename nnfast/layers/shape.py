"""Layers that change no numbers: flatten and reshape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.layers.base import Layer


class Flatten(Layer):
    """Axes made one, in the order of NCHW as in PyTorch; all but the samples' by default.

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last of the axes, the samples' being 0; negative numbers count from the end.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For axes of the wrong kind, or the samples' axis; when the model is built also if they do not exist.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Flatten(), input_shape=(8, 4, 4)).output_shape
    (128,)
    >>> nf.Sequential(nf.Flatten(2), input_shape=(8, 4, 4)).output_shape
    (8, 16)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.start_dim = _checks.integer(self._kind, "start_dim", start_dim)
        self.end_dim = _checks.integer(self._kind, "end_dim", end_dim)
        if self.start_dim == 0 or self.end_dim == 0:
            raise ValueError(
                f"{self._kind}: start_dim: expected the samples' axis, 0, to stay, got "
                f"({self.start_dim}, {self.end_dim})"
            )
        self._op = "flatten" if (self.start_dim, self.end_dim) == (1, -1) else "reshape"
        self._shape: tuple[int, ...] = ()

    def _check_input(self, shape: tuple[int, ...]) -> None:
        nd = len(shape) + 1
        first, last = (axis + nd if axis < 0 else axis for axis in (self.start_dim, self.end_dim))
        if not 1 <= first <= last < nd:
            raise ValueError(
                f"start_dim, end_dim: expected axes of samples of shape {shape}, 1 to {nd - 1} in order, got "
                f"({self.start_dim}, {self.end_dim})"
            )
        self._shape = (*shape[: first - 1], math.prod(shape[first - 1 : last]), *shape[last:])

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {} if self._op == "flatten" else {"shape": self._shape}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("start_dim", self.start_dim, 1), ("end_dim", self.end_dim, -1)]


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
