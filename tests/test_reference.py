"""The pure-NumPy reference on its own: against definitions in loops, known values and central differences.

Central differences with a step of h = eps^(1/3), about 6e-6, are off by truncation (h^2 / 6 times the third
derivative) and rounding (eps / h times the value), both near 4e-11 for values of order 1; GRADIENT_TOLERANCE
leaves a factor of some hundred for long sums.
"""

import ast
import doctest
import importlib
import itertools
import math
import pkgutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nnfast import reference as ref

STEP = np.finfo(np.float64).eps ** (1 / 3)
GRADIENT_TOLERANCE = 1e-8
FLOATS = [np.float32, np.float64]


def modules():
    yield ref
    for found in pkgutil.walk_packages(ref.__path__, ref.__name__ + "."):
        yield importlib.import_module(found.name)


def central_difference(f, x):
    """Gradient of the number f() with respect to the array x, which f reads."""
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + STEP
        above = f()
        x[index] = kept - STEP
        below = f()
        x[index] = kept
        gradient[index] = (above - below) / (2 * STEP)
    return gradient


def check_gradients(f, arrays, gradients, grad_output):
    """Each gradient against central differences of sum(grad_output * f(*arrays))."""
    for array, gradient in zip(arrays, gradients, strict=True):
        expected = central_difference(lambda: float((grad_output * f(*arrays)).sum()), array)
        assert gradient.shape == array.shape
        assert_allclose(gradient, expected, rtol=GRADIENT_TOLERANCE, atol=GRADIENT_TOLERANCE)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ---------------------------------------------------------------- the package


@pytest.mark.parametrize("module", list(modules()), ids=lambda module: module.__name__)
def test_docstring_examples_run(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", [name for name in ref.__all__ if name.islower()])
def test_every_function_documents_arguments_errors_and_an_example(name):
    text = getattr(ref, name).__doc__
    for part in ("Parameters\n", "Raises\n", "Examples\n", ">>> "):
        assert part in text
    assert "Returns\n" in text or name.endswith("_update")


def test_imports_only_numpy_and_the_standard_library():
    allowed = {*sys.stdlib_module_names, "numpy"}
    for module in modules():
        for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, module
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module.split(".")[0] in allowed, module


# ---------------------------------------------------------------- dense


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 4), (4, 2)),
        ((4,), (4, 2)),
        ((3, 4), (4,)),
        ((4,), (4,)),
        ((5, 3, 4), (4, 2)),
        ((5, 1, 3, 4), (6, 4, 2)),
        ((1, 3, 4), (5, 4, 2)),
        ((4,), (5, 4, 2)),
        ((2, 5, 3, 4), (4,)),
        ((0, 4), (4, 2)),
        ((3, 0), (0, 2)),
    ],
)
def test_matmul(rng, a, b):
    a, b = rng.normal(size=a), rng.normal(size=b)
    c = ref.matmul(a, b)
    assert_array_equal(c, a @ b)
    assert type(c) is type(a @ b)
    g = np.asarray(rng.normal(size=c.shape))
    check_gradients(ref.matmul, [a, b], ref.matmul_backward(g, a, b), g)


@pytest.mark.parametrize("activation", [None, "sigmoid", "tanh", "relu", "leaky_relu"])
def test_linear(rng, activation):
    x, weight, bias = rng.normal(size=(3, 4)), rng.normal(size=(2, 4)), rng.normal(size=2)
    z = np.array(
        [[sum(x[i, k] * weight[j, k] for k in range(4)) + bias[j] for j in range(2)] for i in range(3)]
    )
    expected = z if activation is None else getattr(ref, activation)(z)
    assert_allclose(ref.linear(x, weight, bias, activation=activation), expected, rtol=1e-14)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
def test_linear_backward(rng, batch):
    x, weight, bias = rng.normal(size=(*batch, 4)), rng.normal(size=(2, 4)), rng.normal(size=2)
    g = rng.normal(size=(*batch, 2))
    check_gradients(ref.linear, [x, weight, bias], ref.linear_backward(g, x, weight), g)


# ---------------------------------------------------------------- elementwise, softmax

