"""Losses of distributions: Kullback-Leibler divergence, Poisson likelihood; with their gradients.

The formulas and weights are the core's (csrc/kernels/loss); here are arguments and their meaning.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from .. import _core
from .options import Array


def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_target: bool = False,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Kullback-Leibler divergence ``t (log t - x)`` of log-probabilities x from probabilities t.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
        Logarithms of the model's probabilities; the true probabilities.
    log_target : bool, default False
        Whether the target is given as logarithms.
    reduction : {"mean", "sum", "none", "batchmean"}, default "mean"
        "batchmean" divides the sum by the number of samples, which is the mathematical definition.
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
    Kullback, Leibler, "On information and sufficiency", 1951; ``torch.nn.functional.kl_div``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> p = np.array([[0.5, 0.5]])
    >>> float(nf.kl_div(np.log(p), p, reduction="batchmean"))
    0.0
    """
    return _core.kl_div(input, target, log_target, reduction, sample_weight)


def kl_div_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_target: bool = False,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array:
    """Gradient of `kl_div` with respect to `input`: ``-t``, or ``-exp(t)`` with `log_target`.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape, float32 or float64
        Logarithms of the model's probabilities; the true probabilities.
    log_target : bool, default False
        Whether the target is given as logarithms.
    reduction : {"mean", "sum", "none", "batchmean"}, default "mean"
        "batchmean" divides the sum by the number of samples, which is the mathematical definition.
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
    The derivative of `kl_div`; ``torch.nn.functional.kl_div``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> p = np.array([[0.25, 0.75]])
    >>> nf.kl_div_backward(1.0, np.log(p), p, reduction="batchmean")
    array([[-0.25, -0.75]])
    """
    return _core.kl_div_backward(grad_output, input, target, log_target, reduction, sample_weight)


def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any:
    """``exp(x) - t x``: what a Poisson distribution of rate exp(x) has as -log of the probability of t.

    Parameters
    ----------
    input, target : arrays of one shape, float32 or float64
        Rates, or their logarithms; the counts.
    log_input : bool, default True
        Whether the input is the logarithm of the rate.
    full : bool, default False
        Whether Stirling's ``t log t - t + log(2 pi t) / 2`` is added where t > 1.
    eps : float >= 0, default 1e-8
        Keeps ``log(x + eps)`` finite; without `log_input` only.
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
    Without `log_input` the loss is ``x - t log(x + eps)``. Terms of t alone are left out unless `full`;
    ``torch.nn.functional.poisson_nll_loss``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.poisson_nll_loss(np.zeros(2), np.array([0.0, 3.0]), reduction="none")
    array([1., 1.])
    """
    return _core.poisson_nll_loss(input, target, log_input, full, eps, reduction, sample_weight)


def poisson_nll_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array:
    """Gradient of `poisson_nll_loss`: ``exp(x) - t``, or ``1 - t / (x + eps)`` without `log_input`.

    Parameters
    ----------
    grad_output : number, or array of the input's shape for "none"
    input, target : arrays of one shape, float32 or float64
        Rates, or their logarithms; the counts.
    log_input : bool, default True
        Whether the input is the logarithm of the rate.
    full : bool, default False
        Whether Stirling's ``t log t - t + log(2 pi t) / 2`` is added where t > 1.
    eps : float >= 0, default 1e-8
        Keeps ``log(x + eps)`` finite; without `log_input` only.
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
    The derivative of `poisson_nll_loss`; Without `log_input` the loss is ``x - t log(x + eps)``. Terms
    of t alone are left out unless `full`;
    ``torch.nn.functional.poisson_nll_loss``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> nf.poisson_nll_loss_backward(1.0, np.zeros(2), np.array([0.0, 3.0]), reduction="sum")
    array([ 1., -2.])
    """
    return _core.poisson_nll_loss_backward(
        grad_output, input, target, log_input, full, eps, reduction, sample_weight
    )
