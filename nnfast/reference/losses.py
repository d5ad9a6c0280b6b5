"""Losses and their gradients with respect to the prediction.

`reduction` is "none" (one loss an element or a row), "sum" or "mean". A mean over nothing is NaN, as in
PyTorch. The backward functions take `grad_output`, the gradient of what follows with respect to the loss: a
number (often 1) for "mean" and "sum", an array of the losses' shape for "none".
"""

from typing import Any

import numpy as np

from .checks import Array, floats, has_shape, one_of, value_error
from .probabilities import log_softmax, softmax

REDUCTIONS = ("none", "mean", "sum")


def _reduced(losses: Array, reduction: str) -> Any:
    """The losses themselves, or their sum or mean; a single number as a NumPy scalar."""
    if reduction == "none":
        return losses[()]
    if reduction == "sum":
        return losses.sum()
    return losses.mean() if losses.size else losses.dtype.type(np.nan)


def _scale(
    function: str, grad_output: Any, shape: tuple[int, ...], dtype: np.dtype[Any], reduction: str
) -> Any:
    """What the gradients of `shape` losses are multiplied by: grad_output, over their number for a mean."""
    if reduction == "none" and shape:
        (scale,) = floats(function, grad_output=grad_output)
        if scale.dtype != dtype:
            raise TypeError(f"{function}: grad_output: expected {dtype} like input, got {scale.dtype}")
        has_shape(function, "grad_output", scale, shape)
        return scale
    number = np.asarray(grad_output)
    if number.size != 1 or number.dtype.kind not in "fiu":
        raise value_error(
            function, "grad_output", f"one number for reduction {reduction!r}", f"shape {number.shape}"
        )
    count = int(np.prod(shape)) if reduction == "mean" else 1
    return np.asarray(float(number.reshape(())) / max(count, 1), dtype)


def _check_pair(function: str, input: Any, target: Any, reduction: str) -> tuple[Array, Array]:
    one_of(function, "reduction", reduction, REDUCTIONS)
    input, target = floats(function, input=input, target=target)
    has_shape(function, "target", target, input.shape)
    return input, target


def mse_loss(input: Array, target: Array, *, reduction: str = "mean") -> Any:
    """Squared error ``(input - target)^2``.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    NumPy scalar of the inputs' dtype, or an array of their shape for "none"

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([0.0, 4.0])))
    2.5
    """
    input, target = _check_pair("mse_loss", input, target, reduction)
    return _reduced(np.asarray((input - target) ** 2), reduction)


def mse_loss_backward(grad_output: Any, input: Array, target: Array, *, reduction: str = "mean") -> Array:
    """Gradient of `mse_loss` with respect to `input`: ``2 (input - target)``, over n for a mean.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    array of the input's shape

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> mse_loss_backward(1.0, np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    array([ 1., -2.])
    """
    input, target = _check_pair("mse_loss_backward", input, target, reduction)
    scale = _scale("mse_loss_backward", grad_output, input.shape, input.dtype, reduction)
    return np.asarray(2 * scale * (input - target), input.dtype)


def _check_labels(function: str, target: Array, scores: Array) -> Array:
    if target.dtype.kind not in "iu":
        raise TypeError(f"{function}: target: expected integer labels, got {target.dtype}")
    has_shape(function, "target", target, scores.shape[:-1])
    classes = scores.shape[-1]
    outside = target[(target < 0) | (target >= classes)]
    if outside.size:
        raise value_error(function, "target", f"labels in 0..{classes - 1}", outside[0])
    return target.astype(np.int64)


def _check_scores(function: str, input: Any, reduction: str) -> Array:
    one_of(function, "reduction", reduction, REDUCTIONS)
    (scores,) = floats(function, input=input)
    if scores.ndim not in (1, 2):
        raise value_error(function, "input", "(n, classes) or (classes,)", scores.shape)
    if scores.shape[-1] == 0:
        raise value_error(function, "input", "at least one class", scores.shape)
    return scores


def _at_labels(scores: Array, labels: Array) -> Array:
    """The score at each row's label."""
    return np.take_along_axis(scores, labels[..., np.newaxis], axis=-1)[..., 0]


def _only_at_labels(labels: Array, like: Array, values: Array) -> Array:
    """`values` (one a row, or one for all) at each row's label, 0 elsewhere."""
    rows = np.zeros_like(like)
    np.put_along_axis(rows, labels[..., np.newaxis], values[..., np.newaxis], axis=-1)
    return rows


