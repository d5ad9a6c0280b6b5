"""Callbacks: what `fit(callbacks=[...])` calls while it trains, with Keras's names and semantics.

What this is: `Callback`, the base to derive from, and the ready-made ones. A function stands for a callback
with that `on_epoch_end`. They run between two steps, may read and assign weights
(`self.model.layers[0].weight`) and settings (`self.model.optimizer.lr`), and end the run by
`self.model.stop_training = True`. Epochs and batches are counted from 0; in what people read (file names,
CSV, `History.epochs`) epochs count from 1.
What this is not: the loop that calls them (`nnfast._fit`), nor schedules of learning rates, which do without
callbacks (`nnfast.schedules`).
"""

from __future__ import annotations

import csv
import inspect
import math
import os
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from nnfast import _checks, schedules

if TYPE_CHECKING:
    from nnfast.model import Model

Logs: TypeAlias = "dict[str, float]"

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]


class Callback:
    """Base of callbacks: methods to be overridden, all of which do nothing here.

    Attributes
    ----------
    model : Model
        The one that is trained; set before `on_train_begin`.

    Notes
    -----
    `logs` has the loss and metrics by name, of the epoch (validation included) or of its batches so far;
    what `on_epoch_end` adds to it goes into the history. A callback with a method for batches makes `fit`
    stop after every batch; without any, the engine trains for a tenth of a second at a time. After Ctrl-C,
    too, `on_train_end` is called.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> class Halve(Callback):
    ...     def on_epoch_end(self, epoch, logs):
    ...         self.model.optimizer.lr /= 2
    >>> model = nf.Sequential(nf.Linear(2, 1), seed=0)
    >>> model.compile(nf.SGD(lr=0.5), "mse_loss")
    >>> _ = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0, callbacks=[Halve()])
    >>> model.optimizer.lr
    0.125
    """

    model: Model

    def on_train_begin(self, logs: Logs) -> None:
        """`fit` starts; arguments and data are checked."""

    def on_train_end(self, logs: Logs) -> None:
        """`fit` is over; `logs` are the last epoch's."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Epoch `epoch`, from 0, starts."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Epoch `epoch` is over, validation included."""

    def on_batch_begin(self, batch: int, logs: Logs) -> None:
        """Batch `batch` of the epoch, from 0, comes next."""

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Batch `batch` is done: weights are updated."""


class _Function(Callback):
    """A function in the place of `on_epoch_end`."""

    def __init__(self, function: Callable[[int, Logs], object]) -> None:
        self._function = function

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._function(epoch, logs)


class CallbackList:
    """The callbacks of one run, in order."""

    def __init__(self, given: Any = ()) -> None:
        listed = [given] if isinstance(given, Callback) or callable(given) else given
        if given is None:
            listed = ()
        elif not isinstance(listed, (list, tuple)):
            raise TypeError(f"fit: callbacks: expected a list of callbacks, got {given!r}")
        self.each: list[Callback] = []
        for i, one in enumerate(listed):
            if isinstance(one, type):
                raise TypeError(f"fit: callbacks[{i}]: expected an object, got the class {one.__name__}")
            if not isinstance(one, Callback) and not callable(one):
                raise TypeError(f"fit: callbacks[{i}]: expected a Callback or a function, got {one!r}")
            self.each.append(one if isinstance(one, Callback) else _Function(one))
        hooks = ("on_batch_begin", "on_batch_end")
        self._of_batches = [
            one for one in self.each if any(getattr(type(one), h) is not getattr(Callback, h) for h in hooks)
        ]

    @property
    def batchwise(self) -> bool:
        """Whether one of them wants to hear of every batch."""
        return bool(self._of_batches)

    def begin(self, model: Model) -> None:
        """All are told of the model before one of them acts."""
        for one in self.each:
            one.model = model
        for one in self.each:
            one.on_train_begin({})

    def end(self, logs: Logs) -> None:
        """The run is over."""
        for one in self.each:
            one.on_train_end(logs)

    def begin_epoch(self, epoch: int) -> None:
        """Epochs count from 0 here."""
        for one in self.each:
            one.on_epoch_begin(epoch, {})

    def end_epoch(self, epoch: int, logs: Logs) -> None:
        """`logs` may come back with more in it."""
        for one in self.each:
            one.on_epoch_end(epoch, logs)

    def begin_batch(self, batch: int) -> None:
        """Batches count from 0 in each epoch."""
        for one in self._of_batches:
            one.on_batch_begin(batch, {})

    def end_batch(self, batch: int, logs: Logs) -> None:
        """`logs` are those of the epoch so far."""
        for one in self._of_batches:
            one.on_batch_end(batch, logs)

    def forgives_nan(self, error: FloatingPointError) -> bool:
        """Whether a loss that is no number ends the run quietly."""
        found = [one for one in self.each if isinstance(one, TerminateOnNaN)]
        for one in found:
            one._tell(str(error))
        return bool(found)


# ---------------------------------------------------------------- what is monitored

GAINS = ("accuracy", "auc", "f1", "precision", "recall", "r2")  # the larger, the better


class _Monitor(Callback):
    """Follows a value of the logs: which, what is better, and the best so far."""

    def __init__(self, monitor: str | None, min_delta: float, mode: str) -> None:
        kind = type(self).__name__
        if monitor is not None and not isinstance(monitor, str):
            raise TypeError(f"{kind}: monitor: expected a metric's name, got {monitor!r}")
        self.monitor = monitor
        self.min_delta = _checks.real(kind, "min_delta", min_delta, low=0.0)
        self.mode = _checks.choice(kind, "mode", mode, ("auto", "min", "max"))
        self.best: float | None = None

    def _value(self, logs: Mapping[str, float]) -> tuple[str, float]:
        name = self.monitor or ("val_loss" if "val_loss" in logs else "loss")
        if name not in logs:
            raise ValueError(
                f"{type(self).__name__}: monitor: expected one of {', '.join(logs)}, got {name!r}"
            )
        return name, float(logs[name])

    def _improved(self, logs: Mapping[str, float]) -> bool:
        """Whether this is better than the best by more than `min_delta`; if so, it is kept. NaN never is."""
        name, value = self._value(logs)
        larger = self.mode == "max" or (self.mode == "auto" and name.lower().endswith(GAINS))
        gain = math.inf if self.best is None else (value - self.best if larger else self.best - value)
        if math.isnan(value) or not gain > self.min_delta:
            return False
        self.best = value
        return True


class EarlyStopping(_Monitor):
    """Ends the run when the monitored value has not improved for a while.

    Parameters
    ----------
    monitor : str, optional
        A name in the history; "val_loss", or "loss" without validation data, when left out.
    min_delta : float >= 0
        An improvement is more than this.
    patience : int >= 0
        The run ends after this many epochs in a row without improvement; 0 as 1.
    mode : {"auto", "min", "max"}
        What is better; "auto": larger for names that end in accuracy, auc, f1, precision, recall, r2, smaller
        otherwise.
    restore_best : bool
        Whether the weights of the best epoch are put back when the run ends, in whatever way.

    Attributes
    ----------
    best : float or None
        The best value of the run.
    best_epoch, stopped_epoch : int or None
        From 0; `stopped_epoch` is None unless the run was ended here.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind or range; in `fit`, if there is no value of that name.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> model = nf.Sequential(nf.Linear(1, 1), seed=0)
    >>> model.compile(nf.SGD(lr=0.0), "mse_loss")
    >>> stop = nf.callbacks.EarlyStopping(patience=2)
    >>> len(model.fit(np.ones((4, 1)), np.ones(4), epochs=50, verbose=0, callbacks=[stop]))
    3
    """

    def __init__(
        self,
        monitor: str | None = None,
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best: bool = False,
    ) -> None:
        super().__init__(monitor, min_delta, mode)
        self.patience = _checks.integer("EarlyStopping", "patience", patience, 0)
        self.restore_best = _checks.flag("EarlyStopping", "restore_best", restore_best)
        self.on_train_begin({})

    def on_train_begin(self, logs: Logs) -> None:
        self.best = None
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._waited = 0
        self._weights: dict[str, Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self._improved(logs):
            self._waited, self.best_epoch = 0, epoch
            if self.restore_best:
                self._weights = self.model.state_dict()
            return
        self._waited += 1
        if self._waited >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs) -> None:
        if self._weights is not None:
            self.model.load_state_dict(self._weights)
            self._weights = None


class ModelCheckpoint(_Monitor):
    """Saves the model after every epoch, or after those that were the best so far.

    Parameters
    ----------
    path : str or path
        May hold "{epoch}" (from 1) and names of the history: "run-{epoch:03d}-{val_loss:.3f}.safetensors".
        `nnfast.load` reads it, and training goes on where it was.
    monitor : str, optional
        As for `EarlyStopping`; used with `save_best_only`.
    save_best_only : bool
        Whether epochs that are not better leave the file alone. The best is remembered from one `fit` to the
        next of the same callback.
    mode : {"auto", "min", "max"}
        As for `EarlyStopping`.
    min_delta : float >= 0
        An improvement is more than this.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind; when `fit` begins, if the model is one that no file can hold.
    FileNotFoundError
        When `fit` begins, if the folder is not there.

    Examples
    --------
    >>> import os, tempfile, numpy as np, nnfast as nf
    >>> model = nf.Sequential(nf.Linear(1, 1), seed=0)
    >>> model.compile("sgd", "mse_loss")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save = nf.callbacks.ModelCheckpoint(os.path.join(folder, "{epoch}.safetensors"))
    ...     _ = model.fit(np.ones((4, 1)), np.ones(4), epochs=2, verbose=0, callbacks=[save])
    ...     sorted(os.listdir(folder))
    ['1.safetensors', '2.safetensors']
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str | None = None,
        save_best_only: bool = False,
        mode: str = "auto",
        min_delta: float = 0.0,
    ) -> None:
        super().__init__(monitor, min_delta, mode)
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"ModelCheckpoint: path: expected a string or a path, got {path!r}")
        self.path = os.fsdecode(path)
        self.save_best_only = _checks.flag("ModelCheckpoint", "save_best_only", save_best_only)

    def on_train_begin(self, logs: Logs) -> None:
        from nnfast import _describe

        # Now and not after hours of the first epoch.
        folder = os.path.dirname(os.path.abspath(self.path))
        if "{" not in folder and not os.path.isdir(folder):
            raise FileNotFoundError(f"ModelCheckpoint: path: there is no folder {folder}")
        _describe.describe(self.model, self.model._ensure_model("fit"))

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.save_best_only and not self._improved(logs):
            return
        try:
            path = self.path.format(epoch=epoch + 1, **{k: v for k, v in logs.items() if k != "epoch"})
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"ModelCheckpoint: path: expected only {{epoch}} and {', '.join(logs)} in braces, "
                f"got {self.path!r} ({error!r})"
            ) from None
        self.model.save(path)


