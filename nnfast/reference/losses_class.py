"""Losses of classes: cross-entropy of logits, negative log-likelihood; with their gradients.

Both are ``-sum over j of t_j * log p_j`` of a target row t: one-hot for a label, with class weights and label
smoothing in it. What a mean divides by is the sum of the samples' weights, where there are labels each times
its class's weight.
"""

from typing import Any

import numpy as np

from .checks import Array, floats, has_shape, one_of, value_error
from .probabilities import log_softmax, softmax
from .reductions import REDUCTIONS, grad_scale, numbers, one_value


def _check_scores(function: str, input: Any, reduction: str) -> Array:
    one_of(function, "reduction", reduction, REDUCTIONS)
    (scores,) = floats(function, input=input)
    if scores.ndim == 0:
        raise value_error(function, "input", "(n, classes, ...) or (classes,)", scores.shape)
    scores = _classes_last(scores)
    if scores.shape[-1] == 0:
        raise value_error(function, "input", "at least one class", scores.shape)
    return scores


def _classes_last(rows: Array) -> Array:
    """(n, classes, d1, ...) as (n, d1, ..., classes): every function here computes along the last axis."""
    return np.moveaxis(rows, 1, -1) if rows.ndim > 2 else rows


def _classes_second(rows: Array) -> Array:
    """The way back."""
    return np.ascontiguousarray(np.moveaxis(rows, -1, 1)) if rows.ndim > 2 else rows


def _check_labels(function: str, target: Array, scores: Array, ignore_index: int) -> Array:
    if target.dtype.kind not in "iu":
        raise TypeError(f"{function}: target: expected integer labels, got {target.dtype}")
    has_shape(function, "target", target, scores.shape[:-1])
    target, classes = target.astype(np.int64), scores.shape[-1]
    outside = target[((target < 0) | (target >= classes)) & (target != ignore_index)]
    if outside.size:
        raise value_error(function, "target", f"labels in 0..{classes - 1}", outside[0])
    return target


def _target_rows(
    function: str,
    scores: Array,
    target: Any,
    weight: Any,
    ignore_index: int,
    smoothing: float,
    sample_weight: Any,
) -> tuple[Array, float]:
    """The rows t, 0 where ignored, times the samples' weights; and what a mean divides by."""
    target, classes = np.asarray(target), scores.shape[-1]
    factors = np.ones(classes, scores.dtype)
    if weight is not None:
        factors = numbers(function, "weight", weight, (classes,), scores.dtype)
    counts = np.ones(scores.shape[:-1], scores.dtype)
    if sample_weight is not None:
        weights = numbers(function, "sample_weight", sample_weight, counts.shape[:1], scores.dtype)
        counts = counts * weights.reshape(weights.shape + (1,) * (counts.ndim - 1 if weights.ndim else 0))
    if not 0 <= smoothing <= 1:
        raise value_error(function, "label_smoothing", "a number in 0..1", smoothing)
    if target.dtype.kind in "iu":
        labels = _check_labels(function, target, scores, ignore_index)
        counts = np.where(labels == ignore_index, 0, counts)
        labels = np.where(labels == ignore_index, 0, labels)
        t = np.eye(classes, dtype=scores.dtype)[labels]
        divisor = (counts * factors[labels]).sum()
    else:
        scores, t = floats(function, input=scores, target=_classes_last(target))
        has_shape(function, "target", t, scores.shape)
        if ignore_index >= 0:
            raise value_error(function, "ignore_index", "a negative number with probabilities", ignore_index)
        divisor = counts.sum()
    t = factors * ((1 - smoothing) * t + smoothing / classes)
    return np.asarray(counts[..., np.newaxis] * t, scores.dtype), float(divisor)


def _losses(t: Array, logp: Array, target: Any, reduction: str, divisor: float) -> Any:
    """-sum(t * logp) of each row, reduced.

    A label picks its class: the others do not count, were they infinite. Probabilities are multiplied as they
    are, so that 0 times an infinite one is NaN, as in PyTorch.
    """
    if np.asarray(target).dtype.kind in "iu":
        logp = np.where(t == 0, 0, logp)
    with np.errstate(invalid="ignore"):
        losses = -(t * logp).sum(axis=-1)
    return one_value(losses, reduction, divisor)


def cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Any:
    """Cross-entropy of ``softmax(input)`` against labels or probabilities, from the logits.

    Parameters
    ----------
    input : (n, classes) array, float32 or float64
        Logits; (classes,) for one sample: what is (n,) below is () then. Also (n, classes, d1, ...), a
        sample for each position: what is (n,) below, but the weights, is (n, d1, ...) then, and a target
        of probabilities has the input's shape.
    target : (n,) integers in 0..classes-1, or (n, classes) array of the input's dtype
        Labels of any integer dtype, or probabilities, which need not sum to 1.
    weight : (classes,) numbers, optional
        A factor of each class. With labels "mean" divides by the sum of the labels' weights.
    ignore_index : int, default -100
        Samples with this label count for nothing.
    label_smoothing : float in 0..1, default 0
        This share of the target is spread evenly over the classes (Szegedy et al., "Rethinking the
        Inception architecture", 2016, section 7).
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's loss. "mean" divides by the weights' sum: a weight of 2 counts the
        sample twice.

    Returns
    -------
    NumPy scalar of the input's dtype, or an (n,) array for "none"
        ``-sum over j of weight_j t_j log_softmax(input)_j`` a sample, t one-hot for a label. The mean
        of nothing is NaN.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, a label or an option does not fit; the message names the argument.

    Notes
    -----
    Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.2.2.3;
    ``torch.nn.functional.cross_entropy``. `ignore_index` needs labels: with probabilities only its
    default and negative numbers are allowed.

    Examples
    --------
    >>> logits = np.log(np.array([[0.25, 0.75], [0.5, 0.5]]))
    >>> cross_entropy(logits, np.array([1, 0]), reduction="none").round(4)
    array([0.2877, 0.6931])
    """
    scores = _check_scores("cross_entropy", input, reduction)
    t, divisor = _target_rows(
        "cross_entropy", scores, target, weight, ignore_index, label_smoothing, sample_weight
    )
    return _losses(t, log_softmax(scores), target, reduction, divisor)


