"""The loops over an epoch: slices of work short enough that progress moves and Ctrl-C answers.

What this is: training and evaluation as calls of the engine of about a tenth of a second each.
What this is not: the training step, which the engine carries out, nor argument checks, which come before.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnfast.history import History
from nnfast.progress import Progress
from nnfast.schedules import ReduceLROnPlateau

if TYPE_CHECKING:
    from nnfast._core import Model, Totals
    from nnfast._network import Network
    from nnfast._stream import Stream
    from nnfast._task import Task
    from nnfast.callbacks.base import CallbackList
    from nnfast.model import Model as Trained

Array = NDArray[Any]

# Seconds between two looks at progress and Ctrl-C: half of the 0.2 s promised, the rest is for the last step.
SLICE = 0.1


class Interrupts:
    """Turns Ctrl-C into a flag, so that it ends a run between two slices, never inside an update of records.

    Only where Python's own handler is in charge and in the main thread, which alone runs handlers; elsewhere
    Ctrl-C works as it did.
    """

    def __init__(self) -> None:
        self.raised = False
        self._at_once = False
        self._installed = False

    def __enter__(self) -> Interrupts:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._at_once or self.raised:
            raise KeyboardInterrupt
        self.raised = True

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """While code of the user runs: raise there and then."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False


@dataclass
class Data:
    """Checked samples, targets and weights; lists of them for several inputs or outputs."""

    x: Array | list[Array]
    y: Array | list[Array]
    w: Array | list[Array | None] | None = None

    def __len__(self) -> int:
        return len(self.y[0] if isinstance(self.y, list) else self.y)

    def part(self, rows: slice) -> Data:
        """Some of the samples."""

        def cut(side: Any) -> Any:
            if isinstance(side, list):
                return [cut(array) for array in side]
            return None if side is None else side[rows]

        return Data(cut(self.x), cut(self.y), cut(self.w))


def split_off(data: Data, share: float) -> tuple[Data, Data]:
    """The data without the last `share` of its samples, and these."""
    keep = len(data) - round(len(data) * share)
    if keep in (0, len(data)):
        raise ValueError(
            f"fit: validation_split: expected two parts with samples in them, "
            f"got {share:g} of {len(data)} samples"
        )
    return data.part(slice(keep)), data.part(slice(keep, None))


