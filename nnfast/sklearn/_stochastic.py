"""Training by mini-batches, with scikit-learn's learning rates, stopping rule and attributes.

What this is: the loop over epochs of the solvers "sgd", "adam" and nnfast's other optimizers.
What this is not: the steps of an epoch (`_machine`), nor L-BFGS (`_lbfgs`).
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

import nnfast as nf
from nnfast._fit import Interrupts
from nnfast.callbacks.base import CallbackList
from nnfast.optimizers import Optimizer
from nnfast.progress import Progress, make_progress
from nnfast.sklearn._machine import Machine
from nnfast.sklearn._objective import reported_loss

Array = NDArray[Any]

# Names of optimizers besides scikit-learn's two; each with nnfast's defaults but for the learning rate, and
# SparseAdam with what Adam takes.
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adamw": nf.AdamW,
    "nadam": nf.NAdam,
    "rmsprop": nf.RMSprop,
    "adagrad": nf.Adagrad,
    "adadelta": nf.Adadelta,
    "sparse_adam": nf.SparseAdam,
}


def make_optimizer(estimator: Any) -> Optimizer:
    """The optimizer that an estimator's parameters describe; a copy of one that was given."""
    e = estimator
    if isinstance(e.solver, Optimizer):
        return copy.deepcopy(e.solver)
    named = isinstance(e.learning_rate, str)
    rate = e.learning_rate_init if named else copy.deepcopy(e.learning_rate)
    if e.solver == "sgd":
        momentum = float(e.momentum)
        return nf.SGD(rate, momentum, nesterov=bool(e.nesterovs_momentum and momentum > 0))
    betas, eps = (float(e.beta_1), float(e.beta_2)), float(e.epsilon)
    if e.solver == "adam":
        return nf.Adam(rate, betas, eps, eps_hat=True)
    if e.solver == "sparse_adam":
        return nf.SparseAdam(rate, betas, eps)
    return OPTIMIZERS[e.solver](rate)


class Rate:
    """The learning rate and scikit-learn's rules for it; an estimator's `_optimizer`.

    Attributes
    ----------
    learning_rate : float
        At present; nan where a schedule of nnfast decides.
    """

    def __init__(self, estimator: Any, machine: Machine) -> None:
        self.machine = machine
        optimizer = make_optimizer(estimator)
        self._named = isinstance(estimator.solver, str) and isinstance(estimator.learning_rate, str)
        # As in scikit-learn, where only SGD has schedules.
        self.schedule = estimator.learning_rate if self._named and estimator.solver == "sgd" else "constant"
        self.power_t = estimator.power_t
        self.initial = estimator.learning_rate_init
        self.learning_rate = float(estimator.learning_rate_init if self._named else np.nan)
        machine.compile(optimizer)

    def _set(self, rate: float) -> None:
        if rate != self.learning_rate and rate > 0:
            assert self.machine.model.optimizer is not None
            self.machine.model.optimizer.lr = rate
            self.machine.scale_velocity(self.learning_rate / rate)
        self.learning_rate = rate

    def epoch_ends(self, samples: int) -> None:
        """`samples` have been seen since the weights were drawn."""
        if self.schedule == "invscaling":
            self._set(float(self.initial) / (samples + 1) ** self.power_t)

    def stops(self, message: str, verbose: Any) -> bool:
        """Whether training ends because nothing improved; otherwise the learning rate is lowered."""
        if self.schedule != "adaptive":
            stops, what = True, "Stopping."
        elif self.learning_rate <= 1e-6:
            stops, what = True, "Learning rate too small. Stopping."
        else:
            self._set(self.learning_rate / 5.0)
            stops, what = False, f"Setting learning rate to {self.learning_rate:f}"
        if verbose:
            print(f"{message} {what}")
        return stops


@dataclass
class Samples:
    """Encoded data of a fit: samples, targets as the engine takes them, weights, and the rows in use."""

    X: Any
    y: Array
    weight: Array | None
    rows: NDArray[np.int64] | None = None  # None: all

    def __len__(self) -> int:
        return int(self.X.shape[0]) if self.rows is None else len(self.rows)


@dataclass
class HeldOut:
    """What the score of an epoch is taken of: targets as `score` compares them with predictions."""

    X: Any
    y: Any
    weight: Array | None


def hold_out(
    estimator: Any, data: Samples, y_score: Any, stratify: Array | None, random_state: Any
) -> tuple[Samples, HeldOut]:
    """Set `validation_fraction` aside, the rows that scikit-learn would choose."""
    n = data.X.shape[0]
    train, held = train_test_split(
        np.arange(n),
        random_state=random_state,
        test_size=estimator.validation_fraction,
        stratify=stratify,
    )
    if len(held) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    weight = None if data.weight is None else data.weight[held]
    return Samples(data.X, data.y, data.weight, train), HeldOut(data.X[held], y_score[held], weight)


def batch_size_of(estimator: Any, n: int) -> int:
    """Samples a step."""
    if estimator.batch_size == "auto":
        return min(200, n)
    if estimator.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=2
        )
    return int(np.clip(estimator.batch_size, 1, n))


