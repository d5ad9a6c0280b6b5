"""Samples as the estimators take them: dense arrays and sparse matrices, whole or some rows at a time.

What this is: the rows of a sparse matrix made dense piece by piece, never the whole of it, for what is not
done in batches; batches are the engine's business.
What this is not: validation of what comes from outside (`_base`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]

# Bytes of a sparse matrix's rows that are dense at a time.
DENSE_BYTES = 1 << 22


def as_rows(X: Any) -> Any:
    """A dense array as it is; a sparse matrix with quick access to rows."""
    return sparse.csr_array(X) if sparse.issparse(X) else X


def pieces(X: Any, itemsize: int) -> Iterator[tuple[Array, slice]]:
    """(rows as a dense array, which rows)."""
    step = max(1, DENSE_BYTES // max(1, X.shape[1] * itemsize))
    for first in range(0, X.shape[0], step):
        rows = slice(first, first + step)
        yield X[rows].toarray(), rows