ELEMENTWISE = ["sigmoid", "tanh", "relu", "leaky_relu"]


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3, 4)])
def test_elementwise_gradient(rng, name, shape):
    x, g = np.asarray(rng.normal(size=shape)), np.asarray(rng.normal(size=shape))
    check_gradients(getattr(ref, name), [x], [getattr(ref, name + "_backward")(g, x)], g)


def test_sigmoid_and_tanh_values():
    x = np.array([-800.0, -1.0, 0.0, 1.0, 800.0])
    assert_allclose(ref.sigmoid(x), [0, 1 / (1 + math.e), 0.5, 1 / (1 + 1 / math.e), 1], rtol=1e-15)
    assert_allclose(ref.tanh(x), [-1, math.tanh(-1), 0, math.tanh(1), 1], rtol=1e-15)
    assert ref.sigmoid(np.array([-80.0], np.float32))[0] == pytest.approx(math.exp(-80), rel=1e-5)


def test_kinks_follow_the_stated_rule():
    x, g = np.array([-1.0, -0.0, 0.0, 1.0, np.nan, np.inf, -np.inf]), np.full(7, 3.0)
    assert_array_equal(ref.relu(x), [0, 0, 0, 1, np.nan, np.inf, 0])
    assert_array_equal(ref.relu_backward(g, x), [0, 0, 0, 3, 3, 3, 0])
    assert_array_equal(ref.leaky_relu(x, 0.5), [-0.5, 0, 0, 1, np.nan, np.inf, -np.inf])
    assert_array_equal(ref.leaky_relu_backward(g, x, 0.5), [1.5, 1.5, 1.5, 3, 1.5, 3, 1.5])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(
    ("shape", "axis"), [((5,), -1), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), 1), ((3, 1), -1)]
)
def test_softmax_gradient(rng, name, shape, axis):
    x, g = rng.normal(size=shape), rng.normal(size=shape)
    backward = getattr(ref, name + "_backward")(g, x, axis)
    check_gradients(lambda x: getattr(ref, name)(x, axis), [x], [backward], g)


def test_softmax_values():
    x = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 4.0, 4.0]]))
    expected = np.array([[1 / 8, 2 / 8, 5 / 8], [1 / 3, 1 / 3, 1 / 3]])
    for shift in (0.0, 1e4, -1e4):  # adding a number changes nothing; rounding of x + shift costs 1e4 * eps
        assert_allclose(ref.softmax(x + shift), expected, rtol=1e-11)
        assert_allclose(ref.log_softmax(x + shift), np.log(expected), rtol=1e-11)


@pytest.mark.parametrize("f", [ref.softmax, ref.log_softmax])
def test_softmax_edges(f):
    one = 0.0 if f is ref.log_softmax else 1.0
    assert_array_equal(f(np.array([[7.0], [-3.0]])), [[one], [one]])
    assert f(np.empty((0, 3))).shape == (0, 3) and f(np.empty((3, 0))).shape == (3, 0)
    assert np.isnan(f(np.array([0.0, np.nan]))).all()
    assert np.isnan(f(np.array([0.0, np.inf]))).all()
    assert np.isnan(f(np.array([-np.inf, -np.inf]))).all()
    assert f(np.array([-np.inf, 0.0]))[1] == one


# ---------------------------------------------------------------- dropout


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_known_answers(counter, key, expected):
    assert " ".join(f"{word:08x}" for word in ref.philox4x32(counter, key)) == expected


