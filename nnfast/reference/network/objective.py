"""What training minimises and what it reports: an output's loss with its targets, the totals of an epoch.

What this is not: several outputs, which are `objectives`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import losses, losses_binary, losses_class, losses_distribution
from ..checks import Array, one_of, value_error
from .ops import Shape

# Each loss's function, its gradient, and its options besides the reduction.
_WEIGHTS = ("weight", "pos_weight")
_LOSSES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "mse_loss": (losses, ()),
    "quadratic_cost": (losses, ()),
    "l1_loss": (losses, ()),
    "smooth_l1_loss": (losses, ("beta",)),
    "huber_loss": (losses, ("delta",)),
    "hinge_loss": (losses_binary, ()),
    "perceptron_loss": (losses_binary, ()),
    "binary_cross_entropy": (losses_binary, ("weight",)),
    "binary_cross_entropy_with_logits": (losses_binary, _WEIGHTS),
    "kl_div": (losses_distribution, ("log_target",)),
    "poisson_nll_loss": (losses_distribution, ("log_input", "full", "eps")),
    "cross_entropy": (losses_class, ("weight", "ignore_index", "label_smoothing")),
    "nll_loss": (losses_class, ("weight", "ignore_index")),
}
_CLASSES = ("cross_entropy", "nll_loss")
# Outputs and targets of two classes: above these numbers they mean the second one.
_THRESHOLDS = {
    "binary_cross_entropy": (0.5, 0.5),
    "binary_cross_entropy_with_logits": (0.0, 0.5),
    "hinge_loss": (0.0, 0.0),
    "perceptron_loss": (0.0, 0.5),
}


@dataclass
class Totals:
    """Sums over the samples so far; the mean loss is loss / loss_weight, a metric its sum / weight.

    `loss` sums each batch's mean times what the batch weighs (`loss_weight`: the samples' weights, for labels
    each times its class's weight), or the batches' sums. `correct` sums the weights of samples whose largest
    output is that of the label, or of the largest target; for losses of two classes the share of the outputs
    on their target's side. `abs_error` and `squared_error` are summed over samples and outputs, but not for
    class losses; `weight` sums the samples' weights without ignored labels; `outputs` is numbers a sample.
    `objective` sums what each training step minimised, shares and penalties included, times its samples.
    """

    loss: float = 0.0
    loss_weight: float = 0.0
    correct: float = 0.0
    abs_error: float = 0.0
    squared_error: float = 0.0
    weight: float = 0.0
    samples: int = 0
    outputs: int = 0
    steps: int = 0
    objective: float = 0.0


class Objective:
    """The loss of one output by name, for outputs of a given sample shape."""

    def __init__(self, loss: str, reduction: str, shape: Shape, dtype: Any, **options: Any) -> None:
        one_of("set_loss", "loss", loss, tuple(_LOSSES))
        reductions = ("mean", "sum", "batchmean") if loss == "kl_div" else ("mean", "sum")
        one_of("set_loss", "reduction", reduction, reductions)
        if loss in _CLASSES and len(shape) != 1:
            raise value_error("set_loss", "loss", "outputs of shape (classes,) for a class loss", shape)
        self.name, self.reduction, self.shape = loss, reduction, shape
        module, known = _LOSSES[loss]
        self._function, self._gradient = getattr(module, loss), getattr(module, loss + "_backward")
        self._options = {name: value for name, value in options.items() if name in known}
        for name in _WEIGHTS:
            if self._options.get(name) is not None:
                weight = np.asarray(self._options[name], dtype)
                if weight.size != np.prod(shape):
                    raise value_error(
                        "set_loss", name, f"{int(np.prod(shape))} numbers, one an output", weight.size
                    )
                self._options[name] = weight.reshape(shape)
        self._ignored = options.get("ignore_index", -100)
        probe = np.ones((1, *shape), dtype)  # the functions check their options
        with np.errstate(all="ignore"):
            self._function(
                probe,
                np.array([self._ignored]) if loss == "nll_loss" else probe,
                **{**self._options, **({"ignore_index": -100} if loss == "cross_entropy" else {})},
            )

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

    def _is_labels(self, target: Array) -> bool:
        return self.name in _CLASSES and target.dtype.kind == "i"

    def row_weights(self, target: Array, weights: Array | None) -> Array:
        """The samples' weights, 0 for ignored labels."""
        counted = np.ones(len(target)) if weights is None else weights.astype(np.float64)
        return np.where(target == self._ignored, 0, counted) if self._is_labels(target) else counted

    def weight(self, target: Array, weights: Array | None) -> float:
        """What a batch weighs: what a mean over its samples divides by."""
        counted = self.row_weights(target, weights)
        classes = self._options.get("weight")
        if classes is not None and self._is_labels(target):
            counted = counted * classes[np.where(counted == 0, 0, target)]
        return float(counted.sum())

    def loss(self, output: Array, target: Array, weights: Array | None) -> float:
        """The batch's loss; 0 for a batch that weighs nothing."""
        options = {**self._options, "reduction": self.reduction, "sample_weight": weights}
        value = float(self._function(output, target, **options))
        return value if self.reduction == "sum" or self.weight(target, weights) else 0.0

    def gradient(self, output: Array, target: Array, weights: Array | None) -> Array:
        """Gradient of the batch's loss with respect to the output."""
        options = {**self._options, "reduction": self.reduction, "sample_weight": weights}
        gradient: Array = self._gradient(1.0, output, target, **options)
        return gradient

    def add(self, totals: Totals, loss: float, output: Array, target: Array, weights: Array | None) -> None:
        """Add a batch to `totals`."""
        n, outputs = len(output), int(np.prod(self.shape))
        w, rows = self.row_weights(target, weights), output.reshape(n, outputs)
        if self.name not in _CLASSES:
            error = rows.astype(np.float64) - target.reshape(n, outputs).astype(np.float64)
            totals.abs_error += float((w * np.abs(error).sum(axis=1)).sum())
            totals.squared_error += float((w * (error**2).sum(axis=1)).sum())
        if self.name in _THRESHOLDS:
            ours, theirs = _THRESHOLDS[self.name]
            right = (rows > ours) == (target.reshape(n, outputs) > theirs)
            totals.correct += float((w * right.mean(axis=1)).sum())
        elif self.name in _CLASSES or outputs > 1:
            labels = target if target.ndim == 1 else target.reshape(n, outputs).argmax(axis=1)
            totals.correct += float((w * (rows.argmax(axis=1) == labels)).sum())
        weight = self.weight(target, weights)
        totals.loss += loss if self.reduction == "sum" else loss * weight
        totals.loss_weight += weight
        totals.weight += float(w.sum())
        totals.samples += n
        totals.outputs = outputs
        totals.steps += 1