def steps_of(samples: int, batch: int) -> int:
    """Batches in an epoch, the last one possibly partial."""
    return -(-samples // batch)


def train_epoch(
    model: Network,
    core: Model,
    data: Data,
    order: NDArray[np.int64] | None,
    batch: int,
    totals: Totals,
    progress: Progress,
    interrupts: Interrupts,
    callbacks: CallbackList,
) -> bool:
    """One epoch of steps; False when Ctrl-C ended it early."""
    steps, first = steps_of(len(data), batch), 0
    batchwise = callbacks.batchwise
    while first < steps:
        if batchwise:
            with interrupts.at_once():
                callbacks.begin_batch(first)
        last = first + model._sync_optimizer(core, 1 if batchwise else steps - first)
        done = core.train(data.x, data.y, order, batch, first, last, SLICE, totals, data.w)
        first += done
        progress.advance(done, model._task.loss(totals))
        if batchwise:
            with interrupts.at_once():
                callbacks.end_batch(first - 1, model._task.logs(totals))
        if interrupts.raised:
            return first == steps
        if model.stop_training:
            break
    return True


def evaluate_data(
    task: Task,
    core: Model,
    totals: Totals,
    data: Data,
    batch: int,
    progress: Progress | None = None,
    interrupts: Interrupts | None = None,
) -> bool:
    """Add the whole data set to `totals`; False when Ctrl-C ended it early."""
    steps, first = steps_of(len(data), batch), 0
    while first < steps:
        done = core.evaluate(data.x, data.y, batch, first, steps, SLICE, totals, data.w)
        first += done
        if progress is not None:
            progress.advance(done, task.loss(totals))
        if interrupts is not None and interrupts.raised:
            return first == steps
    return True


def evaluate_logs(
    model: Network,
    core: Model,
    data: Data | Stream,
    batch: int,
    interrupts: Interrupts | None = None,
) -> dict[str, float] | None:
    """Loss and all metrics of the data set; None when Ctrl-C ended it early."""
    if not isinstance(data, Data):
        return data.evaluate(core, None, interrupts)
    totals = model._new_totals()
    if not evaluate_data(model._task, core, totals, data, batch, None, interrupts):
        return None
    logs = model._task.logs(totals)
    logs.update(call_metrics(model._task, core, data, batch, interrupts))
    return logs


def call_metrics(
    task: Task, core: Model, data: Data, batch: int, interrupts: Interrupts | None
) -> dict[str, float]:
    """The user's metrics on the outputs for the whole data set."""
    if not task.has_callables:
        return {}
    with (interrupts or Interrupts()).at_once():
        return task.call(data.y, core.predict(data.x, batch))


def run_fit(
    model: Trained,
    core: Model,
    data: Data | Stream,
    validation: Data | Stream | None,
    *,
    batch: int,
    first_epoch: int,
    epochs: int,
    shuffle: bool,
    progress: Progress,
    callbacks: CallbackList,
) -> History:
    """Train up to epoch `epochs`; the arguments are checked already."""
    history, task = History(), model._task
    model.history = history
    model.stop_training = False
    logs: dict[str, float] = {}
    evaluation_batch = max(batch, 256)
    with progress, Interrupts() as interrupts:
        try:
            with interrupts.at_once():
                callbacks.begin(model)
            for epoch in range(first_epoch + 1, epochs + 1):
                if model.stop_training:
                    break
                began = time.perf_counter()
                progress.begin(epoch)
                with interrupts.at_once():
                    callbacks.begin_epoch(epoch - 1)
                order = None
                if shuffle and isinstance(data, Data):
                    rng = np.random.default_rng([model.seed, 1, model._epochs_seen])
                    order = rng.permutation(len(data)).astype(np.int64, copy=False)
                model._epochs_seen += 1
                totals = model._new_totals()
                try:
                    if isinstance(data, Data):
                        complete = train_epoch(
                            model, core, data, order, batch, totals, progress, interrupts, callbacks
                        )
                    else:
                        complete = data.train_epoch(core, totals, progress, interrupts, callbacks)
                except FloatingPointError as error:
                    named = FloatingPointError(f"fit: epoch {epoch}: {error}")
                    if callbacks.forgives_nan(named):
                        break
                    raise named from None
                if not complete or (interrupts.raised and (task.has_callables or validation is not None)):
                    break
                if task.sums(totals)[0].steps == 0:  # an iterator that had ended with the epoch before
                    break
                logs = task.logs(totals)
                if isinstance(data, Data):
                    logs.update(call_metrics(task, core, data, evaluation_batch, interrupts))
                if validation is not None:
                    found = evaluate_logs(model, core, validation, evaluation_batch, interrupts)
                    if found is None:
                        break
                    logs.update({f"val_{name}": value for name, value in found.items()})
                seconds = time.perf_counter() - began
                model._epochs_trained += 1
                if model.optimizer is not None and isinstance(model.optimizer.lr, ReduceLROnPlateau):
                    model.optimizer.lr.observe(logs)
                try:
                    # After the counters: what a callback saves here goes on with the next epoch.
                    with interrupts.at_once():
                        callbacks.end_epoch(epoch - 1, logs)
                finally:
                    history.append(logs, seconds, epoch)
                progress.end(logs, seconds)
                if interrupts.raised or (not isinstance(data, Data) and data.exhausted):
                    break
        except KeyboardInterrupt:
            interrupts.raised = True
        history.interrupted = interrupts.raised
        callbacks.end(logs)
    return history
