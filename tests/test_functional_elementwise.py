"""Activation functions and dropout against the reference: every size, special values, views, in place."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import FLOATS, SIZES, both_floats, guarded, normal, rng, views
from .tolerances import EXP_ULP, LOG_ULP, SIGMOID_ULP, TANH_ULP, assert_close, both, exact, tiny

# Functions, and their largest errors in units of u (2 an ULP), relative to the result. With E = 2 EXP_ULP,
# S = 2 SIGMOID_ULP, L = 2 LOG_ULP, roundings counted as 1 each:
#   elu: expm1 (E), the product with alpha. selu: a constant more, rounded.
#   silu: the sigmoid (S) and a product.
#   mish: e^x (E), which w = n / (n + 2) takes over at most once; e + 2, n, n + 2, the quotient, the product.
#   softplus: e^x (E) and log1p (L), a sum, a quotient. softsign: a sum, a quotient, both of them rounded.
# hard_sigmoid, gelu: relative to more than the result; see forward_bound.
FORWARD = {
    "sigmoid": 2 * SIGMOID_ULP,
    "tanh": 2 * TANH_ULP,
    "relu": 0,
    "leaky_relu": 2,
    "step": 0,
    "hard_sigmoid": 1,
    "relu6": 0,
    "elu": 2 * EXP_ULP + 1,
    "selu": 2 * EXP_ULP + 2,
    "gelu": 1,
    "silu": 2 * SIGMOID_ULP + 1,
    "mish": 2 * EXP_ULP + 5,
    "softplus": 2 * EXP_ULP + 2 * LOG_ULP + 2,
    "softsign": 2,
}
# The same for the backward functions, relative to g and to the result: (g, result). What is added up is at
# most of g's size.
#   gelu: Phi (2), x phi <= 0.25 with c^2 (x^2 / 2 roundings: 0.5), exp (E) and 2 products, the sum and the
#   product. silu: s (S + 1), x s (1 - s) <= 0.25 with both factors (2 S + 1) and 2 products, the sum and the
#   product. mish: w (E + 4), |x w'| <= 0.5, in which e appears to the power of at most 2 (2 E), r twice (3
#   each) and 5 products and sums; the sum and the product.
BACKWARD = {
    "relu": (0, 0),
    "leaky_relu": (0, 2),
    "step": (0, 0),
    "hard_sigmoid": (0, 1),
    "relu6": (0, 0),
    "elu": (0, 2 * EXP_ULP + 2),
    "selu": (0, 2 * EXP_ULP + 3),
    "gelu": (2 + 0.5 + 0.25 * (2 * EXP_ULP + 2) + 2 * 1.2, 0),
    "silu": (2 * SIGMOID_ULP + 1 + 0.25 * (4 * SIGMOID_ULP + 3) + 2 * 1.2, 0),
    "mish": (2 * EXP_ULP + 4 + 0.5 * (4 * EXP_ULP + 11) + 2 * 1.2, 0),
    "softplus": (0, 2 * SIGMOID_ULP + 1),
    "softsign": (0, 4),
}
every_function = pytest.mark.parametrize("name", FORWARD)

SPECIAL = [
    np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1e-30, -1e-30, 20.0, -20.0, 87.3, -87.4,
    88.8, -88.8, 103.9, -104.5, 709.7, -709.9, -745.2, 1e30, -1e30,
]  # fmt: skip


def special(dtype):
    info = np.finfo(dtype)
    edge = [info.smallest_subnormal, info.tiny, info.max, info.eps]
    return np.array(SPECIAL + edge + [-e for e in edge], dtype)


def inputs(n, dtype, *key):
    """Numbers over the range where the functions bend, and some far outside of it."""
    x = rng(n, *key).standard_normal(n) * np.exp(rng(n, 1, *key).uniform(-6, 4, n))
    return x.astype(dtype)


def forward_bound(name, expected, dtype, x=None):
    """So many ULP of the result (one ULP is at most eps |y|), and the twin's own error in float64."""
    size = np.where(np.isfinite(expected), np.abs(expected), 0)  # infinities must be equal anyway
    relative = both(FORWARD[name], dtype) * size
    if x is not None and name in ("gelu", "silu", "mish"):
        # x times a factor: Phi is off by 2 u absolutely, the others' factors lose what a denormal loses.
        x = np.where(np.isfinite(exact(x)), np.abs(exact(x)), 0)
        return relative + both(2 if name == "gelu" else 0, dtype) * x + tiny(dtype, 2) * (1 + x)
    if name == "hard_sigmoid":
        relative = relative + both(1, dtype)  # x + 3 <= 6 is rounded, and divided by 6
    return relative + tiny(dtype, 2)


