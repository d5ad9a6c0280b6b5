"""Callbacks that follow a value of the logs: `EarlyStopping` and `ModelCheckpoint`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from nnfast import _checks
from nnfast.callbacks.base import Callback, Logs

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

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        best = state.get("best")
        if best is not None and (not isinstance(best, (int, float)) or math.isnan(best)):
            raise ValueError(f"{type(self).__name__}: state: expected a number as best, got {best!r}")
        self.best = best


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
        Whether the weights of the best epoch are put back when the run ends, in whatever way. A run that is
        continued (`fit(initial_epoch=...)`) goes on with those it had at its end, unless it was ended here:
        then it stays so. For that both are kept, and saved with the model, until another run begins.

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
        self._weights: dict[str, Any] | None = None  # the best
        self._ending: dict[str, Any] | None = None  # those of the end, once the best are put back

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
        if self._weights is None:
            return
        if self.stopped_epoch is None:
            self._ending = self.model.state_dict()
        self.model.load_state_dict(self._weights)
        if self.stopped_epoch is not None:
            self._weights = None

    def state_dict(self) -> dict[str, Any]:
        state = {"best_epoch": self.best_epoch, "stopped_epoch": self.stopped_epoch, "wait": self._waited}
        weights = {"weights": self._weights, "ending": self._ending}
        return {**super().state_dict(), **state, **{k: v for k, v in weights.items() if v is not None}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        epochs = {name: state.get(name) for name in ("best_epoch", "stopped_epoch")}
        for name, epoch in epochs.items():
            if epoch is not None:
                _checks.integer("EarlyStopping", name, epoch, 0)
        self._waited = _checks.integer("EarlyStopping", "wait", state.get("wait"), 0)
        super().load_state_dict(state)
        self.best_epoch, self.stopped_epoch = epochs["best_epoch"], epochs["stopped_epoch"]
        for name in ("weights", "ending"):
            if not isinstance(state.get(name, {}), Mapping):
                raise TypeError(f"EarlyStopping: {name}: expected arrays by name, got {state[name]!r}")
        if state.get("ending") is not None:
            self.model.load_state_dict(state["ending"])
        self._weights = state.get("weights") if self.restore_best else None
        if self.stopped_epoch is not None:
            self.model.stop_training = True


class ModelCheckpoint(_Monitor):
    """Saves the model after every epoch, after those that were the best so far, or every so many steps.

    Parameters
    ----------
    path : str or path
        May hold "{epoch}" (from 1), "{step}" (all steps of the model's life) and names of the history:
        "run-{epoch:03d}-{val_loss:.3f}.safetensors".
    monitor : str, optional
        As for `EarlyStopping`; used with `save_best_only`.
    save_best_only : bool
        Whether epochs that are not better leave the file alone. The best is remembered from one `fit` to the
        next of the same callback, and in the file.
    mode : {"auto", "min", "max"}
        As for `EarlyStopping`.
    min_delta : float >= 0
        An improvement is more than this.
    save_freq : "epoch" or int >= 1
        A number: after every so many steps, counted over the model's life, and not after epochs.

    Raises
    ------
    TypeError, ValueError
        For settings of the wrong kind, or `save_best_only` with a `save_freq` in steps; when `fit` begins, if
        the model is one that no file can hold.
    FileNotFoundError
        When `fit` begins, if the folder is not there.

    Notes
    -----
    To go on where a file was written, in the middle of an epoch too, with the bits of an unbroken run:
    ``model = nf.load(path)`` and ``model.fit(..., initial_epoch=model.epochs_done)``, all else as before.
    What callbacks remember (`Callback.state_dict`) is in the file: at an epoch's end it is written when all
    others have been called, wherever in the list this one stands.

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
        save_freq: str | int = "epoch",
    ) -> None:
        super().__init__(monitor, min_delta, mode)
        self._last = True  # the file has what the others make of the epoch
        self.path = _checks.path("ModelCheckpoint", "path", path)
        self.save_best_only = _checks.flag("ModelCheckpoint", "save_best_only", save_best_only)
        if isinstance(save_freq, str):
            _checks.choice("ModelCheckpoint", "save_freq", save_freq, ("epoch",))
        else:
            self._every = _checks.integer("ModelCheckpoint", "save_freq", save_freq, 1)
            if self.save_best_only:
                raise ValueError(
                    f"ModelCheckpoint: save_freq: expected 'epoch' with save_best_only, got {save_freq!r}"
                )
        self.save_freq = save_freq

    def on_train_begin(self, logs: Logs) -> None:
        from nnfast import _describe

        # Now and not after hours of the first epoch.
        folder = os.path.dirname(os.path.abspath(self.path))
        if "{" not in folder and not os.path.isdir(folder):
            raise FileNotFoundError(f"ModelCheckpoint: path: there is no folder {folder}")
        _describe.describe(self.model, self.model._ensure_model("fit"))

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self._every is None and (not self.save_best_only or self._improved(logs)):
            self._save(epoch, logs)

    def _on_steps(self, logs: Logs) -> None:
        assert self.model._position is not None
        self._save(self.model._position.epoch, logs)

    def _save(self, epoch: int, logs: Logs) -> None:
        counts = {"epoch": epoch + 1, "step": self.model._ensure_model("fit").step_count}
        try:
            path = self.path.format(**{**logs, **counts})
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"ModelCheckpoint: path: expected only {{epoch}}, {{step}} and {', '.join(logs)} in braces, "
                f"got {self.path!r} ({error!r})"
            ) from None
        self.model.save(path)
