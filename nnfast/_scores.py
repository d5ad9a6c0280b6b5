"""Metrics that need the outputs for a whole data set: top-k accuracy, precision, recall, F1, AUC, R2.

What this is: functions of arrays with scikit-learn's definitions, public as `nnfast.metrics`.
What this is not: metrics that the engine sums up while it trains, or their names (`nnfast.metrics`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast import _checks

AVERAGES = ("macro", "micro", "weighted")


def _two(owner: str, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as arrays: outputs (n,) or (n, classes), targets (n,) or of that shape."""
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    if pred.ndim == 2 and pred.shape[1] == 1:
        pred = pred[:, 0]
    if true.ndim == 2 and true.shape[1] == 1:
        true = true[:, 0]
    if pred.ndim not in (1, 2) or len(pred) == 0 or true.shape not in (pred.shape, pred.shape[:1]):
        raise ValueError(
            f"{owner}: expected y_pred (n,) or (n, classes) and y_true (n,) or of its shape, n > 0, "
            f"got {np.shape(y_pred)} and {np.shape(y_true)}"
        )
    return true, pred


def _counts(
    owner: str, y_true: ArrayLike, y_pred: ArrayLike, average: str, threshold: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], str]:
    """Hits, predictions and samples of each class that occurs; of the positive one for outputs (n,)."""
    average = _checks.choice(owner, "average", average, AVERAGES)
    true, pred = _two(owner, y_true, y_pred)
    if pred.ndim == 1:
        right, said = true > 0.5, pred > _checks.real(owner, "threshold", threshold)
        hits = np.array([np.sum(right & said)], float)
        return hits, np.array([said.sum()], float), np.array([right.sum()], float), "macro"
    labels = true.argmax(axis=1) if true.ndim == 2 else true.astype(np.int64)
    guesses = pred.argmax(axis=1)
    classes = np.union1d(labels, guesses)
    hits = np.array([np.sum((labels == c) & (guesses == c)) for c in classes], float)
    said = np.array([np.sum(guesses == c) for c in classes], float)
    there = np.array([np.sum(labels == c) for c in classes], float)
    return hits, said, there, average


def _averaged(hits: NDArray[Any], of: NDArray[Any], there: NDArray[Any], average: str) -> float:
    """Share of hits; 0 for a class with nothing to count."""
    if average == "micro":
        hits, of, there = (np.array([a.sum()]) for a in (hits, of, there))
    each = np.divide(hits, of, out=np.zeros_like(hits), where=of > 0)
    return float(np.average(each, weights=there if average == "weighted" else None))


def precision(y_true: ArrayLike, y_pred: ArrayLike, average: str = "macro", threshold: float = 0.5) -> float:
    """Share of the predictions of a class that are right (`sklearn.metrics.precision_score`).

    Parameters
    ----------
    y_true : array (n,) of labels, or of y_pred's shape
    y_pred : array (n,), (n, 1) or (n, classes)
        Of one output a sample, it is the positive class above `threshold`; of several the largest counts.
    average : {"macro", "micro", "weighted"}
        Mean over the classes that occur, all classes as one, or a mean by the classes' numbers of samples.
    threshold : float
        0.5 for probabilities, 0 for logits.

    Returns
    -------
    float
        0 where nothing was predicted.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, or for an unknown average.

    Examples
    --------
    >>> precision([0, 1, 1, 0], [0.1, 0.9, 0.2, 0.8])
    0.5
    """
    hits, said, there, average = _counts("precision", y_true, y_pred, average, threshold)
    return _averaged(hits, said, there, average)


def recall(y_true: ArrayLike, y_pred: ArrayLike, average: str = "macro", threshold: float = 0.5) -> float:
    """Share of a class's samples that are found (`sklearn.metrics.recall_score`).

    Parameters
    ----------
    y_true : array (n,) of labels, or of y_pred's shape
    y_pred : array (n,), (n, 1) or (n, classes)
    average : {"macro", "micro", "weighted"}
    threshold : float
        As in `precision`.

    Returns
    -------
    float
        0 for a class that does not occur.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, or for an unknown average.

    Examples
    --------
    >>> recall([0, 1, 1, 1], [0.1, 0.9, 0.2, 0.3], threshold=0.25)
    0.6666666666666666
    """
    hits, _, there, average = _counts("recall", y_true, y_pred, average, threshold)
    return _averaged(hits, there, there, average)