def backward_bound(name, g, x, expected, dtype):
    """From the chain rule's roundings, in units of u.

    sigmoid: s is off by 2 ULP-units relatively, and so is 1 - s absolutely: |g| s (1 - s) (2 U + 4) + |g| s 2
    U. tanh: t^2 is off by 4 U + 1 absolutely at most, 1 - t^2 by one more, the product by one: |g| (4 U + 3).
    The others: BACKWARD.
    """
    u = both(1, dtype)
    g = np.abs(exact(g))
    if name == "sigmoid":
        s = ref.sigmoid(exact(x))
        return u * ((2 * SIGMOID_ULP + 4) * np.abs(expected) + 2 * SIGMOID_ULP * g * s) + tiny(dtype, 4)
    if name == "tanh":
        return u * (4 * TANH_ULP + 3) * g + tiny(dtype, 4)
    of_g, of_result = BACKWARD[name]
    return u * (of_g * g + of_result * np.abs(expected)) + tiny(dtype, 4) * (1 + g) * (1 + np.abs(exact(x)))


@both_floats
@every_function
def test_forward_sizes(isa, dtype, name):
    for n in SIZES:
        x = inputs(n, dtype)
        got = getattr(nf, name)(x)
        assert got.dtype == dtype
        expected = getattr(ref, name)(exact(x))
        assert_close(got, expected, forward_bound(name, expected, dtype, x))


@both_floats
@every_function
def test_backward_sizes(isa, dtype, name):
    for n in SIZES:
        x, g = inputs(n, dtype), normal(n, dtype, n)
        got = getattr(nf, name + "_backward")(g, x)
        assert got.dtype == dtype
        expected = getattr(ref, name + "_backward")(exact(g), exact(x))
        assert_close(got, expected, backward_bound(name, g, x, expected, dtype))


@both_floats
@every_function
def test_special_values(isa, dtype, name):
    x = special(dtype)
    with np.errstate(all="ignore"):
        expected = getattr(ref, name)(exact(x))
        rounded = expected.astype(dtype)  # float32's largest may not survive a product in float64
    got = getattr(nf, name)(x)
    expected = np.where(np.isfinite(rounded), expected, rounded)
    assert_close(got, expected, forward_bound(name, expected, dtype, x))
    if name != "relu":  # relu(-0.0) is 0.0, as where(x <= 0, 0, x) says
        np.testing.assert_array_equal(np.signbit(got[x == 0]), np.signbit(expected[x == 0]))


@both_floats
@every_function
def test_backward_special_values(isa, dtype, name):
    x = special(dtype)
    x = x[np.isfinite(x)]
    for g in (1.0, -2.0):
        gradient = np.full_like(x, g)
        expected = getattr(ref, name + "_backward")(exact(gradient), exact(x))
        got = getattr(nf, name + "_backward")(gradient, x)
        assert_close(got, expected, backward_bound(name, gradient, x, expected, dtype))
    nan = getattr(nf, name + "_backward")(np.array([np.nan, 1], dtype), np.array([1, np.nan], dtype))
    assert np.isnan(nan[0]) or name == "step"  # whose derivative is 0


@both_floats
@every_function
def test_tails_equal_the_middle(isa, dtype, name):
    """A value does not depend on its place: masked tails compute the same bits as whole vectors."""
    x = inputs(200, dtype, 3)
    whole = getattr(nf, name)(x)
    for n in range(70):
        np.testing.assert_array_equal(getattr(nf, name)(x[n : 2 * n]), whole[n : 2 * n])


