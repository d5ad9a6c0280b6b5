"""The file that holds a model: safetensors, with a description and checksums in its metadata.

What this is: writing such a file, and `Saved`, one that is open for reading. Its header is read, of bounded
size, and checked first; then its checksum is taken in pieces; only then are arrays read, one at a time. So a
file that is refused takes no memory, however large it is.
What this is not: what the description says (`nnfast._describe`), or how files are replaced (`nnfast._io`).
"""

from __future__ import annotations

import json
import os
import stat
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]

FORMAT = "nnfast"
VERSION = 1  # of the file; grows when an older nnfast could not read it
# Bytes of a header: that of 10,000 layers takes 4 MB. What it says becomes objects of ten times its size.
HEADER = 2**24
PIECE = 2**20  # bytes that are read together for the checksum
KINDS: dict[str, np.dtype[Any]] = {"F32": np.dtype(np.float32), "F64": np.dtype(np.float64)}


def _bytes(array: Array) -> Any:
    """The numbers, not copied, of an array in C order."""
    return array.reshape(-1).view(np.uint8).data


def _named(name: str, dtype: np.dtype[Any], shape: Shape) -> bytes:
    return f"{name} {dtype.str} {tuple(shape)}".encode()


def _crc(text: str, parts: Iterator[Any]) -> str:
    """CRC-32 of the description and of these bytes."""
    total = zlib.crc32(text.encode())
    for part in parts:
        total = zlib.crc32(part, total)
    return f"{total:08x}"


def checksums(text: str, arrays: Mapping[str, Array]) -> dict[str, str]:
    """Of all but the arrays' numbers, which is known before any are read, and of everything."""

    def parts(numbers: bool) -> Iterator[Any]:
        for name in sorted(arrays):
            yield _named(name, arrays[name].dtype, arrays[name].shape)
            if numbers:
                yield _bytes(arrays[name])

    return {"header": _crc(text, parts(False)), "checksum": _crc(text, parts(True))}


def write(file: BinaryIO, text: str, arrays: Mapping[str, Array], **notes: str) -> None:
    """The format of https://huggingface.co/docs/safetensors: size of the header, header, arrays in C order.

    Not the library's `save_file`, which makes a file of its own that nobody syncs, nor its `save`, which
    holds all in memory once more. `notes` are metadata in the place of the usual ones.

    Raises
    ------
    ValueError
        If the header would be larger than what is read; nothing is written then.
    """
    ours = {"format": FORMAT, "version": str(VERSION), "model": text, **checksums(text, arrays)}
    header: dict[str, Any] = {"__metadata__": {**ours, **notes}}
    offset = 0
    kinds = {dtype: kind for kind, dtype in KINDS.items()}
    for name, array in arrays.items():
        end = offset + array.nbytes
        header[name] = {"dtype": kinds[array.dtype], "shape": array.shape, "data_offsets": [offset, end]}
        offset = end
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)  # the arrays begin at a multiple of 8
    if len(head) > HEADER:
        raise ValueError(f"save: the description takes {len(head)} bytes, a file holds {HEADER} at most")
    file.write(len(head).to_bytes(8, "little"))
    file.write(head)
    for array in arrays.values():
        file.write(_bytes(array))


@dataclass(frozen=True)
class Entry:
    """An array as the header has it: where its numbers begin, counted from the file's start."""

    dtype: np.dtype[Any]
    shape: Shape
    offset: int
    size: int


class Saved:
    """A file of nnfast's, open: its description and what arrays there are.

    Raises
    ------
    ValueError
        If it is no such file, a newer one, or one whose header does not fit its own checksum.
    """

    def __init__(self, raw: BinaryIO, library: Any, start: int) -> None:
        notes = library.metadata() or {}
        if not is_ours(notes):
            raise ValueError(
                "holds arrays, but no model that nnfast saved; arrays alone are for a model of their shapes: "
                "model.load_weights(path)"
            )
        version = notes.get("version", "")
        if not version.isascii() or not version.isdigit() or len(version) > 9:
            raise ValueError(f"version: expected a number, got {version[:20]!r}")
        if int(version) > VERSION:
            raise ValueError(
                f"was written by a newer nnfast (format {version}, this one reads up to {VERSION}); update it"
            )
        self.text: str = notes["model"]
        self.entries: dict[str, Entry] = {}
        self._raw, self._notes = raw, notes
        # The library has seen that the arrays lie side by side and fill the file.
        for name in library.offset_keys():
            part = library.get_slice(name)
            if part.get_dtype() not in KINDS:
                raise ValueError(f"{name}: expected float32 or float64, got {part.get_dtype()}")
            dtype, shape = KINDS[part.get_dtype()], tuple(part.get_shape())
            size = int(np.prod(shape, dtype=object)) * dtype.itemsize
            self.entries[name] = Entry(dtype, shape, start, size)
            start += size
        names = (_named(name, entry.dtype, entry.shape) for name, entry in sorted(self.entries.items()))
        self._expect("header", _crc(self.text, names))

    def _expect(self, name: str, found: str) -> None:
        if self._notes.get(name, found if name == "header" else "") != found:
            raise ValueError("is damaged: its checksum does not fit its contents")

    def verify(self) -> None:
        """Read everything once, in pieces; ValueError where the checksum does not fit."""

        def parts() -> Iterator[Any]:
            piece = memoryview(bytearray(PIECE))
            for name, entry in sorted(self.entries.items()):
                yield _named(name, entry.dtype, entry.shape)
                for at in range(0, entry.size, PIECE):
                    yield self._read(entry.offset + at, piece[: min(PIECE, entry.size - at)])

        self._expect("checksum", _crc(self.text, parts()))

    def array(self, name: str) -> Array:
        """The numbers of one array."""
        entry = self.entries[name]
        found = np.empty(entry.shape, entry.dtype)
        self._read(entry.offset, memoryview(_bytes(found)))
        return found

    def _read(self, at: int, into: memoryview) -> memoryview:
        self._raw.seek(at)
        done = 0
        while done < len(into):
            count = self._raw.readinto(into[done:])  # type: ignore[attr-defined]
            if not count:
                raise ValueError("has become shorter while it was read")
            done += count
        return into


def is_ours(notes: Mapping[str, str]) -> bool:
    """Whether metadata are those of a model of nnfast's."""
    return notes.get("format") == FORMAT and "model" in notes


@contextmanager
def library(path: str) -> Iterator[tuple[Any, BinaryIO, int]]:
    """A safetensors file as the library sees it, which has checked it, itself, and where its arrays begin.

    Mapped into memory it is read as far as it is asked.
    """
    try:
        from safetensors import safe_open
    except ImportError:
        raise ImportError("reading models needs safetensors: pip install safetensors") from None
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("expected a file, got something else of that name")
    while True:
        with open(path, "rb", buffering=0) as raw:
            size = int.from_bytes(raw.read(8), "little")
            if size > HEADER:
                raise ValueError(f"expected a header of at most {HEADER} bytes, got {size}")
            with safe_open(path, framework="np") as file:
                # Another may have been put in its place between.
                if os.path.samestat(os.fstat(raw.fileno()), os.stat(path)):
                    yield file, raw, 8 + size
                    return


@contextmanager
def opened(path: str) -> Iterator[Saved]:
    """The model's file of that name."""
    with library(path) as (file, raw, start):
        yield Saved(raw, file, start)
