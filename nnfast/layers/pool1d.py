"""One-dimensional pooling layers: the maximum or the mean of windows of a signal, or of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.layers.base import Layer
from nnfast.layers.conv1d import one_number, signal_check


class _Pool1d(Layer):
    """What both pooling layers share: windows, steps and borders."""

    def __init__(
        self, kernel_size: int, stride: int | None, padding: int, ceil_mode: bool, name: str | None
    ) -> None:
        super().__init__(name=name)
        kind = self._kind
        self.kernel_size = one_number(kind, "kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else one_number(kind, "stride", stride, 1)
        self.padding = one_number(kind, "padding", padding, 0)
        self.ceil_mode = _checks.flag(kind, "ceil_mode", ceil_mode)
        if self.padding > self.kernel_size // 2:
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
        signal_check(shape)

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [
            ("kernel_size", self.kernel_size, ...),
            ("stride", self.stride, self.kernel_size),
            ("padding", self.padding, 0),
            ("ceil_mode", self.ceil_mode, False),
        ]


class MaxPool1d(_Pool1d):
    """The maximum of each window of a signal (n, channels, length).

    Parameters
    ----------
    kernel_size : int
        Length of a window.
    stride : int, optional
        Step between windows; the kernel size when left out.
    padding : int
        Cells of minus infinity on each side, at most half the kernel.
    dilation : int
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
    >>> nf.Sequential(nf.MaxPool1d(2), input_shape=(8, 50)).output_shape
    (8, 25)
    """

    _op = "max_pool1d"

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        *,
        ceil_mode: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, name)
        self.dilation = one_number("MaxPool1d", "dilation", dilation, 1)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {**super()._attrs(), "dilation": self.dilation}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [*super()._options(), ("dilation", self.dilation, 1)]


class AvgPool1d(_Pool1d):
    """The mean of each window of a signal (n, channels, length).

    Parameters
    ----------
    kernel_size : int
        Length of a window.
    stride : int, optional
        Step between windows; the kernel size when left out.
    padding : int
        Zeros on each side, at most half the kernel.
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
    >>> nf.Sequential(nf.AvgPool1d(4), input_shape=(8, 50)).output_shape
    (8, 12)
    """

    _op = "avg_pool1d"

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, name)
        self.count_include_pad = _checks.flag("AvgPool1d", "count_include_pad", count_include_pad)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {**super()._attrs(), "count_include_pad": int(self.count_include_pad)}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [*super()._options(), ("count_include_pad", self.count_include_pad, True)]


class _GlobalPool1d(Layer):
    """What both global pooling layers share."""

    def __init__(self, keepdims: bool = False, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.keepdims = _checks.flag(self._kind, "keepdims", keepdims)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        signal_check(shape)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"keepdims": int(self.keepdims)}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("keepdims", self.keepdims, False)]


class GlobalAvgPool1d(_GlobalPool1d):
    """The average of every channel: (n, c, l) becomes (n, c).

    Parameters
    ----------
    keepdims : bool
        Keep the length, as 1.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.GlobalAvgPool1d(), input_shape=(8, 28)).output_shape
    (8,)
    """

    _op = "global_avg_pool1d"


class GlobalMaxPool1d(_GlobalPool1d):
    """The maximum of every channel: (n, c, l) becomes (n, c).

    Parameters
    ----------
    keepdims : bool
        Keep the length, as 1.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.GlobalMaxPool1d(keepdims=True), input_shape=(8, 28)).output_shape
    (8, 1)
    """

    _op = "global_max_pool1d"