@both_floats
@every_function
def test_guard_pages(isa, dtype, name):
    for n in SIZES:
        x, g = guarded(inputs(n, dtype)), guarded(normal(n, dtype, n))
        out = guarded(np.full(n, np.nan, dtype))
        getattr(nf, name)(x, out=out)
        np.testing.assert_array_equal(out, getattr(nf, name)(x.copy()))
        getattr(nf, name + "_backward")(g, x, out=out)
        np.testing.assert_array_equal(out, getattr(nf, name + "_backward")(g.copy(), x.copy()))


@both_floats
@every_function
def test_views(isa, dtype, name):
    x, g = inputs(7 * 37, dtype).reshape(7, 37), normal((7, 37), dtype, 5)
    y, gx = getattr(nf, name)(x), getattr(nf, name + "_backward")(g, x)
    for _, view in views(x):
        np.testing.assert_array_equal(getattr(nf, name)(view), y)
        np.testing.assert_array_equal(getattr(nf, name + "_backward")(g, view), gx)
    for _, view in views(g):
        np.testing.assert_array_equal(getattr(nf, name + "_backward")(view, x), gx)
    np.testing.assert_array_equal(getattr(nf, name)(x.T), y.T)


@both_floats
@every_function
def test_in_place(isa, dtype, name):
    x, g = inputs(130, dtype), normal(130, dtype, 5)
    y, gx = getattr(nf, name)(x), getattr(nf, name + "_backward")(g, x)
    work = x.copy()
    assert getattr(nf, name)(work, out=work) is work
    np.testing.assert_array_equal(work, y)
    work = g.copy()
    assert getattr(nf, name + "_backward")(work, x, out=work) is work
    np.testing.assert_array_equal(work, gx)


@every_function
def test_scalars_and_shapes(name):
    f = getattr(nf, name)
    for value in (2, 2.0, np.float64(2), np.array(2.0)):
        got = f(value)
        assert isinstance(got, np.ndarray)
        assert got.shape == ()
        assert got.dtype == np.float64
    assert f(np.float32(2)).dtype == np.float32
    assert f(np.zeros((2, 0, 3), np.float32)).shape == (2, 0, 3)
    assert f(np.zeros((1, 1, 5, 1, 2))).shape == (1, 1, 5, 1, 2)
    out = np.array(0.0)
    assert f(2.0, out=out) is out


@every_function
def test_conversions(name):
    """float16 becomes float32; sequences, integers and booleans float64."""
    f = getattr(nf, name)
    x = np.array([-2, -1, 0, 1, 3])
    expected = f(x.astype(np.float64))
    for kind in ("b", "h", "i", "l", "q"):
        np.testing.assert_array_equal(f(x.astype(kind)), expected)
    np.testing.assert_array_equal(f([-2, -1, 0, 1, 3]), expected)
    np.testing.assert_array_equal(f((-2.0, -1.0, 0.0, 1.0, 3.0)), expected)
    np.testing.assert_array_equal(f(np.array([True, False])), f(np.array([1.0, 0.0])))
    np.testing.assert_array_equal(f(np.array([3, 200], np.uint8)), f(np.array([3.0, 200.0])))
    half = f(x.astype(np.float16))
    assert half.dtype == np.float32
    np.testing.assert_array_equal(half, f(x.astype(np.float32)))


@both_floats
def test_slopes(isa, dtype):
    x, g = inputs(100, dtype), normal(100, dtype, 1)
    for slope in (0.0, 0.2, 1.0, 2.5, -0.5):
        expected = ref.leaky_relu(exact(x), slope)
        # The slope itself is rounded to the dtype: one rounding more.
        assert_close(nf.leaky_relu(x, slope), expected, both(2, dtype) * np.abs(expected) + tiny(dtype))
        expected = ref.leaky_relu_backward(exact(g), exact(x), slope)
        assert_close(
            nf.leaky_relu_backward(g, x, slope), expected, both(2, dtype) * np.abs(expected) + tiny(dtype)
        )


