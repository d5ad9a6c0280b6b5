"""Optimizers of a model: what `compile(optimizer=...)` takes.

What this is: the settings, with PyTorch's names, defaults and formulas. Assigning to one (`model.optimizer.lr
= 1e-4`) checks it and takes effect at the next batch; the state (momentum, moments) is kept.
What this is not: the update itself, which the compiled engine does (`nnfast.adam_update` and others do it for
arrays), nor the owner of the state, which is the model: one object may serve several models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnfast import _checks, losses
from nnfast._adam import Adam, AdamW, NAdam, SparseAdam
from nnfast._optimizer import Optimizer, Rate, Setting

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "NAdam",
    "Optimizer",
    "Perceptron",
    "RMSprop",
    "SparseAdam",
    "get",
]


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    g += weight_decay * p; b = momentum * b + (1 - dampening) * g (b = g at the first step);
    p -= lr * (g + momentum * b if nesterov else b).

    Parameters
    ----------
    lr : float, Schedule or callable
        Learning rate; see `nnfast.schedules`.
    momentum : float
        Share of the last step's direction that is kept.
    dampening : float
        Share of the gradient that is left out of the momentum, in [0, 1].
    weight_decay : float
        L2 penalty: this much of the parameter is added to its gradient.
    nesterov : bool
        Nesterov's momentum; needs momentum > 0 and no dampening.
    clipnorm, clipvalue : float > 0, optional
        At most one of them: limits of the gradients, of their norm or one by one.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> SGD(lr=0.1, momentum=0.9)
    SGD(lr=0.1, momentum=0.9)
    """

    kind = "sgd"
    momentum = Setting()
    dampening = Setting(below=1.0 + 2.0**-52)

    def __init__(
        self,
        lr: Rate = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clipnorm, clipvalue)
        self.momentum = momentum
        self.dampening = dampening
        self.nesterov = _checks.flag("SGD", "nesterov", nesterov)
        self.settings()

    def settings(self) -> dict[str, Any]:
        if self.nesterov and (self.momentum <= 0.0 or self.dampening != 0.0):
            raise ValueError(
                "SGD: nesterov: expected momentum > 0 and dampening 0 with it, "
                f"got momentum={self.momentum:g}, dampening={self.dampening:g}"
            )
        return {
            **super().settings(),
            "momentum": self.momentum,
            "dampening": self.dampening,
            "nesterov": bool(self.nesterov),
        }

    def _shown(self) -> dict[str, Any]:
        return {k: v for k, v in super()._shown().items() if k == "lr" or v}


