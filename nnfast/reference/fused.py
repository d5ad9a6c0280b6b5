"""The activations that `linear` and a network's nodes know by name, with the defaults of their functions."""

from collections.abc import Callable
from functools import partial

import numpy as np

from . import activations, smooth_activations
from .checks import Array

ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "sigmoid": activations.sigmoid,
    "tanh": activations.tanh,
    "relu": activations.relu,
    "leaky_relu": activations.leaky_relu,
    "step": activations.step,
    "hard_sigmoid": activations.hard_sigmoid,
    "relu6": activations.relu6,
    "elu": smooth_activations.elu,
    "selu": smooth_activations.selu,
    "gelu": smooth_activations.gelu,
    "gelu_tanh": partial(smooth_activations.gelu, approximate="tanh"),
    "silu": smooth_activations.silu,
    "mish": smooth_activations.mish,
    "softplus": smooth_activations.softplus,
    "softsign": smooth_activations.softsign,
}
BACKWARD: dict[str, Callable[..., Array]] = {
    "sigmoid": activations.sigmoid_backward,
    "tanh": activations.tanh_backward,
    "relu": activations.relu_backward,
    "leaky_relu": activations.leaky_relu_backward,
    "step": activations.step_backward,
    "hard_sigmoid": activations.hard_sigmoid_backward,
    "relu6": activations.relu6_backward,
    "elu": smooth_activations.elu_backward,
    "selu": smooth_activations.selu_backward,
    "gelu": smooth_activations.gelu_backward,
    "gelu_tanh": partial(smooth_activations.gelu_backward, approximate="tanh"),
    "silu": smooth_activations.silu_backward,
    "mish": smooth_activations.mish_backward,
    "softplus": smooth_activations.softplus_backward,
    "softsign": smooth_activations.softsign_backward,
}


def _elu_from_output(g: Array, y: Array) -> Array:
    return np.where(y > 0, g, g * (y + 1))  # e^x = y + 1


def _selu_from_output(g: Array, y: Array) -> Array:
    scale, alpha = smooth_activations.SELU_SCALE, smooth_activations.SELU_ALPHA
    return g * np.where(y > 0, scale, y + scale * alpha)


# g f'(x) where f' follows from y = f(x): what is kept of a forward pass is then y alone.
FROM_OUTPUT: dict[str, Callable[[Array, Array], Array]] = {
    "sigmoid": lambda g, y: g * y * (1 - y),
    "tanh": lambda g, y: g * (1 - y**2),
    "relu": activations.relu_backward,  # these have y > 0 where x > 0
    "leaky_relu": activations.leaky_relu_backward,
    "relu6": activations.relu6_backward,
    "step": lambda g, y: np.zeros_like(g),
    "hard_sigmoid": lambda g, y: np.where((y > 0) & (y < 1), g / 6, 0),
    "elu": _elu_from_output,
    "selu": _selu_from_output,
    "softplus": lambda g, y: np.where(y > 20, g, -g * np.expm1(-y)),  # 1 / (1 + e^-x) = 1 - e^-y
    "softsign": lambda g, y: g * (1 - np.abs(y)) ** 2,
}

# The options of those that have some, in their functions' order, with their defaults.
OPTIONS: dict[str, dict[str, float]] = {
    "leaky_relu": {"negative_slope": 0.01},
    "elu": {"alpha": 1.0},
    "softplus": {"beta": 1.0, "threshold": 20.0},
}
