"""Losses of whole batches, with their gradients."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def mse_loss(input: ArrayLike, target: ArrayLike, *, reduction: str = "mean") -> Any:
    """Squared error ``(input - target)^2``.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
    reduction : {"mean", "sum", "none"}, default "mean"

    Returns
    -------
    NumPy scalar of the inputs' dtype, or an array of their shape for "none"
        The mean of no elements is NaN.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or the reduction does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.mse_loss``, but shapes must be equal: nothing is broadcast.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> float(nf.mse_loss(np.array([1.0, 4.0]), np.array([0.0, 1.0])))
    5.0
    """
    return _core.mse_loss(input, target, reduction)


def mse_loss_backward(
    grad_output: ArrayLike, input: ArrayLike, target: ArrayLike, *, reduction: str = "mean"
) -> Array:
    """Gradient of `mse_loss` with respect to `input`: ``2 (input - target)``, over n for a mean.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape
    reduction : {"mean", "sum", "none"}, default "mean"

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or the reduction does not fit; the message names the argument.

    Notes
    -----
    The derivative of ``torch.nn.functional.mse_loss``; nothing is broadcast.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.mse_loss_backward(1.0, np.array([1.0, 4.0]), np.array([0.0, 1.0]))
    array([1., 3.])
    """
    return _core.mse_loss_backward(grad_output, input, target, reduction)


def cross_entropy(input: ArrayLike, target: ArrayLike, *, reduction: str = "mean") -> Any:
    """Cross-entropy of ``softmax(input)`` against labels or probabilities, from the logits in one pass.

    Parameters
    ----------
    input : (n, classes) array, float32 or float64
        Logits; (classes,) for one sample.
    target : (n,) integers in 0..classes-1, or (n, classes) array of the input's dtype
        Labels of any integer dtype, or probabilities, which need not sum to 1.
    reduction : {"mean", "sum", "none"}, default "mean"
        "mean" divides by the number of samples.

    Returns
    -------
    NumPy scalar of the input's dtype, or an (n,) array for "none"
        ``-sum over j of t_j * log_softmax(input)_j`` a sample, t one-hot for a label. The mean of no samples
        is NaN.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, a label or the reduction does not fit; the message names the argument.

    Notes
    -----
    Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.2.2.3;
    ``torch.nn.functional.cross_entropy``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> logits = np.log(np.array([[0.25, 0.75], [0.5, 0.5]]))
    >>> nf.cross_entropy(logits, np.array([1, 0]), reduction="none").round(4)
    array([0.2877, 0.6931])
    """
    return _core.cross_entropy(input, target, reduction)


def cross_entropy_backward(
    grad_output: ArrayLike, input: ArrayLike, target: ArrayLike, *, reduction: str = "mean"
) -> Array:
    """Gradient of `cross_entropy` with respect to the logits: ``softmax(input) * sum(t) - t`` a sample.

    Parameters
    ----------
    grad_output : number, or (n,) array for "none"
    input : (n, classes) array
    target : (n,) integers or (n, classes) array
    reduction : {"mean", "sum", "none"}, default "mean"

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, a label or the reduction does not fit; the message names the argument.

    Notes
    -----
    Bishop, "Pattern recognition and machine learning", 2006, section 4.3.4, where the targets sum to 1;
    ``torch.nn.functional.cross_entropy``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.cross_entropy_backward(1.0, np.zeros((1, 2)), np.array([0]))
    array([[-0.5,  0.5]])
    """
    return _core.cross_entropy_backward(grad_output, input, target, reduction)


def nll_loss(input: ArrayLike, target: ArrayLike, *, reduction: str = "mean") -> Any:
    """Negative log-likelihood ``-input[i, target[i]]``: the loss behind a log-softmax layer.

    Parameters
    ----------
    input : (n, classes) array, float32 or float64
        Log-probabilities; (classes,) for one sample.
    target : (n,) integers in 0..classes-1
    reduction : {"mean", "sum", "none"}, default "mean"

    Returns
    -------
    NumPy scalar of the input's dtype, or an (n,) array for "none"
        The mean of no samples is NaN.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, a label or the reduction does not fit; the message names the argument.

    Notes
    -----
    ``torch.nn.functional.nll_loss``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> float(nf.nll_loss(np.array([[-0.5, -1.5]]), np.array([1])))
    1.5
    """
    return _core.nll_loss(input, target, reduction)


def nll_loss_backward(
    grad_output: ArrayLike, input: ArrayLike, target: ArrayLike, *, reduction: str = "mean"
) -> Array:
    """Gradient of `nll_loss` with respect to `input`: -1 at each label (over n for a mean), 0 elsewhere.

    Parameters
    ----------
    grad_output : number, or (n,) array for "none"
    input : (n, classes) array
    target : (n,) integers
    reduction : {"mean", "sum", "none"}, default "mean"

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape, a label or the reduction does not fit; the message names the argument.

    Notes
    -----
    The derivative of ``torch.nn.functional.nll_loss``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.nll_loss_backward(2.0, np.zeros((1, 2)), np.array([1])).tolist()
    [[0.0, -2.0]]
    """
    return _core.nll_loss_backward(grad_output, input, target, reduction)
