"""Losses of a model: what `compile(loss=...)` takes.

What this is: descriptions (which loss, its options and reduction) that the compiled engine carries out.
What this is not: functions of arrays; these are `nnfast.mse_loss`, `nnfast.cross_entropy` and their
relatives, where the formulas stand.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast import _checks

CLASS_KINDS = ("cross_entropy", "nll_loss")
BINARY_KINDS = ("binary_cross_entropy", "binary_cross_entropy_with_logits", "hinge_loss", "perceptron_loss")
SCORE_KINDS = BINARY_KINDS[1:]  # of outputs whose sign is the answer


class Loss:
    """Base of the losses; use its subclasses.

    Parameters
    ----------
    reduction : {"mean", "sum"}
        How the losses of a batch become one number.
    """

    kind: ClassVar[str]  # the engine's name
    _reductions: ClassVar[tuple[str, ...]] = ("mean", "sum")
    _sides: ClassVar[tuple[int, int] | None] = None  # the two targets there are; None: any numbers

    def __init__(self, reduction: str = "mean") -> None:
        self._set(reduction)

    def _set(self, reduction: str, **options: Any) -> None:
        self.reduction = _checks.choice(type(self).__name__, "reduction", reduction, self._reductions)
        self._options = options  # those that are not the defaults

    def settings(self, output: tuple[int, ...] = ()) -> dict[str, Any]:
        """What the engine's `set_loss` is told besides the kind and the reduction, for an output's shape.

        A weight that is one number stands for all of the outputs.
        """
        found = dict(self._options)
        for name in ("weight", "pos_weight"):
            if name in found and found[name].ndim == 0:
                found[name] = np.full(int(np.prod(output)), found[name])
        return found

    def _check_output(self, output: tuple[int, ...]) -> None:
        """Raise ValueError where weights do not fit an output of this shape."""
        for name in ("weight", "pos_weight"):
            weight = self._options.get(name)
            if weight is not None and weight.ndim and weight.size != np.prod(output):
                raise ValueError(
                    f"compile: loss: {type(self).__name__}: {name}: expected a number for each of the "
                    f"{int(np.prod(output))} outputs, got {weight.size}"
                )

    def __repr__(self) -> str:
        shown = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in self._options.items()}
        if self.reduction != "mean":
            shown["reduction"] = self.reduction
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


def _given(**options: tuple[Any, Any]) -> dict[str, Any]:
    """Of the pairs (value, default) the values that are not the default."""
    return {
        name: value for name, (value, default) in options.items() if value is not default and value != default
    }


def _weights(
    owner: str, name: str, value: ArrayLike | None, dims: tuple[int, ...] = (1,)
) -> dict[str, NDArray[np.float64]]:
    """{} for None, otherwise the numbers under their name; TypeError and ValueError where they are none."""
    if value is None:
        return {}
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError):
        hint = f"; write reduction={value!r}" if value in ("mean", "sum") else ""
        raise TypeError(f"{owner}: {name}: expected numbers, got {value!r}{hint}") from None
    if array.ndim not in dims or not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"{owner}: {name}: expected finite numbers >= 0 in one row, got {array.tolist()}")
    return {name: array}


class MSELoss(Loss):
    """Squared error (output - target)^2; the mean is over samples and outputs alike.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"
        Over samples and outputs alike.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> MSELoss(reduction="sum")
    MSELoss(reduction='sum')
    """

    kind = "mse_loss"


class QuadraticCost(Loss):
    """Half the squared distance of output and target; the mean is over samples.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"
        Over samples.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> QuadraticCost()
    QuadraticCost()
    """

    kind = "quadratic_cost"


class L1Loss(Loss):
    """Absolute error; the mean is over samples and outputs alike.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"
        Over samples and outputs alike.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> L1Loss()
    L1Loss()
    """

    kind = "l1_loss"


class SmoothL1Loss(Loss):
    """Squared error near 0, absolute error from `beta` on.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"
        Over samples and outputs alike.
    beta : float >= 0, default 1
        Where the parabola ends.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> SmoothL1Loss(beta=0.5)
    SmoothL1Loss(beta=0.5)
    """

    kind = "smooth_l1_loss"

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        beta = _checks.real("SmoothL1Loss", "beta", beta, low=0.0)
        self._set(reduction, **_given(beta=(beta, 1.0)))


class HuberLoss(Loss):
    """Half the squared error near 0, linear from `delta` on.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"
        Over samples and outputs alike.
    delta : float > 0, default 1
        Where the parabola ends.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> HuberLoss(delta=2.0)
    HuberLoss(delta=2.0)
    """

    kind = "huber_loss"

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        delta = _checks.real("HuberLoss", "delta", delta, low=0.0)
        if delta == 0:
            raise ValueError("HuberLoss: delta: expected a number > 0, got 0")
        self._set(reduction, **_given(delta=(delta, 1.0)))


class HingeLoss(Loss):
    """max(0, 1 - target * output) for targets -1 and 1; Keras's hinge.

    Keras takes 0 for -1; here a model refuses such labels by a ValueError: give it ``2 * y - 1``.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"
        Over samples and outputs alike.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> HingeLoss()
    HingeLoss()
    """

    kind = "hinge_loss"
    _sides = (-1, 1)


class PerceptronLoss(Loss):
    """(step(output) - target) * output for targets 0 and 1: the perceptron rule's, see `Perceptron`.

    The outputs are scores: no Step before this loss. Other targets are refused by a ValueError.

    Parameters
    ----------
    reduction : {"mean", "sum"}, default "mean"
        Over samples and outputs alike.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> PerceptronLoss()
    PerceptronLoss()
    """

    kind = "perceptron_loss"
    _sides = (0, 1)


class BCELoss(Loss):
    """Binary cross-entropy of probabilities, of a model that ends with Sigmoid. Targets lie in 0..1.

    Parameters
    ----------
    weight : array (outputs,) or float, optional
        A factor of each output's loss, or of all. A mean does not count it.
    reduction : {"mean", "sum"}, default "mean"
        Over samples and outputs alike.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> BCELoss()
    BCELoss()
    """

    kind = "binary_cross_entropy"

    def __init__(self, weight: ArrayLike | None = None, *, reduction: str = "mean") -> None:
        self._set(reduction, **_weights("BCELoss", "weight", weight, (0, 1)))


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of logits: no Sigmoid before this loss. Targets lie in 0..1.

    Parameters
    ----------
    weight : array (outputs,) or float, optional
        A factor of each output's loss, or of all. A mean does not count it.
    reduction : {"mean", "sum"}, default "mean"
        Over samples and outputs alike.
    pos_weight : array (outputs,) or float, optional
        A factor of the positive targets' part of each output's loss, or of all.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> BCEWithLogitsLoss(pos_weight=[3.0])
    BCEWithLogitsLoss(pos_weight=[3.0])
    """

    kind = "binary_cross_entropy_with_logits"

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        reduction: str = "mean",
        pos_weight: ArrayLike | None = None,
    ) -> None:
        owner = "BCEWithLogitsLoss"
        given = {"weight": weight, "pos_weight": pos_weight}
        options: dict[str, Any] = {}
        for name, value in given.items():
            options |= _weights(owner, name, value, (0, 1))
        self._set(reduction, **options)


