"""Losses of classes: cross-entropy of logits, negative log-likelihood; with their gradients.

The formulas and weights are the core's (csrc/kernels/loss); here are arguments and their meaning.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from .. import _core
from .class_rows import Rows
from .options import Array


def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> logits = np.log(np.array([[0.25, 0.75], [0.5, 0.5]]))
    >>> nf.cross_entropy(logits, np.array([1, 0]), reduction="none").round(4)
    array([0.2877, 0.6931])
    """
    rows = Rows("cross_entropy", input, target, sample_weight)
    loss = _core.cross_entropy(
        rows.input, rows.target, weight, ignore_index, label_smoothing, reduction, rows.sample_weight
    )
    return rows.losses(loss)


def cross_entropy_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> nf.cross_entropy_backward(1.0, np.zeros((1, 2)), np.array([0]))
    array([[-0.5,  0.5]])
    """
    rows = Rows("cross_entropy_backward", input, target, sample_weight)
    grad_output = rows.grad_output(grad_output, reduction)
    grad = _core.cross_entropy_backward(
        grad_output,
        rows.input,
        rows.target,
        weight,
        ignore_index,
        label_smoothing,
        reduction,
        rows.sample_weight,
    )
    return rows.gradient(grad)


def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> float(nf.nll_loss(np.array([[-0.5, -1.5]]), np.array([1])))
    1.5
    """
    rows = Rows("nll_loss", input, target, sample_weight)
    loss = _core.nll_loss(rows.input, rows.target, weight, ignore_index, reduction, rows.sample_weight)
    return rows.losses(loss)


def nll_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
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
    >>> import numpy as np, nnfast as nf
    >>> nf.nll_loss_backward(2.0, np.zeros((1, 2)), np.array([1])).tolist()
    [[0.0, -2.0]]
    """
    rows = Rows("nll_loss_backward", input, target, sample_weight)
    grad_output = rows.grad_output(grad_output, reduction)
    grad = _core.nll_loss_backward(
        grad_output, rows.input, rows.target, weight, ignore_index, reduction, rows.sample_weight
    )
    return rows.gradient(grad)
