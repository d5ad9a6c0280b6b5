"""Two-dimensional convolution (cross-correlation, as everywhere in deep learning) and its gradients.

    y[n, o, r, s] = bias[o] + sum over c, i, j of weight[o, c, i, j] * padded[n, c, r * stride + i * dilation,
                                                                              s * stride + j * dilation]

Written as a matrix product: im2col copies the cells each output needs into a column (Chellapilla, Puri,
Simard, 2006), and the gradients are those of the product, with columns added back to the image (col2im).
"""

from typing import Any

import numpy as np

from .checks import Array, Pair, deliver, floats, has_ndim, has_shape, integer_in, pair_of, value_error
from .windows import Size, embed, extent, inner, positions, tap

Pads = tuple[int, int, int, int]  # top, bottom, left, right


def resolve_padding(function: str, padding: Any, kernel: Size, stride: Size, dilation: Size) -> Pads:
    """(top, bottom, left, right) of "valid", "same", an integer or a pair.

    "same" (stride 1 only) pads ``dilation * (kernel - 1)`` cells in all, the smaller half on the top and the
    left.

    Examples
    --------
    >>> resolve_padding("conv2d", "same", (3, 4), (1, 1), (1, 1))
    (1, 1, 1, 2)
    """
    if isinstance(padding, str):
        if padding == "valid":
            return 0, 0, 0, 0
        if padding != "same":
            raise value_error(function, "padding", "'same', 'valid', an integer or a pair", repr(padding))
        if stride != (1, 1):
            raise value_error(function, "padding", "a number where stride is not 1", "'same'")
        height, width = (extent(k, d) - 1 for k, d in zip(kernel, dilation, strict=True))
        return height // 2, height - height // 2, width // 2, width - width // 2
    vertical, horizontal = pair_of(function, "padding", padding, 0)
    return vertical, vertical, horizontal, horizontal


