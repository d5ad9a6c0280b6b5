"""One-dimensional convolution of signals, with its gradients."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .. import _core
from .options import Array, Pair, conv1d_padding, single


def conv1d(
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
    """One-dimensional convolution (cross-correlation, as everywhere in deep learning) of signals.

    Parameters
    ----------
    x : (n, c, l) array, float32 or float64
    weight : (oc, c / groups, k) array of x's dtype
    bias : (oc,) array of x's dtype, optional
    stride, dilation : int, default 1
    padding : int, "valid" or "same", default 0
        Zeros on both sides. "valid": none. "same", for stride 1: the output has the input's length; an odd
        total puts the extra cell on the right.
    groups : int, default 1
        Channels fall into this many groups that do not see each other.
    out : (n, oc, ol) array of x's dtype, optional
        Receives the result; apart from the inputs.

    Returns
    -------
    (n, oc, ol) array of x's dtype
        ``ol = (l + 2 * padding - dilation * (k - 1) - 1) // stride + 1``.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.conv1d``; computed as `conv2d` of images of height 1.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.conv1d(np.array([[[1.0, 2.0, 4.0, 8.0]]]), np.array([[[-1.0, 1.0]]]))
    array([[[1., 2., 4.]]])
    """
    stride, dilation = single("conv1d", "stride", stride), single("conv1d", "dilation", dilation)
    pads = conv1d_padding("conv1d", padding, stride, dilation, weight)
    return _core.conv1d(x, weight, bias, stride, pads, dilation, groups, out)


def conv1d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
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
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    As of `conv2d_backward`, of images of height 1.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x, weight = np.array([[[1.0, 2.0, 4.0]]]), np.array([[[-1.0, 1.0]]])
    >>> gx, gweight, gbias = nf.conv1d_backward(np.ones((1, 1, 2)), x, weight)
    >>> gx.tolist(), gweight.tolist(), gbias.item()
    ([[[-1.0, 0.0, 1.0]]], [[[3.0, 6.0]]], 2.0)
    """
    function = "conv1d_backward"
    stride, dilation = single(function, "stride", stride), single(function, "dilation", dilation)
    pads = conv1d_padding(function, padding, stride, dilation, weight)
    return _core.conv1d_backward(grad_output, x, weight, stride, pads, dilation, groups)
