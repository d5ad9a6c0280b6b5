"""The fully connected layer on sparse samples, with its gradients.

A matrix in compressed rows is a list of numbers with their rows and columns. All sums run over that list:
y[i] += x * W[:, j]^T, dx = G[i] . W[:, j], dW[:, j] += x * G[i]^T for each number x in row i and column j.
"""

from types import EllipsisType
from typing import Any

import numpy as np

from .checks import Array, deliver, floats, has_ndim, has_shape, one_of, value_error
from .dense import linear_backward
from .fused import ACTIVATIONS, FROM_OUTPUT


def _integers(function: str, name: str, values: Any) -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{function}: x: {name}: expected integers, got dtype {array.dtype}")
    has_ndim(function, name, array, 1)
    return array.astype(np.int64)


def _entries(function: str, x: Any) -> tuple[Array, Array, Array, tuple[int, int]]:
    """The stored numbers, the row (-1: none) and column of each, and the matrix's shape."""
    if getattr(x, "format", "csr") != "csr":
        raise TypeError(
            f"{function}: x: expected a sparse matrix in compressed rows, got format {x.format}: call its "
            "tocsr()"
        )
    for name in ("data", "indices", "indptr", "shape"):
        if not hasattr(x, name):
            raise TypeError(
                f"{function}: x: expected a sparse matrix in compressed rows, with data, indices, indptr and "
                f"shape; got {type(x).__name__} without {name}"
            )
    (data,) = floats(function, x=x.data)
    indices, indptr = _integers(function, "indices", x.indices), _integers(function, "indptr", x.indptr)
    if len(x.shape) != 2:
        raise value_error(function, "x", "a matrix of shape (rows, columns)", x.shape)
    rows, columns = map(int, x.shape)
    has_ndim(function, "x", data, 1)
    has_shape(function, "indices", indices, data.shape)
    has_shape(function, "indptr", indptr, (rows + 1,))
    ends = np.concatenate([[0], indptr, [len(data)]])
    if (np.diff(ends) < 0).any():
        raise value_error(function, "x: indptr", f"numbers that rise from 0 to at most {len(data)}", indptr)
    outside = (indices < 0) | (indices >= columns)
    if outside.any():
        raise value_error(function, "x: indices", f"columns 0..{columns - 1}", indices[outside][0])
    row_of = np.full(len(data), -1)
    row_of[indptr[0] : indptr[-1]] = np.repeat(np.arange(rows), np.diff(indptr))
    return data, row_of, indices, (rows, columns)


def _dense(entries: tuple[Array, Array, Array, tuple[int, int]]) -> Array:
    data, rows, columns, shape = entries
    x = np.zeros(shape, data.dtype)
    held = rows >= 0
    np.add.at(x, (rows[held], columns[held]), data[held])
    return x


def dense(function: str, x: Any) -> Array:
    """A checked matrix in compressed rows with all its zeros."""
    return _dense(_entries(function, x))


def _check(function: str, data: Array, shape: tuple[int, int], weight: Array) -> None:
    has_ndim(function, "weight", weight, 2)
    has_shape(function, "weight", weight, (weight.shape[0], shape[1]))


def sparse_linear(
    x: Any,
    weight: Array,
    bias: Array | None = None,
    *,
    activation: str | None = None,
    out: Array | None = None,
) -> Array:
    """Fully connected layer of a sparse matrix: ``y = activation(x weight^T + bias)``.

    Parameters
    ----------
    x : (n, in) matrix in compressed rows, of float32 or float64 numbers
        An object with SciPy's `data`, `indices`, `indptr` and `shape`.
    weight : (out, in) array of x's dtype
    bias : (out,) array, optional
    activation : str, optional
        As for `linear`.
    out : (n, out) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, out) array

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, an index or the activation does not fit; the message names the argument.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> x = SimpleNamespace(data=np.array([2.0]), indices=[1], indptr=[0, 1, 1], shape=(2, 3))
    >>> sparse_linear(x, np.array([[1.0, 3.0, 1.0]]), np.array([0.5]))
    array([[6.5],
           [0.5]])
    """
    entries = _entries("sparse_linear", x)
    data, rows, columns, shape = entries
    given = {"x": data, "weight": weight} | ({} if bias is None else {"bias": bias})
    arrays = dict(zip(given, floats("sparse_linear", **given), strict=True))
    weight = arrays["weight"]
    _check("sparse_linear", data, shape, weight)
    one_of("sparse_linear", "activation", activation, (None, *ACTIVATIONS))
    y = np.zeros((shape[0], weight.shape[0]), data.dtype)
    if bias is not None:
        has_shape("sparse_linear", "bias", arrays["bias"], weight.shape[:1])
        y += arrays["bias"]
    held = rows >= 0
    np.add.at(y, rows[held], data[held, np.newaxis] * weight.T[columns[held]])
    if activation is not None:
        y = ACTIVATIONS[activation](y)
    return deliver("sparse_linear", y, data.dtype, out, apart=list(arrays.values()))


def sparse_linear_backward(
    grad_output: Array,
    x: Any,
    weight: Array,
    bias: Array | EllipsisType | None = ...,
    *,
    activation: str | None = None,
    output: Array | None = None,
    sparse_grad: bool = False,
) -> tuple[Array, Any, Array]:
    """Gradients of `sparse_linear`, by `linear_backward` of the dense matrix.

    Parameters
    ----------
    grad_output : (n, out) array
    x : (n, in) matrix in compressed rows
    weight : (out, in) array
    bias, activation, output
        As for `linear_backward`.
    sparse_grad : bool
        Give the weight's gradient for the columns alone in which x has numbers.

    Returns
    -------
    gdata : array of the shape of ``x.data``
    gweight : (out, in) array, or the k columns, ascending, and an (out, k) array
    gbias : (out,) array

    Raises
    ------
    TypeError, ValueError
        As for `sparse_linear` and `linear_backward`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> x = SimpleNamespace(data=np.array([2.0]), indices=[1], indptr=[0, 1], shape=(1, 3))
    >>> gdata, gweight, gbias = sparse_linear_backward(np.array([[10.0]]), x, np.array([[1.0, 3.0, 1.0]]))
    >>> gdata.tolist(), gweight.tolist(), gbias.tolist()
    ([30.0], [[0.0, 20.0, 0.0]], [10.0])
    """
    function = "sparse_linear_backward"
    entries = _entries(function, x)
    data, rows, columns, shape = entries
    given = {"x": data, "weight": weight, "grad_output": grad_output}
    arrays = dict(zip(given, floats(function, **given), strict=True))
    _check(function, data, shape, arrays["weight"])
    has_shape(function, "grad_output", arrays["grad_output"], (shape[0], len(arrays["weight"])))
    one_of(function, "activation", activation, (None, *ACTIVATIONS))
    if bias is ... and activation is not None and (output is None or activation not in FROM_OUTPUT):
        raise TypeError(
            f"{function}: bias: expected the forward's, None where it had none, for the activation's "
            "derivative; got none"
        )
    gx, gweight, gbias = linear_backward(
        grad_output, _dense(entries), weight, bias, activation=activation, output=output
    )
    gdata = np.where(rows >= 0, gx[rows, columns] if shape[0] else 0, 0).astype(data.dtype)
    if not sparse_grad:
        return gdata, gweight, gbias
    touched = np.unique(columns[rows >= 0])
    return gdata, (touched, gweight[:, touched]), gbias
