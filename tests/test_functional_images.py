"""Convolution and pooling against the reference: shapes, strides, paddings, dilations, groups, views."""

import itertools

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import both_floats, guarded, normal, rng, views
from .tolerances import assert_close, both, exact, tiny

# (n, c, h, w), (oc, kh, kw), options
CONVOLUTIONS = [
    ((2, 1, 8, 8), (4, 3, 3), {}),
    ((1, 3, 9, 7), (5, 3, 2), {"padding": 1}),
    ((3, 4, 6, 6), (8, 1, 1), {}),
    ((2, 4, 7, 6), (7, 1, 1), {"stride": 2, "padding": 1}),
    ((2, 3, 11, 10), (6, 5, 5), {"stride": 2, "padding": 2}),
    ((2, 2, 12, 9), (3, 3, 3), {"dilation": 2, "padding": 2}),
    ((1, 2, 13, 15), (3, 2, 4), {"stride": (3, 2), "padding": (1, 3), "dilation": (2, 1)}),
    ((2, 6, 7, 7), (9, 3, 3), {"groups": 3, "padding": 1}),
    ((2, 8, 6, 8), (8, 3, 3), {"groups": 8, "padding": 1}),
    ((2, 5, 9, 9), (10, 3, 3), {"groups": 5, "stride": 2}),
    ((1, 17, 5, 5), (33, 3, 3), {"padding": "same"}),
    ((1, 2, 6, 7), (3, 4, 2), {"padding": "same"}),
    ((1, 2, 6, 7), (3, 2, 4), {"padding": "same", "dilation": (3, 2)}),
    ((2, 3, 5, 5), (4, 5, 5), {"padding": "valid"}),
    ((1, 1, 1, 1), (1, 1, 1), {}),
    ((1, 1, 2, 2), (1, 4, 4), {"padding": 3, "stride": 3}),
    ((2, 16, 10, 10), (32, 3, 3), {"padding": 1}),
    ((1, 64, 4, 4), (65, 3, 3), {"padding": 1}),
    ((5, 3, 17, 16), (15, 3, 3), {"stride": 1, "padding": (0, 2)}),
    # groups of many channels: a vector of outputs, more than one, more than a panel; dilated columns
    ((2, 32, 9, 8), (32, 3, 3), {"groups": 2, "padding": 1}),
    ((3, 66, 7, 9), (34, 3, 2), {"groups": 2, "stride": (2, 1), "padding": 1}),
    ((1, 24, 11, 10), (150, 3, 3), {"groups": 2, "padding": 2, "dilation": 2}),
    ((2, 60, 6, 7), (57, 5, 3), {"groups": 3, "padding": (2, 3), "dilation": (1, 2)}),
    ((1, 540, 4, 3), (20, 1, 3), {"groups": 1, "padding": (0, 3), "dilation": (1, 3)}),
    ((13, 48, 3, 4), (32, 2, 2), {"groups": 2, "stride": 2}),
    # few channels, vectors along image rows: several tiles a row, bands of rows, padding beyond the kernel
    ((2, 1, 30, 70), (6, 5, 5), {"padding": 2}),
    ((1, 3, 120, 90), (20, 3, 5), {"padding": 1}),
    ((2, 3, 9, 40), (7, 3, 3), {"stride": (2, 1), "padding": 1}),
    ((2, 2, 6, 5), (3, 2, 2), {"padding": (2, 3)}),
    ((3, 4, 12, 33), (1, 3, 2), {}),
]
convolutions = pytest.mark.parametrize(("shape", "kernel", "options"), CONVOLUTIONS)


def operands(shape, kernel, options, dtype):
    out_channels, kh, kw = kernel
    channels = shape[1] // options.get("groups", 1)
    return (
        normal(shape, dtype, 1),
        normal((out_channels, channels, kh, kw), dtype, 2),
        normal(out_channels, dtype, 3),
    )