@both_floats
def test_elu_alphas(isa, dtype):
    x, g = inputs(100, dtype), normal(100, dtype, 1)
    for alpha in (0.0, 0.3, 1.0, 2.5, -0.5):
        # One rounding more, that of alpha itself.
        for got, expected in (
            (nf.elu(x, alpha), ref.elu(exact(x), alpha)),
            (nf.elu_backward(g, x, alpha), ref.elu_backward(exact(g), exact(x), alpha)),
        ):
            assert_close(got, expected, both(2 * EXP_ULP + 3, dtype) * np.abs(expected) + tiny(dtype, 4))


@both_floats
def test_gelu_by_tanh(isa, dtype):
    """gelu with approximate="tanh": x s, s = sigmoid(v), v = 2 u.

    v has 4 roundings, which s takes over |v| s'(v) <= 0.23 fold. The derivative adds x s (1 - s) v', at most
    0.5, with 5 roundings in x v', S + 1 in each of s and 1 - s, and twice the error of v's 4, |v| <= 2 where
    it counts.
    """
    s = 2 * SIGMOID_ULP
    x = np.concatenate([inputs(1000, dtype), special(dtype)])
    expected = ref.gelu(exact(x), "tanh")
    size = np.where(np.isfinite(exact(x)), np.abs(exact(x)), 0)
    result = np.where(np.isfinite(expected), np.abs(expected), 0)
    bound = both(s + 1, dtype) * result + both(0.23 * 4, dtype) * size
    rounded = np.where(np.isfinite(expected.astype(dtype)), expected, expected.astype(dtype))
    assert_close(nf.gelu(x, "tanh"), rounded, bound + tiny(dtype, 2) * (1 + size))
    x = x[np.isfinite(x)]
    g = normal(x.size, dtype, 4)
    expected = ref.gelu_backward(exact(g), exact(x), "tanh")
    units = (s + 1 + 0.23 * 4) + 0.5 * (5 + 2 * (s + 1) + 2 + 2 * 2 * 4) + 2 * 1.2
    bound = both(units, dtype) * np.abs(exact(g)) + tiny(dtype, 4) * (1 + np.abs(exact(g))) * (
        1 + np.abs(exact(x))
    )
    assert_close(nf.gelu_backward(g, x, "tanh"), expected, bound)
    # The two forms differ by less than 5e-4, and that is no rounding.
    assert 1e-5 < np.abs(nf.gelu(inputs(999, dtype)) - nf.gelu(inputs(999, dtype), "tanh")).max() < 5e-4


@both_floats
def test_softplus_options(isa, dtype):
    x, g = 3 * normal(500, dtype, 1), normal(500, dtype, 2)
    for beta, threshold in ((1.0, 20.0), (0.5, 2.0), (4.0, 20.0), (2.0, -1.0)):
        expected = ref.softplus(exact(x), beta, threshold)
        # beta is exact, so that both jump to x at the same place; it multiplies and divides exactly here.
        assert_close(
            nf.softplus(x, beta, threshold),
            expected,
            both(FORWARD["softplus"], dtype) * np.abs(expected) + tiny(dtype, 4),
        )
        expected = ref.softplus_backward(exact(g), exact(x), beta, threshold)
        bound = both(2 * SIGMOID_ULP + 1, dtype) * np.abs(expected) + tiny(dtype, 4)
        assert_close(nf.softplus_backward(g, x, beta, threshold), expected, bound)
    np.testing.assert_array_equal(nf.softplus(np.array([2.5, 3.0], dtype), 1.0, 2.0), [2.5, 3.0])


