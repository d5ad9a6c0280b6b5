"""Writes docs/catalogue.md: every public function, layer, loss, optimizer, schedule and initialiser.

    python -m tests.catalogue > docs/catalogue.md       (in the project's root)

What this is: the names of the same things in PyTorch and Keras, which stand here and nowhere else, and the
table's text, drawn from the package itself, its reference and the registry of gradient checks.
What this is not: documentation of what they do; that is in their docstrings. `tests/test_catalogue.py` fails
when the committed file differs, or when a public name has no row.
"""

from __future__ import annotations

import nnfast as nf
from nnfast import functional, initializers, reference, schedules
from nnfast.optimizers import Optimizer
from nnfast.reference.network.graph import OPS

from .gradients import FUNCTIONS, LAYERS, LOSSES, OPTIMIZERS, OTHER_UPDATES, SPARSE, UPDATES

NONE = "–"
F, N, P, S = "torch.nn.functional.", "torch.nn.", "torch.optim.", "torch.optim.lr_scheduler."
V, U = "torch.nn.init.", "torch.nn.utils."
KO, KA, KL, KQ = "keras.ops.", "keras.activations.", "keras.layers.", "keras.losses."
KP, KS, KI = "keras.optimizers.", "keras.optimizers.schedules.", "keras.initializers."

# name here: (in PyTorch, in Keras)
FUNCTION_NAMES: dict[str, tuple[str, str]] = {
    "adadelta_update": (P + "Adadelta", KP + "Adadelta"),
    "adagrad_update": (P + "Adagrad", KP + "Adagrad"),
    "adam_update": (P + "Adam", KP + "Adam"),
    "adamw_update": (P + "AdamW", KP + "AdamW"),
    "adaptive_avg_pool2d": (F + "adaptive_avg_pool2d", KO + "adaptive_average_pool"),
    "avg_pool1d": (F + "avg_pool1d", KO + "average_pool"),
    "avg_pool2d": (F + "avg_pool2d", KO + "average_pool"),
    "batch_norm": (F + "batch_norm", KO + "batch_normalization"),
    "binary_cross_entropy": (F + "binary_cross_entropy", KQ + "binary_crossentropy"),
    "binary_cross_entropy_with_logits": (
        F + "binary_cross_entropy_with_logits",
        KQ + "binary_crossentropy(from_logits=True)",
    ),
    "clip_grad_norm_": (U + "clip_grad_norm_", "global_clipnorm="),
    "clip_grad_value_": (U + "clip_grad_value_", "clipvalue="),
    "conv1d": (F + "conv1d", KO + "conv"),
    "conv2d": (F + "conv2d", KO + "conv"),
    "conv_transpose2d": (F + "conv_transpose2d", KO + "conv_transpose"),
    "cross_entropy": (F + "cross_entropy", KQ + "categorical_crossentropy(from_logits=True)"),
    "dropout": (F + "dropout", KL + "Dropout"),
    "elu": (F + "elu", KA + "elu"),
    "embedding": (F + "embedding", KL + "Embedding"),
    "flatten": ("torch.flatten", KL + "Flatten"),
    "gelu": (F + "gelu", KA + "gelu"),
    "global_avg_pool1d": (F + "adaptive_avg_pool1d(x, 1)", KL + "GlobalAveragePooling1D"),
    "global_avg_pool2d": (F + "adaptive_avg_pool2d(x, 1)", KL + "GlobalAveragePooling2D"),
    "global_max_pool1d": (F + "adaptive_max_pool1d(x, 1)", KL + "GlobalMaxPooling1D"),
    "global_max_pool2d": (F + "adaptive_max_pool2d(x, 1)", KL + "GlobalMaxPooling2D"),
    "group_norm": (F + "group_norm", KL + "GroupNormalization"),
    "hard_sigmoid": (F + "hardsigmoid", KA + "hard_sigmoid"),
    "hinge_loss": (NONE, KQ + "hinge"),
    "huber_loss": (F + "huber_loss", KQ + "huber"),
    "kl_div": (F + "kl_div", KQ + "kl_divergence"),
    "l1_loss": (F + "l1_loss", KQ + "mean_absolute_error"),
    "layer_norm": (F + "layer_norm", KO + "layer_normalization"),
    "leaky_relu": (F + "leaky_relu", KA + "leaky_relu"),
    "linear": (F + "linear", KL + "Dense"),
    "log_softmax": (F + "log_softmax", KA + "log_softmax"),
    "matmul": ("torch.matmul", KO + "matmul"),
    "max_pool1d": (F + "max_pool1d", KO + "max_pool"),
    "max_pool2d": (F + "max_pool2d", KO + "max_pool"),
    "mish": (F + "mish", KA + "mish"),
    "mse_loss": (F + "mse_loss", KQ + "mean_squared_error"),
    "nadam_update": (P + "NAdam", KP + "Nadam"),
    "nll_loss": (F + "nll_loss", KQ + "categorical_crossentropy"),
    "pad": (F + "pad", KO + "pad"),
    "perceptron_loss": (NONE, NONE),
    "perceptron_update": (NONE, NONE),
    "poisson_nll_loss": (F + "poisson_nll_loss", KQ + "poisson"),
    "prelu": (F + "prelu", KL + "PReLU"),
    "quadratic_cost": (NONE, NONE),
    "relu": (F + "relu", KA + "relu"),
    "relu6": (F + "relu6", KA + "relu6"),
    "reshape": ("torch.reshape", KO + "reshape"),
    "rmsprop_update": (P + "RMSprop", KP + "RMSprop"),
    "selu": (F + "selu", KA + "selu"),
    "sgd_update": (P + "SGD", KP + "SGD"),
    "sigmoid": (F + "sigmoid", KA + "sigmoid"),
    "silu": (F + "silu", KA + "silu"),
    "smooth_l1_loss": (F + "smooth_l1_loss", NONE),
    "softmax": (F + "softmax", KA + "softmax"),
    "softplus": (F + "softplus", KA + "softplus"),
    "softsign": (F + "softsign", KA + "softsign"),
    "sparse_linear": (F + "linear(x.to_sparse_csr(), ...)", NONE),
    "step": ("torch.heaviside", KO + "heaviside"),
    "tanh": (F + "tanh", KA + "tanh"),
    "upsample_nearest": (F + "interpolate", KL + "UpSampling2D"),
}

