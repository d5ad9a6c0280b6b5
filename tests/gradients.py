"""The registry of checks: how to call each function, layer and loss so as to differentiate it, which steps of
each optimizer to compare.

What this is: data. `tests/test_gradients.py` runs central differences over every entry on every instruction
set and fails where a public name has none; `tests/catalogue.py` writes it into the documented table.
What this is not: a check of values, which are held against the reference elsewhere.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

import nnfast as nf
from nnfast.reference.fused import ACTIVATIONS


def spread(shape: tuple[int, ...], name: str = "x") -> np.ndarray:
    """Numbers in -2..2, all apart by far more than a difference's step and away from the kinks at 0.

    (Maxima do not change hands, and no ReLU is stepped over: half-integers times the spacing, shuffled.)
    """
    size = math.prod(shape)
    order = np.random.default_rng(zlib.crc32(name.encode())).permutation(size)
    return ((order + 0.5 + 0.01 * (size % 2)) / size * 4 - 2).reshape(shape)


def positive(shape: tuple[int, ...], name: str) -> np.ndarray:
    """Numbers in 0.5..1.5."""
    return spread(shape, name) / 4 + 1


def shares(shape: tuple[int, ...], name: str) -> np.ndarray:
    """Rows of positive numbers that sum to 1."""
    x = positive(shape, name)
    return x / x.sum(axis=1, keepdims=True)


# ---------------------------------------------------------------- functions


class Call(NamedTuple):
    """One call: arrays whose gradients `<name>_backward` returns, in its order, and what else is given."""

    arrays: dict[str, Any]  # shapes to be filled by `spread`, or arrays
    others: Mapping[str, Any] = MappingProxyType({})
    still: Mapping[str, Any] = MappingProxyType({})  # of an array: where the gradient is 0 by definition


ROWS, WIDE = {"x": (3, 7)}, 4.2
IMAGE, SIGNAL = {"x": (2, 2, 5, 4)}, {"x": (2, 3, 7)}
LABELS = np.array([2, 0, 3])

FUNCTIONS: dict[str, list[Call]] = {
    **{
        name: [Call(ROWS)]
        for name in (
            "gelu", "hard_sigmoid", "leaky_relu", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid",
            "silu", "softmax", "softplus", "softsign", "step", "tanh",
        )
    },
    "adaptive_avg_pool2d": [Call(IMAGE, {"output_size": (3, 3)}), Call(IMAGE, {"output_size": (5, 2)})],
    "avg_pool1d": [
        Call(SIGNAL, {"kernel_size": 3, "stride": 2, "padding": 1}),
        Call(SIGNAL, {"kernel_size": 3, "stride": 3, "ceil_mode": True, "count_include_pad": False}),
    ],
    "avg_pool2d": [
        Call(IMAGE, {"kernel_size": (3, 2), "stride": 2, "padding": 1, "count_include_pad": False}),
        Call(IMAGE, {"kernel_size": 2, "stride": 2, "ceil_mode": True}),
    ],
    "batch_norm": [
        Call(
            {"x": (4, 3), "weight": (3,), "bias": (3,)},
            {"running_mean": None, "running_var": None, "training": True},
        ),
        Call(
            {"x": (2, 3, 2, 2), "weight": (3,), "bias": (3,)},
            {"running_mean": spread((3,)), "running_var": positive((3,), "v"), "training": False},
        ),
    ],
    "conv1d": [
        Call(
            {"x": (2, 4, 7), "weight": (6, 2, 3), "bias": (6,)},
            {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
        ),
        Call({"x": (1, 2, 6), "weight": (3, 2, 4), "bias": (3,)}, {"padding": "same"}),
    ],
    "conv2d": [
        Call(
            {"x": (2, 4, 5, 6), "weight": (6, 2, 3, 2), "bias": (6,)},
            {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2},
        ),
        Call({"x": (1, 3, 4, 4), "weight": (3, 1, 3, 3), "bias": (3,)}, {"padding": "same", "groups": 3}),
    ],
    "conv_transpose2d": [
        Call(
            {"x": (2, 4, 3, 2), "weight": (4, 1, 3, 2), "bias": (2,)},
            {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2, "dilation": (1, 2)},
        )
    ],
    "dropout": [Call(ROWS, {"p": 0.4, "seed": 5})],
    "elu": [Call(ROWS, {"alpha": 0.7})],
    "embedding": [
        Call({"weight": (5, 3)}, {"indices": np.array([[0, 4], [4, 1]])}),
        Call({"weight": (5, 3)}, {"indices": np.array([0, 4, 1]), "padding_idx": None}),
        Call({"weight": (5, 3)}, {"indices": np.array([0, 4, 1, 4]), "padding_idx": 4}, {"weight": 4}),
        Call({"weight": (5, 3)}, {"indices": np.array([[0, 3], [2, 3]]), "padding_idx": -2}, {"weight": 3}),
    ],
    "flatten": [Call({"x": (2, 3, 2)}, {"start_dim": 1})],
    "global_avg_pool1d": [Call(SIGNAL, {"keepdims": True})],
    "global_avg_pool2d": [Call(IMAGE)],
    "global_max_pool1d": [Call(SIGNAL)],
    "global_max_pool2d": [Call(IMAGE, {"keepdims": True})],
    "group_norm": [Call({"x": (2, 4, 3), "weight": (4,), "bias": (4,)}, {"num_groups": 2})],
    "layer_norm": [Call({"x": (3, 2, 4), "weight": (2, 4), "bias": (2, 4)}, {"normalized_shape": (2, 4)})],
    "linear": [
        Call({"x": 2 * spread((3, 2, 4)), "weight": (5, 4), "bias": (5,)}, {"activation": name})
        for name in (None, *ACTIVATIONS)
    ],
    "matmul": [
        Call({"a": (3, 4), "b": (4, 5)}),
        Call({"a": (2, 1, 3, 4), "b": (3, 4, 2)}),
        Call({"a": (4,), "b": (2, 4, 3)}),
    ],
    "max_pool1d": [Call(SIGNAL, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True})],
    "max_pool2d": [Call(IMAGE, {"kernel_size": (2, 3), "stride": 1, "padding": 1, "dilation": (2, 1)})],
    "pad": [Call(IMAGE, {"pad": (1, -1, 0, 2), "value": 0.5})],
    "prelu": [Call({"x": (2, 3, 4), "weight": (3,)})],
    "reshape": [Call({"x": (2, 3, 2)}, {"shape": (-1, 6)})],
    "upsample_nearest": [Call(IMAGE, {"scale_factor": (2, 1.7)}), Call(IMAGE, {"size": (10, 3)})],
}  # fmt: skip
# Numbers beyond the kinks at 6 and at -3 and 3, too.
FUNCTIONS["relu6"] = FUNCTIONS["hard_sigmoid"] = [Call({"x": WIDE * spread((3, 7))})]
FUNCTIONS["gelu"] = [Call(ROWS), Call(ROWS, {"approximate": "tanh"})]
FUNCTIONS["softmax"] = FUNCTIONS["log_softmax"] = [
    Call({"x": (2, 3, 4)}, {"axis": axis}) for axis in (-1, 0, 1)
]
FUNCTIONS["softplus"] = [Call(ROWS, {"beta": 2.0, "threshold": 1.5})]

# "data" are the numbers of a sparse matrix, whose places are these (a row without any, a column twice).
PLACES = {"indices": np.array([4, 0, 2, 3, 2]), "indptr": np.array([0, 2, 2, 5]), "shape": (3, 6)}
SPARSE = {
    "sparse_linear": [
        Call({"data": 2 * spread((5,)), "weight": (4, 6), "bias": (4,)}, {"activation": name})
        for name in (None, *ACTIVATIONS)
    ],
}


# ---------------------------------------------------------------- functions: losses

SCORES = {"input": (3, 4)}
CLASS_WEIGHTS, SAMPLE_WEIGHTS = positive((4,), "classes"), positive((3,), "samples")
TARGET = spread((3, 4), "target") + 0.07  # nowhere the input itself, where l1_loss has its kink
SIGNS, BITS = np.sign(TARGET), (TARGET > 0).astype(np.float64)


PIXELS = {"input": (3, 4, 2, 3)}  # (n, classes, d1, d2)
PIXEL_LABELS = np.arange(18).reshape(3, 2, 3) * 7 % 4


def _losses(target: np.ndarray, arrays: Mapping[str, Any] = SCORES, **others: Any) -> list[Call]:
    """Each reduction, and the samples weighted."""
    options = [{"reduction": "sum"}, {"reduction": "none"}, {"sample_weight": SAMPLE_WEIGHTS}]
    return [Call(dict(arrays), {"target": target, **others, **more}) for more in [{}, *options]]


PROBABILITIES = {"input": shares((3, 4), "input")}

FUNCTIONS |= {
    "binary_cross_entropy": _losses(BITS, PROBABILITIES) + _losses(BITS, PROBABILITIES, weight=CLASS_WEIGHTS),
    "binary_cross_entropy_with_logits": [
        *_losses(BITS),
        *_losses(positive((3, 4), "t") - 0.5, weight=CLASS_WEIGHTS, pos_weight=CLASS_WEIGHTS),
    ],
    "cross_entropy": [
        *_losses(LABELS),
        *_losses(shares((3, 4), "target"), label_smoothing=0.2),
        *_losses(LABELS, weight=CLASS_WEIGHTS, ignore_index=0, label_smoothing=0.1),
        *_losses(PIXEL_LABELS, PIXELS, weight=CLASS_WEIGHTS, label_smoothing=0.1),
    ],
    "hinge_loss": _losses(SIGNS),
    "huber_loss": _losses(TARGET, delta=0.7),
    "kl_div": _losses(shares((3, 4), "t")) + _losses(np.log(shares((3, 4), "t")), log_target=True),
    "l1_loss": _losses(TARGET),
    "mse_loss": _losses(TARGET),
    "nll_loss": [
        *_losses(LABELS),
        *_losses(LABELS, weight=CLASS_WEIGHTS, ignore_index=0),
        *_losses(PIXEL_LABELS, PIXELS, weight=CLASS_WEIGHTS),
    ],
    "perceptron_loss": _losses(BITS),
    "poisson_nll_loss": [
        *_losses(positive((3, 4), "t")),
        *_losses(positive((3, 4), "t"), {"input": positive((3, 4), "x")}, log_input=False, full=True),
    ],
    "quadratic_cost": _losses(TARGET),
    "smooth_l1_loss": _losses(TARGET, beta=0.7),
}


# ---------------------------------------------------------------- layers


class Net(NamedTuple):
    """A network that has the layer: its layers, or a model already, and the shape of a sample."""

    make: Callable[[], Any]
    shape: tuple[int, ...]
    indices: int = 0  # the samples are indices below this, which have no gradient
    scale: float = 1.0  # of the samples, where numbers of -2..2 do not reach all of a function's pieces
    still: Mapping[str, Any] = MappingProxyType({})  # of a parameter: where the gradient is 0 by definition


def _graph(make: Callable[[Any], Any], shape: tuple[int, ...]) -> nf.Model:
    x = nf.Input(shape)
    return nf.Model(x, make(x), dtype="float64", seed=3)


def _alone(
    layer: type, *arguments: Any, shape: tuple[int, ...] = (3, 5), scale: float = 1.0, **options: Any
) -> Net:
    return Net(lambda: [layer(*arguments, **options)], shape, scale=scale)


PICTURE = (2, 5, 4)

LAYERS: dict[str, list[Net]] = {
    **{
        name: [_alone(getattr(nf, name)), Net(lambda n=name: [nf.Linear(4, 5), getattr(nf, n)()], (4,))]
        for name in (
            "ELU", "GELU", "LeakyReLU", "LogSoftmax", "Mish", "PReLU", "ReLU", "SELU", "SiLU", "Sigmoid",
            "Softmax", "Softplus", "Softsign", "Step", "Tanh",
        )
    },
    **{
        name: [
            _alone(getattr(nf, name), scale=WIDE),
            Net(lambda n=name: [nf.Linear(4, 5), getattr(nf, n)()], (4,), scale=4 * WIDE),
        ]
        for name in ("Hardsigmoid", "ReLU6")
    },
    "AdaptiveAvgPool2d": [_alone(nf.AdaptiveAvgPool2d, (3, 2), shape=PICTURE)],
    "Add": [Net(lambda: _graph(lambda x: nf.Add()(x, nf.Linear(4, 4)(x), nf.Tanh()(x)), (4,)), (4,))],
    "AvgPool1d": [_alone(nf.AvgPool1d, 3, 2, 1, shape=(2, 7))],
    "AvgPool2d": [_alone(nf.AvgPool2d, 3, 2, 1, shape=PICTURE)],
    "BatchNorm1d": [_alone(nf.BatchNorm1d, 4, shape=(4,)), _alone(nf.BatchNorm1d, 3, shape=(3, 5))],
    "BatchNorm2d": [_alone(nf.BatchNorm2d, 2, shape=PICTURE)],
    "Concat": [
        Net(lambda: _graph(lambda x: nf.Concat()(nf.Linear(4, 3)(x), x), (4,)), (4,)),
        Net(lambda: _graph(lambda x: nf.Concat()(nf.Conv2d(2, 3, 1)(x), x), PICTURE), PICTURE),
        *(
            Net(lambda a=axis: _graph(lambda x: nf.Concat(a)(nf.Tanh()(x), x), PICTURE), PICTURE)
            for axis in (2, -1)
        ),
    ],
    "ConstantPad2d": [_alone(nf.ConstantPad2d, (1, -1, 0, 2), 0.5, shape=PICTURE)],
    "Conv1d": [_alone(nf.Conv1d, 2, 4, 3, 2, 1, groups=2, shape=(2, 7))],
    "Conv2d": [
        _alone(nf.Conv2d, 2, 4, 3, 2, 1, shape=PICTURE),
        _alone(nf.Conv2d, 2, 2, 2, groups=2, shape=PICTURE),
    ],
    "ConvTranspose2d": [_alone(nf.ConvTranspose2d, 2, 3, 3, 2, 1, 1, shape=(2, 3, 2))],
    "Dropout": [_alone(nf.Dropout, 0.4)],
    "Embedding": [
        Net(lambda: [nf.Embedding(5, 3), nf.Linear(3, 2)], (4,), indices=5),
        Net(lambda: [nf.Embedding(5, 3, padding_idx=2)], (4,), indices=5, still={"0.weight": 2}),
    ],
    "Flatten": [_alone(nf.Flatten, shape=PICTURE), _alone(nf.Flatten, 1, 2, shape=PICTURE)],
    "GlobalAvgPool1d": [_alone(nf.GlobalAvgPool1d, shape=(2, 7))],
    "GlobalAvgPool2d": [_alone(nf.GlobalAvgPool2d, shape=PICTURE)],
    "GlobalMaxPool1d": [_alone(nf.GlobalMaxPool1d, keepdims=True, shape=(2, 7))],
    "GlobalMaxPool2d": [_alone(nf.GlobalMaxPool2d, shape=PICTURE)],
    "GroupNorm": [_alone(nf.GroupNorm, 2, 4, shape=(4, 3, 2))],
    "LayerNorm": [_alone(nf.LayerNorm, (3, 5))],
    "Linear": [_alone(nf.Linear, 5, 4), Net(lambda: [nf.Linear(4, 5), nf.ReLU(), nf.Linear(5, 2)], (4,))],
    "MaxPool1d": [_alone(nf.MaxPool1d, 3, 2, 1, shape=(2, 7))],
    "MaxPool2d": [_alone(nf.MaxPool2d, 2, 1, shape=PICTURE)],
    "Normalize": [_alone(nf.Normalize, 0.5, 2.0, shape=PICTURE)],
    "Reshape": [_alone(nf.Reshape, (5, 3))],
    "Residual": [Net(lambda: [nf.Linear(4, 3), nf.Residual(nf.Linear(3, 3), nf.Tanh())], (4,))],
    "Upsample": [
        _alone(nf.Upsample, scale_factor=(2, 3), shape=PICTURE),
        _alone(nf.Upsample, 5, shape=PICTURE),
    ],
    "ZeroPad2d": [_alone(nf.ZeroPad2d, 1, shape=PICTURE)],
}  # fmt: skip
LAYERS["PReLU"] += [_alone(nf.PReLU, 3), _alone(nf.PReLU, 2, 0.7, shape=PICTURE)]


# ---------------------------------------------------------------- losses of models


class Objective(NamedTuple):
    """A loss, and a target for 3 samples of 4 outputs; `last`: layers before it."""

    make: Callable[[], Any]
    target: np.ndarray
    last: Callable[[], list[Any]] = list


NUMBERS, SIDES = spread((3, 4), "target"), np.sign(spread((3, 4), "target"))
BINARY, FOUR = (SIDES + 1) / 2, [0.5, 2.0, 1.0, 1.5]
LOSSES: dict[str, list[Objective]] = {
    "BCELoss": [Objective(lambda: nf.BCELoss(FOUR), BINARY, lambda: [nf.Sigmoid()])],
    "BCEWithLogitsLoss": [
        Objective(nf.BCEWithLogitsLoss, BINARY),
        Objective(lambda: nf.BCEWithLogitsLoss(FOUR, pos_weight=FOUR[::-1]), BINARY),
    ],
    "CrossEntropyLoss": [
        Objective(nf.CrossEntropyLoss, LABELS),
        Objective(lambda: nf.CrossEntropyLoss(reduction="sum"), shares((3, 4), "target")),
        Objective(lambda: nf.CrossEntropyLoss(FOUR, label_smoothing=0.2, ignore_index=LABELS[0]), LABELS),
    ],
    "HingeLoss": [Objective(nf.HingeLoss, SIDES)],
    "HuberLoss": [Objective(lambda: nf.HuberLoss(delta=0.7), NUMBERS)],
    "KLDivLoss": [
        Objective(lambda: nf.KLDivLoss("batchmean"), shares((3, 4), "target"), lambda: [nf.LogSoftmax()]),
        Objective(lambda: nf.KLDivLoss(log_target=True), NUMBERS),
    ],
    "L1Loss": [Objective(nf.L1Loss, NUMBERS)],
    "MSELoss": [
        Objective(nf.MSELoss, NUMBERS),
        Objective(lambda: nf.MSELoss(reduction="sum"), NUMBERS, lambda: [nf.Tanh()]),
    ],
    "NLLLoss": [
        Objective(nf.NLLLoss, LABELS, lambda: [nf.LogSoftmax()]),
        Objective(lambda: nf.NLLLoss(FOUR), LABELS, lambda: [nf.LogSoftmax()]),
    ],
    "PerceptronLoss": [Objective(nf.PerceptronLoss, BINARY)],
    "PoissonNLLLoss": [
        Objective(nf.PoissonNLLLoss, 3 * BINARY),
        Objective(lambda: nf.PoissonNLLLoss(False, full=True), 3 * BINARY, lambda: [nf.Softplus()]),
    ],
    "QuadraticCost": [Objective(nf.QuadraticCost, NUMBERS)],
    "SmoothL1Loss": [Objective(lambda: nf.SmoothL1Loss(beta=0.4), NUMBERS)],
}


# ---------------------------------------------------------------- optimizers

# Options of `<name>_update`; its arrays follow from its signature.
UPDATES: dict[str, list[dict[str, Any]]] = {
    "adadelta_update": [{}, {"lr": 0.5, "rho": 0.7, "weight_decay": 0.1}],
    "adagrad_update": [{}, {"lr_decay": 0.2, "weight_decay": 0.1}],
    "adam_update": [{}, {"amsgrad": True, "weight_decay": 0.1}],
    "adamw_update": [{}, {"amsgrad": True, "weight_decay": 0.3}],
    "nadam_update": [{}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "rmsprop_update": [{}, {"momentum": 0.7, "centered": True, "weight_decay": 0.1}],
    "sgd_update": [
        {"lr": 0.1},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.5},
    ],
}

# Options of the class.
OPTIMIZERS: dict[str, list[dict[str, Any]]] = {
    "Adadelta": [{}],
    "Adagrad": [{}, {"lr_decay": 0.2, "initial_accumulator_value": 0.5}],
    "Adam": [{}, {"amsgrad": True, "weight_decay": 0.1}],
    "AdamW": [{}],
    "NAdam": [{}],
    "Perceptron": [{"lr": 0.1}],
    "RMSprop": [{}, {"momentum": 0.7, "centered": True}],
    "SGD": [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}],
    "SparseAdam": [{}],
}

# Updates of another kind, and the tests that hold them against their twins.
OTHER_UPDATES = {
    "clip_grad_norm_": "test_optimizer_family.py",
    "clip_grad_value_": "test_optimizer_family.py",
    "perceptron_update": "test_optimizer_family.py",
}
