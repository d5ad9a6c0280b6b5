"""Initial values of weights and biases.

What this is: small functions `f(shape, rng, dtype)` that return a new array; layers take one, or its name, as
`weight_init=` and `bias_init=`. Settings are keywords, with the names and defaults of torch.nn.init:
`functools.partial(normal, std=0.01)`. All draw in float64 and round, so both dtypes see the same numbers.
What this is not: the layers' default, which is PyTorch's: U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weight and
bias, `fan_in_uniform` here.

Shapes are PyTorch's: linear weights (out, in), convolution weights (out, in / groups, kh, kw). fan_in is the
number of inputs one output sees, fan_out the number of outputs one input feeds.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnfast import _checks

# Text, so that importing nnfast does not load numpy.random.
Initializer: TypeAlias = "Callable[[tuple[int, ...], np.random.Generator, Any], NDArray[Any]]"

__all__ = [
    "calculate_gain",
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

# ---------------------------------------------------------------- what all of them share

_NAMED: dict[str, Initializer] = {}
_FOR_WEIGHTS: list[Any] = []  # those that need a weight's fans, which a bias has not

_ARGUMENTS = """\
shape : tuple of int
    {shape}
rng : numpy.random.Generator
    Where random numbers are drawn from.
dtype : dtype
    float32 or float64."""
_ANY_SHAPE = "Of the array."
_WEIGHT_SHAPE = "Of a weight: (out, in), or (out, in / groups, ...) of a convolution."
_RESULT = """\

Returns
-------
array of this shape and dtype
"""
_ERRORS = """\

Raises
------
{}
"""
_NO_FANS = "ValueError\n    If the shape has fewer than two dimensions: a bias has no fans."
_NUMPYS = "TypeError, ValueError\n    NumPy's, for what is no shape or no dtype."

F = TypeVar("F", bound=Callable[..., NDArray[Any]])


def _initializer(*names: str, for_weights: bool = False) -> Callable[[F], F]:
    """Make the function known by its name and by `names`, and write into its docstring what all share.

    That is: shape, rng and dtype in front of its own settings, what is returned, and the errors of those
    without settings.
    """

    def register(function: F) -> F:
        for name in (function.__name__, *names):
            _NAMED[name] = function
        if for_weights:
            _FOR_WEIGHTS.append(function)
        if function.__doc__ is None:  # python -OO
            return function
        text = inspect.cleandoc(function.__doc__)
        arguments = _ARGUMENTS.format(shape=_WEIGHT_SHAPE if for_weights else _ANY_SHAPE)
        head, rule, settings = text.partition("Parameters\n----------\n")
        if rule:
            own, _, rest = settings.partition("\n\n")
            text = f"{head}{rule}{arguments}\n{own}\n{_RESULT}\n{rest}"
        else:
            head, _, rest = text.partition("\n\nExamples\n")
            errors = _ERRORS.format(_NO_FANS if for_weights else _NUMPYS)
            text = f"{head}\n\nParameters\n----------\n{arguments}\n{_RESULT}{errors}\nExamples\n{rest}"
        function.__doc__ = text
        return function

    return register


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight of this shape.

    Parameters
    ----------
    shape : tuple of int
        (out, in), or (out, in / groups, ...) of a convolution.

    Returns
    -------
    (int, int)

    Raises
    ------
    ValueError
        If the shape has fewer than two dimensions: a bias has no fans.

    Examples
    --------
    >>> from nnfast.initializers import fans
    >>> fans((100, 784))
    (784, 100)
    >>> fans((20, 3, 5, 5))
    (75, 500)
    """
    if len(shape) < 2:
        raise ValueError(f"initializers: shape: expected a weight of 2 or more dimensions, got {shape}")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


_PIECE = 1 << 20  # numbers drawn at once
_GAINS: dict[str, float] = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv_transpose2d", "sigmoid"), 1.0),
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4.0,
}