def f1(y_true: ArrayLike, y_pred: ArrayLike, average: str = "macro", threshold: float = 0.5) -> float:
    """2 hits / (predictions + samples) of a class (`sklearn.metrics.f1_score`).

    Parameters
    ----------
    y_true : array (n,) of labels, or of y_pred's shape
    y_pred : array (n,), (n, 1) or (n, classes)
    average : {"macro", "micro", "weighted"}
    threshold : float
        As in `precision`.

    Returns
    -------
    float
        0 where nothing was predicted and nothing is there.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, or for an unknown average.

    Examples
    --------
    >>> f1([0, 1, 1, 0], [0.1, 0.9, 0.2, 0.8])
    0.5
    """
    hits, said, there, average = _counts("f1", y_true, y_pred, average, threshold)
    if average == "micro":
        hits, said, there = (np.array([a.sum()]) for a in (hits, said, there))
    return _averaged(2 * hits, said + there, there, "weighted" if average == "weighted" else "macro")


def top_k_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5) -> float:
    """Share of samples whose class is among the k largest outputs.

    A tie at the k-th place goes to the smaller class number.

    Parameters
    ----------
    y_true : array (n,) of labels, or (n, classes) of probabilities
    y_pred : array (n, classes)
    k : int in 1..classes

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, or k is no number of classes.

    Examples
    --------
    >>> top_k_accuracy([0, 1, 2], [[0.5, 0.3, 0.2]] * 3, k=2)
    0.6666666666666666
    """
    true, pred = _two("top_k_accuracy", y_true, y_pred)
    if pred.ndim != 2:
        raise ValueError(f"top_k_accuracy: y_pred: expected (n, classes), got {np.shape(y_pred)}")
    k = _checks.integer("top_k_accuracy", "k", k, 1, pred.shape[1])
    labels = true.argmax(axis=1) if true.ndim == 2 else true.astype(np.int64)
    first = np.argsort(-pred, axis=1, kind="stable")[:, :k]
    return float(np.mean((first == labels[:, np.newaxis]).any(axis=1)))


def auc(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Area under the ROC curve: how likely a positive sample's output is above a negative's, ties half.

    The rank sum formula: Hanley & McNeil, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve", Radiology 1982.

    Parameters
    ----------
    y_true : array (n,) of labels 0 and 1 (or -1 and 1), or of y_pred's shape
    y_pred : array (n,), (n, 1) or (n, 2)
        Logits or probabilities; of two outputs the difference counts.

    Returns
    -------
    float
        NaN unless both classes are there, or with a NaN among the outputs.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    true, pred = _two("auc", y_true, y_pred)
    if pred.ndim == 2:
        if pred.shape[1] != 2:
            raise ValueError(f"auc: y_pred: expected outputs of two classes, got {np.shape(y_pred)}")
        true = true.argmax(axis=1) if true.ndim == 2 else true
        pred = pred[:, 1].astype(float) - pred[:, 0]
    positive = true > 0.5
    count = int(positive.sum())
    if count in (0, len(true)) or np.isnan(pred).any():
        return float("nan")
    _, inverse, counts = np.unique(pred, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse.reshape(-1)]  # from 1, ties at their mean
    above = ranks[positive].sum() - count * (count + 1) / 2.0
    return float(above / (count * (len(true) - count)))


def r2(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Coefficient of determination: 1 - sum (y - y_pred)^2 / sum (y - mean y)^2, the mean over outputs.

    Parameters
    ----------
    y_true, y_pred : arrays of one shape
        (n,) or (n, outputs).

    Returns
    -------
    float
        For a constant y 1 when it is met and 0 otherwise, as `sklearn.metrics.r2_score`.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5
    """
    true, pred = _two("r2", y_true, y_pred)
    if true.shape != pred.shape:
        raise ValueError(f"r2: expected y_true of y_pred's shape {pred.shape}, got {true.shape}")
    true, pred = (np.asarray(a, np.float64).reshape(len(a), -1) for a in (true, pred))
    rest = np.square(true - pred).sum(axis=0)
    spread = np.square(true - true.mean(axis=0)).sum(axis=0)
    constant = np.where(rest == 0, 1.0, 0.0)
    return float(np.mean(np.where(spread == 0, constant, 1.0 - rest / np.where(spread == 0, 1.0, spread))))
