"""Losses of numbers against numbers: squared and absolute errors and what lies between, with their gradients.

What reductions and weights do with the losses stands in `reductions`; here are the formulas.
"""

from typing import Any

import numpy as np

from .checks import Array, at_least, value_error
from .reductions import check_pair, reduced, scaled


def mse_loss(
    input: Array,
    target: Array,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
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
    >>> float(mse_loss(np.array([1.0, 4.0]), np.array([0.0, 1.0])))
    5.0
    """
    input, target = check_pair("mse_loss", input, target, reduction)
    losses = (input - target) ** 2
    return reduced("mse_loss", np.asarray(losses), reduction, sample_weight)


def mse_loss_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
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
    >>> mse_loss_backward(1.0, np.array([1.0, 4.0]), np.array([0.0, 1.0]))
    array([1., 3.])
    """
    input, target = check_pair("mse_loss_backward", input, target, reduction)
    slopes = 2 * (input - target)
    return scaled("mse_loss_backward", grad_output, np.asarray(slopes), input, reduction, sample_weight)


def quadratic_cost(
    input: Array,
    target: Array,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
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
    >>> float(quadratic_cost(np.array([[1.0, 4.0]]), np.array([[0.0, 1.0]])))
    5.0
    """
    input, target = check_pair("quadratic_cost", input, target, reduction)
    losses = 0.5 * (input - target) ** 2
    return reduced("quadratic_cost", np.asarray(losses), reduction, sample_weight, over="rows")


def quadratic_cost_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
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
    >>> quadratic_cost_backward(1.0, np.array([[1.0, 4.0]]), np.array([[0.0, 1.0]]))
    array([[1., 3.]])
    """
    input, target = check_pair("quadratic_cost_backward", input, target, reduction)
    slopes = input - target
    return scaled(
        "quadratic_cost_backward",
        grad_output,
        np.asarray(slopes),
        input,
        reduction,
        sample_weight,
        over="rows",
    )


def l1_loss(
    input: Array,
    target: Array,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
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
    >>> float(l1_loss(np.array([1.0, 4.0]), np.array([2.0, 1.0])))
    2.0
    """
    input, target = check_pair("l1_loss", input, target, reduction)
    losses = np.abs(input - target)
    return reduced("l1_loss", np.asarray(losses), reduction, sample_weight)


def l1_loss_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
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
    >>> l1_loss_backward(1.0, np.array([1.0, 4.0]), np.array([2.0, 1.0]))
    array([-0.5,  0.5])
    """
    input, target = check_pair("l1_loss_backward", input, target, reduction)
    slopes = np.sign(input - target)
    return scaled("l1_loss_backward", grad_output, np.asarray(slopes), input, reduction, sample_weight)


def smooth_l1_loss(
    input: Array,
    target: Array,
    *,
    beta: float = 1.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
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
    >>> smooth_l1_loss(np.array([0.5, 3.0]), np.zeros(2), reduction="none")
    array([0.125, 2.5  ])
    """
    input, target = check_pair("smooth_l1_loss", input, target, reduction)
    at_least("smooth_l1_loss", "beta", beta, 0)
    d = np.abs(input - target)
    losses = np.where(d < beta, 0.5 * d**2 / (beta or 1), d - 0.5 * beta)
    return reduced("smooth_l1_loss", np.asarray(losses), reduction, sample_weight)


def smooth_l1_loss_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    *,
    beta: float = 1.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
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
    >>> smooth_l1_loss_backward(1.0, np.array([0.5, 3.0]), np.zeros(2), reduction="sum")
    array([0.5, 1. ])
    """
    input, target = check_pair("smooth_l1_loss_backward", input, target, reduction)
    at_least("smooth_l1_loss_backward", "beta", beta, 0)
    d = input - target
    slopes = np.where(np.abs(d) < beta, d / (beta or 1), np.sign(d))
    return scaled("smooth_l1_loss_backward", grad_output, np.asarray(slopes), input, reduction, sample_weight)


def huber_loss(
    input: Array,
    target: Array,
    *,
    delta: float = 1.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
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
    >>> huber_loss(np.array([0.5, 3.0]), np.zeros(2), reduction="none", delta=2.0)
    array([0.125, 4.   ])
    """
    input, target = check_pair("huber_loss", input, target, reduction)
    if not delta > 0:
        raise value_error("huber_loss", "delta", "a number > 0", delta)
    d = np.abs(input - target)
    losses = np.where(d <= delta, 0.5 * d**2, delta * (d - 0.5 * delta))
    return reduced("huber_loss", np.asarray(losses), reduction, sample_weight)


def huber_loss_backward(
    grad_output: Any,
    input: Array,
    target: Array,
    *,
    delta: float = 1.0,
    reduction: str = "mean",
    sample_weight: Array | None = None,
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
    >>> huber_loss_backward(1.0, np.array([0.5, 3.0]), np.zeros(2), reduction="sum", delta=2.0)
    array([0.5, 2. ])
    """
    input, target = check_pair("huber_loss_backward", input, target, reduction)
    if not delta > 0:
        raise value_error("huber_loss_backward", "delta", "a number > 0", delta)
    slopes = np.clip(input - target, -delta, delta)
    return scaled("huber_loss_backward", grad_output, np.asarray(slopes), input, reduction, sample_weight)