STORED = {  # torch 2.13 in float64, at -3, -1, -0.5, 0, 0.5, 2 and 7
    "hard_sigmoid": (
        [0.0, 0.3333333333333333, 0.4166666666666667, 0.5, 0.5833333333333334, 0.8333333333333334, 1.0],
        [
            0.0,
            0.16666666666666666,
            0.16666666666666666,
            0.16666666666666666,
            0.16666666666666666,
            0.16666666666666666,
            0.0,
        ],
    ),
    "relu6": (
        [0.0, 0.0, 0.0, 0.0, 0.5, 2.0, 6.0],
        [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0],
    ),
    "elu": (
        [-0.950212931632136, -0.6321205588285577, -0.3934693402873666, 0.0, 0.5, 2.0, 7.0],
        [0.049787068367863944, 0.36787944117144233, 0.6065306597126334, 1.0, 1.0, 1.0, 1.0],
    ),
    "selu": (
        [
            -1.6705687287671118,
            -1.1113307378125625,
            -0.6917581878028713,
            0.0,
            0.5253504936777402,
            2.101401974710961,
            7.354906911488364,
        ],
        [
            0.08753061208026487,
            0.646768603034814,
            1.0663411530445053,
            1.7580993408473766,
            1.0507009873554805,
            1.0507009873554805,
            1.0507009873554805,
        ],
    ),
    "gelu": (
        [
            -0.00404969409489031,
            -0.15865525393145702,
            -0.15426876936299344,
            0.0,
            0.34573123063700656,
            1.9544997361036416,
            6.999999999991041,
        ],
        [
            -0.01194564720418392,
            -0.08331547058768635,
            0.13250487534383712,
            0.5,
            0.8674951246561629,
            1.085231801078197,
            1.0000000000626632,
        ],
    ),
    "gelu tanh": (
        [
            -0.0036373920817729943,
            -0.15880800939172324,
            -0.15428599017485606,
            0.0,
            0.34571400982514394,
            1.954597694087775,
            6.999999999999997,
        ],
        [
            -0.011584166630969648,
            -0.08296408384578252,
            0.13263009646535764,
            0.5,
            0.8673699035346424,
            1.0860992566236183,
            1.0000000000000278,
        ],
    ),
    "silu": (
        [
            -0.14227761953270035,
            -0.2689414213699951,
            -0.1887703343990727,
            0.0,
            0.3112296656009273,
            1.7615941559557646,
            6.993622641639196,
        ],
        [
            -0.08810410601516962,
            0.07232948812851325,
            0.2600388126973482,
            0.5,
            0.7399611873026519,
            1.0907842487848955,
            1.0054604970664518,
        ],
    ),
    "mish": (
        [
            -0.1456474612756246,
            -0.30340146137410895,
            -0.22074377465173,
            0.0,
            0.3752452113048951,
            1.9439589595339946,
            6.999988379809741,
        ],
        [
            -0.09339311453232084,
            0.059216755877395014,
            0.28951067791351226,
            0.6,
            0.8864243753577272,
            1.0693179342794896,
            1.000021559160889,
        ],
    ),
    "softplus": (
        [
            0.04858735157374206,
            0.31326168751822286,
            0.4740769841801067,
            0.6931471805599453,
            0.9740769841801067,
            2.1269280110429727,
            7.000911466453774,
        ],
        [
            0.04742587317756679,
            0.2689414213699951,
            0.37754066879814546,
            0.5,
            0.6224593312018546,
            0.8807970779778824,
            0.9990889488055994,
        ],
    ),
    "softsign": (
        [-0.75, -0.5, -0.3333333333333333, 0.0, 0.3333333333333333, 0.6666666666666666, 0.875],
        [0.0625, 0.25, 0.4444444444444444, 1.0, 0.4444444444444444, 0.1111111111111111, 0.015625],
    ),
}
AT = np.array([-3.0, -1.0, -0.5, 0.0, 0.5, 2.0, 7.0])


@pytest.mark.parametrize("library", [nf, ref], ids=["nnfast", "reference"])
@pytest.mark.parametrize("name", STORED)
def test_stored_values(library, name):
    function, _, approximate = name.partition(" ")
    options = {"approximate": approximate} if approximate else {}
    values, slopes = STORED[name]
    np.testing.assert_allclose(getattr(library, function)(AT, **options), values, rtol=1e-14, atol=1e-16)
    got = getattr(library, function + "_backward")(np.ones(7), AT, **options)
    np.testing.assert_allclose(got, slopes, rtol=2e-14, atol=1e-15)


