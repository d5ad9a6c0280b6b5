"""Signals, transposed convolution and images of another size: the core against the reference on every
instruction set; the reference against plain loops, stored values and central differences.
"""

import math

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import both_floats, guarded, normal, rng, views
from .tolerances import assert_close, both, exact, tiny


def against_twin(name, dtype, arrays, options, terms):
    """Forward and backward against the reference in float64; returns the forward's result.

    Allowed: `terms` rounding errors of the sums of absolute values.
    """
    f, twin = getattr(nf, name), getattr(ref, name)
    y = f(*arrays, **options)
    absolute = [np.abs(exact(a)) for a in arrays]
    assert y.dtype == dtype
    assert y.flags.c_contiguous
    bound = both(terms, dtype)
    assert_close(y, twin(*map(exact, arrays), **options), bound * twin(*absolute, **options) + tiny(dtype))
    out = np.full_like(y, np.nan)
    assert f(*arrays, **options, out=out) is out
    np.testing.assert_array_equal(out, y)

    g = normal(y.shape, dtype, 9)
    back = name + "_backward"
    got = getattr(nf, back)(g, *arrays[:2], **options)
    expected = getattr(ref, back)(exact(g), *map(exact, arrays[:2]), **options)
    size = getattr(ref, back)(np.abs(exact(g)), *absolute[:2], **options)
    as_tuple = (lambda v: v) if isinstance(got, tuple) else (lambda v: (v,))
    cells = g.size // g.shape[1]  # what a bias or weight gradient sums over
    for a, b, s in zip(as_tuple(got), as_tuple(expected), as_tuple(size), strict=True):
        assert a.dtype == dtype
        assert_close(a, b, both(max(terms, cells + 1), dtype) * s + tiny(dtype))
    return y


def check_differences(name, arrays, options):
    """The reference's gradients against central differences of sum(g * y), in float64."""
    f, back = getattr(ref, name), getattr(ref, name + "_backward")
    g = normal(f(*arrays, **options).shape, np.float64, 5)
    gradients = back(g, *arrays[:2], **options)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    step = 1e-6
    for i, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        numeric = np.empty_like(array)
        for index in np.ndindex(array.shape):
            sums = []
            for sign in (1, -1):
                moved = [a.copy() for a in arrays]
                moved[i][index] += sign * step
                sums.append((g * f(*moved, **options)).sum())
            numeric[index] = (sums[0] - sums[1]) / (2 * step)
        # Truncation is O(step^2) for these piecewise linear functions, rounding about eps * |sum| / step.
        np.testing.assert_allclose(gradient, numeric, atol=1e-7 * max(1.0, np.abs(g).sum()))


# ---------------------------------------------------------------- conv1d

CONV1D = [
    ((2, 3, 9), (4, 3, 3), {}),
    ((1, 1, 5), (1, 1, 5), {}),
    ((3, 4, 17), (7, 4, 4), {"stride": 2, "padding": 3}),
    ((2, 6, 12), (9, 2, 3), {"groups": 3, "dilation": 2, "padding": 1}),
    ((2, 17, 33), (33, 17, 3), {"padding": "same"}),
    ((2, 8, 10), (8, 1, 3), {"groups": 8, "padding": (1,)}),
    ((2, 3, 6), (2, 3, 4), {"padding": "same", "dilation": 1}),
    ((2, 3, 6), (2, 3, 1), {"padding": "valid"}),
]


@both_floats
@pytest.mark.parametrize(("shape", "kernel", "options"), CONV1D)
def test_conv1d(isa, dtype, shape, kernel, options):
    arrays = normal(shape, dtype, 1), normal(kernel, dtype, 2), normal(kernel[0], dtype, 3)
    terms = kernel[0] * kernel[2] + kernel[1] * kernel[2] + 1
    y = against_twin("conv1d", dtype, arrays, options, terms)
    if isinstance(options.get("padding", 0), int):  # the same bits as images of height 1
        high = {k: (0 if k == "padding" else 1, v) if k != "groups" else v for k, v in options.items()}
        image = nf.conv2d(arrays[0][:, :, None], arrays[1][:, :, None], arrays[2], **high)
        np.testing.assert_array_equal(y, image[:, :, 0])


