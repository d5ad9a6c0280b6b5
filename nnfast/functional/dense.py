"""Matrix products and the fully connected layer, with their gradients."""

from __future__ import annotations

from types import EllipsisType

from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def matmul(a: ArrayLike, b: ArrayLike, *, out: Array | None = None) -> Array:
    """Matrix product ``a @ b`` with NumPy's rules.

    Parameters
    ----------
    a : (..., m, k) or (k,) array, float32 or float64
    b : (..., k, n) or (k,) array of a's dtype
        Leading dimensions are stacks of matrices and broadcast. A 1-D operand is a row on the left, a column
        on the right, and its dimension is dropped from the result. Strides of any sign, and 0, are read
        without a copy.
    out : array of the result's shape and dtype, optional
        Receives the result; apart from `a` and `b`.

    Returns
    -------
    (..., m, n) array of a's dtype
        ``c[..., i, j] = sum over l of a[..., i, l] * b[..., l, j]``; a NumPy scalar for two 1-D operands.

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Notes
    -----
    Blocked as in Goto, van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3),
    2008.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.matmul(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, -1.0]))
    array([-1., -1.])
    """
    return _core.matmul(a, b, out)


def matmul_backward(grad_output: ArrayLike, a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    """Gradients of `matmul`: ``G B^T`` and ``A^T G``, summed over the stacks that were broadcast.

    Parameters
    ----------
    grad_output : array of the shape of ``matmul(a, b)``
    a, b : the forward's arguments

    Returns
    -------
    ga, gb : arrays of the shapes of `a` and `b`

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Notes
    -----
    Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.5.6.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> ga, gb = nf.matmul_backward(np.ones((1, 1)), np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    >>> ga.tolist(), gb.tolist()
    ([[3.0, 4.0]], [[1.0], [2.0]])
    """
    return _core.matmul_backward(grad_output, a, b)


def linear(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    activation: str | None = None,
    out: Array | None = None,
) -> Array:
    """Fully connected layer ``activation(x @ weight.T + bias)``, in one pass over the result.

    Parameters
    ----------
    x : (..., in) array, float32 or float64
    weight : (out, in) array of x's dtype
        PyTorch's layout. Strides of any sign are read without a copy.
    bias : (out,) array of x's dtype, optional
    activation : str, optional
        Applied to the result while it is in cache, with the defaults of the function of that name: "sigmoid",
        "tanh", "relu", "leaky_relu", "step", "hard_sigmoid", "relu6", "elu", "selu", "gelu", "gelu_tanh"
        (gelu with ``approximate="tanh"``), "silu", "mish", "softplus" or "softsign".
    out : (..., out) array of x's dtype, optional
        Receives the result; apart from the inputs.

    Returns
    -------
    (..., out) array of x's dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or the activation does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.linear``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x, weight, bias = np.array([1.0, 2.0]), np.array([[1.0, 1.0], [0.0, -1.0]]), np.array([0.5, 0.0])
    >>> nf.linear(x, weight, bias, activation="relu")
    array([3.5, 0. ])
    """
    return _core.linear(x, weight, bias, activation, out)


def linear_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | EllipsisType | None = ...,
    *,
    activation: str | None = None,
    output: ArrayLike | None = None,
) -> tuple[Array, Array, Array]:
    """Gradients of `linear`: ``G W``, ``G^T X`` and the column sums of ``G``.

    G is `grad_output`, times the activation's derivative where there is one.

    Parameters
    ----------
    grad_output : (..., out) array
    x : (..., in) array
    weight : (out, in) array
    bias : (out,) array or None
        The forward's, None where it had none. Not needed without `activation`; with one it may be left out
        only where `output` does instead.
    activation : str, optional
        The forward's: a name that `linear` knows.
    output : (..., out) array, optional
        What `linear` gave. The derivative of "sigmoid", "tanh", "relu", "leaky_relu", "step", "hard_sigmoid",
        "relu6", "elu", "selu", "softplus" and "softsign" follows from it, which saves computing
        ``x @ weight.T + bias`` again. The others ("gelu", "gelu_tanh", "silu", "mish") do that all the same.

    Returns
    -------
    gx : (..., in) array
    gweight : (out, in) array
    gbias : (out,) array

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or the activation does not fit, or the bias was left out where it is needed; the
        message names the argument.

    Notes
    -----
    Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.5.6.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x, weight, bias = np.array([[3.0, 4.0]]), np.array([[5.0, 6.0]]), np.array([1.0])
    >>> gx, gweight, gbias = nf.linear_backward(np.array([[2.0]]), x, weight)
    >>> gx.tolist(), gweight.tolist(), gbias.tolist()
    ([[10.0, 12.0]], [[6.0, 8.0]], [2.0])

    With an activation, from the forward's result or from the forward's arguments:

    >>> y = nf.linear(-x, weight, bias, activation="relu")
    >>> gx, gweight, gbias = nf.linear_backward(np.array([[2.0]]), -x, weight, activation="relu", output=y)
    >>> gx.tolist()
    [[0.0, 0.0]]
    >>> gx, gweight, gbias = nf.linear_backward(np.array([[2.0]]), x, weight, bias, activation="gelu")
    >>> gx.tolist()
    [[10.0, 12.0]]
    """
    return _core.linear_backward(grad_output, x, weight, bias, activation, output)
