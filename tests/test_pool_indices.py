"""max_pool with return_indices, its gradient by them, and pooling of images that lie channels-last."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import both_floats, guarded, normal, rng
from .test_functional_pooling import cells, windows

# Few and many channels; rows of fewer and more outputs than a vector has lanes.
SHAPES = [(2, 3, 8, 7), (1, 2, 9, 33), (2, 5, 11, 26), (1, 18, 8, 10), (1, 33, 7, 36)]


def last(array):
    """The same images, (n, h, w, c) in memory, before a guard page."""
    return guarded(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def special(shape, dtype):
    """Many equal maxima, NaN, infinities, and a channel of nothing else."""
    x = cells(shape).astype(dtype)
    x[0, 0, 3, 4] = x[0, 0, 3, 5] = x[-1, -1, 0, 0] = x[-1, -1, -1, -1] = np.nan
    x[0, 1] = -np.inf
    x[-1, 0, 2, 2] = np.inf
    return x


@both_floats
@windows
def test_indices_and_their_gradient(isa, dtype, window):
    for shape in SHAPES:
        for x in (cells(shape).astype(dtype), special(shape, dtype)):
            y, indices = nf.max_pool2d(guarded(x), *window, return_indices=True)
            twin, twin_indices = ref.max_pool2d(x, *window, return_indices=True)
            np.testing.assert_array_equal(y, twin)
            np.testing.assert_array_equal(indices, twin_indices, err_msg=str(shape))
            assert indices.dtype == np.int64
            g = rng(2).integers(1, 9, y.shape).astype(dtype)
            expected = ref.max_pool2d_backward(g, x, *window)
            # Of x only shape and dtype matter.
            got = nf.max_pool2d_backward(guarded(g), np.zeros_like(x), *window, indices=guarded(indices))
            np.testing.assert_array_equal(got, expected)
            np.testing.assert_array_equal(ref.max_pool2d_backward(g, x, *window, indices=indices), expected)


@both_floats
@windows
def test_channels_last(isa, dtype, window):
    """Results lie as the images do, and hold the same numbers."""
    average = (window[0], window[1], window[2], window[4])
    for shape in SHAPES:
        x = special(shape, dtype)
        y, indices = ref.max_pool2d(x, *window, return_indices=True)
        g = rng(2).integers(1, 9, y.shape).astype(dtype)
        back = ref.max_pool2d_backward(g, x, *window)
        got, got_indices = nf.max_pool2d(last(x), *window, return_indices=True)
        for value, twin in (
            (got, y),
            (got_indices, indices),
            (nf.max_pool2d(last(x), *window), y),
            (nf.max_pool2d_backward(last(g), last(x), *window), back),
            (nf.max_pool2d_backward(last(g), x, *window, indices=got_indices), back),
            (nf.max_pool2d_backward(last(g), x, *window, indices=indices), back),
            (nf.max_pool2d_backward(g, x, *window, indices=got_indices), back),
            (nf.max_pool2d_backward(last(g), x, *window), back),
        ):
            np.testing.assert_array_equal(value, twin, err_msg=str(shape))
        x = normal(shape, dtype, 1)
        mean = nf.avg_pool2d(x, *average)
        mean_last = nf.avg_pool2d(last(x), *average)
        np.testing.assert_allclose(
            mean_last, mean, rtol=8 * np.finfo(dtype).eps, atol=8 * np.finfo(dtype).eps
        )
        g = normal(mean.shape, dtype, 2)
        np.testing.assert_allclose(
            nf.avg_pool2d_backward(last(g), x, *average),
            nf.avg_pool2d_backward(g, x, *average),
            rtol=16 * np.finfo(dtype).eps,
            atol=16 * np.finfo(dtype).eps,
        )
        for value in (got, got_indices, mean_last, nf.avg_pool2d_backward(last(g), x, *average)):
            assert value.transpose(0, 2, 3, 1).flags.c_contiguous


def test_out_is_nchw():
    x = normal((2, 5, 6, 7), np.float32, 1)
    y = nf.max_pool2d(x, 2)
    out = np.full_like(y, np.nan)
    got, indices = nf.max_pool2d(last(x), 2, return_indices=True, out=out)
    assert got is out
    np.testing.assert_array_equal(out, y)
    np.testing.assert_array_equal(indices, nf.max_pool2d(x, 2, return_indices=True)[1])


@both_floats
def test_signals(isa, dtype):
    x = cells((2, 3, 41)).astype(dtype)
    for window in ((2,), (3, 2, 1), (3, 1, 1), (5, 3, 2, 2)):
        y, indices = nf.max_pool1d(x, *window, return_indices=True)
        twin, twin_indices = ref.max_pool1d(x, *window, return_indices=True)
        np.testing.assert_array_equal(y, twin)
        np.testing.assert_array_equal(indices, twin_indices)
        g = rng(2).integers(1, 9, y.shape).astype(dtype)
        back = nf.max_pool1d_backward(g, x, *window, indices=indices)
        np.testing.assert_array_equal(back, ref.max_pool1d_backward(g, x, *window))
        np.testing.assert_array_equal(ref.max_pool1d_backward(g, x, *window, indices=indices), back)


@both_floats
@pytest.mark.parametrize("layout", [np.asarray, last], ids=["nchw", "channels_last"])
def test_indices_of_other_cells(isa, dtype, layout):
    """They take the gradient, as in PyTorch; -1 takes it nowhere."""
    x = normal((2, 4, 6, 30), dtype, 1)
    for window in ((2,), (3, 2, 1)):
        y, indices = nf.max_pool2d(x, *window, return_indices=True)
        indices[0, 1] = rng(3).integers(-1, 180, indices.shape[2:])
        g = rng(2).integers(1, 9, y.shape).astype(dtype)
        np.testing.assert_array_equal(
            nf.max_pool2d_backward(layout(g), x, *window, indices=indices),
            ref.max_pool2d_backward(g, x, *window, indices=indices),
        )


@pytest.mark.parametrize("layout", [np.asarray, last], ids=["nchw", "channels_last"])
@pytest.mark.parametrize("backend", [nf, ref], ids=["nnfast", "reference"])
def test_bad_indices(isa, layout, backend):
    x = normal((1, 3, 6, 30), np.float32, 1)
    for window in ((2,), (3, 2, 1)):
        y, indices = nf.max_pool2d(x, *window, return_indices=True)
        for bad in (180, -2, 2**32, 2**32 + 1, -(2**62), 2**24 + 1):
            wrong = indices.copy()
            wrong[0, 2, 1, 3] = bad
            with pytest.raises(ValueError, match="max_pool2d_backward: indices: expected cells of the image"):
                backend.max_pool2d_backward(layout(y), x, *window, indices=wrong)
        with pytest.raises(TypeError, match="max_pool2d_backward: indices: expected integers"):
            backend.max_pool2d_backward(layout(y), x, *window, indices=indices.astype(float))
        with pytest.raises(ValueError, match="max_pool2d_backward: indices"):
            backend.max_pool2d_backward(layout(y), x, *window, indices=indices[:, :2])
    if backend is nf:
        with pytest.raises(ValueError, match="max_pool1d_backward: indices: expected cells"):
            nf.max_pool1d_backward(np.ones((1, 1, 2)), np.ones((1, 1, 4)), 2, indices=[[[0, 4]]])


def test_large_planes():
    """Numbers beyond those that float32 holds exactly."""
    x = np.zeros((1, 1, 2, 2**23 + 5), np.float32)
    x[0, 0, 1, ::2] = 1
    y, indices = nf.max_pool2d(x, 2, return_indices=True)
    np.testing.assert_array_equal(indices[0, 0, 0], np.arange(2**22 + 2) * 2 + x.shape[3])
    back = nf.max_pool2d_backward(y, x, 2, indices=indices)
    np.testing.assert_array_equal(back[..., :-1], x[..., :-1])


@both_floats
@pytest.mark.parametrize("window", [(2,), (3, 2, 1), (3, 1, 1)], ids=str)
def test_same_bits_at_any_number_of_threads(dtype, window):
    before = nf.get_num_threads()
    try:
        for layout in (np.asarray, last):
            x = layout(normal((6, 20, 40, 36), dtype, 1))
            results = []
            for threads in (1, 2, 3):
                nf.set_num_threads(threads)
                y, indices = nf.max_pool2d(x, *window, return_indices=True)
                back = nf.max_pool2d_backward(y, x, *window, indices=indices)
                results.append((y, indices, back, nf.max_pool2d_backward(y, x, *window)))
            for other in results[1:]:
                for got, value in zip(other, results[0], strict=True):
                    np.testing.assert_array_equal(got, value)
    finally:
        nf.set_num_threads(before)


def test_empty():
    x = np.zeros((0, 3, 6, 6), np.float32)
    for backend in (nf, ref):
        y, indices = backend.max_pool2d(x, 2, return_indices=True)
        assert y.shape == indices.shape == (0, 3, 3, 3)
        assert backend.max_pool2d_backward(y, x, 2, indices=indices).shape == x.shape
