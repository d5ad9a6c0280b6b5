"""Optimizer updates, in place, of one array or a list of arrays: parameters, gradients and states alike.

The formulas are those of torch.optim; weight decay is an L2 penalty: ``g' = grad + weight_decay * param``.
All arrays of one entry share a shape and a dtype (float32 or float64), and everything is computed in that
dtype, but for the few scalars that depend on the step, which are computed in double precision.
Nothing is written before every argument has passed its check.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .checks import FLOATS, Array, at_least, has_shape, integer_in, value_error

Arrays = Array | Sequence[Array]


def _as_list(function: str, name: str, value: Any) -> list[Array]:
    arrays = [value] if isinstance(value, np.ndarray) else value
    if not isinstance(arrays, (list, tuple)) or not all(isinstance(array, np.ndarray) for array in arrays):
        raise TypeError(
            f"{function}: {name}: expected an array or a list of arrays, got {type(value).__name__}"
        )
    return list(arrays)


def _entries(function: str, param: Any, grad: Any, **states: Any) -> list[tuple[Array, ...]]:
    """(param, grad, *states) of every parameter array, checked; what is written must not overlap."""
    named = {
        name: _as_list(function, name, value)
        for name, value in {"param": param, "grad": grad, **states}.items()
    }
    count = len(named["param"])
    for name, arrays in named.items():
        if len(arrays) != count:
            raise value_error(function, name, f"{count} arrays like param", len(arrays))
        for first, array in zip(named["param"], arrays, strict=True):
            if array.dtype not in FLOATS:
                raise TypeError(f"{function}: {name}: expected float32 or float64, got {array.dtype}")
            if array.dtype != first.dtype:
                raise TypeError(f"{function}: {name}: expected {first.dtype} like param, got {array.dtype}")
            has_shape(function, name, array, first.shape)
            if name != "grad" and not array.flags.writeable:
                raise ValueError(f"{function}: {name}: expected a writable array")
    entries = list(zip(*named.values(), strict=True))
    for entry in entries:
        for (i, a), (j, b) in itertools.combinations(enumerate(entry), 2):
            if np.shares_memory(a, b):
                names = list(named)
                raise value_error(function, names[j], f"memory apart from {names[i]}", "an overlap")
    return entries


def _fraction(function: str, name: str, value: float, below_one: bool = True) -> None:
    if not (0 <= value < 1 or (value == 1 and not below_one)):
        raise value_error(function, name, "a number in 0..1" + (", below 1" if below_one else ""), value)


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
    """Stochastic gradient descent, with momentum or without.

    ``b = momentum * b + (1 - dampening) * g'`` (``b = g'`` in the first step), then ``param -= lr * d`` with
    ``d = b`` or, for Nesterov's variant, ``d = g' + momentum * b``. Without momentum
    ``param -= lr * g'``, and a buffer is left alone.
    Sutskever, Martens, Dahl, Hinton, ICML 2013; torch.optim.SGD.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64, updated in place
    grad : like param
    momentum_buffer : like param, optional, updated in place
        Required when `momentum` is not 0.
    lr, momentum, weight_decay : float >= 0
    dampening : float
    nesterov : bool
        Needs a momentum above 0 and no dampening.
    first_step : bool

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> w, b = np.array([1.0]), np.array([2.0])
    >>> sgd_update(w, np.array([1.0]), b, lr=0.1, momentum=0.5)
    >>> w, b
    (array([0.8]), array([2.]))
    """
    function = "sgd_update"
    options = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
    for name, value in options.items():
        at_least(function, name, value, 0)
    if not math.isfinite(dampening):
        raise value_error(function, "dampening", "a finite number", dampening)
    if nesterov and (momentum == 0 or dampening != 0):
        got = f"momentum {momentum}, dampening {dampening}"
        raise value_error(function, "nesterov", "a momentum above 0 and no dampening", got)
    if momentum and momentum_buffer is None:
        raise value_error(function, "momentum_buffer", f"an array for momentum {momentum}", None)
    lr, momentum, dampening, weight_decay = float(lr), float(momentum), float(dampening), float(weight_decay)
    states = {} if momentum_buffer is None else {"momentum_buffer": momentum_buffer}
    for p, g, *state in _entries(function, param, grad, **states):
        g = g + weight_decay * p
        if momentum == 0:
            p -= lr * g
            continue
        (b,) = state
        b[...] = g if first_step else momentum * b + (1 - dampening) * g
        p -= lr * (g + momentum * b if nesterov else b)


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
    Tieleman, Hinton: "Neural networks for machine learning", lecture 6.5, 2012; torch.optim.RMSprop.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64, updated in place
    grad : like param
    square_avg : like param, updated in place, zeros at the start
    lr, eps, weight_decay : float >= 0
    alpha : float in 0..1

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> w, s = np.array([1.0]), np.array([0.0])
    >>> rmsprop_update(w, np.array([2.0]), s, lr=0.1, alpha=0.75, eps=0.0)
    >>> w, s
    (array([0.8]), array([1.]))
    """
    function = "rmsprop_update"
    for name, value in {"lr": lr, "eps": eps, "weight_decay": weight_decay}.items():
        at_least(function, name, value, 0)
    _fraction(function, "alpha", alpha, below_one=False)
    lr, alpha, eps, weight_decay = float(lr), float(alpha), float(eps), float(weight_decay)
    for p, g, s in _entries(function, param, grad, square_avg=square_avg):
        g = g + weight_decay * p
        s[...] = alpha * s + (1 - alpha) * g * g
        p -= lr * g / (np.sqrt(s) + eps)


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
    Kingma, Ba: "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1; torch.optim.Adam.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64, updated in place
    grad : like param
    m, v : like param, updated in place, zeros at the start
    step : int >= 1
        The number of this update, counted from 1.
    lr, eps, weight_decay : float >= 0
    betas : (float, float), each in 0..1 and below 1

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> w, m, v = np.array([1.0]), np.array([0.0]), np.array([0.0])
    >>> adam_update(w, np.array([5.0]), m, v, step=1, lr=0.1, eps=0.0)  # a first step is lr at any scale
    >>> w
    array([0.9])
    """
    function = "adam_update"
    step = integer_in(function, "step", step, 1, 2**63 - 1)
    for name, value in {"lr": lr, "eps": eps, "weight_decay": weight_decay}.items():
        at_least(function, name, value, 0)
    if len(betas) != 2:
        raise value_error(function, "betas", "two numbers", len(betas))
    for beta in betas:
        _fraction(function, "betas", beta)
    beta1, beta2 = float(betas[0]), float(betas[1])
    eps, weight_decay = float(eps), float(weight_decay)
    step_size = float(lr) / (1 - beta1**step)
    bias2_sqrt = float(np.sqrt(1 - beta2**step))
    for p, g, m_, v_ in _entries(function, param, grad, m=m, v=v):
        g = g + weight_decay * p
        m_ += (1 - beta1) * (g - m_)
        v_[...] = beta2 * v_ + (1 - beta2) * g * g
        p -= step_size * m_ / (np.sqrt(v_) / bias2_sqrt + eps)
