"""Nodes on signals and images beyond `ops`: 1-D and transposed convolution, 1-D, adaptive and global pooling,
padding, upsampling, reshaping. The formulas are in the functions called.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import convolution, convolution_transpose, pooling, pooling1d, pooling_adaptive, resizing
from ..checks import Array, value_error
from .ops import Gradients, Op, Options, Run, Shape, _image


def _signal(shapes: list[Shape], options: Options) -> tuple[int, int]:
    """Channels and length of the only input, which must be a signal."""
    if len(shapes) == 1 and len(shapes[0]) != 2:
        raise value_error(options.op, "input", "signals (channels, length)", f"samples of shape {shapes[0]}")
    return shapes[0][0], shapes[0][1]


class Conv1d(Op):
    """Convolution of signals, each side with a padding of its own."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        channels, length = _signal(shapes, options)
        (oc,) = options.integers("out_channels", 1, None, 1)
        (kernel,) = options.integers("kernel_size", 1, None, 1)
        (stride,) = options.integers("stride", 1, (1,), 1)
        left, right = options.integers("padding", 2, (0, 0), 0)
        (dilation,) = options.integers("dilation", 1, (1,), 1)
        (groups,) = options.integers("groups", 1, (1,), 1)
        if channels % groups or oc % groups:
            raise value_error(options.op, "groups", f"a divisor of {channels} and {oc} channels", groups)
        self.params["weight"] = (oc, channels // groups, kernel)
        if options.flag("bias", True):
            self.params["bias"] = (oc,)
        steps = (1, stride), (0, 0, left, right), (1, dilation)
        self.shape = oc, convolution.output_size(options.op, (1, length), (1, kernel), *steps)[1]
        self.geometry = *steps, groups

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        bias = params[1] if len(params) > 1 else None
        x, weight = inputs[0][:, :, np.newaxis], params[0][:, :, np.newaxis]
        return convolution.correlate(x, weight, bias, *self.geometry)[:, :, 0]

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        g, x, weight = (array[:, :, np.newaxis] for array in (grad, inputs[0], params[0]))
        gx, gweight, gbias = convolution.correlate_backward(g, x, weight, *self.geometry)
        return [gx[:, :, 0]], [gweight[:, :, 0], gbias][: len(params)]


class ConvTranspose2d(Op):
    """Transposed convolution of images."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        channels, size = _image(shapes, options)
        (oc,) = options.integers("out_channels", 1, None, 1)
        kernel = options.pair("kernel_size", None, 1)
        stride = options.pair("stride", (1, 1), 1)
        padding = options.pair("padding", (0, 0), 0)
        more = options.pair("output_padding", (0, 0), 0)
        dilation = options.pair("dilation", (1, 1), 1)
        (groups,) = options.integers("groups", 1, (1,), 1)
        if channels % groups or oc % groups:
            raise value_error(options.op, "groups", f"a divisor of {channels} and {oc} channels", groups)
        self.params["weight"] = (channels, oc // groups, *kernel)
        if options.flag("bias", True):
            self.params["bias"] = (oc,)
        output = convolution_transpose.transposed_size(
            options.op, size, kernel, stride, padding, more, dilation
        )
        self.shape = (oc, *output)
        self.geometry = stride, padding, dilation, groups, output

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        bias = params[1] if len(params) > 1 else None
        return convolution_transpose.spread(inputs[0], params[0], bias, self.geometry)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        gx, *gparams = convolution_transpose.spread_backward(grad, inputs[0], params[0], self.geometry)
        return [gx], gparams[: len(params)]


class Pool1d(Op):
    """Maximum or average pooling of signals."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        channels, length = _signal(shapes, options)
        (kernel,) = options.integers("kernel_size", 1, None, 1)
        (stride,) = options.integers("stride", 1, (kernel,), 1)
        (padding,) = options.integers("padding", 1, (0,), 0)
        (dilation,) = options.integers("dilation", 1, (1,), 1)
        ceil_mode = options.flag("ceil_mode", False)
        count_include_pad = options.flag("count_include_pad", True)
        if 2 * padding > kernel:
            raise value_error(options.op, "padding", f"at most half the kernel {kernel}", padding)
        self.maximum = options.op == "max_pool1d"
        if not self.maximum and dilation != 1:
            raise value_error(options.op, "dilation", 1, dilation)
        pairs = (1, kernel), (1, stride), (0, padding), (1, dilation)
        self.shape = channels, pooling.output_size(options.op, (1, length), *pairs, ceil_mode)[1]
        last = (dilation, ceil_mode) if self.maximum else (ceil_mode, count_include_pad)
        self.arguments: tuple[Any, ...] = (kernel, stride, padding, *last)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        f: Callable[..., Array] = pooling1d.max_pool1d if self.maximum else pooling1d.avg_pool1d
        return f(inputs[0], *self.arguments)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        f: Callable[..., Array] = (
            pooling1d.max_pool1d_backward if self.maximum else pooling1d.avg_pool1d_backward
        )
        return [f(grad, inputs[0], *self.arguments)], []


class AdaptiveAvgPool2d(Op):
    """Averages over windows whose sizes follow from the output's."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        channels, _ = _image(shapes, options)
        self.output = options.pair("output_size", None, 1)
        self.shape = (channels, *self.output)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return pooling_adaptive.average(inputs[0], self.output)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [pooling_adaptive.average_backward(grad, inputs[0].shape)], []


class GlobalPool(Op):
    """The average or maximum of every channel of images or signals."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        of_images = options.op.endswith("2d")
        channels, _ = _image(shapes, options) if of_images else _signal(shapes, options)
        self.keepdims = options.flag("keepdims", False)
        self.shape = (channels, *([1] * (len(self.shape) - 1))) if self.keepdims else (channels,)
        module = pooling_adaptive if of_images else pooling1d
        self.f: Callable[..., Array] = getattr(module, options.op)
        self.f_backward: Callable[..., Array] = getattr(module, options.op + "_backward")

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return self.f(inputs[0], self.keepdims)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [self.f_backward(grad, inputs[0], self.keepdims)], []


class ConstantPad2d(Op):
    """Cells of a constant around images; negative numbers cut cells off."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        channels, (height, width) = _image(shapes, options)
        left, right, top, bottom = options.integers("padding", 4, None, -(2**31))
        (self.value,) = options.numbers("value", 1, [0.0])
        self.sides = [(0, 0), (0, 0), (top, bottom), (left, right)]
        self.shape = (channels, height + top + bottom, width + left + right)
        if min(self.shape) < 1:
            raise value_error(options.op, "padding", "at least one cell to be left", self.shape)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return resizing.surround(inputs[0], self.sides, self.value)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [resizing.surround(grad, [(-before, -after) for before, after in self.sides], 0.0)], []


class UpsampleNearest(Op):
    """Every cell the nearest one's; `scale_h` and `scale_w` of 0 stand for the sizes' ratio."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        channels, _ = _image(shapes, options)
        (scale_h,), (scale_w,) = options.numbers("scale_h", 1, [0.0]), options.numbers("scale_w", 1, [0.0])
        self.goal: resizing.Goal = options.pair("size", None, 1), (scale_h, scale_w)
        self.shape = (channels, *self.goal[0])

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return resizing.nearest(inputs[0], self.goal)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [resizing.nearest_backward(grad, inputs[0].shape, self.goal)], []


class Reshape(Op):
    """Every sample under another shape; one -1 stands for what is left."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        count = np.size(options.left.get("shape", ()))
        if not 1 <= count <= 4 and "shape" in options.left:
            raise value_error(options.op, "shape", "1 to 4 numbers", count)
        wanted = list(options.integers("shape", int(count), None, -1))
        size, known = math.prod(self.shape), math.prod(w for w in wanted if w != -1)
        fits = 0 not in wanted and wanted.count(-1) <= 1 and size % known == 0
        if not fits or (-1 not in wanted and known != size):
            expected = f"positive sizes, at most one of them -1, for the {size} elements of {self.shape}"
            raise value_error(options.op, "shape", expected, tuple(wanted))
        self.shape = tuple(size // known if w == -1 else w for w in wanted)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return inputs[0].reshape(len(inputs[0]), *self.shape)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [grad.reshape(inputs[0].shape)], []


IMAGE_OPS: dict[str, type[Op]] = {
    "adaptive_avg_pool2d": AdaptiveAvgPool2d,
    "avg_pool1d": Pool1d,
    "constant_pad2d": ConstantPad2d,
    "conv1d": Conv1d,
    "conv_transpose2d": ConvTranspose2d,
    "global_avg_pool1d": GlobalPool,
    "global_avg_pool2d": GlobalPool,
    "global_max_pool1d": GlobalPool,
    "global_max_pool2d": GlobalPool,
    "max_pool1d": Pool1d,
    "reshape": Reshape,
    "upsample_nearest": UpsampleNearest,
}