def test_conv1d_formula():
    x, weight, bias = (
        normal((2, 4, 11), np.float64, 1),
        normal((6, 2, 3), np.float64, 2),
        normal(6, np.float64, 3),
    )
    y = ref.conv1d(x, weight, bias, stride=2, padding=2, dilation=2, groups=2)
    padded = np.pad(x, ((0, 0), (0, 0), (2, 2)))
    for n, o, r in np.ndindex(y.shape):
        first = o // 3 * 2
        total = bias[o]
        for c in range(2):
            for i in range(3):
                total += weight[o, c, i] * padded[n, first + c, 2 * r + 2 * i]
        assert abs(total - y[n, o, r]) < 1e-12


# ---------------------------------------------------------------- conv_transpose2d

TRANSPOSED = [
    ((2, 3, 4, 5), (3, 4, 3, 3), {}),
    ((2, 4, 5, 4), (4, 3, 2, 2), {"stride": 2}),
    ((1, 3, 4, 4), (3, 5, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
    (
        (2, 6, 4, 3),
        (6, 2, 3, 2),
        {"stride": (3, 2), "padding": (1, 0), "groups": 3, "output_padding": (2, 1)},
    ),
    ((2, 4, 3, 4), (4, 1, 3, 3), {"groups": 4, "stride": 2, "padding": 1}),
    ((2, 2, 4, 4), (2, 3, 3, 3), {"dilation": 2, "padding": 1}),
    ((2, 3, 4, 4), (3, 2, 1, 1), {}),
    (
        (2, 3, 4, 4),
        (3, 2, 1, 1),
        {"dilation": 2, "output_padding": 1},
    ),  # more than a stride of output_padding
    ((2, 4, 4, 4), (4, 2, 3, 3), {"dilation": 3, "stride": 2, "output_padding": 2}),
    ((2, 4, 4, 4), (4, 1, 3, 3), {"dilation": 3, "output_padding": 2, "groups": 4}),
    ((1, 2, 1, 1), (2, 5, 4, 4), {}),
    ((2, 33, 6, 6), (33, 17, 4, 4), {"stride": 2, "padding": 1}),
    ((1, 16, 5, 5), (16, 32, 3, 3), {"padding": 2}),
]


@both_floats
@pytest.mark.parametrize(("shape", "kernel", "options"), TRANSPOSED)
def test_conv_transpose2d(isa, dtype, shape, kernel, options):
    oc = kernel[1] * options.get("groups", 1)
    arrays = normal(shape, dtype, 1), normal(kernel, dtype, 2), normal(oc, dtype, 3)
    terms = (kernel[0] + kernel[1]) * kernel[2] * kernel[3] + 1
    against_twin("conv_transpose2d", dtype, arrays, options, terms)
    plain = nf.conv_transpose2d(*arrays[:2], **options)
    np.testing.assert_array_equal(plain, nf.conv_transpose2d(*arrays[:2], np.zeros(oc, dtype), **options))


def test_conv_transpose2d_is_the_gradient_of_conv2d():
    x, weight = normal((2, 3, 4, 5), np.float64, 1), normal((3, 4, 3, 2), np.float64, 2)
    y = ref.conv_transpose2d(x, weight, stride=2, padding=1, output_padding=1, dilation=2)
    gx = ref.conv2d_backward(x, np.zeros_like(y), weight, stride=2, padding=1, dilation=2)[0]
    np.testing.assert_allclose(y, gx, rtol=1e-12, atol=1e-12)


def test_conv_transpose2d_stored():
    """Computed once with PyTorch 2.13: arange inputs, stride 2, padding 1, output_padding 1."""
    x, weight = np.arange(4.0).reshape(1, 1, 2, 2), np.arange(9.0).reshape(1, 1, 3, 3)
    y = nf.conv_transpose2d(x, weight, np.ones(1), stride=2, padding=1, output_padding=1)
    np.testing.assert_array_equal(y[0, 0], STORED_TRANSPOSED)


STORED_TRANSPOSED = [[1, 4, 5, 6], [3, 11, 11, 15], [9, 20, 13, 16], [15, 35, 22, 25]]


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"output_padding": 2}, "output_padding"),
        ({"padding": 9}, "padding"),
        ({"stride": 0}, "stride"),
        ({"groups": 2}, "groups"),
        ({"padding": "same"}, "padding"),
        ({"dilation": (1, 2, 3)}, "dilation"),
    ],
)
def test_conv_transpose2d_bad_options(options, argument):
    x, weight = np.ones((1, 3, 4, 4)), np.ones((3, 2, 3, 3))
    for module in (nf, ref):
        with pytest.raises((ValueError, TypeError), match=rf"^conv_transpose2d: {argument}: |{argument}|str"):
            module.conv_transpose2d(x, weight, **options)
    with pytest.raises((ValueError, TypeError), match=rf"^conv_transpose2d: {argument}: "):
        nf.conv_transpose2d(x, weight, **options)


