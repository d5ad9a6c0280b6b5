"""Pooling of NCHW images as they lie: widths at the edges of vectors, bands of rows, ties, special values,
guard pages; and the places of maxima that a network keeps.
"""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import both_floats, guarded, normal, rng
from .tolerances import assert_close, both, exact, tiny

# kernel, stride, padding, dilation, ceil_mode: pairs, triples, stride 1, phases of 2 and 3, windows with gaps
WINDOWS = [
    (2, 2, 0, 1, False),
    (3, 2, 1, 1, False),
    (3, 2, 1, 1, True),
    (3, 2, 0, 1, False),
    (3, 1, 1, 1, False),
    (2, 1, 0, 1, True),
    ((2, 5), (1, 2), (1, 2), 1, False),
    (3, 3, 1, 1, True),
    ((4, 3), (2, 1), (2, 0), 2, False),
    (1, 2, 0, 1, False),
    (2, 5, 1, 1, True),
]
windows = pytest.mark.parametrize("window", WINDOWS, ids=str)
# Few channels, or rows of 12 outputs and more, are pooled as they lie.
SHAPES = [(1, 2, 8, w) for w in (6, 7, 9, 16, 17, 31, 32, 33, 34, 63, 65)] + [(2, 1, 7, 24), (1, 5, 9, 66)]


def cells(x):
    """Small integers: many equal maxima, and sums that are exact."""
    return rng(*x).integers(-2, 3, x).astype(np.float64)


@both_floats
@windows
def test_maximum(isa, dtype, window):
    for shape in SHAPES:
        x = cells(shape).astype(dtype)
        y = nf.max_pool2d(x, *window)
        np.testing.assert_array_equal(y, ref.max_pool2d(x, *window), err_msg=str(shape))
        g = rng(2).integers(1, 9, y.shape).astype(dtype)
        back = nf.max_pool2d_backward(g, x, *window)
        np.testing.assert_array_equal(back, ref.max_pool2d_backward(g, x, *window), err_msg=str(shape))


@both_floats
@windows
@pytest.mark.parametrize("count_include_pad", [True, False])
def test_average(isa, dtype, window, count_include_pad):
    kernel, stride, padding, _, ceil_mode = window
    options = (kernel, stride, padding, ceil_mode, count_include_pad)
    terms = np.prod(np.broadcast_to(kernel, 2)) + 2
    for shape in SHAPES:
        x = normal(shape, dtype, 1)
        y, size = nf.avg_pool2d(x, *options), ref.avg_pool2d(np.abs(exact(x)), *options)
        assert_close(y, ref.avg_pool2d(exact(x), *options), both(terms, dtype) * size + tiny(dtype))
        g = normal(y.shape, dtype, 2)
        back = nf.avg_pool2d_backward(g, x, *options)
        size = ref.avg_pool2d_backward(np.abs(exact(g)), exact(x), *options)
        assert_close(
            back,
            ref.avg_pool2d_backward(exact(g), exact(x), *options),
            both(terms, dtype) * size + tiny(dtype),
        )


@both_floats
@pytest.mark.parametrize("window", [(2, 2), (3, 2, 1), (3, 1, 1), (5, 2, 2)], ids=str)
def test_bands(isa, dtype, window):
    """Planes of more rows than a band, many small planes, and both at several threads."""
    for shape in ((1, 1, 150, 90), (1, 3, 40, 300), (6, 20, 30, 26)):
        x = cells(shape).astype(dtype)
        y = nf.max_pool2d(x, *window)
        np.testing.assert_array_equal(y, ref.max_pool2d(x, *window))
        g = rng(2).integers(1, 9, y.shape).astype(dtype)
        back = nf.max_pool2d_backward(g, x, *window)
        np.testing.assert_array_equal(back, ref.max_pool2d_backward(g, x, *window))
        before, average = nf.get_num_threads(), nf.avg_pool2d(x, *window)
        average_back = nf.avg_pool2d_backward(g, x, *window)
        try:
            for threads in (2, 3):
                nf.set_num_threads(threads)
                np.testing.assert_array_equal(nf.max_pool2d(x, *window), y)
                np.testing.assert_array_equal(nf.max_pool2d_backward(g, x, *window), back)
                np.testing.assert_array_equal(nf.avg_pool2d(x, *window), average)
                np.testing.assert_array_equal(nf.avg_pool2d_backward(g, x, *window), average_back)
        finally:
            nf.set_num_threads(before)


