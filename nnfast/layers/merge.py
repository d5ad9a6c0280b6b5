"""Layers where branches meet: sum and concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.layers.base import Layer


class Merge(Layer):
    """Base of the layers of two or more inputs."""

    def _check_inputs(self, shapes: list[tuple[int, ...]]) -> None:
        if len(shapes) < 2:
            raise ValueError(f"{self._kind}: inputs: expected at least 2 nodes, got {len(shapes)}")


class Add(Merge):
    """The sum of two or more inputs of one shape.

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot; when called on fewer than two nodes, or on some of
        different shapes.

    Examples
    --------
    >>> import nnfast as nf
    >>> x = nf.Input((4,))
    >>> nf.Model(x, nf.Add()(x, nf.Linear(4, 4)(x)), seed=0).output_shape
    (4,)
    """

    _op = "add"


class Concat(Merge):
    """Inputs side by side along an axis: features, or an image's channels, where none is said.

    Parameters
    ----------
    axis : int
        Axis of the batch's array (0 is the batch itself and refused): of images (n, channels, height, width)
        1 or -3 puts channels side by side, 2 pictures below each other.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the axis is no integer or 0; when called on fewer than two nodes, or on some whose shapes differ
        elsewhere than along the axis; when the model is built also if the axis does not exist.

    Examples
    --------
    >>> import nnfast as nf
    >>> x = nf.Input((3, 8, 8))
    >>> a, b = nf.Conv2d(3, 4, 1)(x), nf.Conv2d(3, 6, 3, padding=1)(x)
    >>> nf.Model(x, nf.Concat()(a, b), seed=0).output_shape
    (10, 8, 8)
    >>> nf.Model(x, nf.Concat(axis=-1)(nf.ReLU()(x), nf.Tanh()(x)), seed=0).output_shape
    (3, 8, 16)
    """

    _op = "concat"

    def __init__(self, axis: int = 1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = _checks.axis("Concat", axis)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"axis": self.axis}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("axis", self.axis, 1)]
