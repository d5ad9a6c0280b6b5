"""Adam and what follows from it: AdamW, SparseAdam, NAdam.

What this is: their settings, a part of `nnfast.optimizers`, where they are public.
What this is not: what every optimizer has (`_optimizer`), nor the updates, which the engine does.
"""

from __future__ import annotations

from typing import Any

from nnfast import _checks
from nnfast._optimizer import Optimizer, Rate, Setting

__all__ = ["Adam", "AdamW", "NAdam", "SparseAdam"]


class _WithBetas(Optimizer):
    """What Adam, AdamW, SparseAdam and NAdam share."""

    eps = Setting()

    @property
    def betas(self) -> tuple[float, float]:
        """(beta1, beta2)."""
        return self._betas

    @betas.setter
    def betas(self, value: tuple[float, float]) -> None:
        kind = type(self).__name__
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise TypeError(f"{kind}: betas: expected a pair of numbers, got {value!r}")
        self._betas = (
            _checks.real(kind, "betas[0]", value[0], low=0.0, below=1.0),
            _checks.real(kind, "betas[1]", value[1], low=0.0, below=1.0),
        )

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "beta1": self.betas[0], "beta2": self.betas[1], "eps": self.eps}


class Adam(_WithBetas):
    """Adam (Kingma & Ba 2015), with PyTorch's formula.

    g += weight_decay * p; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
    p -= lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps), t counting the steps from 1. `amsgrad`
    takes the largest v so far for v under the root (Reddi, Kale, Kumar 2018). With `eps_hat` the step is
    lr sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps), the paper's form before its section 2.1, which
    Keras and scikit-learn have.

    Parameters
    ----------
    lr : float, Schedule or callable
        Learning rate; see `nnfast.schedules`.
    betas : (float, float)
        beta1 and beta2, both in [0, 1).
    eps : float
        Keeps the division finite.
    weight_decay : float
        L2 penalty: this much of the parameter is added to its gradient.
    amsgrad : bool
        Whether the largest v is kept.
    clipnorm, clipvalue : float > 0, optional
        At most one of them: limits of the gradients, of their norm or one by one.
    eps_hat : bool
        Whether eps is added to sqrt(v) itself instead of to its unbiased value.

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

    def __init__(
        self,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        eps_hat: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, clipnorm, clipvalue)
        self.betas = betas
        self.eps = eps
        self.amsgrad = _checks.flag(type(self).__name__, "amsgrad", amsgrad)
        self.eps_hat = _checks.flag(type(self).__name__, "eps_hat", eps_hat)

    def settings(self) -> dict[str, Any]:
        flags = {name: True for name in ("amsgrad", "eps_hat") if getattr(self, name)}
        return {**super().settings(), **flags}


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    p *= 1 - lr * weight_decay, then Adam's update without any decay in the gradient.

    Parameters
    ----------
    lr : float, Schedule or callable
        Learning rate; see `nnfast.schedules`.
    betas : (float, float)
        beta1 and beta2, both in [0, 1).
    eps : float
        Keeps the division finite.
    weight_decay : float
        Share of the parameter, times the learning rate, that is taken off at every step.
    amsgrad : bool
        Whether the largest v is kept.
    clipnorm, clipvalue : float > 0, optional
        At most one of them: limits of the gradients, of their norm or one by one.
    eps_hat : bool
        Whether eps is added to sqrt(v) itself instead of to its unbiased value.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> AdamW().weight_decay
    0.01
    """

    def __init__(
        self,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        eps_hat: bool = False,
    ) -> None:
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue}
        super().__init__(lr, betas, eps, weight_decay, amsgrad, **limits, eps_hat=eps_hat)

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "decoupled": True}

    def _shown(self) -> dict[str, Any]:
        return {k: v for k, v in super()._shown().items() if k != "decoupled"}


class SparseAdam(_WithBetas):
    """Adam that leaves alone what a batch has no gradient for, with PyTorch's formula.

    Of the weights into a `Linear` those of an input, and of an `Embedding` the vector of an index, are a row.
    Rows whose gradient is 0 throughout keep their weights, m and v; all others, and arrays without rows (a
    bias, a convolution's weights), follow m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
    p -= lr sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps), t counting the steps from 1: `Adam` with
    `eps_hat`. A step on a sparse batch takes the time of the rows that it has numbers for, where `Adam` must
    move every weight. Layers' penalties count in the loss for all weights, but pull at these rows alone.

    Parameters
    ----------
    lr : float, Schedule or callable
        Learning rate; see `nnfast.schedules`.
    betas : (float, float)
        beta1 and beta2, both in [0, 1).
    eps : float
        Keeps the division finite.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range; for a weight decay or limits of gradients, which it has not.

    Notes
    -----
    ``torch.optim.SparseAdam``, which refuses gradients that are not sparse: here the zeros tell.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> model = nf.Sequential(nf.Linear(3, 1, weight_init="ones"), seed=0)
    >>> model.compile(nf.SparseAdam(lr=0.5), "mse_loss")
    >>> x = np.array([[2.0, 0.0, 0.0]], np.float32)  # no gradient for the other two inputs
    >>> _ = model.fit(x, np.zeros((1, 1), np.float32), epochs=3, verbose=0)
    >>> model.layers[0].weight[0, 1:]
    array([1., 1.], dtype=float32)
    """

    kind = "sparse_adam"

    def __init__(self, lr: Rate = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> None:
        super().__init__(lr, weight_decay=0.0)
        self.betas = betas
        self.eps = eps

    def _limit(self, name: str, value: float | None) -> float | None:
        if value is not None:
            raise ValueError(f"SparseAdam: {name}: expected None, as it limits no gradients, got {value!r}")
        return None

    def settings(self) -> dict[str, Any]:
        found = super().settings()
        if found.pop("weight_decay"):
            raise ValueError(f"SparseAdam: weight_decay: expected 0, got {self.weight_decay!r}")
        return found


class NAdam(_WithBetas):
    """Adam with Nesterov's momentum (Dozat 2016), with PyTorch's formula.

    mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2); g, m and v as Adam's; p -= lr * ((1 - mu_t) /
    (1 - mu_1...mu_t) * g + mu_t+1 / (1 - mu_1...mu_t+1) * m) / (sqrt(v / (1 - beta2^t)) + eps).

    Parameters
    ----------
    lr : float, Schedule or callable
        Learning rate; see `nnfast.schedules`.
    betas : (float, float)
        beta1 and beta2, both in [0, 1).
    eps : float
        Keeps the division finite.
    weight_decay : float
        L2 penalty: this much of the parameter is added to its gradient.
    momentum_decay : float
        How fast mu grows towards beta1.
    decoupled_weight_decay : bool
        AdamW's weight decay instead of the penalty.
    clipnorm, clipvalue : float > 0, optional
        At most one of them: limits of the gradients, of their norm or one by one.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> NAdam().lr
    0.002
    """

    kind = "nadam"
    momentum_decay = Setting()

    def __init__(
        self,
        lr: Rate = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clipnorm, clipvalue)
        self.betas = betas
        self.eps = eps
        self.momentum_decay = momentum_decay
        self.decoupled_weight_decay = _checks.flag("NAdam", "decoupled_weight_decay", decoupled_weight_decay)

    def settings(self) -> dict[str, Any]:
        found = {**super().settings(), "momentum_decay": self.momentum_decay}
        return {**found, "decoupled": True} if self.decoupled_weight_decay else found

    def _shown(self) -> dict[str, Any]:
        names = {"decoupled": "decoupled_weight_decay"}
        return {names.get(k, k): v for k, v in super()._shown().items()}
