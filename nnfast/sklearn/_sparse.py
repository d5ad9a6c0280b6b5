"""Sparse samples through a first linear layer without ever being dense.

What this is: the products of the first layer with a CSR matrix, by SciPy, and the rest of the network, of
which a model of its own makes the outputs and the gradients; the engine's model of the whole network keeps
all weights and makes the optimizer's steps, which go over all weights.
What this is not: for networks that begin with another layer, nor for matrices of which more than a tenth is
not zero: their rows are made dense some at a time (`_data`).
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import nnfast as nf
from nnfast.layers import Linear
from nnfast.model import Model
from nnfast.sequential import Sequential
from nnfast.sklearn._objective import Objective

Array = NDArray[Any]

DENSEST = 0.1  # the share of numbers that are not 0 from which on dense products are quicker

ROWS = 4096  # of the weights' gradient made at a time: what stays in the caches


def fits(model: Model, X: Any) -> bool:
    """Whether the first layer can work on X as it is."""
    if not sparse.issparse(X) or not isinstance(model, Sequential) or len(model.layers) < 2:
        return False
    first = model.layers[0]
    size = X.shape[0] * X.shape[1]
    return isinstance(first, Linear) and first.has_bias and X.nnz <= DENSEST * size


class SparseNetwork:
    """A model split behind its first layer; the weights stay those of the model."""

    def __init__(self, model: Model) -> None:
        self.core = core = model._ensure_model("fit")
        first, *rest = model.layers
        self.weight = first._views["weight"].T  # (features, size), dense
        self.bias = first._views["bias"]
        layers = [copy.deepcopy(layer) for layer in rest]
        for layer in layers:
            layer.name = None
        self.rest = nf.Sequential(
            *layers, input_shape=self.weight.shape[1], dtype=model.dtype, seed=model.seed
        )
        self.tail = self.rest._ensure_model("fit")
        # Of the whole network, and the same of its rest.
        self.params = [view for _, _, view in core.params()][2:]
        self.tail_params = [view for _, _, view in self.tail.params()]
        self.buffers = [view for _, _, view in core.buffers()]
        self.tail_buffers = [view for _, _, view in self.tail.buffers()]
        for number in range(len(self.tail_params)):
            self.tail.set_regularizer(number)  # penalties are added here
        gradients = core.gradients()
        self.weight_gradient, self.bias_gradient = gradients[0].T, gradients[1]
        self.gradients, self.tail_gradients = gradients[2:], self.tail.gradients()
        self.begin()

    def begin(self) -> None:
        """Take over weights and running statistics."""
        for mine, whole in zip(self.tail_params, self.params, strict=True):
            mine[...] = whole
        for mine, whole in zip(self.tail_buffers, self.buffers, strict=True):
            mine[...] = whole

    def end(self) -> None:
        """Give back running statistics."""
        for mine, whole in zip(self.tail_buffers, self.buffers, strict=True):
            whole[...] = mine

    def _hidden(self, X: Any) -> Array:
        """X @ weight + bias."""
        hidden = np.asarray(X @ self.weight, self.bias.dtype)
        hidden += self.bias
        return hidden

    def outputs(self, X: Any, rows: int) -> Array:
        """Predictions for a sparse matrix, `rows` samples at a time."""
        out = np.empty((X.shape[0], *self.rest.output_shape), self.bias.dtype)
        for first in range(0, X.shape[0], rows):
            chosen = slice(first, first + rows)
            out[chosen] = self.tail.predict(self._hidden(X[chosen]), rows)
        return out

    def gradient(
        self, X: Any, y: Array, weight: Array | None, objective: Objective, penalty: float
    ) -> tuple[float, Array]:
        """The batch's loss, with alpha = `penalty`, and the outputs; the engine then holds the gradients.

        Raises
        ------
        FloatingPointError
            If the loss is not finite.
        """
        for mine, whole in zip(self.tail_params, self.params, strict=True):
            mine[...] = whole
        self.tail.step_count = self.core.step_count  # the masks of dropout
        outputs = self.tail.forward(self._hidden(X), training=True)
        value, slope = objective.value_and_gradient(y, outputs, weight)
        total = float(X.shape[0] if weight is None else weight.sum())
        share = penalty / total if total > 0 else 0.0
        value += 0.5 * share * self._squares()
        if not np.isfinite(value):
            raise FloatingPointError(f"loss is {value}")
        delta = self.tail.backward(slope, need_input_grad=True)
        np.multiply(self.weight, share, out=self.weight_gradient)
        touched, columns = np.unique(X.indices, return_inverse=True)
        narrow = sparse.csr_array((X.data, columns, X.indptr), shape=(X.shape[0], len(touched))).T.tocsr()
        for first in range(0, len(touched), ROWS):
            part = slice(first, first + ROWS)
            self.weight_gradient[touched[part]] += narrow[part] @ delta
        delta.sum(axis=0, out=self.bias_gradient)
        for whole, mine, param in zip(self.gradients, self.tail_gradients, self.params, strict=True):
            whole[...] = mine
            if param.ndim > 1 and share:
                whole += share * param
        return value, outputs

    def _squares(self) -> float:
        views = [self.weight, *(param for param in self.params if param.ndim > 1)]
        return float(sum(np.vdot(view, view) for view in views))
