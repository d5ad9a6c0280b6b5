"""How `fit` and `evaluate` show that they move: nothing, a tqdm bar, or a line an epoch."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from nnfast.history import format_value


class Progress:
    """Says nothing: verbose=0, and the interface of the others."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin(self, epoch: int, samples: int = 0) -> None:
        """Epoch `epoch` (from 1) starts, or goes on after so many samples."""

    def advance(self, steps: int, logs: Callable[[], dict[str, float]], samples: int) -> None:
        """This many steps more are done; `logs` gives the epoch's loss and metrics, over so many samples."""

    def end(self, logs: dict[str, float], seconds: float) -> None:
        """The epoch is over."""

    def close(self) -> None:
        """The run is over, in whatever way."""


def _room() -> dict[str, Any]:
    """How wide a bar is: as the terminal; in one that does not know its size tqdm would show nothing."""
    columns, lines = 80, 24
    if sys.stderr is not None and sys.stderr.isatty():  # else, in a notebook say, tqdm knows what to do
        with contextlib.suppress(OSError, ValueError):
            columns, lines = os.get_terminal_size(sys.stderr.fileno())
    return {"dynamic_ncols": True} if columns > 0 and lines > 0 else {"ncols": columns or 80, "nrows": 24}


class BarProgress(Progress):
    """One tqdm bar over all steps of the run."""

    def __init__(
        self, epochs: int, steps: int | None, unit: str = "step", first: int = 0, done: int = 0
    ) -> None:
        # Only now: importing it takes longer than importing nnfast.
        try:
            from tqdm.auto import tqdm  # type: ignore[import-untyped]
        except ImportError:
            raise ImportError(
                "the progress bar needs tqdm: pip install tqdm, or choose verbose=0 or verbose=2"
            ) from None

        self._epochs = epochs
        self._epoch = 0
        self._now: dict[str, float] = {}  # of the epoch under way
        self._rest = ""  # what is known at an epoch's end alone
        self._began, self._before, self._speed = 0.0, 0, ""
        total = None if steps is None else (epochs - first) * steps - done
        # A line has 80 columns: without the steps, and the steps a second, as samples a second are there.
        form = None if total is None else "{l_bar}{bar}| [{elapsed}<{remaining}{postfix}]"
        self._bar: Any = tqdm(total=total, unit=unit, bar_format=form, **_room())

    def begin(self, epoch: int, samples: int = 0) -> None:
        self._began, self._before = time.perf_counter(), samples
        self._epoch = epoch
        if self._epochs > 1:
            self._bar.set_description(f"epoch {epoch}/{self._epochs}", refresh=False)

    def advance(self, steps: int, logs: Callable[[], dict[str, float]], samples: int) -> None:
        self._speed = format_speed(samples - self._before, time.perf_counter() - self._began)
        self._now = logs()
        self._show()
        self._bar.update(steps)

    def _show(self) -> None:
        # What matters most first: a narrow terminal cuts the rest.
        now = ", ".join(f"{name} {format_value(value)}" for name, value in self._now.items())
        self._bar.set_postfix_str(f"{now}, {self._speed}{self._rest}", refresh=False)

    def end(self, logs: dict[str, float], seconds: float) -> None:
        self._now = {name: logs.get(name, value) for name, value in self._now.items()} or {
            "loss": logs["loss"]
        }
        rest = ", ".join(f"{name} {format_value(v)}" for name, v in logs.items() if name not in self._now)
        # Stays while the next epoch runs, and says whose it is.
        of = f"epoch {self._epoch}: " if self._epochs > 1 else ""
        self._rest = f"; {of}{rest}" if rest else ""
        self._show()

    def close(self) -> None:
        self._bar.refresh()
        self._bar.close()


class LineProgress(Progress):
    """A printed line an epoch."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._epoch = 0
        self._began, self._before, self._speed = 0.0, 0, ""

    def begin(self, epoch: int, samples: int = 0) -> None:
        self._epoch = epoch
        self._began, self._before = time.perf_counter(), samples

    def advance(self, steps: int, logs: Callable[[], dict[str, float]], samples: int) -> None:
        # Of training alone: what comes after the last step, validation say, does not count.
        self._speed = format_speed(samples - self._before, time.perf_counter() - self._began)

    def end(self, logs: dict[str, float], seconds: float) -> None:
        values = "  ".join(f"{name} {format_value(value)}" for name, value in logs.items())
        epoch = f"{self._epoch:>{len(str(self._epochs))}}/{self._epochs}"
        print(f"epoch {epoch}  {seconds:6.2f} s  {self._speed}  {values}", flush=True)


def format_speed(samples: int, seconds: float) -> str:
    """Samples a second, three places of them."""
    rate = samples / max(seconds, 1e-9)
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if rate >= 0.9995 * size:
            return f"{rate / size:.3g}{unit} samples/s"
    return f"{rate:.3g} samples/s"


def make_progress(
    owner: str, verbose: int, epochs: int, steps: int | None, first: int = 0, done: int = 0
) -> Progress:
    """The display for `verbose` 0, 1 or 2 (checked by the caller).

    `first` epochs are done already, and `done` steps of the next.
    """
    if verbose == 1:
        return BarProgress(epochs, steps, "step" if owner == "fit" else "batch", first, done)
    if verbose == 2:
        return LineProgress(epochs)
    return Progress()