def calculate_gain(nonlinearity: str, param: float | None = None, *, owner: str = "calculate_gain") -> float:
    """What a weight's standard deviation is multiplied by for the activation that follows it.

    Parameters
    ----------
    nonlinearity : {"linear", "conv1d", "conv2d", "conv_transpose2d", "sigmoid", "tanh", "relu",
        "leaky_relu", "selu"}
    param : float, optional
        The negative slope of "leaky_relu", 0.01 when left out; nothing else has one.
    owner : str
        Who is named in an error.

    Returns
    -------
    float
        1 for "sigmoid" and what is linear, 5/3 for "tanh", sqrt(2) for "relu", sqrt(2 / (1 + slope^2)) for
        "leaky_relu", 3/4 for "selu".

    Raises
    ------
    TypeError, ValueError
        For another name, and for a slope that is no finite number.

    Notes
    -----
    ``torch.nn.init.calculate_gain``. Those of rectifiers keep the variance of what passes (He et al. 2015).

    Examples
    --------
    >>> from nnfast.initializers import calculate_gain
    >>> round(calculate_gain("relu") ** 2, 12), round(calculate_gain("leaky_relu", 1.0), 12)
    (2.0, 1.0)
    """
    _checks.choice(owner, "nonlinearity", nonlinearity, (*_GAINS, "leaky_relu"))
    name = "param" if owner == "calculate_gain" else "a"
    slope = 0.01 if param is None else _checks.real(owner, name, param)
    return _GAINS.get(nonlinearity, math.sqrt(2.0 / (1.0 + slope * slope)))


def _drawn(draw: Callable[[int], NDArray[Any]], shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """What `draw` gives, a million at a time, so that Ctrl-C does not wait for all of a large layer."""
    values = np.empty(shape, dtype)
    flat = values.reshape(-1)
    for first in range(0, flat.size, _PIECE):
        part = flat[first : first + _PIECE]
        part[:] = draw(part.size)
    return values


def _draw_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, bound: float
) -> NDArray[Any]:
    return _drawn(lambda n: rng.uniform(-bound, bound, n), shape, dtype)


def _draw_normal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, std: float
) -> NDArray[Any]:
    return _drawn(lambda n: rng.normal(0.0, std, n), shape, dtype)


# ---------------------------------------------------------------- of any shape