def philox_in_plain_integers(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def test_philox_broadcasts_and_agrees_with_plain_integers(rng):
    counter = rng.integers(0, 2**32, size=(3, 1, 4), dtype=np.uint64)
    key = rng.integers(0, 2**32, size=(2, 2), dtype=np.uint64)
    words = ref.philox4x32(counter, key)
    assert words.shape == (3, 2, 4) and words.dtype == np.uint32
    for i, j in itertools.product(range(3), range(2)):
        expected = philox_in_plain_integers([int(v) for v in counter[i, 0]], [int(v) for v in key[j]])
        assert words[i, j].tolist() == expected


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_dropout_mask_is_the_documented_one(p):
    seed, step, layer = 0x123456789ABCDEF0, 7, 2
    mask = ref.dropout_mask(37, p, seed=seed, step=step, layer=layer)
    for e in range(37):
        words = philox_in_plain_integers([e // 8, 0, layer, step], [seed & 0xFFFFFFFF, seed >> 32])
        bits = (words[e % 8 // 2] >> (16 * (e % 2))) & 0xFFFF
        assert mask[e] == (bits >= round(p * 65536))


def test_dropout_mask_depends_on_all_its_keys_and_on_nothing_else():
    base = ref.dropout_mask(1000, 0.5, seed=1)
    assert_array_equal(ref.dropout_mask((10, 10), 0.5, seed=1).ravel(), base[:100])
    for other in ({"seed": 2}, {"seed": 1 + 2**32}, {"seed": 1, "step": 1}, {"seed": 1, "layer": 1}):
        assert 400 < (ref.dropout_mask(1000, 0.5, **other) == base).sum() < 600
    # kept: binomial(1e5, 0.7), standard deviation 145; five of them
    assert abs(ref.dropout_mask(100_000, 0.3, seed=3).sum() - 70_000) < 5 * 145
    assert ref.dropout_mask((0, 3), 0.5, seed=0).shape == (0, 3)


@pytest.mark.parametrize("dtype", FLOATS)
def test_dropout(rng, dtype):
    x = rng.normal(size=(5, 7)).astype(dtype)
    mask = ref.dropout_mask(x.shape, 0.3, seed=9, step=4, layer=1)
    y = ref.dropout(x, 0.3, seed=9, step=4, layer=1)
    assert y.dtype == dtype
    assert_array_equal(y, np.where(mask, x * dtype(1 / 0.7), dtype(0)))
    assert_array_equal(ref.dropout_backward(x, 0.3, seed=9, step=4, layer=1), y)
    evaluated = ref.dropout(x, 0.3, training=False, seed=9)
    assert_array_equal(evaluated, x)
    assert not np.shares_memory(evaluated, x)
    assert_array_equal(ref.dropout(x, 1.0, seed=0), np.zeros_like(x))
    assert_array_equal(ref.dropout(x, 0.0, seed=0), x)
    assert np.isfinite(ref.dropout(np.full(100, np.nan), 1.0, seed=0)).all()


# ---------------------------------------------------------------- losses


def test_mse_values():
    x, t = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 0.0], [0.0, 4.0]])
    assert_array_equal(ref.mse_loss(x, t, reduction="none"), [[0, 4], [9, 1]])
    assert ref.mse_loss(x, t) == 3.5 and ref.mse_loss(x, t, reduction="sum") == 14
    assert isinstance(ref.mse_loss(x.astype(np.float32), t.astype(np.float32)), np.float32)


def test_cross_entropy_values():
    logits = np.log(np.array([[1.0, 2.0, 5.0], [1.0, 1.0, 2.0]]))
    losses = -np.log([5 / 8, 1 / 4])
    assert_allclose(ref.cross_entropy(logits, np.array([2, 0]), reduction="none"), losses, rtol=1e-14)
    assert ref.cross_entropy(logits, np.array([2, 0], np.uint8)) == pytest.approx(losses.mean(), rel=1e-14)
    one_hot = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    assert_allclose(ref.cross_entropy(logits, one_hot, reduction="none"), losses, rtol=1e-14)
    soft = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 2.0]])
    expected = [-0.5 * math.log(1 / 8) - 0.5 * math.log(2 / 8), -2 * math.log(1 / 2)]
    assert_allclose(ref.cross_entropy(logits, soft, reduction="none"), expected, rtol=1e-14)


def test_cross_entropy_edges():
    equal = np.zeros((3, 10))
    assert ref.cross_entropy(equal, np.array([0, 4, 9])) == pytest.approx(math.log(10), rel=1e-15)
    huge = np.array([[1e30, -1e30, 0.0]])
    assert ref.cross_entropy(huge, np.array([0])) == 0 and ref.cross_entropy(huge, np.array([1])) == 2e30
    assert_array_equal(ref.cross_entropy_backward(1.0, huge, np.array([1])), [[1, -1, 0]])
    one_class = np.array([[3.0], [-700.0]])
    assert ref.cross_entropy(one_class, np.array([0, 0])) == 0
    assert_array_equal(ref.cross_entropy_backward(1.0, one_class, np.array([0, 0])), [[0], [0]])
    assert np.isnan(ref.cross_entropy(np.array([[0.0, np.nan]]), np.array([0])))


