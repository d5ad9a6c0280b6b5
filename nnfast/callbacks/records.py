"""Callbacks that keep records and guard the run: `CSVLogger`, `GradientNorms`, `TerminateOnNaN`."""

from __future__ import annotations

import csv
import math
import os
import warnings
from collections.abc import Mapping
from typing import Any

from nnfast import _checks
from nnfast.callbacks.base import Callback, Logs


class CSVLogger(Callback):
    """Writes a line an epoch to a CSV file: its number from 1, then the history's values.

    Parameters
    ----------
    path : str or path
    separator : str
        One character between the values.
    append : bool
        Whether the file is continued, rather than begun anew. A run that is continued
        (`fit(initial_epoch=...)`) continues its file in any case, after the last line of before.

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
        self.path = _checks.path("CSVLogger", "path", path)
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"CSVLogger: separator: expected one character, got {separator!r}")
        self.separator = separator
        self.append = _checks.flag("CSVLogger", "append", append)

    def on_train_begin(self, logs: Logs) -> None:
        self._columns: list[str] = []
        self._begun = False
        with open(self.path, "a", encoding="utf-8"):  # now and not after hours of the first epoch
            pass
        if self.append:
            self._go_on()

    def _go_on(self) -> None:
        with open(self.path, newline="", encoding="utf-8") as file:
            self._columns = next(csv.reader(file, delimiter=self.separator), [])
        self._begun = True

    def _begin(self) -> None:
        if not self._begun:
            with open(self.path, "w", encoding="utf-8"):
                pass
        self._begun = True

    def state_dict(self) -> dict[str, Any]:
        return {"path": self.path, "size": os.path.getsize(self.path)} if self._begun else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        size = _checks.integer("CSVLogger", "size", state.get("size"), 0)
        # Another file, or one that was begun anew since, has nothing to do with that run.
        if state.get("path") != self.path or os.path.getsize(self.path) < size:
            return
        os.truncate(self.path, size)  # lines of epochs that are done again
        self._go_on()

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._begin()  # an epoch that was broken off is not begun again
        row = {"epoch": epoch + 1, **logs}
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if not self._columns:
                self._columns = list(row)
                writer.writerow(self._columns)
            writer.writerow([row.get(name, "") for name in self._columns])


class GradientNorms(Callback):
    """Adds the norm of each layer's gradient to the logs, and so to the history: "gradient_norm_<layer>".

    Layers are called as in `Model.gradient_norms`, which says what is measured: the gradients of the epoch's
    last step. A norm that falls from the last layer to the first by a factor a layer is a gradient that
    vanishes, one that grows is one that explodes.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> model = nf.Sequential(nf.Linear(2, 3), nf.Tanh(), nf.Linear(3, 1), seed=0)
    >>> model.compile("sgd", "mse_loss")
    >>> norms = nf.callbacks.GradientNorms()
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0, callbacks=[norms])
    >>> [name for name in history.history if name.startswith("gradient_norm")]
    ['gradient_norm_0', 'gradient_norm_2']
    """

    def __init__(self) -> None:
        self._kept: dict[str, float] = {}  # of the last step before a run that is continued

    def on_train_begin(self, logs: Logs) -> None:
        self._kept = {}

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        norms = self.model.gradient_norms()
        if not any(norms.values()):  # there are no gradients in a file, and no step came since
            norms = self._kept or norms
        self._kept = {}
        logs.update({f"gradient_norm_{key}": norm for key, norm in norms.items()})

    def state_dict(self) -> dict[str, Any]:
        """The norms of the last step, as a file has no gradients."""
        return {"norms": self.model.gradient_norms()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self._kept = {str(key): float(norm) for key, norm in state["norms"].items()}


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

    def _forgives_nan(self, error: FloatingPointError) -> bool:
        self._tell(str(error))
        return True

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        bad = [name for name, value in logs.items() if not math.isfinite(value)]
        if bad:
            self._tell(f"fit: epoch {epoch + 1}: {bad[0]} is {logs[bad[0]]}")
