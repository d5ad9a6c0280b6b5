"""Embedding: rows of a table by their numbers, and the gradient of the table.

Choosing row i is the product of the table with a one-hot vector, so the gradient of a row is the sum of the
gradients of all places that chose it (Bengio et al.: "A neural probabilistic language model", 2003).
"""

from typing import Any

import numpy as np

from .checks import Array, deliver, floats, has_ndim, has_shape, integer_in, value_error


def _checked(function: str, indices: Any, weight: Array, padding_idx: Any) -> tuple[Array, int | None]:
    indices = np.asarray(indices)
    has_ndim(function, "weight", weight, 2)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{function}: indices: expected integers, got {indices.dtype}")
    rows = len(weight)
    outside = indices[(indices < 0) | (indices >= rows)]
    if outside.size:
        raise value_error(function, "indices", f"0..{rows - 1}", outside[0])
    if padding_idx is None:
        return indices, None
    return indices, integer_in(function, "padding_idx", padding_idx, -rows, rows - 1) % rows


def embedding(
    indices: Array, weight: Array, padding_idx: int | None = None, *, out: Array | None = None
) -> Array:
    """The rows of `weight` that `indices` name.

    Parameters
    ----------
    indices : array of integers, any shape
        0 <= index < rows.
    weight : (rows, dim) array, float32 or float64
    padding_idx : int, optional
        A row whose gradient is 0; counted from the end when negative. Does not change the result.
    out : array (*indices.shape, dim) of weight's dtype, optional

    Returns
    -------
    array (*indices.shape, dim)

    Raises
    ------
    TypeError, ValueError
        `indices` are no integers or out of range, or a dtype or shape does not fit.

    Examples
    --------
    >>> embedding(np.array([1, 0, 1]), np.array([[0.0], [10.0]]))
    array([[10.],
           [ 0.],
           [10.]])
    """
    (weight,) = floats("embedding", weight=weight)
    indices, _ = _checked("embedding", indices, weight, padding_idx)
    return deliver("embedding", weight[indices], weight.dtype, out, apart=(weight,))


def embedding_backward(
    grad_output: Array, indices: Array, weight: Array, padding_idx: int | None = None
) -> Array:
    """Gradient of `embedding` with respect to `weight`, as a dense array.

    Parameters
    ----------
    grad_output : array (*indices.shape, dim)
    indices : array of integers
    weight : (rows, dim) array
        Its shape alone is used.
    padding_idx : int, optional

    Returns
    -------
    (rows, dim) array

    Raises
    ------
    TypeError, ValueError
        As `embedding`.

    Examples
    --------
    >>> embedding_backward(np.ones((3, 1)), np.array([1, 0, 1]), np.zeros((2, 1)))
    array([[1.],
           [2.]])
    """
    weight, grad_output = floats("embedding_backward", weight=weight, grad_output=grad_output)
    indices, padding = _checked("embedding_backward", indices, weight, padding_idx)
    has_shape("embedding_backward", "grad_output", grad_output, (*indices.shape, weight.shape[1]))
    gradient = np.zeros_like(weight)
    np.add.at(gradient, indices, grad_output)
    if padding is not None:
        gradient[padding] = 0
    return gradient