@pytest.mark.parametrize("loss", [ref.cross_entropy, ref.nll_loss])
def test_empty_batches_of_class_losses(loss):
    backward = getattr(ref, loss.__name__ + "_backward")
    x, labels = np.empty((0, 4), np.float32), np.empty(0, np.int64)
    assert np.isnan(loss(x, labels)) and loss(x, labels, reduction="sum") == 0
    assert loss(x, labels, reduction="none").shape == (0,)
    for reduction in ("mean", "sum"):
        assert backward(1.0, x, labels, reduction=reduction).shape == (0, 4)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", ["mse_loss", "labels", "probabilities", "nll_loss"])
def test_loss_gradients(rng, name, reduction):
    x = rng.normal(size=(4, 3))
    target = rng.random((4, 3)) if name in ("mse_loss", "probabilities") else np.array([2, 0, 1, 1])
    name = "cross_entropy" if name in ("labels", "probabilities") else name
    forward, backward = getattr(ref, name), getattr(ref, name + "_backward")
    shape = forward(x, target, reduction="none").shape
    g = rng.normal(size=shape) if reduction == "none" else np.float64(1.7)
    gradient = backward(g, x, target, reduction=reduction)
    check_gradients(lambda x: forward(x, target, reduction=reduction), [x], [gradient], g)


def test_class_losses_of_one_sample():
    x = np.array([0.5, -1.0, 2.0], np.float32)
    for name, target in (("cross_entropy", np.array(2)), ("cross_entropy", x), ("nll_loss", 1)):
        forward, backward = getattr(ref, name), getattr(ref, name + "_backward")
        many = np.asarray(target)[np.newaxis]
        for reduction in ("none", "mean", "sum"):
            loss = forward(x, target, reduction=reduction)
            assert isinstance(loss, np.float32) and loss == forward(x[np.newaxis], many, reduction="sum")
            expected = backward(2.0, x[np.newaxis], many, reduction="sum")[0]
            assert_array_equal(backward(2.0, x, target, reduction=reduction), expected)


def test_nll_of_log_softmax_is_cross_entropy(rng):
    x, labels = rng.normal(size=(5, 4)), np.array([0, 3, 3, 1, 2])
    assert ref.nll_loss(ref.log_softmax(x), labels) == pytest.approx(ref.cross_entropy(x, labels), rel=1e-15)


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


# ---------------------------------------------------------------- optimizers


def test_sgd_by_hand():
    w, b = np.array([1.0, -2.0]), np.array([0.5, 0.5])
    g = np.array([0.25, 1.0])
    ref.sgd_update(w, g, lr=0.5, weight_decay=0.5)  # g' = 0.75, 0.0
    assert_array_equal(w, [0.625, -2.0])
    w = np.array([1.0, -2.0])
    ref.sgd_update(w, g, b, lr=0.5, momentum=0.5, dampening=0.5)  # b = 0.25 + 0.125, 0.25 + 0.5
    assert_array_equal(b, [0.375, 0.75])
    assert_array_equal(w, [0.8125, -2.375])
    ref.sgd_update(w, g, b, lr=0.5, momentum=0.5, dampening=0.5, first_step=True)
    assert_array_equal(b, g)
    w, b = np.array([1.0]), np.array([0.5])
    ref.sgd_update(w, np.array([1.0]), b, lr=0.5, momentum=0.5, nesterov=True)  # b = 1.25, d = 1.625
    assert_array_equal([w[0], b[0]], [1 - 0.8125, 1.25])


def test_rmsprop_by_hand():
    w, s = np.array([1.0]), np.array([4.0])
    ref.rmsprop_update(w, np.array([3.0]), s, lr=0.5, alpha=0.75, eps=0.5, weight_decay=1.0)  # g' = 4
    assert_array_equal(s, [7.0])
    assert_allclose(w, 1 - 0.5 * 4 / (math.sqrt(7) + 0.5), rtol=1e-15)


