"""Depthwise convolution and convolution in small groups: on NCHW arrays, and inside a network."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import both_floats, guarded, normal, views
from .tolerances import assert_close, both, exact

# (n, c, h, w), groups, (kh, kw), options
DEPTHWISE = [
    ((2, 3, 9, 8), 3, (3, 3), {"padding": 1}),
    ((1, 5, 6, 17), 5, (3, 3), {"padding": 1}),
    ((2, 16, 7, 33), 16, (3, 3), {}),
    ((2, 17, 13, 16), 17, (3, 3), {"stride": 2, "padding": 1}),
    ((1, 4, 9, 35), 4, (3, 3), {"stride": 2}),
    ((1, 33, 5, 6), 33, (3, 3), {"padding": 1}),  # narrow rows: converted
    ((1, 3, 10, 40), 3, (5, 5), {"padding": 2}),
    ((1, 2, 12, 31), 2, (2, 4), {"stride": (3, 2), "padding": (1, 3), "dilation": (2, 1)}),
    ((2, 3, 8, 50), 3, (3, 3), {"stride": (1, 3), "dilation": 2, "padding": 2}),
    ((1, 2, 4, 12), 2, (1, 1), {"padding": 2}),
    ((1, 2, 90, 120), 2, (3, 3), {"padding": 1}),  # more rows than a band
    ((1, 3, 5, 20), 3, (3, 3), {"padding": 4}),
    ((2, 3, 15, 14), 3, (5, 5), {"padding": 2}),
    ((1, 5, 17, 30), 5, (7, 7), {"padding": 3}),
    ((1, 18, 16, 29), 18, (5, 5), {"stride": 2, "padding": 2}),
    ((1, 3, 12, 44), 3, (9, 4), {"padding": (4, 2), "dilation": (1, 2)}),
    ((1, 4, 1, 90), 4, (1, 9), {"padding": (0, 4)}),
    ((1, 3, 19, 37), 3, (3, 5), {"dilation": (2, 3), "padding": (2, 6)}),  # rows with others between them
    ((1, 20, 9, 9), 20, (7, 11), {"padding": (3, 5), "stride": (2, 1)}),
    ((1, 17, 21, 10), 17, (3, 3), {"stride": 3, "padding": 1}),
    ((1, 2, 40, 70), 2, (7, 3), {"padding": (3, 1)}),
    ((2, 3, 28, 28), 3, (5, 5), {"padding": 2}),  # seven rows at a time
    ((1, 3, 16, 16), 3, (5, 5), {"padding": 2}),  # sixteen
    ((2, 2, 33, 48), 2, (5, 5), {"padding": 2}),  # eight, and a vector of columns by itself
    ((1, 2, 150, 60), 2, (5, 5), {"padding": 2}),  # bands
    ((2, 3, 28, 28), 3, (5, 5), {"stride": 2, "padding": 2}),
    ((1, 3, 29, 67), 3, (3, 3), {"stride": 2, "padding": 1}),  # rows of several vectors
    ((2, 3, 28, 32), 3, (2, 2), {"stride": 2}),  # few taps: the strided gradient on planes, too
    ((1, 3, 27, 32), 3, (3, 3), {"stride": 3}),
    # On planes for narrower vectors, too: strided gradients, and more taps than at once.
    ((1, 2, 40, 131), 2, (1, 1), {"stride": 3}),
    ((1, 2, 60, 101), 2, (2, 2), {"stride": 3}),
    ((1, 2, 118, 16), 2, (3, 3), {"stride": 2, "padding": 1}),
    ((1, 1, 118, 94), 1, (9, 9), {"padding": 4}),
]
GROUPED = [
    ((2, 6, 7, 9), 3, (3, 3), {"padding": 1}),
    ((1, 12, 8, 19), 3, (3, 3), {"padding": 1}),
    ((2, 32, 6, 7), 8, (3, 3), {"padding": 1}),
    ((1, 40, 5, 11), 10, (3, 3), {}),
    ((2, 24, 9, 8), 3, (3, 3), {"stride": 2, "padding": 1}),
    ((1, 64, 6, 6), 8, (3, 3), {"padding": 1}),
    ((1, 16, 7, 8), 4, (1, 1), {}),
    ((1, 16, 7, 9), 8, (5, 2), {"padding": (2, 0), "dilation": (1, 3)}),
    ((1, 8, 60, 70), 2, (3, 3), {"padding": 1}),  # bands of padded rows
    ((1, 8, 6, 7), 2, (3, 3), {"padding": 3}),
    ((2, 48, 9, 7), 3, (3, 3), {"padding": 1}),  # 16 channels a group and more
    ((3, 70, 8, 6), 2, (3, 3), {"stride": 2, "padding": 1}),
    ((1, 140, 5, 9), 2, (2, 3), {"padding": (1, 2), "dilation": (1, 2)}),
    ((1, 32, 90, 50), 2, (3, 3), {"padding": 1}),  # bands of rows
]
shapes = pytest.mark.parametrize(("shape", "groups", "kernel", "options"), DEPTHWISE + GROUPED)


def operands(shape, groups, kernel, dtype):
    c = shape[1]
    return normal(shape, dtype, 1), normal((c, c // groups, *kernel), dtype, 2), normal(c, dtype, 3)


def assert_forward(got, x, weight, bias, dtype, options):
    twin = ref.conv2d(exact(x), exact(weight), exact(bias), **options)
    size = ref.conv2d(np.abs(exact(x)), np.abs(exact(weight)), np.abs(exact(bias)), **options)
    assert_close(got, twin, both(weight[0].size + 1, dtype) * size)


def assert_backward(got, g, x, weight, dtype, options):
    twins = ref.conv2d_backward(exact(g), exact(x), exact(weight), **options)
    sizes = ref.conv2d_backward(*(np.abs(exact(v)) for v in (g, x, weight)), **options)
    cells = g.shape[0] * g.shape[2] * g.shape[3]
    terms = (weight[0].size, cells, cells)
    for value, twin, size, n in zip(got, twins, sizes, terms, strict=True):
        assert_close(value, twin, both(n + 1, dtype) * size)


@both_floats
@shapes
def test_functions(isa, dtype, shape, groups, kernel, options):
    x, weight, bias = operands(shape, groups, kernel, dtype)
    options = {**options, "groups": groups}
    y = nf.conv2d(x, weight, bias, **options)
    assert_forward(y, x, weight, bias, dtype, options)
    g = normal(y.shape, dtype, 4)
    assert_backward(nf.conv2d_backward(g, x, weight, **options), g, x, weight, dtype, options)


@both_floats
@shapes
def test_layers(isa, dtype, shape, groups, kernel, options):
    """The kernels of a network, whose images are channels-last, with an activation in the epilogue."""
    x, weight, bias = operands(shape, groups, kernel, dtype)
    layer = nf.Conv2d(shape[1], shape[1], kernel, groups=groups, **options)
    model = nf.Sequential(layer, input_shape=shape[1:], dtype=dtype)
    model.load_state_dict({"0.weight": weight, "0.bias": bias})
    options = {**options, "groups": groups}
    y = model.forward(x, training=True)
    assert_forward(y, x, weight, bias, dtype, options)
    g = normal(y.shape, dtype, 4)
    gx = model.backward(g, need_input_grad=True)
    assert_backward((gx, *model.gradients().values()), g, x, weight, dtype, options)


@both_floats
@shapes
def test_guard_pages_and_views(isa, dtype, shape, groups, kernel, options):
    x, weight, bias = operands(shape, groups, kernel, dtype)
    options = {**options, "groups": groups}
    y = nf.conv2d(x, weight, bias, **options)
    out = guarded(np.full_like(y, np.nan))
    nf.conv2d(guarded(x), guarded(weight), guarded(bias), **options, out=out)
    np.testing.assert_array_equal(out, y)
    g = normal(y.shape, dtype, 4)
    expected = nf.conv2d_backward(g, x, weight, **options)
    for got, value in zip(
        nf.conv2d_backward(guarded(g), guarded(x), guarded(weight), **options), expected, strict=True
    ):
        np.testing.assert_array_equal(got, value)
    last_x, last_g = (guarded(v.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) for v in (x, g))
    assert_forward(nf.conv2d(last_x, weight, bias, **options), x, weight, bias, dtype, options)
    assert_backward(nf.conv2d_backward(last_g, last_x, weight, **options), g, x, weight, dtype, options)
    if x.size < 1000:
        for _, view in views(x):
            np.testing.assert_array_equal(nf.conv2d(view, weight, bias, **options), y)


@both_floats
def test_threads(dtype):
    """The same bits at any number of threads."""
    before = nf.get_num_threads()
    try:
        for channels, groups, stride, kernel in (
            (19, 19, 1, 3), (19, 19, 2, 3), (19, 19, 1, 5), (19, 19, 2, 5), (64, 16, 1, 3), (64, 8, 2, 3),
            (64, 2, 1, 3), (48, 3, 2, 5), (48, 3, 1, 3),
        ):  # fmt: skip
            x = normal((5, channels, 30, 33), dtype, 1)
            weight = normal((channels, channels // groups, kernel, kernel), dtype, 2)
            options = {"padding": kernel // 2, "stride": stride, "groups": groups}
            results = []
            for threads in (1, 2, 3):
                nf.set_num_threads(threads)
                y = nf.conv2d(x, weight, **options)
                last_x, last_y = (
                    np.moveaxis(np.ascontiguousarray(np.moveaxis(v, 1, 3)), 3, 1) for v in (x, y)
                )
                results.append(
                    [
                        y,
                        *nf.conv2d_backward(y, x, weight, **options),
                        nf.conv2d(last_x, weight, **options),
                        *nf.conv2d_backward(last_y, last_x, weight, **options),
                    ]
                )
            for other in results[1:]:
                for got, value in zip(other, results[0], strict=True):
                    np.testing.assert_array_equal(got, value)
    finally:
        nf.set_num_threads(before)


@both_floats
def test_infinity_stays_in_its_windows(isa, dtype):
    """An infinite cell beyond the last window reaches no gradient; one inside reaches its taps alone."""
    x, weight = np.ones((1, 2, 6, 20), dtype), np.ones((2, 1, 3, 3), dtype)
    x[0, 0, :, 19] = np.inf
    g = np.ones((1, 2, 2, 9), dtype)
    _, gweight, _ = nf.conv2d_backward(g, x, weight, stride=2, groups=2)
    np.testing.assert_array_equal(gweight, np.full_like(weight, 18))
    for kernel in (3, 5, 7):  # stride 1: the first row meets the first row of taps alone
        x = np.ones((1, 2, kernel + 3, 20), dtype)
        x[0, 0, 0, 19] = np.inf
        weight, g = np.ones((2, 1, kernel, kernel), dtype), np.ones((1, 2, 4, 21 - kernel), dtype)
        for last in (False, True):
            if last:
                x, g = (np.moveaxis(np.ascontiguousarray(np.moveaxis(v, 1, 3)), 3, 1) for v in (x, g))
            _, gweight, _ = nf.conv2d_backward(g, x, weight, groups=2)
            expected = np.full_like(weight, g[0, 0].size)
            expected[0, 0, 0, -1] = np.inf
            np.testing.assert_array_equal(gweight, expected)