# ---------------------------------------------------------------- pooling

POOL1D = [
    ((2, 3, 8), 2, {}),
    ((2, 17, 9), 3, {"stride": 2, "padding": 1}),
    ((1, 5, 7), 2, {"ceil_mode": True}),
    ((1, 33, 10), 3, {"stride": 3, "padding": 1, "ceil_mode": True}),
]


@both_floats
@pytest.mark.parametrize(("shape", "kernel", "options"), POOL1D)
def test_pool1d(isa, dtype, shape, kernel, options):
    x = normal(shape, dtype, 1)
    for count in (True, False):
        against_twin(
            "avg_pool1d",
            dtype,
            [x],
            {"kernel_size": kernel, **options, "count_include_pad": count},
            kernel + 2,
        )
    for dilation in (1, 2):
        more = {"kernel_size": kernel, **options, "dilation": dilation}
        y = nf.max_pool1d(x, **more)
        np.testing.assert_array_equal(y, ref.max_pool1d(x, **more))
        g = rng(2).integers(1, 9, y.shape).astype(dtype)  # sums of integers are exact
        np.testing.assert_array_equal(
            nf.max_pool1d_backward(g, x, **more), ref.max_pool1d_backward(g, x, **more)
        )


@both_floats
@pytest.mark.parametrize(
    ("shape", "output"),
    [
        ((2, 3, 7, 5), (3, 2)),
        ((2, 16, 8, 8), 4),
        ((1, 5, 3, 4), (5, 7)),
        ((2, 1, 6, 6), 1),
        ((2, 9, 6, 7), None),
        ((1, 2, 4, 6), (None, 4)),
    ],
)
def test_adaptive_avg_pool2d(isa, dtype, shape, output):
    x = normal(shape, dtype, 1)
    against_twin("adaptive_avg_pool2d", dtype, [x], {"output_size": output}, shape[2] * shape[3] + 2)


def test_adaptive_avg_pool2d_formula():
    x = normal((1, 1, 7, 10), np.float64, 1)
    y = ref.adaptive_avg_pool2d(x, (3, 4))
    for i, j in np.ndindex(3, 4):
        rows = slice(int(np.floor(i * 7 / 3)), int(np.ceil((i + 1) * 7 / 3)))
        columns = slice(int(np.floor(j * 10 / 4)), int(np.ceil((j + 1) * 10 / 4)))
        assert abs(y[0, 0, i, j] - x[0, 0, rows, columns].mean()) < 1e-14


