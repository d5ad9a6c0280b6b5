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
from nnfast.layers.conv1d import Conv1d
from nnfast.layers.conv_transpose import ConvTranspose2d
from nnfast.layers.dropout import Dropout
from nnfast.layers.embedding import Embedding
from nnfast.layers.linear import Linear
from nnfast.layers.merge import Add, Concat
from nnfast.layers.normalization import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, Normalize
from nnfast.layers.pool import AvgPool2d, MaxPool2d
from nnfast.layers.pool1d import AvgPool1d, GlobalAvgPool1d, GlobalMaxPool1d, MaxPool1d
from nnfast.layers.prelu import PReLU
from nnfast.layers.resize import (
    AdaptiveAvgPool2d,
    ConstantPad2d,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    Upsample,
    ZeroPad2d,
)
from nnfast.layers.shape import Flatten, Reshape

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "AdaptiveAvgPool2d",
    "Add",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Concat",
    "ConstantPad2d",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "GlobalMaxPool1d",
    "GlobalMaxPool2d",
    "GroupNorm",
    "Hardsigmoid",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Normalize",
    "PReLU",
    "ReLU",
    "ReLU6",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Step",
    "Tanh",
    "Upsample",
    "ZeroPad2d",
]
