"""What the nodes of a network compute: shapes, parameters, forward and backward, one class an operation.

A node sees whole batches: inputs (n, ...) with images as (n, c, h, w). Its backward gets the gradient of its
output and returns the gradients of its inputs and of its parameters, in order. The formulas are in the
functions called.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import (
    activations,
    convolution,
    dense,
    embeddings,
    fused,
    normalization,
    pooling,
    probabilities,
    randomness,
)
from ..checks import Array, value_error
from ..windows import Size

Shape = tuple[int, ...]
Gradients = tuple[list[Array], list[Array]]  # of the inputs, of the parameters


@dataclass(frozen=True)
class Run:
    """What every node of a pass may know: the mode, and what dropout masks are made from."""

    training: bool
    seed: int
    step: int


class Options:
    """A node's options. Each must be asked for, so that `finish` can refuse a misspelt one."""

    def __init__(self, op: str, values: Mapping[str, Any]) -> None:
        self.op = op
        self.left = dict(values)

    def numbers(self, name: str, count: int, default: Sequence[float] | None) -> list[float]:
        """`count` numbers; one number given stands for all of them. Required when there is no default."""
        if name not in self.left:
            if default is None:
                raise ValueError(f"{self.op}: {name}: missing")
            return [float(value) for value in default]
        value = self.left.pop(name)
        items = [float(item) for item in np.atleast_1d(value)]
        if len(items) not in (1, count):
            raise value_error(self.op, name, f"1 or {count} numbers", len(items))
        return items * count if len(items) == 1 else items

    def integers(self, name: str, count: int, default: Sequence[int] | None, low: int) -> tuple[int, ...]:
        """As `numbers`, for integers of at least `low`."""
        values = self.numbers(name, count, default)
        for value in values:
            if not (value.is_integer() and value >= low):
                raise value_error(self.op, name, f"integers >= {low}", value)
        return tuple(int(value) for value in values)

    def pair(self, name: str, default: Size | None, low: int) -> Size:
        """A (height, width) pair of integers."""
        height, width = self.integers(name, 2, default, low)
        return height, width

    def flag(self, name: str, default: bool) -> bool:
        """True for any number but 0."""
        return bool(self.numbers(name, 1, [default])[0])

    def finish(self) -> None:
        """Raise ValueError for options that nobody asked for."""
        for name in self.left:
            raise ValueError(f"{self.op}: unknown option {name!r}")


class Op:
    """An operation without parameters; `shapes` are those of one sample of each input."""

    shape: Shape  # of one sample of the output
    params: dict[str, Shape]
    buffers: dict[str, Shape]  # not trained; they follow the trained ones in the list `params` of a pass

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        if len(shapes) != 1:
            raise value_error(options.op, "inputs", "1 node", len(shapes))
        self.shape = shapes[0]
        self.params = {}
        self.buffers = {}

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        raise NotImplementedError

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        raise NotImplementedError


def _image(shapes: list[Shape], options: Options) -> tuple[int, Size]:
    """Channels and (height, width) of the only input, which must be an image."""
    if len(shapes) == 1 and len(shapes[0]) != 3:
        raise value_error(
            options.op, "input", "images (channels, height, width)", f"samples of shape {shapes[0]}"
        )
    return shapes[0][0], (shapes[0][1], shapes[0][2])