LAYER_NAMES: dict[str, tuple[str, str]] = {
    "AdaptiveAvgPool2d": (N + "AdaptiveAvgPool2d", KL + "AdaptiveAveragePooling2D"),
    "Add": ("+", KL + "Add"),
    "AvgPool1d": (N + "AvgPool1d", KL + "AveragePooling1D"),
    "AvgPool2d": (N + "AvgPool2d", KL + "AveragePooling2D"),
    "BatchNorm1d": (N + "BatchNorm1d", KL + "BatchNormalization"),
    "BatchNorm2d": (N + "BatchNorm2d", KL + "BatchNormalization"),
    "Concat": ("torch.cat", KL + "Concatenate"),
    "ConstantPad2d": (N + "ConstantPad2d", KO + "pad"),
    "Conv1d": (N + "Conv1d", KL + "Conv1D"),
    "Conv2d": (N + "Conv2d", KL + "Conv2D"),
    "ConvTranspose2d": (N + "ConvTranspose2d", KL + "Conv2DTranspose"),
    "Dropout": (N + "Dropout", KL + "Dropout"),
    "ELU": (N + "ELU", KL + "ELU"),
    "Embedding": (N + "Embedding", KL + "Embedding"),
    "Flatten": (N + "Flatten", KL + "Flatten"),
    "GELU": (N + "GELU", KA + "gelu"),
    "GlobalAvgPool1d": (N + "AdaptiveAvgPool1d(1)", KL + "GlobalAveragePooling1D"),
    "GlobalAvgPool2d": (N + "AdaptiveAvgPool2d(1)", KL + "GlobalAveragePooling2D"),
    "GlobalMaxPool1d": (N + "AdaptiveMaxPool1d(1)", KL + "GlobalMaxPooling1D"),
    "GlobalMaxPool2d": (N + "AdaptiveMaxPool2d(1)", KL + "GlobalMaxPooling2D"),
    "GroupNorm": (N + "GroupNorm", KL + "GroupNormalization"),
    "Hardsigmoid": (N + "Hardsigmoid", KA + "hard_sigmoid"),
    "LayerNorm": (N + "LayerNorm", KL + "LayerNormalization"),
    "LeakyReLU": (N + "LeakyReLU", KL + "LeakyReLU"),
    "Linear": (N + "Linear", KL + "Dense"),
    "LogSoftmax": (N + "LogSoftmax", KA + "log_softmax"),
    "MaxPool1d": (N + "MaxPool1d", KL + "MaxPooling1D"),
    "MaxPool2d": (N + "MaxPool2d", KL + "MaxPooling2D"),
    "Mish": (N + "Mish", KA + "mish"),
    "Normalize": ("torchvision.transforms.Normalize", KL + "Normalization"),
    "PReLU": (N + "PReLU", KL + "PReLU"),
    "ReLU": (N + "ReLU", KL + "ReLU"),
    "ReLU6": (N + "ReLU6", KL + "ReLU(max_value=6)"),
    "Reshape": (N + "Unflatten", KL + "Reshape"),
    "Residual": (NONE, NONE),
    "SELU": (N + "SELU", KA + "selu"),
    "SiLU": (N + "SiLU", KA + "silu"),
    "Sigmoid": (N + "Sigmoid", KA + "sigmoid"),
    "Softmax": (N + "Softmax", KL + "Softmax"),
    "Softplus": (N + "Softplus", KA + "softplus"),
    "Softsign": (N + "Softsign", KA + "softsign"),
    "Step": (NONE, NONE),
    "Tanh": (N + "Tanh", KA + "tanh"),
    "Upsample": (N + "Upsample", KL + "UpSampling2D"),
    "ZeroPad2d": (N + "ZeroPad2d", KL + "ZeroPadding2D"),
}

