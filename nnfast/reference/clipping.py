"""Clipping of gradients in place, by value and by their norm."""

from typing import Any

import numpy as np

from .checks import FLOATS, Array, at_least, value_error
from .optimizers import Arrays, as_list


def _gradients(function: str, grads: Any) -> list[Array]:
    """The arrays of `grads`, checked."""
    arrays = as_list(function, "grads", grads)
    for array in arrays:
        if array.dtype not in FLOATS or array.dtype != arrays[0].dtype:
            raise TypeError(f"{function}: grads: expected one of float32 and float64, got {array.dtype}")
        if not array.flags.writeable:
            raise ValueError(f"{function}: grads: expected a writable array")
    return arrays


def clip_grad_value_(grads: Arrays, clip_value: float) -> None:
    """Limit every gradient to -clip_value..clip_value, in place; NaN stays NaN.

    Parameters
    ----------
    grads : array or list of arrays, float32 or float64
        Changed in place.
    clip_value : float >= 0

    Raises
    ------
    TypeError, ValueError
        A dtype or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    ``torch.nn.utils.clip_grad_value_``, which takes the parameters instead of the gradients.

    Examples
    --------
    >>> g = np.array([-3.0, 0.5, 2.0])
    >>> clip_grad_value_(g, 1.0)
    >>> g
    array([-1. ,  0.5,  1. ])
    """
    function = "clip_grad_value_"
    at_least(function, "clip_value", clip_value, 0)
    for grad in _gradients(function, grads):
        np.clip(grad, -float(clip_value), float(clip_value), out=grad)


def clip_grad_norm_(
    grads: Arrays, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> float:
    """Scale all gradients by one factor so that their norm, taken over all of them, is `max_norm` at most.

    The factor is ``min(1, max_norm / (norm + 1e-6))``.

    Parameters
    ----------
    grads : array or list of arrays, float32 or float64
        Changed in place.
    max_norm : float >= 0
    norm_type : float > 0, default 2.0
        The norm's exponent; infinity for the largest absolute value.
    error_if_nonfinite : bool, default False
        Whether a norm that is NaN or infinite is a ValueError.

    Returns
    -------
    float
        The norm before.

    Raises
    ------
    TypeError, ValueError
        A dtype or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", ICML 2013,
    algorithm 1; ``torch.nn.utils.clip_grad_norm_``, which takes the parameters instead of the gradients.

    Examples
    --------
    >>> g = [np.array([3.0]), np.array([4.0])]
    >>> clip_grad_norm_(g, 1.0)
    5.0
    >>> round(float(g[0][0]), 5), round(float(g[1][0]), 5)
    (0.6, 0.8)
    """
    function = "clip_grad_norm_"
    at_least(function, "max_norm", max_norm, 0)
    if not norm_type > 0:
        raise value_error(function, "norm_type", "a number above 0", norm_type)
    found = _gradients(function, grads)
    magnitudes = np.concatenate([np.zeros(0), *(np.abs(grad.ravel().astype(float)) for grad in found)])
    with np.errstate(over="ignore", invalid="ignore"):
        norm = float(np.linalg.norm(magnitudes, norm_type)) if magnitudes.size else 0.0
        if error_if_nonfinite and not np.isfinite(norm):
            raise value_error(function, "grads", "a finite norm", norm)
        factor = max_norm / (norm + 1e-6)
        for grad in found:
            if not factor > 1:
                grad *= factor
    return norm
