"""Outputs of shape (n, classes, d1, ...), PyTorch's for segmentation, as one row a position for the core.

What this is not: a loss; nor needed for the usual (n, classes), which passes as it is.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .options import Array


class Rows:
    """Arguments of a class loss, `input`, `target` and `sample_weight`, with one row for each position.

    Raises ValueError where the target's or the weights' shape does not fit an input of more than 2 axes; all
    else is left to the core.

    Examples
    --------
    >>> rows = Rows("nll_loss", np.zeros((2, 3, 4, 5)), np.zeros((2, 4, 5), int), None)
    >>> rows.input.shape, rows.target.shape, rows.losses(np.zeros(40)).shape
    ((40, 3), (40,), (2, 4, 5))
    """

    def __init__(
        self, function: str, input: ArrayLike, target: ArrayLike, sample_weight: ArrayLike | None
    ) -> None:
        self.function = function
        self.shape: tuple[int, ...] | None = None  # of the positions; None: the rows are given as they are
        self.input: Any = input
        self.target: Any = target
        self.sample_weight: Any = sample_weight
        if isinstance(input, np.ndarray) and input.ndim > 2:
            self._flatten(input, np.asarray(target))

    def _flatten(self, input: Array, target: Array) -> None:
        classes = input.shape[1]
        self.shape = (input.shape[0], *input.shape[2:])
        self.input = np.moveaxis(input, 1, -1).reshape(prod(self.shape), classes)
        if target.dtype.kind in "iu":
            self._expect("target", target, self.shape)
            self.target = target.reshape(-1)
        else:
            self._expect("target", target, input.shape)
            self.target = np.moveaxis(target, 1, -1).reshape(self.input.shape)
        if self.sample_weight is not None:
            weight = np.asarray(self.sample_weight)
            self._expect("sample_weight", weight, self.shape[:1])
            self.sample_weight = np.repeat(weight, prod(self.shape[1:]))

    def _expect(self, name: str, array: Array, shape: tuple[int, ...]) -> None:
        if array.shape != shape:
            raise ValueError(f"{self.function}: {name}: expected shape {shape}, got {array.shape}")

    def grad_output(self, value: ArrayLike, reduction: str) -> Any:
        """The gradient of what follows: a number for each row for "none"."""
        if self.shape is None or reduction != "none":
            return value
        array = np.asarray(value)
        self._expect("grad_output", array, self.shape)
        return array.reshape(-1)

    def losses(self, loss: Any) -> Any:
        """A row's losses back at their positions; one number as it is."""
        return loss if self.shape is None or np.ndim(loss) == 0 else loss.reshape(self.shape)

    def gradient(self, rows: Array) -> Array:
        """The gradient of the rows as one of the input, with its layout."""
        if self.shape is None:
            return rows
        return np.ascontiguousarray(np.moveaxis(rows.reshape(*self.shape, rows.shape[-1]), -1, 1))
