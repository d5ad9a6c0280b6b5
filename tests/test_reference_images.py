"""Convolution and pooling of the pure-NumPy reference: loops, known values and central differences."""

import math

import numpy as np
import pytest
from differences import check_gradients
from numpy.testing import assert_allclose, assert_array_equal

from nnfast import reference as ref


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ---------------------------------------------------------------- convolution and pooling


def conv2d_in_loops(x, weight, bias, stride, pads, dilation, groups):
    """The definition, one output at a time; pads: top, bottom, left, right."""
    x = np.pad(x, ((0, 0), (0, 0), pads[:2], pads[2:]))
    (n, _, h, w), (oc, cg, kh, kw) = x.shape, weight.shape
    oh = (h - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (w - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    y = np.zeros((n, oc, oh, ow))
    for b, o, r, s in np.ndindex(y.shape):
        y[b, o, r, s] = bias[o]
        first = o // (oc // groups) * cg
        for c, i, j in np.ndindex(cg, kh, kw):
            cell = x[b, first + c, r * stride[0] + i * dilation[0], s * stride[1] + j * dilation[1]]
            y[b, o, r, s] += weight[o, c, i, j] * cell
    return y


CONVOLUTIONS = [
    # x, weight, options, pads
    ((2, 3, 5, 6), (4, 3, 3, 3), {}, (0, 0, 0, 0)),
    ((1, 2, 5, 6), (3, 2, 2, 3), {"stride": 2, "padding": 1}, (1, 1, 1, 1)),
    ((2, 4, 6, 7), (6, 2, 3, 2), {"groups": 2, "stride": (2, 1), "padding": (1, 0)}, (1, 1, 0, 0)),
    ((1, 3, 7, 7), (3, 1, 3, 3), {"groups": 3, "dilation": 2, "padding": (2, 3)}, (2, 2, 3, 3)),
    ((1, 2, 5, 5), (2, 2, 3, 3), {"padding": "same"}, (1, 1, 1, 1)),
    ((1, 1, 5, 4), (2, 1, 4, 2), {"padding": "same", "dilation": (1, 3)}, (1, 2, 1, 2)),
    ((1, 2, 4, 4), (2, 2, 4, 4), {"padding": "valid"}, (0, 0, 0, 0)),
    ((3, 2, 1, 1), (5, 2, 1, 1), {}, (0, 0, 0, 0)),
    ((1, 1, 8, 8), (1, 1, 2, 2), {"stride": 3}, (0, 0, 0, 0)),  # the last rows and columns are never seen
    ((0, 2, 4, 4), (3, 2, 3, 3), {}, (0, 0, 0, 0)),
]


@pytest.mark.parametrize(("x", "weight", "options", "pads"), CONVOLUTIONS)
def test_conv2d(rng, x, weight, options, pads):
    x, weight, bias = rng.normal(size=x), rng.normal(size=weight), rng.normal(size=weight[0])
    pair = {name: np.broadcast_to(options.get(name, 1), 2) for name in ("stride", "dilation")}
    expected = conv2d_in_loops(
        x, weight, bias, pair["stride"], pads, pair["dilation"], options.get("groups", 1)
    )
    y = ref.conv2d(x, weight, bias, **options)
    assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    assert_allclose(ref.conv2d(x, weight, **options), expected - bias[:, None, None], rtol=1e-12, atol=1e-12)
    g = rng.normal(size=y.shape)
    gradients = ref.conv2d_backward(g, x, weight, **options)
    check_gradients(lambda *a: ref.conv2d(*a, **options), [x, weight, bias], gradients, g)


def pool2d_in_loops(x, kernel, stride, padding, dilation, ceil_mode, average=None):
    """PyTorch's definition, one window at a time. average: None for the maximum, else count_include_pad."""
    sizes, starts = x.shape[2:], []
    for axis in (0, 1):
        span = dilation[axis] * (kernel[axis] - 1) + 1
        count = (sizes[axis] + 2 * padding[axis] - span) / stride[axis] + 1
        count = math.ceil(count) if ceil_mode else math.floor(count)
        starts.append([o * stride[axis] - padding[axis] for o in range(count)])
        if ceil_mode and starts[axis][-1] >= sizes[axis]:
            starts[axis].pop()
    y = np.zeros((*x.shape[:2], len(starts[0]), len(starts[1])))
    for r, top in enumerate(starts[0]):
        for s, left in enumerate(starts[1]):
            rows = [top + i * dilation[0] for i in range(kernel[0])]
            cols = [left + j * dilation[1] for j in range(kernel[1])]
            seen_rows, seen_cols = (
                [i for i in a if 0 <= i < n] for a, n in zip((rows, cols), sizes, strict=True)
            )
            cells = x[:, :, seen_rows][:, :, :, seen_cols]
            if average is None:
                y[:, :, r, s] = cells.max(axis=(2, 3))
                continue
            counted = len(seen_rows) * len(seen_cols)
            if average:
                counted = sum(i < sizes[0] + padding[0] for i in rows) * sum(
                    j < sizes[1] + padding[1] for j in cols
                )
            y[:, :, r, s] = cells.sum(axis=(2, 3)) / counted
    return y


POOLS = [
    # image, kernel, stride, padding, dilation
    ((6, 6), 2, None, 0, 1),
    ((5, 7), 2, None, 0, 1),
    ((5, 5), 3, 2, 1, 1),
    ((4, 6), (3, 2), (2, 3), (1, 1), 1),
    ((7, 8), (2, 3), (1, 2), (1, 0), (3, 2)),
    ((5, 5), 2, 3, 0, 1),
    ((3, 3), 2, 2, 1, 1),
    ((1, 9), (1, 4), (1, 4), (0, 2), 1),
]


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("size", "kernel", "stride", "padding", "dilation"), POOLS)
def test_max_pool2d(rng, size, kernel, stride, padding, dilation, ceil_mode):
    x = rng.normal(size=(2, 3, *size))
    arguments = kernel, stride, padding, dilation, ceil_mode
    y = ref.max_pool2d(x, *arguments)
    k, s, p, d = (
        np.broadcast_to(v, 2) for v in (kernel, kernel if stride is None else stride, padding, dilation)
    )
    assert_array_equal(y, pool2d_in_loops(x, k, s, p, d, ceil_mode))
    g = rng.normal(size=y.shape)
    gx = ref.max_pool2d_backward(g, x, *arguments)
    check_gradients(lambda x: ref.max_pool2d(x, *arguments), [x], [gx], g)


@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("size", "kernel", "stride", "padding", "dilation"), [p for p in POOLS if p[4] == 1])
def test_avg_pool2d(rng, size, kernel, stride, padding, dilation, ceil_mode, count_include_pad):
    x = rng.normal(size=(2, 3, *size))
    arguments = kernel, stride, padding, ceil_mode, count_include_pad
    y = ref.avg_pool2d(x, *arguments)
    k, s, p = (np.broadcast_to(v, 2) for v in (kernel, kernel if stride is None else stride, padding))
    expected = pool2d_in_loops(x, k, s, p, (1, 1), ceil_mode, average=count_include_pad)
    assert_allclose(y, expected, rtol=1e-13, atol=1e-14)
    g = rng.normal(size=y.shape)
    gx = ref.avg_pool2d_backward(g, x, *arguments)
    check_gradients(lambda x: ref.avg_pool2d(x, *arguments), [x], [gx], g)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "floor", "ceil"),
    [
        (5, 2, 2, 0, 2, 3),
        (6, 2, 2, 0, 3, 3),
        (3, 2, 2, 1, 2, 2),  # a third window would start in the padding behind the image
        (5, 3, 2, 1, 3, 3),
        (6, 3, 2, 1, 3, 4),
        (5, 2, 3, 0, 2, 2),
        (4, 2, 3, 0, 1, 2),
        (7, 3, 3, 1, 3, 3),
    ],
)
def test_pool_output_sizes(size, kernel, stride, padding, floor, ceil):
    x = np.zeros((1, 1, size, size))
    for pool, last in ((ref.max_pool2d, (1,)), (ref.avg_pool2d, ())):
        assert pool(x, kernel, stride, padding, *last, False).shape[2:] == (floor, floor)
        assert pool(x, kernel, stride, padding, *last, True).shape[2:] == (ceil, ceil)


