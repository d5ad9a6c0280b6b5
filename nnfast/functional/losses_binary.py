"""Losses of two classes: binary cross-entropy from probabilities or logits, hinge, perceptron; gradients.

The formulas and weights are the core's (csrc/kernels/loss); here are arguments and their meaning.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def binary_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> nf.binary_cross_entropy(np.array([0.5, 1.0]), np.array([1.0, 0.0]), reduction="none").round(4)
    array([  0.6931, 100.    ])
    """
    return _core.binary_cross_entropy(input, target, weight, reduction, sample_weight)


def binary_cross_entropy_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> nf.binary_cross_entropy_backward(1.0, np.array([0.5]), np.array([1.0]))
    array([-2.])
    """
    return _core.binary_cross_entropy_backward(grad_output, input, target, weight, reduction, sample_weight)


def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    pos_weight: ArrayLike | None = None,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> nf.binary_cross_entropy_with_logits(
    ...     np.array([0.0, -1e4]), np.array([1.0, 1.0]), reduction="none"
    ... ).round(4)
    array([6.931e-01, 1.000e+04])
    """
    return _core.binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction, sample_weight)


def binary_cross_entropy_with_logits_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    pos_weight: ArrayLike | None = None,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> nf.binary_cross_entropy_with_logits_backward(1.0, np.array([0.0]), np.array([1.0]))
    array([-0.5])
    """
    return _core.binary_cross_entropy_with_logits_backward(
        grad_output, input, target, weight, pos_weight, reduction, sample_weight
    )


def hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> nf.hinge_loss(np.array([0.5, 2.0, 2.0]), np.array([1.0, 1.0, -1.0]), reduction="none")
    array([0.5, 0. , 3. ])
    """
    return _core.hinge_loss(input, target, reduction, sample_weight)


def hinge_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> nf.hinge_loss_backward(1.0, np.array([0.5, 2.0]), np.array([1.0, 1.0]), reduction="sum")
    array([-1.,  0.])
    """
    return _core.hinge_loss_backward(grad_output, input, target, reduction, sample_weight)


def perceptron_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> nf.perceptron_loss(np.array([0.5, 2.0, -3.0]), np.array([1.0, 0.0, 1.0]), reduction="none")
    array([0., 2., 3.])
    """
    return _core.perceptron_loss(input, target, reduction, sample_weight)


def perceptron_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> nf.perceptron_loss_backward(1.0, np.array([-0.5, 2.0]), np.array([1.0, 1.0]), reduction="sum")
    array([-1.,  0.])
    """
    return _core.perceptron_loss_backward(grad_output, input, target, reduction, sample_weight)
