"""Metrics: numbers that say how good outputs are, beside the loss.

What this is: "accuracy", "mae", "mse" and "rmse" as `compile(metrics=[...])` takes them (summed up by the
engine while it trains and evaluates, at no extra pass over the data), and the same as functions of arrays.
Any `metric(y_true, y_pred) -> float` may be given in their place; it costs a prediction of the whole data
set.
What this is not: losses, which are minimised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast.losses import BINARY_KINDS, CLASS_KINDS

if TYPE_CHECKING:
    from nnfast._core import Totals

Metric: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], float]

__all__ = ["accuracy", "mae", "mse", "rmse"]


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Share of samples whose largest output is the right class.

    Parameters
    ----------
    y_true : array (n,) of labels, or (n, classes) of probabilities
    y_pred : array (n, classes)
        Logits or probabilities.

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
    return float(np.mean(pred.argmax(axis=1) == labels))


def _errors(name: str, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    true, pred = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
    if true.size != pred.size or true.shape[:1] != pred.shape[:1]:
        raise ValueError(f"{name}: expected y_true of y_pred's shape {pred.shape}, got {true.shape}")
    return pred.reshape(-1) - true.reshape(-1)


def mae(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Mean absolute error; arrays of one shape, ValueError otherwise.

    Examples
    --------
    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    return float(np.mean(np.abs(_errors("mae", y_true, y_pred))))


def mse(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Mean squared error; arrays of one shape, ValueError otherwise.

    Examples
    --------
    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    return float(np.mean(np.square(_errors("mse", y_true, y_pred))))


def rmse(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Root of the mean squared error; arrays of one shape, ValueError otherwise.

    Examples
    --------
    >>> rmse([1.0, 2.0], [1.0, 2.0])
    0.0
    """
    return math.sqrt(mse(y_true, y_pred))


# From the engine's sums to the metric.
_FROM_TOTALS: dict[str, Callable[[Totals], float]] = {
    "accuracy": lambda t: t.correct / (t.weight or math.nan),
    "mae": lambda t: t.abs_error / (t.weight * t.outputs or math.nan),
    "mse": lambda t: t.squared_error / (t.weight * t.outputs or math.nan),
    "rmse": lambda t: math.sqrt(t.squared_error / (t.weight * t.outputs or math.nan)),
}


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
        for metric in listed:
            if isinstance(metric, str):
                if metric not in _FROM_TOTALS:
                    known = ", ".join(repr(n) for n in _FROM_TOTALS)
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

    def check(self, loss_kind: str, output_shape: tuple[int, ...]) -> None:
        """Raise ValueError where a metric would have no meaning for this loss and output."""
        for name in self.native:
            if name == "accuracy":
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

    def call(self, y_true: NDArray[Any], y_pred: NDArray[Any]) -> dict[str, float]:
        """The callables' values, checked to be numbers."""
        logs = {}
        for name, metric in self.callables.items():
            value = metric(y_true, y_pred)
            try:
                logs[name] = float(value)
            except (TypeError, ValueError):
                raise TypeError(f"metric {name}: expected a number back, got {value!r}") from None
        return logs
