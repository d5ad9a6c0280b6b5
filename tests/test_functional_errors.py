"""Bad input to every function: the right exception, naming function and argument, with nothing written.

CASES holds one valid call of each function; the tests spoil it one argument at a time. The refusals of
optimizers and clipping are in test_functional_optimizers.py and test_optimizer_family.py.
"""

import inspect
import warnings

import numpy as np
import pytest

import nnfast as nf
from nnfast import functional
from nnfast import reference as ref

from .arrays import normal

IMAGE, KERNEL = (2, 3, 6, 7), (4, 3, 3, 3)

ELEMENTWISE = (
    "sigmoid", "tanh", "relu", "leaky_relu", "step", "hard_sigmoid", "relu6", "elu", "selu", "gelu", "silu",
    "mish", "softplus", "softsign", "softmax", "log_softmax",
)  # fmt: skip

PAIR_LOSSES = (
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "hinge_loss", "perceptron_loss",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss",
)  # fmt: skip

# name: the float arrays with their shapes, the other arguments
CASES = {
    "matmul": ({"a": (3, 4), "b": (4, 5)}, {}),
    "matmul_backward": ({"grad_output": (3, 5), "a": (3, 4), "b": (4, 5)}, {}),
    "linear": ({"x": (3, 4), "weight": (5, 4), "bias": (5,)}, {}),
    "linear_backward": (
        {"grad_output": (3, 5), "x": (3, 4), "weight": (5, 4), "bias": (5,), "output": (3, 5)},
        {"activation": "gelu"},
    ),
    **{name: ({"x": (3, 4)}, {}) for name in ELEMENTWISE},
    **{f"{name}_backward": ({"grad_output": (3, 4), "x": (3, 4)}, {}) for name in ELEMENTWISE},
    "prelu": ({"x": (3, 4), "weight": (4,)}, {}),
    "prelu_backward": ({"grad_output": (3, 4), "x": (3, 4), "weight": (4,)}, {}),
    "dropout": ({"x": (3, 4)}, {"seed": 1}),
    "dropout_backward": ({"grad_output": (3, 4)}, {"seed": 1}),
    **{name: ({"input": (3, 4), "target": (3, 4)}, {}) for name in (*PAIR_LOSSES, "quadratic_cost")},
    **{
        f"{name}_backward": (
            {"grad_output": (3, 4), "input": (3, 4), "target": (3, 4)},
            {"reduction": "none"},
        )
        for name in PAIR_LOSSES
    },
    "quadratic_cost_backward": (
        {"grad_output": (3,), "input": (3, 4), "target": (3, 4)},
        {"reduction": "none"},
    ),
    "cross_entropy": ({"input": (3, 4), "target": (3, 4)}, {}),
    "cross_entropy_backward": (
        {"grad_output": (3,), "input": (3, 4), "target": (3, 4)},
        {"reduction": "none"},
    ),
    "nll_loss": ({"input": (3, 4)}, {"target": np.array([0, 3, 1])}),
    "nll_loss_backward": (
        {"grad_output": (3,), "input": (3, 4)},
        {"target": np.array([0, 3, 1]), "reduction": "none"},
    ),
    "batch_norm": (
        {"x": IMAGE, "running_mean": (3,), "running_var": (3,), "weight": (3,), "bias": (3,)},
        {"eps": 9.0},
    ),
    "batch_norm_backward": (
        {"grad_output": IMAGE, "x": IMAGE, "running_mean": (3,), "running_var": (3,), "weight": (3,)},
        {"eps": 9.0},
    ),
    "group_norm": ({"x": IMAGE, "weight": (3,), "bias": (3,)}, {"num_groups": 3}),
    "group_norm_backward": ({"grad_output": IMAGE, "x": IMAGE, "weight": (3,)}, {"num_groups": 3}),
    "layer_norm": ({"x": IMAGE, "weight": (6, 7), "bias": (6, 7)}, {"normalized_shape": (6, 7)}),
    "layer_norm_backward": (
        {"grad_output": IMAGE, "x": IMAGE, "weight": (6, 7)},
        {"normalized_shape": (6, 7)},
    ),
    "embedding": ({"weight": (5, 3)}, {"indices": np.array([0, 4, 4, 1])}),
    "embedding_backward": (
        {"grad_output": (4, 3), "weight": (5, 3)},
        {"indices": np.array([0, 4, 4, 1])},
    ),
    "conv2d": ({"x": IMAGE, "weight": KERNEL, "bias": (4,)}, {}),
    "conv2d_backward": ({"grad_output": (2, 4, 4, 5), "x": IMAGE, "weight": KERNEL}, {}),
    "max_pool2d": ({"x": IMAGE}, {"kernel_size": 2}),
    "max_pool2d_backward": ({"grad_output": (2, 3, 3, 3), "x": IMAGE}, {"kernel_size": 2}),
    "avg_pool2d": ({"x": IMAGE}, {"kernel_size": 2}),
    "avg_pool2d_backward": ({"grad_output": (2, 3, 3, 3), "x": IMAGE}, {"kernel_size": 2}),
    "conv1d": ({"x": (2, 3, 7), "weight": (4, 3, 3), "bias": (4,)}, {}),
    "conv1d_backward": ({"grad_output": (2, 4, 5), "x": (2, 3, 7), "weight": (4, 3, 3)}, {}),
    "conv_transpose2d": ({"x": IMAGE, "weight": (3, 4, 3, 3), "bias": (4,)}, {}),
    "conv_transpose2d_backward": (
        {"grad_output": (2, 4, 8, 9), "x": IMAGE, "weight": (3, 4, 3, 3)},
        {},
    ),
    "max_pool1d": ({"x": (2, 3, 7)}, {"kernel_size": 2}),
    "max_pool1d_backward": ({"grad_output": (2, 3, 3), "x": (2, 3, 7)}, {"kernel_size": 2}),
    "avg_pool1d": ({"x": (2, 3, 7)}, {"kernel_size": 2}),
    "avg_pool1d_backward": ({"grad_output": (2, 3, 3), "x": (2, 3, 7)}, {"kernel_size": 2}),
    "adaptive_avg_pool2d": ({"x": IMAGE}, {"output_size": (4, 2)}),
    "adaptive_avg_pool2d_backward": (
        {"grad_output": (2, 3, 4, 2), "x": IMAGE},
        {"output_size": (4, 2)},
    ),
    "global_avg_pool1d": ({"x": (2, 3, 7)}, {}),
    "global_avg_pool1d_backward": ({"grad_output": (2, 3), "x": (2, 3, 7)}, {}),
    "global_max_pool1d": ({"x": (2, 3, 7)}, {}),
    "global_max_pool1d_backward": ({"grad_output": (2, 3), "x": (2, 3, 7)}, {}),
    "global_avg_pool2d": ({"x": IMAGE}, {}),
    "global_avg_pool2d_backward": ({"grad_output": (2, 3), "x": IMAGE}, {}),
    "global_max_pool2d": ({"x": IMAGE}, {}),
    "global_max_pool2d_backward": ({"grad_output": (2, 3), "x": IMAGE}, {}),
    "pad": ({"x": IMAGE}, {"pad": (1, 2)}),
    "pad_backward": ({"grad_output": (2, 3, 6, 10), "x": IMAGE}, {"pad": (1, 2)}),
    "reshape": ({"x": (3, 4)}, {"shape": (2, 6)}),
    "reshape_backward": ({"grad_output": (2, 6), "x": (3, 4)}, {"shape": (2, 6)}),
    "flatten": ({"x": (3, 4, 2)}, {"start_dim": 1}),
    "flatten_backward": ({"grad_output": (12, 2), "x": (3, 4, 2)}, {"end_dim": 1}),
    "upsample_nearest": ({"x": IMAGE}, {"scale_factor": 2}),
    "upsample_nearest_backward": ({"grad_output": (2, 3, 12, 14), "x": IMAGE}, {"scale_factor": 2}),
}
OPTIMIZERS = {name for name in functional.__all__ if name.endswith("_update")}
CLIPPING = {"clip_grad_norm_", "clip_grad_value_"}
SPARSE = {"sparse_linear", "sparse_linear_backward"}  # test_functional_sparse.py
WITH_OUT = [n for n in CASES if "out" in inspect.signature(getattr(nf, n)).parameters]
SEVERAL = [n for n, (shapes, _) in CASES.items() if len(shapes) > 1]
every_function = pytest.mark.parametrize("name", CASES)
several_arrays = pytest.mark.parametrize("name", SEVERAL)
every_out = pytest.mark.parametrize("name", WITH_OUT)