@both_floats
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("d", ["1d", "2d"])
def test_global_pool(isa, dtype, keepdims, d):
    average, largest = f"global_avg_pool{d}", getattr(nf, f"global_max_pool{d}")
    largest_twin = getattr(ref, f"global_max_pool{d}")
    back, back_twin = (getattr(m, f"global_max_pool{d}_backward") for m in (nf, ref))
    cells = {"2d": [(5, 7), (4, 4), (1, 1)], "1d": [(35,), (16,), (1,)]}[d]
    for shape in ((2, 3, *cells[0]), (1, 33, *cells[1]), (2, 1, *cells[2]), (0, 2, *cells[1])):
        x = normal(shape, dtype, 1)
        options = {"keepdims": keepdims}
        y = against_twin(average, dtype, [x], options, math.prod(shape[2:]) + 2)
        assert y.shape == ((*shape[:2], *(1 for _ in cells[0])) if keepdims else shape[:2])
        x[:1, 0, ..., -1] = x[:1, 0, ..., 0]  # equal numbers: the first one's is the gradient
        y = largest(x, **options)
        np.testing.assert_array_equal(y, largest_twin(x, **options))
        g = normal(y.shape, dtype, 2)
        np.testing.assert_array_equal(back(g, x, **options), back_twin(g, x, **options))
    x = normal((1, 2, *cells[1]), dtype, 1)
    x[(0, 1, *(1 for _ in cells[0]))] = np.nan
    np.testing.assert_array_equal(np.isnan(largest(x)), [[False, True]])
    g = np.ones((1, 2), dtype)
    np.testing.assert_array_equal(back(g, x), back_twin(g, x))


# ---------------------------------------------------------------- padding, upsampling


@both_floats
@pytest.mark.parametrize(
    ("shape", "pads"),
    [
        ((2, 3, 4, 5), (1, 2, 3, 0)),
        ((2, 3, 4, 5), (0, 0, 0, 0, 2, 1)),
        ((2, 3, 4, 5), (0, 0, 1, -2, 0, 0, 0, 3)),
        ((4,), (-3, 2)),
        ((4,), (-2, -2)),
        ((4,), (5, -6)),  # cuts off all of x and one new cell
        ((4,), (-6, 5)),
        ((3, 0), (1, 1)),
        ((0, 3), (1, 1)),
        ((2, 3), ()),
        ((), ()),
    ],
)
def test_pad(dtype, shape, pads):
    x = normal(shape, dtype, 1)
    y = nf.pad(x, pads, value=2.5)
    np.testing.assert_array_equal(y, ref.pad(x, pads, value=2.5))
    assert y.dtype == dtype
    g = normal(y.shape, dtype, 2)
    gx = nf.pad_backward(g, x, pads)
    assert gx.shape == x.shape
    np.testing.assert_array_equal(gx, ref.pad_backward(g, x, pads))
    if min(pads, default=0) >= 0:
        sides = [*zip(pads[::2], pads[1::2], strict=True)]
        sides = [(0, 0)] * (x.ndim - len(sides)) + sides[::-1]
        np.testing.assert_array_equal(y, np.pad(x, sides, constant_values=2.5) if x.ndim else x)


@pytest.mark.parametrize(
    ("error", "argument", "call"),
    [
        (ValueError, "pad", lambda m: m.pad(np.ones(3), (1,))),
        (ValueError, "pad", lambda m: m.pad(np.ones(3), (1, 1, 1, 1))),
        (ValueError, "pad", lambda m: m.pad(np.ones(3), (-2, -2))),
        (TypeError, "pad", lambda m: m.pad(np.ones(3), 1)),
        (TypeError, "pad", lambda m: m.pad(np.ones(3), (1.5, 1))),
        (ValueError, "mode", lambda m: m.pad(np.ones(3), (1, 1), "reflect")),
    ],
)
def test_pad_bad_options(error, argument, call):
    for module in (nf, ref):
        with pytest.raises(error, match=f"^pad: {argument}: "):
            call(module)


