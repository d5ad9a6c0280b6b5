"""What makes an estimator a regressor: values as targets and predictions.

What this is: `Regressor`, the half that `MLPRegressor` and `NetworkRegressor` share.
What this is not: the network or its training.
"""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, validate_data

from nnfast.losses import Loss
from nnfast.sklearn import _objective
from nnfast.sklearn._base import NetworkEstimator
from nnfast.sklearn._objective import Objective
from nnfast.sklearn._stochastic import HeldOut

Array = NDArray[Any]


class Regressor(RegressorMixin, NetworkEstimator):
    """Targets and predictions of regressors; a subclass adds the network."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **NetworkEstimator._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson", "absolute_error", "huber"}), Loss, callable],
    }
    loss: Any

    # ---------------------------------------------------------------- targets

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            reset=reset,
            **self._shapes_taken,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        outputs = 1 if y.ndim == 1 else y.shape[1]
        if not reset and outputs != self.n_outputs_:
            raise ValueError(f"y: expected {self.n_outputs_} values a sample, as before, got {outputs}")
        self.n_outputs_ = outputs
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(f"y: expected values >= 0 for the loss 'poisson', got {y.min():g}")
        return X, y.reshape(len(y), -1)

    def _encode(self, y: Any) -> Array:
        y = check_array(y, ensure_2d=False, dtype="numeric")
        return y.reshape(len(y), -1)

    def _objective(self) -> Objective:
        return _objective.of_values(self.loss, self._output_activation, self.n_outputs_)

    @property
    def _output_activation(self) -> str:
        return "auto"

    # ---------------------------------------------------------------- predictions

    def _score_outputs(self, outputs: Array, held_out: HeldOut) -> float:
        predicted = self._machine.objective.predictions(outputs)
        return float(r2_score(held_out.y, predicted, sample_weight=held_out.weight))

    def predict(self, X: Any, check_input: bool = True) -> Array:
        """Values for samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        check_input : bool, default=True
            Whether X is validated. Without, it must be a float32 or float64 array without NaN, dense and in
            the order of C, or a sparse matrix: nobody looks.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        outputs = self._outputs(X, check_input)
        found = self._machine.objective.predictions(outputs)
        return found.ravel() if found.shape[1] == 1 else found

    # ---------------------------------------------------------------- training

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Train on samples and their values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is trained in float32, everything else in float64.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            A sample of weight 2 counts as two.
        X_val, y_val, sample_weight_val : array-likes, default=None
            Scored after each epoch: `validation_scores_`; with `early_stopping` instead of a part of X.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, False, (X_val, y_val, sample_weight_val))

    @available_if(lambda self: self._has_partial_fit())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Go once over the samples.

        Parameters
        ----------
        X, y, sample_weight : array-likes
            As for `fit`.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, True)
