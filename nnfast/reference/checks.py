"""Argument checks shared by the reference: dtypes, shapes, `out` arrays, options.

Every message has one form, ``function: argument: expected this, got that``. This is not where formulas live.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = int | Sequence[int]

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def value_error(function: str, name: str, expected: object, got: object) -> ValueError:
    """The ValueError every check raises, in the form all messages share."""
    return ValueError(f"{function}: {name}: expected {expected}, got {got}")


def floats(function: str, **arrays: Any) -> list[Array]:
    """The named values as arrays of one floating dtype: the first one's, float32 or float64.

    Raises
    ------
    TypeError
        A dtype is neither float32 nor float64, or differs from the first array's.

    Examples
    --------
    >>> floats("linear", x=[1.0, 2.0])[0].dtype
    dtype('float64')
    >>> floats("linear", x=np.ones(2, np.float32), weight=np.ones(2))
    Traceback (most recent call last):
    TypeError: linear: weight: expected float32 like x, got float64
    """
    checked: list[Array] = []
    first = next(iter(arrays))
    for name, value in arrays.items():
        array = np.asarray(value)
        if array.dtype not in FLOATS:
            raise TypeError(f"{function}: {name}: expected float32 or float64, got {array.dtype}")
        if checked and array.dtype != checked[0].dtype:
            raise TypeError(
                f"{function}: {name}: expected {checked[0].dtype} like {first}, got {array.dtype}"
            )
        checked.append(array)
    return checked


def has_shape(function: str, name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless `array` has exactly this shape."""
    if array.shape != shape:
        raise value_error(function, name, f"shape {shape}", array.shape)


def backward_arrays(
    function: str, grad_output: Any, x: Any, output: Any = None
) -> tuple[Array, Array, Array | None]:
    """x, a gradient of its shape, and the forward's output, of that shape too, if it is given."""
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    has_shape(function, "grad_output", grad_output, x.shape)
    if output is not None:
        x, output = floats(function, x=x, output=output)
        has_shape(function, "output", output, x.shape)
    return x, grad_output, output


def has_ndim(function: str, name: str, array: Array, ndim: int) -> None:
    """Raise ValueError unless `array` has exactly this many dimensions."""
    if array.ndim != ndim:
        raise value_error(function, name, f"{ndim} dimensions", array.ndim)


def one_of(function: str, name: str, value: object, choices: Sequence[object]) -> None:
    """Raise ValueError unless `value` is one of `choices`."""
    if value not in choices:
        raise value_error(function, name, "one of " + ", ".join(map(repr, choices)), repr(value))


def at_least(function: str, name: str, value: float, low: float) -> None:
    """Raise ValueError unless `value` is a finite number >= `low` (NaN is not)."""
    if not low <= value < math.inf:
        raise value_error(function, name, f"a finite number >= {low}", value)


def integer_in(function: str, name: str, value: Any, low: int, high: int) -> int:
    """`value` as an int; TypeError when it is none, ValueError outside low..high."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{function}: {name}: expected an integer, got {type(value).__name__}")
    if not low <= value <= high:
        raise value_error(function, name, f"an integer in {low}..{high}", value)
    return int(value)


def pair_of(function: str, name: str, value: Any, low: int) -> tuple[int, int]:
    """One integer for both axes, or a (height, width) pair; each at least `low`.

    Examples
    --------
    >>> pair_of("conv2d", "stride", 2, 1), pair_of("conv2d", "stride", (2, 1), 1)
    ((2, 2), (2, 1))
    """
    items = (value, value) if isinstance(value, (int, np.integer)) else tuple(value)
    if len(items) != 2:
        raise value_error(function, name, "an integer or a pair", f"{len(items)} values")
    highest = 2**31 - 1
    height, width = (integer_in(function, name, item, low, highest) for item in items)
    return height, width


def deliver(
    function: str,
    result: Any,
    dtype: np.dtype[Any],
    out: Array | None,
    apart: Sequence[Array] = (),
    same: Array | None = None,
) -> Array:
    """`result` as a new array, or copied into `out` once `out` has passed its checks.

    `out` must be a writable, C-contiguous array of exactly the result's shape and dtype. It must not overlap
    the arrays in `apart`; it may be `same` itself (in place), but not overlap it otherwise.
    """
    result = np.asarray(result, dtype)
    if out is None:
        return result
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{function}: out: expected a NumPy array, got {type(out).__name__}")
    if out.dtype != dtype:
        raise TypeError(f"{function}: out: expected {dtype}, got {out.dtype}")
    has_shape(function, "out", out, result.shape)
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError(f"{function}: out: expected a writable C-contiguous array")
    if any(np.shares_memory(out, array) for array in apart):
        raise ValueError(f"{function}: out: expected memory apart from the inputs, got an overlap")
    if same is not None and np.shares_memory(out, same):
        in_place = out.ctypes.data == same.ctypes.data and out.strides == same.strides
        if not in_place:
            raise ValueError(f"{function}: out: expected memory apart from the inputs, got a partial overlap")
    out[...] = result
    return out