def call_arguments(name, dtype=np.float64):
    shapes, others = CASES[name]
    arrays = {k: normal(s, dtype, i) for i, (k, s) in enumerate(shapes.items())}
    if name in ("binary_cross_entropy", "binary_cross_entropy_backward"):
        arrays["input"] = nf.sigmoid(arrays["input"])  # probabilities
    return arrays | others


def refused(name, arguments, error, argument):
    """The call raises `error` about `argument` and changes none of its arrays."""
    kept = {k: v.copy() for k, v in arguments.items() if isinstance(v, np.ndarray)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=rf"^{name}: {argument}: ") as caught:
            getattr(nf, name)(**arguments)
    for key, before in kept.items():
        np.testing.assert_array_equal(arguments[key], before)
    return str(caught.value)


def test_every_function_is_here():
    assert set(CASES) | OPTIMIZERS | CLIPPING | SPARSE == set(functional.__all__)


@pytest.mark.parametrize("name", functional.__all__)
def test_same_signature_as_the_reference(name):
    """Names, order, kinds and defaults; `out` may be ours alone."""
    mine = inspect.signature(getattr(nf, name)).parameters
    twin = inspect.signature(getattr(ref, name)).parameters
    assert [(p.name, p.kind, p.default) for p in mine.values() if p.name != "out" or "out" in twin] == [
        (p.name, p.kind, p.default) for p in twin.values()
    ]


