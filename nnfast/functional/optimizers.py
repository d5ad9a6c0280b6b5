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
    >>> import numpy as np, nnfast as nf
    >>> w, s = np.array([1.0]), np.array([0.0])
    >>> nf.rmsprop_update(w, np.array([2.0]), s, lr=0.1, alpha=0.75, eps=0.0)
    >>> w, s
    (array([0.8]), array([1.]))
    """
    _core.rmsprop_update(
        param, grad, square_avg, grad_avg, momentum_buffer, lr, alpha, eps, weight_decay, momentum, centered
    )


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
    >>> import numpy as np, nnfast as nf
    >>> w, s = np.array([1.0]), np.array([12.0])
    >>> nf.adagrad_update(w, np.array([2.0]), s, step=1, lr=0.5, eps=0.0)
    >>> w, s
    (array([0.75]), array([16.]))
    """
    _core.adagrad_update(param, grad, sum, step, lr, lr_decay, weight_decay, eps)


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
    >>> import numpy as np, nnfast as nf
    >>> w, s, u = np.array([1.0]), np.array([0.0]), np.array([3.0])
    >>> nf.adadelta_update(w, np.array([2.0]), s, u, lr=0.25, rho=0.25, eps=1.0)
    >>> w, s, u
    (array([0.5]), array([3.]), array([3.75]))
    """
    _core.adadelta_update(param, grad, square_avg, acc_delta, lr, rho, eps, weight_decay)


def _pair(function: str, betas: tuple[float, float]) -> tuple[float, float]:
    try:
        beta1, beta2 = betas
    except (TypeError, ValueError):
        raise ValueError(f"{function}: betas: expected a pair of numbers, got {betas!r}") from None
    return beta1, beta2


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
    >>> import numpy as np, nnfast as nf
    >>> w, m, v = np.array([1.0]), np.array([0.0]), np.array([0.0])
    >>> nf.adam_update(w, np.array([5.0]), m, v, step=1, lr=0.1, eps=0.0)  # a first step is lr at any scale
    >>> w
    array([0.9])
    """
    beta1, beta2 = _pair("adam_update", betas)
    _core.adam_update(param, grad, m, v, max_v, step, lr, beta1, beta2, eps, weight_decay, amsgrad)


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
    >>> import numpy as np, nnfast as nf
    >>> w, m, v = np.array([1.0]), np.array([0.0]), np.array([0.0])
    >>> nf.adamw_update(w, np.array([5.0]), m, v, step=1, lr=0.5, eps=0.0, weight_decay=0.5)
    >>> w
    array([0.25])
    """
    beta1, beta2 = _pair("adamw_update", betas)
    _core.adamw_update(param, grad, m, v, max_v, step, lr, beta1, beta2, eps, weight_decay, amsgrad)


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
    >>> import numpy as np, nnfast as nf
    >>> w, m, v = np.array([1.0]), np.array([0.0]), np.array([0.0])
    >>> nf.nadam_update(w, np.array([5.0]), m, v, step=1, lr=0.1, betas=(0.0, 0.0), eps=0.0)
    >>> w
    array([0.9])
    """
    beta1, beta2 = _pair("nadam_update", betas)
    _core.nadam_update(
        param,
        grad,
        m,
        v,
        step,
        lr,
        beta1,
        beta2,
        eps,
        weight_decay,
        momentum_decay,
        decoupled_weight_decay,
    )


def perceptron_update(weight: Array, bias: Array, x: Array, target: Array, *, lr: float = 1.0) -> int:
    """The perceptron rule: one pass over the samples, each mistake corrected at once.

    For each sample in order ``y = 1 if weight . x_i + bias > 0 else 0``, ``e = target_i - y``,
    ``weight += lr * e * x_i``, ``bias += lr * e``.

    Parameters
    ----------
    weight : (features,) array, float32 or float64
        Changed in place.
    bias : (1,) or () array, same dtype
        Changed in place.
    x : (n, features) array, same dtype
    target : (n,) array of 0 and 1, same dtype
    lr : float >= 0, default 1.0

    Returns
    -------
    int
        The number of mistakes; the weights separate the samples once it is 0.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Rosenblatt, "The perceptron", Psychological Review 65, 1958.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 0, 0, 1])  # logical and
    >>> w, b = np.zeros(2), np.zeros(1)
    >>> [nf.perceptron_update(w, b, x, y) for _ in range(6)]
    [1, 3, 3, 2, 1, 0]
    >>> w, b
    (array([2., 1.]), array([-2.]))
    """
    return _core.perceptron_update(weight, bias, x, target, lr)


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
    >>> import numpy as np, nnfast as nf
    >>> g = np.array([-3.0, 0.5, 2.0])
    >>> nf.clip_grad_value_(g, 1.0)
    >>> g
    array([-1. ,  0.5,  1. ])
    """
    _core.clip_grad_value_(grads, clip_value)


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
    >>> import numpy as np, nnfast as nf
    >>> g = [np.array([3.0]), np.array([4.0])]
    >>> nf.clip_grad_norm_(g, 1.0)
    5.0
    >>> round(float(g[0][0]), 5), round(float(g[1][0]), 5)
    (0.6, 0.8)
    """
    return _core.clip_grad_norm_(grads, max_norm, norm_type, error_if_nonfinite)
