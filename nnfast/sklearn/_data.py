"""Samples as the estimators take them: dense arrays and sparse matrices, whole or a batch at a time.

What this is: the rows of a sparse matrix made dense piece by piece, never the whole of it.
What this is not: validation of what comes from outside (`_base`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]

# Bytes of a sparse matrix's rows that are dense at a time, unless a single batch takes more.
DENSE_BYTES = 1 << 22


def as_rows(X: Any) -> Any:
    """A dense array as it is; a sparse matrix with quick access to rows."""
    return sparse.csr_array(X) if sparse.issparse(X) else X


def pieces(X: Any, order: Array | None, batch: int, itemsize: int) -> Iterator[tuple[Array, Any]]:
    """(rows as a dense array, which rows) of whole batches that are dense at a time.

    `order` None: rows 0, 1, ...
    """
    n = X.shape[0] if order is None else len(order)
    batches = max(1, DENSE_BYTES // max(1, batch * X.shape[1] * itemsize))
    step = batches * batch
    for first in range(0, n, step):
        rows = slice(first, min(first + step, n)) if order is None else order[first : first + step]
        yield X[rows].toarray(), rows