@every_function
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_valid_call(name, dtype):
    results = getattr(nf, name)(**call_arguments(name, dtype))
    for result in results if isinstance(results, tuple) else (results,):
        assert result.dtype == dtype


@every_function
@pytest.mark.parametrize(
    "bad",
    [np.complex128, object, "M8[s]", "U3", "V8", np.longdouble],
    ids=lambda kind: np.dtype(kind).name,
)
def test_wrong_dtypes(name, bad):
    for argument in CASES[name][0]:
        arguments = call_arguments(name)
        array = arguments[argument]
        arguments[argument] = np.zeros(array.shape, bad)
        assert str(np.dtype(bad)) in refused(name, arguments, TypeError, argument)


@several_arrays
def test_mixed_dtypes(name):
    for argument in CASES[name][0]:
        arguments = call_arguments(name)
        arguments[argument] = arguments[argument].astype(np.float32)
        with pytest.raises(
            TypeError, match=rf"^{name}: \w+: expected the dtype of \w+, float(32|64), got float(32|64)$"
        ):
            getattr(nf, name)(**arguments)


@every_function
def test_not_arrays(name):
    for argument in CASES[name][0]:
        for bad in (None, "text", object(), {}, [[1.0], [2.0, 3.0]]):
            if bad is None and argument.startswith("running"):
                continue  # only together: test_functional_normalization.py
            optional = inspect.signature(getattr(nf, name)).parameters[argument].default in (None, ...)
            if bad is None and optional:
                continue
            refused(name, {**call_arguments(name), argument: bad}, TypeError, argument)


# Arguments whose shape another one is compared with: a wrong one shows there.
FIRST = {
    "matmul": {"a": "b"},
    "linear": {"x": "weight"},
    "prelu": {"x": "weight"},
    **{name: {"input": "target"} for name in (*PAIR_LOSSES, "quadratic_cost")},
    "cross_entropy": {"input": "target"},
    "nll_loss": {"input": "target"},
    "batch_norm": {"x": "running_mean"},
    "group_norm": {"x": "weight"},
    "conv1d": {"x": "(groups|weight)", "weight": "(groups|weight|bias)"},
    "conv2d": {"x": "(groups|weight)", "weight": "(groups|weight|bias)"},
    "conv_transpose2d": {"x": "weight", "weight": "(weight|bias)"},
}


