"""Checks of plain arguments: numbers, pairs, flags and choices.

What this is: the one place where the layers, optimizers and model methods check what they were given before
anything is changed. Every message names the caller and the argument, what was expected and what came.
What this is not: checks of arrays, which are in `nnfast._arrays`.
"""

from __future__ import annotations

import math
import numbers
import operator
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

LARGEST = 2**63 - 1  # the engine counts with 64 bits


def integer(owner: str, name: str, value: Any, low: int | None = None, high: int | None = None) -> int:
    """`value` as an int in low..high, at most what 64 bits hold; bools and floats are refused."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{owner}: {name}: expected an integer, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            f"{owner}: {name}: expected an integer, got {value!r} ({type(value).__name__})"
        ) from None
    if high is None and number > LARGEST:
        high = LARGEST
    if (low is not None and number < low) or (high is not None and number > high):
        if high is None:
            wanted = f"at least {low}"
        elif low is None:
            wanted = f"at most {high}"
        else:
            wanted = f"{low}..{high}"
        raise ValueError(f"{owner}: {name}: expected {wanted}, got {number}")
    return number


def real(
    owner: str,
    name: str,
    value: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    below: float | None = None,
) -> float:
    """`value` as a finite float with low <= value, value <= high, value < below."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (numbers.Real, np.ndarray)):
        raise TypeError(f"{owner}: {name}: expected a number, got {value!r} ({type(value).__name__})")
    if isinstance(value, np.ndarray) and value.ndim != 0:
        raise TypeError(f"{owner}: {name}: expected a number, got an array of shape {value.shape}")
    number = float(value)
    bad = (
        not math.isfinite(number)
        or (low is not None and number < low)
        or (high is not None and number > high)
        or (below is not None and number >= below)
    )
    if bad:
        parts = []
        if low is not None:
            parts.append(f">= {low:g}")
        if high is not None:
            parts.append(f"<= {high:g}")
        if below is not None:
            parts.append(f"< {below:g}")
        wanted = "a finite number" + (" " + " and ".join(parts) if parts else "")
        raise ValueError(f"{owner}: {name}: expected {wanted}, got {value!r}")
    return number


def flag(owner: str, name: str, value: Any) -> bool:
    """`value` as a bool; only True and False are taken."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{owner}: {name}: expected True or False, got {value!r}")
    return bool(value)


def axis(owner: str, value: Any) -> int:
    """An axis of the batch's array, and not the batch's own."""
    number = integer(owner, "axis", value)
    if number == 0:
        raise ValueError(f"{owner}: axis: 0 is the batch; expected another axis, got 0")
    return number


def pair(owner: str, name: str, value: Any, low: int) -> tuple[int, int]:
    """One integer for both directions, or (height, width)."""
    if isinstance(value, (tuple, list, np.ndarray)):
        if len(value) != 2:
            raise ValueError(
                f"{owner}: {name}: expected one integer or a pair (height, width), got {len(value)} values"
            )
        return integer(owner, name, value[0], low), integer(owner, name, value[1], low)
    both = integer(owner, name, value, low)
    return both, both


def choice(owner: str, name: str, value: Any, options: Iterable[str]) -> str:
    """`value` when it is one of the strings `options`."""
    known = list(options)
    if isinstance(value, str) and value in known:
        return value
    wanted = ", ".join(repr(o) for o in known)
    if not isinstance(value, str):
        raise TypeError(f"{owner}: {name}: expected one of {wanted}, got {value!r} ({type(value).__name__})")
    raise ValueError(f"{owner}: {name}: expected one of {wanted}, got {value!r}")


def path(owner: str, name: str, value: Any) -> str:
    """`value`, a string or a path, as a string."""
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{owner}: {name}: expected a string or a path, got {value!r}")
    return os.fsdecode(value)


def shape(owner: str, name: str, value: Any) -> tuple[int, ...]:
    """A shape without the batch axis: an integer or a sequence of positive integers."""
    if isinstance(value, (tuple, list, np.ndarray)):
        if len(value) == 0:
            raise ValueError(f"{owner}: {name}: expected at least one dimension, got ()")
        return tuple(integer(owner, name, v, 1) for v in value)
    return (integer(owner, name, value, 1),)


def seed(owner: str, value: Any) -> int:
    """A seed in 0..2**64 - 1; None draws one from the operating system."""
    if value is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    return integer(owner, "seed", value, 0, 2**64 - 1)


def dtype(owner: str, value: Any) -> np.dtype[Any]:
    """float32 or float64, by name, type or dtype."""
    try:
        result = np.dtype(value)
    except TypeError:
        raise TypeError(f"{owner}: dtype: expected 'float32' or 'float64', got {value!r}") from None
    if result not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"{owner}: dtype: expected 'float32' or 'float64', got {result.name!r}")
    return result.newbyteorder("=")
