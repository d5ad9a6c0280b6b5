"""Learning rates that change while a model trains: what `Adam(lr=...)` takes besides a number.

What this is: pure functions of a count from 0, with PyTorch's names and formulas, each holding its first
learning rate itself. `per` says what they count: "epoch" schedules change at the end of an epoch of `fit`,
"step" schedules at every update. The count is part of the model's state, so training that is continued, in a
second `fit` or after unpickling, goes on where it was. `compile` starts it anew.
What this is not: the update. `ReduceLROnPlateau` alone is not pure: it remembers what it has seen.

>>> import nnfast as nf
>>> model = nf.Sequential(nf.Linear(4, 3), seed=0)
>>> model.compile(nf.Adam(lr=CosineAnnealingLR(1e-3, T_max=20)), "cross_entropy")
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from nnfast import _checks

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "InverseScaling",
    "LinearWarmup",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "Schedule",
    "StepLR",
]


class Schedule:
    """Base of the schedules; a subclass defines `_rate(t)`.

    Parameters
    ----------
    lr : float >= 0
        The learning rate the schedule starts from.
    per : {"epoch", "step"}
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range; the message names the setting.
    """

    _per: ClassVar[str] = "epoch"

    def __init__(self, lr: float, per: str | None = None) -> None:
        self.lr = _checks.real(self._kind, "lr", lr, low=0.0)
        self.per = _checks.choice(self._kind, "per", self._per if per is None else per, ("epoch", "step"))

    @property
    def _kind(self) -> str:
        return type(self).__name__

    def __call__(self, t: int) -> float:
        """The learning rate of epoch or step `t`, counted from 0."""
        return self._rate(_checks.integer(self._kind, "t", t, 0))

    def _rate(self, t: int) -> float:
        raise NotImplementedError

    def _positive(self, name: str, value: float) -> float:
        number = _checks.real(self._kind, name, value, low=0.0)
        if number == 0.0:
            raise ValueError(f"{self._kind}: {name}: expected a number above 0, got {value!r}")
        return number

    def __repr__(self) -> str:
        parts = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if not k.startswith("_"))
        return f"{self._kind}({parts})"


class StepLR(Schedule):
    """lr * gamma^floor(t / step_size) (`torch.optim.lr_scheduler.StepLR`).

    Parameters
    ----------
    lr : float >= 0
    step_size : int >= 1
        Epochs (steps) between two changes.
    gamma : float > 0
        What each change multiplies by.
    per : {"epoch", "step"}

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> schedule = StepLR(0.5, step_size=2, gamma=0.5)
    >>> [schedule(t) for t in range(5)]
    [0.5, 0.5, 0.25, 0.25, 0.125]
    """

    def __init__(self, lr: float, step_size: int, gamma: float = 0.1, per: str | None = None) -> None:
        super().__init__(lr, per)
        self.step_size = _checks.integer(self._kind, "step_size", step_size, 1)
        self.gamma = self._positive("gamma", gamma)

    def _rate(self, t: int) -> float:
        return self.lr * self.gamma ** (t // self.step_size)


class MultiStepLR(Schedule):
    """lr * gamma^(number of milestones <= t) (`torch.optim.lr_scheduler.MultiStepLR`).

    Parameters
    ----------
    lr : float >= 0
    milestones : sequence of int >= 0
        In any order; one that is there twice counts twice.
    gamma : float > 0
    per : {"epoch", "step"}

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> schedule = MultiStepLR(0.5, milestones=[1, 3], gamma=0.5)
    >>> [schedule(t) for t in range(5)]
    [0.5, 0.25, 0.25, 0.125, 0.125]
    """

    def __init__(
        self, lr: float, milestones: Sequence[int], gamma: float = 0.1, per: str | None = None
    ) -> None:
        super().__init__(lr, per)
        if isinstance(milestones, (str, bytes)) or not isinstance(milestones, Iterable):
            raise TypeError(f"{self._kind}: milestones: expected integers in a row, got {milestones!r}")
        self.milestones = sorted(_checks.integer(self._kind, "milestones", m, 0) for m in milestones)
        self.gamma = self._positive("gamma", gamma)

    def _rate(self, t: int) -> float:
        return self.lr * self.gamma ** bisect.bisect_right(self.milestones, t)


class ExponentialLR(Schedule):
    """lr * gamma^t (`torch.optim.lr_scheduler.ExponentialLR`).

    Parameters
    ----------
    lr : float >= 0
    gamma : float > 0
    per : {"epoch", "step"}

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> ExponentialLR(0.5, gamma=0.5)(2)
    0.125
    """

    def __init__(self, lr: float, gamma: float, per: str | None = None) -> None:
        super().__init__(lr, per)
        self.gamma = self._positive("gamma", gamma)

    def _rate(self, t: int) -> float:
        return self.lr * self.gamma**t


class InverseScaling(Schedule):
    """lr / (t + 1)^power, scikit-learn's "invscaling" (`sklearn.neural_network.MLPClassifier`).

    Parameters
    ----------
    lr : float >= 0
    power : float >= 0
    per : {"step", "epoch"}

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> InverseScaling(0.5)(3)
    0.25
    """

    _per = "step"

    def __init__(self, lr: float, power: float = 0.5, per: str | None = None) -> None:
        super().__init__(lr, per)
        self.power = _checks.real(self._kind, "power", power, low=0.0)

    def _rate(self, t: int) -> float:
        return self.lr / float(t + 1) ** self.power


class CosineAnnealingLR(Schedule):
    """eta_min + (lr - eta_min) * (1 + cos(pi t / T_max)) / 2 (Loshchilov & Hutter 2017, "SGDR", equation 5).

    From `lr` down to `eta_min` at t = T_max and up again after it, as the closed form of
    `torch.optim.lr_scheduler.CosineAnnealingLR`.

    Parameters
    ----------
    lr : float >= 0
    T_max : int >= 1
        Half a period.
    eta_min : float >= 0
    per : {"epoch", "step"}

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> schedule = CosineAnnealingLR(1.0, T_max=4)
    >>> [round(schedule(t), 4) for t in range(5)]
    [1.0, 0.8536, 0.5, 0.1464, 0.0]
    """

    def __init__(self, lr: float, T_max: int, eta_min: float = 0.0, per: str | None = None) -> None:
        super().__init__(lr, per)
        self.T_max = _checks.integer(self._kind, "T_max", T_max, 1)
        self.eta_min = _checks.real(self._kind, "eta_min", eta_min, low=0.0)

    def _rate(self, t: int) -> float:
        return self.eta_min + (self.lr - self.eta_min) * (1.0 + math.cos(math.pi * t / self.T_max)) / 2.0


class OneCycleLR(Schedule):
    """One rise and one fall (Smith & Topin 2018, "Super-convergence"; `torch.optim.lr_scheduler.OneCycleLR`).

    From max_lr / div_factor up to max_lr over the first `pct_start` of `total_steps`, then down to
    max_lr / div_factor / final_div_factor. Only the learning rate cycles, not the momentum.

    Parameters
    ----------
    max_lr : float >= 0
    total_steps : int >= 1
        Steps of the whole training; from there on the last learning rate stays.
    pct_start : float in 0..1
    anneal_strategy : {"cos", "linear"}
    div_factor, final_div_factor : float > 0
    three_phase : bool
        Whether the fall goes back to the first learning rate in a phase as long as the rise, then on.
    per : {"step", "epoch"}

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> schedule = OneCycleLR(1.0, total_steps=11, pct_start=0.4, anneal_strategy="linear")
    >>> [round(schedule(t), 3) for t in (0, 3, 10, 50)]
    [0.04, 0.887, 0.0, 0.0]
    """

    _per = "step"

    def __init__(
        self,
        max_lr: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        per: str | None = None,
    ) -> None:
        self.max_lr = _checks.real(self._kind, "max_lr", max_lr, low=0.0)
        self.div_factor = self._positive("div_factor", div_factor)
        super().__init__(self.max_lr / self.div_factor, per)
        self.total_steps = _checks.integer(self._kind, "total_steps", total_steps, 1)
        self.pct_start = _checks.real(self._kind, "pct_start", pct_start, low=0.0, high=1.0)
        self.anneal_strategy = _checks.choice(
            self._kind, "anneal_strategy", anneal_strategy, ("cos", "linear")
        )
        self.final_div_factor = self._positive("final_div_factor", final_div_factor)
        self.three_phase = _checks.flag(self._kind, "three_phase", three_phase)

    def _rate(self, t: int) -> float:
        first, last = self.lr, self.lr / self.final_div_factor
        rise = self.pct_start * self.total_steps
        phases = [(rise - 1.0, first, self.max_lr)]
        if self.three_phase:
            phases.append((2.0 * rise - 2.0, self.max_lr, first))
            phases.append((self.total_steps - 1.0, first, last))
        else:
            phases.append((self.total_steps - 1.0, self.max_lr, last))
        begin = 0.0
        for end, start, stop in phases:
            if t <= end or end == phases[-1][0]:
                share = min(1.0, (t - begin) / (end - begin)) if end > begin else 1.0
                if self.anneal_strategy == "linear":
                    return start + (stop - start) * share
                return stop + (start - stop) / 2.0 * (1.0 + math.cos(math.pi * share))
            begin = end
        return last


class LinearWarmup(Schedule):
    """A linear rise to `lr` over the first steps, then `lr` itself or another schedule.

    Step t of the first `steps` has ``target(t) * (start_factor + (1 - start_factor) * t / steps)``, which
    with a number as the target is `torch.optim.lr_scheduler.LinearLR`; Goyal et al. 2017, "Accurate, large
    minibatch SGD", section 2.2.

    Parameters
    ----------
    lr : float >= 0 or Schedule
        The target. A schedule must count steps, too, and sees the same count.
    steps : int >= 1
    start_factor : float in 0..1
    per : {"step", "epoch"}

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> schedule = LinearWarmup(0.5, steps=4, start_factor=0.0)
    >>> [schedule(t) for t in range(6)]
    [0.0, 0.125, 0.25, 0.375, 0.5, 0.5]
    """

    _per = "step"

    def __init__(
        self, lr: float | Schedule, steps: int, start_factor: float = 1.0 / 3.0, per: str | None = None
    ) -> None:
        self.after = lr if isinstance(lr, Schedule) else None
        super().__init__(lr.lr if isinstance(lr, Schedule) else lr, per)
        if isinstance(lr, ReduceLROnPlateau):
            raise TypeError("LinearWarmup: lr: expected a number or a pure schedule, got ReduceLROnPlateau")
        if self.after is not None and self.after.per != self.per:
            raise ValueError(
                f"LinearWarmup: lr: expected a schedule per {self.per}, got one per {self.after.per}"
            )
        self.steps = _checks.integer(self._kind, "steps", steps, 1)
        self.start_factor = _checks.real(self._kind, "start_factor", start_factor, low=0.0, high=1.0)

    def _rate(self, t: int) -> float:
        target = self.lr if self.after is None else self.after(t)
        if t >= self.steps:
            return target
        return target * (self.start_factor + (1.0 - self.start_factor) * t / self.steps)


class ReduceLROnPlateau(Schedule):
    """Lowers the learning rate when a metric stops improving (`torch.optim.lr_scheduler.ReduceLROnPlateau`).

    At the end of each epoch of `fit` the metric is looked at; after more than `patience` epochs in a row
    without a new best, the learning rate is multiplied by `factor`. It remembers the best value and the
    counts (they are pickled with the model): give each model an object of its own.

    Parameters
    ----------
    lr : float >= 0
    mode : {"min", "max"}
        Whether a smaller or a larger value is better.
    factor : float in 0..1, below 1
    patience : int >= 0
    threshold : float >= 0
        How much better a new best must be.
    threshold_mode : {"rel", "abs"}
        Whether that is a share of the best or a difference.
    cooldown : int >= 0
        Epochs after a change that are not counted.
    min_lr : float >= 0
    eps : float >= 0
        A change smaller than this is not made.
    monitor : str, optional
        The metric's name in the history; "val_loss", or "loss" without validation data, when left out.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range.

    Examples
    --------
    >>> schedule = ReduceLROnPlateau(0.5, factor=0.5, patience=1)
    >>> for loss in (1.0, 1.0, 1.0):
    ...     schedule.observe({"loss": loss})
    >>> schedule(3)
    0.25
    """

    def __init__(
        self,
        lr: float,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
        monitor: str | None = None,
    ) -> None:
        super().__init__(lr, "epoch")
        self.mode = _checks.choice(self._kind, "mode", mode, ("min", "max"))
        self.factor = _checks.real(self._kind, "factor", factor, low=0.0, below=1.0)
        self.patience = _checks.integer(self._kind, "patience", patience, 0)
        self.threshold = _checks.real(self._kind, "threshold", threshold, low=0.0)
        self.threshold_mode = _checks.choice(self._kind, "threshold_mode", threshold_mode, ("rel", "abs"))
        self.cooldown = _checks.integer(self._kind, "cooldown", cooldown, 0)
        self.min_lr = _checks.real(self._kind, "min_lr", min_lr, low=0.0)
        self.eps = _checks.real(self._kind, "eps", eps, low=0.0)
        if monitor is not None and not isinstance(monitor, str):
            raise TypeError(f"{self._kind}: monitor: expected a metric's name, got {monitor!r}")
        self.monitor = monitor
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self._now = self.lr
        self._best = math.inf if self.mode == "min" else -math.inf
        self._bad = 0
        self._resting = 0

    def _better(self, value: float) -> bool:
        sign = 1.0 if self.mode == "min" else -1.0
        if self.threshold_mode == "abs":
            return sign * value < sign * self._best - self.threshold
        return sign * value < sign * self._best * (1.0 - sign * self.threshold)

    def observe(self, logs: Mapping[str, float]) -> None:
        """Take in an epoch's metrics.

        Raises
        ------
        ValueError
            If the monitored metric is not among them.
        """
        name = self.monitor or ("val_loss" if "val_loss" in logs else "loss")
        if name not in logs:
            raise ValueError(f"{self._kind}: monitor: expected one of {', '.join(logs)}, got {name!r}")
        value = float(logs[name])
        if self._better(value):
            self._best, self._bad = value, 0
        else:
            self._bad += 1
        if self._resting > 0:
            self._resting -= 1
            self._bad = 0
        if self._bad > self.patience:
            lower = max(self._now * self.factor, self.min_lr)
            if self._now - lower > self.eps:
                self._now = lower
            self._resting, self._bad = self.cooldown, 0

    def _rate(self, t: int) -> float:
        return self._now


def is_schedule(value: Any) -> bool:
    """Whether an optimizer takes `value` for a schedule: a `Schedule`, or a function of the step."""
    return isinstance(value, Schedule) or (callable(value) and not isinstance(value, type))