@several_arrays
def test_wrong_shapes(name):
    shapes, _ = CASES[name]
    forward = name.removesuffix("_backward")
    for argument, shape in shapes.items():
        arguments = call_arguments(name)
        arguments[argument] = normal([n + 1 for n in shape], np.float64, 9)
        named = FIRST.get(forward, {}).get(argument, argument)
        if argument != "grad_output" and name.endswith("_backward"):
            named = f"({named}|grad_output|target|weight|groups|x|b|shape)"
        refused(name, arguments, ValueError, named)
        if (name, argument) in (("prelu", "x"), ("reshape_backward", "x")):
            continue  # axes after the channels, or of any sizes, are welcome
        arguments[argument] = normal((*shape, 1, 1, 1), np.float64, 9)
        with pytest.raises(ValueError, match=rf"^{name}: \w+: "):
            getattr(nf, name)(**arguments)


@every_out
def test_out(name):
    """Every demand on `out`, each with its own message; it is left as it was."""
    shapes, _ = CASES[name]
    arguments = call_arguments(name)
    result = getattr(nf, name)(**arguments)

    def refuse(out, error, words):
        assert words in refused(name, {**arguments, "out": out}, error, "out")

    refuse(result.tolist(), TypeError, "NumPy array")
    refuse(result.astype(np.float32), TypeError, "float64")
    refuse(result.astype(result.dtype.newbyteorder()), TypeError, "float64")
    refuse(np.zeros((*result.shape, 1)), ValueError, f"shape {result.shape}")
    refuse(np.zeros(result.shape[:-1]), ValueError, f"shape {result.shape}")
    refuse(np.zeros([n + 1 for n in result.shape]), ValueError, f"shape {result.shape}")
    refuse(np.asfortranarray(np.zeros(result.shape)), ValueError, "C-contiguous")
    refuse(np.zeros((*result.shape[:-1], 2 * result.shape[-1]))[..., ::2], ValueError, "C-contiguous")
    frozen = np.zeros(result.shape)
    frozen.flags.writeable = False
    refuse(frozen, ValueError, "writable")
    for argument, shape in shapes.items():
        # The array and `out` lie in one block, one element apart.
        block = np.ones(max(np.prod(shape), result.size) + 1)
        array, out = block[: np.prod(shape)].reshape(shape), block[1 : 1 + result.size].reshape(result.shape)
        refused(name, {**arguments, argument: array, "out": out}, ValueError, "out")
    good = np.full(result.shape, np.nan)
    assert getattr(nf, name)(**arguments, out=good) is good
    np.testing.assert_array_equal(good, result)


def test_out_apart_from_strided_inputs():
    block = np.ones((4, 8))
    with pytest.raises(ValueError, match=r"^relu: out: expected memory apart from x"):
        nf.relu(block[:, ::2], out=block[:2].reshape(4, 4))
    nf.relu(block[2:, ::2], out=block[:1].reshape(2, 4))
    backwards = np.arange(8.0)
    with pytest.raises(ValueError, match="out"):
        nf.relu(backwards[::-1], out=backwards)