def test_ceil_mode_divides_by_what_the_padded_image_holds():
    x = np.ones((1, 1, 3, 3))
    # windows of 2 x 2 at rows -1 and 1; padded to 5 rows, so all four cells count
    assert_array_equal(ref.avg_pool2d(x, 2, 2, 1)[0, 0], [[0.25, 0.5], [0.5, 1]])
    # windows at rows 0 and 2: the last one runs over the edge, and what is beyond does not count
    assert_array_equal(ref.avg_pool2d(x, 2, ceil_mode=True)[0, 0], [[1, 1], [1, 1]])


def test_max_pool_ties_nan_and_infinity():
    x = np.array([[[[1.0, 2.0, 2.0], [2.0, np.nan, -1.0], [-np.inf, -np.inf, 0.0]]]])
    assert_array_equal(ref.max_pool2d(x, (1, 3))[0, 0, :, 0], [2, np.nan, 0])
    g = np.array([5.0, 6.0, 7.0]).reshape(1, 1, 3, 1)
    assert_array_equal(ref.max_pool2d_backward(g, x, (1, 3))[0, 0], [[0, 5, 0], [0, 6, 0], [0, 0, 7]])
    low = np.full((1, 1, 2, 2), -np.inf)  # no better than the padding, yet the padding must not win
    gradient = ref.max_pool2d_backward(np.ones((1, 1, 2, 2)), low, 2, 2, 1)
    assert_array_equal(gradient[0, 0], [[1, 1], [1, 1]])


def test_pooling_empty_batch():
    x = np.empty((0, 2, 4, 4), np.float32)
    for pool in ("max_pool2d", "avg_pool2d"):
        y = getattr(ref, pool)(x, 2)
        assert y.shape == (0, 2, 2, 2) and y.dtype == np.float32
        assert getattr(ref, pool + "_backward")(y, x, 2).shape == x.shape
