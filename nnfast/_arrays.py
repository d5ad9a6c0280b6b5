"""Checks of the arrays a model is given, before anything changes.

What this is: samples and targets made into arrays that the engine takes as they are, or refused with a
message that names the argument. Nothing is converted to the model's dtype here: the engine does that batch by
batch.
What this is not: checks of plain arguments, which are in `nnfast._checks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast._csr import Csr
from nnfast._mapped import is_mapped
from nnfast._prefetch import aside
from nnfast.losses import CLASS_KINDS, Loss

Array = NDArray[Any]

LABELS = 2**20  # that are looked at together
LARGE = 2**26  # bytes whose copy takes some tens of milliseconds


def as_numbers(owner: str, name: str, value: ArrayLike) -> Array:
    """`value` as an array of floats, integers or booleans with at least one axis.

    Native and with dense rows, unless it lies in a file: then as it is, as it may not fit in memory.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{owner}: {name}: expected an array of numbers: {error}") from None
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise TypeError(f"{owner}: {name}: expected float, integer or bool numbers, got dtype {array.dtype}")
    if array.dtype == np.uint64:
        raise TypeError(f"{owner}: {name}: expected another dtype, got uint64; convert with astype(np.int64)")
    if array.ndim == 0:
        raise ValueError(
            f"{owner}: {name}: expected an array with samples along its first axis, got a number"
        )
    return array if is_mapped(array) else _dense_rows(array)


def dense(data: Any) -> Any:
    """An array, or a list of them, as the engine reads it: what lies in a file was left as it is before."""
    return [_dense_rows(array) for array in data] if isinstance(data, list) else _dense_rows(data)


def _dense_rows(array: Any) -> Any:
    """The array itself when it is native and every sample's numbers lie side by side, otherwise a copy.

    Sparse samples as they are.
    """
    if isinstance(array, Csr):
        return array
    if not array.dtype.isnative:
        array = np.asarray(array, array.dtype.newbyteorder("="))
    if array.flags.c_contiguous and array.flags.aligned:
        return array
    expected = array.itemsize
    dense = array.flags.aligned and array.strides[0] % array.itemsize == 0
    for size, stride in zip(array.shape[:0:-1], array.strides[:0:-1], strict=True):
        dense = dense and (size == 1 or stride == expected)
        expected *= size
    if dense:
        return array
    if array.nbytes < LARGE:
        return np.ascontiguousarray(array)
    return aside(lambda: np.ascontiguousarray(array))  # Ctrl-C does not wait for it