class Linear(Op):
    """Fully connected, along the last axis."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        (n_out,) = options.integers("out_features", 1, None, 1)
        self.params["weight"] = (n_out, self.shape[-1])
        if options.flag("bias", True):
            self.params["bias"] = (n_out,)
        self.shape = (*self.shape[:-1], n_out)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return dense.linear(inputs[0], *params)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        gx, *gparams = dense.linear_backward(grad, inputs[0], params[0])
        return [gx], gparams[: len(params)]


class BatchNorm(Op):
    """Batch normalisation; its running statistics move at every training forward."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        (self.eps,) = options.numbers("eps", 1, [1e-5])
        (self.momentum,) = options.numbers("momentum", 1, [0.1])
        self.cumulative = options.flag("cumulative", False)
        self.affine = options.flag("affine", True)
        if not 0 <= self.eps < math.inf:
            raise value_error(options.op, "eps", "a finite number >= 0", self.eps)
        if not math.isfinite(self.momentum):
            raise value_error(options.op, "momentum", "a finite number", self.momentum)
        channels = self.shape[:1]
        if self.affine:
            self.params = {"weight": channels, "bias": channels}
        if options.flag("track_running_stats", True):
            self.buffers = {"running_mean": channels, "running_var": channels, "num_batches_tracked": ()}

    def _parts(self, x: Array, params: list[Array]) -> tuple[Array, list[Array | None], list[Array]]:
        """x with at most two axes after the channels, weight and bias, the buffers."""
        flat = x.reshape(*x.shape[:2], -1)
        own: list[Array | None] = [params[0], params[1]] if self.affine else [None, None]
        return flat, own, params[len(self.params) :]

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        x, (weight, bias), buffers = self._parts(inputs[0], params)
        mean, var, momentum = None, None, self.momentum
        if buffers:
            mean, var, batches = buffers
            if run.training and x.size != x.shape[1]:
                batches += 1
                momentum = 1 / float(batches) if self.cumulative else momentum
        training = run.training or not buffers
        if training and not run.training and x.size == x.shape[1]:
            y = np.zeros_like(x)  # the moments of a single value
            y += 0 if bias is None else bias[:, None]
        else:
            y = normalization.batch_norm(x, mean, var, weight, bias, training, momentum, self.eps)
        return y.reshape(inputs[0].shape)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        x, (weight, _), buffers = self._parts(inputs[0], params)
        training = run.training or not buffers
        mean, var = (None, None) if training else buffers[:2]
        gx, *gparams = normalization.batch_norm_backward(
            grad.reshape(x.shape), x, mean, var, weight, training, self.eps
        )
        return [gx.reshape(grad.shape)], gparams if self.affine else []


class Normalize(Op):
    """(x - mean) / std with constants a channel, which are arrays of the model that are not trained."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        self.buffers = {"mean": self.shape[:1], "std": self.shape[:1]}

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        mean, std = (p.reshape(-1, *[1] * (len(self.shape) - 1)) for p in params)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((inputs[0] - mean) / std)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [grad / params[1].reshape(-1, *[1] * (len(self.shape) - 1))], []


def _weight_and_bias(params: list[Array]) -> list[Array | None]:
    return [*params, None, None][:2]


class LayerNorm(Op):
    """Layer normalisation over the last axes."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        (axes,) = options.integers("axes", 1, (1,), 1)
        (self.eps,) = options.numbers("eps", 1, [1e-5])
        if axes > len(self.shape):
            raise value_error(options.op, "axes", f"1..{len(self.shape)}", axes)
        if not 0 <= self.eps < math.inf:
            raise value_error(options.op, "eps", "a finite number >= 0", self.eps)
        self.normalized = self.shape[-axes:]
        bias = options.flag("bias", True)
        if options.flag("elementwise_affine", True):
            self.params["weight"] = self.normalized
            if bias:
                self.params["bias"] = self.normalized

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        weight, bias = _weight_and_bias(params)
        return normalization.layer_norm(inputs[0], self.normalized, weight, bias, self.eps)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        weight, _ = _weight_and_bias(params)
        gx, *gparams = normalization.layer_norm_backward(grad, inputs[0], self.normalized, weight, self.eps)
        return [gx], gparams[: len(params)]


class GroupNorm(Op):
    """Group normalisation."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        (self.groups,) = options.integers("num_groups", 1, None, 1)
        (self.eps,) = options.numbers("eps", 1, [1e-5])
        channels = self.shape[0]
        if channels % self.groups:
            raise value_error(options.op, "num_groups", f"a divisor of the {channels} channels", self.groups)
        if not 0 <= self.eps < math.inf:
            raise value_error(options.op, "eps", "a finite number >= 0", self.eps)
        if options.flag("affine", True):
            self.params = {"weight": (channels,), "bias": (channels,)}

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        x = inputs[0].reshape(*inputs[0].shape[:2], -1)
        weight, bias = _weight_and_bias(params)
        return normalization.group_norm(x, self.groups, weight, bias, self.eps).reshape(inputs[0].shape)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        x = inputs[0].reshape(*inputs[0].shape[:2], -1)
        weight, _ = _weight_and_bias(params)
        gx, *gparams = normalization.group_norm_backward(
            grad.reshape(x.shape), x, self.groups, weight, self.eps
        )
        return [gx.reshape(grad.shape)], gparams[: len(params)]


class Embedding(Op):
    """Every number of a sample is an index into a trained table."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        (self.rows,) = options.integers("num_embeddings", 1, None, 1)
        (dim,) = options.integers("embedding_dim", 1, None, 1)
        (padding,) = options.integers("padding_idx", 1, (-1,), -1)
        if padding >= self.rows:
            raise value_error(options.op, "padding_idx", f"-1 (none) or 0..{self.rows - 1}", padding)
        self.padding = None if padding < 0 else padding
        self.params["weight"] = (self.rows, dim)
        self.shape = (*self.shape, dim)

    def _indices(self, x: Array) -> Array:
        bad = ~((x >= 0) & (x < self.rows) & (x == np.floor(x)))
        if bad.any():
            raise value_error("embedding", "x", f"integers 0..{self.rows - 1}", x[bad][0])
        return x.astype(np.int64)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return embeddings.embedding(self._indices(inputs[0]), params[0], self.padding)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        indices = self._indices(inputs[0])
        gweight = embeddings.embedding_backward(grad, indices, params[0], self.padding)
        return [np.zeros_like(inputs[0])], [gweight]  # an index has no gradient