@both_floats
@pytest.mark.parametrize("scale", [1, 2, (3, 1), (1, 4)])
def test_upsample_nearest(dtype, scale):
    for shape in ((2, 3, 4, 5), (1, 17, 1, 1), (0, 2, 3, 3)):
        x = normal(shape, dtype, 1)
        y = nf.upsample_nearest(x, scale_factor=scale)
        np.testing.assert_array_equal(y, ref.upsample_nearest(x, scale_factor=scale))
        np.testing.assert_array_equal(y, nf.upsample_nearest(x, y.shape[2:]))
        np.testing.assert_array_equal(y, ref.upsample_nearest(x, y.shape[2:]))
        g = rng(2).integers(-9, 9, y.shape).astype(dtype)
        back = nf.upsample_nearest_backward(g, x, scale_factor=scale)
        np.testing.assert_array_equal(back, ref.upsample_nearest_backward(g, x, scale_factor=scale))
        np.testing.assert_array_equal(back, nf.upsample_nearest_backward(g, x, y.shape[2:]))


@both_floats
@pytest.mark.parametrize(
    "options",
    [
        {"size": (13, 5)},
        {"size": (1, 17)},
        {"size": 3},
        {"scale_factor": 1.5},
        {"scale_factor": (0.6, 2.3)},
        {"scale_factor": (2, 1.25)},
        {"scale_factor": (1.0, 0.2)},
    ],
)
def test_upsample_nearest_to_any_size(dtype, options):
    """Copies, so the forward is exact; whole numbers as gradients make the sums exact too."""
    for shape in ((2, 3, 9, 8), (1, 17, 5, 6), (0, 2, 3, 5)):
        x = normal(shape, dtype, 1)
        y = nf.upsample_nearest(x, **options)
        np.testing.assert_array_equal(y, ref.upsample_nearest(x, **options))
        g = rng(2).integers(-9, 9, y.shape).astype(dtype)
        back = nf.upsample_nearest_backward(g, x, **options)
        np.testing.assert_array_equal(back, ref.upsample_nearest_backward(g, x, **options))


def test_upsample_nearest_takes_the_cells_that_pytorch_takes():
    """Stored from torch.nn.functional.interpolate 2.13: the two ways to ask for 7 of 5 cells differ."""
    x = np.arange(5.0).reshape(1, 1, 1, 5)
    for module in (nf, ref):
        to_size = module.upsample_nearest(x, (1, 7))[0, 0, 0]
        np.testing.assert_array_equal(to_size, [0, 0, 1, 2, 2, 3, 4])
        by_factor = module.upsample_nearest(x, scale_factor=(1, 1.55))[0, 0, 0]
        np.testing.assert_array_equal(by_factor, [0, 0, 1, 1, 2, 3, 3])


def test_upsample_nearest_wants_a_size_or_a_factor():
    x = np.ones((1, 2, 4, 6))
    for options, argument in [
        ({}, "scale_factor"),
        ({"size": 8, "scale_factor": 2}, "scale_factor"),
        ({"size": (0, 6)}, "size"),
        ({"scale_factor": 0}, "scale_factor"),
        ({"scale_factor": 0.2}, "scale_factor"),
        ({"scale_factor": (1.5, -1)}, "scale_factor"),
        ({"scale_factor": np.inf}, "scale_factor"),
        ({"scale_factor": (1, 2, 3)}, "scale_factor"),
    ]:
        for module in (nf, ref):
            with pytest.raises(ValueError, match=f"^upsample_nearest: {argument}: "):
                module.upsample_nearest(x, **options)


# ---------------------------------------------------------------- reshape and flatten

SHAPES = [
    ((4, 6), (3, -1)), ((4, 6), 24), ((24,), (2, 3, 4)), ((0, 3), (3, 0)), ((0, 3), (-1, 3)), ((), (1, 1)),
    ((1,), ()), ((40, 50, 60), (60, -1)),
]  # fmt: skip
AXES = [
    ((2, 3, 4), ()), ((2, 3, 4), (1,)), ((2, 3, 4), (0, 1)), ((2, 3, 4), (-2, -1)), ((2, 3, 4), (1, 1)),
    ((), ()), ((5,), ()), ((2, 0, 3), (1,)),
]  # fmt: skip


