"""`fit`, `partial_fit` and the outputs of all estimators.

What this is: `NetworkEstimator`, what the four share: the course of a fit, and what is kept between calls.
What this is not: targets and predictions (`_classification`, `_regression`), the networks themselves (`_mlp`,
`_wrapped`), or the loops of training (`_stochastic`, `_lbfgs`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._metadata_requests import UNUSED
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

import nnfast as nf
from nnfast import _core, config
from nnfast.model import Model
from nnfast.optimizers import Optimizer
from nnfast.schedules import Schedule
from nnfast.sklearn import _data
from nnfast.sklearn._lbfgs import run_lbfgs
from nnfast.sklearn._machine import PREDICTED, Machine
from nnfast.sklearn._objective import Objective
from nnfast.sklearn._stochastic import (
    NOT_FINITE,
    OPTIMIZERS,
    HeldOut,
    Loop,
    Rate,
    Samples,
    batch_size_of,
    hold_out,
)

Array = NDArray[Any]


class NetworkEstimator(BaseEstimator, ABC):
    """Base of the estimators; use its subclasses.

    A subclass's `__init__` calls `_store(locals())`: its arguments become attributes, unchanged.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "solver": [StrOptions({"lbfgs", "sgd", "adam", *OPTIMIZERS}), Optimizer],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"}), Schedule, callable],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [None, "array-like", callable, nf.callbacks.Callback],
        "progress": ["boolean"],
        "n_threads": [None, Interval(Integral, 1, None, closed="left")],
    }
    # What may be said about a call is no metadata.
    __metadata_request__predict: ClassVar[dict[str, Any]] = {"check_input": UNUSED}
    __metadata_request__predict_proba: ClassVar[dict[str, Any]] = {"check_input": UNUSED}
    __metadata_request__predict_log_proba: ClassVar[dict[str, Any]] = {"check_input": UNUSED}

    # What samples a fit takes: options of validate_data.
    _shapes_taken: ClassVar[dict[str, Any]]

    # Types of the parameters and attributes that the code here reads.
    solver: Any
    warm_start: bool
    early_stopping: bool
    random_state: Any
    n_threads: int | None
    classes_: Array
    n_features_in_: int
    n_outputs_: int
    n_iter_: int
    t_: int
    loss_: float
    _machine: Machine
    _no_improvement_count: int

    def _store(self, given: dict[str, Any]) -> None:
        """Arguments of `__init__` as attributes."""
        for name, value in given.items():
            if name != "self" and not name.startswith("__"):
                setattr(self, name, value)

    # ---------------------------------------------------------------- what subclasses say

    @abstractmethod
    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        """Validated samples, and targets as the engine takes them: labels (n,) or numbers (n, n_outputs_)."""

    @abstractmethod
    def _encode(self, y: Any) -> Array:
        """Targets of a validation set as the engine takes them."""

    @abstractmethod
    def _objective(self) -> Objective:
        """What is minimised, for the targets that have been seen."""

    @abstractmethod
    def _build(self, X: Any, random_state: Any) -> Machine:
        """A network with its first weights; sets the attributes that describe it."""

    @abstractmethod
    def _ensure_machine(self) -> Machine:
        """The network with the weights that the estimator's attributes hold."""

    @abstractmethod
    def _score_outputs(self, outputs: Array, held_out: HeldOut) -> float:
        """Accuracy or R2 of the network's outputs."""

    @abstractmethod
    def _is_built(self) -> bool:
        """Whether there are weights already."""

    def _is_current(self) -> bool:
        """Whether the network has the weights that the attributes show."""
        return "_machine" in self.__dict__

    def _check_architecture(self) -> None:
        """Raise ValueError for parameters that make no network."""

    def _sample_weight(self, sample_weight: Any, X: Any, y: Array) -> Array | None:
        """Validated weights of the samples, those of their classes included."""
        if sample_weight is None:
            return None
        weights: Array = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if (weights < 0).any():
            raise ValueError(f"sample_weight: expected numbers >= 0, got {weights.min():g}")
        if not weights.any():  # scikit-learn's words, which older versions of it do not say themselves
            raise ValueError("Sample weights must contain at least one non-zero number.")
        return weights

    def _stratify(self, y: Array) -> Array | None:
        """Classes that a validation set has in the same proportion."""
        return None

    # ---------------------------------------------------------------- fit

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        incremental: bool,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> Any:
        self._check_architecture()
        first_pass = not self._is_built() or (not self.warm_start and not incremental)
        X, y = self._validate_input(X, y, incremental, reset=first_pass)
        weight = self._sample_weight(sample_weight, X, y)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        random_state = check_random_state(self.random_state)
        stochastic = self.solver != "lbfgs"
        if first_pass:
            self._machine = self._build(X, random_state)
        machine = self._ensure_machine()
        machine.set_objective(self._objective())
        held_out = self._given_validation(*validation)
        if first_pass:
            self.n_iter_ = self.t_ = 0
            if stochastic:
                self._reset_records(held_out is not None)
        data = Samples(_data.as_rows(X), self._as_trained(y), weight)
        with self._threads():
            if stochastic:
                self._fit_stochastic(machine, data, held_out, incremental, random_state)
            else:
                run_lbfgs(self, machine, data)
        if not machine.all_finite():
            raise ValueError(NOT_FINITE)
        return self

    def _reset_records(self, validated: bool) -> None:
        """Attributes that grow from one warm start to the next."""
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        scored = validated or self.early_stopping
        self.validation_scores_: list[float] | None = [] if scored else None
        self.best_validation_score_ = -np.inf if scored else None
        self.best_loss_ = None if self.early_stopping else np.inf

    def _continue_records(self, validated: bool) -> None:
        """Those that the parameters of an earlier call did not ask for begin here."""
        if "loss_curve_" not in self.__dict__:
            self._reset_records(validated)
        if validated and self.__dict__.get("validation_scores_") is None:
            self.validation_scores_, self.best_validation_score_ = [], -np.inf
        if not self.early_stopping and self.best_loss_ is None:
            self.best_loss_ = np.inf

    def _fit_stochastic(
        self, machine: Machine, data: Samples, held_out: HeldOut | None, incremental: bool, random_state: Any
    ) -> None:
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = Rate(self, machine)
        if self.early_stopping and held_out is None:
            data, held_out = hold_out(
                self, data, self._as_scored(data.y), self._stratify(data.y), random_state
            )
        self._continue_records(held_out is not None)
        batch = batch_size_of(self, len(data))
        Loop(self, machine, data, held_out, batch).run(random_state, incremental)

    def _as_trained(self, y: Array) -> Array:
        """Encoded targets as the network that was built takes them."""
        return y

    def _as_scored(self, y: Array) -> Array:
        """Encoded targets as `_score_outputs` compares them."""
        return y

    def _given_validation(self, X: Any, y: Any, weight: Any) -> HeldOut | None:
        """Validation data of the user's, validated and encoded."""
        if X is None and y is None:
            return None
        if X is None or y is None:
            raise ValueError("X_val and y_val: expected both or none of them")
        X = self._validated(X)
        encoded = self._encode(y)
        if len(encoded) != X.shape[0]:
            raise ValueError(f"y_val: expected {X.shape[0]} targets, as X_val has, got {len(encoded)}")
        return HeldOut(_data.as_rows(X), self._as_scored(encoded), self._sample_weight(weight, X, encoded))

    def _score_held_out(self, held_out: HeldOut) -> float:
        outputs = self._machine.outputs(held_out.X)
        if not np.isfinite(outputs).all():
            return float("nan")
        return float(self._score_outputs(outputs, held_out))

    def _threads(self) -> AbstractContextManager[None]:
        return nullcontext() if self.n_threads is None else config.num_threads(int(self.n_threads))

    # ---------------------------------------------------------------- outputs

    def _validated(self, X: Any) -> Any:
        """Samples checked as scikit-learn does; quickly when there is nothing to convert."""
        if _core.finite_samples(X, self.n_features_in_) and not hasattr(self, "feature_names_in_"):
            return X
        return validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)

    def _outputs(self, X: Any, check_input: bool = True) -> Array:
        """What the network puts out for the samples, (n, n_outputs_)."""
        state = self.__dict__
        if self._is_current() and self.n_threads is None and "feature_names_in_" not in state:
            # Few rows that are as the engine wants them: a microsecond matters. All else takes the long way.
            core = state["_machine"].model._core
            now: Array | None = None if core is None else core.predict_now(X, PREDICTED, check_input)
            if now is not None:
                return now
        check_is_fitted(self)
        if check_input:
            X = self._validated(X)
        machine = self._ensure_machine()
        if self.n_threads is None:
            return machine.outputs(_data.as_rows(X))
        with self._threads():
            return machine.outputs(_data.as_rows(X))

    @property
    def model_(self) -> Model:
        """The trained network, a `nnfast.Model`; `model_.save(path)` writes it to a file."""
        check_is_fitted(self)
        return self._ensure_machine().model

    def __sklearn_is_fitted__(self) -> bool:
        return self._is_built() and hasattr(self, "n_features_in_")

    def _has_partial_fit(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
            )
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