class Conv2d(Op):
    """Convolution of images, each side with a padding of its own."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        channels, size = _image(shapes, options)
        (oc,) = options.integers("out_channels", 1, None, 1)
        kernel = options.pair("kernel_size", None, 1)
        stride = options.pair("stride", (1, 1), 1)
        top, bottom, left, right = options.integers("padding", 4, (0, 0, 0, 0), 0)
        dilation = options.pair("dilation", (1, 1), 1)
        (groups,) = options.integers("groups", 1, (1,), 1)
        if channels % groups or oc % groups:
            raise value_error(options.op, "groups", f"a divisor of {channels} and {oc} channels", groups)
        pads = (top, bottom, left, right)
        self.params["weight"] = (oc, channels // groups, *kernel)
        if options.flag("bias", True):
            self.params["bias"] = (oc,)
        self.shape = (oc, *convolution.output_size(options.op, size, kernel, stride, pads, dilation))
        self.geometry = stride, pads, dilation, groups

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        bias = params[1] if len(params) > 1 else None
        return convolution.correlate(inputs[0], params[0], bias, *self.geometry)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        gx, *gparams = convolution.correlate_backward(grad, inputs[0], params[0], *self.geometry)
        return [gx], gparams[: len(params)]


class Pool2d(Op):
    """Maximum or average pooling of images."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        channels, size = _image(shapes, options)
        kernel = options.pair("kernel_size", None, 1)
        stride = options.pair("stride", kernel, 1)
        padding = options.pair("padding", (0, 0), 0)
        dilation = options.pair("dilation", (1, 1), 1)
        ceil_mode = options.flag("ceil_mode", False)
        count_include_pad = options.flag("count_include_pad", True)
        if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
            raise value_error(options.op, "padding", f"at most half the kernel {kernel}", padding)
        self.maximum = options.op == "max_pool2d"
        if not self.maximum and dilation != (1, 1):
            raise value_error(options.op, "dilation", 1, dilation)
        output = pooling.output_size(options.op, size, kernel, stride, padding, dilation, ceil_mode)
        self.shape = (channels, *output)
        last = (dilation, ceil_mode) if self.maximum else (ceil_mode, count_include_pad)
        self.arguments: tuple[Any, ...] = (kernel, stride, padding, *last)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        f: Callable[..., Array] = pooling.max_pool2d if self.maximum else pooling.avg_pool2d
        return f(inputs[0], *self.arguments)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        f: Callable[..., Array] = pooling.max_pool2d_backward if self.maximum else pooling.avg_pool2d_backward
        return [f(grad, inputs[0], *self.arguments)], []


class Flatten(Op):
    """All axes but the batch become one, in the order (channels, height, width)."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        self.shape = (math.prod(self.shape),)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return inputs[0].reshape(len(inputs[0]), *self.shape)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [grad.reshape(inputs[0].shape)], []


class Dropout(Op):
    """Dropout; the identity outside training. Elements of images are counted channels last."""

    layer = 0  # the network's dropout nodes count from 0; the graph sets it

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        (self.p,) = options.numbers("p", 1, [0.5])
        if not 0 <= self.p <= 1:
            raise value_error(options.op, "p", "a probability in 0..1", self.p)

    def _apply(self, x: Array, run: Run) -> Array:
        if not run.training:
            return x
        image = x.ndim == 4
        counted = np.moveaxis(x, 1, -1) if image else x  # (n, h, w, c)
        y = randomness.dropout(counted, self.p, seed=run.seed, step=run.step, layer=self.layer)
        return np.moveaxis(y, -1, 1) if image else y

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return self._apply(inputs[0], run)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [self._apply(grad, run)], []


class Activation(Op):
    """An elementwise function by its name."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        self.f, self.f_backward = fused.ACTIVATIONS[options.op], fused.BACKWARD[options.op]
        defaults = fused.OPTIONS.get(options.op, {})
        self.arguments = {name: options.numbers(name, 1, [value])[0] for name, value in defaults.items()}
        for name, value in self.arguments.items():
            if not math.isfinite(value):
                raise value_error(options.op, name, "a finite number", value)
            if name == "beta" and value <= 0:
                raise value_error(options.op, name, "a finite number > 0", value)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return self.f(inputs[0], **self.arguments)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [self.f_backward(grad, inputs[0], **self.arguments)], []


