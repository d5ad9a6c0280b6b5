"""The samples of a run, checked: inputs, targets and weights side by side, whole or in pieces.

What this is: `Data`, and the pieces of it that an epoch is made of: all of it for arrays in memory, which the
engine reads where they are; a few batches at a time, copied ahead of the engine, for those in files.
What this is not: the checks (`nnfast._arrays`), or batches that come one by one (`nnfast._stream`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnfast import _arrays, _mapped, _prefetch
from nnfast._mapped import Files, as_list
from nnfast._order import shuffled

if TYPE_CHECKING:
    from nnfast._core import Model
    from nnfast._network import Network

Array = NDArray[Any]
Order = NDArray[Any]  # of integers


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

    def dense(self) -> Data:
        """The same as the engine reads it."""
        return Data(_arrays.dense(self.x), _arrays.dense(self.y), self.w)

    def copied(self, rows: Any, dtype: np.dtype[Any], files: Files) -> Data:
        """Copies of some of the samples, the inputs in the model's dtype."""
        targets = [files.copy(y, rows, np.int64 if y.ndim == 1 else None) for y in as_list(self.y)]  # labels
        several = isinstance(self.y, list)
        return Data(
            files.copy(self.x, rows, dtype), targets if several else targets[0], files.copy(self.w, rows)
        )

    def order(self, seed: int, number: int) -> Order:
        """The order of pass `number`, as what reads the samples takes it: the engine, or this module."""
        return shuffled(seed, number, len(self), None if self.mapped else np.int64)

    @property
    def mapped(self) -> bool:
        """Whether some of it lies in a file."""
        return _mapped.is_mapped(self.x) or _mapped.is_mapped(self.y)


def split_off(data: Data, share: float) -> tuple[Data, Data]:
    """The data without the last `share` of its samples, and these."""
    keep = len(data) - round(len(data) * share)
    if keep in (0, len(data)):
        raise ValueError(
            f"fit: validation_split: expected two parts with samples in them, "
            f"got {share:g} of {len(data)} samples"
        )
    return data.part(slice(keep)), data.part(slice(keep, None))


def check_batches(model: Network, samples: int, batch: int, steps: int | None) -> None:
    """Raise ValueError where an epoch's last batch is too small for a layer: before anything is trained."""
    if steps is not None and steps < steps_of(samples, batch):
        return  # it ends before that batch
    last = samples % batch or batch
    for key, layer, shape in zip(model._keys, model.layers, model._shapes, strict=True):
        least = layer._least_batch(shape) if layer.trainable else 1
        if last < least:
            raise ValueError(
                f"fit: batch_size: layer {key}, {layer!r}, needs at least {least} samples in every batch, "
                f"but the last one of {samples} samples by {batch} would hold {last}: choose another "
                "batch_size, or leave a sample out"
            )


def steps_of(samples: int, batch: int) -> int:
    """Batches in an epoch, the last one possibly partial."""
    return -(-samples // batch)


@dataclass
class Piece:
    """Batches of an epoch up to `last`: those of `data`, taken in `order`; its first is batch `offset`."""

    data: Data
    order: Order | None
    offset: int
    last: int


def pieces(
    data: Data, order: Order | None, batch: int, first: int, steps: int, dtype: np.dtype[Any], prefetch: int
) -> AbstractContextManager[Iterator[Piece]]:
    """Batches first..steps-1 of the epoch; what is in a file is copied up to `prefetch` pieces ahead."""
    if not data.mapped:
        return _prefetch.ahead(iter([Piece(data, order, 0, steps)]), 0)
    count = _mapped.batches_a_piece(data.x, batch, dtype)

    def copies() -> Iterator[Piece]:
        with Files(_mapped.as_list(data.x) + _mapped.as_list(data.y)) as files:
            for start in range(first, steps, count):
                end = min(start + count, steps)
                rows = slice(start * batch, min(end * batch, len(data)))
                part = data.copied(rows if order is None else order[rows], dtype, files)
                files.release()
                yield Piece(part, None, start, end)

    return _prefetch.ahead(copies(), prefetch)


def predict(core: Model, x: Any, batch: int, dtype: np.dtype[Any], shapes: list[tuple[int, ...]]) -> Any:
    """The outputs, of these shapes, for samples in memory or in a file."""
    if not _mapped.is_mapped(x):
        return core.predict(x, batch)
    arrays = _mapped.as_list(x)
    n = len(arrays[0])
    rows = batch * _mapped.batches_a_piece(x, batch, dtype)
    outputs = [np.empty((n, *shape), dtype) for shape in shapes]

    def copies() -> Iterator[tuple[slice, Any]]:
        with Files(arrays) as files:
            for start in range(0, n, rows):
                part = slice(start, start + rows)
                copy = files.copy(x, part, dtype)
                files.release()
                yield part, copy

    with _prefetch.ahead(copies(), 1) as parts:
        for part, samples in parts:
            to = [output[part] for output in outputs]
            core.predict(samples, batch, to if len(to) > 1 else to[0])
    return outputs if len(outputs) > 1 else outputs[0]
