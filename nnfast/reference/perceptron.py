"""The perceptron rule: learning from mistakes, one sample after the other."""

import numpy as np

from .checks import Array, at_least, floats, has_shape, value_error


def perceptron_update(weight: Array, bias: Array, x: Array, target: Array, *, lr: float = 1.0) -> int:
    """The perceptron rule: one pass over the samples, each mistake corrected at once.

    For each sample in order ``y = 1 if weight . x_i + bias > 0 else 0``, ``e = target_i - y``,
    ``weight += lr * e * x_i``, ``bias += lr * e``.

    Parameters
    ----------
    weight : (features,) array, float32 or float64
        Changed in place.
    bias : (1,) or () array, same dtype
        Changed in place.
    x : (n, features) array, same dtype
    target : (n,) array of 0 and 1, same dtype
    lr : float >= 0, default 1.0

    Returns
    -------
    int
        The number of mistakes; the weights separate the samples once it is 0.

    Raises
    ------
    TypeError, ValueError
        A dtype, a shape or an option does not fit; the message names the argument. Nothing has changed then.

    Notes
    -----
    Rosenblatt, "The perceptron", Psychological Review 65, 1958.

    Examples
    --------
    >>> x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 0, 0, 1])  # logical and
    >>> w, b = np.zeros(2), np.zeros(1)
    >>> [perceptron_update(w, b, x, y) for _ in range(6)]
    [1, 3, 3, 2, 1, 0]
    >>> w, b
    (array([2., 1.]), array([-2.]))
    """
    function = "perceptron_update"
    at_least(function, "lr", lr, 0)
    weight, bias, x, target = floats(function, weight=weight, bias=bias, x=x, target=target)
    if weight.ndim != 1:
        raise value_error(function, "weight", "1 dimension", weight.ndim)
    if bias.size != 1:
        raise value_error(function, "bias", "one number", bias.size)
    if x.ndim != 2 or x.shape[1] != len(weight):
        raise value_error(function, "x", f"shape (n, {len(weight)})", x.shape)
    has_shape(function, "target", target, x.shape[:1])
    wrong = target[(target != 0) & (target != 1)]
    if wrong.size:
        raise value_error(function, "target", "0 or 1 for every sample", f"{wrong[0]:g}")
    errors = 0
    for row, wanted in zip(x, target, strict=True):
        error = wanted - np.heaviside(weight @ row + bias.item(), 0)
        errors += int(error != 0)
        weight += lr * error * row
        bias += lr * error
    return errors
