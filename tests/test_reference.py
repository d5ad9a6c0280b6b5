"""The pure-NumPy reference as a whole: its documentation, optimizers by hand, dtypes, `out` and errors.

Its other functions are tested in test_reference_functions.py and test_reference_images.py, its networks in
test_reference_network.py and test_reference_model.py.
"""

import ast
import doctest
import importlib
import math
import pkgutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nnfast import reference as ref

FLOATS = [np.float32, np.float64]


def modules():
    yield ref
    for found in pkgutil.walk_packages(ref.__path__, ref.__name__ + "."):
        yield importlib.import_module(found.name)


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
    assert "Returns\n" in text or name.endswith(("_update", "_value_"))


def test_imports_only_numpy_and_the_standard_library():
    allowed = {*sys.stdlib_module_names, "numpy"}
    for module in modules():
        for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, module
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module.split(".")[0] in allowed, module


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
    (ref.rmsprop_update, 3, {"momentum": 0.5, "centered": True}),
    (ref.adagrad_update, 1, {"step": 10, "weight_decay": 0.1}),
    (ref.adadelta_update, 2, {"weight_decay": 0.1}),
    (ref.adam_update, 2, {"step": 1000, "weight_decay": 0.1}),
    (ref.adam_update, 3, {"step": 1000, "amsgrad": True}),
    (ref.adamw_update, 2, {"step": 1000}),
    (ref.nadam_update, 2, {"step": 10, "weight_decay": 0.1}),
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
NEWER = ("step", "hard_sigmoid", "relu6", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign")
PAIR_LOSSES = (
    "mse_loss", "quadratic_cost", "l1_loss", "smooth_l1_loss", "huber_loss", "hinge_loss", "perceptron_loss",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss",
)  # fmt: skip
IMAGE, KERNEL = np.ones((1, 2, 4, 4), np.float32), np.ones((2, 2, 3, 3), np.float32)


def thin(data):
    """A matrix (2, 3) in compressed rows with these two numbers."""
    return SimpleNamespace(data=data, indices=np.array([2, 0]), indptr=np.array([0, 1, 2]), shape=(2, 3))


CALLS = {
    "matmul": lambda x: ref.matmul(x(2, 3), x(3, 2)),
    "matmul_backward": lambda x: ref.matmul_backward(x(2, 2), x(2, 3), x(3, 2)),
    "linear": lambda x: ref.linear(x(2, 3), x(4, 3), x(4), activation="sigmoid"),
    "linear_backward": lambda x: ref.linear_backward(x(2, 4), x(2, 3), x(4, 3)),
    "sparse_linear": lambda x: ref.sparse_linear(thin(x(2)), x(4, 3), x(4), activation="sigmoid"),
    "sparse_linear_backward": lambda x: ref.sparse_linear_backward(x(2, 4), thin(x(2)), x(4, 3)),
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
    **{name: lambda x, name=name: getattr(ref, name)(x(3)) for name in NEWER},
    **{
        name + "_backward": lambda x, name=name: getattr(ref, name + "_backward")(x(3), x(3))
        for name in NEWER
    },
    "prelu": lambda x: ref.prelu(x(3, 2), x(2)),
    "prelu_backward": lambda x: ref.prelu_backward(x(3, 2), x(3, 2), x(2)),
    "softmax_backward": lambda x: ref.softmax_backward(x(3), x(3)),
    "log_softmax_backward": lambda x: ref.log_softmax_backward(x(3), x(3)),
    "dropout": lambda x: ref.dropout(x(9), np.float64(0.3), seed=1),
    "dropout_backward": lambda x: ref.dropout_backward(x(9), 0.3, seed=1),
    **{name: lambda x, name=name: getattr(ref, name)(x(3), x(3)) for name in PAIR_LOSSES},
    **{
        name + "_backward": lambda x, name=name: getattr(ref, name + "_backward")(np.float64(2), x(3), x(3))
        for name in PAIR_LOSSES
    },
    "cross_entropy": lambda x: ref.cross_entropy(x(2, 3), x(2, 3)),
    "cross_entropy_backward": lambda x: ref.cross_entropy_backward(2, x(2, 3), np.array([0, 1])),
    "nll_loss": lambda x: ref.nll_loss(x(2, 3), np.array([0, 1])),
    "nll_loss_backward": lambda x: ref.nll_loss_backward(x(2), x(2, 3), np.array([0, 1]), reduction="none"),
    "batch_norm": lambda x: ref.batch_norm(x(2, 3), None, None, x(3), x(3), True),
    "batch_norm_backward": lambda x: ref.batch_norm_backward(x(2, 3), x(2, 3), None, None, x(3), True),
    "group_norm": lambda x: ref.group_norm(x(2, 4), 2, x(4), x(4)),
    "group_norm_backward": lambda x: ref.group_norm_backward(x(2, 4), x(2, 4), 2, x(4)),
    "layer_norm": lambda x: ref.layer_norm(x(2, 3), 3, x(3), x(3)),
    "layer_norm_backward": lambda x: ref.layer_norm_backward(x(2, 3), x(2, 3), 3, x(3)),
    "embedding": lambda x: ref.embedding(np.array([1, 0]), x(2, 3)),
    "embedding_backward": lambda x: ref.embedding_backward(x(2, 3), np.array([1, 0]), x(4, 3)),
    "conv2d": lambda x: ref.conv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), x(3)),
    "conv2d_backward": lambda x: ref.conv2d_backward(x(1, 3, 2, 2), x(1, 2, 4, 4), x(3, 2, 3, 3)),
    "max_pool2d": lambda x: ref.max_pool2d(x(1, 2, 4, 4), 2),
    "max_pool2d_backward": lambda x: ref.max_pool2d_backward(x(1, 2, 2, 2), x(1, 2, 4, 4), 2),
    "avg_pool2d": lambda x: ref.avg_pool2d(x(1, 2, 4, 4), 2),
    "avg_pool2d_backward": lambda x: ref.avg_pool2d_backward(x(1, 2, 2, 2), x(1, 2, 4, 4), 2),
    "conv1d": lambda x: ref.conv1d(x(1, 2, 4), x(3, 2, 3), x(3)),
    "conv1d_backward": lambda x: ref.conv1d_backward(x(1, 3, 2), x(1, 2, 4), x(3, 2, 3)),
    "conv_transpose2d": lambda x: ref.conv_transpose2d(x(1, 2, 2, 2), x(2, 3, 3, 3), x(3)),
    "conv_transpose2d_backward": lambda x: ref.conv_transpose2d_backward(
        x(1, 3, 4, 4), x(1, 2, 2, 2), x(2, 3, 3, 3)
    ),
    "max_pool1d": lambda x: ref.max_pool1d(x(1, 2, 4), 2),
    "max_pool1d_backward": lambda x: ref.max_pool1d_backward(x(1, 2, 2), x(1, 2, 4), 2),
    "avg_pool1d": lambda x: ref.avg_pool1d(x(1, 2, 4), 2),
    "avg_pool1d_backward": lambda x: ref.avg_pool1d_backward(x(1, 2, 2), x(1, 2, 4), 2),
    "adaptive_avg_pool2d": lambda x: ref.adaptive_avg_pool2d(x(1, 2, 4, 4), 3),
    "adaptive_avg_pool2d_backward": lambda x: ref.adaptive_avg_pool2d_backward(
        x(1, 2, 3, 3), x(1, 2, 4, 4), 3
    ),
    "global_avg_pool1d": lambda x: ref.global_avg_pool1d(x(1, 2, 4)),
    "global_avg_pool1d_backward": lambda x: ref.global_avg_pool1d_backward(x(1, 2), x(1, 2, 4)),
    "global_max_pool1d": lambda x: ref.global_max_pool1d(x(1, 2, 4)),
    "global_max_pool1d_backward": lambda x: ref.global_max_pool1d_backward(x(1, 2), x(1, 2, 4)),
    "global_avg_pool2d": lambda x: ref.global_avg_pool2d(x(1, 2, 4, 4)),
    "global_avg_pool2d_backward": lambda x: ref.global_avg_pool2d_backward(x(1, 2), x(1, 2, 4, 4)),
    "global_max_pool2d": lambda x: ref.global_max_pool2d(x(1, 2, 4, 4)),
    "global_max_pool2d_backward": lambda x: ref.global_max_pool2d_backward(x(1, 2), x(1, 2, 4, 4)),
    "pad": lambda x: ref.pad(x(3), (1, 1)),
    "pad_backward": lambda x: ref.pad_backward(x(5), x(3), (1, 1)),
    "upsample_nearest": lambda x: ref.upsample_nearest(x(1, 2, 2, 2), scale_factor=2),
    "upsample_nearest_backward": lambda x: ref.upsample_nearest_backward(x(1, 2, 4, 4), x(1, 2, 2, 2), 4),
    "reshape": lambda x: ref.reshape(x(2, 3), (3, 2)),
    "reshape_backward": lambda x: ref.reshape_backward(x(3, 2), x(2, 3), (3, 2)),
    "flatten": lambda x: ref.flatten(x(2, 3)),
    "flatten_backward": lambda x: ref.flatten_backward(x(6), x(2, 3)),
}


def test_every_function_is_called_for_its_dtypes():
    in_place = {"clip_grad_norm_", "clip_grad_value_", "perceptron_update"}  # tests/test_optimizer_family.py
    others = in_place | {"Graph", "Model", "Totals", "dropout_mask", "philox4x32"}
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
        (ValueError, "linear: activation: expected one of", lambda: ref.linear(D, D, activation="swish")),
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
            r"cross_entropy: input: expected \(n, classes",
            lambda: ref.cross_entropy(np.ones(()), np.array(0)),
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
        (ValueError, "elu: alpha: expected", lambda: ref.elu(D, np.nan)),
        (ValueError, "gelu: approximate: expected one of", lambda: ref.gelu(D, "erf")),
        (ValueError, "softplus: beta: expected a finite number > 0", lambda: ref.softplus(D, 0.0)),
        (ValueError, "softplus_backward: threshold:", lambda: ref.softplus_backward(D, D, 1.0, np.inf)),
        (ValueError, "prelu: weight: expected shape", lambda: ref.prelu(D, np.ones(2))),
        (ValueError, "prelu_backward: grad_output:", lambda: ref.prelu_backward(D, D[:1], np.ones(3))),
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
