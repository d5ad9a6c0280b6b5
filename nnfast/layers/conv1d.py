"""The one-dimensional convolution layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.initializers import Initializer
from nnfast.layers.base import ParameterLayer


def signal_check(shape: tuple[int, ...]) -> None:
    """Raise ValueError unless a sample of this shape is a signal (channels, length)."""
    if len(shape) != 2:
        hint = "; add a channel axis to the data with x[:, None]" if len(shape) == 1 else ""
        raise ValueError(f"input: expected signals (channels, length), got samples of shape {shape}{hint}")


def one_number(kind: str, name: str, value: Any, low: int) -> int:
    """One integer of at least `low`, alone or in a sequence of one."""
    if isinstance(value, (tuple, list)) and len(value) == 1:
        value = value[0]
    return _checks.integer(kind, name, value, low)


class Conv1d(ParameterLayer):
    """Cross-correlation of signals (n, channels, length) with learned kernels.

    y[n, o, i] = b[o] + sum_{c, u} W[o, c, u] x[n, c, i stride - padding + u dilation]

    Parameters
    ----------
    in_channels : int, optional
        Channels of the input; left out, taken from the layer before or from the data.
    out_channels : int
        Number of kernels.
    kernel_size : int
        Length of a kernel.
    stride : int
        Step between windows.
    padding : int, "same" or "valid"
        Zeros added on both sides; "same" keeps the length (stride 1 only), "valid" adds none.
    dilation : int
        Distance between a kernel's taps.
    groups : int
        Divides input and output channels into groups that do not see one another.
    bias : bool
        Whether b is there.
    weight_init, bias_init : str or callable, optional
        See `nnfast.initializers`; by default both are drawn from U(-1/sqrt(k), 1/sqrt(k)),
        k = in_channels / groups * kernel_size.
    l1, l2 : float >= 0
        l1 * sum |w| + l2 * sum w^2 over the weight is added to the loss.
    max_norm : float > 0, optional
        After every update each output's weights are scaled down to this Euclidean norm.
    name : str, optional
        Stands for the layer's number in `state_dict`.

    Attributes
    ----------
    weight : array (out_channels, in_channels / groups, kernel_size)
    bias : array (out_channels,) or None

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.Conv1d(2, 8, 3, padding="same"), input_shape=(2, 50), seed=0)
    >>> model.output_shape
    (8, 50)
    """

    _op = "conv1d"

    def __init__(
        self,
        in_channels: int | None = None,
        out_channels: int | None = None,
        kernel_size: int | None = None,
        stride: int = 1,
        padding: int | str = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        weight_init: str | Initializer | None = None,
        bias_init: str | Initializer | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        max_norm: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(bias, weight_init, bias_init, name, l1, l2, max_norm)
        for option, value in (("out_channels", out_channels), ("kernel_size", kernel_size)):
            if value is None:
                raise TypeError(
                    f"Conv1d: {option}: is required: Conv1d(in_channels, out_channels, kernel_size), or "
                    "Conv1d(out_channels=..., kernel_size=...) to take the channels from the layer before"
                )
        self.in_channels = (
            None if in_channels is None else _checks.integer("Conv1d", "in_channels", in_channels, 1)
        )
        self.out_channels = _checks.integer("Conv1d", "out_channels", out_channels, 1)
        self.kernel_size = one_number("Conv1d", "kernel_size", kernel_size, 1)
        self.stride = one_number("Conv1d", "stride", stride, 1)
        self.dilation = one_number("Conv1d", "dilation", dilation, 1)
        self.groups = _checks.integer("Conv1d", "groups", groups, 1)
        self.padding: int | str
        if isinstance(padding, str):
            self.padding = _checks.choice("Conv1d", "padding", padding, ("same", "valid"))
            if padding == "same" and self.stride != 1:
                raise ValueError(f"Conv1d: padding: 'same' needs stride 1, got stride {self.stride}")
        else:
            self.padding = one_number("Conv1d", "padding", padding, 0)
        for option, channels in (("out_channels", self.out_channels), ("in_channels", self.in_channels)):
            if channels is not None and channels % self.groups:
                raise ValueError(
                    f"Conv1d: groups: expected a divisor of {option}={channels}, got {self.groups}"
                )

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {
            "out_channels": self.out_channels,
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self._both_sides(),
            "dilation": self.dilation,
            "groups": self.groups,
            "bias": int(self.has_bias),
        }

    def _both_sides(self) -> tuple[int, int]:
        """(left, right)."""
        if self.padding == "same":
            total = self.dilation * (self.kernel_size - 1)
            return total // 2, total - total // 2  # what is odd goes to the right, as in PyTorch
        if isinstance(self.padding, str):
            return 0, 0
        return self.padding, self.padding

    def _check_input(self, shape: tuple[int, ...]) -> None:
        signal_check(shape)
        if self.in_channels is None:
            if shape[0] % self.groups:
                raise ValueError(
                    f"groups: expected a divisor of the input's {shape[0]} channels, got {self.groups}"
                )
            self.in_channels = shape[0]
        elif self.in_channels != shape[0]:
            raise ValueError(
                f"in_channels: expected {shape[0]}, the channels of its input {shape}, got {self.in_channels}"
            )

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [
            ("in_channels", self.in_channels, None),
            ("out_channels", self.out_channels, ...),
            ("kernel_size", self.kernel_size, ...),
            ("stride", self.stride, 1),
            ("padding", self.padding, 0),
            ("dilation", self.dilation, 1),
            ("groups", self.groups, 1),
            ("bias", self.has_bias, True),
            ("l1", self.l1, 0.0),
            ("l2", self.l2, 0.0),
            ("max_norm", self.max_norm, None),
        ]
