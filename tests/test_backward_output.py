"""Gradients taken from the forward's result, which the caller gives: `output` of the backward functions."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import SIZES, both_floats, guarded, normal, views
from .tolerances import assert_close, both, exact, flushed

every_sigmoid = pytest.mark.parametrize("name", ["sigmoid", "tanh"])
every_softmax = pytest.mark.parametrize("name", ["softmax", "log_softmax"])
every_function = pytest.mark.parametrize("name", ["sigmoid", "tanh", "softmax", "log_softmax"])


def pair(name):
    return getattr(nf, name), getattr(nf, name + "_backward")


@both_floats
@every_sigmoid
def test_sigmoids(isa, dtype, name):
    """Three roundings of numbers up to 1, times the gradient."""
    forward, backward = pair(name)
    for n in SIZES:
        x, g = 3 * normal(n, dtype, n), normal(n, dtype, n, 1)
        y = forward(x)
        expected = getattr(ref, name + "_backward")(exact(g), exact(x), output=exact(y))
        bound = both(3, dtype) * np.abs(exact(g)) + flushed(dtype, 1)
        assert_close(backward(g, x, output=y), expected, bound)
        assert_close(backward(g, x, output=y), exact(backward(g, x)), 8 * bound)


@both_floats
@every_softmax
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax(isa, dtype, name, axis):
    """The sum of n products and what is made of it; exp of a log-probability is 2 ULP more."""
    forward, backward = pair(name)
    for shape in [(1, 1, 1), (3, 10, 5), (2, 1, 7), (5, 37, 130), (4, 3, 1000)]:
        x, g = normal(shape, dtype, 1), normal(shape, dtype, 2)
        y, n = forward(x, axis), shape[axis]
        expected = getattr(ref, name + "_backward")(exact(g), exact(x), axis, output=exact(y))
        size = np.abs(exact(g))
        p = exact(y) if name == "softmax" else np.exp(exact(y))
        sums = (size * p if name == "softmax" else size).sum(axis, keepdims=True)
        bound = both(n + 6, dtype) * p * (size + sums) + both(1, dtype) * size + flushed(dtype, n)
        got = backward(g, x, axis, output=y)
        assert got.dtype == dtype
        assert_close(got, expected, bound)


@both_floats
@every_function
def test_views_and_places(isa, dtype, name):
    x, g = normal((7, 37), dtype, 3), normal((7, 37), dtype, 4)
    forward, backward = pair(name)
    y = forward(x)
    gx = backward(g, x, output=y)
    for _, view in views(y):
        np.testing.assert_array_equal(backward(g, x, output=view), gx)
    for _, view in views(g):
        np.testing.assert_array_equal(backward(view, x, output=y), gx)
    np.testing.assert_array_equal(backward(guarded(g), guarded(x), output=guarded(y)), gx)
    work = g.copy()
    assert backward(work, x, output=y, out=work) is work
    np.testing.assert_array_equal(work, gx)


@every_function
def test_output_is_what_is_read(name):
    """Not x, which is read for its shape and dtype alone."""
    x, g = normal((4, 6), np.float32, 5), normal((4, 6), np.float32, 6)
    forward, backward = pair(name)
    y = forward(x)
    np.testing.assert_array_equal(backward(g, np.full_like(x, np.nan), output=y), backward(g, x, output=y))


@pytest.mark.parametrize("module", [nf, ref])
@every_function
def test_errors(module, name):
    backward = getattr(module, name + "_backward")
    x = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match=rf"{name}_backward: output: expected shape \(2, 3\), got \(3, 2\)"):
        backward(x, x, output=np.ones((3, 2), np.float32))
    with pytest.raises(TypeError, match=f"{name}_backward: output: expected .*float32.*, got float64"):
        backward(x, x, output=np.ones((2, 3)))
    with pytest.raises(ValueError, match=f"{name}_backward: out"):
        y = np.ones((2, 3), np.float32)
        backward(x, x, output=y, out=y)


def test_a_saturated_output_has_no_slope():
    x = np.array([40.0, -1000.0], np.float32)
    assert nf.sigmoid_backward(np.ones_like(x), x, output=nf.sigmoid(x)).tolist() == [0.0, 0.0]
