"""What training minimises and what it reports: a loss with its targets, and the totals of an epoch."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import losses, losses_class
from ..checks import Array, one_of, value_error
from .ops import Shape


@dataclass
class Totals:
    """Sums over the samples of an epoch so far. `loss` is the sum of loss * samples (mean) or of the sums.

    `correct` counts samples whose largest output is that of the label, or of the largest target; `abs_error`
    and `squared_error` are summed over samples and outputs for the squared error; `outputs` is numbers a
    sample.
    """

    loss: float = 0.0
    correct: int = 0
    abs_error: float = 0.0
    squared_error: float = 0.0
    samples: int = 0
    outputs: int = 0
    steps: int = 0


class Objective:
    """One of the losses by name, for outputs of a given sample shape."""

    def __init__(self, loss: str, reduction: str, shape: Shape) -> None:
        one_of("set_loss", "loss", loss, ("mse_loss", "cross_entropy", "nll_loss"))
        one_of("set_loss", "reduction", reduction, ("mean", "sum"))
        if loss != "mse_loss" and len(shape) != 1:
            raise value_error("set_loss", "loss", "outputs of shape (classes,) for a class loss", shape)
        self.name, self.reduction, self.shape = loss, reduction, shape

    def check_targets(self, function: str, y: Array) -> bool:
        """Whether `y` holds labels (class losses: one integer a sample); ValueError when it fits no way."""
        columns, outputs = int(np.prod(y.shape[1:])), int(np.prod(self.shape))
        integers = y.dtype.kind in "iub"
        one_label = y.ndim == 1 or (columns == 1 and integers)
        labels = self.name == "nll_loss" or (self.name == "cross_entropy" and one_label)
        if labels and not integers:
            raise TypeError(f"{function}: y: expected integer labels for {self.name}, got {y.dtype}")
        expected = 1 if labels else outputs
        if columns != expected:
            raise value_error(function, "y", f"{expected} numbers a sample", columns)
        return labels

    def targets(self, rows: Array, labels: bool, dtype: np.dtype[Any]) -> Array:
        """A batch's targets as the losses take them: int64 labels (n,), or numbers of the outputs' shape."""
        if labels:
            return rows.reshape(len(rows)).astype(np.int64)
        return rows.reshape(len(rows), *self.shape).astype(dtype)

    def loss(self, output: Array, target: Array) -> float:
        """The batch's loss."""
        f = {
            "mse_loss": losses.mse_loss,
            "cross_entropy": losses_class.cross_entropy,
            "nll_loss": losses_class.nll_loss,
        }
        return float(f[self.name](output, target, reduction=self.reduction))

    def gradient(self, output: Array, target: Array) -> Array:
        """Gradient of the batch's loss with respect to the output."""
        f = {
            "mse_loss": losses.mse_loss_backward,
            "cross_entropy": losses_class.cross_entropy_backward,
            "nll_loss": losses_class.nll_loss_backward,
        }
        return f[self.name](1.0, output, target, reduction=self.reduction)

    def add(self, totals: Totals, loss: float, output: Array, target: Array) -> None:
        """Add a batch to `totals`."""
        n, outputs = len(output), int(np.prod(self.shape))
        rows = output.reshape(n, outputs)
        if self.name == "mse_loss":
            error = output.astype(np.float64) - target.astype(np.float64)
            totals.abs_error += float(np.abs(error).sum())
            totals.squared_error += float((error**2).sum())
        if self.name != "mse_loss" or outputs > 1:
            labels = target if target.ndim == 1 else target.reshape(n, outputs).argmax(axis=1)
            totals.correct += int((rows.argmax(axis=1) == labels).sum())
        totals.loss += loss * n if self.reduction == "mean" else loss
        totals.samples += n
        totals.outputs = outputs
        totals.steps += 1
