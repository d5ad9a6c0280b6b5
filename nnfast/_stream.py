"""Training and evaluation on batches that come one by one: from a generator, or another iterable.

What this is: `Stream`, which asks the user's iterable for batches, checks each, and hands it to the engine.
What this is not: epochs, validation and records, which `nnfast._fit` keeps for streams and arrays alike.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nnfast import _checks
from nnfast._csr import is_sparse
from nnfast._fit import Interrupts, samples_of
from nnfast._mapped import Files, as_list
from nnfast._prefetch import ahead, settle
from nnfast._samples import Data
from nnfast._task import gather
from nnfast._weights import gather as gather_weights
from nnfast.data import Batches
from nnfast.progress import Progress

if TYPE_CHECKING:
    from nnfast._core import Model, Totals
    from nnfast._given import Given as Network
    from nnfast._position import Position
    from nnfast.callbacks.base import CallbackList


Place = tuple[int, int]

DEPTH = 2  # batches ahead, when nobody says how many
# Bytes of a batch from which on that is worth while. To hand it over takes some tens of microseconds, as
# much as to make a small one: with 32 samples of 20 numbers an epoch took twice as long.
LARGE = 2**16


def is_stream(x: Any, y: Any) -> bool:
    """Whether `x`, given without targets, is something that yields batches, and not an array."""
    if y is not None or isinstance(x, (tuple, str, bytes, dict)) or is_sparse(x):
        return False
    if isinstance(x, list):
        return bool(x) and all(isinstance(batch, tuple) and len(batch) in (2, 3) for batch in x)
    arrays = ("__array__", "__array_interface__", "__array_struct__")
    return not any(hasattr(x, name) for name in arrays) and hasattr(x, "__iter__")


def _kept(side: Any) -> Any:
    """Copies, as the generator may use its arrays again."""
    if isinstance(side, list):
        return [_kept(array) for array in side]
    return None if side is None else np.array(side)


class Stream:
    """Batches (x, y) from an iterable, pass after pass.

    Parameters
    ----------
    owner, name : str
        The method and its argument, for messages.
    source : iterable
        What yields the batches. An iterator gives one pass only; anything else is begun again.
    steps : int, optional
        Batches an epoch, which then need not begin with a pass; whole passes when None.
    prefetch : int, optional
        How many batches a thread makes ready ahead; none of a later epoch. None: by the size of the first.
    """

    def __init__(
        self,
        model: Network,
        owner: str,
        name: str,
        source: Any,
        steps: int | None,
        epochs: int,
        prefetch: int | None,
    ) -> None:
        self._model, self._owner, self._name, self._source = model, owner, name, source
        self._steps = None if steps is None else _checks.integer(owner, "steps_per_epoch", steps, 1)
        self._once = hasattr(source, "__next__")
        if self._once and self._steps is None and epochs > 1:
            instead = "steps_per_epoch, or " if name == "x" else "arrays, a list of batches, or "
            raise ValueError(
                f"{owner}: {name}: expected what can be gone through {epochs} times, got an iterator: "
                f"give {instead}an object whose __iter__ begins anew, such as nf.data.Batches"
            )
        self._iterator: Iterator[Any] | None = None
        self._number, self._taken = -1, 0  # the pass under way, and batches of it that were taken
        self._place: Place | None = None  # the same of those that were used; None for an iterator
        self._coming: tuple[Totals, int, Place] | None = None  # and after the step under way
        self._begun = 0  # batches of the first epoch that were used before
        self._prefetch, self._decides = prefetch or 0, prefetch is None
        self._short: int | None = None  # batches of an epoch that an iterator could not fill
        self.exhausted = False

    def start(self, place: Place | None = None, begun: int = 0) -> None:
        """Take and check the first batch, which settles the model's input shape; nothing else is changed.

        A run that goes on does so after `begun` batches of an epoch: at this place, if that is known; an
        iterator, and what was no stream before, is taken to stand at the epoch's first batch.
        """
        settle()
        self._begun = begun
        if place is None or self._once:
            self._open(None, begun)
        else:
            self._open(*place)
        assert self._iterator is not None
        if not self._once:
            self._place = self._number, self._taken
        first = next(self._iterator, None)
        if first is None and self._taken and not self._once:  # the pass was at its end
            if self._steps is None:  # and with it the epoch
                self._iterator = iter(())
                return
            self._open()
            first = next(self._iterator, None)
        if first is None:
            raise ValueError(f"{self._owner}: {self._name}: expected at least one batch (x, y), got none")
        data = self._check(first)
        if self._decides:
            size = sum(array.size for array in as_list(data.x)) * self._model.dtype.itemsize
            self._prefetch = DEPTH if size >= LARGE else 0
        self._iterator = itertools.chain([first], self._iterator)

    @property
    def place(self) -> Place | None:
        """Where the source stands: the number of a pass, and how many of its batches were used."""
        if self._coming is not None:
            sums, steps, after = self._coming
            if sums.steps > steps:  # it was carried out, whatever came then
                self._place, self._coming = after, None
        return self._place

    def _ended(self) -> None:
        """An epoch is over: without a number of steps, the next begins with the next pass."""
        if self._steps is None and not self._once:
            self._place, self._coming = (self._number + 1, 0), None

    def _open(self, number: int | None = None, skip: int = 0) -> None:
        """Begin a pass, that of this number or the next, without its first batches."""
        source, counts = self._source, isinstance(getattr(self._source, "passes", None), int)
        if number is None:
            number = source.passes if counts else self._number + 1
        elif counts:
            source.passes = number
        self._number, self._taken = number, skip
        if isinstance(source, Batches):
            self._iterator, left = source._pass(skip), max(0, skip - len(source))
        else:
            self._iterator = iter(source)
            left = skip - sum(1 for _ in itertools.islice(self._iterator, skip))
        if left:
            raise ValueError(
                f"{self._owner}: {self._name}: the run that goes on stands after {skip} batches, "
                f"got only {skip - left}"
            )

    @property
    def steps(self) -> int | None:
        """Batches an epoch; None when nobody knows."""
        if self._steps is not None:
            return self._steps
        return len(self._source) if hasattr(self._source, "__len__") else None

    def _check(self, batch: Any) -> Data:
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            got = f"{len(batch)} values" if isinstance(batch, (tuple, list)) else type(batch).__name__
            raise TypeError(
                f"{self._owner}: {self._name}: expected batches (x, y) or (x, y, sample_weight), got {got}"
            )
        names = f"{self._name}: batch[0]", f"{self._name}: batch[1]"
        weights = batch[2] if len(batch) == 3 else None
        return self._model._data(self._owner, batch[0], batch[1], names, weights)

    def _next(self) -> Any:
        """What the user's iterable gives next, of a new pass if the last has ended; None at the end."""
        try:
            if self._iterator is None:
                self._open()
            assert self._iterator is not None
            return next(self._iterator, None)
        except Exception as error:
            if self._prefetch and hasattr(error, "add_note"):  # from Python 3.11 on
                error.add_note(
                    f"{self._owner}: {self._name}: raised in the thread that makes batches ready; "
                    "with prefetch=0 the calling thread does that"
                )
            raise

    def _take(self) -> Iterator[tuple[Data, Place]]:
        """The batches of one epoch, ready for the engine, and where the source stands after each.

        Sets `_short` when an iterator ends before `steps`. Runs in a thread of its own when batches are
        prefetched: they are copies then, as the user's code may use its arrays again for the next, and in the
        model's dtype.
        """
        done, files = self._begun, Files([])
        self._begun = 0
        while self._steps is None or done < self._steps:
            fresh = self._iterator is None
            batch = self._next()
            if fresh and batch is None:
                raise ValueError(f"{self._owner}: {self._name}: expected batches, a pass had none")
            if batch is None:
                self._iterator = None
                if self._steps is None:
                    return
                if self._once:
                    self._short = done
                    return
                continue
            done += 1
            self._taken += 1
            data, place = self._check(batch), (self._number, self._taken)
            yield (
                data.copied(slice(None), self._model.dtype, files) if self._prefetch else data.dense(),
                place,
            )

    def _epoch(self, flag: Interrupts) -> Generator[tuple[Data, Place], None, None]:
        """What `_take` gives; sets `exhausted` when an iterator ends before `steps` are done."""
        with ahead(self._take(), self._prefetch, lambda: flag.raised) as batches:
            while True:
                with flag.at_once():  # the user's code, or waiting for it
                    taken = next(batches, None)
                if taken is None:
                    break
                yield taken
        if self._short is not None:
            self.exhausted = True
            warnings.warn(
                f"{self._owner}: {self._name}: the iterator ended after {self._short} of {self._steps} "
                "batches of the epoch; training stops here",
                UserWarning,
                stacklevel=5,
            )

    def train_epoch(
        self,
        core: Model,
        position: Position,
        progress: Progress,
        interrupts: Interrupts,
        callbacks: CallbackList,
    ) -> bool:
        """The steps of an epoch from its position on; False when Ctrl-C ended it early."""
        totals, done = position.totals, position.step
        sums = self._model._task.sums(totals)[0]
        with closing(self._epoch(interrupts)) as batches, interrupts.noting():
            for batch, (data, after) in enumerate(batches, done):
                if not self._once:
                    self._place = self.place  # of the step before
                    self._coming = sums, sums.steps, after
                if callbacks.batchwise:
                    with interrupts.at_once():
                        callbacks.begin_batch(batch)
                self._model._sync_optimizer(core)
                with interrupts.during(self._model.backend):
                    self._train(core, data, totals)
                progress.advance(1, partial(self._model._task.logs, totals), samples_of(totals))
                if callbacks.listens:
                    with interrupts.at_once():
                        callbacks.end_batch(batch, core, self._model._task.logs(totals))
                if interrupts.raised:
                    return False
                if self._model.stop_training:
                    break
        self._ended()
        return True

    def _train(self, core: Model, data: Data, totals: Totals | list[Totals]) -> None:
        try:
            core.train(data.x, data.y, None, len(data), 0, 1, 0.0, totals, data.w)
        except RuntimeError as error:
            if self._prefetch and "in use by another thread" in str(error):
                raise RuntimeError(
                    f"{self._owner}: {error}; batches are made in a thread: an iterable that uses the model "
                    "needs prefetch=0"
                ) from None
            raise

    def evaluate(
        self,
        core: Model,
        progress: Progress | None = None,
        interrupts: Interrupts | None = None,
    ) -> dict[str, float] | None:
        """Loss and all metrics of one epoch; None when Ctrl-C ended it early."""
        task, totals = self._model._task, self._model._new_totals()
        targets: list[Any] = []
        outputs: list[Any] = []
        weights: list[Any] = []
        flag = interrupts or Interrupts()
        with closing(self._epoch(flag)) as batches, flag.noting():
            for data, _ in batches:
                with flag.during(self._model.backend):
                    core.evaluate(data.x, data.y, len(data), 0, 1, 0.0, totals, data.w)
                if task.has_callables:
                    targets.append(_kept(data.y))
                    outputs.append(core.predict(data.x, len(data)))
                    weights.append(_kept(data.w))
                if progress is not None:
                    progress.advance(1, partial(task.logs, totals), samples_of(totals))
                if flag.raised:
                    return None
        self._ended()
        logs = task.logs(totals)
        if task.has_callables:
            with flag.at_once():
                sizes = [len(one[0] if isinstance(one, list) else one) for one in targets]
                logs.update(task.call(gather(targets), gather(outputs), gather_weights(weights, sizes)))
        return logs
