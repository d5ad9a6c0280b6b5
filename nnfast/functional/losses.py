"""Losses of numbers against numbers: squared and absolute errors and what lies between, with their gradients.

The formulas and weights are the core's (csrc/kernels/loss); here are arguments and their meaning.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Squared error ``(input - target)^2``.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
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
    ``torch.nn.functional.mse_loss``, but shapes must be equal: nothing is broadcast.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> float(nf.mse_loss(np.array([1.0, 4.0]), np.array([0.0, 1.0])))
    5.0
    """
    return _core.mse_loss(input, target, reduction, sample_weight)


def mse_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array:
    """Gradient of `mse_loss`: ``2 (input - target)``, over n for a mean.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape, float32 or float64
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
    The derivative of `mse_loss`; ``torch.nn.functional.mse_loss``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.mse_loss_backward(1.0, np.array([1.0, 4.0]), np.array([0.0, 1.0]))
    array([1., 3.])
    """
    return _core.mse_loss_backward(grad_output, input, target, reduction, sample_weight)


def quadratic_cost(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Half the squared distance ``||input - target||^2 / 2`` of each sample; the mean is over samples.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
    reduction : {"mean", "sum", "none"}, default "mean"
    sample_weight : (n,) numbers, optional
        A factor of each sample's losses, n the length of the first axis. "mean" divides by the weights'
        sum: a weight of 2 counts the sample twice.

    Returns
    -------
    NumPy scalar of the input's dtype, or an (n,) array for "none"
        The mean of nothing is NaN.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument.

    Notes
    -----
    Nielsen, "Neural networks and deep learning", 2015, equation 6. Not in PyTorch, whose `mse_loss` has
    another mean and no 1/2.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> float(nf.quadratic_cost(np.array([[1.0, 4.0]]), np.array([[0.0, 1.0]])))
    5.0
    """
    return _core.quadratic_cost(input, target, reduction, sample_weight)


def quadratic_cost_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array:
    """Gradient of `quadratic_cost`: ``input - target``, over the number of samples for a mean.

    Parameters
    ----------
    grad_output : number, or (n,) array for "none"
    input, target : arrays of one shape, float32 or float64
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
    The derivative of `quadratic_cost`: see its source.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.quadratic_cost_backward(1.0, np.array([[1.0, 4.0]]), np.array([[0.0, 1.0]]))
    array([[1., 3.]])
    """
    return _core.quadratic_cost_backward(grad_output, input, target, reduction, sample_weight)


def l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Absolute error ``|input - target|``.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
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
    ``torch.nn.functional.l1_loss``, but shapes must be equal.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> float(nf.l1_loss(np.array([1.0, 4.0]), np.array([2.0, 1.0])))
    2.0
    """
    return _core.l1_loss(input, target, reduction, sample_weight)


def l1_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array:
    """Gradient of `l1_loss`: the sign of ``input - target``, 0 at 0; over n for a mean.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape, float32 or float64
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
    The derivative of `l1_loss`; ``torch.nn.functional.l1_loss``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.l1_loss_backward(1.0, np.array([1.0, 4.0]), np.array([2.0, 1.0]))
    array([-0.5,  0.5])
    """
    return _core.l1_loss_backward(grad_output, input, target, reduction, sample_weight)


def smooth_l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 1.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any:
    """A parabola ``d^2 / (2 beta)`` where ``d = |input - target| < beta``, beyond it ``d - beta / 2``.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
    beta : float >= 0, default 1
        Where the parabola ends; 0 gives `l1_loss`.
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
    Girshick, "Fast R-CNN", 2015, equation 3; ``torch.nn.functional.smooth_l1_loss``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.smooth_l1_loss(np.array([0.5, 3.0]), np.zeros(2), reduction="none")
    array([0.125, 2.5  ])
    """
    return _core.smooth_l1_loss(input, target, beta, reduction, sample_weight)


def smooth_l1_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 1.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array:
    """Gradient of `smooth_l1_loss`: ``(input - target) / beta`` within beta, beyond it +-1.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape, float32 or float64
    beta : float >= 0, default 1
        Where the parabola ends; 0 gives `l1_loss`.
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
    The derivative of `smooth_l1_loss`; ``torch.nn.functional.smooth_l1_loss``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.smooth_l1_loss_backward(1.0, np.array([0.5, 3.0]), np.zeros(2), reduction="sum")
    array([0.5, 1. ])
    """
    return _core.smooth_l1_loss_backward(grad_output, input, target, beta, reduction, sample_weight)


def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any:
    """A parabola ``d^2 / 2`` where ``d = |input - target| <= delta``, beyond it ``delta (d - delta / 2)``.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
    delta : float > 0, default 1
        Where the parabola ends.
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
    Huber, "Robust estimation of a location parameter", 1964; ``torch.nn.functional.huber_loss``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.huber_loss(np.array([0.5, 3.0]), np.zeros(2), reduction="none", delta=2.0)
    array([0.125, 4.   ])
    """
    return _core.huber_loss(input, target, delta, reduction, sample_weight)


def huber_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array:
    """Gradient of `huber_loss`: ``input - target``, limited to +-delta; over n for a mean.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape, float32 or float64
    delta : float > 0, default 1
        Where the parabola ends.
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
    The derivative of `huber_loss`; ``torch.nn.functional.huber_loss``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.huber_loss_backward(1.0, np.array([0.5, 3.0]), np.zeros(2), reduction="sum", delta=2.0)
    array([0.5, 2. ])
    """
    return _core.huber_loss_backward(grad_output, input, target, delta, reduction, sample_weight)
