"""Callbacks that set the learning rate: `LearningRateScheduler` and `ReduceLROnPlateau`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nnfast import _checks, schedules
from nnfast.callbacks.base import Callback, Logs

if TYPE_CHECKING:
    from nnfast.model import Model


def _rate(model: Model) -> float:
    """The learning rate of the next step."""
    optimizer = model.optimizer
    assert optimizer is not None
    return optimizer.rate(model._ensure_model("fit").step_count, model._epochs_trained)


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of every epoch.

    Parameters
    ----------
    schedule : callable
        `schedule(epoch)` or `schedule(epoch, lr)`, the epoch from 0, `lr` the rate so far: the new rate.

    Raises
    ------
    TypeError, ValueError
        If it is no function, or gives no number >= 0.

    Notes
    -----
    Without a callback: `nf.Adam(lr=nf.StepLR(0.1, 10))` and the other schedules of `nnfast.schedules`.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> model = nf.Sequential(nf.Linear(1, 1), seed=0)
    >>> model.compile(nf.SGD(lr=1.0), "mse_loss")
    >>> halve = nf.callbacks.LearningRateScheduler(lambda epoch, lr: lr / 2)
    >>> _ = model.fit(np.ones((4, 1)), np.ones(4), epochs=3, verbose=0, callbacks=[halve])
    >>> model.optimizer.lr
    0.125
    """

    def __init__(self, schedule: Callable[..., float]) -> None:
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler: schedule: expected a function, got {schedule!r}")
        self.schedule = schedule
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        taken = [p for p in inspect.signature(schedule).parameters.values() if p.kind in kinds]
        self._takes_rate = len(taken) > 1

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        rate = self.schedule(epoch, _rate(self.model)) if self._takes_rate else self.schedule(epoch)
        assert self.model.optimizer is not None
        self.model.optimizer.lr = _checks.real("LearningRateScheduler", "schedule", rate, low=0.0)


class ReduceLROnPlateau(Callback):
    """Lowers the learning rate when the monitored value no longer improves.

    The same rule as `nnfast.ReduceLROnPlateau`, which is a schedule, for an optimizer whose learning rate is
    a number; other callbacks may change it as well.

    Parameters
    ----------
    monitor : str, optional
        As for `EarlyStopping`.
    factor : float
        What the rate is multiplied by, 0 <= factor < 1.
    patience : int >= 0
        Epochs without improvement that are let pass.
    mode : {"min", "max"}
        What is better.
    threshold : float >= 0
        How much better a new best must be.
    threshold_mode : {"rel", "abs"}
        Whether that is a share of the best or a difference.
    cooldown : int >= 0
        Epochs after a change that are not counted.
    min_lr : float >= 0
    eps : float >= 0
        A change smaller than this is not made.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range; in `fit`, if the learning rate is a schedule already.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> model = nf.Sequential(nf.Linear(1, 1), seed=0)
    >>> model.compile(nf.SGD(lr=2.0), "mse_loss")  # too large: the loss grows
    >>> reduce = nf.callbacks.ReduceLROnPlateau(factor=0.5, patience=0)
    >>> _ = model.fit(np.ones((4, 1)), np.ones(4), epochs=3, verbose=0, callbacks=[reduce])
    >>> model.optimizer.lr
    0.5
    """

    def __init__(
        self,
        monitor: str | None = None,
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "min",
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self._rule = schedules.ReduceLROnPlateau(
            0.0, mode, factor, patience, threshold, threshold_mode, cooldown, min_lr, eps, monitor
        )

    def on_train_begin(self, logs: Logs) -> None:
        assert self.model.optimizer is not None
        if schedules.is_schedule(self.model.optimizer.lr):
            raise ValueError(
                "ReduceLROnPlateau: expected an optimizer whose lr is a number, "
                f"got {self.model.optimizer.lr!r}"
            )
        self._rule.reset()

    def state_dict(self) -> dict[str, Any]:
        rule = self._rule
        return {"best": rule._best, "num_bad_epochs": rule._bad, "cooldown_counter": rule._resting}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        best = state.get("best")
        if not isinstance(best, (int, float)) or math.isnan(best):
            raise ValueError(f"ReduceLROnPlateau: state: expected a number as best, got {best!r}")
        counts = [
            _checks.integer("ReduceLROnPlateau", name, state.get(name), 0)
            for name in ("num_bad_epochs", "cooldown_counter")
        ]
        self._rule._best, (self._rule._bad, self._rule._resting) = float(best), counts

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        optimizer = self.model.optimizer
        assert optimizer is not None
        self._rule._now = before = _rate(self.model)
        self._rule.observe(logs)
        if self._rule._now != before:
            optimizer.lr = self._rule._now
