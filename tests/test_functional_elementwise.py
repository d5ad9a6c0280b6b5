"""Activation functions and dropout against the reference: every size, special values, views, in place."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import FLOATS, SIZES, both_floats, guarded, normal, rng, views
from .tolerances import SIGMOID_ULP, TANH_ULP, assert_close, both, exact, tiny

FORWARD = {"sigmoid": SIGMOID_ULP, "tanh": TANH_ULP, "relu": 0, "leaky_relu": 1}
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


def forward_bound(name, expected, dtype):
    """So many ULP of the result (one ULP is at most eps |y|), and the twin's own error in float64."""
    size = np.where(np.isfinite(expected), np.abs(expected), 0)  # infinities must be equal anyway
    return 2 * FORWARD[name] * both(1, dtype) * size + tiny(dtype, 2)


def backward_bound(name, g, x, expected, dtype):
    """From the chain rule's roundings, in units of u.

    sigmoid: s is off by 2 ULP-units relatively, and so is 1 - s absolutely: |g| s (1 - s) (2 U + 4) + |g| s 2
    U. tanh: t^2 is off by 4 U + 1 absolutely at most, 1 - t^2 by one more, the product by one: |g| (4 U + 3).
    relu: exact. leaky_relu: one product.
    """
    u = both(1, dtype)
    g = np.abs(exact(g))
    if name == "sigmoid":
        s = ref.sigmoid(exact(x))
        return u * ((2 * SIGMOID_ULP + 4) * np.abs(expected) + 2 * SIGMOID_ULP * g * s) + tiny(dtype, 4)
    if name == "tanh":
        return u * (4 * TANH_ULP + 3) * g + tiny(dtype, 4)
    return 2 * FORWARD[name] * u * np.abs(expected) + tiny(dtype, 1)


@both_floats
@every_function
def test_forward_sizes(isa, dtype, name):
    for n in SIZES:
        x = inputs(n, dtype)
        got = getattr(nf, name)(x)
        assert got.dtype == dtype
        expected = getattr(ref, name)(exact(x))
        assert_close(got, expected, forward_bound(name, expected, dtype))


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
    assert_close(got, expected, forward_bound(name, expected, dtype))
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
    assert np.isnan(nan[0])


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