@both_floats
@convolutions
def test_conv2d(isa, dtype, shape, kernel, options):
    x, weight, bias = operands(shape, kernel, options, dtype)
    twin = ref.conv2d(exact(x), exact(weight), exact(bias), **options)
    size = ref.conv2d(np.abs(exact(x)), np.abs(exact(weight)), np.abs(exact(bias)), **options)
    terms = weight[0].size + 1
    got = nf.conv2d(x, weight, bias, **options)
    assert got.dtype == dtype
    assert got.flags.c_contiguous
    assert_close(got, twin, both(terms, dtype) * size)
    out = np.full_like(got, np.nan)
    assert nf.conv2d(x, weight, bias, **options, out=out) is out
    np.testing.assert_array_equal(out, got)
    plain = nf.conv2d(x, weight, **options)
    assert_close(plain, ref.conv2d(exact(x), exact(weight), **options), both(terms, dtype) * size)


def channels_last(images):
    """The same images, (n, h, w, c) in memory that ends at a guard page."""
    return guarded(np.ascontiguousarray(images.transpose(0, 2, 3, 1))).transpose(0, 3, 1, 2)


def lies_channels_last(images):
    return images.transpose(0, 2, 3, 1).flags.c_contiguous


def as_in_networks(weight):
    """The same weight, (kh, kw, in, out) in memory that ends at a guard page."""
    return guarded(np.ascontiguousarray(weight.transpose(2, 3, 1, 0))).transpose(3, 2, 0, 1)


