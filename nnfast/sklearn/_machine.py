"""The network behind an estimator: a model and its engine, with what the solvers ask of them.

What this is: an epoch, a loss with its gradient, and predictions as calls of the engine, for dense and sparse
samples; the weights as they were at the best epoch.
What this is not: when to stop, which learning rate (`_stochastic`), or what scikit-learn calls things.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nnfast._fit import Interrupts, train_piece
from nnfast._samples import Data, Piece, steps_of
from nnfast.callbacks.base import CallbackList
from nnfast.model import Model
from nnfast.optimizers import Optimizer
from nnfast.progress import Progress
from nnfast.sklearn import _data
from nnfast.sklearn._objective import Objective

Array = NDArray[Any]

PREDICTED = 256  # samples at a time


class Machine:
    """A model that is compiled for an objective."""

    def __init__(self, model: Model, objective: Objective, penalty: float | None) -> None:
        self.model = model
        self.set_objective(objective)
        self.penalty = penalty  # alpha of the weights; None: the layers' own penalties, per batch
        self.compile(model.optimizer or "sgd")

    def set_objective(self, objective: Objective) -> None:
        """Train for this from now on."""
        self.objective = objective

    def compile(self, optimizer: str | Optimizer) -> None:
        """Start an optimizer without any state."""
        self.model.compile(optimizer, self.objective.loss)
        task = self.model._task
        task.weights = [self.objective.share] * len(task.weights)
        self._hand_over()

    def _hand_over(self) -> None:
        core = self.model._ensure_model("fit")
        self.model._task.hand_over(core, self.model._output_shapes)
        self.set_penalty(self.penalty)

    def set_penalty(self, penalty: float | None) -> None:
        """alpha / 2 times the squared weights, divided by the batch's weight."""
        self.penalty = penalty
        core = self.core
        core.set_penalty_in_mean(penalty is not None)
        if penalty is not None:
            # In custom training the engine does not know what a batch weighs: `_custom_gradient` does.
            l2 = 0.0 if self.objective.custom is not None else penalty / 2
            for number, _ in self._penalized():
                core.set_regularizer(number, l2=l2)

    def _penalized(self) -> list[tuple[int, Array]]:
        """Number and view of the parameters that alpha counts for."""
        params = enumerate(self.core.params())
        return [(number, view) for number, (_, name, view) in params if name == "weight" and view.ndim > 1]

    @property
    def core(self) -> Any:
        """The engine's model."""
        return self.model._ensure_model("fit")

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._hand_over()

    # ---------------------------------------------------------------- weights

    def weights(self) -> list[Array]:
        """Views of everything that training changes, running statistics included."""
        core = self.core
        return [view for _, _, view in core.params() + core.buffers()]

    def snapshot(self) -> list[Array]:
        """Copies of all weights."""
        return [view.copy() for view in self.weights()]

    def restore(self, saved: list[Array]) -> None:
        """The weights of a snapshot."""
        for view, array in zip(self.weights(), saved, strict=True):
            view[...] = array

    def all_finite(self) -> bool:
        """Whether every weight is a number."""
        return all(np.isfinite(view).all() for view in self.weights())

    def scale_velocity(self, factor: float) -> None:
        """SGD's momentum, in which the engine keeps gradients and scikit-learn steps: at a new learning rate
        the same step is other gradients."""
        for velocity in self.core.states(0):
            velocity *= factor

    # ---------------------------------------------------------------- training

    def train_epoch(
        self,
        X: Any,
        y: Array,
        weight: Array | None,
        order: NDArray[np.int64],
        batch: int,
        interrupts: Interrupts,
        progress: Progress | None = None,
        callbacks: CallbackList | None = None,
    ) -> Any:
        """One pass over the samples in this order, unless Ctrl-C or a callback ends it; the engine's sums."""
        totals = self.model._new_totals()
        if self.objective.custom is not None:
            self._train_custom(X, y, weight, order, batch, totals)
            return totals
        piece = Piece(Data(X, y, weight), order, 0, steps_of(len(order), batch))
        progress, callbacks = progress or Progress(), callbacks or CallbackList(None)
        train_piece(self.model, self.core, piece, batch, 0, totals, progress, interrupts, callbacks)
        return totals

    def _train_custom(
        self, X: Any, y: Array, weight: Array | None, order: NDArray[np.int64], batch: int, totals: Any
    ) -> None:
        for first in range(0, len(order), batch):
            chosen = order[first : first + batch]
            value = self._gradient_by_hand(X[chosen], y[chosen], None if weight is None else weight[chosen])
            self.model._sync_optimizer(self.core)
            self.core.step()
            totals.objective += value * len(chosen)
            totals.samples += len(chosen)
            totals.steps += 1

    def _gradient_by_hand(self, rows: Any, y: Array, weight: Array | None) -> float:
        """The loss of a batch by functions of arrays, the user's among them, and its penalties where the
        engine has none; the engine then holds the gradient."""
        outputs = self.core.forward(rows, training=True)
        value, gradient = self.objective.value_and_gradient(y, outputs, weight)
        if not np.isfinite(value):
            raise FloatingPointError(f"loss is {value}")
        self.core.backward(gradient)
        if not self.penalty:
            return float(value)
        share = self.penalty / float(rows.shape[0] if weight is None else weight.sum())
        gradients = self.core.gradients()
        for number, view in self._penalized():
            value += 0.5 * share * float(np.square(view).sum())
            gradients[number] += share * view
        return float(value)

    def loss_and_gradients(self, X: Any, y: Array, weight: Array | None) -> tuple[float, list[Array]]:
        """The mean loss of all samples without penalties, and its gradients in the order of the parameters.

        Of a sparse matrix some rows at a time.
        """
        if not sparse.issparse(X) or self.core.stays_sparse(X):
            return self._loss_of(X, y, weight), self.core.gradients()
        total, parts, weighs = 0.0, None, 0.0
        for rows, chosen in _data.pieces(X, self.model.dtype.itemsize):
            w = None if weight is None else weight[chosen]
            share = float(len(rows) if w is None else w.sum())
            if share == 0:
                continue
            total += share * self._loss_of(rows, y[chosen], w)
            gradients = self.core.gradients()
            if parts is None:
                parts = [share * gradient for gradient in gradients]
            else:
                for part, gradient in zip(parts, gradients, strict=True):
                    part += share * gradient
            weighs += share
        assert parts is not None
        for part in parts:
            part /= weighs
        return total / weighs, parts

    def _loss_of(self, rows: Any, y: Array, weight: Array | None) -> float:
        """The loss of one batch; its gradients stay in the engine."""
        if self.objective.custom is not None or sparse.issparse(rows):
            self.core.step_count = 0  # the same dropout masks at every call
            return self._gradient_by_hand(rows, y, weight)
        # A step of length 0: forward, loss and backward in one call of the engine.
        self.model._sync_optimizer(self.core)
        totals = self.model._new_totals()
        self.core.step_count = 0  # the same dropout masks at every call
        self.core.train(rows, y, None, len(rows), 0, 1, 0.0, totals, weight)
        return float(totals.objective / len(rows))

    # ---------------------------------------------------------------- prediction

    def outputs(self, X: Any) -> Array:
        """What the network puts out for the samples: before the link, dropout off."""
        if sparse.issparse(X):
            outputs: Array = self.core.predict(X, PREDICTED)
            return outputs
        shape = self.model._input_shape
        if X.shape[1:] != shape:
            X = X.reshape(len(X), *shape)  # type: ignore[misc]
        return self.model.predict(X, PREDICTED)
