"""Options that come in several forms, brought to the one form the compiled module takes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = int | Sequence[int]


def pair(function: str, name: str, value: Pair) -> Sequence[int]:
    """One integer for both axes, or the (height, width) given.

    Examples
    --------
    >>> pair("conv2d", "stride", 2), pair("conv2d", "stride", (2, 1))
    ((2, 2), (2, 1))
    """
    if type(value) is int:
        return value, value
    if isinstance(value, (tuple, list)):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return tuple(value)
    try:
        single = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{function}: {name}: expected an integer or a pair of them, got {type(value).__name__}"
        ) from None
    return single, single


def single(function: str, name: str, value: Pair) -> Sequence[int]:
    """The one integer of a 1-D option, alone or in a sequence.

    Examples
    --------
    >>> single("conv1d", "stride", 2), single("conv1d", "stride", [2])
    ((2,), (2,))
    """
    values = (value,) if not isinstance(value, (tuple, list, np.ndarray)) else tuple(value)
    try:
        numbers = tuple(operator.index(v) for v in values)
    except TypeError:
        raise TypeError(f"{function}: {name}: expected an integer, got {value!r}") from None
    if len(numbers) != 1 or any(isinstance(v, (bool, np.bool_)) for v in values):
        kind = ValueError if len(numbers) != 1 else TypeError
        raise kind(f"{function}: {name}: expected one integer, got {value!r}")
    return numbers


def conv1d_padding(
    function: str, padding: str | Pair, stride: Sequence[int], dilation: Sequence[int], weight: Any
) -> tuple[int, int]:
    """(left, right) of a 1-D convolution; as `conv_padding`.

    Examples
    --------
    >>> conv1d_padding("conv1d", "same", (1,), (1,), np.ones((1, 1, 4)))
    (1, 2)
    """
    if not isinstance(padding, str):
        (both,) = single(function, "padding", padding)
        return both, both
    if padding == "valid":
        return 0, 0
    if padding != "same":
        raise ValueError(f"{function}: padding: expected an integer, 'same' or 'valid', got {padding!r}")
    if stride[0] != 1:
        raise ValueError(f"{function}: padding: expected stride 1 with 'same', got stride {stride[0]}")
    kernel = np.shape(weight)[2:3]
    total = dilation[0] * max(kernel[0] - 1, 0) if kernel else 0
    return total // 2, total - total // 2


def conv_padding(
    function: str, padding: str | Pair, stride: Sequence[int], dilation: Sequence[int], weight: Any
) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of a convolution.

    "same" pads dilation * (kernel - 1) in all, the smaller half first, which keeps the size at stride 1.

    Examples
    --------
    >>> conv_padding("conv2d", "same", (1, 1), (1, 1), np.ones((1, 1, 3, 4)))
    (1, 1, 1, 2)
    """
    if not isinstance(padding, str):
        sizes = pair(function, "padding", padding)
        if len(sizes) != 2:
            raise ValueError(
                f"{function}: padding: expected an integer, 2 integers, 'same' or 'valid', "
                f"got {len(sizes)} numbers"
            )
        return sizes[0], sizes[0], sizes[1], sizes[1]
    if padding == "valid":
        return 0, 0, 0, 0
    if padding != "same":
        raise ValueError(
            f"{function}: padding: expected an integer, 2 integers, 'same' or 'valid', got {padding!r}"
        )
    if any(s != 1 for s in stride):
        raise ValueError(f"{function}: padding: expected stride 1 with 'same', got stride {tuple(stride)}")
    kernel = np.shape(weight)[2:4]
    if len(kernel) != 2 or len(dilation) != 2:
        return 0, 0, 0, 0  # the compiled module names what is wrong with weight or dilation
    height, width = (d * max(k - 1, 0) for d, k in zip(dilation, kernel, strict=True))
    return height // 2, height - height // 2, width // 2, width - width // 2