LOSS_NAMES: dict[str, tuple[str, str]] = {
    "BCELoss": (N + "BCELoss", KQ + "BinaryCrossentropy"),
    "BCEWithLogitsLoss": (N + "BCEWithLogitsLoss", KQ + "BinaryCrossentropy(from_logits=True)"),
    "CrossEntropyLoss": (N + "CrossEntropyLoss", KQ + "CategoricalCrossentropy(from_logits=True)"),
    "PerceptronLoss": (NONE, NONE),
    "HingeLoss": (NONE, KQ + "Hinge"),
    "HuberLoss": (N + "HuberLoss", KQ + "Huber"),
    "KLDivLoss": (N + "KLDivLoss", KQ + "KLDivergence"),
    "L1Loss": (N + "L1Loss", KQ + "MeanAbsoluteError"),
    "MSELoss": (N + "MSELoss", KQ + "MeanSquaredError"),
    "NLLLoss": (N + "NLLLoss", KQ + "CategoricalCrossentropy"),
    "PoissonNLLLoss": (N + "PoissonNLLLoss", KQ + "Poisson"),
    "QuadraticCost": (NONE, NONE),
    "SmoothL1Loss": (N + "SmoothL1Loss", NONE),
}

OPTIMIZER_NAMES: dict[str, tuple[str, str]] = {
    "Adadelta": (P + "Adadelta", KP + "Adadelta"),
    "Adagrad": (P + "Adagrad", KP + "Adagrad"),
    "Adam": (P + "Adam", KP + "Adam"),
    "AdamW": (P + "AdamW", KP + "AdamW"),
    "Perceptron": (NONE, NONE),
    "NAdam": (P + "NAdam", KP + "Nadam"),
    "RMSprop": (P + "RMSprop", KP + "RMSprop"),
    "SGD": (P + "SGD", KP + "SGD"),
    "SparseAdam": (P + "SparseAdam", NONE),
}

