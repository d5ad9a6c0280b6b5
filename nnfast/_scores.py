"""Metrics that need the outputs for a whole data set: top-k accuracy, precision, recall, F1, AUC, R2.

What this is: functions of arrays with scikit-learn's definitions, public as `nnfast.metrics`.
What this is not: metrics that the engine sums up while it trains, or their names (`nnfast.metrics`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast import _checks, _weights

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


def _each(owner: str, sample_weight: ArrayLike | None, n: int) -> NDArray[np.float64]:
    """A weight a sample: 1 where none are given, with which sums are the same bits as counts."""
    weights = _weights.of_samples(owner, sample_weight, n)
    return np.ones(n) if weights is None else weights


def _columns(owner: str, true: NDArray[Any], pred: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Targets and outputs (n, labels)."""
    if true.shape != pred.shape:
        raise ValueError(
            f"{owner}: y_true: expected y_pred's shape {pred.shape} with multilabel, got {true.shape}"
        )
    return true.reshape(len(true), -1), pred.reshape(len(pred), -1)


def _counts(
    owner: str,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    average: str,
    threshold: float,
    sample_weight: ArrayLike | None,
    multilabel: bool,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], str]:
    """What hits, predictions and samples of each class that occurs weigh; of the positive one for (n,)."""
    average = _checks.choice(owner, "average", average, AVERAGES)
    true, pred = _two(owner, y_true, y_pred)
    w = _each(owner, sample_weight, len(pred))
    labelled = _checks.flag(owner, "multilabel", multilabel)
    if pred.ndim == 1 or labelled:
        right, said = _columns(owner, true, pred)
        said = said > _checks.real(owner, "threshold", threshold)
        right = right > 0.5
        hits, called, there = (w @ mask for mask in (right & said, said, right))
        return hits, called, there, average if labelled else "macro"
    labels = true.argmax(axis=1) if true.ndim == 2 else true.astype(np.int64)
    both = np.concatenate([labels, pred.argmax(axis=1)])
    classes, places = np.unique(both, return_inverse=True)
    true_at, said_at = places.reshape(2, -1)
    hit = true_at == said_at

    def weigh(at: NDArray[Any], of: NDArray[Any]) -> NDArray[Any]:
        return np.bincount(at, weights=of, minlength=len(classes)).astype(float)  # of none they are integers

    return weigh(true_at[hit], w[hit]), weigh(said_at, w), weigh(true_at, w), average


def _averaged(hits: NDArray[Any], of: NDArray[Any], there: NDArray[Any], average: str) -> float:
    """Share of hits; 0 for a class with nothing to count."""
    if average == "micro":
        hits, of, there = (np.array([a.sum()]) for a in (hits, of, there))
    each = np.divide(hits, of, out=np.zeros_like(hits), where=of > 0)
    if average == "weighted" and not there.any():  # all labels are of weightless samples
        return 0.0
    return float(np.average(each, weights=there if average == "weighted" else None))


def precision(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    average: str = "macro",
    threshold: float = 0.5,
    *,
    sample_weight: ArrayLike | None = None,
    multilabel: bool = False,
) -> float:
    """Share of the predictions of a class that are right (`sklearn.metrics.precision_score`).

    Parameters
    ----------
    y_true : array (n,) of labels, or of y_pred's shape
    y_pred : array (n,), (n, 1) or (n, classes)
        Of one output a sample, it is the positive class above `threshold`; of several the largest counts.
    average : {"macro", "micro", "weighted"}
        Mean over the classes that occur, all classes as one, or a mean by what the classes' samples weigh.
    threshold : float
        0.5 for probabilities, 0 for logits.
    sample_weight : (n,) numbers >= 0, optional
        What each sample counts; a weight of 2 is the sample twice.
    multilabel : bool
        Whether each of several outputs is a question of its own, yes above `threshold`, to which `y_true` of
        that shape has the answers: scikit-learn's "multilabel-indicator".

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
    hits, said, there, average = _counts(
        "precision", y_true, y_pred, average, threshold, sample_weight, multilabel
    )
    return _averaged(hits, said, there, average)


def recall(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    average: str = "macro",
    threshold: float = 0.5,
    *,
    sample_weight: ArrayLike | None = None,
    multilabel: bool = False,
) -> float:
    """Share of a class's samples that are found (`sklearn.metrics.recall_score`).

    Parameters
    ----------
    y_true : array (n,) of labels, or of y_pred's shape
    y_pred : array (n,), (n, 1) or (n, classes)
    average : {"macro", "micro", "weighted"}
    threshold : float
        As in `precision`.
    sample_weight : (n,) numbers >= 0, optional
        As in `precision`.
    multilabel : bool
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
    hits, _, there, average = _counts("recall", y_true, y_pred, average, threshold, sample_weight, multilabel)
    return _averaged(hits, there, there, average)


