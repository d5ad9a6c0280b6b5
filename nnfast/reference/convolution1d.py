"""One-dimensional convolution of signals and its gradients: that of images one cell high.

y[n, o, r] = bias[o] + sum over c, i of weight[o, c, i] * padded[n, c, r * stride + i * dilation]
"""

from typing import Any

import numpy as np

from .checks import Array, Pair, deliver, floats, has_ndim, has_shape, integer_in, value_error
from .convolution import Pads, correlate, correlate_backward, output_size
from .windows import Size, extent


def one_of_axis(function: str, name: str, value: Any, low: int) -> int:
    """One integer of at least `low`, alone or in a sequence.

    Examples
    --------
    >>> one_of_axis("conv1d", "stride", (2,), 1)
    2
    """
    items = (value,) if isinstance(value, (int, np.integer)) else tuple(value)
    if len(items) != 1:
        raise value_error(function, name, "one integer", f"{len(items)} values")
    return integer_in(function, name, items[0], low, 2**31 - 1)


def resolve_padding(function: str, padding: Any, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """(left, right) of "valid", "same" (stride 1 only; the smaller half on the left) or an integer."""
    if not isinstance(padding, str):
        both = one_of_axis(function, "padding", padding, 0)
        return both, both
    if padding == "valid":
        return 0, 0
    if padding != "same":
        raise value_error(function, "padding", "'same', 'valid' or an integer", repr(padding))
    if stride != 1:
        raise value_error(function, "padding", "a number where stride is not 1", "'same'")
    total = extent(kernel, dilation) - 1
    return total // 2, total - total // 2


def _check(
    function: str, x: Array, weight: Array, stride: Any, padding: Any, dilation: Any, groups: Any
) -> tuple[Size, Pads, Size, int]:
    has_ndim(function, "x", x, 3)
    has_ndim(function, "weight", weight, 3)
    groups = integer_in(function, "groups", groups, 1, 2**31 - 1)
    channels, (oc, per_group, kernel) = x.shape[1], weight.shape
    if channels % groups or oc % groups:
        raise value_error(function, "groups", f"a divisor of {channels} and {oc} channels", groups)
    if per_group != channels // groups or min(weight.shape) < 1:
        raise value_error(function, "weight", f"shape (out >= 1, {channels // groups}, k >= 1)", weight.shape)
    stride = one_of_axis(function, "stride", stride, 1)
    dilation = one_of_axis(function, "dilation", dilation, 1)
    pads = (0, 0, *resolve_padding(function, padding, kernel, stride, dilation))
    return (1, stride), pads, (1, dilation), groups


def conv1d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Pair = 1,
    padding: str | Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    *,
    out: Array | None = None,
) -> Array:
    """One-dimensional convolution of signals (PyTorch's ``conv1d``).

    Parameters
    ----------
    x : (n, c, l) array, float32 or float64
    weight : (oc, c / groups, k) array, x's dtype
    bias : (oc,) array, optional
    stride, dilation : int
    padding : int, "valid" or "same"
        Zeros on both sides. "valid": none. "same", for stride 1: the output has the input's length; an odd
        total puts the extra cell on the right.
    groups : int
        Channels fall into this many groups that do not see each other.
    out : (n, oc, ol) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, oc, ol) array
        ``ol = (l + 2 * padding - dilation * (k - 1) - 1) // stride + 1``.

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> conv1d(np.array([[[1.0, 2.0, 4.0, 8.0]]]), np.array([[[-1.0, 1.0]]]))
    array([[[1., 2., 4.]]])
    """
    if bias is None:
        x, weight = floats("conv1d", x=x, weight=weight)
    else:
        x, weight, bias = floats("conv1d", x=x, weight=weight, bias=bias)
    stride, pads, dilation, groups = _check("conv1d", x, weight, stride, padding, dilation, groups)
    if bias is not None:
        has_shape("conv1d", "bias", bias, weight.shape[:1])
    output_size("conv1d", (1, x.shape[2]), (1, weight.shape[2]), stride, pads, dilation)
    y = correlate(x[:, :, np.newaxis], weight[:, :, np.newaxis], bias, stride, pads, dilation, groups)
    inputs = [x, weight] if bias is None else [x, weight, bias]
    return deliver("conv1d", y[:, :, 0], x.dtype, out, apart=inputs)


def conv1d_backward(
    grad_output: Array,
    x: Array,
    weight: Array,
    stride: Pair = 1,
    padding: str | Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> tuple[Array, Array, Array]:
    """Gradients of `conv1d`.

    Parameters
    ----------
    grad_output : (n, oc, ol) array
    x, weight, stride, padding, dilation, groups : the forward's arguments

    Returns
    -------
    gx : (n, c, l) array
    gweight : (oc, c / groups, k) array
    gbias : (oc,) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> x, weight = np.array([[[1.0, 2.0, 4.0]]]), np.array([[[-1.0, 1.0]]])
    >>> gx, gweight, gbias = conv1d_backward(np.ones((1, 1, 2)), x, weight)
    >>> gx.tolist(), gweight.tolist(), gbias.item()
    ([[[-1.0, 0.0, 1.0]]], [[[3.0, 6.0]]], 2.0)
    """
    function = "conv1d_backward"
    x, weight, grad_output = floats(function, x=x, weight=weight, grad_output=grad_output)
    stride, pads, dilation, groups = _check(function, x, weight, stride, padding, dilation, groups)
    _, length = output_size(function, (1, x.shape[2]), (1, weight.shape[2]), stride, pads, dilation)
    has_shape(function, "grad_output", grad_output, (len(x), len(weight), length))
    g, image, kernels = (array[:, :, np.newaxis] for array in (grad_output, x, weight))
    gx, gweight, gbias = correlate_backward(g, image, kernels, stride, pads, dilation, groups)
    return gx[:, :, 0], gweight[:, :, 0], gbias