def test_adam_by_hand():
    w, m, v = np.array([1.0]), np.array([0.5]), np.array([2.0])
    ref.adam_update(w, np.array([1.0]), m, v, step=3, lr=0.1, betas=(0.75, 0.5), eps=0.25, weight_decay=2.0)
    assert_array_equal(m, [0.75 * 0.5 + 0.25 * 3])
    assert_array_equal(v, [0.5 * 2 + 0.5 * 9])
    corrected = 1.125 / (1 - 0.75**3), 5.5 / (1 - 0.5**3)
    assert_allclose(w, 1 - 0.1 * corrected[0] / (math.sqrt(corrected[1]) + 0.25), rtol=1e-15)


def test_without_momentum_the_buffer_is_left_alone():
    w, b = np.array([1.0]), np.array([7.0])
    ref.sgd_update(w, np.array([2.0]), b, lr=0.25)
    assert_array_equal([w[0], b[0]], [0.5, 7.0])


UPDATES = [
    (ref.sgd_update, 1, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (ref.rmsprop_update, 1, {"weight_decay": 0.1}),
    (ref.adam_update, 2, {"step": 1000, "weight_decay": 0.1}),
]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("update", "states", "options"), UPDATES)
def test_updates_take_lists_keep_the_dtype_and_work_in_place(rng, update, states, options, dtype):
    shapes = [(3, 4), (5,), (0, 2), ()]

    def arrays(seed):
        draws = np.random.default_rng(seed)
        return [np.asarray(draws.random(shape)).astype(dtype) for shape in shapes]

    together = [arrays(seed) for seed in range(2 + states)]
    single = [arrays(seed) for seed in range(2 + states)]
    before = arrays(0)
    update(*together, **options)
    for one in zip(*single, strict=True):
        update(*one, **options)
    for a, b in zip(together, single, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.dtype == dtype
            assert_array_equal(x, y)
    assert (together[0][0] != before[0]).all()
    assert_array_equal(together[1][0], arrays(1)[0])


# ---------------------------------------------------------------- dtypes, out, errors

F = np.ones((2, 3), np.float32)
D = np.ones((2, 3))
IMAGE, KERNEL = np.ones((1, 2, 4, 4), np.float32), np.ones((2, 2, 3, 3), np.float32)
CALLS = {
    "matmul": lambda x: ref.matmul(x(2, 3), x(3, 2)),
    "matmul_backward": lambda x: ref.matmul_backward(x(2, 2), x(2, 3), x(3, 2)),
    "linear": lambda x: ref.linear(x(2, 3), x(4, 3), x(4), activation="sigmoid"),
    "linear_backward": lambda x: ref.linear_backward(x(2, 4), x(2, 3), x(4, 3)),
    "leaky_relu": lambda x: ref.leaky_relu(x(3), 0.1),
    "leaky_relu_backward": lambda x: ref.leaky_relu_backward(x(3), x(3), np.float64(0.1)),
    **{
        name: lambda x, name=name: getattr(ref, name)(x(3)) for name in ("sigmoid", "tanh", "relu", "softmax")
    },
    "log_softmax": lambda x: ref.log_softmax(x(3)),
    **{
        name: lambda x, name=name: getattr(ref, name)(x(3), x(3))
        for name in ("sigmoid_backward", "tanh_backward", "relu_backward")
    },
    "softmax_backward": lambda x: ref.softmax_backward(x(3), x(3)),
    "log_softmax_backward": lambda x: ref.log_softmax_backward(x(3), x(3)),
    "dropout": lambda x: ref.dropout(x(9), np.float64(0.3), seed=1),
    "dropout_backward": lambda x: ref.dropout_backward(x(9), 0.3, seed=1),
    "mse_loss": lambda x: ref.mse_loss(x(3), x(3)),
    "mse_loss_backward": lambda x: ref.mse_loss_backward(np.float64(2), x(3), x(3)),
    "cross_entropy": lambda x: ref.cross_entropy(x(2, 3), x(2, 3)),
    "cross_entropy_backward": lambda x: ref.cross_entropy_backward(2, x(2, 3), np.array([0, 1])),
    "nll_loss": lambda x: ref.nll_loss(x(2, 3), np.array([0, 1])),
    "nll_loss_backward": lambda x: ref.nll_loss_backward(x(2), x(2, 3), np.array([0, 1]), reduction="none"),
    "conv2d": lambda x: ref.conv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), x(3)),
    "conv2d_backward": lambda x: ref.conv2d_backward(x(1, 3, 2, 2), x(1, 2, 4, 4), x(3, 2, 3, 3)),
    "max_pool2d": lambda x: ref.max_pool2d(x(1, 2, 4, 4), 2),
    "max_pool2d_backward": lambda x: ref.max_pool2d_backward(x(1, 2, 2, 2), x(1, 2, 4, 4), 2),
    "avg_pool2d": lambda x: ref.avg_pool2d(x(1, 2, 4, 4), 2),
    "avg_pool2d_backward": lambda x: ref.avg_pool2d_backward(x(1, 2, 2, 2), x(1, 2, 4, 4), 2),
}


