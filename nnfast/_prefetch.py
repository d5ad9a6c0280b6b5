"""Data made ready while the engine computes, by a thread that is a little ahead.

What this is: `Ahead`, an iterator whose values another thread makes, `ahead`, which ends that thread, and
`aside` for a single value.
What this is not: which samples come when (`nnfast._samples`, `nnfast._stream`), or files (`nnfast._mapped`).
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Value = TypeVar("Value")

NAME = "nnfast-prefetch"  # of the threads


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
        if isinstance(self._source, Generator):
            self._source.close()  # here, where it ran
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


def aside(make: Callable[[], Value]) -> Value:
    """What `make` gives, made by a thread while the caller waits, which Ctrl-C ends: for long calls of NumPy.

    These do not look for signals, but let other threads run.
    """

    def once() -> Iterator[Value]:
        yield make()

    with ahead(once(), 1) as values:
        return next(values)
