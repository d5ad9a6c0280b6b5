"""Layers of a network, with PyTorch's names and argument order; a family a file."""

from nnfast.layers.activations import LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from nnfast.layers.base import Layer
from nnfast.layers.conv import Conv2d
from nnfast.layers.dropout import Dropout
from nnfast.layers.linear import Linear
from nnfast.layers.merge import Add, Concat
from nnfast.layers.pool import AvgPool2d, MaxPool2d
from nnfast.layers.shape import Flatten

__all__ = [
    "Add",
    "AvgPool2d",
    "Concat",
    "Conv2d",
    "Dropout",
    "Flatten",
    "Layer",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
]
