"""Transposed two-dimensional convolution and its gradients.

Every input cell adds its multiple of the kernel to the output, `stride` cells after its neighbour's; then
`padding` is cut off. That is the gradient of `conv2d` by its input (Dumoulin, Visin, "A guide to convolution
arithmetic for deep learning", arXiv 1603.07285, chapter 4), written here on its own:

    y[n, o, r * stride + i * dilation - padding, ...] += x[n, c, r, ...] * weight[c, o, i, ...]
"""

from typing import Any

import numpy as np

from .checks import Array, Pair, deliver, floats, has_ndim, has_shape, integer_in, pair_of, value_error
from .windows import Size, extent, positions, tap

Geometry = tuple[Size, Size, Size, int, Size]  # stride, padding, dilation, groups, output


def transposed_size(
    function: str, size: Size, kernel: Size, stride: Size, padding: Size, output_padding: Size, dilation: Size
) -> Size:
    """Height and width of the result: the forward's formula solved for the input's size.

    Examples
    --------
    >>> transposed_size("conv_transpose2d", (3, 4), (2, 2), (2, 2), (0, 0), (0, 1), (1, 1))
    (6, 9)
    """
    if any(more >= max(s, d) for more, s, d in zip(output_padding, stride, dilation, strict=True)):
        raise value_error(function, "output_padding", "less than stride or dilation", output_padding)
    result = []
    for axis in (0, 1):
        steps = (size[axis] - 1) * stride[axis]
        cells = steps + extent(kernel[axis], dilation[axis]) + output_padding[axis] - 2 * padding[axis]
        if cells < 1:
            raise value_error(function, "padding", "an output of at least 1 cell", cells)
        result.append(cells)
    return result[0], result[1]


def _full_size(size: Size, kernel: Size, output: Size, geometry: Geometry) -> Size:
    """Of the output before padding is cut off; room for every tap and for output_padding."""
    stride, padding, dilation, _, _ = geometry
    height, width = (
        max((size[a] - 1) * stride[a] + extent(kernel[a], dilation[a]), output[a] + 2 * padding[a])
        for a in (0, 1)
    )
    return height, width


