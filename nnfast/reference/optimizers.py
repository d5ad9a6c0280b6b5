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


def as_list(function: str, name: str, value: Any) -> list[Array]:
    arrays = [value] if isinstance(value, np.ndarray) else value
    if not isinstance(arrays, (list, tuple)) or not all(isinstance(array, np.ndarray) for array in arrays):
        raise TypeError(
            f"{function}: {name}: expected an array or a list of arrays, got {type(value).__name__}"
        )
    return list(arrays)


def _entries(function: str, param: Any, grad: Any, **states: Any) -> list[tuple[Array, ...]]:
    """(param, grad, *states) of every parameter array, checked; what is written must not overlap."""
    named = {
        name: as_list(function, name, value)
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
    grad_avg: Arrays | None = None,
    momentum_buffer: Arrays | None = None,
    *,
    lr: float = 0.01,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
) -> None:
    """RMSprop: the step is divided by a running root mean square of the gradients.

    ``s = alpha * s + (1 - alpha) * g'^2``, ``d = g' / (sqrt(s) + eps)``, ``param -= lr * d``, or with
    momentum ``b = momentum * b + d``, ``param -= lr * b``. `centered`: ``a += (1 - alpha) * (g' - a)``, and
    ``max(0, s - a^2)`` instead of s under the root.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64
        Changed in place.
    grad : like param
    square_avg : like param
        Changed in place; zeros at the start.
    grad_avg, momentum_buffer : like param, optional
        Changed in place; zeros at the start. Needed when `centered`, and when `momentum` is not 0.
    lr, eps, weight_decay, momentum : float >= 0
    alpha : float in 0..1
    centered : bool, default False

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Tieleman, Hinton, "Neural networks for machine learning", lecture 6.5, 2012; centered: Graves, "Generating
    sequences with recurrent neural networks", arXiv:1308.0850, section 4.2; ``torch.optim.RMSprop``, which
    lets a rounding make ``s - a^2`` negative, and the parameter NaN.

    Examples
    --------
    >>> w, s = np.array([1.0]), np.array([0.0])
    >>> rmsprop_update(w, np.array([2.0]), s, lr=0.1, alpha=0.75, eps=0.0)
    >>> w, s
    (array([0.8]), array([1.]))
    """
    function = "rmsprop_update"
    options = {"lr": lr, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
    for name, value in options.items():
        at_least(function, name, value, 0)
    _fraction(function, "alpha", alpha, below_one=False)
    if centered and grad_avg is None:
        raise value_error(function, "grad_avg", "an array for centered=True", None)
    if momentum and momentum_buffer is None:
        raise value_error(function, "momentum_buffer", f"an array for momentum {momentum}", None)
    lr, alpha, eps, weight_decay = float(lr), float(alpha), float(eps), float(weight_decay)
    momentum = float(momentum)
    states = {"square_avg": square_avg, "grad_avg": grad_avg, "momentum_buffer": momentum_buffer}
    given = {name: state for name, state in states.items() if state is not None}
    for p, g, *found in _entries(function, param, grad, **given):
        state = dict(zip(given, found, strict=True))
        g = g + weight_decay * p
        s = state["square_avg"]
        s[...] = alpha * s + (1 - alpha) * g * g
        variance = s
        if centered:
            a = state["grad_avg"]
            a += (1 - alpha) * (g - a)
            variance = np.maximum(0, s - a * a)
        direction = g / (np.sqrt(variance) + eps)
        if momentum:
            b = state["momentum_buffer"]
            b[...] = momentum * b + direction
            direction = b
        p -= lr * direction


def adagrad_update(
    param: Arrays,
    grad: Arrays,
    sum: Arrays,
    *,
    step: int,
    lr: float = 0.01,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    eps: float = 1e-10,
) -> None:
    """Adagrad: the step is divided by the root of the sum of all squared gradients.

    ``s += g'^2``, ``param -= lr / (1 + (step - 1) * lr_decay) * g' / (sqrt(s) + eps)``.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64
        Changed in place.
    grad : like param
    sum : like param
        Changed in place; zeros, or another first value, at the start.
    step : int >= 1
        The number of this update, counted from 1.
    lr, lr_decay, weight_decay, eps : float >= 0

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    JMLR 12, 2011; ``torch.optim.Adagrad``.

    Examples
    --------
    >>> w, s = np.array([1.0]), np.array([12.0])
    >>> adagrad_update(w, np.array([2.0]), s, step=1, lr=0.5, eps=0.0)
    >>> w, s
    (array([0.75]), array([16.]))
    """
    function = "adagrad_update"
    step = integer_in(function, "step", step, 1, 2**63 - 1)
    options = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay, "eps": eps}
    for name, value in options.items():
        at_least(function, name, value, 0)
    rate, eps, weight_decay = float(lr) / (1 + (step - 1) * float(lr_decay)), float(eps), float(weight_decay)
    for p, g, s in _entries(function, param, grad, sum=sum):
        g = g + weight_decay * p
        s += g * g
        p -= rate * g / (np.sqrt(s) + eps)


