"""The loops over an epoch: slices of work short enough that progress moves and Ctrl-C answers.

What this is: training and evaluation as calls of the engine of about a tenth of a second each.
What this is not: the training step, which the engine carries out, nor argument checks, which come before.
"""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from nnfast._position import Position
from nnfast._samples import Data, Piece, pieces, predict, steps_of
from nnfast.history import History
from nnfast.progress import Progress
from nnfast.schedules import ReduceLROnPlateau

if TYPE_CHECKING:
    from nnfast._core import Model, Totals
    from nnfast._network import Network
    from nnfast._stream import Stream
    from nnfast.callbacks.base import CallbackList, Memory
    from nnfast.model import Model as Trained

Array = NDArray[Any]

# Seconds between two looks at progress and Ctrl-C: half of the 0.2 s promised, the rest is for the last step.
SLICE = 0.1
# Samples of a slice at most: the engine looks through the order of all of them before it begins.
ROWS = 2**21


class Interrupts:
    """Turns Ctrl-C into a flag, so that it ends a run between two slices, never inside an update of records.

    Only where Python's own handler is in charge and in the main thread, which alone runs handlers; elsewhere
    Ctrl-C works as it did.
    """

    def __init__(self) -> None:
        self.raised = False
        self._at_once = self._computing = False
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
        if self._computing:
            raise KeyboardInterrupt

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Keep in mind that Ctrl-C was pressed, for those who clean up after it."""
        try:
            yield
        except KeyboardInterrupt:
            self.raised = True
            raise

    @contextmanager
    def during(self, backend: str) -> Iterator[None]:
        """While a step runs. The engine asks for signals within it and leaves a broken-off step unapplied.

        The reference does not: there a step comes to its end.
        """
        self._computing = backend == "native"
        try:
            yield
        finally:
            self._computing = False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """While code of the user runs: raise there and then."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False


def train_epoch(
    model: Network,
    core: Model,
    data: Data,
    order: Array | None,
    batch: int,
    steps: int,
    position: Position,
    progress: Progress,
    interrupts: Interrupts,
    callbacks: CallbackList,
    prefetch: int,
) -> bool:
    """The steps of an epoch from its position on; False when Ctrl-C ended it early."""
    totals, step = position.totals, position.step
    with pieces(data, order, batch, step, steps, model.dtype, prefetch) as parts:
        while step < steps:
            with interrupts.at_once():
                piece = next(parts)
            step = train_piece(model, core, piece, batch, step, totals, progress, interrupts, callbacks)
            if interrupts.raised:
                return step == steps
            if model.stop_training:
                return True
    return True