@both_floats
@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [("reshape", s, (o,)) for s, o in SHAPES] + [("flatten", s, o) for s, o in AXES],
)
def test_other_shapes(dtype, name, shape, options):
    forward, backward = getattr(nf, name), getattr(nf, f"{name}_backward")
    twin, twin_backward = getattr(ref, name), getattr(ref, f"{name}_backward")
    x = normal(shape, dtype, 1)
    y = forward(x, *options)
    expected = twin(x, *options)
    assert y.dtype == dtype and y.flags.c_contiguous and not np.shares_memory(y, x)
    assert y.shape == expected.shape
    np.testing.assert_array_equal(y, expected)
    if x.ndim:
        np.testing.assert_array_equal(forward(x[::-1], *options), twin(x[::-1], *options))
    g = normal(y.shape, dtype, 2)
    back = backward(g, x, *options)
    assert back.shape == shape and back.dtype == dtype
    np.testing.assert_array_equal(back, twin_backward(g, x, *options))
    np.testing.assert_array_equal(back.ravel(), g.ravel())


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "reshape: shape: expected sizes", lambda m: m.reshape(np.ones(6), (4, -1))),
        (ValueError, "reshape: shape: expected sizes", lambda m: m.reshape(np.ones(6), (-1, -1))),
        (ValueError, "reshape: shape: expected sizes", lambda m: m.reshape(np.ones(6), (-2, 3))),
        (ValueError, "reshape: shape: expected sizes", lambda m: m.reshape(np.ones(0), (0, -1))),
        (ValueError, "reshape: shape: expected sizes", lambda m: m.reshape(np.ones(6), 7)),
        (TypeError, "reshape: shape: expected an integer", lambda m: m.reshape(np.ones(6), 6.0)),
        (TypeError, "reshape: shape: expected an integer", lambda m: m.reshape(np.ones(6), None)),
        (
            ValueError,
            "reshape_backward: grad_output: ",
            lambda m: m.reshape_backward(np.ones(5), np.ones(6), 6),
        ),
        (ValueError, "flatten: start_dim: ", lambda m: m.flatten(np.ones((2, 3)), 2)),
        (ValueError, "flatten: end_dim: ", lambda m: m.flatten(np.ones((2, 3)), 0, -3)),
        (ValueError, "flatten: start_dim: expected an axis not", lambda m: m.flatten(np.ones((2, 3)), 1, 0)),
        (TypeError, "flatten: start_dim: ", lambda m: m.flatten(np.ones((2, 3)), 0.5)),
    ],
)
def test_other_shapes_refused(error, message, call):
    for module in (nf, ref):
        with pytest.raises(error, match=f"^{message}"):
            call(module)


# ---------------------------------------------------------------- all of them

SIGNAL, IMAGE = (2, 3, 7), (1, 2, 5, 4)
ALL = [
    ("conv1d", [(2, 4, 7), (4, 2, 3), (4,)], {"stride": 2, "padding": 1, "groups": 2}),
    (
        "conv_transpose2d",
        [(1, 2, 3, 3), (2, 2, 3, 2), (2,)],
        {"stride": 2, "padding": 1, "output_padding": 1},
    ),
    ("max_pool1d", [SIGNAL], {"kernel_size": 3, "stride": 2}),
    ("avg_pool1d", [SIGNAL], {"kernel_size": 3, "stride": 2, "padding": 1}),
    ("adaptive_avg_pool2d", [IMAGE], {"output_size": (3, 3)}),
    ("global_avg_pool1d", [SIGNAL], {}),
    ("global_max_pool1d", [SIGNAL], {}),
    ("global_avg_pool2d", [IMAGE], {}),
    ("global_max_pool2d", [IMAGE], {}),
    ("pad", [IMAGE], {"pad": (1, -1, 0, 2)}),
    ("upsample_nearest", [IMAGE], {"scale_factor": (2, 3)}),
]
every = pytest.mark.parametrize(("name", "shapes", "options"), ALL, ids=[row[0] for row in ALL])


