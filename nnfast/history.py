"""What a training run leaves behind: the loss and the metrics of every epoch."""

from __future__ import annotations

import csv
import itertools
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class History:
    """Record of one call of `fit`.

    Attributes
    ----------
    epochs : list of int
        Numbers of the completed epochs, from 1, or from `initial_epoch + 1`.
    history : dict of str to list of float
        "loss", the metrics' names and, with validation data, the same with "val_" before them; a value an
        epoch.
    time : list of float
        Seconds each epoch took, validation included.
    interrupted : bool
        Whether Ctrl-C ended the run. The steps of the unfinished epoch are in the weights, but not in this
        record.

    Examples
    --------
    >>> h = History()
    >>> h.append({"loss": 0.5}, 0.1)
    >>> h["loss"]
    [0.5]
    """

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.history: dict[str, list[float]] = {}
        self.time: list[float] = []
        self.interrupted = False

    def append(self, logs: dict[str, float], seconds: float, epoch: int | None = None) -> None:
        """Add an epoch: this one, or the next."""
        self.epochs.append(len(self.epochs) + 1 if epoch is None else epoch)
        self.time.append(seconds)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def to_dict(self) -> dict[str, list[float]]:
        """A column a value, "epoch" and "seconds" among them: what `pandas.DataFrame` takes.

        Examples
        --------
        >>> h = History()
        >>> h.append({"loss": 0.5}, 0.1)
        >>> h.to_dict()
        {'epoch': [1], 'loss': [0.5], 'seconds': [0.1]}
        """
        columns = {name: list(values) for name, values in self.history.items()}
        return {"epoch": [*self.epochs], **columns, "seconds": list(self.time)}

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the columns of `to_dict` to a CSV file, a line an epoch, every digit kept.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        columns = self.to_dict()
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            # A value that a callback added later than the first epoch has a shorter column.
            writer.writerows(itertools.zip_longest(*columns.values(), fillvalue=""))

    def plot(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Figure:
        """Draw the learning curves: `nnfast.plot.learning_curves`, which takes these arguments.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            Without matplotlib.
        TypeError, ValueError
            If there are no epochs, or an option does not fit.

        Examples
        --------
        >>> h = History()
        >>> h.append({"loss": 0.5, "val_loss": 0.6}, 0.1)
        >>> [line.get_label() for line in h.plot(metrics="loss").axes[0].lines]
        ['training', 'held out']
        """
        from nnfast import plot

        return plot.learning_curves(self, path, **options)

    def __getitem__(self, name: str) -> list[float]:
        try:
            return self.history[name]
        except KeyError:
            raise KeyError(
                f"history has {', '.join(self.history) or 'no epochs yet'}, not {name!r}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self.history

    def __len__(self) -> int:
        return len(self.epochs)

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return self.history == other.history and self.interrupted == other.interrupted

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        end = ", interrupted" if self.interrupted else ""
        if not self.epochs:
            return f"<History: no epochs{end}>"
        count = f"{len(self)} epoch{'s' if len(self) > 1 else ''}"
        last = ", ".join(f"{name} {format_value(values[-1])}" for name, values in self.history.items())
        return f"<History: {count}, {sum(self.time):.2f} s{end}; last: {last}>"


def format_value(value: float) -> str:
    """Four significant places, without the noise of long floats."""
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.3e}"