def output_size(function: str, size: Size, kernel: Size, stride: Size, pads: Pads, dilation: Size) -> Size:
    """Height and width of a convolution's result: ``(size + pads - extent) // stride + 1``."""
    result = []
    for axis, name in enumerate(("height", "width")):
        padded = size[axis] + pads[2 * axis] + pads[2 * axis + 1]
        needed = extent(kernel[axis], dilation[axis])
        if padded < needed:
            raise value_error(function, "x", f"a padded {name} of at least the kernel's {needed}", padded)
        result.append((padded - needed) // stride[axis] + 1)
    return result[0], result[1]


def _columns(
    x: Array, kernel: Size, output: Size, stride: Size, pads: Pads, dilation: Size, groups: int
) -> Array:
    """im2col: (n, groups, c / groups * kh * kw, oh * ow)."""
    n, c, h, w = x.shape
    padded = embed(x, (pads[0], pads[2]), (h + pads[0] + pads[1], w + pads[2] + pads[3]))
    columns = np.empty((n, c, *kernel, *output), x.dtype)
    for i, j in positions(kernel):
        columns[:, :, i, j] = tap(padded, (i, j), output, stride, dilation)
    return columns.reshape(n, groups, c // groups * kernel[0] * kernel[1], output[0] * output[1])


def correlate(
    x: Array, weight: Array, bias: Array | None, stride: Size, pads: Pads, dilation: Size, groups: int
) -> Array:
    """`conv2d` after its checks, with each side's padding of its own."""
    n, (oc, kernel) = len(x), (len(weight), weight.shape[2:])
    output = output_size("conv2d", x.shape[2:], kernel, stride, pads, dilation)
    columns = _columns(x, kernel, output, stride, pads, dilation, groups)
    rows = weight.reshape(groups, oc // groups, columns.shape[2])
    y = (rows @ columns).reshape(n, oc, *output)  # (n, groups, oc / groups, oh * ow) before
    return y if bias is None else y + bias[:, np.newaxis, np.newaxis]


def correlate_backward(
    grad_output: Array, x: Array, weight: Array, stride: Size, pads: Pads, dilation: Size, groups: int
) -> tuple[Array, Array, Array]:
    """`conv2d_backward` after its checks, with each side's padding of its own."""
    n, c, h, w = x.shape
    oc, kernel, output = len(weight), weight.shape[2:], grad_output.shape[2:]
    columns = _columns(x, kernel, output, stride, pads, dilation, groups)
    rows = weight.reshape(groups, oc // groups, columns.shape[2])
    g = grad_output.reshape(n, groups, oc // groups, output[0] * output[1])

    gweight = (g @ np.swapaxes(columns, 2, 3)).sum(axis=0).reshape(weight.shape)
    gcolumns = (np.swapaxes(rows, 1, 2) @ g).reshape(n, c, *kernel, *output)
    gpadded = np.zeros((n, c, h + pads[0] + pads[1], w + pads[2] + pads[3]), x.dtype)
    for i, j in positions(kernel):
        view = tap(gpadded, (i, j), output, stride, dilation)
        view += gcolumns[:, :, i, j]
    gx = inner(gpadded, (pads[0], pads[2]), x.shape).copy()
    return gx, gweight, grad_output.sum(axis=(0, 2, 3))


def _check(
    function: str, x: Array, weight: Array, stride: Any, padding: Any, dilation: Any, groups: Any
) -> tuple[Size, Pads, Size, int]:
    has_ndim(function, "x", x, 4)
    has_ndim(function, "weight", weight, 4)
    groups = integer_in(function, "groups", groups, 1, 2**31 - 1)
    channels, (oc, per_group, kh, kw) = x.shape[1], weight.shape
    if channels % groups or oc % groups:
        raise value_error(function, "groups", f"a divisor of {channels} and {oc} channels", groups)
    if per_group != channels // groups or min(weight.shape) < 1:
        expected = f"shape (out >= 1, {channels // groups}, kh >= 1, kw >= 1)"
        raise value_error(function, "weight", expected, weight.shape)
    stride = pair_of(function, "stride", stride, 1)
    dilation = pair_of(function, "dilation", dilation, 1)
    return stride, resolve_padding(function, padding, (kh, kw), stride, dilation), dilation, groups


def conv2d(
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
    """Two-dimensional convolution of images (PyTorch's ``conv2d``).

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    weight : (oc, c / groups, kh, kw) array, x's dtype
    bias : (oc,) array, optional
    stride, dilation : int or (height, width)
    padding : int, (height, width), "valid" or "same"
        Zeros on both sides. "valid": none. "same", for stride 1: the output has the input's size; an odd
        total puts the extra cell on the bottom and the right.
    groups : int
        Channels fall into this many groups that do not see each other.
    out : (n, oc, oh, ow) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, oc, oh, ow) array
        ``oh = (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1``, ow likewise.

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(x, np.array([[[[1.0, 0.0], [0.0, -1.0]]]]))[0, 0]
    array([[-4., -4.],
           [-4., -4.]])
    """
    if bias is None:
        x, weight = floats("conv2d", x=x, weight=weight)
    else:
        x, weight, bias = floats("conv2d", x=x, weight=weight, bias=bias)
    geometry = _check("conv2d", x, weight, stride, padding, dilation, groups)
    if bias is not None:
        has_shape("conv2d", "bias", bias, weight.shape[:1])
    inputs = [x, weight] if bias is None else [x, weight, bias]
    return deliver("conv2d", correlate(x, weight, bias, *geometry), x.dtype, out, apart=inputs)


def conv2d_backward(
    grad_output: Array,
    x: Array,
    weight: Array,
    stride: Pair = 1,
    padding: str | Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> tuple[Array, Array, Array]:
    """Gradients of `conv2d`.

    Parameters
    ----------
    grad_output : (n, oc, oh, ow) array
    x, weight, stride, padding, dilation, groups : the forward's arguments

    Returns
    -------
    gx : (n, c, h, w) array
    gweight : (oc, c / groups, kh, kw) array
    gbias : (oc,) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> x, weight = np.arange(4.0).reshape(1, 1, 2, 2), np.array([[[[3.0]]]])
    >>> gx, gweight, gbias = conv2d_backward(np.ones((1, 1, 2, 2)), x, weight)
    >>> gx[0, 0].tolist(), gweight.item(), gbias.item()
    ([[3.0, 3.0], [3.0, 3.0]], 6.0, 4.0)
    """
    function = "conv2d_backward"
    x, weight, grad_output = floats(function, x=x, weight=weight, grad_output=grad_output)
    stride, pads, dilation, groups = _check(function, x, weight, stride, padding, dilation, groups)
    output = output_size(function, x.shape[2:], weight.shape[2:], stride, pads, dilation)
    has_shape(function, "grad_output", grad_output, (len(x), len(weight), *output))
    return correlate_backward(grad_output, x, weight, stride, pads, dilation, groups)
