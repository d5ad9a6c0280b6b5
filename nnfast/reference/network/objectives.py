"""The losses of all outputs of a network, and what `y`, `sample_weight` and `totals` are for them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..checks import Array, at_least, has_shape, integer_in, value_error
from .objective import Objective, Totals
from .ops import Shape

SOURCES = [
    "float16", "float32", "float64", "bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "int64",
]  # fmt: skip

Target = tuple[Array, Array | None]  # of a batch for one output, and the samples' weights


def numbers(function: str, name: str, value: Any) -> Array:
    """An array of one of the dtypes that are converted batch by batch."""
    array = np.asarray(value)
    if array.dtype.name not in SOURCES:
        raise TypeError(f"{function}: {name}: expected one of {', '.join(SOURCES)}, got {array.dtype}")
    if array.ndim == 0:
        raise value_error(function, name, "at least 1 dimension", 0)
    return array


class Objectives:
    """A loss for each output: what is minimised is their sum, each times its share."""

    def __init__(self, shapes: Sequence[Shape], dtype: np.dtype[Any]) -> None:
        self._shapes, self._dtype = list(shapes), dtype
        self._each: list[Objective | None] = [None for _ in shapes]
        self._shares = [1.0 for _ in shapes]

    def set(self, loss: str, reduction: str, output: int, share: float, **options: Any) -> None:
        """Choose the loss of one output."""
        output = integer_in("set_loss", "output", output, 0, len(self._each) - 1)
        at_least("set_loss", "share", share, 0)
        self._each[output] = Objective(loss, reduction, self._shapes[output], self._dtype, **options)
        self._shares[output] = float(share)

    def _ready(self, function: str) -> list[Objective]:
        ready = [objective for objective in self._each if objective is not None]
        if len(ready) < len(self._each):
            raise ValueError(f"{function}: loss: expected one to be set before, got none")
        if len({objective.reduction == "sum" for objective in ready}) > 1:
            raise value_error(function, "loss", "the same reduction for all outputs", "mean and sum")
        return ready

    @property
    def mean(self) -> bool:
        """Whether the losses are means; sums otherwise."""
        return self._ready("reduction")[0].reduction != "sum"

    def _list(self, function: str, name: str, value: Any) -> list[Any]:
        """A list of one array an output; for a single output the array itself."""
        count = len(self._each)
        given = [value] if count == 1 else value
        if not isinstance(given, (list, tuple)) or len(given) != count:
            raise TypeError(f"{function}: {name}: expected a list of {count} arrays, one an output")
        return list(given)

    def targets(self, function: str, y: Any, n: int, sample_weight: Any) -> Callable[[Any], list[Target]]:
        """What gives the targets of chosen samples, one an output, with their weights."""
        ready = self._ready(function)
        arrays = [numbers(function, "y", array) for array in self._list(function, "y", y)]
        labels = []
        for objective, array in zip(ready, arrays, strict=True):
            if len(array) != n:
                raise value_error(function, "y", f"{n} samples like x", len(array))
            labels.append(objective.check_targets(function, array))
        several = isinstance(sample_weight, (list, tuple)) and len(ready) > 1
        given = (
            self._list(function, "sample_weight", sample_weight) if several else [sample_weight] * len(ready)
        )
        weights: list[Array | None] = []
        for value in given:
            weight = None
            if value is not None:
                weight = numbers(function, "sample_weight", value).astype(self._dtype)
                has_shape(function, "sample_weight", weight, (n,))
            weights.append(weight)

        def of(chosen: Any) -> list[Target]:
            parts = zip(ready, arrays, labels, weights, strict=True)
            return [
                (objective.targets(array[chosen], is_label, self._dtype), None if w is None else w[chosen])
                for objective, array, is_label, w in parts
            ]

        return of

    def losses(self, outputs: list[Array], targets: list[Target]) -> list[float]:
        """The batch's loss of each output."""
        each = zip(self._ready("loss"), outputs, targets, strict=True)
        return [objective.loss(output, *target) for objective, output, target in each]

    def weight(self, targets: list[Target]) -> float:
        """What the batch weighs: for several outputs its number of samples."""
        ready = self._ready("loss")
        return ready[0].weight(*targets[0]) if len(ready) == 1 else float(len(targets[0][0]))

    def total(self, losses: list[float]) -> float:
        """What is minimised, but for penalties."""
        return sum(share * loss for share, loss in zip(self._shares, losses, strict=True))

    def gradients(self, outputs: list[Array], targets: list[Target]) -> list[Array]:
        """Gradients of the total with respect to the outputs."""
        each = zip(self._ready("loss"), self._shares, outputs, targets, strict=True)
        return [self._dtype.type(share) * o.gradient(output, *target) for o, share, output, target in each]

    def sums(self, function: str, totals: Any) -> list[Totals]:
        """One of Totals, or a list of them for several outputs: one each, and one for the penalties."""
        count = len(self._each) + 1 if len(self._each) > 1 else 1
        sums = [totals] if count == 1 else totals
        if not isinstance(sums, list) or len(sums) != count or not all(isinstance(t, Totals) for t in sums):
            wanted = "Totals" if count == 1 else f"a list of {count} Totals"
            raise TypeError(f"{function}: totals: expected {wanted}, got {totals!r}")
        return sums

    def add(
        self,
        sums: list[Totals],
        losses: list[float],
        extra: float,
        outputs: list[Array],
        targets: list[Target],
    ) -> None:
        """Add a batch, and penalties of `extra`."""
        ready = self._ready("loss")
        if len(ready) == 1:
            ready[0].add(sums[0], losses[0] + extra, outputs[0], *targets[0])
            return
        for i, objective in enumerate(ready):
            objective.add(sums[i], losses[i], outputs[i], *targets[i])
        n = len(outputs[0])
        sums[-1].loss += extra * n if self.mean else extra
        sums[-1].loss_weight += n
        sums[-1].samples += n
        sums[-1].steps += 1