def test_every_function_is_called_for_its_dtypes():
    others = {"Graph", "Model", "Totals", "dropout_mask", "philox4x32"}
    assert set(CALLS) | {update.__name__ for update, _, _ in UPDATES} | others == set(ref.__all__)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", CALLS)
def test_dtype_in_dtype_out(name, dtype):
    results = CALLS[name](lambda *shape: np.ones(shape, dtype))
    for result in results if isinstance(results, tuple) else (results,):
        assert result.dtype == dtype


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.complex128, ">f8"])
def test_other_dtypes_are_refused(name, dtype):
    with pytest.raises(TypeError, match=rf"^{name}: \w+: expected float(32|64)"):
        CALLS[name](lambda *shape: np.ones(shape, dtype))


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (TypeError, "matmul: b: expected float32 like a", lambda: ref.matmul(F, D.T)),
        (ValueError, "matmul: b: expected an inner dimension of 3", lambda: ref.matmul(F, F)),
        (
            ValueError,
            "matmul: b: expected batch dim",
            lambda: ref.matmul(np.ones((2, 2, 2)), np.ones((3, 2, 2))),
        ),
        (ValueError, "matmul: a: expected at least 1", lambda: ref.matmul(np.float64(1), D)),
        (ValueError, "matmul_backward: grad_output:", lambda: ref.matmul_backward(D, D, D.T)),
        (ValueError, "linear: x: expected shape", lambda: ref.linear(D, np.ones((4, 2)))),
        (ValueError, "linear: weight: expected 2 dim", lambda: ref.linear(D, np.ones(3))),
        (ValueError, "linear: bias: expected shape", lambda: ref.linear(D, D, np.ones(3))),
        (ValueError, "linear: activation: expected one of", lambda: ref.linear(D, D, activation="gelu")),
        (ValueError, "relu_backward: grad_output:", lambda: ref.relu_backward(D, np.ones(3))),
        (ValueError, "softmax: axis: expected", lambda: ref.softmax(D, 2)),
        (TypeError, "softmax: axis: expected", lambda: ref.softmax(D, 1.0)),
        (ValueError, "softmax: x: expected at least 1", lambda: ref.softmax(np.float64(1))),
        (ValueError, "dropout: p: expected", lambda: ref.dropout(D, 1.5, seed=0)),
        (ValueError, "dropout: p: expected", lambda: ref.dropout(D, np.nan, seed=0)),
        (ValueError, "dropout_mask: seed: expected", lambda: ref.dropout(D, 0.5, seed=-1)),
        (ValueError, "dropout_mask: step: expected", lambda: ref.dropout(D, 0.5, seed=0, step=2**32)),
        (TypeError, "dropout_mask: seed: expected", lambda: ref.dropout(D, 0.5, seed=1.5)),
        (ValueError, "mse_loss: target: expected shape", lambda: ref.mse_loss(D, D[:1])),
        (ValueError, "mse_loss: reduction: expected", lambda: ref.mse_loss(D, D, reduction="avg")),
        (ValueError, "mse_loss_backward: grad_output:", lambda: ref.mse_loss_backward(np.ones(2), D, D)),
        (
            ValueError,
            r"cross_entropy: input: expected \(n, classes\)",
            lambda: ref.cross_entropy(np.ones((3, 1, 1)), np.array([0])),
        ),
        (
            ValueError,
            "cross_entropy: target: expected labels",
            lambda: ref.cross_entropy(D, np.array([0, 3])),
        ),
        (
            ValueError,
            "cross_entropy: target: expected labels",
            lambda: ref.cross_entropy(D, np.array([-1, 0])),
        ),
        (ValueError, "cross_entropy: target: expected shape", lambda: ref.cross_entropy(D, np.array([0]))),
        (TypeError, "cross_entropy: target:", lambda: ref.cross_entropy(D, np.array([True, False]))),
        (TypeError, "nll_loss: target: expected integer", lambda: ref.nll_loss(D, D)),
        (
            ValueError,
            "nll_loss: input: expected at least one",
            lambda: ref.nll_loss(D[:, :0], np.array([0, 0])),
        ),
        (ValueError, "conv2d: x: expected 4", lambda: ref.conv2d(D, D)),
        (ValueError, "conv2d: weight: expected", lambda: ref.conv2d(IMAGE, KERNEL[:, :1])),
        (ValueError, "conv2d: groups: expected", lambda: ref.conv2d(IMAGE, KERNEL, groups=3)),
        (ValueError, "conv2d: padding: expected", lambda: ref.conv2d(IMAGE, KERNEL, padding="full")),
        (
            ValueError,
            "conv2d: padding: expected",
            lambda: ref.conv2d(IMAGE, KERNEL, padding="same", stride=2),
        ),
        (ValueError, "conv2d: padding: expected", lambda: ref.conv2d(IMAGE, KERNEL, padding=-1)),
        (ValueError, "conv2d: stride: expected", lambda: ref.conv2d(IMAGE, KERNEL, stride=0)),
        (ValueError, "conv2d: stride: expected", lambda: ref.conv2d(IMAGE, KERNEL, stride=(1, 1, 1))),
        (TypeError, "conv2d: dilation: expected", lambda: ref.conv2d(IMAGE, KERNEL, dilation=(1, 1.5))),
        (ValueError, "conv2d: x: expected a padded height", lambda: ref.conv2d(IMAGE, KERNEL, dilation=2)),
        (ValueError, "conv2d_backward: grad_output:", lambda: ref.conv2d_backward(IMAGE, IMAGE, KERNEL)),
        (ValueError, "max_pool2d: padding: expected", lambda: ref.max_pool2d(IMAGE, 2, padding=2)),
        (ValueError, "avg_pool2d: x: expected", lambda: ref.avg_pool2d(IMAGE, 5)),
        (ValueError, "max_pool2d_backward: grad_output", lambda: ref.max_pool2d_backward(IMAGE, IMAGE, 2)),
        (ValueError, "sgd_update: lr: expected", lambda: ref.sgd_update(D, D, lr=-1)),
        (ValueError, "sgd_update: lr: expected a finite", lambda: ref.sgd_update(D, D, lr=np.inf)),
        (ValueError, "sgd_update: dampening: expected", lambda: ref.sgd_update(D, D, lr=1, dampening=np.nan)),
        (ValueError, "sgd_update: nesterov: expected", lambda: ref.sgd_update(D, D, lr=1, nesterov=True)),
        (
            ValueError,
            "sgd_update: grad: expected memory apart from param",
            lambda: ref.sgd_update(D, D, lr=1),
        ),
        (ValueError, "leaky_relu: negative_slope: expected", lambda: ref.leaky_relu(D, np.inf)),
        (ValueError, "sgd_update: momentum_buffer:", lambda: ref.sgd_update(D, D, lr=1, momentum=0.9)),
        (TypeError, "sgd_update: grad: expected float64", lambda: ref.sgd_update(D, F, lr=1)),
        (ValueError, "sgd_update: grad: expected 1 arrays", lambda: ref.sgd_update([D], [D, D], lr=1)),
        (TypeError, "sgd_update: param: expected an array", lambda: ref.sgd_update(1.0, D, lr=1)),
        (TypeError, "sgd_update: param: expected float32", lambda: ref.sgd_update(np.ones(3, int), D, lr=1)),
        (ValueError, "rmsprop_update: alpha:", lambda: ref.rmsprop_update(D, D, D.copy(), alpha=2)),
        (ValueError, "rmsprop_update: square_avg:", lambda: ref.rmsprop_update(D, D, D[0].copy())),
        (ValueError, "adam_update: step:", lambda: ref.adam_update(D, D, D.copy(), D.copy(), step=0)),
        (ValueError, "adam_update: betas:", lambda: ref.adam_update(D, D, D, D, step=1, betas=(0.9, 1.0))),
        (ValueError, "philox4x32: key:", lambda: ref.philox4x32([0] * 4, [0])),
    ],
)
def test_errors_name_the_argument(error, message, call):
    with pytest.raises(error, match="^" + message):
        call()
    assert (D == 1).all() and (F == 1).all()  # nothing was written before the checks