class RMSprop(Optimizer):
    """Gradients divided by a running root mean square (Tieleman & Hinton 2012).

    g += weight_decay * p; s = alpha * s + (1 - alpha) * g^2; d = g / (sqrt(s) + eps); p -= lr * d, or with
    momentum b = momentum * b + d; p -= lr * b. `centered` takes the variance s - a^2 for s under the root, a
    being the running mean of g (Graves 2013, "Generating sequences", section 4.2).

    Parameters
    ----------
    lr : float, Schedule or callable
        Learning rate; see `nnfast.schedules`.
    alpha : float
        Share of the running mean that is kept, in [0, 1).
    eps : float
        Keeps the division finite.
    weight_decay : float
        L2 penalty: this much of the parameter is added to its gradient.
    momentum : float
        Share of the last step's direction that is kept.
    centered : bool
        Whether the mean's square is taken off.
    clipnorm, clipvalue : float > 0, optional
        At most one of them: limits of the gradients, of their norm or one by one.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> RMSprop().lr
    0.01
    """

    kind = "rmsprop"
    alpha = Setting(below=1.0)
    eps = Setting()
    momentum = Setting()

    def __init__(
        self,
        lr: Rate = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clipnorm, clipvalue)
        self.alpha = alpha
        self.eps = eps
        self.momentum = momentum
        self.centered = _checks.flag("RMSprop", "centered", centered)

    def settings(self) -> dict[str, Any]:
        found = {**super().settings(), "alpha": self.alpha, "eps": self.eps}
        if self.momentum:
            found["momentum"] = self.momentum
        if self.centered:
            found["centered"] = True
        return found


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of their squares (Duchi, Hazan, Singer, JMLR 2011).

    g += weight_decay * p; s += g^2; p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps), t counting the
    steps from 1.

    Parameters
    ----------
    lr : float, Schedule or callable
        Learning rate; see `nnfast.schedules`.
    lr_decay : float
        How fast the learning rate falls besides.
    weight_decay : float
        L2 penalty: this much of the parameter is added to its gradient.
    initial_accumulator_value : float
        What s starts from.
    eps : float
        Keeps the division finite.
    clipnorm, clipvalue : float > 0, optional
        At most one of them: limits of the gradients, of their norm or one by one.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> Adagrad(lr=0.1).lr_decay
    0.0
    """

    kind = "adagrad"
    lr_decay = Setting()
    initial_accumulator_value = Setting()
    eps = Setting()

    def __init__(
        self,
        lr: Rate = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clipnorm, clipvalue)
        self.lr_decay = lr_decay
        self.initial_accumulator_value = initial_accumulator_value
        self.eps = eps

    def settings(self) -> dict[str, Any]:
        return {
            **super().settings(),
            "lr_decay": self.lr_decay,
            "initial_accumulator_value": self.initial_accumulator_value,
            "eps": self.eps,
        }


class Adadelta(Optimizer):
    """Steps scaled by the ratio of running roots of past steps and gradients (Zeiler 2012, arXiv:1212.5701).

    g += weight_decay * p; s = rho * s + (1 - rho) * g^2; d = sqrt(u + eps) / sqrt(s + eps) * g;
    u = rho * u + (1 - rho) * d^2; p -= lr * d.

    Parameters
    ----------
    lr : float, Schedule or callable
        Learning rate; see `nnfast.schedules`.
    rho : float
        Share of the running means that is kept, in [0, 1].
    eps : float
        Keeps the division finite.
    weight_decay : float
        L2 penalty: this much of the parameter is added to its gradient.
    clipnorm, clipvalue : float > 0, optional
        At most one of them: limits of the gradients, of their norm or one by one.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> Adadelta()
    Adadelta(lr=1, weight_decay=0, rho=0.9, eps=1e-06)
    """

    kind = "adadelta"
    rho = Setting(below=1.0 + 2.0**-52)
    eps = Setting()

    def __init__(
        self,
        lr: Rate = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clipnorm, clipvalue)
        self.rho = rho
        self.eps = eps

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "rho": self.rho, "eps": self.eps}


class Perceptron(Optimizer):
    """The perceptron rule: p -= lr * g, for a Linear layer p += lr * (target - step(output)) * input.

    It goes with `PerceptronLoss`, whose gradient that is; `compile` takes its sum over a batch when no loss
    is named. With batches of one sample and without shuffling `fit` is the rule as Rosenblatt stated it,
    `nnfast.perceptron_update`: each mistake is corrected at once, a right answer changes nothing. Targets are
    0 and 1; every output of the layer is a perceptron of its own.

    Parameters
    ----------
    lr : float, Schedule or callable
        Learning rate; see `nnfast.schedules`. From weights of zero it only sets their scale.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Notes
    -----
    Rosenblatt, "The perceptron", Psychological Review 65, 1958.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 0, 0, 1])  # logical and
    >>> model = nf.Sequential(nf.Linear(2, 1), seed=0)
    >>> model.compile(nf.Perceptron(lr=0.5))
    >>> _ = model.fit(x, y, epochs=20, batch_size=1, shuffle=False, verbose=0)
    >>> model.predict(x)[:, 0] > 0
    array([False, False, False,  True])
    """

    kind = "sgd"

    def __init__(self, lr: Rate = 1.0) -> None:
        super().__init__(lr, weight_decay=0.0)

    def choose_loss(self, loss: Any) -> Any:
        if loss is None:
            return losses.PerceptronLoss(reduction="sum")
        for one in loss if isinstance(loss, (list, tuple)) else (loss,):
            if not isinstance(losses.get(one), losses.PerceptronLoss):
                raise ValueError(
                    f"compile: loss: expected PerceptronLoss with the optimizer Perceptron, got {one!r}"
                )
        return loss

    def _shown(self) -> dict[str, Any]:
        return {"lr": self._lr}


_NAMED: dict[str, Callable[[], Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "sparse_adam": SparseAdam,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "perceptron": Perceptron,
}


def get(optimizer: str | Optimizer) -> Optimizer:
    """A new optimizer of that name with its defaults, or the optimizer itself.

    Raises
    ------
    ValueError
        For an unknown name.
    TypeError
        For anything else, the class instead of an object included.
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        raise TypeError(
            f"compile: optimizer: expected an object, got the class: write nf.{optimizer.__name__}()"
        )
    return _NAMED[_checks.choice("compile", "optimizer", optimizer, _NAMED)]()
