"""Transposed two-dimensional convolution, with its gradients."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .. import _core
from .options import Array, Pair, pair


def conv_transpose2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
    *,
    out: Array | None = None,
) -> Array:
    """Transposed convolution of images: every input cell adds its multiple of the kernel to the output.

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    weight : (c, oc / groups, kh, kw) array of x's dtype
    bias : (oc,) array of x's dtype, optional
    stride, dilation : int or (height, width), default 1
        Steps between the kernels' places, and between a kernel's taps.
    padding : int or (height, width), default 0
        Cells cut off on both sides.
    output_padding : int or (height, width), default 0
        Cells more at the bottom and the right, fewer than stride or dilation.
    groups : int, default 1
        Channels fall into this many groups that do not see each other.
    out : (n, oc, oh, ow) array of x's dtype, optional
        Receives the result; apart from the inputs.

    Returns
    -------
    (n, oc, oh, ow) array of x's dtype
        ``oh = (h - 1) * stride - 2 * padding + dilation * (kh - 1) + output_padding + 1``, ow likewise.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.conv_transpose2d``. The gradient of `conv2d` by its input, as a function of its own
    (Dumoulin, Visin, "A guide to convolution arithmetic for deep learning", arXiv 1603.07285, chapter 4).

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x = np.array([[[[1.0, 2.0]]]])
    >>> nf.conv_transpose2d(x, np.array([[[[1.0, 10.0]]]]), stride=2)[0, 0]
    array([[ 1., 10.,  2., 20.]])
    """
    function = "conv_transpose2d"
    step, pads = pair(function, "stride", stride), pair(function, "padding", padding)
    more, spread = pair(function, "output_padding", output_padding), pair(function, "dilation", dilation)
    return _core.conv_transpose2d(x, weight, bias, step, pads, more, groups, spread, out)


def conv_transpose2d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
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
        `conv2d` of `grad_output`.
    gweight : (c, oc / groups, kh, kw) array
    gbias : (oc,) array

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    Dumoulin, Visin, arXiv 1603.07285, chapter 4.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x, weight = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0]]]])
    >>> gx, gweight, gbias = nf.conv_transpose2d_backward(np.ones((1, 1, 1, 4)), x, weight, stride=2)
    >>> gx.tolist(), gweight.tolist(), gbias.item()
    ([[[[11.0, 11.0]]]], [[[[3.0, 3.0]]]], 4.0)
    """
    function = "conv_transpose2d_backward"
    step, pads = pair(function, "stride", stride), pair(function, "padding", padding)
    more, spread = pair(function, "output_padding", output_padding), pair(function, "dilation", dilation)
    return _core.conv_transpose2d_backward(grad_output, x, weight, step, pads, more, groups, spread)
