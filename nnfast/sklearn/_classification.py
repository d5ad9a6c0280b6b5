"""What makes an estimator a classifier: labels, their weights, probabilities.

What this is: `Classifier`, the half that `MLPClassifier` and `NetworkClassifier` share.
What this is not: the network or its training.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import check_array, validate_data

from nnfast.losses import Loss
from nnfast.sklearn import _objective
from nnfast.sklearn._base import NetworkEstimator
from nnfast.sklearn._objective import Objective
from nnfast.sklearn._stochastic import HeldOut

Array = NDArray[Any]

BOUNDARY = np.zeros(1)  # of two classes' logit
SIGNS = {np.dtype(t): np.array([[-1, 1]], t) for t in ("f4", "f8")}  # it times these: each class's own logit


class Classifier(ClassifierMixin, NetworkEstimator):
    """Targets and predictions of classifiers; a subclass adds the network.

    Labels of more than two classes are indices (n,) for the engine; of two, or for several labels, they are
    columns of truth values (n, n_outputs_).
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **NetworkEstimator._parameter_constraints,
        "loss": [StrOptions({"log_loss"}), Loss, callable],
        "class_weight": [None, dict, list, StrOptions({"balanced"})],
    }
    loss: Any
    class_weight: Any
    _multilabel: bool

    # ---------------------------------------------------------------- targets

    @property
    def _multiclass(self) -> bool:
        return not self._multilabel and len(self.classes_) > 2

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            reset=reset,
            **self._shapes_taken,
        )
        y = self._checked_labels(y)
        known = hasattr(self, "classes_")
        if not known or not (self.warm_start or incremental):
            self._learn_classes(y)
        else:
            self._compare_classes(y)
        # Two outputs stay two where all labels are alike.
        columns = max(2, len(self.classes_)) if self._multiclass else 1
        self.n_outputs_ = y.shape[1] if self._multilabel else columns
        return X, self._encoded(y)

    def _checked_labels(self, y: Any) -> Array:
        """Labels (n,), or an indicator matrix, which `_multilabel` then says."""
        if sparse.issparse(y):
            y = y.toarray()
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind not in ("binary", "multiclass", "multilabel-indicator"):
            # The words that scikit-learn's own classifiers have for it.
            if kind.startswith("multiclass-multioutput"):
                raise ValueError("Multioutput target data is not supported with label binarization")
            raise ValueError(f"Unknown label type: {kind}. Are these values, not classes?")
        self._multilabel = kind == "multilabel-indicator"
        return y

    def _learn_classes(self, y: Array) -> None:
        self.classes_ = np.arange(y.shape[1]) if self._multilabel else np.unique(y)

    def _compare_classes(self, y: Array) -> None:
        classes = unique_labels(y)
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to "
                    f"fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _encoded(self, y: Array) -> Array:
        if self._multilabel:
            return y.astype(bool)
        codes: NDArray[np.int64] = np.searchsorted(self.classes_, y).astype(np.int64, copy=False)
        return codes if self._multiclass else codes.astype(bool).reshape(-1, 1)

    def _encode(self, y: Any) -> Array:
        before = self._multilabel
        y = self._checked_labels(check_array(y, ensure_2d=False, dtype=None, accept_sparse="csr"))
        if self._multilabel != before:
            self._multilabel = before
            raise ValueError("y_val: expected targets of the kind of y")
        if not self._multilabel and not np.isin(y, self.classes_).all():
            raise ValueError(f"y_val: expected classes of y, {self.classes_}, got {np.unique(y)}")
        return self._encoded(y)

    def _as_scored(self, y: Array) -> Array:
        return y if self._multilabel or self._multiclass else y[:, 0]

    def _sample_weight(self, sample_weight: Any, X: Any, y: Array) -> Array | None:
        weight = super()._sample_weight(sample_weight, X, y)
        if self.class_weight is None:
            return weight
        if isinstance(self.class_weight, str):
            of_class = self._balanced(y, weight)
        else:
            named: Any = y.astype(int) if self._multilabel else self.classes_[self._as_scored(y).astype(int)]
            of_class = compute_sample_weight(self.class_weight, named)
        return of_class if weight is None else weight * of_class

    def _balanced(self, y: Array, weight: Array | None) -> Array:
        """n / (k * what the class weighs) for each sample, k the classes there are; several labels multiply.

        King, Zeng, "Logistic regression in rare events data", 2001.
        """
        codes = y.astype(np.intp).T if self._multilabel else [self._as_scored(y).astype(np.intp)]
        found = np.ones(len(y))
        for code in codes:
            weighs = np.bincount(code, weight)
            present = np.count_nonzero(weighs)
            shares = np.divide(weighs.sum(), present * weighs, out=np.zeros(len(weighs)), where=weighs > 0)
            found *= shares[code]
        return found

    def _stratify(self, y: Array) -> Array | None:
        # As in scikit-learn: by the two classes, not for more or for several labels.
        return y if self.n_outputs_ == 1 else None

    def _objective(self) -> Objective:
        return _objective.of_classes(self.loss, self.n_outputs_, self._multiclass)

    # ---------------------------------------------------------------- predictions

    def _decided(self, outputs: Array) -> Array:
        """Codes of classes (n,), or truth values (n, n_outputs_) of several labels."""
        if self._multilabel:
            return outputs > 0
        if self.n_outputs_ > 1:
            return outputs.argmax(axis=1)
        # 1 for outputs above 0; for a few numbers a third of the time that a comparison and its cast take.
        return BOUNDARY.searchsorted(outputs.ravel())

    def _score_outputs(self, outputs: Array, held_out: HeldOut) -> float:
        right = self._decided(outputs) == held_out.y
        if self._multilabel:
            right = right.all(axis=1)
        return float(np.average(right, weights=held_out.weight))

    def predict(self, X: Any, check_input: bool = True) -> Array:
        """The classes of samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        check_input : bool, default=True
            Whether X is validated. Without, it must be a float32 or float64 array without NaN, dense and in
            the order of C, or a sparse matrix: nobody looks.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            Of `classes_`; for several labels truth values 0 and 1.
        """
        decided = self._decided(self._outputs(X, check_input))
        if self._multilabel:
            return decided.astype(int)
        if len(self.classes_) == 1:
            decided = np.zeros(len(decided), np.intp)
        return self.classes_.take(decided)

    def predict_proba(self, X: Any, check_input: bool = True) -> Array:
        """Probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        check_input : bool, default=True
            As for `predict`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; for several labels each one's own.
        """
        outputs = self._outputs(X, check_input)
        if self.n_outputs_ == 1 and not self._multilabel:
            # 1 / (1 + exp(z)) is 1 - 1 / (1 + exp(-z)), without its cancellation. A single sample's product
            # takes half the time; that of some samples warns where a logit is infinite.
            one = len(outputs) == 1
            outputs = (
                outputs.dot(SIGNS[outputs.dtype]) if one else np.concatenate((-outputs, outputs), axis=1)
            )
        return self._machine.objective.predictions(outputs)

    def predict_log_proba(self, X: Any, check_input: bool = True) -> Array:
        """Logarithms of the probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        check_input : bool, default=True
            As for `predict`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        found = self.predict_proba(X, check_input)
        return np.log(found, out=found)

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
        """Train on samples and their classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is trained in float32, everything else in float64.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Classes, or for several labels an indicator matrix.
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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Go once over the samples.

        Parameters
        ----------
        X, y, sample_weight : array-likes
            As for `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes that later calls may bring; needed in the first call.

        Returns
        -------
        self
        """
        _check_partial_fit_first_call(self, classes)
        return self._fit(X, y, sample_weight, True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