class CrossEntropyLoss(Loss):
    """Cross-entropy of logits: -log softmax(output)[label], the mean over samples.

    Targets are integer labels (n,) in 0..classes-1, or the classes' probabilities (n, classes). The model's
    last layer gives logits: no Softmax before this loss.

    Parameters
    ----------
    weight : array (classes,), optional
        A factor of each class. With labels a mean divides by the sum of the labels' weights.
    ignore_index : int, default -100
        Samples with this label count for nothing.
    reduction : {"mean", "sum"}, default "mean"
        Over samples.
    label_smoothing : float in 0..1, default 0
        This share of the target is spread evenly over the classes.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> CrossEntropyLoss(label_smoothing=0.1)
    CrossEntropyLoss(label_smoothing=0.1)
    """

    kind = "cross_entropy"

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        owner = "CrossEntropyLoss"
        options = _given(
            ignore_index=(_checks.integer(owner, "ignore_index", ignore_index), -100),
            label_smoothing=(_checks.real(owner, "label_smoothing", label_smoothing, low=0.0, high=1.0), 0.0),
        )
        self._set(reduction, **_weights(owner, "weight", weight), **options)


class NLLLoss(Loss):
    """Negative log-likelihood: -output[label], the mean over samples, of a model that ends with LogSoftmax.

    Parameters
    ----------
    weight : array (classes,), optional
        A factor of each class. With labels a mean divides by the sum of the labels' weights.
    ignore_index : int, default -100
        Samples with this label count for nothing.
    reduction : {"mean", "sum"}, default "mean"
        Over samples.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> NLLLoss(ignore_index=0)
    NLLLoss(ignore_index=0)
    """

    kind = "nll_loss"

    def __init__(
        self, weight: ArrayLike | None = None, *, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        ignore_index = _checks.integer("NLLLoss", "ignore_index", ignore_index)
        options = _given(ignore_index=(ignore_index, -100))
        self._set(reduction, **_weights("NLLLoss", "weight", weight), **options)


class KLDivLoss(Loss):
    """Kullback-Leibler divergence from the targets' distribution, of a model that ends with LogSoftmax.

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean"}, default "mean"
        Over samples and outputs, or, with "batchmean", over samples alone.
    log_target : bool, default False
        Whether the targets are logarithms of probabilities.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> KLDivLoss("batchmean")
    KLDivLoss(reduction='batchmean')
    """

    kind = "kl_div"
    _reductions = ("mean", "sum", "batchmean")

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        log_target = _checks.flag("KLDivLoss", "log_target", log_target)
        self._set(reduction, **_given(log_target=(log_target, False)))


class PoissonNLLLoss(Loss):
    """Negative log-likelihood of counts from a Poisson distribution whose rate the model gives.

    Parameters
    ----------
    log_input : bool, default True
        Whether the output is the logarithm of the rate.
    full : bool, default False
        Whether Stirling's approximation of log(target!) is added.
    eps : float >= 0, default 1e-8
        Added to the rate before its logarithm, without `log_input`.
    reduction : {"mean", "sum"}, default "mean"
        Over samples and outputs alike.

    Raises
    ------
    ValueError, TypeError
        For an option that does not fit.

    Examples
    --------
    >>> PoissonNLLLoss(full=True)
    PoissonNLLLoss(full=True)
    """

    kind = "poisson_nll_loss"

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        *,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:
        owner = "PoissonNLLLoss"
        options = _given(
            log_input=(_checks.flag(owner, "log_input", log_input), True),
            full=(_checks.flag(owner, "full", full), False),
            eps=(_checks.real(owner, "eps", eps, low=0.0), 1e-8),
        )
        self._set(reduction, **options)


_CLASSES: tuple[type[Loss], ...] = (
    MSELoss,
    QuadraticCost,
    L1Loss,
    SmoothL1Loss,
    HuberLoss,
    HingeLoss,
    PerceptronLoss,
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    NLLLoss,
    KLDivLoss,
    PoissonNLLLoss,
)
_NAMED: dict[str, type[Loss]] = {c.kind: c for c in _CLASSES} | {
    "mse": MSELoss,
    "l1": L1Loss,
    "huber": HuberLoss,
    "hinge": HingeLoss,
    "perceptron": PerceptronLoss,
    "bce": BCELoss,
    "bce_with_logits": BCEWithLogitsLoss,
}
__all__ = ["Loss", "get", *(c.__name__ for c in _CLASSES)]


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
