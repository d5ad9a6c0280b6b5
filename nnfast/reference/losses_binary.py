"""Losses of two classes: binary cross-entropy from probabilities or logits, hinge, perceptron; gradients.

What reductions and weights do with the losses stands in `reductions`; here are the formulas.
"""

from typing import Any

import numpy as np

from .checks import Array, value_error
from .reductions import check_pair, reduced, scaled


def _check_probabilities(function: str, x: Array) -> None:
    outside = x[(x < 0) | (x > 1)]
    if outside.size:
        raise value_error(function, "input", "probabilities, numbers in 0..1", outside[0])


def _softplus(x: Array) -> Array:
    """log(1 + exp(x)) from the end where the exponential is at most 1."""
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def _sigmoids(x: Array) -> tuple[Array, Array]:
    """sigmoid(x) and sigmoid(-x) = 1 - sigmoid(x), neither from a difference."""
    e = np.exp(-np.abs(x))
    larger, smaller = 1 / (1 + e), e / (1 + e)
    return np.where(x < 0, smaller, larger), np.where(x < 0, larger, smaller)


def binary_cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Any:
    """``-(t log x + (1 - t) log(1 - x))`` of probabilities x against targets t.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
        Probabilities of the positive class, and what they should be; both in 0..1.
    weight : array that broadcasts to the input's shape, optional
        A factor of each element's loss. A mean does not count it.
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's losses, n the length of the first axis. "mean" divides by the weights'
        sum: a weight of 2 counts the sample twice.

    Returns
    -------
    NumPy scalar of the input's dtype, or an array of its shape for "none"
        The mean of nothing is NaN.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.
    ValueError
        An input lies outside 0..1.

    Notes
    -----
    Bishop, "Pattern recognition and machine learning", 2006, equation 4.90;
    ``torch.nn.functional.binary_cross_entropy``, whose logarithms are at least -100 too.

    Examples
    --------
    >>> binary_cross_entropy(np.array([0.5, 1.0]), np.array([1.0, 0.0]), reduction="none").round(4)
    array([  0.6931, 100.    ])
    """
    input, target = check_pair("binary_cross_entropy", input, target, reduction)
    _check_probabilities("binary_cross_entropy", input)
    with np.errstate(divide="ignore", invalid="ignore"):
        losses = (target - 1) * np.maximum(np.log1p(-input), -100) - target * np.maximum(np.log(input), -100)
    return reduced("binary_cross_entropy", np.asarray(losses), reduction, sample_weight, weight=weight)


def binary_cross_entropy_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """Gradient of `binary_cross_entropy`: ``(x - t) / (x (1 - x))``, the denominator at least 1e-12.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape, float32 or float64
        Probabilities of the positive class, and what they should be; both in 0..1.
    weight : array that broadcasts to the input's shape, optional
        A factor of each element's loss. A mean does not count it.
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's losses, n the length of the first axis. "mean" divides by the weights'
        sum: a weight of 2 counts the sample twice.

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.
    ValueError
        An input lies outside 0..1.

    Notes
    -----
    The derivative of `binary_cross_entropy`; Bishop, "Pattern recognition and machine learning", 2006,
    equation 4.90;
    ``torch.nn.functional.binary_cross_entropy``.

    Examples
    --------
    >>> binary_cross_entropy_backward(1.0, np.array([0.5]), np.array([1.0]))
    array([-2.])
    """
    input, target = check_pair("binary_cross_entropy_backward", input, target, reduction)
    _check_probabilities("binary_cross_entropy_backward", input)
    slopes = (input - target) / np.maximum(input * (1 - input), 1e-12)
    return scaled(
        "binary_cross_entropy_backward",
        grad_output,
        np.asarray(slopes),
        input,
        reduction,
        sample_weight,
        weight=weight,
    )