def check_conv2d_backward(g, x, weight, options):
    """All three gradients against the reference; returns them."""
    dtype = x.dtype.type
    twins = ref.conv2d_backward(exact(g), exact(x), exact(weight), **options)
    sizes = ref.conv2d_backward(*(np.abs(exact(v)) for v in (g, x, weight)), **options)
    # gx sums over output channels and kernel positions, the others over images and output cells.
    cells = g.shape[0] * g.shape[2] * g.shape[3]
    terms = (weight.shape[0] // options.get("groups", 1) * weight.shape[2] * weight.shape[3], cells, cells)
    gradients = nf.conv2d_backward(g, x, weight, **options)
    shapes = (x.shape, weight.shape, weight.shape[:1])
    for got, twin, size, n, expected in zip(gradients, twins, sizes, terms, shapes, strict=True):
        assert got.dtype == dtype
        assert got.shape == expected
        assert_close(got, twin, both(n + 1, dtype) * size)
    return gradients


@both_floats
@convolutions
def test_conv2d_backward(isa, dtype, shape, kernel, options):
    x, weight, bias = operands(shape, kernel, options, dtype)
    g = normal(nf.conv2d(x, weight, bias, **options).shape, dtype, 4)
    check_conv2d_backward(g, x, weight, options)


@both_floats
@convolutions
def test_conv2d_channels_last(isa, dtype, shape, kernel, options):
    """As PyTorch: images that lie channels-last give images that do, up to rounding the same."""
    x, weight, bias = operands(shape, kernel, options, dtype)
    y = nf.conv2d(x, weight, bias, **options)
    size = ref.conv2d(np.abs(exact(x)), np.abs(exact(weight)), np.abs(exact(bias)), **options)
    last = channels_last(x)
    got = nf.conv2d(last, weight, bias, **options)
    assert_close(got, exact(y), 2 * both(weight[0].size + 1, dtype) * size)
    assert lies_channels_last(got) or last.flags.c_contiguous
    out = np.full_like(y, np.nan)
    np.testing.assert_array_equal(nf.conv2d(last, weight, bias, **options, out=out), y)
    g = channels_last(normal(y.shape, dtype, 4))
    gx = check_conv2d_backward(g, last, weight, options)[0]
    assert lies_channels_last(gx) or (last.flags.c_contiguous and g.flags.c_contiguous)
    own = as_in_networks(weight)
    assert_close(nf.conv2d(last, own, bias, **options), exact(y), 2 * both(weight[0].size + 1, dtype) * size)
    gx, gweight, _ = check_conv2d_backward(g, last, own, options)
    if not own.flags.c_contiguous and not g.flags.c_contiguous:
        assert gweight.transpose(2, 3, 1, 0).flags.c_contiguous


def random_convolutions(count):
    """Shapes and options drawn at random: kernels 1 to 7, any stride, padding, dilation, groups."""
    generator = rng(7)
    while count:
        kh, kw = (int(k) for k in generator.integers(1, 8, 2))
        options = {name: tuple(int(v) for v in generator.integers(low, high, 2)) for name, low, high in
                   [("stride", 1, 4), ("padding", 0, 5), ("dilation", 1, 3)]}  # fmt: skip
        options["groups"] = int(generator.choice([1, 1, 1, 2, 3]))
        n, h, w = int(generator.integers(1, 4)), *(int(v) for v in generator.integers(1, 20, 2))
        channels, outputs = (options["groups"] * int(v) for v in generator.choice([1, 2, 3, 7, 16, 20], 2))
        reach = [d * (k - 1) + 1 for d, k in zip(options["dilation"], (kh, kw), strict=True)]
        if any(r > size + 2 * p for r, size, p in zip(reach, (h, w), options["padding"], strict=True)):
            continue
        count -= 1
        yield (n, channels, h, w), (outputs, kh, kw), options


@both_floats
def test_conv2d_random(isa, dtype):
    for shape, kernel, options in random_convolutions(60):
        x, weight, bias = operands(shape, kernel, options, dtype)
        for images, given in (
            (x, weight),
            (channels_last(x), weight),
            (channels_last(x), as_in_networks(weight)),
        ):
            y = nf.conv2d(images, given, bias, **options)
            size = ref.conv2d(np.abs(exact(x)), np.abs(exact(weight)), np.abs(exact(bias)), **options)
            twin = ref.conv2d(exact(x), exact(weight), exact(bias), **options)
            assert_close(y, twin, both(weight[0].size + 1, dtype) * size)
            g = normal(y.shape, dtype, 4)
            check_conv2d_backward(g if images is x else channels_last(g), images, given, options)


@both_floats
def test_conv2d_sizes(isa, dtype):
    """Channel counts at the edges of vectors, output rows at the edges of tiles."""
    for channels, out_channels in itertools.product((1, 3, 8, 16, 17), (1, 7, 15, 16, 33)):
        x, weight = normal((2, channels, 5, 6), dtype, 1), normal((out_channels, channels, 3, 3), dtype, 2)
        size = ref.conv2d(np.abs(exact(x)), np.abs(exact(weight)), padding=1)
        assert_close(
            nf.conv2d(x, weight, padding=1),
            ref.conv2d(exact(x), exact(weight), padding=1),
            both(9 * channels, dtype) * size,
        )
    for width in (3, 4, 9, 15, 16, 17, 18, 31, 34, 66):
        x, weight = normal((1, 2, 4, width), dtype, 1), normal((3, 2, 3, 3), dtype, 2)
        size = ref.conv2d(np.abs(exact(x)), np.abs(exact(weight)))
        assert_close(nf.conv2d(x, weight), ref.conv2d(exact(x), exact(weight)), both(18, dtype) * size)


@both_floats
def test_conv2d_views(dtype):
    x, weight, bias = normal((2, 3, 6, 7), dtype, 1), normal((4, 3, 3, 3), dtype, 2), normal(4, dtype, 3)
    y = nf.conv2d(x, weight, bias)
    g = normal(y.shape, dtype, 4)
    backward = nf.conv2d_backward(g, x, weight)
    for _, view in views(x):
        np.testing.assert_array_equal(nf.conv2d(view, weight, bias), y)
        for got, expected in zip(nf.conv2d_backward(g, view, weight), backward, strict=True):
            np.testing.assert_array_equal(got, expected)
    for _, view in views(weight):
        np.testing.assert_array_equal(nf.conv2d(x, view, bias), y)
    for _, view in views(bias):
        np.testing.assert_array_equal(nf.conv2d(x, weight, view), y)
    for _, view in views(g):
        for got, expected in zip(nf.conv2d_backward(view, x, weight), backward, strict=True):
            np.testing.assert_array_equal(got, expected)


@both_floats
def test_conv2d_guard_pages(isa, dtype):
    for shape, kernel, options in CONVOLUTIONS[:9]:
        x, weight, bias = (guarded(v) for v in operands(shape, kernel, options, dtype))
        y = nf.conv2d(x.copy(), weight.copy(), bias.copy(), **options)
        out = guarded(np.full_like(y, np.nan))
        nf.conv2d(x, weight, bias, **options, out=out)
        np.testing.assert_array_equal(out, y)
        for got, expected in zip(
            nf.conv2d_backward(out, x, weight, **options),
            nf.conv2d_backward(y, x.copy(), weight.copy(), **options),
            strict=True,
        ):
            np.testing.assert_array_equal(got, expected)


@both_floats
def test_conv2d_special_values(isa, dtype):
    """A NaN reaches the windows that hold it, through padding none."""
    x, weight = normal((1, 2, 7, 7), dtype, 1), np.ones((3, 2, 3, 3), dtype)
    x[0, 1, 3, 2] = np.nan
    hit = np.zeros((7, 7), bool)
    hit[2:5, 1:4] = True
    np.testing.assert_array_equal(
        np.isnan(nf.conv2d(x, weight, padding=1)), np.broadcast_to(hit, (1, 3, 7, 7))
    )


@both_floats
def test_conv2d_empty(isa, dtype):
    x, weight = np.zeros((0, 3, 5, 5), dtype), normal((4, 3, 3, 3), dtype, 1)
    assert nf.conv2d(x, weight).shape == (0, 4, 3, 3)
    gx, gweight, gbias = nf.conv2d_backward(np.zeros((0, 4, 3, 3), dtype), x, weight)
    assert gx.shape == x.shape
    np.testing.assert_array_equal(gweight, np.zeros_like(weight))
    np.testing.assert_array_equal(gbias, np.zeros(4, dtype))


# ---------------------------------------------------------------- pooling

# (n, c, h, w), kernel_size, options of both kinds of pooling
POOLINGS = [
    ((2, 3, 8, 8), 2, {}),
    ((1, 1, 7, 9), 3, {}),
    ((2, 5, 9, 7), (3, 2), {"stride": 2}),
    ((1, 4, 7, 7), 3, {"stride": 2, "padding": 1}),
    ((2, 17, 6, 5), 2, {"stride": 1}),
    ((1, 3, 7, 8), 2, {"ceil_mode": True}),
    ((2, 2, 10, 11), 3, {"stride": (3, 2), "padding": 1, "ceil_mode": True}),
    ((1, 33, 5, 5), 5, {"padding": 2, "stride": 1}),
    ((1, 1, 1, 1), 1, {}),
    ((3, 16, 6, 6), (2, 3), {"stride": (2, 3), "padding": (1, 1)}),
    ((1, 8, 6, 6), 2, {"stride": 3, "padding": 1, "ceil_mode": True}),
]
poolings = pytest.mark.parametrize(("shape", "kernel", "options"), POOLINGS)


@both_floats
@poolings
@pytest.mark.parametrize("dilation", [1, 2])
def test_max_pool2d(isa, dtype, shape, kernel, options, dilation):
    x = normal(shape, dtype, 1)
    if dilation == 2 and min(shape[2:]) < 7:
        dilation = (1, 1)  # the kernel would not fit
    options = {**options, "dilation": dilation}
    y = nf.max_pool2d(x, kernel, **options)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, ref.max_pool2d(x, kernel, **options))
    out = np.full_like(y, np.nan)
    assert nf.max_pool2d(x, kernel, **options, out=out) is out
    np.testing.assert_array_equal(out, y)

    g = normal(y.shape, dtype, 2)
    back = nf.max_pool2d_backward(g, x, kernel, **options)
    assert back.dtype == dtype
    # A cell may be the maximum of as many windows as the kernel has positions.
    size = ref.max_pool2d_backward(np.abs(exact(g)), exact(x), kernel, **options)
    positions = np.prod(np.broadcast_to(kernel, 2))
    assert_close(
        back, ref.max_pool2d_backward(exact(g), exact(x), kernel, **options), both(positions, dtype) * size
    )