def test_read_only_parameters_are_refused_before_anything_is_written():
    free, locked = np.ones(3), np.ones(3)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="sgd_update: param: expected a writable"):
        ref.sgd_update([free, locked], [np.ones(3), np.ones(3)], lr=1.0)
    assert_array_equal(free, np.ones(3))


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky_relu", "softmax", "log_softmax"])
def test_out_and_in_place(rng, name):
    f, backward = getattr(ref, name), getattr(ref, name + "_backward")
    x, g = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    expected, expected_gradient = f(x), backward(g, x)
    out = np.empty_like(x)
    assert f(x, out=out) is out
    assert_array_equal(out, expected)
    assert backward(g, x, out=g) is g
    assert_array_equal(g, expected_gradient)
    with pytest.raises(ValueError, match="out: expected memory apart"):
        backward(g, x, out=x)
    assert f(x, out=x) is x
    assert_array_equal(x, expected)


@pytest.mark.parametrize(
    ("error", "out"),
    [
        (TypeError, np.empty((2, 2), np.float32)),
        (TypeError, [[0.0, 0.0], [0.0, 0.0]]),
        (ValueError, np.empty((2, 3))),
        (ValueError, np.empty((4, 4))[::2, ::2]),
        (ValueError, np.broadcast_to(0.0, (2, 2))),
    ],
)
def test_out_must_fit(error, out):
    with pytest.raises(error, match="matmul: out: expected"):
        ref.matmul(np.ones((2, 2)), np.ones((2, 2)), out=out)


