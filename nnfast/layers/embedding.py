"""Embedding: a trained vector for each of a number of symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnfast import _checks
from nnfast.initializers import Initializer
from nnfast.layers.base import ParameterLayer


class Embedding(ParameterLayer):
    """Every integer of a sample becomes a trained vector: (n, ...) to (n, ..., embedding_dim).

    Parameters
    ----------
    num_embeddings : int
        Rows of the table; samples hold 0 <= index < num_embeddings.
    embedding_dim : int
        Length of a vector.
    padding_idx : int, optional
        A row that starts at 0 and is not trained; counted from the end when negative.
    weight_init : str or callable, optional
        See `nnfast.initializers`; by default N(0, 1), as in PyTorch.
    l1, l2 : float >= 0
        l1 * sum |w| + l2 * sum w^2 over the weight is added to the loss.
    max_norm : float > 0, optional
        After every update each vector is scaled down to this Euclidean norm.
    name : str, optional
        Stands for the layer's number in `state_dict`.

    Attributes
    ----------
    weight : array (num_embeddings, embedding_dim)

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range; in training and prediction for a batch with an index that is
        no integer or out of range, before its step changes anything.

    Notes
    -----
    A model converts its samples to its own dtype. float32 holds integers up to 2**24 exactly, which bounds
    num_embeddings there; float64 goes to 2**53. Unlike PyTorch's, `max_norm` acts after updates, on all rows,
    not when a row is looked up. The gradient is dense: (num_embeddings, embedding_dim).

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> model = nf.Sequential(nf.Embedding(10, 3), nf.Flatten(), nf.Linear(6, 2), input_shape=2, seed=0)
    >>> model.predict(np.array([[1, 7]])).shape
    (1, 2)
    """

    _op = "embedding"

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        weight_init: str | Initializer | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        max_norm: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(False, weight_init, None, name, l1, l2, max_norm)
        self.num_embeddings = _checks.integer("Embedding", "num_embeddings", num_embeddings, 1)
        self.embedding_dim = _checks.integer("Embedding", "embedding_dim", embedding_dim, 1)
        if padding_idx is not None:
            rows = self.num_embeddings
            padding_idx = _checks.integer("Embedding", "padding_idx", padding_idx, -rows, rows - 1) % rows
        self.padding_idx = padding_idx

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        padding = -1 if self.padding_idx is None else self.padding_idx
        return {
            "num_embeddings": self.num_embeddings,
            "embedding_dim": self.embedding_dim,
            "padding_idx": padding,
        }

    def _initialize(self, params: dict[str, NDArray[Any]], rng: np.random.Generator) -> None:
        weight = params["weight"]
        if self.weight_init is None:
            weight[...] = rng.standard_normal(weight.shape)
        else:
            self._fill(weight, "weight_init", self.weight_init, rng)
        if self.padding_idx is not None:
            weight[self.padding_idx] = 0

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [
            ("num_embeddings", self.num_embeddings, ...),
            ("embedding_dim", self.embedding_dim, ...),
            ("padding_idx", self.padding_idx, None),
            ("l1", self.l1, 0.0),
            ("l2", self.l2, 0.0),
            ("max_norm", self.max_norm, None),
        ]
