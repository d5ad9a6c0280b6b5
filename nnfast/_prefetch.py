"""Data made ready while the engine computes: a thread that is a little ahead, and arrays in mapped files.

What this is: `Ahead`, an iterator whose values another thread makes; and what has to be known of arrays that
lie in files: which do, how much to copy at a time, and how to hand back the memory.
What this is not: which samples come when (`nnfast._samples`, `nnfast._stream`).
"""

from __future__ import annotations

import contextvars
import mmap
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Value = TypeVar("Value")

NAME = "nnfast-prefetch"  # of the threads
# Bytes of samples, converted, that are copied from a file at a time: some milliseconds of work for the
# engine, so that a piece costs little beside what it holds, and small beside any model that needs files.
PIECE = 2**23


class Ahead(Generic[Value]):
    """The values of an iterator, up to `depth` of them made ready by a thread while the caller works.

    What the iterator raises comes out of `next`, after the values before it. `close` ends the thread as soon
    as the iterator gives its next value, of which no more is asked then.
    """

    def __init__(self, source: Iterator[Value], depth: int) -> None:
        self._source = source
        self._depth = depth
        self._ready: deque[Value] = deque()
        self._error: BaseException | None = None
        self._over = self._closed = False
        self._changed = threading.Condition()
        # The caller's context: NumPy's error state is part of it.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._work,), name=NAME, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        error = None
        try:
            while self._wait_for_room():
                value = next(self._source)
                with self._changed:
                    self._ready.append(value)
                    self._changed.notify_all()
                del value  # not held while the next is made
        except StopIteration:
            pass
        except BaseException as caught:  # the caller's to deal with
            error = caught
        with self._changed:
            self._over, self._error = True, error
            self._changed.notify_all()

    def _wait_for_room(self) -> bool:
        with self._changed:
            while len(self._ready) >= self._depth and not self._closed:
                self._changed.wait()
            return not self._closed

    def __iter__(self) -> Iterator[Value]:
        return self

    def __next__(self) -> Value:
        with self._changed:
            while not self._ready and not self._over:
                self._changed.wait()
            if self._ready:
                value = self._ready.popleft()
                self._changed.notify_all()
                return value
            error, self._error = self._error, None
        if error is not None:
            raise error
        raise StopIteration

    def close(self, hurry: Callable[[], bool]) -> None:
        """End the thread and wait for that, unless there is a hurry: then it ends when it can."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()
        self._thread.join(0.02)
        while self._thread.is_alive():
            if hurry():
                _lingering.append(self._thread)
                return
            self._thread.join(0.02)


# Threads that a Ctrl-C left in the middle of the user's code, which may not be entered twice.
_lingering: list[threading.Thread] = []


def settle() -> None:
    """Wait for the threads that an interrupted run has left behind."""
    while _lingering:
        _lingering.pop().join()


@contextmanager
def ahead(
    source: Iterator[Value], depth: int, hurry: Callable[[], bool] = lambda: False
) -> Iterator[Iterator[Value]]:
    """`source`, `depth` values ahead; itself when that is 0.

    `hurry` says whether Ctrl-C was pressed: then nobody waits for a value that is being made.
    """
    if depth == 0:
        yield source
        return
    settle()
    values = Ahead(source, depth)
    interrupted = False
    try:
        yield values
    except KeyboardInterrupt:
        interrupted = True
        raise
    finally:
        values.close(lambda: interrupted or hurry())


# ---------------------------------------------------------------- mapped files


def _map_of(array: Any) -> tuple[mmap.mmap | None, str | None]:
    """The mapping that an array is a view of, and its mode where `numpy.memmap` made it."""
    mode = None
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and mode is None:
            mode = array.mode
        array = array.base
    if isinstance(array, memoryview):
        array = array.obj
    return (array, mode) if isinstance(array, mmap.mmap) else (None, None)


def is_mapped(data: Any) -> bool:
    """Whether an array, or one in a list of them, lies in a file."""
    if isinstance(data, list):
        return any(is_mapped(array) for array in data)
    return _map_of(data)[0] is not None


def release(arrays: list[Array]) -> None:
    """Hand back the memory of a mapping's pages, which stay in the system's cache of the file.

    They would count as this process's until memory is short, and a user would see it grow to the size of the
    file. Not for mode "c", whose changes are in those pages alone.
    """
    if not hasattr(mmap, "MADV_DONTNEED"):
        return
    for array in arrays:
        mapping, mode = _map_of(array)
        if mapping is not None and mode in ("r", "r+", "w+"):
            mapping.madvise(mmap.MADV_DONTNEED)


def as_list(data: Any) -> list[Array]:
    """The arrays of what is one, a list of them, or nothing."""
    if data is None:
        return []
    return [array for array in data if array is not None] if isinstance(data, list) else [data]


def copied(data: Any, rows: Any, dtype: Any = None) -> Any:
    """Dense copies of some rows of an array or a list of them, in another dtype where one is given."""
    if isinstance(data, list):
        return [copied(array, rows, dtype) for array in data]
    if data is None:
        return None
    part = data[rows]
    kind = part.dtype.newbyteorder("=") if dtype is None else dtype
    make = np.asarray if part.flags.owndata else np.array  # the latter copies
    with np.errstate(all="ignore"):  # the engine's conversions do not warn either
        return make(part, kind, order="C")


def batches_a_piece(x: Any, batch: int, dtype: np.dtype[Any]) -> int:
    """How many batches are copied at a time."""
    sample = sum(array[:1].size for array in as_list(x)) * dtype.itemsize
    return max(1, PIECE // max(1, sample * batch))
