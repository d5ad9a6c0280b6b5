"""Layers that give images another size: adaptive and global pooling, padding, upsampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.layers.base import Layer
from nnfast.layers.conv import image_check


class AdaptiveAvgPool2d(Layer):
    """Averages over windows whose sizes follow from the output's: (n, c, h, w) becomes (n, c, *output_size).

    Output cell i averages rows floor(i h / size) to ceil((i + 1) h / size) - 1, columns likewise.

    Parameters
    ----------
    output_size : int or (int, int)
        None in it, or instead of it, keeps the input's size.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.AdaptiveAvgPool2d((2, None)), input_shape=(8, 28, 20)).output_shape
    (8, 2, 20)
    """

    _op = "adaptive_avg_pool2d"

    def __init__(
        self, output_size: int | tuple[int | None, int | None] | None, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        both = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
        if len(both) != 2:
            raise ValueError(
                f"{self._kind}: output_size: expected one integer or a pair, got {len(both)} values"
            )
        self.output_size = tuple(
            None if size is None else _checks.integer(self._kind, "output_size", size, 1) for size in both
        )
        self._resolved: tuple[int, ...] = ()

    def _check_input(self, shape: tuple[int, ...]) -> None:
        image_check(shape)
        self._resolved = tuple(
            own if size is None else size for size, own in zip(self.output_size, shape[1:], strict=True)
        )

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"output_size": self._resolved}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("output_size", self.output_size, ...)]


class _GlobalPool2d(Layer):
    """What both global pooling layers share."""

    def __init__(self, keepdims: bool = False, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.keepdims = _checks.flag(self._kind, "keepdims", keepdims)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        image_check(shape)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"keepdims": int(self.keepdims)}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("keepdims", self.keepdims, False)]


class GlobalAvgPool2d(_GlobalPool2d):
    """The average of every channel: (n, c, h, w) becomes (n, c) (Lin, Chen & Yan 2013).

    Parameters
    ----------
    keepdims : bool
        Keep height and width, as 1.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.GlobalAvgPool2d(), input_shape=(8, 28, 28)).output_shape
    (8,)
    """

    _op = "global_avg_pool2d"


class GlobalMaxPool2d(_GlobalPool2d):
    """The maximum of every channel: (n, c, h, w) becomes (n, c).

    Parameters
    ----------
    keepdims : bool
        Keep height and width, as 1.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.GlobalMaxPool2d(keepdims=True), input_shape=(8, 28, 28)).output_shape
    (8, 1, 1)
    """

    _op = "global_max_pool2d"


class ConstantPad2d(Layer):
    """Cells of a constant around images.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Cells on each side; negative numbers cut cells off.
    value : float
        Of the new cells.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.ConstantPad2d((1, 2, 0, 0), 0.5), input_shape=(8, 28, 28)).output_shape
    (8, 28, 31)
    """

    _op = "constant_pad2d"

    def __init__(
        self, padding: int | tuple[int, int, int, int], value: float, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        sides = padding if isinstance(padding, (tuple, list)) else (padding,) * 4
        if len(sides) != 4:
            raise ValueError(
                f"{self._kind}: padding: expected one integer or (left, right, top, bottom), "
                f"got {len(sides)} values"
            )
        self.padding = tuple(_checks.integer(self._kind, "padding", side) for side in sides)
        self.value = _checks.real(self._kind, "value", value)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        image_check(shape)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"padding": self.padding, "value": self.value}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("padding", self.padding, ...), ("value", self.value, ...)]


class ZeroPad2d(ConstantPad2d):
    """Zeros around images.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Cells on each side; negative numbers cut cells off.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.ZeroPad2d(2), input_shape=(8, 28, 28)).output_shape
    (8, 32, 32)
    """

    def __init__(self, padding: int | tuple[int, int, int, int], *, name: str | None = None) -> None:
        super().__init__(padding, 0.0, name=name)

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("padding", self.padding, ...)]


class Upsample(Layer):
    """Images of another size by the nearest cell: enlarged by repeating, reduced by leaving out.

    Parameters
    ----------
    size : int or (int, int), optional
        Height and width of the result; or else
    scale_factor : float or (float, float)
        The result has floor(height * scale) rows, columns likewise.
    mode : "nearest"
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range; when the model is built also if no cell would be left.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Upsample(scale_factor=2), input_shape=(8, 7, 7)).output_shape
    (8, 14, 14)
    """

    _op = "upsample_nearest"

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        scale_factor: float | tuple[float, float] | None = None,
        mode: str = "nearest",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if (size is None) == (scale_factor is None):
            raise ValueError(f"{self._kind}: scale_factor: expected either size or scale_factor")
        self.mode = _checks.choice(self._kind, "mode", mode, ("nearest",))
        self.size = None if size is None else _checks.pair(self._kind, "size", size, 1)
        self.scale_factor: tuple[float, ...] | None = None
        if scale_factor is not None:
            given = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor, scale_factor)
            if len(given) != 2:
                raise ValueError(
                    f"{self._kind}: scale_factor: expected a number or a pair, got {len(given)} values"
                )
            self.scale_factor = tuple(_checks.real(self._kind, "scale_factor", f) for f in given)
            if min(self.scale_factor) <= 0:
                raise ValueError(
                    f"{self._kind}: scale_factor: expected numbers above 0, got {self.scale_factor}"
                )
        self._resolved = self.size or (1, 1)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        image_check(shape)
        if self.scale_factor is not None:
            height, width = (math.floor(own * f) for own, f in zip(shape[1:], self.scale_factor, strict=True))
            if min(height, width) < 1:
                raise ValueError(
                    f"scale_factor: expected to leave images of {shape[1:]} at least one cell, "
                    f"got {self.scale_factor}"
                )
            self._resolved = height, width

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        scale_h, scale_w = self.scale_factor or (0.0, 0.0)
        return {"size": self._resolved, "scale_h": scale_h, "scale_w": scale_w}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("size", self.size, None), ("scale_factor", self.scale_factor, None)]