def adadelta_update(
    param: Arrays,
    grad: Arrays,
    square_avg: Arrays,
    acc_delta: Arrays,
    *,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
) -> None:
    """Adadelta: gradients are scaled to the size of the past steps.

    ``s = rho * s + (1 - rho) * g'^2``, ``d = sqrt(u + eps) / sqrt(s + eps) * g'``,
    ``u = rho * u + (1 - rho) * d^2``, ``param -= lr * d``.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64
        Changed in place.
    grad : like param
    square_avg, acc_delta : like param
        s and u, changed in place; zeros at the start.
    lr, eps, weight_decay : float >= 0
    rho : float in 0..1

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701, algorithm 1;
    ``torch.optim.Adadelta``.

    Examples
    --------
    >>> w, s, u = np.array([1.0]), np.array([0.0]), np.array([3.0])
    >>> adadelta_update(w, np.array([2.0]), s, u, lr=0.25, rho=0.25, eps=1.0)
    >>> w, s, u
    (array([0.5]), array([3.]), array([3.75]))
    """
    function = "adadelta_update"
    for name, value in {"lr": lr, "eps": eps, "weight_decay": weight_decay}.items():
        at_least(function, name, value, 0)
    _fraction(function, "rho", rho, below_one=False)
    lr, rho, eps, weight_decay = float(lr), float(rho), float(eps), float(weight_decay)
    for p, g, s, u in _entries(function, param, grad, square_avg=square_avg, acc_delta=acc_delta):
        g = g + weight_decay * p
        s[...] = rho * s + (1 - rho) * g * g
        d = np.sqrt(u + eps) / np.sqrt(s + eps) * g
        u[...] = rho * u + (1 - rho) * d * d
        p -= lr * d


def _adam_options(
    function: str, step: int, lr: float, betas: tuple[float, float], eps: float, weight_decay: float
) -> tuple[int, float, float, float, float]:
    """(step, beta1, beta2, eps, weight_decay), checked."""
    step = integer_in(function, "step", step, 1, 2**63 - 1)
    for name, value in {"lr": lr, "eps": eps, "weight_decay": weight_decay}.items():
        at_least(function, name, value, 0)
    if len(betas) != 2:
        raise value_error(function, "betas", "two numbers", len(betas))
    for beta in betas:
        _fraction(function, "betas", beta)
    return step, float(betas[0]), float(betas[1]), float(eps), float(weight_decay)


def _adam(
    function: str,
    param: Arrays,
    grad: Arrays,
    m: Arrays,
    v: Arrays,
    max_v: Arrays | None,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    decoupled: bool = False,
) -> None:
    """Adam, and AdamW with `decoupled`."""
    step, beta1, beta2, eps, weight_decay = _adam_options(function, step, lr, betas, eps, weight_decay)
    if amsgrad and max_v is None:
        raise value_error(function, "max_v", "an array for amsgrad=True", None)
    lr = float(lr)
    step_size = lr / (1 - beta1**step)
    bias2_sqrt = math.sqrt(1 - beta2**step)
    more = {} if max_v is None else {"max_v": max_v}
    for p, g, m_, v_, *rest in _entries(function, param, grad, m=m, v=v, **more):
        if decoupled:
            p *= 1 - lr * weight_decay
        else:
            g = g + weight_decay * p
        m_ += (1 - beta1) * (g - m_)
        v_[...] = beta2 * v_ + (1 - beta2) * g * g
        square = v_
        if amsgrad:
            (square,) = rest
            np.maximum(square, v_, out=square)
        p -= step_size * m_ / (np.sqrt(square) / bias2_sqrt + eps)


def _mu(t: int, beta1: float, momentum_decay: float) -> float:
    """NAdam's momentum at step t."""
    return float(beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay)))


def _mu_product(step: int, beta1: float, momentum_decay: float) -> float:
    """mu_1 * ... * mu_step; it enters as 1 - product, so the loop may end when that is 1."""
    product = 1.0
    for t in range(1, step + 1):
        if product < 1e-17:
            break
        product *= _mu(t, beta1, momentum_decay)
    return product


