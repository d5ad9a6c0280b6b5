"""The activations that `linear` and a network's nodes know by name, with the defaults of their functions."""

from collections.abc import Callable
from functools import partial

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
# The options of those that have some, in their functions' order, with their defaults.
OPTIONS: dict[str, dict[str, float]] = {
    "leaky_relu": {"negative_slope": 0.01},
    "elu": {"alpha": 1.0},
    "softplus": {"beta": 1.0, "threshold": 20.0},
}