SCHEDULE_NAMES: dict[str, tuple[str, str]] = {
    "CosineAnnealingLR": (S + "CosineAnnealingLR", KS + "CosineDecay"),
    "ExponentialLR": (S + "ExponentialLR", KS + "ExponentialDecay"),
    "InverseScaling": (NONE, KS + "InverseTimeDecay"),
    "LinearWarmup": (S + "LinearLR", KS + "CosineDecay(warmup_steps=)"),
    "MultiStepLR": (S + "MultiStepLR", KS + "PiecewiseConstantDecay"),
    "OneCycleLR": (S + "OneCycleLR", NONE),
    "ReduceLROnPlateau": (S + "ReduceLROnPlateau", "keras.callbacks.ReduceLROnPlateau"),
    "StepLR": (S + "StepLR", KS + "ExponentialDecay(staircase=True)"),
}

INITIALISER_NAMES: dict[str, tuple[str, str]] = {
    "constant": (V + "constant_", KI + "Constant"),
    "fan_in_uniform": ("the layers' default", NONE),
    "glorot_normal": (V + "xavier_normal_", KI + "GlorotNormal"),
    "glorot_uniform": (V + "xavier_uniform_", KI + "GlorotUniform"),
    "he_normal": (V + "kaiming_normal_", KI + "HeNormal"),
    "he_uniform": (V + "kaiming_uniform_", KI + "HeUniform"),
    "kaiming_normal": (V + "kaiming_normal_", KI + "HeNormal"),
    "kaiming_uniform": (V + "kaiming_uniform_", KI + "HeUniform"),
    "lecun_normal": (NONE, KI + "LecunNormal"),
    "lecun_uniform": (NONE, KI + "LecunUniform"),
    "normal": (V + "normal_", KI + "RandomNormal"),
    "ones": (V + "ones_", KI + "Ones"),
    "orthogonal": (V + "orthogonal_", KI + "Orthogonal"),
    "uniform": (V + "uniform_", KI + "RandomUniform"),
    "xavier_normal": (V + "xavier_normal_", KI + "GlorotNormal"),
    "xavier_uniform": (V + "xavier_uniform_", KI + "GlorotUniform"),
    "zeros": (V + "zeros_", KI + "Zeros"),
}

# ---------------------------------------------------------------- what there is


def _classes(base: type) -> set[str]:
    members = ((name, getattr(nf, name)) for name in nf.__all__)
    return {
        n for n, item in members if isinstance(item, type) and issubclass(item, base) and item is not base
    }


def functions() -> set[str]:
    return {name for name in functional.__all__ if not name.endswith("_backward")}


def differentiable() -> set[str]:
    return {name.removesuffix("_backward") for name in functional.__all__ if name.endswith("_backward")}


def layers() -> set[str]:
    return _classes(nf.Layer) | {"Residual"}


def losses() -> set[str]:
    return _classes(nf.losses.Loss)


def optimizers() -> set[str]:
    return _classes(Optimizer)


def schedule_names() -> set[str]:
    return _classes(schedules.Schedule)


def initialisers() -> set[str]:
    return set(initializers.__all__) - {"calculate_gain", "fans", "get"}


# ---------------------------------------------------------------- twins


def _in_reference(name: str) -> str:
    """The reference's function; empty when there is none."""
    return f"reference.{name}" if hasattr(reference, name) else ""


def function_twin(name: str) -> str:
    pair = [name, f"{name}_backward"] if name in differentiable() else [name]
    return _in_reference(name) if all(map(_in_reference, pair)) else ""


