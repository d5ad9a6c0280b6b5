"""Samples as the estimators take them: dense arrays and sparse matrices, whole or a batch at a time.

What this is: the quick check of arrays that need no conversion, and the rows of a sparse matrix made dense
piece by piece, never the whole of it.
What this is not: scikit-learn's validation, which everything else goes through.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]

# Bytes of a sparse matrix's rows that are dense at a time, unless a single batch takes more.
DENSE_BYTES = 1 << 22


def ready(X: Any, n_features: int) -> bool:
    """Whether X is what validation would return as it is: finite float32 or float64 (n, n_features)."""
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype.char not in "fd" or not X.flags.c_contiguous:
        return False
    n, features = X.shape
    if features != n_features or n == 0:
        return False
    # A sum of squares that overflows says nothing: validation then looks at every number.
    flat = X.reshape(-1)
    return math.isfinite(flat.dot(flat))


def as_rows(X: Any) -> Any:
    """A dense array as it is; a sparse matrix with quick access to rows."""
    return sparse.csr_array(X) if sparse.issparse(X) else X


def take(X: Any, rows: Any) -> Any:
    """Some of the samples."""
    return X[rows]


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
