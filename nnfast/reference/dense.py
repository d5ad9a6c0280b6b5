"""Matrix products and the fully connected layer, with their gradients.

For C = A B and a scalar loss L with G = dL/dC, the chain rule gives dL/dA = G B^T and dL/dB = A^T G
(Goodfellow, Bengio, Courville: "Deep Learning", 2016, section 6.5.6). Everything here is that rule.
"""

from types import EllipsisType

import numpy as np

from .checks import Array, deliver, floats, has_ndim, has_shape, one_of, value_error
from .fused import ACTIVATIONS, BACKWARD, FROM_OUTPUT


def _check_matmul(function: str, a: Array, b: Array) -> None:
    for name, array in (("a", a), ("b", b)):
        if array.ndim == 0:
            raise value_error(function, name, "at least 1 dimension", 0)
    inner = b.shape[0] if b.ndim == 1 else b.shape[-2]
    if a.shape[-1] != inner:
        raise value_error(function, "b", f"an inner dimension of {a.shape[-1]} like a {a.shape}", b.shape)
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        expected = f"batch dimensions that broadcast with a {a.shape}"
        raise value_error(function, "b", expected, b.shape) from None


def matmul(a: Array, b: Array, *, out: Array | None = None) -> Array:
    """Matrix product with NumPy's rules.

    Parameters
    ----------
    a : (..., m, k) or (k,) array, float32 or float64
    b : (..., k, n) or (k,) array, a's dtype
        Leading (batch) dimensions broadcast. A 1-D operand is a row on the left, a column on the right, and
        its dimension is dropped from the result.
    out : array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from `a` and `b`.

    Returns
    -------
    (..., m, n) array
        ``c[..., i, j] = sum over l of a[..., i, l] * b[..., l, j]``

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Examples
    --------
    >>> matmul(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, -1.0]))
    array([-1., -1.])
    """
    a, b = floats("matmul", a=a, b=b)
    _check_matmul("matmul", a, b)
    c = deliver("matmul", np.matmul(a, b), a.dtype, out, apart=(a, b))
    return c[()] if out is None else c  # two vectors: a NumPy scalar, as from NumPy


def _sum_to(grad: Array, shape: tuple[int, ...]) -> Array:
    """Undo broadcasting: sum over the dimensions along which an array of `shape` was repeated."""
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1 and grad.shape[axis] != 1)
    return grad.sum(axis=repeated, keepdims=True)