def _check_cross_entropy(function: str, input: Any, target: Any, reduction: str) -> tuple[Array, Array]:
    """The logits, and the target as int64 labels or as probabilities of the logits' dtype."""
    logits, target = _check_scores(function, input, reduction), np.asarray(target)
    if target.dtype.kind in "iu":
        return logits, _check_labels(function, target, logits)
    logits, target = floats(function, input=logits, target=target)
    has_shape(function, "target", target, logits.shape)
    return logits, target


def cross_entropy(input: Array, target: Array, *, reduction: str = "mean") -> Any:
    """Cross-entropy of softmax(input) against labels or probabilities, from the logits.

    A row's loss is ``-sum over j of t_j * log_softmax(input)_j``, t one-hot for a label (Goodfellow, Bengio,
    Courville: "Deep Learning", 2016, section 6.2.2.3). "mean" divides by the number of rows.

    Parameters
    ----------
    input : (n, classes) array, float32 or float64
        Logits: any real numbers. Or one sample's, (classes,); what is (n,) below is () then.
    target : (n,) integers in 0..classes-1, or (n, classes) array of the input's dtype
        Labels or probabilities. Probabilities need not sum to 1.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    NumPy scalar of the input's dtype, or an (n,) array for "none"

    Raises
    ------
    TypeError, ValueError
        A dtype, shape, label or option does not fit; the message names the argument.

    Examples
    --------
    >>> round(float(cross_entropy(np.zeros((1, 4)), np.array([2]))), 6)  # log 4
    1.386294
    """
    logits, target = _check_cross_entropy("cross_entropy", input, target, reduction)
    logp = log_softmax(logits)
    losses = -_at_labels(logp, target) if target.dtype.kind == "i" else -(target * logp).sum(axis=-1)
    return _reduced(losses, reduction)


def cross_entropy_backward(
    grad_output: Any, input: Array, target: Array, *, reduction: str = "mean"
) -> Array:
    """Gradient of `cross_entropy` with respect to the logits: ``softmax(input) * sum(t) - t`` in every row.

    Parameters
    ----------
    grad_output : number, or (n,) array for "none"
    input : (n, classes) array
    target : (n,) integers or (n, classes) array
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    (n, classes) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape, label or option does not fit; the message names the argument.

    Examples
    --------
    >>> cross_entropy_backward(1.0, np.zeros((1, 4)), np.array([2]))
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """
    function = "cross_entropy_backward"
    logits, target = _check_cross_entropy(function, input, target, reduction)
    t = _only_at_labels(target, logits, np.ones(1)) if target.dtype.kind == "i" else target
    scale = _scale(function, grad_output, logits.shape[:-1], logits.dtype, reduction)
    return scale[..., np.newaxis] * (softmax(logits) * t.sum(axis=-1, keepdims=True) - t)


def nll_loss(input: Array, target: Array, *, reduction: str = "mean") -> Any:
    """Negative log-likelihood of labels: ``-input[i, target[i]]``, the loss after a log-softmax layer.

    Parameters
    ----------
    input : (n, classes) array, float32 or float64
        Log-probabilities. Or one sample's, (classes,); what is (n,) below is () then.
    target : (n,) integers in 0..classes-1
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    NumPy scalar of the input's dtype, or an (n,) array for "none"

    Raises
    ------
    TypeError, ValueError
        A dtype, shape, label or option does not fit; the message names the argument.

    Examples
    --------
    >>> float(nll_loss(np.array([[-0.5, -1.0], [-2.0, -0.25]]), np.array([0, 0])))
    1.25
    """
    logp = _check_scores("nll_loss", input, reduction)
    labels = _check_labels("nll_loss", np.asarray(target), logp)
    return _reduced(-_at_labels(logp, labels), reduction)


def nll_loss_backward(grad_output: Any, input: Array, target: Array, *, reduction: str = "mean") -> Array:
    """Gradient of `nll_loss` with respect to `input`: -1 at each label (over n for a mean), 0 elsewhere.

    Parameters
    ----------
    grad_output : number, or (n,) array for "none"
    input : (n, classes) array
    target : (n,) integers
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    (n, classes) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape, label or option does not fit; the message names the argument.

    Examples
    --------
    >>> nll_loss_backward(1.0, np.array([[-0.5, -1.0], [-2.0, -0.25]]), np.array([0, 1]))
    array([[-0.5,  0. ],
           [ 0. , -0.5]])
    """
    function = "nll_loss_backward"
    logp = _check_scores(function, input, reduction)
    labels = _check_labels(function, np.asarray(target), logp)
    scale = _scale(function, grad_output, labels.shape, logp.dtype, reduction)
    return _only_at_labels(labels, logp, -scale)
