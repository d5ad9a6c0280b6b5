"""softmax and log_softmax against the reference: every axis and length, extreme logits, views, in place."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import SIZES, both_floats, guarded, normal, views
from .tolerances import (
    LOG_ULP,
    assert_close,
    both,
    exact,
    flushed,
    log_softmax_bound,
    softmax_parts,
    softmax_relative,
)

NAMES = ["softmax", "log_softmax"]
every_function = pytest.mark.parametrize("name", NAMES)
LENGTHS = [n for n in SIZES if n > 0]


def forward_bound(name, x, axis, dtype):
    if name == "log_softmax":
        return log_softmax_bound(x, axis, dtype)
    return softmax_relative(x, axis, dtype) * softmax_parts(x, axis)[1] + flushed(dtype, np.shape(x)[axis])


def backward_bound(name, g, x, axis, dtype):
    """Roundings of the backward formulas over a softmax y with the relative error r of softmax_relative.

    softmax: y (g - s) with s = sum(g y): s is off by (r + gamma(n)) sum |g| y, g - s by one rounding more.
    log_softmax: g - y sum(g): the sum is off by gamma(n) sum |g|.
    """
    n = np.shape(x)[axis]
    _, y = softmax_parts(x, axis)
    r = softmax_relative(x, axis, dtype)
    g = np.abs(exact(g))
    if name == "softmax":
        s = (g * y).sum(axis=axis, keepdims=True)
        r_most = r.max(axis=axis, keepdims=True)
        return (
            y * ((r + both(3, dtype)) * (g + s) + (r_most + both(n + 1, dtype)) * s)
            + flushed(dtype, n) * g.max()
        )
    s = g.sum(axis=axis, keepdims=True)
    return (r + both(n + 3, dtype)) * y * s + both(1, dtype) * g + flushed(dtype, n) * s


def check(name, x, axis=-1):
    dtype = x.dtype.type
    got = getattr(nf, name)(x, axis)
    assert got.dtype == dtype
    assert_close(got, getattr(ref, name)(exact(x), axis), forward_bound(name, x, axis, dtype))
    g = normal(x.shape, dtype, 77)
    back = getattr(nf, name + "_backward")(g, x, axis)
    twin = getattr(ref, name + "_backward")(exact(g), exact(x), axis)
    assert_close(back, twin, backward_bound(name, g, x, axis, dtype))
    return got


@both_floats
@every_function
def test_lengths(isa, dtype, name):
    for n in LENGTHS:
        for rows in (1, 3):
            check(name, 3 * normal((rows, n), dtype, rows, n))


@both_floats
@every_function
@pytest.mark.parametrize("shape", [(5,), (3, 7), (2, 17, 5), (4, 3, 8, 9), (1, 33, 1), (2, 5, 16, 3)])
def test_axes(isa, dtype, name, shape):
    x = 2 * normal(shape, dtype, 1)
    for axis in range(-len(shape), len(shape)):
        check(name, x, axis)


@both_floats
@every_function
def test_large_logits(isa, dtype, name):
    """Nothing overflows, and a shift of the logits changes nothing but roundings."""
    x = normal((4, 50), dtype, 1) * dtype(30)
    check(name, x)
    check(name, x + dtype(1e4))
    top = np.finfo(dtype).max / 4
    y = getattr(nf, name)(np.array([[top, top], [-top, top], [0, -top]], dtype))
    np.testing.assert_allclose(
        np.exp(y) if name == "log_softmax" else y, [[0.5, 0.5], [0, 1], [1, 0]], rtol=1e-6
    )


@both_floats
@every_function
def test_equal_and_denormal_logits(isa, dtype, name):
    """Logits all equal, of any size, or all denormals, are 1 / n each."""
    info = np.finfo(dtype)
    for n in (1, 2, 3, 16, 37, 200):
        rows = [
            np.full(n, v, dtype) for v in (0, -3, info.max, -info.max, info.tiny, info.smallest_subnormal)
        ]
        rows.append((np.arange(n) * info.smallest_subnormal).astype(dtype))
        x = np.stack(rows)
        expected, rtol = (
            (1 / n, both(2, dtype)) if name == "softmax" else (-np.log(n), both(2 * LOG_ULP, dtype))
        )
        np.testing.assert_allclose(exact(getattr(nf, name)(x)), expected, rtol=rtol, atol=0)
        # Equal gradients leave equal logits where they are; a lone one moves its own up and the others down.
        g = np.zeros_like(x)
        g[:, 0] = 1
        twin = getattr(ref, name + "_backward")(exact(g), exact(x))
        got = getattr(nf, name + "_backward")(g, x)
        assert_close(got, twin, both(n + 8, dtype))


@both_floats
def test_sums_to_one(isa, dtype):
    for n in LENGTHS:
        y = nf.softmax(normal((6, n), dtype, n))
        assert (y >= 0).all()
        # Relative errors of every term and of the sum, see softmax_relative; the logits are within 8 of each
        # other.
        np.testing.assert_allclose(exact(y).sum(axis=-1), 1, rtol=both(n + 40, dtype))


@both_floats
@every_function
def test_special_values(isa, dtype, name):
    """-inf is a probability of 0; NaN, or a +inf, spoils its own row and no other."""
    x = normal((4, 19), dtype, 1)
    x[0, 3] = -np.inf
    x[1, 5] = np.nan
    x[2, 7] = np.inf
    y = getattr(nf, name)(x)
    assert y[0, 3] == (0 if name == "softmax" else -np.inf)
    assert np.isfinite(np.delete(y[0], 3)).all()
    assert np.isnan(y[1]).all()
    assert np.isnan(y[2, 7])
    np.testing.assert_array_equal(y[3], getattr(nf, name)(x[3:])[0])


@both_floats
@every_function
def test_views_and_places(isa, dtype, name):
    x, g = normal((6, 37), dtype, 1), normal((6, 37), dtype, 2)
    for axis in (0, 1):
        y, gx = getattr(nf, name)(x, axis), getattr(nf, name + "_backward")(g, x, axis)
        for _, view in views(x):
            np.testing.assert_array_equal(getattr(nf, name)(view, axis), y)
            np.testing.assert_array_equal(getattr(nf, name + "_backward")(g, view, axis), gx)
        for _, view in views(g):
            np.testing.assert_array_equal(getattr(nf, name + "_backward")(view, x, axis), gx)
        work = x.copy()
        assert getattr(nf, name)(work, axis, out=work) is work
        np.testing.assert_array_equal(work, y)
        work = g.copy()
        assert getattr(nf, name + "_backward")(work, x, axis, out=work) is work
        np.testing.assert_array_equal(work, gx)


@both_floats
@every_function
def test_guard_pages(isa, dtype, name):
    for shape in [(1, 1), (3, 5), (2, 17), (5, 33), (1, 65)]:
        for axis in (0, 1):
            x, g = guarded(normal(shape, dtype, 1)), guarded(normal(shape, dtype, 2))
            out = guarded(np.full(shape, np.nan, dtype))
            getattr(nf, name)(x, axis, out=out)
            np.testing.assert_array_equal(out, getattr(nf, name)(x.copy(), axis))
            getattr(nf, name + "_backward")(g, x, axis, out=out)
            np.testing.assert_array_equal(out, getattr(nf, name + "_backward")(g.copy(), x.copy(), axis))


@both_floats
@every_function
def test_empty(dtype, name):
    for shape in [(0,), (0, 3), (3, 0), (2, 0, 4)]:
        x = np.zeros(shape, dtype)
        for axis in range(len(shape)):
            assert getattr(nf, name)(x, axis).shape == shape
            assert getattr(nf, name + "_backward")(x, x, axis).shape == shape