def test_out_of_convolution_and_pooling(rng):
    x, weight, bias = rng.normal(size=(2, 2, 6, 6)), rng.normal(size=(3, 2, 1, 1)), rng.normal(size=3)
    for call in (
        lambda out: ref.conv2d(x, weight, bias, out=out),
        lambda out: ref.max_pool2d(x, 3, 1, 1, out=out),
        lambda out: ref.avg_pool2d(x, 3, 1, 1, out=out),
    ):
        expected = call(None)
        out = np.full_like(expected, np.nan)
        assert call(out) is out
        assert_array_equal(out, expected)
        with pytest.raises(TypeError, match="2d: out: expected float64"):
            call(out.astype(np.float32))
    with pytest.raises(ValueError, match="max_pool2d: out: expected memory apart"):
        ref.max_pool2d(x, 3, 1, 1, out=x)


def test_out_must_not_overlap():
    a = np.ones((2, 2))
    with pytest.raises(ValueError, match="matmul: out: expected memory apart"):
        ref.matmul(a, np.ones((2, 2)), out=a)
    x = np.ones(10)
    with pytest.raises(ValueError, match="partial overlap"):
        ref.relu(x[1:], out=x[:-1])


def test_strided_input():
    x = np.arange(24.0).reshape(4, 6)[::2, ::-2]
    assert_array_equal(ref.relu(x), x)
    assert_array_equal(ref.matmul(x, x.T), x @ x.T)