@every
def test_central_differences(name, shapes, options):
    check_differences(name, [normal(shape, np.float64, i) for i, shape in enumerate(shapes)], options)


@both_floats
@every
def test_views_and_guard_pages(isa, dtype, name, shapes, options):
    arrays = [normal(shape, dtype, i) for i, shape in enumerate(shapes)]
    f, back = getattr(nf, name), getattr(nf, name + "_backward")
    y = f(*arrays, **options)
    g = normal(y.shape, dtype, 9)
    gradients = back(g, *arrays[:2], **options)
    for _, view in [*views(arrays[0]), ("guarded", guarded(arrays[0]))]:
        np.testing.assert_array_equal(f(view, *arrays[1:], **options), y)
        for a, b in zip(back(g, view, *arrays[1:2], **options), gradients, strict=True):
            np.testing.assert_array_equal(a, b)
    for _, view in [*views(g), ("guarded", guarded(g))]:
        for a, b in zip(back(view, *arrays[:2], **options), gradients, strict=True):
            np.testing.assert_array_equal(a, b)


@both_floats
@every
def test_no_samples(dtype, name, shapes, options):
    arrays = [np.zeros((0, *shapes[0][1:]), dtype), *(normal(s, dtype, i) for i, s in enumerate(shapes[1:]))]
    y = getattr(nf, name)(*arrays, **options)
    assert y.shape == (0, *getattr(nf, name)(np.zeros(shapes[0], dtype), *arrays[1:], **options).shape[1:])
    gradients = getattr(nf, name + "_backward")(y, *arrays[:2], **options)
    for gradient, like in zip(
        gradients if isinstance(gradients, tuple) else (gradients,), arrays, strict=True
    ):
        np.testing.assert_array_equal(gradient, np.zeros_like(like))


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        (
            "conv1d: stride: expected at least 1",
            lambda: nf.conv1d(np.ones(SIGNAL), np.ones((1, 3, 2)), stride=0),
        ),
        ("conv1d: padding: ", lambda: nf.conv1d(np.ones(SIGNAL), np.ones((1, 3, 2)), padding="full")),
        ("conv1d: padding: ", lambda: nf.conv1d(np.ones(SIGNAL), np.ones((1, 3, 2)), padding=(1, 1))),
        ("conv1d: kernel_size: ", lambda: nf.conv1d(np.ones(SIGNAL), np.ones((1, 3, 8)))),
        ("conv1d: x: expected 3", lambda: nf.conv1d(np.ones(IMAGE), np.ones((1, 3, 2)))),
        ("conv1d: groups: ", lambda: nf.conv1d(np.ones(SIGNAL), np.ones((1, 3, 2)), groups=2)),
        ("max_pool1d: padding: ", lambda: nf.max_pool1d(np.ones(SIGNAL), 2, padding=2)),
        ("max_pool1d: kernel_size: ", lambda: nf.max_pool1d(np.ones(SIGNAL), 9)),
        ("avg_pool1d: kernel_size: expected at least 1", lambda: nf.avg_pool1d(np.ones(SIGNAL), 0)),
        ("adaptive_avg_pool2d: output_size: ", lambda: nf.adaptive_avg_pool2d(np.ones(IMAGE), 0)),
        ("adaptive_avg_pool2d: output_size: ", lambda: nf.adaptive_avg_pool2d(np.ones(IMAGE), (1, 2, 3))),
        ("global_avg_pool2d: x: ", lambda: nf.global_avg_pool2d(np.ones(SIGNAL))),
        ("upsample_nearest: scale_factor: ", lambda: nf.upsample_nearest(np.ones(IMAGE), scale_factor=0)),
        ("max_pool2d: kernel_size: ", lambda: nf.max_pool2d(np.ones(IMAGE), 9)),
    ],
)
def test_bad_options(argument, call):
    with pytest.raises(ValueError, match=f"^{argument}"):
        call()