OPTIONS = [
    ("linear", {"activation": "swish"}, ValueError, "activation"),
    ("linear", {"activation": 3}, TypeError, "activation"),
    ("linear_backward", {"activation": "swish"}, ValueError, "activation"),
    ("linear_backward", {"activation": 3}, TypeError, "activation"),
    ("leaky_relu", {"negative_slope": np.nan}, ValueError, "negative_slope"),
    *(
        (name + end, bad, error, next(iter(bad)))
        for end in ("", "_backward")
        for name, bad, error in (
            ("elu", {"alpha": np.inf}, ValueError),
            ("elu", {"alpha": None}, TypeError),
            ("gelu", {"approximate": "erf"}, ValueError),
            ("gelu", {"approximate": 1}, TypeError),
            ("softplus", {"beta": 0.0}, ValueError),
            ("softplus", {"beta": np.nan}, ValueError),
            ("softplus", {"threshold": np.inf}, ValueError),
            ("softplus", {"threshold": "far"}, TypeError),
        )
    ),
    ("leaky_relu", {"negative_slope": "steep"}, TypeError, "negative_slope"),
    ("leaky_relu_backward", {"negative_slope": np.inf}, ValueError, "negative_slope"),
    *(
        (name, bad, error, "axis")
        for name in ("softmax", "log_softmax", "softmax_backward", "log_softmax_backward")
        for bad, error in (({"axis": 2}, ValueError), ({"axis": -3}, ValueError), ({"axis": 0.5}, TypeError))
    ),
    *(
        (name, {key: bad}, error, key)
        for name in ("dropout", "dropout_backward")
        for key, bad, error in (
            ("p", -0.1, ValueError),
            ("p", 1.1, ValueError),
            ("p", np.nan, ValueError),
            ("p", "half", TypeError),
            ("seed", -1, ValueError),
            ("seed", 2**64, ValueError),
            ("seed", 1.5, TypeError),
            ("seed", None, TypeError),
            ("step", -1, ValueError),
            ("step", 2**32, ValueError),
            ("layer", 2**32, ValueError),
            ("layer", "first", TypeError),
            ("layer", True, TypeError),
        )
    ),
    *(
        (name, {"reduction": bad}, error, "reduction")
        for name in CASES
        if "target" in inspect.signature(getattr(nf, name)).parameters
        for bad, error in (("max", ValueError), (None, TypeError))
    ),
    *(
        (name, {"target": np.array(bad)}, error, "target")
        for name in ("cross_entropy", "cross_entropy_backward", "nll_loss", "nll_loss_backward")
        for bad, error in (
            ([0, 1, 4], ValueError),
            ([-1, 1, 0], ValueError),
            ([2**62, 1, 0], ValueError),
            ([0, 1], ValueError),
            ([[0], [1], [2]], ValueError),
        )
    ),
    *((name, {"target": np.zeros(3)}, TypeError, "target") for name in ("nll_loss", "nll_loss_backward")),
    *(
        (name + suffix, {key: bad}, error, key)
        for suffix in ("", "_backward")
        for name, key, bad, error in (
            ("smooth_l1_loss", "beta", -1.0, ValueError),
            ("smooth_l1_loss", "beta", np.nan, ValueError),
            ("huber_loss", "delta", 0.0, ValueError),
            ("huber_loss", "delta", "1", TypeError),
            ("poisson_nll_loss", "eps", -1.0, ValueError),
            ("binary_cross_entropy", "input", np.full((3, 4), 1.5), ValueError),
            ("binary_cross_entropy", "weight", np.ones(3), ValueError),
            ("binary_cross_entropy", "weight", "heavy", TypeError),
            ("binary_cross_entropy_with_logits", "pos_weight", np.ones((4, 3)), ValueError),
            ("kl_div", "reduction", "batch", ValueError),
            ("mse_loss", "reduction", "batchmean", ValueError),
            ("cross_entropy", "label_smoothing", 1.5, ValueError),
            ("cross_entropy", "label_smoothing", np.nan, ValueError),
            ("cross_entropy", "weight", np.ones(3), ValueError),
            ("cross_entropy", "ignore_index", 1, ValueError),  # with probabilities
            ("nll_loss", "ignore_index", 1.5, TypeError),
            ("nll_loss", "weight", np.ones((3, 4)), ValueError),
            *(
                (loss, "sample_weight", bad, error)
                for loss in (*PAIR_LOSSES, "quadratic_cost", "cross_entropy", "nll_loss")
                for bad, error in ((np.ones(2), ValueError), (np.ones((3, 4)), ValueError), ("w", TypeError))
            ),
        )
    ),
    *(
        (name, {key: bad}, error, key)
        for name in ("conv2d", "conv2d_backward")
        for key, bad, error in (
            ("stride", 0, ValueError),
            ("stride", (1, -1), ValueError),
            ("stride", (1, 2, 3), ValueError),
            ("stride", 1.5, TypeError),
            ("stride", "same", TypeError),
            ("stride", (1, True), TypeError),
            ("padding", -1, ValueError),
            ("padding", (0, 1, 2), ValueError),
            ("padding", "full", ValueError),
            ("padding", None, TypeError),
            ("dilation", 0, ValueError),
            ("dilation", 2**40, ValueError),
            ("groups", 0, ValueError),
            ("groups", 2, ValueError),
            ("groups", 1.0, TypeError),
        )
    ),
    *(
        (name, {"eps": bad}, error, "eps")
        for name in CASES
        if "norm" in name
        for bad, error in ((-1.0, ValueError), (np.nan, ValueError), ("small", TypeError))
    ),
    *(
        (name, {"num_groups": bad}, error, "num_groups")
        for name in ("group_norm", "group_norm_backward")
        for bad, error in ((2, ValueError), (0, ValueError), (1.5, TypeError))
    ),
    ("layer_norm", {"normalized_shape": (7, 6)}, ValueError, "x"),
    ("layer_norm", {"normalized_shape": ()}, ValueError, "normalized_shape"),
    ("layer_norm", {"normalized_shape": "all"}, TypeError, "normalized_shape"),
    ("batch_norm", {"momentum": "some"}, TypeError, "momentum"),
    ("embedding", {"indices": np.array([0, 5])}, ValueError, "indices"),
    ("embedding", {"indices": np.array([0.0])}, TypeError, "indices"),
    ("embedding_backward", {"padding_idx": -6}, ValueError, "padding_idx"),
    ("conv2d", {"padding": "same", "stride": 2}, ValueError, "padding"),
    ("conv2d", {"dilation": 5}, ValueError, "kernel_size"),
    ("conv2d_backward", {"dilation": 5}, ValueError, "kernel_size"),
    ("conv2d", {"bias": np.zeros(3)}, ValueError, "bias"),
    *(
        (name, {key: bad}, error, key)
        for name in ("max_pool2d", "max_pool2d_backward", "avg_pool2d", "avg_pool2d_backward")
        for key, bad, error in (
            ("kernel_size", 0, ValueError),
            ("kernel_size", 9, ValueError),
            ("kernel_size", (2, 2, 2), ValueError),
            ("kernel_size", 2.0, TypeError),
            ("kernel_size", None, TypeError),
            ("stride", 0, ValueError),
            ("stride", "2", TypeError),
            ("padding", -1, ValueError),
            ("padding", 2, ValueError),
            ("padding", 0.5, TypeError),
        )
    ),
    ("max_pool2d", {"dilation": 0}, ValueError, "dilation"),
    ("max_pool2d", {"ceil_mode": np.zeros(2)}, TypeError, "ceil_mode"),
    ("max_pool2d", {"return_indices": np.zeros(2)}, TypeError, "return_indices"),
    ("avg_pool2d", {"count_include_pad": np.zeros(2)}, TypeError, "count_include_pad"),
]