def train_piece(
    model: Network,
    core: Model,
    piece: Piece,
    batch: int,
    step: int,
    totals: Totals | list[Totals],
    progress: Progress,
    interrupts: Interrupts,
    callbacks: CallbackList,
) -> int:
    """The steps of a piece from `step` on; the step it came to, earlier after Ctrl-C or a stop."""
    x, y, w = piece.data.x, piece.data.y, piece.data.w
    offset = piece.offset
    while step < piece.last and not (interrupts.raised or model.stop_training):
        if callbacks.batchwise:
            with interrupts.at_once():
                callbacks.begin_batch(step)
        room = callbacks.room(core, min(piece.last - step, max(1, ROWS // batch)))
        last = step + model._sync_optimizer(core, room)
        first, end = step - offset, last - offset
        try:
            with interrupts.during(model.backend):
                done = core.train(x, y, piece.order, batch, first, end, SLICE, totals, w)
        except FloatingPointError as error:
            raise _of_the_epoch(error, offset * batch) from None
        step += done
        progress.advance(done, partial(model._task.logs, totals), samples_of(totals))
        if callbacks.listens:
            with interrupts.at_once():
                callbacks.end_batch(step - 1, core, model._task.logs(totals))
    return step


def _of_the_epoch(error: FloatingPointError, first: int) -> FloatingPointError:
    """The error with the number of the sample counted from the epoch's start, not the piece's."""
    text = re.sub(r"sample (\d+)", lambda found: f"sample {int(found[1]) + first}", str(error))
    return FloatingPointError(text)


def samples_of(totals: Totals | list[Totals]) -> int:
    """How many samples were seen."""
    return (totals[0] if isinstance(totals, list) else totals).samples


def evaluate_data(
    model: Network,
    core: Model,
    totals: Totals,
    data: Data,
    batch: int,
    progress: Progress | None = None,
    interrupts: Interrupts | None = None,
) -> bool:
    """Add the whole data set to `totals`; False when Ctrl-C ended it early."""
    steps, step = steps_of(len(data), batch), 0
    flag = interrupts or Interrupts()
    with pieces(data, None, batch, 0, steps, model.dtype, 1) as parts:
        while step < steps:
            with flag.at_once():
                piece = next(parts)
            x, y, w = piece.data.x, piece.data.y, piece.data.w
            while step < piece.last:
                first, last = step - piece.offset, piece.last - piece.offset
                with flag.during(model.backend):
                    done = core.evaluate(x, y, batch, first, last, SLICE, totals, w)
                step += done
                if progress is not None:
                    progress.advance(done, partial(model._task.logs, totals), samples_of(totals))
                if flag.raised:
                    return step == steps
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
    if not evaluate_data(model, core, totals, data, batch, None, interrupts):
        return None
    logs = model._task.logs(totals)
    logs.update(call_metrics(model, core, data, batch, interrupts))
    return logs


def call_metrics(
    model: Network, core: Model, data: Data, batch: int, interrupts: Interrupts | None
) -> dict[str, float]:
    """The user's metrics on the outputs for the whole data set."""
    if not model._task.has_callables:
        return {}
    with (interrupts or Interrupts()).at_once():
        outputs = predict(core, data.x, batch, model.dtype, model._output_shapes)
        return model._task.call(data.y, outputs, data.w)


def made_of(data: Data | Stream, batch: int, shuffle: bool) -> tuple[int | None, int | None, bool | None]:
    """What the batches of an epoch follow from: samples, batch size, shuffle; nothing is known of streams."""
    return (len(data), batch, shuffle) if isinstance(data, Data) else (None, None, None)


def not_begun(model: Network) -> History:
    """What is left of a run that Ctrl-C ended before its first step."""
    model.history = history = History()
    history.interrupted = True
    return history


def run_fit(
    model: Trained,
    core: Model,
    data: Data | Stream,
    validation: Data | Stream | None,
    *,
    batch: int,
    steps: int | None,
    first_epoch: int,
    epochs: int,
    shuffle: bool,
    progress: Progress,
    callbacks: CallbackList,
    prefetch: int,
    position: Position | None = None,
    memory: list[Memory],
    interrupts: Interrupts,
) -> History:
    """Train up to epoch `epochs`, the first from `position` on; the arguments are checked already."""
    history, task = History(), model._task
    model.history = history
    model.stop_training = False
    model._epochs_done, model._position = first_epoch, position
    logs: dict[str, float] = {}
    evaluation_batch = max(batch, 256)
    with progress, model._remembering(callbacks, memory, data, validation):
        try:
            with interrupts.at_once():
                callbacks.begin(model, memory)
            for epoch in range(first_epoch + 1, epochs + 1):
                if model.stop_training:
                    break
                began = time.perf_counter()
                progress.begin(epoch, 0 if position is None else samples_of(position.totals))
                if position is None:
                    with interrupts.at_once():
                        callbacks.begin_epoch(epoch - 1)
                    model._epochs_seen += 1
                    position = Position(epoch - 1, *made_of(data, batch, shuffle), model._new_totals())
                model._position, totals = position, position.totals
                order = None
                if shuffle and isinstance(data, Data):
                    with interrupts.at_once():
                        order = data.order(model.seed, model._epochs_seen - 1)
                try:
                    if isinstance(data, Data):
                        shown = progress, interrupts, callbacks
                        assert steps is not None  # of arrays it is known
                        complete = train_epoch(
                            model, core, data, order, batch, steps, position, *shown, prefetch
                        )
                    else:
                        complete = data.train_epoch(core, position, progress, interrupts, callbacks)
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
                    logs.update(call_metrics(model, core, data, evaluation_batch, interrupts))
                if validation is not None:
                    found = evaluate_logs(model, core, validation, evaluation_batch, interrupts)
                    if found is None:
                        break
                    logs.update({f"val_{name}": value for name, value in found.items()})
                seconds = time.perf_counter() - began
                model._epochs_trained += 1
                model._epochs_done, model._position, position = epoch, None, None
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
