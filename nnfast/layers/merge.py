"""Layers where branches meet: sum and concatenation."""

from __future__ import annotations

from nnfast.layers.base import Layer


class Merge(Layer):
    """Base of the layers of two or more inputs."""

    def _check_inputs(self, shapes: list[tuple[int, ...]]) -> None:
        if len(shapes) < 2:
            raise ValueError(f"{self._kind}: inputs: expected at least 2 nodes, got {len(shapes)}")


class Add(Merge):
    """The sum of two or more inputs of one shape.

    Examples
    --------
    >>> import nnfast as nf
    >>> x = nf.Input((4,))
    >>> nf.Model(x, nf.Add()(x, nf.Linear(4, 4)(x)), seed=0).output_shape
    (4,)
    """

    _op = "add"


class Concat(Merge):
    """Inputs side by side along the axis behind the batch: features, or an image's channels.

    Examples
    --------
    >>> import nnfast as nf
    >>> x = nf.Input((3, 8, 8))
    >>> a, b = nf.Conv2d(3, 4, 1)(x), nf.Conv2d(3, 6, 3, padding=1)(x)
    >>> nf.Model(x, nf.Concat()(a, b), seed=0).output_shape
    (10, 8, 8)
    """

    _op = "concat"