@pytest.mark.parametrize(
    ("name", "options", "error", "argument"),
    OPTIONS,
    ids=[
        f"{name}-{key}={value!r}"[:60].replace("\n", " ")
        for name, o, *_ in OPTIONS
        for key, value in [next(iter(o.items()))]
    ],
)
def test_options(name, options, error, argument):
    refused(name, {**call_arguments(name), **options}, error, argument)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_no_axis(name):
    with pytest.raises(ValueError, match=rf"^{name}: x: expected 1 dimension"):
        getattr(nf, name)(np.float64(1))


@pytest.mark.parametrize("name", ["matmul"])
def test_no_dimensions(name):
    for a, b, argument in ((1.0, np.ones(2), "a"), (np.ones(2), 1.0, "b")):
        with pytest.raises(ValueError, match=rf"^{name}: {argument}: expected 1 dimension"):
            getattr(nf, name)(a, b)


def test_stacks_that_do_not_broadcast():
    with pytest.raises(ValueError, match=r"^matmul: b: expected a stack that broadcasts"):
        nf.matmul(np.ones((2, 3, 4)), np.ones((3, 4, 5)))


def test_no_classes():
    for name in ("cross_entropy", "nll_loss"):
        with pytest.raises(ValueError, match=rf"^{name}: input: expected at least one class"):
            getattr(nf, name)(np.zeros((2, 0)), np.zeros(2, int))