@both_floats
def test_max_pool2d_ties_and_nan(isa, dtype):
    x = rng(1).integers(-2, 3, (3, 18, 9, 9)).astype(dtype)  # many equal maxima: the first takes the gradient
    x[0, 2, 3, 4] = x[1, 5, 0, 0] = x[1, 5, 1, 1] = np.nan
    x[2, 3] = -np.inf
    x[2, 4, 2, 2] = np.inf
    for options in ({}, {"stride": 1}, {"padding": 1}, {"stride": 1, "padding": 1, "dilation": 2}):
        y = nf.max_pool2d(x, 3, **options)
        np.testing.assert_array_equal(y, ref.max_pool2d(x, 3, **options))
        g = rng(2).integers(1, 9, y.shape).astype(dtype)  # integers: sums are exact
        np.testing.assert_array_equal(
            nf.max_pool2d_backward(g, x, 3, **options), ref.max_pool2d_backward(g, x, 3, **options)
        )


@both_floats
@poolings
@pytest.mark.parametrize("count_include_pad", [True, False])
def test_avg_pool2d(isa, dtype, shape, kernel, options, count_include_pad):
    x = normal(shape, dtype, 1)
    options = {**options, "count_include_pad": count_include_pad}
    y = nf.avg_pool2d(x, kernel, **options)
    assert y.dtype == dtype
    terms = np.prod(np.broadcast_to(kernel, 2)) + 2  # a sum, a division or a rounded reciprocal and a product
    size = ref.avg_pool2d(np.abs(exact(x)), kernel, **options)
    assert_close(y, ref.avg_pool2d(exact(x), kernel, **options), both(terms, dtype) * size + tiny(dtype))
    out = np.full_like(y, np.nan)
    assert nf.avg_pool2d(x, kernel, **options, out=out) is out
    np.testing.assert_array_equal(out, y)

    g = normal(y.shape, dtype, 2)
    back = nf.avg_pool2d_backward(g, x, kernel, **options)
    assert back.dtype == dtype
    size = ref.avg_pool2d_backward(np.abs(exact(g)), exact(x), kernel, **options)
    twin = ref.avg_pool2d_backward(exact(g), exact(x), kernel, **options)
    assert_close(back, twin, both(terms, dtype) * size + tiny(dtype))


