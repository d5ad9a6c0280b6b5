"""PReLU against the reference: one slope and a slope a channel, every layout, places, threads, refusals."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import SIZES, both_floats, guarded, normal, views
from .tolerances import assert_close, both, exact, tiny

PRELU_SHAPES = [
    ((5,), 1), ((), 1), ((0,), 1), ((4, 7), 7), ((4, 7), 1), ((0, 3), 3), ((3, 0), 0), ((2, 3, 0), 3),
    ((3, 4, 5), 4), ((2, 3, 4, 9), 3), ((700, 5), 5), ((3, 1), 1), ((300, 2, 33), 2), ((70000,), 1),
]  # fmt: skip


@both_floats
@pytest.mark.parametrize(("shape", "slopes"), PRELU_SHAPES)
def test_prelu(isa, dtype, shape, slopes):
    x, g, weight = normal(shape, dtype, 1), normal(shape, dtype, 2), normal(slopes, dtype, 3)
    expected = ref.prelu(exact(x), exact(weight))
    assert_close(nf.prelu(x, weight), expected, both(1, dtype) * np.abs(expected) + tiny(dtype))
    gx, gweight = nf.prelu_backward(g, x, weight)
    assert gx.dtype == gweight.dtype == dtype
    twin, slope_twin = ref.prelu_backward(exact(g), exact(x), exact(weight))
    assert_close(gx, twin, both(1, dtype) * np.abs(twin) + tiny(dtype))
    # As many products and sums as the slope has elements (Higham, eq. 3.5).
    _, sizes = ref.prelu_backward(np.abs(exact(g)), -np.abs(exact(x)), exact(weight))
    terms = x.size // max(slopes, 1) + 1
    assert_close(gweight, slope_twin, both(terms, dtype) * np.abs(sizes) + tiny(dtype, terms))


@both_floats
def test_prelu_places(isa, dtype):
    x, g, weight = normal((6, 5, 3), dtype, 1), normal((6, 5, 3), dtype, 2), normal(5, dtype, 3)
    y, (gx, gweight) = nf.prelu(x, weight), nf.prelu_backward(g, x, weight)
    for _, view in views(x):
        np.testing.assert_array_equal(nf.prelu(view, weight), y)
        np.testing.assert_array_equal(nf.prelu_backward(g, view, weight)[1], gweight)
    for _, view in views(weight):
        np.testing.assert_array_equal(nf.prelu(x, view), y)
    work = x.copy()
    assert nf.prelu(work, weight, out=work) is work
    np.testing.assert_array_equal(work, y)
    for n in SIZES:
        for shape in ((n,), (2, n)):
            slopes = 1 if len(shape) == 1 else n
            a, b, w = (normal(s, dtype, i) for i, s in enumerate((shape, shape, slopes)))
            guards = guarded(a), guarded(b), guarded(w)
            np.testing.assert_array_equal(nf.prelu(guards[0], guards[2]), nf.prelu(a, w))
            for mine, other in zip(nf.prelu_backward(*guards), nf.prelu_backward(a, b, w), strict=True):
                np.testing.assert_array_equal(mine, other)
    number = nf.prelu_backward(g, x, dtype(0.5))
    assert number[1].shape == ()
    np.testing.assert_array_equal(number[0], nf.leaky_relu_backward(g, x, 0.5))
    np.testing.assert_array_equal(gx[:, 2], nf.leaky_relu_backward(g[:, 2], x[:, 2], float(weight[2])))


@both_floats
def test_prelu_threads(dtype, threads):
    for shape, slopes in (((70000,), 1), ((9000, 8), 8), ((40, 6, 500), 6)):
        x, g, weight = normal(shape, dtype, 1), normal(shape, dtype, 2), normal(slopes, dtype, 3)
        mine = (nf.prelu(x, weight), *nf.prelu_backward(g, x, weight))
        with nf.num_threads(1):
            alone = (nf.prelu(x, weight), *nf.prelu_backward(g, x, weight))
        for a, b in zip(mine, alone, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(2,), (4, 1), (1, 4)])
def test_prelu_refuses_slopes(shape):
    for library in (nf, ref):
        with pytest.raises(
            ValueError, match=r"^prelu: weight: expected shape \(1,\) or \(4,\), the channels of x, got"
        ):
            library.prelu(np.ones((3, 4)), np.ones(shape))
        with pytest.raises(ValueError, match=r"^prelu_backward: weight: expected shape"):
            library.prelu_backward(np.ones((3, 4)), np.ones((3, 4)), np.ones(shape))
