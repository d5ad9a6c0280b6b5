"""What an estimator minimises: a loss of the engine with its scale, or a function of the user's.

What this is: scikit-learn's losses in terms of nnfast's, the link from a network's outputs to predictions,
and the number that scikit-learn reports for an epoch.
What this is not: gradients or sums, which are the engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy

import nnfast as nf
from nnfast.losses import Loss

Array = NDArray[Any]

# loss(y_true, y_pred, sample_weight) -> (mean of the batch, gradient with respect to y_pred)
CustomLoss = Callable[[Array, Array, "Array | None"], "tuple[float, Array]"]


LINKS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda outputs: outputs,
    "logistic": expit,
    "softmax": nf.softmax,
    "exp": np.exp,
}


@dataclass(frozen=True)
class Objective:
    """A loss of the network's outputs, and the link that makes predictions of these.

    `share` scales the engine's loss, whose mean over elements becomes the sum over outputs and mean over
    samples that scikit-learn has. `mean_over_outputs`: scikit-learn reports the squared error's mean over the
    outputs, but follows the gradient of its sum.
    """

    loss: Loss | None
    link: str
    share: float = 1.0
    custom: CustomLoss | None = None
    mean_over_outputs: bool = False
    deviance: bool = False

    def predictions(self, outputs: Array) -> Array:
        """Outputs of the network as probabilities or values."""
        return LINKS[self.link](outputs)

    def value_and_gradient(self, y: Array, outputs: Array, weight: Array | None) -> tuple[float, Array]:
        """A batch's loss and its gradient with respect to the outputs, by functions of arrays."""
        if self.custom is not None:
            value, gradient = self.custom(y, outputs, weight)
            return float(value), np.ascontiguousarray(gradient, outputs.dtype).reshape(outputs.shape)
        assert self.loss is not None
        labels = y.ndim == 1 and outputs.shape[1] > 1
        target = y if labels else y.reshape(outputs.shape).astype(outputs.dtype, copy=False)
        options = {**self.loss.settings(), "reduction": self.loss.reduction}
        if weight is not None:
            options["sample_weight"] = weight.astype(outputs.dtype, copy=False)
        value = getattr(nf, self.loss.kind)(outputs, target, **options)
        slope = np.asarray(self.share, outputs.dtype)
        gradient = getattr(nf, f"{self.loss.kind}_backward")(slope, outputs, target, **options)
        return self.share * float(value), gradient

    def constants(self, y: Array) -> Array | None:
        """What scikit-learn adds to each sample's loss though no weight changes it: of Poisson's deviance."""
        if not self.deviance:
            return None
        targets = y.reshape(len(y), -1).astype(np.float64)
        return (xlogy(targets, targets) - targets).sum(axis=1)


def of_classes(loss: Any, n_outputs: int, multiclass: bool) -> Objective:
    """The objective of a classifier with outputs (n, n_outputs) that are logits."""
    link = "softmax" if multiclass else "logistic"
    if callable(loss):
        return Objective(None, link, custom=loss)
    wanted = nf.CrossEntropyLoss if multiclass else nf.BCEWithLogitsLoss
    if isinstance(loss, Loss) and not isinstance(loss, wanted):
        kind = "more than two classes" if multiclass else "two classes, or several labels,"
        raise ValueError(f"loss: expected {wanted.__name__} for {kind}, got {loss!r}")
    chosen = loss if isinstance(loss, Loss) else wanted()
    return Objective(chosen, link, 1.0 if multiclass else float(n_outputs))


def of_values(loss: Any, output_activation: str, n_outputs: int) -> Objective:
    """The objective of a regressor; `output_activation` other than "auto" is a layer of the network."""
    linked = output_activation == "auto"
    if callable(loss):
        return Objective(None, "identity", custom=loss)
    if isinstance(loss, Loss):
        return Objective(loss, "identity")
    if loss == "squared_error":
        return Objective(nf.QuadraticCost(), "identity", mean_over_outputs=True)
    if loss == "poisson":
        rate = nf.PoissonNLLLoss(log_input=linked, eps=1e-8)
        return Objective(rate, "exp" if linked else "identity", float(n_outputs), deviance=True)
    chosen = nf.L1Loss() if loss == "absolute_error" else nf.HuberLoss()
    return Objective(chosen, "identity")


def reported_loss(objective: Objective, totals: Any, n: int, constant: float) -> float:
    """scikit-learn's `loss_` of an epoch: each batch's loss, penalty included, weighted by its samples."""
    value = totals.objective / n
    if objective.mean_over_outputs and totals.outputs > 1 and totals.weight > 0:
        value -= 0.5 * totals.squared_error / totals.weight * (1.0 - 1.0 / totals.outputs)
    return float(value + constant)