def layer_twin(name: str) -> str:
    """The operations of `reference.Graph` that the layer's networks are made of."""
    made = LAYERS[name][0].make()
    members = made.layers if isinstance(made, nf.Model) else made
    if name == "Residual":
        return "`reference.Graph`: add" if "add" in OPS else ""
    op = next(member._op for member in members if type(member).__name__ == name)
    return f"`reference.Graph`: {op}" if op in OPS else ""


def loss_twin(name: str) -> str:
    return _in_reference(getattr(nf, name).kind)


def optimizer_twin(name: str) -> str:
    if name == "SparseAdam":
        return "`reference.Model`"  # which rows of an array move, a network alone knows
    return _in_reference(f"{name.lower()}_update")


# ---------------------------------------------------------------- the text

HEAD = """# Catalogue

Every function, layer, loss, optimizer, schedule and initialiser of nnfast: its names in PyTorch and Keras,
its twin in plain NumPy, and how its gradient is checked. Written by `python -m tests.catalogue`;
`tests/test_catalogue.py` keeps it true: no public name without a row, a twin, a docstring with shapes and
errors, and a gradient check.

A gradient check is central differences in float64 on every instruction set the CPU has
(`tests/test_gradients.py`), over as many calls or networks as the column says. A layer's twin is what
`compile(..., backend="reference")` runs.
"""


def _code(text: str) -> str:
    return text if text == NONE or "`" in text or text.startswith("the ") else f"`{text}`"


def _table(title: str, note: str, names: dict[str, tuple[str, str]], rows: dict[str, tuple[str, ...]]) -> str:
    columns = ("nnfast", "PyTorch", "Keras", *rows.pop(""))
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for name, cells in sorted(rows.items(), key=lambda row: row[0].lower()):
        lines.append("| " + " | ".join([_code(name), *map(_code, names[name]), *cells]) + " |")
    return f"\n## {title}\n\n{note}\n\n" + "\n".join(lines) + "\n"


def _calls(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _function_check(name: str) -> str:
    if name in differentiable():
        return _calls(len({**FUNCTIONS, **SPARSE}[name]), "call")
    if name in OTHER_UPDATES:
        return f"against the twin, `tests/{OTHER_UPDATES[name]}`"
    return f"{_calls(len(UPDATES[name]), 'run')} of steps against the twin"


def text() -> str:
    """The whole file."""
    parts = [
        HEAD,
        _table(
            "Functions",
            "Those with a gradient have it as `<name>_backward`.",
            FUNCTION_NAMES,
            {
                "": ("twin", "gradient"),
                **{n: (_code(function_twin(n)), _function_check(n)) for n in functions()},
            },
        ),
        _table(
            "Layers",
            "Gradients of inputs and parameters, through the engine.",
            LAYER_NAMES,
            {
                "": ("twin", "gradient"),
                **{n: (layer_twin(n), _calls(len(LAYERS[n]), "network")) for n in layers()},
            },
        ),
        _table(
            "Losses",
            "A step of gradient descent against differences of `evaluate`.",
            LOSS_NAMES,
            {
                "": ("twin", "gradient"),
                **{n: (_code(loss_twin(n)), _calls(len(LOSSES[n]), "network")) for n in losses()},
            },
        ),
        _table(
            "Optimizers",
            "They use gradients: runs of the engine's steps are held against the twin's.",
            OPTIMIZER_NAMES,
            {
                "": ("twin", "steps"),
                **{n: (_code(optimizer_twin(n)), _calls(len(OPTIMIZERS[n]), "run")) for n in optimizers()},
            },
        ),
        _table(
            "Schedules",
            "Plain Python, which is its own twin: rates checked against their formulas.",
            SCHEDULE_NAMES,
            {"": (), **{n: () for n in schedule_names()}},
        ),
        _table(
            "Initialisers",
            "Of `nnfast.initializers`. Plain NumPy, which is its own twin.",
            INITIALISER_NAMES,
            {"": (), **{n: () for n in initialisers()}},
        ),
    ]
    return "".join(parts)


if __name__ == "__main__":
    print(text(), end="")