# ---------------------------------------------------------------- learning rates


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

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        optimizer = self.model.optimizer
        assert optimizer is not None
        self._rule._now = before = _rate(self.model)
        self._rule.observe(logs)
        if self._rule._now != before:
            optimizer.lr = self._rule._now


# ---------------------------------------------------------------- records and guards


class CSVLogger(Callback):
    """Writes a line an epoch to a CSV file: its number from 1, then the history's values.

    Parameters
    ----------
    path : str or path
    separator : str
        One character between the values.
    append : bool
        Whether the file is continued, rather than begun anew.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind.
    OSError
        When `fit` begins, if the file cannot be written.

    Notes
    -----
    Each line is in the file as soon as the epoch is over. The columns are those of the first epoch, or of the
    file that is continued; values that have no column are left out.

    Examples
    --------
    >>> import os, tempfile, numpy as np, nnfast as nf
    >>> model = nf.Sequential(nf.Linear(1, 1), seed=0)
    >>> model.compile("sgd", "mse_loss")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = nf.callbacks.CSVLogger(os.path.join(folder, "log.csv"))
    ...     _ = model.fit(np.ones((4, 1)), np.ones(4), epochs=2, verbose=0, callbacks=[log])
    ...     [line.split(",")[0] for line in open(log.path)]
    ['epoch', '1', '2']
    """

    def __init__(self, path: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"CSVLogger: path: expected a string or a path, got {path!r}")
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"CSVLogger: separator: expected one character, got {separator!r}")
        self.path = os.fsdecode(path)
        self.separator = separator
        self.append = _checks.flag("CSVLogger", "append", append)

    def on_train_begin(self, logs: Logs) -> None:
        self._columns: list[str] = []
        if self.append and os.path.exists(self.path):
            with open(self.path, newline="", encoding="utf-8") as file:
                self._columns = next(csv.reader(file, delimiter=self.separator), [])
        with open(self.path, "a" if self.append else "w", encoding="utf-8"):
            pass

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        row = {"epoch": epoch + 1, **logs}
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if not self._columns:
                self._columns = list(row)
                writer.writerow(self._columns)
            writer.writerow([row.get(name, "") for name in self._columns])


class TerminateOnNaN(Callback):
    """Ends the run when the loss or another value of the epoch is NaN or infinite.

    Without it `fit` raises a FloatingPointError for such a training loss; with it, `fit` warns and returns
    the history so far, the weights being those before the step.

    Warns
    -----
    UserWarning
        When it ends the run.

    Examples
    --------
    >>> import warnings, numpy as np, nnfast as nf
    >>> model = nf.Sequential(nf.Linear(1, 1), seed=0)
    >>> model.compile(nf.SGD(lr=1e30), "mse_loss")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     history = model.fit(
    ...         np.ones((4, 1)), np.ones(4), epochs=9, verbose=0, callbacks=[nf.callbacks.TerminateOnNaN()]
    ...     )
    >>> len(history) < 9
    True
    """

    def _tell(self, what: str) -> None:
        warnings.warn(f"TerminateOnNaN: {what}; training stops here", UserWarning, stacklevel=2)
        self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        bad = [name for name, value in logs.items() if not math.isfinite(value)]
        if bad:
            self._tell(f"fit: epoch {epoch + 1}: {bad[0]} is {logs[bad[0]]}")
