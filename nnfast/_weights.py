"""Weights of samples, as `fit`, `evaluate` and `train_batch` take them.

What this is: the arguments `sample_weight` and `class_weight` checked and made one number a sample.
What this is not: the weights' effect, which is the engine's: a mean divides by their sum, so that a weight
of 2 is the sample twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast.losses import BINARY_KINDS, CLASS_KINDS, Loss

Array = NDArray[Any]


def of_samples(owner: str, value: ArrayLike | None, n: int, name: str = "sample_weight") -> Array | None:
    """`value` as float64 (n,), finite, not negative and not all 0; None stays."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{owner}: {name}: expected numbers, got dtype {array.dtype}")
    if array.shape not in ((n,), (n, 1)):
        raise ValueError(f"{owner}: {name}: expected shape ({n},), a number a sample, got {array.shape}")
    array = np.ascontiguousarray(array.reshape(n), np.float64)
    if not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(
            f"{owner}: {name}: expected finite numbers >= 0, got {array.min():g}..{array.max():g}"
        )
    if not array.any():
        raise ValueError(f"{owner}: {name}: expected a weight above 0, got only zeros")
    return array


def ignored(loss: Loss, targets: Array) -> int | None:
    """The label whose samples a loss leaves out; None for one that knows of none, and for other targets."""
    if loss.kind not in CLASS_KINDS or targets.ndim != 1:
        return None
    return int(loss.settings().get("ignore_index", -100))


def _labels(owner: str, targets: Array, loss: Loss) -> tuple[Array, Array]:
    """The class of each sample, and whether it counts."""
    everything = np.ones(len(targets), bool)
    if loss.kind in CLASS_KINDS:
        if targets.ndim == 1:
            return targets, targets != ignored(loss, targets)
        return targets.argmax(axis=1), everything
    if loss.kind in BINARY_KINDS and int(np.prod(targets.shape[1:])) == 1:
        return (targets.reshape(len(targets)) > (0 if loss.kind == "hinge_loss" else 0.5)).astype(
            np.int64
        ), everything
    raise ValueError(f"{owner}: class_weight: expected a loss of classes, got {loss.kind}")


def of_classes(owner: str, value: Any, targets: Array, loss: Loss, outputs: tuple[int, ...]) -> Array | None:
    """The weight of each sample's class (n,).

    `value` is a mapping from classes to numbers, 1 for those it lacks; an array of a number a class; or
    "balanced": n / (k * the class's share of the n samples), k the classes there are, as in scikit-learn
    (King, Zeng, "Logistic regression in rare events data", 2001).
    """
    if value is None:
        return None
    labels, counts = _labels(owner, targets, loss)
    classes = outputs[0] if loss.kind in CLASS_KINDS else 2
    weights = np.ones(classes)
    if isinstance(value, str):
        if value != "balanced":
            raise ValueError(f"{owner}: class_weight: expected 'balanced', a dict or an array, got {value!r}")
        found = np.bincount(labels[counts], minlength=classes)
        there = found > 0
        weights[there] = counts.sum() / (there.sum() * found[there])
    elif isinstance(value, Mapping):
        for label, weight in value.items():
            if (
                isinstance(label, bool)
                or not isinstance(label, (int, np.integer))
                or not 0 <= label < classes
            ):
                raise ValueError(
                    f"{owner}: class_weight: expected classes in 0..{classes - 1} as keys, got {label!r}"
                )
            weights[label] = weight
    else:
        weights = np.asarray(value)
    checked = of_samples(owner, weights, classes, "class_weight")
    assert checked is not None
    return np.where(counts, checked[np.where(counts, labels, 0)], 1.0)


def combined(
    owner: str,
    sample_weight: ArrayLike | None,
    class_weight: Any,
    targets: Array,
    loss: Loss,
    outputs: tuple[int, ...],
) -> Array | None:
    """Both kinds of weights multiplied."""
    weights = of_samples(owner, sample_weight, len(targets))
    classes = of_classes(owner, class_weight, targets, loss, outputs)
    if classes is None:
        return weights
    return classes if weights is None else weights * classes


def of_outputs(owner: str, value: Any, n: int, outputs: int) -> list[Array | None] | None:
    """The weights for each of several outputs: one array for all, or a list of one each or None."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)) and any(v is None or np.ndim(v) > 0 for v in value):
        if len(value) != outputs:
            raise ValueError(
                f"{owner}: sample_weight: expected {outputs} arrays, one an output, got {len(value)} values"
            )
        return [of_samples(owner, one, n, f"sample_weight[{i}]") for i, one in enumerate(value)]
    return [of_samples(owner, value, n)] * outputs


def gather(parts: Sequence[Any], sizes: Sequence[int]) -> Any:
    """The weights of batches put together: None where no batch has any, else 1 for those without."""
    if any(isinstance(part, list) for part in parts):  # of several outputs
        count = next(len(part) for part in parts if isinstance(part, list))
        each = [part or [None] * count for part in parts]
        return [gather(one, sizes) for one in zip(*each, strict=True)]
    if all(part is None for part in parts):
        return None
    return np.concatenate(
        [np.ones(n) if part is None else part for part, n in zip(parts, sizes, strict=True)]
    )
