"""Metrics: numbers that say how good outputs are, beside the loss.

What this is: "accuracy" (with losses of two classes also by Keras's name, "binary_accuracy"), "mae", "mse"
and "rmse" as `compile(metrics=[...])` takes them (summed up by the engine while it trains and evaluates, at
no extra pass over the data), and the same as functions of arrays.
Any `metric(y_true, y_pred) -> float` may be given in their place; it costs a prediction of the whole data
set. So do "precision", "recall", "f1", "auc", "r2" and "top_<k>_accuracy". All count samples by their
weights; a function is given these if it takes an argument `sample_weight`, as scikit-learn's do.
What this is not: losses, which are minimised.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast import _weights
from nnfast._prefetch import aside
from nnfast._scores import auc, f1, precision, r2, recall, top_k_accuracy
from nnfast.losses import BINARY_KINDS, CLASS_KINDS, SCORE_KINDS

if TYPE_CHECKING:
    from nnfast._core import Totals

Metric: TypeAlias = Callable[..., float]

__all__ = [
    "accuracy",
    "auc",
    "f1",
    "mae",
    "mse",
    "precision",
    "r2",
    "recall",
    "rmse",
    "top_k_accuracy",
]

_SCORES: dict[str, Metric] = {"auc": auc, "f1": f1, "precision": precision, "r2": r2, "recall": recall}
LARGE = 2**18  # samples from which on a score may take longer than Ctrl-C should wait
_THRESHOLDED = ("f1", "precision", "recall")


def accuracy(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of samples whose largest output is the right class.

    Parameters
    ----------
    y_true : array (n,) of labels, or (n, classes) of probabilities
    y_pred : array (n, classes)
        Logits or probabilities.
    sample_weight : (n,) numbers >= 0, optional
        What each sample counts; a weight of 2 is the sample twice.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> accuracy([0, 1], [[0.9, 0.1], [0.8, 0.2]])
    0.5
    """
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    if pred.ndim != 2 or not (true.shape == pred.shape or true.size == pred.shape[0]):
        raise ValueError(
            "accuracy: expected y_pred (n, classes) and y_true (n,) or (n, classes), "
            f"got {pred.shape} and {true.shape}"
        )
    labels = true.argmax(axis=1) if true.shape == pred.shape else true.reshape(-1)
    return _mean("accuracy", pred.argmax(axis=1) == labels, sample_weight)


def _mean(name: str, values: NDArray[Any], sample_weight: ArrayLike | None) -> float:
    """The mean of values (n, ...), whose rows count by their weights."""
    weights = _weights.of_samples(name, sample_weight, len(values))
    return float(np.mean(values if weights is None else np.average(values, axis=0, weights=weights)))


