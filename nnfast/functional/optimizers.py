"""Optimizer updates in place: of one array, or of a list of arrays in one call.

In all of them ``g' = grad + weight_decay * param`` (L2 regularisation). Arrays that change must be exactly
float32 or float64, C-contiguous, writable, and share no memory with one another or with the gradients. A list
is checked whole before its first array is changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import _core
from .options import Array

Arrays = Array | Sequence[Array]


def sgd_update(
    param: Arrays,
    grad: Arrays,
    momentum_buffer: Arrays | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    first_step: bool = False,
) -> None:
    """Stochastic gradient descent, with momentum if a buffer is given.

    ``b = momentum * b + (1 - dampening) * g'`` (``b = g'`` in the first step), then ``param -= lr * b``, or
    with `nesterov` ``param -= lr * (g' + momentum * b)``. Without a buffer ``param -= lr * g'``.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64
        Changed in place.
    grad : like param
    momentum_buffer : like param, optional
        Changed in place. Needed when `momentum` is not 0.
    lr, momentum, weight_decay : float >= 0
    dampening : float
    nesterov : bool, default False
        Needs a momentum above 0 and no dampening.
    first_step : bool, default False

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning",
    ICML 2013; ``torch.optim.SGD``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> w, b = np.array([1.0]), np.array([2.0])
    >>> nf.sgd_update(w, np.array([1.0]), b, lr=0.1, momentum=0.5)
    >>> w, b
    (array([0.8]), array([2.]))
    """
    _core.sgd_update(
        param, grad, momentum_buffer, lr, momentum, dampening, weight_decay, nesterov, first_step
    )


def rmsprop_update(
    param: Arrays,
    grad: Arrays,
    square_avg: Arrays,
    *,
    lr: float = 0.01,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """RMSprop: the step is divided by a running root mean square of the gradients.

    ``s = alpha * s + (1 - alpha) * g'^2``, ``param -= lr * g' / (sqrt(s) + eps)``.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64
        Changed in place.
    grad : like param
    square_avg : like param
        Changed in place; zeros at the start.
    lr, eps, weight_decay : float >= 0
    alpha : float in 0..1

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Tieleman, Hinton, "Neural networks for machine learning", lecture 6.5, 2012; ``torch.optim.RMSprop``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> w, s = np.array([1.0]), np.array([0.0])
    >>> nf.rmsprop_update(w, np.array([2.0]), s, lr=0.1, alpha=0.75, eps=0.0)
    >>> w, s
    (array([0.8]), array([1.]))
    """
    _core.rmsprop_update(param, grad, square_avg, lr, alpha, eps, weight_decay)


def adam_update(
    param: Arrays,
    grad: Arrays,
    m: Arrays,
    v: Arrays,
    *,
    step: int,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """Adam: running means of the gradient and of its square, both corrected for their start at zero.

    ``m += (1 - beta1) * (g' - m)``, ``v = beta2 * v + (1 - beta2) * g'^2``, then
    ``param -= lr / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + eps)``.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64
        Changed in place.
    grad : like param
    m, v : like param
        Changed in place; zeros at the start.
    step : int >= 1
        The number of this update, counted from 1.
    lr, eps, weight_decay : float >= 0
    betas : (float, float), each >= 0 and < 1

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1; ``torch.optim.Adam``.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> w, m, v = np.array([1.0]), np.array([0.0]), np.array([0.0])
    >>> nf.adam_update(w, np.array([5.0]), m, v, step=1, lr=0.1, eps=0.0)  # a first step is lr at any scale
    >>> w
    array([0.9])
    """
    try:
        beta1, beta2 = betas
    except (TypeError, ValueError):
        raise ValueError(f"adam_update: betas: expected a pair of numbers, got {betas!r}") from None
    _core.adam_update(param, grad, m, v, step, lr, beta1, beta2, eps, weight_decay)