@both_floats
def test_pool_channels(isa, dtype):
    """Channel counts at the edges of vectors."""
    for channels in (1, 2, 4, 7, 8, 9, 15, 16, 17, 31, 33, 65):
        x = normal((1, channels, 5, 5), dtype, channels)
        np.testing.assert_array_equal(nf.max_pool2d(x, 2), ref.max_pool2d(x, 2))
        size = ref.avg_pool2d(np.abs(exact(x)), 2)
        assert_close(nf.avg_pool2d(x, 2), ref.avg_pool2d(exact(x), 2), both(6, dtype) * size)


@both_floats
def test_pool_views_and_guards(isa, dtype):
    x = normal((2, 5, 6, 7), dtype, 1)
    maximum, average = nf.max_pool2d(x, 2), nf.avg_pool2d(x, 2)
    g = normal(maximum.shape, dtype, 2)
    max_back, avg_back = nf.max_pool2d_backward(g, x, 2), nf.avg_pool2d_backward(g, x, 2)
    for _, view in [*views(x), ("guarded", guarded(x))]:
        np.testing.assert_array_equal(nf.max_pool2d(view, 2), maximum)
        np.testing.assert_array_equal(nf.avg_pool2d(view, 2), average)
        np.testing.assert_array_equal(nf.max_pool2d_backward(g, view, 2), max_back)
        np.testing.assert_array_equal(nf.avg_pool2d_backward(g, view, 2), avg_back)
    for _, view in [*views(g), ("guarded", guarded(g))]:
        np.testing.assert_array_equal(nf.max_pool2d_backward(view, x, 2), max_back)
        np.testing.assert_array_equal(nf.avg_pool2d_backward(view, x, 2), avg_back)


@both_floats
def test_pool_empty(dtype):
    x = np.zeros((0, 3, 6, 6), dtype)
    for name in ("max_pool2d", "avg_pool2d"):
        assert getattr(nf, name)(x, 2).shape == (0, 3, 3, 3)
        assert getattr(nf, name + "_backward")(np.zeros((0, 3, 3, 3), dtype), x, 2).shape == x.shape
