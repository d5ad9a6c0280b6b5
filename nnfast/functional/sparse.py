"""The fully connected layer on sparse samples, with its gradients."""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol, overload

from numpy.typing import ArrayLike

from .. import _core
from .options import Array

if TYPE_CHECKING:
    from typing import Literal


class CSR(Protocol):
    """A matrix in compressed rows, as SciPy's csr_array and csr_matrix are."""

    data: Any
    indices: Any
    indptr: Any
    shape: Any


def sparse_linear(
    x: CSR,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    activation: str | None = None,
    out: Array | None = None,
) -> Array:
    """Fully connected layer of a sparse matrix: ``activation(x @ weight.T + bias)``.

    Parameters
    ----------
    x : (n, in) matrix in compressed rows, of float32 or float64 numbers
        SciPy's csr_array or csr_matrix, or any object with its `data`, `indices`, `indptr` (int32 or int64)
        and `shape`. Columns may come in any order, and more than once: then their numbers are added. Nothing
        is copied.
    weight : (out, in) array of x's dtype
        PyTorch's layout. Read without a copy where its transpose is C-contiguous, as that of
        ``weight = w.T`` and of a model's `Linear` is.
    bias : (out,) array of x's dtype, optional
    activation : str, optional
        As for `linear`.
    out : (n, out) array of x's dtype, optional
        Receives the result; apart from the inputs.

    Returns
    -------
    (n, out) array of x's dtype

    Raises
    ------
    TypeError
        `x` is no matrix in compressed rows (SciPy's other formats have a method `tocsr`), or a dtype or the
        activation does not fit.
    ValueError
        A shape or the activation does not fit, `indptr` falls or leads beyond the numbers, or a column lies
        outside the matrix. Nothing has been written then.

    Notes
    -----
    Row i of the result is the sum of ``x[i, j] * weight[:, j]`` over the numbers of row i, in their order.
    ``torch.nn.functional.linear`` of a tensor of layout ``sparse_csr``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> from scipy.sparse import csr_array
    >>> x = csr_array(np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]))
    >>> weight, bias = np.array([[1.0, 3.0, 1.0], [1.0, -1.0, 1.0]]), np.array([0.5, 1.0])
    >>> nf.sparse_linear(x, weight, bias, activation="relu")
    array([[6.5, 0. ],
           [0.5, 1. ]])
    """
    return _core.sparse_linear(x, weight, bias, activation, out)


@overload
def sparse_linear_backward(
    grad_output: ArrayLike,
    x: CSR,
    weight: ArrayLike,
    bias: ArrayLike | EllipsisType | None = ...,
    *,
    activation: str | None = ...,
    output: ArrayLike | None = ...,
    sparse_grad: Literal[False] = ...,
) -> tuple[Array, Array, Array]: ...


@overload
def sparse_linear_backward(
    grad_output: ArrayLike,
    x: CSR,
    weight: ArrayLike,
    bias: ArrayLike | EllipsisType | None = ...,
    *,
    activation: str | None = ...,
    output: ArrayLike | None = ...,
    sparse_grad: Literal[True],
) -> tuple[Array, tuple[Array, Array], Array]: ...


def sparse_linear_backward(
    grad_output: ArrayLike,
    x: CSR,
    weight: ArrayLike,
    bias: ArrayLike | EllipsisType | None = ...,
    *,
    activation: str | None = None,
    output: ArrayLike | None = None,
    sparse_grad: bool = False,
) -> Any:
    """Gradients of `sparse_linear`.

    G is `grad_output`, times the activation's derivative where there is one.

    Parameters
    ----------
    grad_output : (n, out) array
    x : (n, in) matrix in compressed rows
    weight : (out, in) array
    bias : (out,) array or None
        As for `linear_backward`.
    activation : str, optional
        The forward's.
    output : (n, out) array, optional
        What `sparse_linear` gave; as for `linear_backward`.
    sparse_grad : bool
        Give the weight's gradient for the columns alone in which x has numbers; that of all others is 0.

    Returns
    -------
    gdata : array of the shape of ``x.data``
        Of each stored number: ``G[i] @ weight[:, j]``.
    gweight : (out, in) array, or (columns, values)
        ``G.T @ x``. With `sparse_grad` the k columns, ascending, and an (out, k) array: the gradient there.
    gbias : (out,) array

    Raises
    ------
    TypeError, ValueError
        As for `sparse_linear` and `linear_backward`.

    Notes
    -----
    Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.5.6. Rows are added in their order, so the
    result is the same at any number of threads.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> from scipy.sparse import csr_array
    >>> x = csr_array(np.array([[0.0, 2.0, 0.0], [0.0, 5.0, 0.0]]))
    >>> g, weight = np.array([[1.0], [10.0]]), np.array([[1.0, 3.0, 1.0]])
    >>> gdata, gweight, gbias = nf.sparse_linear_backward(g, x, weight)
    >>> gdata.tolist(), gweight.tolist(), gbias.tolist()
    ([3.0, 30.0], [[0.0, 52.0, 0.0]], [11.0])
    >>> columns, values = nf.sparse_linear_backward(g, x, weight, sparse_grad=True)[1]
    >>> columns.tolist(), values.tolist()
    ([1], [[52.0]])
    """
    return _core.sparse_linear_backward(grad_output, x, weight, bias, activation, output, sparse_grad)