def adam_update(
    param: Arrays,
    grad: Arrays,
    m: Arrays,
    v: Arrays,
    max_v: Arrays | None = None,
    *,
    step: int,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
) -> None:
    """Adam: running means of the gradient and of its square, both corrected for their start at zero.

    ``m += (1 - beta1) * (g' - m)``, ``v = beta2 * v + (1 - beta2) * g'^2``, then
    ``param -= lr / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + eps)``. `amsgrad`:
    ``max_v = max(max_v, v)`` instead of v under the root.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64
        Changed in place.
    grad : like param
    m, v : like param
        Changed in place; zeros at the start.
    max_v : like param, optional
        Changed in place; zeros at the start. Needed when `amsgrad`.
    step : int >= 1
        The number of this update, counted from 1.
    lr, eps, weight_decay : float >= 0
    betas : (float, float), each >= 0 and < 1
    amsgrad : bool, default False

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1; amsgrad: Reddi, Kale,
    Kumar, "On the convergence of Adam and beyond", ICLR 2018; ``torch.optim.Adam``.

    Examples
    --------
    >>> w, m, v = np.array([1.0]), np.array([0.0]), np.array([0.0])
    >>> adam_update(w, np.array([5.0]), m, v, step=1, lr=0.1, eps=0.0)  # a first step is lr at any scale
    >>> w
    array([0.9])
    """
    _adam("adam_update", param, grad, m, v, max_v, step, lr, betas, eps, weight_decay, amsgrad)


def adamw_update(
    param: Arrays,
    grad: Arrays,
    m: Arrays,
    v: Arrays,
    max_v: Arrays | None = None,
    *,
    step: int,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
) -> None:
    """AdamW: Adam with decoupled weight decay.

    ``param *= 1 - lr * weight_decay``, then `adam_update` with ``g' = grad``.

    Parameters
    ----------
    param : array or list of arrays, float32 or float64
        Changed in place.
    grad : like param
    m, v : like param
        Changed in place; zeros at the start.
    max_v : like param, optional
        Changed in place; zeros at the start. Needed when `amsgrad`.
    step : int >= 1
        The number of this update, counted from 1.
    lr, eps, weight_decay : float >= 0
    betas : (float, float), each >= 0 and < 1
    amsgrad : bool, default False

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2;
    ``torch.optim.AdamW``.

    Examples
    --------
    >>> w, m, v = np.array([1.0]), np.array([0.0]), np.array([0.0])
    >>> adamw_update(w, np.array([5.0]), m, v, step=1, lr=0.5, eps=0.0, weight_decay=0.5)
    >>> w
    array([0.25])
    """
    _adam(
        "adamw_update", param, grad, m, v, max_v, step, lr, betas, eps, weight_decay, amsgrad, decoupled=True
    )


def nadam_update(
    param: Arrays,
    grad: Arrays,
    m: Arrays,
    v: Arrays,
    *,
    step: int,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
) -> None:
    """NAdam: Adam with Nesterov's momentum.

    ``mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2)``, m and v as in `adam_update`, then
    ``d = (1 - mu_t) / (1 - mu_1...mu_t) * g' + mu_t+1 / (1 - mu_1...mu_t+1) * m``,
    ``param -= lr * d / (sqrt(v / (1 - beta2^t)) + eps)`` with t = `step`.

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
    momentum_decay : float >= 0
    decoupled_weight_decay : bool, default False
        ``param *= 1 - lr * weight_decay`` first and ``g' = grad``, as in `adamw_update`.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016; ``torch.optim.NAdam``.

    Examples
    --------
    >>> w, m, v = np.array([1.0]), np.array([0.0]), np.array([0.0])
    >>> nadam_update(w, np.array([5.0]), m, v, step=1, lr=0.1, betas=(0.0, 0.0), eps=0.0)
    >>> w
    array([0.9])
    """
    function = "nadam_update"
    step, beta1, beta2, eps, weight_decay = _adam_options(function, step, lr, betas, eps, weight_decay)
    at_least(function, "momentum_decay", momentum_decay, 0)
    lr, momentum_decay = float(lr), float(momentum_decay)
    mu, following = _mu(step, beta1, momentum_decay), _mu(step + 1, beta1, momentum_decay)
    product = _mu_product(step, beta1, momentum_decay)
    grad_size, moment_size = lr * (1 - mu) / (1 - product), lr * following / (1 - product * following)
    bias2_sqrt = math.sqrt(1 - beta2**step)
    for p, g, m_, v_ in _entries(function, param, grad, m=m, v=v):
        if decoupled_weight_decay:
            p *= 1 - lr * weight_decay
        else:
            g = g + weight_decay * p
        m_ += (1 - beta1) * (g - m_)
        v_[...] = beta2 * v_ + (1 - beta2) * g * g
        p -= (grad_size * g + moment_size * m_) / (np.sqrt(v_) / bias2_sqrt + eps)
