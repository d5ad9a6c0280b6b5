"""Pooling layers: the maximum or the mean of windows of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.layers.base import Layer
from nnfast.layers.conv import image_check


class _Pool2d(Layer):
    """What both pooling layers share: windows, steps and borders."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None,
        padding: int | tuple[int, int],
        ceil_mode: bool,
        name: str | None,
    ) -> None:
        super().__init__(name=name)
        kind = self._kind
        self.kernel_size = _checks.pair(kind, "kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else _checks.pair(kind, "stride", stride, 1)
        self.padding = _checks.pair(kind, "padding", padding, 0)
        self.ceil_mode = _checks.flag(kind, "ceil_mode", ceil_mode)
        for pad, kernel in zip(self.padding, self.kernel_size, strict=True):
            if pad > kernel // 2:
                raise ValueError(
                    f"{kind}: padding: expected at most half of kernel_size {self.kernel_size}, "
                    f"got {self.padding}"
                )

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "ceil_mode": int(self.ceil_mode),
        }

    def _check_input(self, shape: tuple[int, ...]) -> None:
        image_check(shape)

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [
            ("kernel_size", self.kernel_size, ...),
            ("stride", self.stride, self.kernel_size),
            ("padding", self.padding, (0, 0)),
            ("ceil_mode", self.ceil_mode, False),
        ]


class MaxPool2d(_Pool2d):
    """The maximum of each window of an image (n, channels, height, width).

    Parameters
    ----------
    kernel_size : int or (int, int)
        Height and width of a window.
    stride : int or (int, int), optional
        Step between windows; the kernel size when left out.
    padding : int or (int, int)
        Rows and columns of minus infinity on each side, at most half the kernel.
    dilation : int or (int, int)
        Distance between a window's elements.
    ceil_mode : bool
        Whether a last window may run over the edge.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Notes
    -----
    The first of equal maxima takes the gradient, and NaN counts as a maximum, as in PyTorch.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.MaxPool2d(2), input_shape=(8, 28, 28)).output_shape
    (8, 14, 14)
    """

    _op = "max_pool2d"

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        *,
        ceil_mode: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, name)
        self.dilation = _checks.pair("MaxPool2d", "dilation", dilation, 1)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {**super()._attrs(), "dilation": self.dilation}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [*super()._options(), ("dilation", self.dilation, (1, 1))]


class AvgPool2d(_Pool2d):
    """The mean of each window of an image (n, channels, height, width).

    Parameters
    ----------
    kernel_size : int or (int, int)
        Height and width of a window.
    stride : int or (int, int), optional
        Step between windows; the kernel size when left out.
    padding : int or (int, int)
        Rows and columns of zeros on each side, at most half the kernel.
    ceil_mode : bool
        Whether a last window may run over the edge.
    count_include_pad : bool
        Whether the padding counts in a window's number of elements.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.AvgPool2d((2, 4)), input_shape=(8, 28, 28)).output_shape
    (8, 14, 7)
    """

    _op = "avg_pool2d"

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, name)
        self.count_include_pad = _checks.flag("AvgPool2d", "count_include_pad", count_include_pad)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {**super()._attrs(), "count_include_pad": int(self.count_include_pad)}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [*super()._options(), ("count_include_pad", self.count_include_pad, True)]