def binary_cross_entropy_with_logits(
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    pos_weight: Array | None = None,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Any:
    """`binary_cross_entropy` of ``sigmoid(input)``, stable for logits of any size.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
        Logits: any real numbers; and the probabilities they should stand for, in 0..1.
    weight : array that broadcasts to the input's shape, optional
        A factor of each element's loss. A mean does not count it.
    pos_weight : array that broadcasts to the input's shape, optional
        A factor of the positive term: more than 1 favours recall over precision.
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's losses, n the length of the first axis. "mean" divides by the weights'
        sum: a weight of 2 counts the sample twice.

    Returns
    -------
    NumPy scalar of the input's dtype, or an array of its shape for "none"
        The mean of nothing is NaN.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    ``(1 - t) softplus(x) + pos_weight t softplus(-x)``, no term of which is negative;
    ``torch.nn.functional.binary_cross_entropy_with_logits``.

    Examples
    --------
    >>> binary_cross_entropy_with_logits(
    ...     np.array([0.0, -1e4]), np.array([1.0, 1.0]), reduction="none"
    ... ).round(4)
    array([6.931e-01, 1.000e+04])
    """
    input, target = check_pair("binary_cross_entropy_with_logits", input, target, reduction)
    p = np.asarray(1 if pos_weight is None else pos_weight, input.dtype)
    losses = (1 - target) * _softplus(input) + p * target * _softplus(-input)
    return reduced(
        "binary_cross_entropy_with_logits", np.asarray(losses), reduction, sample_weight, weight=weight
    )


def binary_cross_entropy_with_logits_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    weight: Array | None = None,
    *,
    pos_weight: Array | None = None,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """Gradient of `binary_cross_entropy_with_logits`: ``sigmoid(input) - target`` without weights.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape, float32 or float64
        Logits: any real numbers; and the probabilities they should stand for, in 0..1.
    weight : array that broadcasts to the input's shape, optional
        A factor of each element's loss. A mean does not count it.
    pos_weight : array that broadcasts to the input's shape, optional
        A factor of the positive term: more than 1 favours recall over precision.
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's losses, n the length of the first axis. "mean" divides by the weights'
        sum: a weight of 2 counts the sample twice.

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    The derivative of `binary_cross_entropy_with_logits`; ``(1 - t) softplus(x) + pos_weight t
    softplus(-x)``, no term of which is negative;
    ``torch.nn.functional.binary_cross_entropy_with_logits``.

    Examples
    --------
    >>> binary_cross_entropy_with_logits_backward(1.0, np.array([0.0]), np.array([1.0]))
    array([-0.5])
    """
    input, target = check_pair("binary_cross_entropy_with_logits_backward", input, target, reduction)
    p = np.asarray(1 if pos_weight is None else pos_weight, input.dtype)
    upper, lower = _sigmoids(input)
    slopes = (1 - target) * upper - p * target * lower
    return scaled(
        "binary_cross_entropy_with_logits_backward",
        grad_output,
        np.asarray(slopes),
        input,
        reduction,
        sample_weight,
        weight=weight,
    )


def hinge_loss(
    input: Array,
    target: Array,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Any:
    """``max(0, 1 - target * input)``: 0 for scores beyond 1 on the right side.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
        Scores, and the classes -1 and 1.
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's losses, n the length of the first axis. "mean" divides by the weights'
        sum: a weight of 2 counts the sample twice.

    Returns
    -------
    NumPy scalar of the input's dtype, or an array of its shape for "none"
        The mean of nothing is NaN.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    Cortes, Vapnik, "Support-vector networks", 1995; Keras's ``hinge``.

    Examples
    --------
    >>> hinge_loss(np.array([0.5, 2.0, 2.0]), np.array([1.0, 1.0, -1.0]), reduction="none")
    array([0.5, 0. , 3. ])
    """
    input, target = check_pair("hinge_loss", input, target, reduction)
    losses = np.maximum(0, 1 - target * input)
    return reduced("hinge_loss", np.asarray(losses), reduction, sample_weight)


def hinge_loss_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """Gradient of `hinge_loss`: ``-target`` where the loss is positive, else 0; over n for a mean.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape, float32 or float64
        Scores, and the classes -1 and 1.
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's losses, n the length of the first axis. "mean" divides by the weights'
        sum: a weight of 2 counts the sample twice.

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    The derivative of `hinge_loss`: see its source.

    Examples
    --------
    >>> hinge_loss_backward(1.0, np.array([0.5, 2.0]), np.array([1.0, 1.0]), reduction="sum")
    array([-1.,  0.])
    """
    input, target = check_pair("hinge_loss_backward", input, target, reduction)
    slopes = np.where(1 - target * input <= 0, 0, -target)  # NaN counts as a loss
    return scaled("hinge_loss_backward", grad_output, np.asarray(slopes), input, reduction, sample_weight)


def _perceptron_slopes(input: Array, target: Array) -> Array:
    """step(input) - target; NaN counts as a loss."""
    return (~(input <= 0)).astype(input.dtype) - target


def perceptron_loss(
    input: Array,
    target: Array,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Any:
    """The perceptron criterion ``(step(input) - target) * input``: 0 on the right side, else the distance.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
        Scores, and the classes 0 and 1.
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's losses, n the length of the first axis. "mean" divides by the weights'
        sum: a weight of 2 counts the sample twice.

    Returns
    -------
    NumPy scalar of the input's dtype, or an array of its shape for "none"
        The mean of nothing is NaN.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    Rosenblatt, "The perceptron", 1958; as a criterion: Bishop,
    "Pattern recognition and machine learning", 4.1.7.

    Examples
    --------
    >>> perceptron_loss(np.array([0.5, 2.0, -3.0]), np.array([1.0, 0.0, 1.0]), reduction="none")
    array([0., 2., 3.])
    """
    input, target = check_pair("perceptron_loss", input, target, reduction)
    slopes = _perceptron_slopes(input, target)
    losses = np.where(slopes == 0, np.minimum(np.abs(input), 0), slopes * np.where(slopes == 0, 0, input))
    return reduced("perceptron_loss", np.asarray(losses), reduction, sample_weight)


def perceptron_loss_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> Array:
    """Gradient of `perceptron_loss`: ``step(input) - target``, what the perceptron rule takes off.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape, float32 or float64
        Scores, and the classes 0 and 1.
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's losses, n the length of the first axis. "mean" divides by the weights'
        sum: a weight of 2 counts the sample twice.

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    The derivative of `perceptron_loss`: see its source.

    Examples
    --------
    >>> perceptron_loss_backward(1.0, np.array([-0.5, 2.0]), np.array([1.0, 1.0]), reduction="sum")
    array([-1.,  0.])
    """
    input, target = check_pair("perceptron_loss_backward", input, target, reduction)
    slopes = _perceptron_slopes(input, target)
    return scaled(
        "perceptron_loss_backward", grad_output, np.asarray(slopes), input, reduction, sample_weight
    )
