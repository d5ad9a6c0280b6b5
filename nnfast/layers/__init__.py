"""Layers of a network, with PyTorch's names and argument order; a family a file."""

from nnfast.layers.activations import LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from nnfast.layers.base import Layer
from nnfast.layers.conv import Conv2d
from nnfast.layers.dropout import Dropout
from nnfast.layers.embedding import Embedding
from nnfast.layers.linear import Linear
from nnfast.layers.merge import Add, Concat
from nnfast.layers.normalization import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, Normalize
from nnfast.layers.pool import AvgPool2d, MaxPool2d
from nnfast.layers.shape import Flatten

__all__ = [
    "Add",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Concat",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "Normalize",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
]
