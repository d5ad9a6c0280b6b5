"""From losses to one number, and back: reductions and the weights of samples.

`reduction` is "none" (one loss an element or a row), "sum", "mean", for some "batchmean" (the sum over the
number of samples). `sample_weight` (n,) multiplies the losses of each sample, which is what one index of the
first axis holds; a mean then divides by the sum of the weights in place of the number of samples, so that
a weight of 2 is the sample twice. The mean of nothing is NaN, as in PyTorch, and its gradient 0.

The backward functions take `grad_output`, the gradient of what follows with respect to the loss: a number
(often 1) for one number, an array of the losses' shape for "none".
"""

from typing import Any

import numpy as np

from .checks import Array, floats, has_shape, one_of, value_error

REDUCTIONS = ("none", "mean", "sum")
BATCH_REDUCTIONS = (*REDUCTIONS, "batchmean")


def check_pair(
    function: str, input: Any, target: Any, reduction: str, reductions: tuple[str, ...] = REDUCTIONS
) -> tuple[Array, Array]:
    """Input and target as arrays of one shape and dtype."""
    one_of(function, "reduction", reduction, reductions)
    input, target = floats(function, input=input, target=target)
    has_shape(function, "target", target, input.shape)
    return input, target


def numbers(function: str, name: str, value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Weights of this shape, converted to `dtype`."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{function}: {name}: expected numbers, got {array.dtype}")
    has_shape(function, name, array, shape)
    return array.astype(dtype)


def one_value(losses: Array, reduction: str, divisor: float) -> Any:
    """The losses themselves, or their sum or mean; a single number as a NumPy scalar."""
    if reduction == "none":
        return losses[()]
    if reduction == "sum":
        return losses.sum()
    return losses.dtype.type(losses.sum() / divisor if divisor else np.nan)


def grad_scale(
    function: str,
    grad_output: Any,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    reduction: str,
    divisor: float,
) -> Array:
    """What the gradients of losses of this shape are multiplied by: grad_output, over a mean's divisor."""
    if reduction == "none" and shape:
        (scale,) = floats(function, grad_output=grad_output)
        if scale.dtype != dtype:
            raise TypeError(f"{function}: grad_output: expected {dtype} like input, got {scale.dtype}")
        has_shape(function, "grad_output", scale, shape)
        return scale
    number = np.asarray(grad_output)
    if number.size != 1 or number.dtype.kind not in "fiu":
        raise value_error(
            function, "grad_output", f"one number for reduction {reduction!r}", f"shape {number.shape}"
        )
    value = float(number.reshape(()))
    if reduction in ("mean", "batchmean"):
        value = value / divisor if divisor else 0.0
    return np.asarray(value, dtype)


def _factors(
    function: str, like: Array, reduction: str, sample_weight: Any, weight: Any, over: str
) -> tuple[Any, float]:
    """What each element's loss is multiplied by, and what a mean divides by."""
    batch = like.shape[:1]
    rows, factors = float(batch[0] if batch else 1), like.dtype.type(1)
    if sample_weight is not None:
        w = numbers(function, "sample_weight", sample_weight, batch, like.dtype)
        rows, factors = float(w.sum()), w.reshape(batch + (1,) * (like.ndim - len(batch)))
    if weight is not None:
        w = np.asarray(weight)
        if w.dtype.kind not in "biuf":
            raise TypeError(f"{function}: weight: expected numbers, got {w.dtype}")
        try:
            factors = factors * np.broadcast_to(w.astype(like.dtype), like.shape)
        except ValueError:
            raise value_error(
                function, "weight", f"a shape that broadcasts to {like.shape}", w.shape
            ) from None
    per_row = 1 if over == "rows" or reduction == "batchmean" else int(np.prod(like.shape[len(batch) :]))
    return factors, rows * per_row if like.size else 0.0


def reduced(
    function: str,
    losses: Array,
    reduction: str,
    sample_weight: Any = None,
    weight: Any = None,
    over: str = "elements",
) -> Any:
    """Losses of elements, weighted and reduced; `over` says what has a loss of its own: elements or rows."""
    factors, divisor = _factors(function, losses, reduction, sample_weight, weight, over)
    losses = np.asarray(losses * factors, losses.dtype)
    if over == "rows" and losses.ndim:
        losses = losses.sum(axis=tuple(range(1, losses.ndim)))
    return one_value(losses, reduction, divisor)


def scaled(
    function: str,
    grad_output: Any,
    slopes: Array,
    input: Array,
    reduction: str,
    sample_weight: Any = None,
    weight: Any = None,
    over: str = "elements",
) -> Array:
    """The gradient of `reduced` with respect to the input, from each element's derivative `slopes`."""
    factors, divisor = _factors(function, input, reduction, sample_weight, weight, over)
    shape = input.shape[:1] if over == "rows" else input.shape
    scale = grad_scale(function, grad_output, shape, input.dtype, reduction, divisor)
    if scale.ndim:
        scale = scale.reshape(shape + (1,) * (input.ndim - len(shape)))
    return np.asarray(scale * factors * slopes, input.dtype)