@both_floats
@pytest.mark.parametrize(
    "name", ["step", "hard_sigmoid", "relu6", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign"]
)
def test_infinite_inputs_give_limits(isa, dtype, name):
    low, high = {
        "step": (0, 1), "hard_sigmoid": (0, 1), "relu6": (0, 6), "elu": (-1, np.inf),
        "selu": (dtype(-1.7580993408473769), np.inf), "softsign": (-1, 1),
    }.get(name, (0, np.inf))  # fmt: skip
    largest = np.finfo(dtype).max
    x = np.array([-np.inf, -largest, np.inf, np.nan], dtype)
    y = getattr(nf, name)(x)
    np.testing.assert_array_equal(y, np.array([low, low, high, np.nan], dtype))
    slope = getattr(nf, name + "_backward")(np.ones(3, dtype), x[:3])
    rising = {"step": 0, "hard_sigmoid": 0, "relu6": 0, "softsign": 0, "selu": 1.0507009873554805}.get(
        name, 1
    )
    np.testing.assert_allclose(slope, [0, 0, rising], rtol=1e-6, atol=np.finfo(dtype).tiny)


# ---------------------------------------------------------------- gradients

KINKS = {"step": (0.0,), "hard_sigmoid": (-3.0, 3.0), "relu6": (0.0, 6.0)}


@pytest.mark.parametrize("library", [nf, ref], ids=["nnfast", "reference"])
@pytest.mark.parametrize("name", BACKWARD)
def test_gradients_against_central_differences(library, name):
    """(f(x + h) - f(x - h)) / 2 h, off by h^2 f^(3) / 6 and eps |f| / h: below 1e-9 for h = eps^(1/3)."""
    x, h = np.linspace(-7, 7, 157) + 0.003, np.finfo(float).eps ** (1 / 3)
    x = x[np.all([np.abs(x - kink) > 2 * h for kink in KINKS.get(name, (0.0,))], axis=0)]
    f = getattr(library, name)
    expected = (f(x + h) - f(x - h)) / (2 * h)
    np.testing.assert_allclose(
        getattr(library, name + "_backward")(np.ones_like(x), x), expected, rtol=0, atol=1e-9
    )


# ---------------------------------------------------------------- dropout


@both_floats
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0, 1e-9, 1 - 1e-9])
def test_dropout(isa, dtype, p):
    for n in [*SIZES, 1000]:
        x = normal(n, dtype, n)
        for seed, step, layer in [(0, 0, 0), (1, 2, 3), (2**64 - 1, 2**32 - 1, 2**32 - 1)]:
            key = {"seed": seed, "step": step, "layer": layer}
            twin = ref.dropout(x, p, **key)
            got = nf.dropout(x, p, **key)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got == 0, twin == 0)
            assert_close(got, twin, 2 * both(1, dtype) * np.abs(exact(twin)))
            np.testing.assert_array_equal(nf.dropout_backward(x, p, **key), got)


@both_floats
def test_dropout_not_training(dtype):
    x = normal((5, 7), dtype, 1)
    for f in (nf.dropout, nf.dropout_backward):
        got = f(x, 0.5, False, seed=3)
        np.testing.assert_array_equal(got, x)
        assert not np.shares_memory(got, x)


@both_floats
def test_dropout_keeps_its_share(dtype):
    kept = np.count_nonzero(nf.dropout(np.ones(1 << 16, dtype), 0.3, seed=5)) / (1 << 16)
    deviation = (0.3 * 0.7 / (1 << 16)) ** 0.5
    assert abs(kept - 0.7) < 5 * deviation


@pytest.mark.parametrize("dtype", FLOATS)
def test_dropout_places(isa, dtype):
    for n in SIZES:
        x = guarded(normal(n, dtype, n))
        out = guarded(np.full(n, np.nan, dtype))
        nf.dropout(x, 0.4, seed=9, out=out)
        np.testing.assert_array_equal(out, nf.dropout(x.copy(), 0.4, seed=9))
        nf.dropout(x, 0.4, seed=9, out=x)
        np.testing.assert_array_equal(x, out)
    square = normal((9, 9), dtype, 1)
    np.testing.assert_array_equal(
        nf.dropout(square.T, 0.4, seed=9), nf.dropout(np.ascontiguousarray(square.T), 0.4, seed=9)
    )
