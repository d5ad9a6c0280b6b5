"""Layers of a network, with PyTorch's names and argument order; a family a file."""

from nnfast.layers.activations import (
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    LeakyReLU,
    LogSoftmax,
    Mish,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Step,
    Tanh,
)
from nnfast.layers.base import Layer
from nnfast.layers.conv import Conv2d
from nnfast.layers.dropout import Dropout
from nnfast.layers.linear import Linear
from nnfast.layers.merge import Add, Concat
from nnfast.layers.pool import AvgPool2d, MaxPool2d
from nnfast.layers.prelu import PReLU
from nnfast.layers.shape import Flatten

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Add",
    "AvgPool2d",
    "Concat",
    "Conv2d",
    "Dropout",
    "Flatten",
    "Hardsigmoid",
    "Layer",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Step",
    "Tanh",
]