def check_samples(owner: str, name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless `array` is (n, *shape)."""
    if array.shape[1:] == shape:
        return
    wanted = "(n, " + ", ".join(map(str, shape)) + ")"
    hint = ""
    if array.shape == shape:
        hint = "; for one sample use x[None]"
    elif len(shape) == 3 and shape[0] == 1 and array.shape[1:] == shape[1:]:
        hint = "; add the channel axis with x[:, None]"
    elif len(shape) == 3 and array.ndim == 4 and (*array.shape[3:], *array.shape[1:3]) == shape:
        hint = "; channels come first: x.transpose(0, 3, 1, 2)"
    elif len(shape) == 1 and array.ndim > 2 and int(np.prod(array.shape[1:])) == shape[0]:
        hint = "; flatten it with x.reshape(len(x), -1), or begin the model with Flatten()"
    raise ValueError(f"{owner}: {name}: expected shape {wanted}, got {array.shape}{hint}")


def as_targets(
    owner: str, name: str, value: ArrayLike, loss: Loss, outputs: tuple[int, ...], dtype: np.dtype[Any]
) -> Array:
    """`value` as targets for this loss and output shape: int64 labels (n,), or numbers (n, *outputs)."""
    array = as_numbers(owner, name, value)
    if loss.kind not in CLASS_KINDS:
        if array.shape[1:] == outputs or (outputs == (1,) and array.ndim == 1):
            _check_sides(owner, name, array, loss)
            return array.reshape(len(array), *outputs)
        hint = ""
        if array.ndim == 1 and len(outputs) == 1 and array.dtype.kind in "iub":
            hint = f"; for class labels use the loss 'cross_entropy', or nf.one_hot(y, {outputs[0]})"
        wanted = "(n, " + ", ".join(map(str, outputs)) + ")"
        raise ValueError(
            f"{owner}: {name}: expected shape {wanted} like the model's output, got {array.shape}{hint}"
        )

    classes = outputs[0]
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        if array.dtype.kind == "f":
            raise TypeError(
                f"{owner}: {name}: expected integer class labels for {loss.kind}, got dtype {array.dtype}; "
                "convert with y.astype(int)"
            )
        # Those in a file stay there, of whatever type: they may be as many as to count.
        labels = array.reshape(-1) if is_mapped(array) else np.ascontiguousarray(array.reshape(-1), np.int64)
        _check_labels(owner, name, labels, loss, classes)
        return labels
    if loss.kind == "cross_entropy" and array.shape[1:] == outputs:
        # One-hot rows of integers are probabilities, too.
        return array if array.dtype.kind == "f" else array.astype(dtype)
    also = f" or probabilities (n, {classes})" if loss.kind == "cross_entropy" else ""
    raise ValueError(f"{owner}: {name}: expected labels (n,){also}, got shape {array.shape}")


def _check_labels(owner: str, name: str, labels: Array, loss: Loss, classes: int) -> None:
    """Raise ValueError where a label is none of the classes, nor the one that is left out."""
    for first in range(0, len(labels), LABELS):
        part = labels[first : first + LABELS]
        if part.min() >= 0 and part.max() < classes:
            continue
        part = part[part != loss.settings().get("ignore_index", -100)]
        bad = part[(part < 0) | (part >= classes)]
        if bad.size:
            wrong = bad.min() if bad.min() < 0 else bad.max()
            raise ValueError(
                f"{owner}: {name}: expected labels in 0..{classes - 1} for {classes} outputs, got {wrong}"
            )


def _check_sides(owner: str, name: str, array: Array, loss: Loss) -> None:
    """Raise ValueError where a loss has two targets and `array` has others."""
    if loss._sides is None:
        return
    low, high = loss._sides
    bad = array[(array != low) & (array != high)]
    if bad.size:
        hint = ""
        if low == -1 and bad[0] == 0:
            hint = "; for labels 0 and 1 give 2 * y - 1"
        elif low == 0 and bad[0] == -1:
            hint = "; for labels -1 and 1 give (y + 1) / 2"
        raise ValueError(
            f"{owner}: {name}: expected targets {low} and {high} for {loss.kind}, got {float(bad[0]):g}{hint}"
        )


def as_list(owner: str, name: str, value: Any, count: int, each: str) -> list[Any]:
    """`value` as a list of `count` arrays."""
    if not isinstance(value, (list, tuple)):
        kind = type(value).__name__
        raise TypeError(f"{owner}: {name}: expected a list of {count} arrays, one {each}, got {kind}")
    if len(value) != count:
        raise ValueError(
            f"{owner}: {name}: expected a list of {count} arrays, one {each}, got {len(value)} values"
        )
    return list(value)


def by_name(owner: str, name: str, value: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """A dict's entries in the order of `keys`: a list of them, the only one for a single key."""
    missing = [key for key in keys if key not in value]
    unexpected = [key for key in value if key not in keys]
    if missing or unexpected:
        wrong = [f"{what} {keys}" for what, keys in (("no", missing), ("unexpected", unexpected)) if keys]
        raise ValueError(f"{owner}: {name}: expected the keys {list(keys)}, got {' and '.join(wrong)}")
    return [value[key] for key in keys] if len(keys) > 1 else value[keys[0]]


def check_lengths(owner: str, x_name: str, x: Array, y_name: str, y: Array) -> None:
    """Raise ValueError unless both hold the same number of samples, and at least one."""
    if len(x) != len(y):
        raise ValueError(f"{owner}: {y_name}: expected {len(x)} samples like {x_name}, got {len(y)}")
    if len(x) == 0:
        raise ValueError(f"{owner}: {x_name}: expected at least one sample, got shape {x.shape}")