def f1(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    average: str = "macro",
    threshold: float = 0.5,
    *,
    sample_weight: ArrayLike | None = None,
    multilabel: bool = False,
) -> float:
    """2 hits / (predictions + samples) of a class (`sklearn.metrics.f1_score`).

    Parameters
    ----------
    y_true : array (n,) of labels, or of y_pred's shape
    y_pred : array (n,), (n, 1) or (n, classes)
    average : {"macro", "micro", "weighted"}
    threshold : float
        As in `precision`.
    sample_weight : (n,) numbers >= 0, optional
        As in `precision`.
    multilabel : bool
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
    hits, said, there, average = _counts("f1", y_true, y_pred, average, threshold, sample_weight, multilabel)
    if average == "micro":
        hits, said, there = (np.array([a.sum()]) for a in (hits, said, there))
    return _averaged(2 * hits, said + there, there, "weighted" if average == "weighted" else "macro")


def top_k_accuracy(
    y_true: ArrayLike, y_pred: ArrayLike, k: int = 5, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of samples whose class is among the k largest outputs.

    A tie at the k-th place goes to the smaller class number.

    Parameters
    ----------
    y_true : array (n,) of labels, or (n, classes) of probabilities
    y_pred : array (n, classes)
    k : int in 1..classes
    sample_weight : (n,) numbers >= 0, optional
        As in `precision`.

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
    found = (first == labels[:, np.newaxis]).any(axis=1)
    return float(np.average(found, weights=_each("top_k_accuracy", sample_weight, len(pred))))


def auc(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    from_logits: bool = False,
    sample_weight: ArrayLike | None = None,
    multilabel: bool = False,
) -> float:
    """Area under the ROC curve: how likely a positive sample's output is above a negative's, ties half.

    The rank sum formula: Hanley & McNeil, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve", Radiology 1982. Of more than two classes it is the mean over the classes of
    the area of one against the rest, `sklearn.metrics.roc_auc_score` with multi_class="ovr": Provost &
    Domingos, "Well-trained PETs", 2000, with equal shares of the classes.

    Parameters
    ----------
    y_true : array (n,) of labels 0 and 1 (or -1 and 1), of class labels, or of y_pred's shape
    y_pred : array (n,), (n, 1) or (n, classes)
        Logits or probabilities; of two outputs the difference counts.
    from_logits : bool
        Of more than two classes: whether the outputs of a sample are made probabilities by softmax first.
        One class against the rest compares samples, and their logits have no common scale.
    sample_weight : (n,) numbers >= 0, optional
        As in `precision`.
    multilabel : bool
        As in `precision`: the mean of the outputs' areas.

    Returns
    -------
    float
        NaN unless all classes are there, or with a NaN among the outputs.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, or a label is no class.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    >>> auc([0, 1, 2], [[0.8, 0.1, 0.1], [0.3, 0.4, 0.3], [0.5, 0.2, 0.3]])
    0.9166666666666666
    """
    true, pred = _two("auc", y_true, y_pred)
    from_logits = _checks.flag("auc", "from_logits", from_logits)
    w = _each("auc", sample_weight, len(pred))
    if pred.ndim == 1 or _checks.flag("auc", "multilabel", multilabel):
        right, score = _columns("auc", true, pred)
        return float(np.mean([_area(r > 0.5, p, w) for r, p in zip(right.T, score.T, strict=True)]))
    if pred.shape[1] == 2:
        true = true.argmax(axis=1) if true.ndim == 2 else true
        return _area(true > 0.5, pred[:, 1].astype(float) - pred[:, 0], w)
    classes = np.arange(pred.shape[1])
    labels = true.argmax(axis=1) if true.ndim == 2 else true
    if not np.isin(labels, classes).all():
        raise ValueError(
            f"auc: y_true: expected labels in 0..{len(classes) - 1}, got {labels.min()}..{labels.max()}"
        )
    if from_logits:
        odds = np.exp(pred.astype(float) - pred.max(axis=1, keepdims=True))
        pred = odds / odds.sum(axis=1, keepdims=True)
    return float(np.mean([_area(labels == c, pred[:, c], w) for c in classes]))


def _area(positive: NDArray[Any], score: NDArray[Any], w: NDArray[Any]) -> float:
    """The share of pairs, each weighing the product of its weights, that are in order; ties count half."""
    if np.isnan(score).any():
        return float("nan")
    values, places = np.unique(score, return_inverse=True)
    above, below = (
        np.bincount(places.reshape(-1), weights=np.where(side, w, 0.0), minlength=len(values))
        for side in (positive, ~positive)
    )
    pairs = above.sum() * below.sum()
    return float((above * (np.cumsum(below) - below / 2)).sum() / pairs) if pairs else float("nan")


def r2(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Coefficient of determination: 1 - sum (y - y_pred)^2 / sum (y - mean y)^2, the mean over outputs.

    Parameters
    ----------
    y_true, y_pred : arrays of one shape
        (n,) or (n, outputs).
    sample_weight : (n,) numbers >= 0, optional
        As in `precision`; the mean of y is weighted, too.

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
    w = _each("r2", sample_weight, len(true))[:, np.newaxis]
    rest = (w * np.square(true - pred)).sum(axis=0)
    spread = (w * np.square(true - (w * true).sum(axis=0) / w.sum())).sum(axis=0)
    constant = np.where(rest == 0, 1.0, 0.0)
    return float(np.mean(np.where(spread == 0, constant, 1.0 - rest / np.where(spread == 0, 1.0, spread))))