def matmul_backward(grad_output: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Gradients of `matmul`: G B^T and A^T G, summed over batch dimensions that were broadcast.

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

    Examples
    --------
    >>> ga, gb = matmul_backward(np.ones((1, 1)), np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    >>> ga.tolist(), gb.tolist()
    ([[3.0, 4.0]], [[1.0], [2.0]])
    """
    a, b, grad_output = floats("matmul_backward", a=a, b=b, grad_output=grad_output)
    _check_matmul("matmul_backward", a, b)
    a2 = a[np.newaxis, :] if a.ndim == 1 else a  # (..., m, k)
    b2 = b[:, np.newaxis] if b.ndim == 1 else b  # (..., k, n)
    batch = np.broadcast_shapes(a2.shape[:-2], b2.shape[:-2])
    m, n = a2.shape[-2], b2.shape[-1]
    dropped = batch + ((m,) if a.ndim > 1 else ()) + ((n,) if b.ndim > 1 else ())
    has_shape("matmul_backward", "grad_output", grad_output, dropped)
    g = grad_output.reshape((*batch, m, n))
    ga = _sum_to(g @ np.swapaxes(b2, -1, -2), a2.shape).reshape(a.shape)
    gb = _sum_to(np.swapaxes(a2, -1, -2) @ g, b2.shape).reshape(b.shape)
    return ga, gb


def _check_linear(function: str, x: Array, weight: Array) -> None:
    has_ndim(function, "weight", weight, 2)
    if x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise value_error(function, "x", f"shape (..., {weight.shape[1]})", x.shape)


def linear(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    activation: str | None = None,
    out: Array | None = None,
) -> Array:
    """Fully connected layer: ``y = activation(x weight^T + bias)`` (PyTorch's ``linear``).

    Parameters
    ----------
    x : (..., in) array, float32 or float64
    weight : (out, in) array, x's dtype
    bias : (out,) array, optional
    activation : str, optional
        Applied to the result, with the defaults of the function of that name: "sigmoid", "tanh", "relu",
        "leaky_relu", "step", "hard_sigmoid", "relu6", "elu", "selu", "gelu", "gelu_tanh" (gelu with
        ``approximate="tanh"``), "silu", "mish", "softplus" or "softsign".
    out : (..., out) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (..., out) array

    Raises
    ------
    TypeError, ValueError
        A dtype or shape does not fit; the message names the argument.

    Examples
    --------
    >>> x, weight, bias = np.array([1.0, 2.0]), np.array([[1.0, 1.0], [0.0, -1.0]]), np.array([0.5, 0.0])
    >>> linear(x, weight, bias, activation="relu")
    array([3.5, 0. ])
    """
    if bias is None:
        x, weight = floats("linear", x=x, weight=weight)
    else:
        x, weight, bias = floats("linear", x=x, weight=weight, bias=bias)
    _check_linear("linear", x, weight)
    one_of("linear", "activation", activation, (None, *ACTIVATIONS))
    inputs = [x, weight]
    y = x @ weight.T  # (..., out)
    if bias is not None:
        has_shape("linear", "bias", bias, weight.shape[:1])
        inputs.append(bias)
        y = y + bias
    if activation is not None:
        y = ACTIVATIONS[activation](y)
    return deliver("linear", y, x.dtype, out, apart=inputs)


def linear_backward(
    grad_output: Array,
    x: Array,
    weight: Array,
    bias: Array | EllipsisType | None = ...,
    *,
    activation: str | None = None,
    output: Array | None = None,
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
        What `linear` gave, from which the derivative of most activations follows (all but "gelu",
        "gelu_tanh", "silu" and "mish").

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

    Examples
    --------
    >>> x, weight = np.array([[3.0, 4.0]]), np.array([[5.0, 6.0]])
    >>> gx, gweight, gbias = linear_backward(np.array([[2.0]]), x, weight)
    >>> gx.tolist(), gweight.tolist(), gbias.tolist()
    ([[10.0, 12.0]], [[6.0, 8.0]], [2.0])
    >>> y = linear(-x, weight, activation="relu")
    >>> linear_backward(np.array([[2.0]]), -x, weight, activation="relu", output=y)[0]
    array([[0., 0.]])
    """
    one_of("linear_backward", "activation", activation, (None, *ACTIVATIONS))
    from_output = output is not None and activation in FROM_OUTPUT
    if bias is ... and activation is not None and not from_output:
        raise TypeError(
            "linear_backward: bias: expected the forward's, None where it had none, for the activation's "
            "derivative; got none"
        )
    given = {"x": x, "weight": weight, "grad_output": grad_output}
    given |= {k: v for k, v in (("bias", bias), ("output", output)) if v is not None and v is not ...}
    arrays = dict(zip(given, floats("linear_backward", **given), strict=True))
    x, weight, grad_output = arrays["x"], arrays["weight"], arrays["grad_output"]
    _check_linear("linear_backward", x, weight)
    n_out, n_in = weight.shape
    has_shape("linear_backward", "grad_output", grad_output, (*x.shape[:-1], n_out))
    if "bias" in arrays:
        has_shape("linear_backward", "bias", arrays["bias"], (n_out,))
    if "output" in arrays:
        has_shape("linear_backward", "output", arrays["output"], grad_output.shape)
    if activation is not None:
        if from_output:
            grad_output = FROM_OUTPUT[activation](grad_output, arrays["output"])
        else:
            grad_output = BACKWARD[activation](grad_output, linear(x, weight, arrays.get("bias")))
    rows = int(np.prod(x.shape[:-1]))
    g2 = grad_output.reshape(rows, n_out)
    x2 = x.reshape(rows, n_in)
    return grad_output @ weight, g2.T @ x2, g2.sum(axis=0)