def _errors(name: str, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    """The differences (n, outputs)."""
    true, pred = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
    if true.size != pred.size or true.shape[:1] != pred.shape[:1]:
        raise ValueError(f"{name}: expected y_true of y_pred's shape {pred.shape}, got {true.shape}")
    return (pred.reshape(-1) - true.reshape(-1)).reshape(len(pred), -1)


def mae(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Mean absolute error.

    Parameters
    ----------
    y_true, y_pred : arrays of one shape
        A last axis of 1 may be missing from one of them.
    sample_weight : (n,) numbers >= 0, optional
        As in `accuracy`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    return _mean("mae", np.abs(_errors("mae", y_true, y_pred)), sample_weight)


def mse(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Mean squared error.

    Parameters
    ----------
    y_true, y_pred : arrays of one shape
        A last axis of 1 may be missing from one of them.
    sample_weight : (n,) numbers >= 0, optional
        As in `accuracy`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    return _mean("mse", np.square(_errors("mse", y_true, y_pred)), sample_weight)


def rmse(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Root of the mean squared error.

    Parameters
    ----------
    y_true, y_pred : arrays of one shape
        A last axis of 1 may be missing from one of them.
    sample_weight : (n,) numbers >= 0, optional
        As in `accuracy`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> rmse([1.0, 2.0], [1.0, 2.0])
    0.0
    """
    return math.sqrt(mse(y_true, y_pred, sample_weight=sample_weight))


def _right(totals: Totals) -> float:
    return totals.correct / (totals.weight or math.nan)


# From the engine's sums to the metric.
_FROM_TOTALS: dict[str, Callable[[Totals], float]] = {
    "accuracy": _right,
    "binary_accuracy": _right,
    "mae": lambda t: t.abs_error / (t.weight * t.outputs or math.nan),
    "mse": lambda t: t.squared_error / (t.weight * t.outputs or math.nan),
    "rmse": lambda t: math.sqrt(t.squared_error / (t.weight * t.outputs or math.nan)),
}


def by_name(name: str) -> Metric | None:
    """The function of outputs behind a name, None for the engine's and unknown ones."""
    found = re.fullmatch(r"top_([1-9][0-9]{0,8})_accuracy", name)
    if found is not None:
        return functools.partial(top_k_accuracy, k=int(found[1]))
    return _SCORES.get(name)


def loss_of(totals: Totals, reduction: str) -> float:
    """The mean, or the sum, of the losses in `totals`."""
    return totals.loss if reduction == "sum" else totals.loss / (totals.loss_weight or math.nan)


class MetricSet:
    """The metrics of a compiled model: the engine's, by name, and the user's callables."""

    def __init__(self, metrics: str | Metric | Sequence[str | Metric]) -> None:
        listed = [metrics] if isinstance(metrics, str) or callable(metrics) else list(metrics)
        self.native: list[str] = []
        self.callables: dict[str, Metric] = {}
        self.names: list[str] = []
        self._options: dict[str, dict[str, Any]] = {}  # of the named ones, by what the loss says of outputs
        self.named: set[str] = set()  # of the callables, those given by name
        for metric in listed:
            if isinstance(metric, str) and (score := by_name(metric)) is not None:
                name = metric
                self.callables[name] = score
                self.named.add(name)
            elif isinstance(metric, str):
                if metric not in _FROM_TOTALS:
                    known = ", ".join(repr(n) for n in (*_FROM_TOTALS, *_SCORES, "top_<k>_accuracy"))
                    raise ValueError(f"compile: metrics: expected {known} or a callable, got {metric!r}")
                name = metric
                self.native.append(name)
            elif callable(metric):
                name = getattr(metric, "__name__", type(metric).__name__)
                self.callables[name] = metric
            else:
                raise TypeError(f"compile: metrics: expected names and callables, got {metric!r}")
            if name in self.names or name == "loss":
                raise ValueError(f"compile: metrics: the name {name!r} occurs more than once")
            self.names.append(name)
        self._weighted = {name for name, metric in self.callables.items() if _takes_weights(metric)}

    def check(self, loss_kind: str, output_shape: tuple[int, ...]) -> None:
        """Raise ValueError where a metric would have no meaning for this loss and output."""
        # Of one output a sample, or several of which each is asked about, above it is the positive class.
        several = {"multilabel": loss_kind in BINARY_KINDS and output_shape != (1,)}
        threshold = {"threshold": 0.0 if loss_kind in SCORE_KINDS else 0.5, **several}
        self._options = dict.fromkeys(_THRESHOLDED, threshold)
        self._options["auc"] = {"from_logits": loss_kind == "cross_entropy", **several}
        for name in sorted(self.named):
            if name == "r2" and loss_kind in CLASS_KINDS:
                raise ValueError(
                    "compile: metrics: 'r2' compares outputs with targets, not with class labels"
                )
            known = output_shape in ((1,), (2,)) or loss_kind in (*CLASS_KINDS, *BINARY_KINDS)
            if name == "auc" and not known:
                raise ValueError(
                    "compile: metrics: 'auc' of more than two outputs needs a loss of classes, such as "
                    f"'cross_entropy', not {loss_kind!r}; this model's output has the shape {output_shape}"
                )
            if name.startswith("top_") and (
                len(output_shape) != 1 or int(name.split("_")[1]) > output_shape[0]
            ):
                raise ValueError(
                    f"compile: metrics: {name!r} needs at least as many outputs; this model's output has the "
                    f"shape {output_shape}"
                )
        for name in self.native:
            if name == "binary_accuracy":
                if loss_kind not in BINARY_KINDS:
                    raise ValueError(
                        "compile: metrics: 'binary_accuracy' needs a loss of two classes, such as "
                        "'binary_cross_entropy'; with others use 'accuracy'"
                    )
            elif name == "accuracy":
                if loss_kind not in BINARY_KINDS and (len(output_shape) != 1 or output_shape[0] < 2):
                    raise ValueError(
                        "compile: metrics: 'accuracy' compares the largest of two or more outputs with the "
                        f"label; this model's output has the shape {output_shape}. Give the model an output "
                        "a class, or a callable metric(y_true, y_pred)"
                    )
            elif loss_kind in CLASS_KINDS:
                raise ValueError(
                    f"compile: metrics: {name!r} compares outputs with targets and needs a loss such as "
                    "'mse_loss'; with class labels use 'accuracy'"
                )

    def values(self, totals: Totals) -> dict[str, float]:
        """The engine's metrics of the samples in `totals`."""
        return {name: float(_FROM_TOTALS[name](totals)) for name in self.native}

    def call(
        self, y_true: NDArray[Any], y_pred: NDArray[Any], w: NDArray[Any] | None, ignored: int | None = None
    ) -> dict[str, float]:
        """The callables' values, checked to be numbers; those of nnfast leave out targets `ignored`."""
        logs = {}
        counted = y_true, y_pred, w
        if ignored is not None and self.named and not (keep := y_true != ignored).all():
            counted = y_true[keep], y_pred[keep], None if w is None else w[keep]
        nothing = len(counted[0]) == 0 or not (counted[2] is None or counted[2].any())
        for name, metric in self.callables.items():
            if name in self.named:
                true, pred, weights = counted
                options = {"sample_weight": weights, **self._options.get(name, {})}
                score = functools.partial(metric, true, pred, **options)
                value = math.nan if nothing else score() if len(true) < LARGE else aside(score)
            elif name in self._weighted:
                value = metric(y_true, y_pred, sample_weight=w)
            else:
                value = metric(y_true, y_pred)
            try:
                logs[name] = float(value)
            except (TypeError, ValueError):
                raise TypeError(f"metric {name}: expected a number back, got {value!r}") from None
        return logs


def _takes_weights(metric: Metric) -> bool:
    try:
        return "sample_weight" in inspect.signature(metric).parameters
    except (TypeError, ValueError):  # some of those written in C have none
        return False