def cross_entropy_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """Gradient of `cross_entropy` with respect to the logits: ``softmax(input) * sum(t) - t`` a sample.

    Parameters
    ----------
    grad_output : number, or (n,) array for "none"
    input : (n, classes) array, float32 or float64
        Logits; (classes,) for one sample: what is (n,) below is () then. Also (n, classes, d1, ...), a
        sample for each position: what is (n,) below, but the weights, is (n, d1, ...) then, and a target
        of probabilities has the input's shape.
    target : (n,) integers in 0..classes-1, or (n, classes) array of the input's dtype
        Labels of any integer dtype, or probabilities, which need not sum to 1.
    weight : (classes,) numbers, optional
        A factor of each class. With labels "mean" divides by the sum of the labels' weights.
    ignore_index : int, default -100
        Samples with this label count for nothing.
    label_smoothing : float in 0..1, default 0
        This share of the target is spread evenly over the classes (Szegedy et al., "Rethinking the
        Inception architecture", 2016, section 7).
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's loss. "mean" divides by the weights' sum: a weight of 2 counts the
        sample twice.

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, a label or an option does not fit; the message names the argument.

    Notes
    -----
    The derivative of ``torch.nn.functional.cross_entropy``.

    Examples
    --------
    >>> cross_entropy_backward(1.0, np.zeros((1, 2)), np.array([0]))
    array([[-0.5,  0.5]])
    """
    scores = _check_scores("cross_entropy_backward", input, reduction)
    t, divisor = _target_rows(
        "cross_entropy_backward", scores, target, weight, ignore_index, label_smoothing, sample_weight
    )
    scale = grad_scale(
        "cross_entropy_backward", grad_output, scores.shape[:-1], scores.dtype, reduction, divisor
    )
    slopes = np.where(t.any(axis=-1, keepdims=True), softmax(scores) * t.sum(axis=-1, keepdims=True) - t, 0)
    return _classes_second(np.asarray(scale[..., np.newaxis] * slopes, scores.dtype))


def nll_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Any:
    """Negative log-likelihood of labels: ``-input[i, target[i]]``, the loss after log_softmax.

    Parameters
    ----------
    input : (n, classes) array, float32 or float64
        Log-probabilities; (classes,) for one sample: what is (n,) below is () then. Also (n, classes, d1,
        ...), a sample for each position: what is (n,) below, but the weights, is (n, d1, ...) then.
    target : (n,) integers in 0..classes-1
        Of any integer dtype.
    weight : (classes,) numbers, optional
        A factor of each class. With labels "mean" divides by the sum of the labels' weights.
    ignore_index : int, default -100
        Samples with this label count for nothing.
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's loss. "mean" divides by the weights' sum: a weight of 2 counts the
        sample twice.

    Returns
    -------
    NumPy scalar of the input's dtype, or an (n,) array for "none"
        The mean of nothing is NaN.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, a label or an option does not fit; the message names the argument.

    Notes
    -----
    Bishop, "Pattern recognition and machine learning", 2006, equation 4.108;
    ``torch.nn.functional.nll_loss``.

    Examples
    --------
    >>> float(nll_loss(np.array([[-0.5, -1.5]]), np.array([1])))
    1.5
    """
    scores = _check_scores("nll_loss", input, reduction)
    labels = _check_labels("nll_loss", np.asarray(target), scores, ignore_index)
    t, divisor = _target_rows("nll_loss", scores, labels, weight, ignore_index, 0.0, sample_weight)
    return _losses(t, scores, target, reduction, divisor)


def nll_loss_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """Gradient of `nll_loss` with respect to `input`: -1 at each label (over n for a mean), 0 elsewhere.

    Parameters
    ----------
    grad_output : number, or (n,) array for "none"
    input : (n, classes) array, float32 or float64
        Log-probabilities; (classes,) for one sample: what is (n,) below is () then. Also (n, classes, d1,
        ...), a sample for each position: what is (n,) below, but the weights, is (n, d1, ...) then.
    target : (n,) integers in 0..classes-1
        Of any integer dtype.
    weight : (classes,) numbers, optional
        A factor of each class. With labels "mean" divides by the sum of the labels' weights.
    ignore_index : int, default -100
        Samples with this label count for nothing.
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's loss. "mean" divides by the weights' sum: a weight of 2 counts the
        sample twice.

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, a label or an option does not fit; the message names the argument.

    Notes
    -----
    The derivative of ``torch.nn.functional.nll_loss``.

    Examples
    --------
    >>> nll_loss_backward(2.0, np.zeros((1, 2)), np.array([1])).tolist()
    [[0.0, -2.0]]
    """
    scores = _check_scores("nll_loss_backward", input, reduction)
    labels = _check_labels("nll_loss_backward", np.asarray(target), scores, ignore_index)
    t, divisor = _target_rows("nll_loss_backward", scores, labels, weight, ignore_index, 0.0, sample_weight)
    scale = grad_scale("nll_loss_backward", grad_output, scores.shape[:-1], scores.dtype, reduction, divisor)
    return _classes_second(np.asarray(scale[..., np.newaxis] * (0 - t), scores.dtype))  # 0, not -0
