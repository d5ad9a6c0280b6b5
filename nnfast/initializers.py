"""Initial values of weights and biases.

What this is: small functions `f(shape, rng, dtype)` that return a new array; layers take one, or its name, as
`weight_init=` and `bias_init=`. Settings are keywords: `functools.partial(normal, std=0.01)`.
What this is not: the layers' default, which is PyTorch's: U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weight and
bias, `fan_in_uniform` here.

Shapes are PyTorch's: linear weights (out, in), convolution weights (out, in / groups, kh, kw). fan_in is the
number of inputs one output sees, fan_out the number of outputs one input feeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Text, so that importing nnfast does not load numpy.random.
Initializer: TypeAlias = "Callable[[tuple[int, ...], np.random.Generator, Any], NDArray[Any]]"

__all__ = [
    "constant",
    "fan_in_uniform",
    "fans",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight of this shape.

    Raises
    ------
    ValueError
        If the shape has fewer than two dimensions: a bias has no fan.

    Examples
    --------
    >>> fans((100, 784))
    (784, 100)
    >>> fans((20, 3, 5, 5))
    (75, 500)
    """
    if len(shape) < 2:
        raise ValueError(f"initializers: shape: expected a weight of 2 or more dimensions, got {shape}")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def zeros(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    """All 0."""
    return np.zeros(shape, dtype)


def ones(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    """All 1."""
    return np.ones(shape, dtype)


def constant(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, value: float = 0.0
) -> NDArray[Any]:
    """All `value`."""
    return np.full(shape, value, dtype)


def uniform(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    dtype: DTypeLike,
    *,
    low: float = -0.05,
    high: float = 0.05,
) -> NDArray[Any]:
    """Uniform in [low, high). Drawn in float64 and rounded, so both dtypes see the same numbers."""
    return rng.uniform(low, high, shape).astype(dtype)


def normal(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    dtype: DTypeLike,
    *,
    mean: float = 0.0,
    std: float = 0.05,
) -> NDArray[Any]:
    """Normal with this mean and standard deviation."""
    return rng.normal(mean, std, shape).astype(dtype)


def fan_in_uniform(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)), PyTorch's default for Linear and Conv2d."""
    bound = 1.0 / math.sqrt(fans(shape)[0])
    return uniform(shape, rng, dtype, low=-bound, high=bound)


def lecun_uniform(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    """U(-a, a), a = sqrt(3 / fan_in), of variance 1/fan_in (LeCun et al. 1998, "Efficient BackProp")."""
    bound = math.sqrt(3.0 / fans(shape)[0])
    return uniform(shape, rng, dtype, low=-bound, high=bound)


def lecun_normal(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    """N(0, 1/fan_in): a linear layer keeps its input's variance (LeCun et al. 1998, "Efficient BackProp")."""
    return normal(shape, rng, dtype, std=1.0 / math.sqrt(fans(shape)[0]))


def xavier_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, gain: float = 1.0
) -> NDArray[Any]:
    """U(-a, a), a = gain sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010); suits tanh and sigmoid."""
    bound = gain * math.sqrt(6.0 / sum(fans(shape)))
    return uniform(shape, rng, dtype, low=-bound, high=bound)


def xavier_normal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, gain: float = 1.0
) -> NDArray[Any]:
    """N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    return normal(shape, rng, dtype, std=gain * math.sqrt(2.0 / sum(fans(shape))))


def kaiming_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, gain: float = math.sqrt(2.0)
) -> NDArray[Any]:
    """U(-a, a), a = gain sqrt(3 / fan_in) (He et al. 2015); gain sqrt(2) suits ReLU."""
    bound = gain * math.sqrt(3.0 / fans(shape)[0])
    return uniform(shape, rng, dtype, low=-bound, high=bound)


def kaiming_normal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, gain: float = math.sqrt(2.0)
) -> NDArray[Any]:
    """N(0, s^2), s = gain / sqrt(fan_in) (He et al. 2015); gain sqrt(2) suits ReLU."""
    return normal(shape, rng, dtype, std=gain / math.sqrt(fans(shape)[0]))


def orthogonal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, gain: float = 1.0
) -> NDArray[Any]:
    """`gain` times a random orthogonal matrix (Saxe, McClelland, Ganguli 2014, arXiv:1312.6120).

    As a matrix (shape[0], product of the rest) its rows are orthonormal, or its columns when there are more
    rows.
    Uniform over all such matrices: the Q of a normal matrix, its signs such that R's diagonal is positive
    (Mezzadri 2007, "How to generate random matrices from the classical compact groups").

    Raises
    ------
    ValueError
        If the shape has fewer than two dimensions.

    Examples
    --------
    >>> w = orthogonal((3, 5), np.random.default_rng(0), "float64")
    >>> bool(np.allclose(w @ w.T, np.eye(3)))
    True
    """
    fans(shape)  # refuses a bias
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)


# The same by their authors' other name, Keras's.
glorot_uniform, glorot_normal = xavier_uniform, xavier_normal
he_uniform, he_normal = kaiming_uniform, kaiming_normal

_NAMED: dict[str, Initializer] = {
    f.__name__: f
    for f in (
        zeros,
        ones,
        constant,
        uniform,
        normal,
        fan_in_uniform,
        lecun_uniform,
        lecun_normal,
        orthogonal,
        xavier_uniform,
        xavier_normal,
        kaiming_uniform,
        kaiming_normal,
    )
}
_NAMED.update(
    glorot_uniform=glorot_uniform, glorot_normal=glorot_normal, he_uniform=he_uniform, he_normal=he_normal
)


def get(init: str | Initializer, owner: str = "initializers.get", name: str = "init") -> Initializer:
    """The initializer of that name, or the callable itself.

    Raises
    ------
    ValueError
        For an unknown name.
    TypeError
        For anything that is neither a name nor callable.
    """
    if isinstance(init, str):
        if init not in _NAMED:
            raise ValueError(f"{owner}: {name}: expected one of {', '.join(sorted(_NAMED))}, got {init!r}")
        return _NAMED[init]
    if not callable(init):
        raise TypeError(f"{owner}: {name}: expected a name or a callable(shape, rng, dtype), got {init!r}")
    return init
