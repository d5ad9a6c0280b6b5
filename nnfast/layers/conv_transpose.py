"""The transposed two-dimensional convolution layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.initializers import Initializer
from nnfast.layers.base import ParameterLayer
from nnfast.layers.conv import image_check

KIND = "ConvTranspose2d"


class ConvTranspose2d(ParameterLayer):
    """Transposed convolution of images (n, channels, height, width) with learned kernels.

    Every input cell adds its multiple of the kernels to the output: the gradient of `Conv2d` by its input as
    a layer of its own (Dumoulin & Visin 2016), for making images larger.

    Parameters
    ----------
    in_channels : int, optional
        Channels of the input; left out, taken from the layer before or from the data.
    out_channels : int
        Channels of the output.
    kernel_size : int or (int, int)
        Height and width of a kernel.
    stride : int or (int, int)
        Step between the kernels' places in the output.
    padding : int or (int, int)
        Cells cut off on both sides.
    output_padding : int or (int, int)
        Cells more at the bottom and the right, fewer than stride or dilation.
    groups : int
        Divides input and output channels into groups that do not see one another.
    bias : bool
        Whether a bias is added.
    dilation : int or (int, int)
        Distance between a kernel's taps.
    weight_init, bias_init : str or callable, optional
        See `nnfast.initializers`; by default both are drawn from U(-1/sqrt(k), 1/sqrt(k)),
        k = out_channels / groups * kernel height * kernel width.
    l1, l2 : float >= 0
        l1 * sum |w| + l2 * sum w^2 over the weight is added to the loss.
    max_norm : float > 0, optional
        After every update each output's weights are scaled down to this Euclidean norm.
    name : str, optional
        Stands for the layer's number in `state_dict`.

    Attributes
    ----------
    weight : array (in_channels, out_channels / groups, kernel height, kernel width)
    bias : array (out_channels,) or None

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.ConvTranspose2d(8, 4, 4, stride=2, padding=1), input_shape=(8, 7, 7), seed=0)
    >>> model.output_shape
    (4, 14, 14)
    """

    _op = "conv_transpose2d"

    def __init__(
        self,
        in_channels: int | None = None,
        out_channels: int | None = None,
        kernel_size: int | tuple[int, int] | None = None,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        output_padding: int | tuple[int, int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, int] = 1,
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
                    f"{KIND}: {option}: is required: {KIND}(in_channels, out_channels, kernel_size), or "
                    f"{KIND}(out_channels=..., kernel_size=...) to take the channels from the layer before"
                )
        self.in_channels = (
            None if in_channels is None else _checks.integer(KIND, "in_channels", in_channels, 1)
        )
        self.out_channels = _checks.integer(KIND, "out_channels", out_channels, 1)
        self.kernel_size = _checks.pair(KIND, "kernel_size", kernel_size, 1)
        self.stride = _checks.pair(KIND, "stride", stride, 1)
        self.padding = _checks.pair(KIND, "padding", padding, 0)
        self.output_padding = _checks.pair(KIND, "output_padding", output_padding, 0)
        self.dilation = _checks.pair(KIND, "dilation", dilation, 1)
        self.groups = _checks.integer(KIND, "groups", groups, 1)
        for more, step, spread in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if more >= max(step, spread):
                raise ValueError(
                    f"{KIND}: output_padding: expected less than stride or dilation, "
                    f"got {self.output_padding}"
                )
        for option, channels in (("out_channels", self.out_channels), ("in_channels", self.in_channels)):
            if channels is not None and channels % self.groups:
                raise ValueError(
                    f"{KIND}: groups: expected a divisor of {option}={channels}, got {self.groups}"
                )

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {
            "out_channels": self.out_channels,
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "groups": self.groups,
            "bias": int(self.has_bias),
            "dilation": self.dilation,
        }

    def _check_input(self, shape: tuple[int, ...]) -> None:
        image_check(shape)
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
            ("stride", self.stride, (1, 1)),
            ("padding", self.padding, (0, 0)),
            ("output_padding", self.output_padding, (0, 0)),
            ("groups", self.groups, 1),
            ("bias", self.has_bias, True),
            ("dilation", self.dilation, (1, 1)),
            ("l1", self.l1, 0.0),
            ("l2", self.l2, 0.0),
            ("max_norm", self.max_norm, None),
        ]