def spread(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """`conv_transpose2d` after its checks."""
    stride, padding, dilation, groups, output = geometry
    (n, c, h, w), (_, per_group, kh, kw) = x.shape, weight.shape
    full = np.zeros((n, groups, per_group, *_full_size((h, w), (kh, kw), output, geometry)), x.dtype)
    cells = x.reshape(n, groups, c // groups, h, w)
    kernels = weight.reshape(groups, c // groups, per_group, kh, kw)
    for i, j in positions((kh, kw)):
        view = tap(full, (i, j), (h, w), stride, dilation)
        view += np.einsum("ngchw,gco->ngohw", cells, kernels[..., i, j])
    (top, left), (oh, ow) = padding, output
    y = full[..., top : top + oh, left : left + ow].reshape(n, groups * per_group, oh, ow)
    return y if bias is None else y + bias[:, np.newaxis, np.newaxis]


def spread_backward(
    grad_output: Array, x: Array, weight: Array, geometry: Geometry
) -> tuple[Array, Array, Array]:
    """`conv_transpose2d_backward` after its checks."""
    stride, padding, dilation, groups, output = geometry
    (n, c, h, w), (_, per_group, kh, kw) = x.shape, weight.shape
    size = _full_size((h, w), (kh, kw), output, geometry)
    full = np.zeros((n, groups, per_group, *size), x.dtype)
    (top, left), (oh, ow) = padding, output
    full[..., top : top + oh, left : left + ow] = grad_output.reshape(n, groups, per_group, oh, ow)
    cells = x.reshape(n, groups, c // groups, h, w)
    kernels = weight.reshape(groups, c // groups, per_group, kh, kw)
    gx, gweight = np.zeros_like(cells), np.zeros_like(kernels)
    for i, j in positions((kh, kw)):
        view = tap(full, (i, j), (h, w), stride, dilation)
        gx += np.einsum("ngohw,gco->ngchw", view, kernels[..., i, j])
        gweight[..., i, j] = np.einsum("ngohw,ngchw->gco", view, cells)
    return gx.reshape(x.shape), gweight.reshape(weight.shape), grad_output.sum(axis=(0, 2, 3))


def _check(
    function: str,
    x: Array,
    weight: Array,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Geometry:
    has_ndim(function, "x", x, 4)
    has_ndim(function, "weight", weight, 4)
    groups = integer_in(function, "groups", groups, 1, 2**31 - 1)
    if x.shape[1] % groups:
        raise value_error(function, "groups", f"a divisor of {x.shape[1]} channels", groups)
    if weight.shape[0] != x.shape[1] or min(weight.shape) < 1:
        expected = f"shape ({x.shape[1]}, out / groups >= 1, kh >= 1, kw >= 1)"
        raise value_error(function, "weight", expected, weight.shape)
    stride = pair_of(function, "stride", stride, 1)
    padding = pair_of(function, "padding", padding, 0)
    more = pair_of(function, "output_padding", output_padding, 0)
    dilation = pair_of(function, "dilation", dilation, 1)
    output = transposed_size(function, x.shape[2:], weight.shape[2:], stride, padding, more, dilation)
    return stride, padding, dilation, groups, output


def conv_transpose2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
    *,
    out: Array | None = None,
) -> Array:
    """Transposed convolution of images (PyTorch's ``conv_transpose2d``).

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    weight : (c, oc / groups, kh, kw) array, x's dtype
    bias : (oc,) array, optional
    stride, dilation : int or (height, width)
    padding : int or (height, width)
        Cells cut off on both sides.
    output_padding : int or (height, width)
        Cells more at the bottom and the right, fewer than stride or dilation.
    groups : int
        Channels fall into this many groups that do not see each other.
    out : (n, oc, oh, ow) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, oc, oh, ow) array
        ``oh = (h - 1) * stride - 2 * padding + dilation * (kh - 1) + output_padding + 1``, ow likewise.

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> conv_transpose2d(np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0]]]]), stride=2)[0, 0]
    array([[ 1., 10.,  2., 20.]])
    """
    function = "conv_transpose2d"
    if bias is None:
        x, weight = floats(function, x=x, weight=weight)
    else:
        x, weight, bias = floats(function, x=x, weight=weight, bias=bias)
    geometry = _check(function, x, weight, stride, padding, output_padding, groups, dilation)
    if bias is not None:
        has_shape(function, "bias", bias, (weight.shape[1] * groups,))
    inputs = [x, weight] if bias is None else [x, weight, bias]
    return deliver(function, spread(x, weight, bias, geometry), x.dtype, out, apart=inputs)


def conv_transpose2d_backward(
    grad_output: Array,
    x: Array,
    weight: Array,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
) -> tuple[Array, Array, Array]:
    """Gradients of `conv_transpose2d`.

    Parameters
    ----------
    grad_output : (n, oc, oh, ow) array
    x, weight, stride, padding, output_padding, groups, dilation : the forward's arguments

    Returns
    -------
    gx : (n, c, h, w) array
    gweight : (c, oc / groups, kh, kw) array
    gbias : (oc,) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> x, weight = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0]]]])
    >>> gx, gweight, gbias = conv_transpose2d_backward(np.ones((1, 1, 1, 4)), x, weight, stride=2)
    >>> gx.tolist(), gweight.tolist(), gbias.item()
    ([[[[11.0, 11.0]]]], [[[[3.0, 3.0]]]], 4.0)
    """
    function = "conv_transpose2d_backward"
    x, weight, grad_output = floats(function, x=x, weight=weight, grad_output=grad_output)
    geometry = _check(function, x, weight, stride, padding, output_padding, groups, dilation)
    has_shape(function, "grad_output", grad_output, (len(x), weight.shape[1] * groups, *geometry[-1]))
    return spread_backward(grad_output, x, weight, geometry)
