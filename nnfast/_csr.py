"""Sparse samples as models take them: matrices in compressed rows, SciPy's or like them.

What this is: `Csr`, the four attributes that the engine reads, with the length and slices that arrays have.
What this is not: a look at every index, which the engine takes before it computes, nor any arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PARTS = ("data", "indices", "indptr", "shape")


def is_sparse(x: Any) -> bool:
    """Whether it is a sparse matrix of any format."""
    if isinstance(x, (np.ndarray, list, tuple, dict)):
        return False
    return hasattr(x, "indptr") or (hasattr(x, "nnz") and hasattr(x, "tocsr"))


class Csr:
    """The parts of a matrix in compressed rows, not copied; numbers other than floats become float64.

    Raises
    ------
    TypeError, ValueError
        For another format, missing parts, or no matrix of numbers; the message names `owner` and `name`.
    """

    ndim = 2

    def __init__(self, owner: str, name: str, x: Any) -> None:
        if getattr(x, "format", "csr") != "csr" or not all(hasattr(x, part) for part in PARTS):
            got = f"format {x.format}: call its tocsr()" if hasattr(x, "format") else type(x).__name__
            raise TypeError(f"{owner}: {name}: expected a sparse matrix in compressed rows, got {got}")
        data = np.asarray(x.data)
        if data.dtype.kind not in "fiub":
            raise TypeError(
                f"{owner}: {name}: expected float, integer or bool numbers, got dtype {data.dtype}"
            )
        self.data: Array = data if data.dtype in (np.float32, np.float64) else data.astype(np.float64)
        self.indices, self.indptr = np.asarray(x.indices), np.asarray(x.indptr)
        self.shape: tuple[int, ...] = tuple(map(int, x.shape))
        if len(self.shape) != 2:
            raise ValueError(f"{owner}: {name}: expected a matrix, got shape {self.shape}")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Csr:
        """Some rows that follow each other, of the same numbers."""
        first, last, _ = rows.indices(len(self))
        part = object.__new__(Csr)
        part.data, part.indices = self.data, self.indices
        part.indptr = self.indptr[first : max(first, last) + 1]
        part.shape = (len(part.indptr) - 1, self.shape[1])
        return part
