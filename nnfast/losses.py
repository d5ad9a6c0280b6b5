"""Losses of a model: what `compile(loss=...)` takes.

What this is: descriptions (which loss, which reduction) that the compiled engine carries out, fused with the
network's last layer where it can.
What this is not: functions of arrays; these are `nnfast.mse_loss`, `nnfast.cross_entropy`
and `nnfast.nll_loss`.
"""

from __future__ import annotations

from typing import ClassVar

from nnfast import _checks

__all__ = ["CrossEntropyLoss", "Loss", "MSELoss", "NLLLoss", "get"]


class Loss:
    """Base of the losses; use its subclasses.

    Parameters
    ----------
    reduction : {"mean", "sum"}
        How the losses of a batch become one number.
    """

    kind: ClassVar[str]  # the engine's name

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = _checks.choice(type(self).__name__, "reduction", reduction, ("mean", "sum"))

    def __repr__(self) -> str:
        inside = "" if self.reduction == "mean" else f"reduction={self.reduction!r}"
        return f"{type(self).__name__}({inside})"


class MSELoss(Loss):
    """Squared error (output - target)^2; the mean is over samples and outputs alike.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"
        Over samples and outputs alike.

    Raises
    ------
    ValueError, TypeError
        For another reduction.

    Examples
    --------
    >>> MSELoss(reduction="sum")
    MSELoss(reduction='sum')
    """

    kind = "mse_loss"


class CrossEntropyLoss(Loss):
    """Cross-entropy of logits: -log softmax(output)[label], the mean over samples.

    Targets are integer labels (n,) in 0..classes-1, or the classes' probabilities (n, classes). The model's
    last layer gives logits: no Softmax before this loss.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"
        Over samples: a mean divides by their number.

    Raises
    ------
    ValueError, TypeError
        For another reduction.

    Examples
    --------
    >>> CrossEntropyLoss()
    CrossEntropyLoss()
    """

    kind = "cross_entropy"


class NLLLoss(Loss):
    """Negative log-likelihood: -output[label], the mean over samples, of a model that ends with LogSoftmax.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"
        Over samples: a mean divides by their number.

    Raises
    ------
    ValueError, TypeError
        For another reduction.

    Examples
    --------
    >>> NLLLoss()
    NLLLoss()
    """

    kind = "nll_loss"


_NAMED: dict[str, type[Loss]] = {
    "cross_entropy": CrossEntropyLoss,
    "mse_loss": MSELoss,
    "mse": MSELoss,
    "nll_loss": NLLLoss,
}


def get(loss: str | Loss) -> Loss:
    """The loss of that name, or the loss itself.

    Raises
    ------
    ValueError
        For an unknown name.
    TypeError
        For anything else, the class instead of an object included.
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, type) and issubclass(loss, Loss):
        raise TypeError(f"compile: loss: expected an object, got the class: write nf.{loss.__name__}()")
    return _NAMED[_checks.choice("compile", "loss", loss, _NAMED)]()
