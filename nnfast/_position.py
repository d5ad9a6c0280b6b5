"""Where in an epoch a run stands, so that another can go on with the next step.

What this is: `Position`, made when an epoch begins, kept in the model while it lasts, and written with it.
What this is not: the counters of the model's life (`nnfast._network`), or the file (`nnfast._describe`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnfast import _checks

if TYPE_CHECKING:
    from nnfast._core import Totals

FIELDS = ("loss", "loss_weight", "correct", "abs_error", "squared_error", "weight")
COUNTS = ("samples", "outputs", "steps")


@dataclass
class Position:
    """An epoch under way: its number from 0, its data and the sums so far, which count its steps."""

    epoch: int
    samples: int | None  # of arrays; None for an iterable
    batch: int | None
    shuffle: bool | None
    totals: Totals | list[Totals]

    @property
    def sums(self) -> list[Totals]:
        """The sums as a list, for several outputs one each and those of the penalties."""
        return self.totals if isinstance(self.totals, list) else [self.totals]

    @property
    def step(self) -> int:
        """Steps of the epoch that are done."""
        return self.sums[0].steps

    def check(self, samples: int | None, batch: int | None, shuffle: bool | None) -> None:
        """Raise ValueError unless the run that is to go on is made of the same batches."""
        if (self.samples, self.batch, self.shuffle) == (samples, batch, shuffle):
            return

        def told(samples: int | None, batch: int | None, shuffle: bool | None) -> str:
            if samples is None:
                return "an iterable"
            return f"{samples} samples in batches of {batch}, {'' if shuffle else 'not '}shuffled"

        raise ValueError(
            f"fit: initial_epoch: the model stands at step {self.step} of epoch {self.epoch + 1} of "
            f"{told(self.samples, self.batch, self.shuffle)}, which goes on with the same, not with "
            f"{told(samples, batch, shuffle)}; without initial_epoch a new run begins"
        )

    def plain(self) -> dict[str, Any]:
        """Numbers and lists."""
        sums = [[getattr(one, name) for name in (*FIELDS, *COUNTS)] for one in self.sums]
        shape = {"samples": self.samples, "batch_size": self.batch, "shuffle": self.shuffle}
        return {"epoch": self.epoch, **shape, "totals": sums}


def from_plain(given: Any, new_totals: Callable[[], Any]) -> Position:
    """What `plain` gave; ValueError or TypeError for anything else."""
    if not isinstance(given, dict):
        raise ValueError(f"position: expected a dict, got {given!r}")
    epoch = _checks.integer("position", "epoch", given.get("epoch"), 0)
    samples, batch, shuffle = (given.get(name) for name in ("samples", "batch_size", "shuffle"))
    if samples is not None:
        samples = _checks.integer("position", "samples", samples, 1)
        batch = _checks.integer("position", "batch_size", batch, 1)
        shuffle = _checks.flag("position", "shuffle", shuffle)
    else:
        batch = shuffle = None
    found = Position(epoch, samples, batch, shuffle, new_totals())
    rows = given.get("totals")
    if not isinstance(rows, list) or len(rows) != len(found.sums):
        raise ValueError(f"position: totals: expected {len(found.sums)} lists, got {rows!r}")
    for sums, row in zip(found.sums, rows, strict=True):
        if not isinstance(row, list) or len(row) != len(FIELDS) + len(COUNTS):
            raise ValueError(f"position: totals: expected lists of numbers, got {row!r}")
        for name, value in zip(FIELDS, row, strict=False):
            setattr(sums, name, _checks.real("position", name, value))
        for name, value in zip(COUNTS, row[len(FIELDS) :], strict=True):
            setattr(sums, name, _checks.integer("position", name, value, 0))
    return found