class Prelu(Op):
    """PReLU: one trained slope, or one for each channel, the first axis of a sample."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        (count,) = options.integers("num_parameters", 1, (1,), 1)
        if count not in (1, self.shape[0]):
            raise value_error(
                options.op, "num_parameters", f"1 or {self.shape[0]}, the input's channels", count
            )
        self.params["weight"] = (count,)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return activations.prelu(inputs[0], params[0])

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        gx, gweight = activations.prelu_backward(grad, inputs[0], params[0])
        return [gx], [gweight]


def _axis(options: Options, ndim: int, fallback: int) -> int:
    """The option "axis" of the batch's array of `ndim` dimensions, not the batch's own, from the front."""
    (given,) = options.integers("axis", 1, (fallback,), -ndim)
    axis = given + ndim if given < 0 else given
    if not 1 <= axis < ndim:
        raise value_error(options.op, "axis", f"1..{ndim - 1} or -{ndim - 1}..-1 (0 is the batch)", given)
    return axis


class Softmax(Op):
    """Softmax or log-softmax along an axis of the batch's array, not the batch's own."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        super().__init__(shapes, options)
        self.axis = _axis(options, len(self.shape) + 1, -1)
        log = options.op == "log_softmax"
        self.f: Callable[..., Array] = probabilities.log_softmax if log else probabilities.softmax
        self.f_backward: Callable[..., Array] = (
            probabilities.log_softmax_backward if log else probabilities.softmax_backward
        )

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return self.f(inputs[0], self.axis)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [self.f_backward(grad, inputs[0], self.axis)], []


class Add(Op):
    """The sum of two or more inputs of one shape: where branches meet."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        if len(shapes) < 2:
            raise value_error(options.op, "inputs", "at least 2 nodes", len(shapes))
        super().__init__(shapes[:1], options)
        for shape in shapes:
            if shape != self.shape:
                raise value_error(options.op, "inputs", f"equal shapes {self.shape}", shape)

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        total = inputs[0]
        for x in inputs[1:]:
            total = total + x
        return total

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return [grad] * len(inputs), []


class Concat(Op):
    """Inputs side by side along an axis of the batch's array, the first behind the batch's by default."""

    def __init__(self, shapes: list[Shape], options: Options) -> None:
        if len(shapes) < 2:
            raise value_error(options.op, "inputs", "at least 2 nodes", len(shapes))
        super().__init__(shapes[:1], options)
        self.axis = _axis(options, len(self.shape) + 1, 1)
        at = self.axis - 1  # of a sample
        for shape in shapes:
            if len(shape) != len(self.shape) or (*shape[:at], *shape[at + 1 :]) != (
                *self.shape[:at], *self.shape[at + 1 :],
            ):  # fmt: skip
                expected = f"shapes equal to {self.shape} but along axis {self.axis} (0 is the batch)"
                raise value_error(options.op, "inputs", expected, shape)
        self.sizes = [shape[at] for shape in shapes]
        self.shape = (*self.shape[:at], sum(self.sizes), *self.shape[at + 1 :])

    def forward(self, inputs: list[Array], params: list[Array], run: Run) -> Array:
        return np.concatenate(inputs, axis=self.axis)

    def backward(self, grad: Array, inputs: list[Array], params: list[Array], run: Run) -> Gradients:
        return list(np.split(grad, np.cumsum(self.sizes)[:-1], axis=self.axis)), []


BY_NAME: dict[str, type[Op]] = {
    **dict.fromkeys(fused.ACTIVATIONS, Activation),
    "add": Add,
    "avg_pool2d": Pool2d,
    "batch_norm": BatchNorm,
    "concat": Concat,
    "conv2d": Conv2d,
    "dropout": Dropout,
    "embedding": Embedding,
    "flatten": Flatten,
    "group_norm": GroupNorm,
    "layer_norm": LayerNorm,
    "linear": Linear,
    "log_softmax": Softmax,
    "max_pool2d": Pool2d,
    "normalize": Normalize,
    "prelu": Prelu,
    "softmax": Softmax,
}
