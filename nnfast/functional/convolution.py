"""Two-dimensional convolution of images, with its gradients."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .. import _core
from .options import Array, Pair, conv_padding, pair


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Pair = 1,
    padding: str | Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    *,
    out: Array | None = None,
) -> Array:
    """Two-dimensional convolution (cross-correlation, as everywhere in deep learning) of images.

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    weight : (oc, c / groups, kh, kw) array of x's dtype
    bias : (oc,) array of x's dtype, optional
    stride, dilation : int or (height, width), default 1
    padding : int, (height, width), "valid" or "same", default 0
        Zeros on both sides. "valid": none. "same", for stride 1: the output has the input's size; an odd
        total puts the extra cell on the bottom and the right.
    groups : int, default 1
        Channels fall into this many groups that do not see each other.
    out : (n, oc, oh, ow) array of x's dtype, optional
        Receives the result; apart from the inputs.

    Returns
    -------
    (n, oc, oh, ow) array of x's dtype
        ``oh = (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1``, ow likewise. An x that lies
        channels-last in memory (a transposed view of (n, h, w, c)) gives a result that does: the kernels'
        own layout, so neither is converted. Nor is a weight beside such an x that lies as a layer's own
        do, as (kh, kw, c / groups, oc).

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.conv2d``. Computed as a batch-reduce matrix product (Georganas et al.,
    "High-performance deep learning via a single building block", arXiv 1906.06440). Where a NaN or infinite
    weight meets padding the result is NaN, which is 0 * inf, or as if the padding were not there.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> nf.conv2d(x, np.array([[[[1.0, 0.0], [0.0, -1.0]]]]))[0, 0]
    array([[-4., -4.],
           [-4., -4.]])
    """
    stride, dilation = pair("conv2d", "stride", stride), pair("conv2d", "dilation", dilation)
    pads = conv_padding("conv2d", padding, stride, dilation, weight)
    return _core.conv2d(x, weight, bias, stride, pads, dilation, groups, out)


def conv2d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
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
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    Dumoulin, Visin, "A guide to convolution arithmetic for deep learning", arXiv 1603.07285, chapter 4.
    What NaN or infinity in `weight` or `grad_output` makes where it meets padding is not specified: NaN,
    which is 0 * inf, or nothing.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x, weight = np.arange(4.0).reshape(1, 1, 2, 2), np.array([[[[3.0]]]])
    >>> gx, gweight, gbias = nf.conv2d_backward(np.ones((1, 1, 2, 2)), x, weight)
    >>> gx[0, 0].tolist(), gweight.item(), gbias.item()
    ([[3.0, 3.0], [3.0, 3.0]], 6.0, 4.0)
    """
    function = "conv2d_backward"
    stride, dilation = pair(function, "stride", stride), pair(function, "dilation", dilation)
    pads = conv_padding(function, padding, stride, dilation, weight)
    return _core.conv2d_backward(grad_output, x, weight, stride, pads, dilation, groups)