class Loop:
    """The epochs of one call of `fit` or `partial_fit`."""

    def __init__(
        self, estimator: Any, machine: Machine, data: Samples, held_out: HeldOut | None, batch: int
    ) -> None:
        self.estimator, self.machine, self.data, self.held_out = estimator, machine, data, held_out
        self.batch = batch
        self.n = len(data)
        constants = machine.objective.constants(data.y)
        self.constants = constants
        self.progress: Progress | None = None
        self.callbacks: CallbackList | None = None
        self.best: list[Array] | None = None
        self.interrupts = Interrupts()

    def run(self, random_state: Any, incremental: bool) -> None:
        """Train; afterwards the weights are the last, or with early stopping the best."""
        e = self.estimator
        epochs = 1 if incremental else e.max_iter
        if e.callbacks is not None:
            self.callbacks = CallbackList(e.callbacks)
        model = self.machine.model
        model.stop_training = False
        if e.progress:
            self.progress = make_progress("fit", 1, epochs, -(-self.n // self.batch))
        try:
            if self.callbacks is not None:
                self.callbacks.begin(model)
            with self.interrupts:
                self._epochs(random_state, epochs, incremental)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        finally:
            if self.progress is not None:
                self.progress.close()
        if self.callbacks is not None:
            self.callbacks.end({"loss": e.loss_})
        if e.early_stopping and self.best is not None:
            self.machine.restore(self.best)

    def _epochs(self, random_state: Any, epochs: int, incremental: bool) -> None:
        e, model, n = self.estimator, self.machine.model, self.n
        rate: Rate = e._optimizer
        rows = np.arange(n, dtype=np.int64) if self.data.rows is None else self.data.rows
        order = np.arange(n, dtype=np.int64)
        e.n_iter_ = 0
        for epoch in range(epochs):
            if e.shuffle:
                # scikit-learn's use of the random numbers: each order is a shuffle of the one before.
                order = order[random_state.permutation(n)]
            if self.callbacks is not None:
                self.callbacks.begin_epoch(epoch)
            if self.progress is not None:
                self.progress.begin(epoch + 1)
            if not self._epoch(rows[order] if self.data.rows is not None else order):
                return
            e.n_iter_ += 1
            e.t_ += n
            self._look(epoch)
            rate.epoch_ends(e.t_)
            model._epochs_trained += 1
            if e._no_improvement_count > e.n_iter_no_change:
                what = "Validation score" if e.early_stopping else "Training loss"
                message = (
                    f"{what} did not improve more than tol={e.tol:f} for {e.n_iter_no_change} "
                    "consecutive epochs."
                )
                if rate.stops(message, e.verbose):
                    return
                e._no_improvement_count = 0
            if incremental or model.stop_training:
                return
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({e.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
            stacklevel=2,
        )

    def _epoch(self, order: NDArray[np.int64]) -> bool:
        """Train on the samples in this order; False when the loss ceased to be a number."""
        e, data = self.estimator, self.data
        try:
            totals = self.machine.train_epoch(
                data.X, data.y, data.weight, order, self.batch, self.interrupts, self.progress, self.callbacks
            )
        except FloatingPointError:
            self._diverged()
            return False
        if self.interrupts.raised:
            raise KeyboardInterrupt
        e.loss_ = reported_loss(self.machine.objective, totals, self.n, self._constant(order))
        e.loss_curve_.append(e.loss_)
        return True

    def _diverged(self) -> None:
        """From here on scikit-learn's losses and scores would all be NaN."""
        e = self.estimator
        e.n_iter_ += 1
        e.loss_ = float("nan")
        e.loss_curve_.append(e.loss_)
        if self.held_out is not None:
            e.validation_scores_.append(float("nan"))
        if not e.early_stopping or self.best is None:
            raise ValueError(NOT_FINITE)
        warnings.warn(
            f"Stochastic Optimizer: the loss was no finite number at iteration {e.n_iter_}; the weights are "
            "those of the best iteration before.",
            ConvergenceWarning,
            stacklevel=2,
        )

    def _constant(self, order: NDArray[np.int64]) -> float:
        """The part of the epoch's loss that no weight changes."""
        if self.constants is None:
            return 0.0
        values = self.constants[order]
        if self.data.weight is None:
            return float(values.mean())
        weights = self.data.weight[order]
        starts = np.arange(0, self.n, self.batch)
        means = np.add.reduceat(values * weights, starts) / np.add.reduceat(weights, starts)
        return float((means * np.diff(np.append(starts, self.n))).sum() / self.n)

    def _look(self, epoch: int) -> None:
        """What the epoch's end says and shows: loss, score, whether it improved."""
        e = self.estimator
        if e.verbose:
            print(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
        logs = {"loss": e.loss_}
        if self.held_out is not None:
            score = e._score_held_out(self.held_out)
            e.validation_scores_.append(score)
            logs["val_score"] = score
            if e.verbose:
                print(f"Validation score: {score:f}")
            better = score > e.best_validation_score_
            if e.early_stopping:
                worse = score < e.best_validation_score_ + e.tol
                e._no_improvement_count = e._no_improvement_count + 1 if worse else 0
                if better:
                    self.best = self.machine.snapshot()
            if better:
                e.best_validation_score_ = score
        if not e.early_stopping:
            worse = e.loss_ > e.best_loss_ - e.tol
            e._no_improvement_count = e._no_improvement_count + 1 if worse else 0
            e.best_loss_ = min(e.best_loss_, e.loss_)
        if self.progress is not None:
            self.progress.end(logs, 0.0)
        if self.callbacks is not None:
            self.callbacks.end_epoch(epoch, logs)


NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)
