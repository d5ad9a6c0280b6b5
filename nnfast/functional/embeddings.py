"""Embedding: rows of a table by their numbers, and the gradient of the table."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def embedding(
    indices: ArrayLike, weight: ArrayLike, padding_idx: int | None = None, *, out: Array | None = None
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

    Notes
    -----
    Bengio et al., "A neural probabilistic language model", 2003.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.embedding(np.array([1, 0, 1]), np.array([[0.0], [10.0]]))
    array([[10.],
           [ 0.],
           [10.]])
    """
    return _core.embedding(indices, weight, padding_idx, out)


def embedding_backward(
    grad_output: ArrayLike, indices: ArrayLike, weight: ArrayLike, padding_idx: int | None = None
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

    Notes
    -----
    The transpose of choosing rows, a product with one-hot vectors: Bengio et al., "A neural probabilistic
    language model", 2003. Sums run in the order of the indices.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.embedding_backward(np.ones((3, 1)), np.array([1, 0, 1]), np.zeros((2, 1)))
    array([[1.],
           [2.]])
    """
    return _core.embedding_backward(grad_output, indices, weight, padding_idx)
