"""Arrays that lie in files (`numpy.memmap`): which do, and how their rows are copied with flat memory.

What this is: `Files`, which copies rows of arrays in memory and of mapped ones. A small file is read through
its mapping. The pages of a large one would count as this process's, which would grow to the file's size, and
to hand them back costs more than reading does: its rows are read from the file itself.
What this is not: which rows are needed when (`nnfast._samples`).
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Bytes of samples, converted, that are copied from a file at a time: some milliseconds of work for the
# engine, so that a piece costs little beside what it holds, and small beside any model that needs files.
PIECE = 2**23
# Bytes of an array below which it is read through its mapping. Measured in random order: rows of 784 bytes at
# 310 MB/s while their pages stay, at 100 with a system call each, at 14 when pages are handed back in time.
KEEP = 2**30


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


def as_list(data: Any) -> list[Array]:
    """The arrays of what is one, a list of them, or nothing."""
    if data is None:
        return []
    return [array for array in data if array is not None] if isinstance(data, list) else [data]


def batches_a_piece(x: Any, batch: int, dtype: np.dtype[Any]) -> int:
    """How many batches are copied at a time."""
    sample = sum(array[:1].size for array in as_list(x)) * dtype.itemsize
    return max(1, PIECE // max(1, sample * batch))


def _release(array: Array) -> None:
    """Hand back the memory of a mapping's pages, which stay in the system's cache of the file.

    Not for mode "c", whose changes are in those pages alone.
    """
    mapping, mode = _map_of(array)
    if mapping is not None and mode in ("r", "r+", "w+") and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


# ---------------------------------------------------------------- the file behind a mapping


def _region(address: int, size: int) -> tuple[int, tuple[int, int], str] | None:
    """Where in which file this memory is (offset, device and inode, path), if all of it is one's own."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            for line in maps:
                extent, flags, offset, device, inode, *path = line.rstrip("\n").split(maxsplit=5)
                first, last = (int(part, 16) for part in extent.split("-"))
                if first <= address < last:
                    if address + size > last or flags[3] != "s" or not path:
                        return None
                    major, minor = (int(part, 16) for part in device.split(":"))
                    at = int(offset, 16) + address - first
                    return at, (os.makedev(major, minor), int(inode)), path[0]
    except OSError:
        pass  # no such system
    return None


@dataclass
class FileRows:
    """Rows of an array, read from its open file."""

    handle: int
    offset: int
    array: Array

    def read(self, rows: Any) -> Array:
        """Some rows: a slice without steps, or indices."""
        shape, step = self.array.shape[1:], self.array.strides[0]
        if isinstance(rows, slice):
            rows = np.arange(len(self.array))[rows]
        part = np.empty((len(rows), *shape), self.array.dtype)
        size = part[:1].nbytes
        into: memoryview = part.reshape(-1).view(np.uint8).data
        if len(rows) and size == step and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            self._fill(into, self.offset + int(rows[0]) * step)
            return part
        for i, row in enumerate(rows.tolist()):
            self._fill(into[i * size : i * size + size], self.offset + row * step)
        return part

    def _fill(self, into: memoryview, at: int) -> None:
        done = os.preadv(self.handle, [into], at)
        while done < len(into):  # interrupted, or at most 2 GB at a time
            count = os.preadv(self.handle, [into[done:]], at + done)
            if count == 0:
                raise OSError("the file of a mapped array has become shorter")
            done += count


def _open_rows(array: Array) -> FileRows | None:
    """The file of a mapped array whose rows are dense; None where it cannot be told, or is another by now."""
    dense = array[:1].flags.c_contiguous and array.strides[0] > 0
    if not dense or not hasattr(os, "preadv") or not is_mapped(array):
        return None
    size = (len(array) - 1) * array.strides[0] + array[:1].nbytes
    found = _region(array.ctypes.data, size)
    if found is None:
        return None
    offset, identity, path = found
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    status = os.fstat(handle)
    if (status.st_dev, status.st_ino) != identity:
        os.close(handle)
        return None
    return FileRows(handle, offset, array)


class Files:
    """Copies of rows of the given arrays; what it opens for that is closed at the end."""

    def __init__(self, arrays: list[Array]) -> None:
        large = {id(array): array for array in arrays if is_mapped(array) and array.nbytes > KEEP}
        opened = {key: _open_rows(array) for key, array in large.items()}
        self._files = {key: rows for key, rows in opened.items() if rows is not None}
        self._held = [array for key, array in large.items() if opened[key] is None]

    def __enter__(self) -> Files:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for rows in self._files.values():
            os.close(rows.handle)
        self._files = {}

    def copy(self, data: Any, rows: Any, dtype: Any = None) -> Any:
        """Dense copies of rows of an array or a list of them, in another dtype where one is given."""
        if isinstance(data, list):
            return [self.copy(array, rows, dtype) for array in data]
        if data is None:
            return None
        file = self._files.get(id(data))
        part = data[rows] if file is None else file.read(rows)
        kind = part.dtype.newbyteorder("=") if dtype is None else dtype
        make = np.asarray if part.flags.owndata else np.array  # the latter copies
        with np.errstate(all="ignore"):  # the engine's conversions do not warn either
            return make(part, kind, order="C")

    def release(self) -> None:
        """Hand back the memory of the mappings that had to be read through."""
        for array in self._held:
            _release(array)