@every_function
def test_unknown_keyword(name):
    with pytest.raises(TypeError, match="unexpected keyword"):
        getattr(nf, name)(**call_arguments(name), flavour=1)


@every_function
def test_inputs_are_never_written(name):
    arguments = call_arguments(name)
    for value in arguments.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    getattr(nf, name)(**arguments)


@every_function
def test_subclasses(name, tmp_path):
    """Subclasses of ndarray, such as memory maps, are read as what they are; results are plain arrays."""
    arguments = call_arguments(name)
    expected = getattr(nf, name)(**arguments)
    for argument in CASES[name][0]:
        path = tmp_path / argument
        arguments[argument].tofile(path)
        arguments[argument] = np.memmap(path, arguments[argument].dtype, "r", shape=arguments[argument].shape)
    got = getattr(nf, name)(**arguments)
    for a, b in zip(*(r if isinstance(r, tuple) else (r,) for r in (got, expected)), strict=True):
        assert not isinstance(a, np.memmap)
        np.testing.assert_array_equal(a, b)


HUGE = 2**62
IMAGE, KERNEL = normal((1, 2, 6, 6), np.float32, 1), normal((3, 2, 3, 3), np.float32, 2)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: nf.conv2d(IMAGE, KERNEL, stride=HUGE), "conv2d: stride"),
        (lambda: nf.conv2d(IMAGE, KERNEL, dilation=HUGE), "conv2d: dilation"),
        (lambda: nf.conv2d(IMAGE, KERNEL, padding=HUGE), "conv2d: padding"),
        (lambda: nf.conv2d_backward(IMAGE, IMAGE, KERNEL, stride=HUGE), "conv2d_backward: stride"),
        (lambda: nf.max_pool2d(IMAGE, HUGE), "max_pool2d: kernel_size"),
        (lambda: nf.max_pool2d(IMAGE, 2, stride=HUGE), "max_pool2d: stride"),
        (lambda: nf.max_pool2d(IMAGE, 2, dilation=HUGE), "max_pool2d: dilation"),
        (lambda: nf.avg_pool2d(IMAGE, 2, padding=HUGE), "avg_pool2d: padding"),
        (lambda: nf.Sequential(nf.Conv2d(2, 3, 3, padding=2**50), input_shape=(2, 6, 6)), "conv2d: padding"),
        (lambda: nf.Sequential(nf.MaxPool2d(2, stride=2**50), input_shape=(2, 6, 6)), "pool2d: stride"),
    ],
)
def test_enormous_options_name_the_limit(call, name):
    with pytest.raises(
        ValueError, match=f"{name}: expected (both|all) at least [01] and at most {2**31}, got"
    ):
        call()


def test_integers_that_a_layer_cannot_pass_on():
    with pytest.raises(ValueError, match=r"stride: expected an integer of at most 2\^53 in size"):
        nf.Sequential(nf.Conv2d(2, 3, 3, stride=HUGE), input_shape=(2, 6, 6))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "cross_entropy_backward", "nll_loss_backward"])
def test_float_labels_say_what_to_do(name):
    function = getattr(nf, name)
    first = (1.0,) if name.endswith("backward") else ()
    z, labels = normal((6, 5), np.float32, 3), np.arange(6) % 5
    for bad in (labels.astype(float), labels.astype(np.float32), labels > 2):
        with pytest.raises(
            TypeError,
            match=rf"^{name}: target: expected integer.* class labels.*got dtype "
            rf"{bad.dtype}; convert .*target\.astype\(int\)",
        ):
            function(*first, z, bad)
    function(*first, z, labels)
