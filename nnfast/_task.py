"""What a compiled model is trained for: a loss and metrics for each output, and how they are reported.

What this is: the outputs' losses, weights and metrics as one thing, and the numbers a user sees of the
engine's sums.
What this is not: a loss or a metric (`nnfast.losses`, `nnfast.metrics`), or arithmetic on outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnfast import _checks, _weights, losses
from nnfast.losses import CLASS_KINDS, Loss
from nnfast.metrics import MetricSet, loss_of

if TYPE_CHECKING:
    from nnfast._core import Model, Totals

Array = NDArray[Any]


@dataclass
class Task:
    """One entry an output; `losses` is empty for a model without a loss."""

    losses: list[Loss] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    metrics: list[MetricSet] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of the outputs, as reported

    @property
    def several(self) -> bool:
        """Whether there is more than one output."""
        return len(self.losses) > 1

    @property
    def has_callables(self) -> bool:
        """Whether a metric needs the outputs for a whole data set."""
        return any(metrics.callables for metrics in self.metrics)

    def check(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Raise ValueError where a loss or a metric does not fit the model's outputs."""
        for loss, metrics, shape in zip(self.losses, self.metrics, shapes, strict=False):
            if loss.kind in CLASS_KINDS and (len(shape) != 1 or shape[0] < 2):
                raise ValueError(
                    f"compile: loss: {loss.kind} needs outputs of shape (classes,) with two classes or more, "
                    f"the model's output has the shape {shape}"
                )
            loss._check_output(shape)
            metrics.check(loss.kind, shape)

    def hand_over(self, core: Model, shapes: Sequence[tuple[int, ...]]) -> None:
        """Tell the engine, whose outputs have these shapes."""
        for i, (loss, weight, shape) in enumerate(zip(self.losses, self.weights, shapes, strict=False)):
            core.set_loss(loss.kind, loss.reduction, output=i, share=weight, **loss.settings(shape))

    def sums(self, totals: Totals | list[Totals]) -> list[Totals]:
        """The engine's sums of each output; for several, those of the penalties at the end."""
        return totals if isinstance(totals, list) else [totals]

    def loss(self, totals: Totals | list[Totals]) -> float:
        """What is minimised, over the samples seen so far."""
        each = [self._of(t) for t in self.sums(totals)]
        if not self.several:
            return each[0]
        return sum(w * loss for w, loss in zip([*self.weights, 1.0], each, strict=True))

    def _of(self, totals: Totals) -> float:
        return loss_of(totals, self.losses[0].reduction if self.losses else "mean")

    def logs(self, totals: Totals | list[Totals]) -> dict[str, float]:
        """The loss and the metrics known by name, by the names they are reported under."""
        found = {"loss": float(self.loss(totals))}
        for i, sums in enumerate(self.sums(totals)[: len(self.metrics)]):
            if self.several:
                found[f"{self.names[i]}_loss"] = float(self._of(sums))
            for name, value in self.metrics[i].values(sums).items():
                found[self._name(i, name)] = value
        return found

    @property
    def reported(self) -> list[str]:
        """The names that `logs` and `call` use."""
        found = ["loss"]
        for i, metrics in enumerate(self.metrics):
            found += [f"{self.names[i]}_loss"] if self.several else []
            found += [self._name(i, name) for name in metrics.names]
        return found

    def call(self, y: Any, outputs: Any, w: Any = None) -> dict[str, float]:
        """The callables' values for a data set's targets, the outputs for it and the samples' weights."""
        found = {}
        for i, (loss, metrics) in enumerate(zip(self.losses, self.metrics, strict=False)):
            if metrics.callables:
                labels = (y[i] if self.several else y).view()
                labels.flags.writeable = False  # the caller's own array, perhaps
                weights = w[i] if isinstance(w, list) else w
                ignored = _weights.ignored(loss, labels)
                values = metrics.call(labels, outputs[i] if self.several else outputs, weights, ignored)
                found.update({self._name(i, name): value for name, value in values.items()})
        return found

    def _name(self, output: int, name: str) -> str:
        return f"{self.names[output]}_{name}" if self.several else name


def _check_reported(names: list[str]) -> None:
    """Raise ValueError where two values would have one name in the history, "val_loss" say."""
    known: set[str] = set()
    for name in (*names, *(f"val_{name}" for name in names)):
        if name in known:
            raise ValueError(
                f'compile: metrics: two values would be called {name!r} in the history, where "val_" stands '
                "before those of validation data: give the output's layer, or the function, another name"
            )
        known.add(name)


def _one_each(name: str, value: Any, count: int) -> list[Any]:
    """A list of one entry an output; a single value stands for all of them."""
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"compile: {name}: expected {count} entries, one an output, got {len(value)}")
    return list(value)


def make_task(loss: Any, loss_weights: Any, metrics: Any, names: Sequence[str]) -> Task:
    """The arguments of `compile`, checked; `names` are the outputs'."""
    count = len(names)
    if loss is None:
        if loss_weights is not None:
            raise ValueError("compile: loss_weights: expected None without a loss")
        chosen = []
    elif count == 1:
        single = loss[0] if isinstance(loss, (list, tuple)) and len(loss) == 1 else loss
        chosen = [losses.get(single)]
    else:
        chosen = [losses.get(one) for one in _one_each("loss", loss, count)]
        if len({one.reduction == "sum" for one in chosen}) > 1:
            raise ValueError("compile: loss: expected the same reduction for all outputs, got mean and sum")
    weights = [1.0] * len(chosen)
    if loss_weights is not None:
        if count == 1:
            raise ValueError("compile: loss_weights: expected None for a model of one output")
        given = _one_each("loss_weights", loss_weights, count)
        weights = [_checks.real("compile", "loss_weights", weight, low=0.0) for weight in given]
    if count == 1:
        sets = [MetricSet(metrics)]
    elif isinstance(metrics, (list, tuple)) and len(metrics) == 0:
        sets = [MetricSet(()) for _ in range(count)]
    else:
        sets = [MetricSet(one) for one in _one_each("metrics", metrics, count)]
    task = Task(chosen, weights, sets, list(names))
    _check_reported(task.reported)
    return task


def gather(parts: Sequence[Any]) -> Any:
    """Batches of arrays, or of lists of arrays, put together."""
    if isinstance(parts[0], list):
        return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    return np.concatenate(parts)