@_initializer()
def zeros(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    """All 0.

    Examples
    --------
    >>> zeros((2,), np.random.default_rng(0), "float64")
    array([0., 0.])
    """
    return np.zeros(shape, dtype)


@_initializer()
def ones(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    """All 1.

    Examples
    --------
    >>> ones((2,), np.random.default_rng(0), "float64")
    array([1., 1.])
    """
    return np.ones(shape, dtype)


@_initializer()
def constant(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, val: float = 0.0
) -> NDArray[Any]:
    """All `val`.

    Parameters
    ----------
    val : float

    Raises
    ------
    TypeError, ValueError
        If `val` is no finite number.

    Examples
    --------
    >>> constant((2,), np.random.default_rng(0), "float64", val=1.5)
    array([1.5, 1.5])
    """
    return np.full(shape, _checks.real("constant", "val", val), dtype)


@_initializer()
def uniform(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, a: float = 0.0, b: float = 1.0
) -> NDArray[Any]:
    """Uniform in [a, b).

    Parameters
    ----------
    a, b : float
        a <= b.

    Raises
    ------
    TypeError, ValueError
        If one is no finite number, or b is below a.

    Examples
    --------
    >>> x = uniform((100,), np.random.default_rng(0), "float64", a=-0.1, b=0.1)
    >>> bool(-0.1 <= x.min() < x.max() < 0.1)
    True
    """
    a = _checks.real("uniform", "a", a)
    b = _checks.real("uniform", "b", b, low=a)
    return _drawn(lambda n: rng.uniform(a, b, n), shape, dtype)


@_initializer()
def normal(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    dtype: DTypeLike,
    *,
    mean: float = 0.0,
    std: float = 1.0,
) -> NDArray[Any]:
    """Normal with this mean and standard deviation.

    Parameters
    ----------
    mean : float
    std : float >= 0

    Raises
    ------
    TypeError, ValueError
        If one is no finite number, or std is negative.

    Examples
    --------
    >>> normal((2,), np.random.default_rng(0), "float64", mean=3.0, std=0.0)
    array([3., 3.])
    """
    mean, std = _checks.real("normal", "mean", mean), _checks.real("normal", "std", std, low=0.0)
    return _drawn(lambda n: rng.normal(mean, std, n), shape, dtype)


# ---------------------------------------------------------------- of weights


def _over(number: float, fan: int) -> float:
    """sqrt(number / fan). A fan of 0 is that of a weight without elements."""
    return math.sqrt(number / max(fan, 1))


@_initializer(for_weights=True)
def fan_in_uniform(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)), PyTorch's default for Linear and Conv2d.

    Examples
    --------
    >>> w = fan_in_uniform((3, 4), np.random.default_rng(0), "float64")
    >>> w.shape, bool(abs(w).max() <= 0.5)
    ((3, 4), True)
    """
    return _draw_uniform(shape, rng, dtype, _over(1.0, fans(shape)[0]))


@_initializer(for_weights=True)
def lecun_uniform(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    """U(-a, a), a = sqrt(3 / fan_in), of variance 1/fan_in (LeCun et al. 1998, "Efficient BackProp").

    Examples
    --------
    >>> w = lecun_uniform((3, 12), np.random.default_rng(0), "float64")
    >>> bool(abs(w).max() <= 0.5)
    True
    """
    return _draw_uniform(shape, rng, dtype, _over(3.0, fans(shape)[0]))


@_initializer(for_weights=True)
def lecun_normal(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    """N(0, 1/fan_in): a linear layer keeps its input's variance (LeCun et al. 1998, "Efficient BackProp").

    Examples
    --------
    >>> lecun_normal((300, 400), np.random.default_rng(0), "float64").std().round(2)
    np.float64(0.05)
    """
    return _draw_normal(shape, rng, dtype, _over(1.0, fans(shape)[0]))


def _xavier(function: str, shape: tuple[int, ...], gain: float, variance: float) -> float:
    return _checks.real(function, "gain", gain, low=0.0) * _over(variance, sum(fans(shape)))


@_initializer("glorot_uniform", for_weights=True)
def xavier_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, gain: float = 1.0
) -> NDArray[Any]:
    """U(-a, a), a = gain sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010); suits tanh and sigmoid.

    Parameters
    ----------
    gain : float >= 0
        See `calculate_gain`.

    Raises
    ------
    TypeError, ValueError
        If the gain is no finite number >= 0, or the shape has fewer than two dimensions.

    Examples
    --------
    >>> w = xavier_uniform((10, 14), np.random.default_rng(0), "float64", gain=2.0)
    >>> bool(abs(w).max() <= 1.0)
    True
    """
    return _draw_uniform(shape, rng, dtype, _xavier("xavier_uniform", shape, gain, 6.0))


@_initializer("glorot_normal", for_weights=True)
def xavier_normal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, gain: float = 1.0
) -> NDArray[Any]:
    """N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio 2010).

    Parameters
    ----------
    gain : float >= 0
        See `calculate_gain`.

    Raises
    ------
    TypeError, ValueError
        If the gain is no finite number >= 0, or the shape has fewer than two dimensions.

    Examples
    --------
    >>> xavier_normal((300, 500), np.random.default_rng(0), "float64").std().round(2)
    np.float64(0.05)
    """
    return _draw_normal(shape, rng, dtype, _xavier("xavier_normal", shape, gain, 2.0))


def _kaiming(
    function: str, shape: tuple[int, ...], a: float, mode: str, nonlinearity: str, variance: float
) -> float:
    a = _checks.real(function, "a", a)
    _checks.choice(function, "mode", mode, ("fan_in", "fan_out"))
    gain = calculate_gain(nonlinearity, a, owner=function)
    return gain * _over(variance, fans(shape)[mode == "fan_out"])


@_initializer("he_uniform", for_weights=True)
def kaiming_uniform(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    dtype: DTypeLike,
    *,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
) -> NDArray[Any]:
    """U(-c, c), c = gain sqrt(3 / fan) (He et al. 2015); gain sqrt(2) for ReLU, which is the default.

    Parameters
    ----------
    a : float
        The negative slope of "leaky_relu"; 0 is ReLU.
    mode : {"fan_in", "fan_out"}
        Which fan: "fan_in" keeps the variance of what goes forward, "fan_out" that of the gradients.
    nonlinearity : str
        The activation behind the weight, for its gain: see `calculate_gain`.

    Raises
    ------
    TypeError, ValueError
        For a setting of another kind or value, and for a shape of fewer than two dimensions.

    Examples
    --------
    >>> w = kaiming_uniform((24, 3), np.random.default_rng(0), "float64", mode="fan_out")
    >>> bool(abs(w).max() <= 0.5)
    True
    """
    return _draw_uniform(shape, rng, dtype, _kaiming("kaiming_uniform", shape, a, mode, nonlinearity, 3.0))


@_initializer("he_normal", for_weights=True)
def kaiming_normal(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    dtype: DTypeLike,
    *,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
) -> NDArray[Any]:
    """N(0, s^2), s = gain / sqrt(fan) (He et al. 2015); gain sqrt(2) for ReLU, which is the default.

    Parameters
    ----------
    a : float
        The negative slope of "leaky_relu"; 0 is ReLU.
    mode : {"fan_in", "fan_out"}
        Which fan: "fan_in" keeps the variance of what goes forward, "fan_out" that of the gradients.
    nonlinearity : str
        The activation behind the weight, for its gain: see `calculate_gain`.

    Raises
    ------
    TypeError, ValueError
        For a setting of another kind or value, and for a shape of fewer than two dimensions.

    Examples
    --------
    >>> kaiming_normal((300, 800), np.random.default_rng(0), "float64").std().round(2)
    np.float64(0.05)
    """
    return _draw_normal(shape, rng, dtype, _kaiming("kaiming_normal", shape, a, mode, nonlinearity, 1.0))


@_initializer(for_weights=True)
def orthogonal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike, *, gain: float = 1.0
) -> NDArray[Any]:
    """`gain` times a random orthogonal matrix (Saxe, McClelland, Ganguli 2014, arXiv:1312.6120).

    As a matrix (shape[0], product of the rest) its rows are orthonormal, or its columns when there are more
    rows.
    Uniform over all such matrices: the Q of a normal matrix, its signs such that R's diagonal is positive
    (Mezzadri 2007, "How to generate random matrices from the classical compact groups").

    Parameters
    ----------
    gain : float
        Every singular value's size.

    Raises
    ------
    TypeError, ValueError
        If the gain is no finite number, or the shape has fewer than two dimensions.

    Examples
    --------
    >>> w = orthogonal((3, 5), np.random.default_rng(0), "float64")
    >>> bool(np.allclose(w @ w.T, np.eye(3)))
    True
    """
    gain = _checks.real("orthogonal", "gain", gain)
    fans(shape)  # refuses a bias
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)


# The same by their authors' other name, Keras's.
glorot_uniform, glorot_normal = xavier_uniform, xavier_normal
he_uniform, he_normal = kaiming_uniform, kaiming_normal


# ---------------------------------------------------------------- by name


def get(
    init: str | Initializer, owner: str = "initializers.get", name: str = "init", *, bias: bool = False
) -> Initializer:
    """The initializer of that name, or the callable itself.

    Parameters
    ----------
    init : str or callable(shape, rng, dtype)
    owner, name : str
        Who is named in an error, and the argument.
    bias : bool
        Whether it is to fill a bias, which has no fans.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        For an unknown name, and for a bias if the initializer is one of weights.
    TypeError
        For anything that is neither a name nor callable.

    Examples
    --------
    >>> from nnfast.initializers import get, he_normal
    >>> get("he_normal") is he_normal
    True
    """
    if isinstance(init, str):
        if init not in _NAMED:
            raise ValueError(f"{owner}: {name}: expected one of {', '.join(sorted(_NAMED))}, got {init!r}")
        found = _NAMED[init]
    elif callable(init):
        found = init
    else:
        raise TypeError(f"{owner}: {name}: expected a name or a callable(shape, rng, dtype), got {init!r}")
    function = found
    while isinstance(function, functools.partial):
        function = function.func
    if bias and any(function is known for known in _FOR_WEIGHTS):
        fitting = ", ".join(sorted(key for key, known in _NAMED.items() if known not in _FOR_WEIGHTS))
        raise ValueError(
            f"{owner}: {name}: expected what needs no fans, which weights have: {fitting} or a callable; "
            f"got {init if isinstance(init, str) else function.__name__!r}"
        )
    return found