@both_floats
@pytest.mark.parametrize("window", [(2, 2), (3, 2, 1), (3, 1, 1), (3, 3, 1, 2)], ids=str)
def test_special_values(isa, dtype, window):
    """NaN wins, the first of several; where all is -infinity the first cell inside takes the gradient."""
    x = cells((2, 3, 11, 37)).astype(dtype)
    x[0, 0, 3, 4] = x[0, 0, 3, 5] = x[0, 0, 4, 4] = x[1, 2, 0, 0] = x[1, 2, 10, 36] = np.nan
    x[0, 1] = -np.inf
    x[1, 0, 2, 2], x[1, 0, 6, 30] = np.inf, -np.inf
    x[1, 1] = np.where(rng(3).random((11, 37)) < 0.5, dtype(0), dtype(-0.0))
    y = nf.max_pool2d(x, *window)
    np.testing.assert_array_equal(y, ref.max_pool2d(x, *window))
    g = rng(2).integers(1, 9, y.shape).astype(dtype)
    np.testing.assert_array_equal(
        nf.max_pool2d_backward(g, x, *window), ref.max_pool2d_backward(g, x, *window)
    )
    g[0, 0, 1, 1], g[0, 1, 2, 2] = np.nan, np.inf
    np.testing.assert_array_equal(
        nf.max_pool2d_backward(g, x, *window), ref.max_pool2d_backward(g, x, *window)
    )


@both_floats
@windows
def test_guard_pages(isa, dtype, window):
    """Nothing is read or written past the arrays' ends, whose last rows end in the middle of vectors."""
    average = (window[0], window[1], window[2], window[4])
    for shape in ((1, 2, 8, 7), (1, 1, 7, 33), (2, 3, 9, 30)):
        x = cells(shape).astype(dtype)
        y, mean = nf.max_pool2d(x, *window), nf.avg_pool2d(x, *average)
        out, mean_out = guarded(np.full_like(y, np.nan)), guarded(np.full_like(mean, np.nan))
        np.testing.assert_array_equal(nf.max_pool2d(guarded(x), *window, out=out), y)
        np.testing.assert_array_equal(nf.avg_pool2d(guarded(x), *average, out=mean_out), mean)
        g, mean_g = normal(y.shape, dtype, 2), normal(mean.shape, dtype, 3)
        np.testing.assert_array_equal(
            nf.max_pool2d_backward(guarded(g), guarded(x), *window), nf.max_pool2d_backward(g, x, *window)
        )
        np.testing.assert_array_equal(
            nf.avg_pool2d_backward(guarded(mean_g), guarded(x), *average),
            nf.avg_pool2d_backward(mean_g, x, *average),
        )


@both_floats
@pytest.mark.parametrize("window", [(2, 2), (3, 2, 1), (3, 1, 1), (17, 4, 8)], ids=str)
@pytest.mark.parametrize("channels", [1, 5, 16, 37])
def test_networks(isa, dtype, window, channels):
    """A layer keeps the places of its maxima, as bytes or, of windows of more than 256 cells, wider."""
    x = cells((2, channels, 18, 21)).astype(dtype)
    x[0, 0, 3, 4] = np.nan
    x[1, -1] = -np.inf
    pool = nf.Sequential(nf.MaxPool2d(*window), input_shape=x.shape[1:], dtype=dtype)
    y = pool.forward(x, training=True)
    np.testing.assert_array_equal(y, ref.max_pool2d(x, *window))
    g = rng(2).integers(1, 9, y.shape).astype(dtype)
    np.testing.assert_array_equal(
        pool.backward(g, need_input_grad=True), ref.max_pool2d_backward(g, x, *window)
    )
    np.testing.assert_array_equal(pool.predict(x), y)
