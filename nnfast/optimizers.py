"""Optimizers of a model: what `compile(optimizer=...)` takes.

What this is: the settings, with PyTorch's names, defaults and formulas. Assigning to one (`model.optimizer.lr
= 1e-4`) checks it and takes effect at the next batch; the state (momentum, moments) is kept.
What this is not: the update itself, which the compiled engine does (`nnfast.adam_update` and others do it for
arrays), nor the owner of the state, which is the model: one object may serve several models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, overload

from nnfast import _checks

__all__ = ["SGD", "Adam", "Optimizer", "RMSprop", "get"]


class _Setting:
    """A number that is checked whenever it is assigned."""

    def __init__(self, low: float = 0.0, below: float | None = None) -> None:
        self.low = low
        self.below = below

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> _Setting: ...
    @overload
    def __get__(self, instance: Optimizer, owner: type) -> float: ...
    def __get__(self, instance: Optimizer | None, owner: type) -> float | _Setting:
        if instance is None:
            return self
        value: float = instance.__dict__[self.name]
        return value

    def __set__(self, instance: Optimizer, value: float) -> None:
        kind = type(instance).__name__
        instance.__dict__[self.name] = _checks.real(kind, self.name, value, low=self.low, below=self.below)


class Optimizer:
    """Base of the optimizers; use its subclasses."""

    kind: ClassVar[str]  # the engine's name
    lr = _Setting()
    weight_decay = _Setting()

    def __init__(self, lr: float, weight_decay: float) -> None:
        self.lr = lr
        self.weight_decay = weight_decay

    def settings(self) -> dict[str, Any]:
        """The keywords of the engine's `set_optimizer`."""
        return {"lr": self.lr, "weight_decay": self.weight_decay}

    def __repr__(self) -> str:
        parts = ", ".join(f"{k}={v:g}" for k, v in self.settings().items())
        return f"{type(self).__name__}({parts})"


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    g += weight_decay * p; b = momentum * b + (1 - dampening) * g (b = g at the first step);
    p -= lr * (g + momentum * b if nesterov else b).

    Parameters
    ----------
    lr : float
        Learning rate.
    momentum : float
        Share of the last step's direction that is kept.
    dampening : float
        Share of the gradient that is left out of the momentum, in [0, 1].
    weight_decay : float
        L2 penalty: this much of the parameter is added to its gradient.
    nesterov : bool
        Nesterov's momentum; needs momentum > 0 and no dampening.

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
    momentum = _Setting()
    dampening = _Setting(below=1.0 + 2.0**-52)

    def __init__(
        self,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay)
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

    def __repr__(self) -> str:
        parts = [f"lr={self.lr:g}"]
        parts += [f"{k}={v:g}" for k, v in self.settings().items() if k not in ("lr", "nesterov") and v]
        parts += ["nesterov=True"] if self.nesterov else []
        return f"SGD({', '.join(parts)})"


class RMSprop(Optimizer):
    """Gradients divided by a running root mean square (Tieleman & Hinton 2012).

    g += weight_decay * p; s = alpha * s + (1 - alpha) * g^2; p -= lr * g / (sqrt(s) + eps).

    Parameters
    ----------
    lr : float
        Learning rate.
    alpha : float
        Share of the running mean that is kept, in [0, 1).
    eps : float
        Keeps the division finite.
    weight_decay : float
        L2 penalty: this much of the parameter is added to its gradient.

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
    alpha = _Setting(below=1.0)
    eps = _Setting()

    def __init__(
        self, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0
    ) -> None:
        super().__init__(lr, weight_decay)
        self.alpha = alpha
        self.eps = eps

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "alpha": self.alpha, "eps": self.eps}


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015), with PyTorch's formula.

    g += weight_decay * p; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
    p -= lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps), t counting the steps from 1.

    Parameters
    ----------
    lr : float
        Learning rate.
    betas : (float, float)
        beta1 and beta2, both in [0, 1).
    eps : float
        Keeps the division finite.
    weight_decay : float
        L2 penalty: this much of the parameter is added to its gradient.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> opt = Adam(lr=0.01)
    >>> opt.lr = 0.001
    >>> opt.betas
    (0.9, 0.999)
    """

    kind = "adam"
    eps = _Setting()

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(lr, weight_decay)
        self.betas = betas
        self.eps = eps

    @property
    def betas(self) -> tuple[float, float]:
        """(beta1, beta2)."""
        return self._betas

    @betas.setter
    def betas(self, value: tuple[float, float]) -> None:
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise TypeError(f"Adam: betas: expected a pair of numbers, got {value!r}")
        self._betas = (
            _checks.real("Adam", "betas[0]", value[0], low=0.0, below=1.0),
            _checks.real("Adam", "betas[1]", value[1], low=0.0, below=1.0),
        )

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "beta1": self.betas[0], "beta2": self.betas[1], "eps": self.eps}


_NAMED: dict[str, Callable[[], Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam}


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
