"""Plain NumPy twins of nnfast's functions and networks: same names, same signatures, written to be read.

Nothing here is fast and nothing here depends on compiled code; every file is one subject, to be read beside a
textbook:

- `dense`: matrix products and the linear layer
- `activations`, `smooth_activations`: sigmoid, tanh, step and the ReLU family; those made of exponentials
- `probabilities`: softmax and log-softmax
- `randomness`: Philox and dropout
- `losses`: squared error, cross-entropy, negative log-likelihood
- `windows`, `convolution`, `pooling`: images
- `optimizers`: SGD, RMSprop, Adam
- `network`: graphs and their training
"""

from .activations import (
    hard_sigmoid,
    hard_sigmoid_backward,
    leaky_relu,
    leaky_relu_backward,
    prelu,
    prelu_backward,
    relu,
    relu6,
    relu6_backward,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    step,
    step_backward,
    tanh,
    tanh_backward,
)
from .convolution import conv2d, conv2d_backward
from .dense import linear, linear_backward, matmul, matmul_backward
from .losses import (
    cross_entropy,
    cross_entropy_backward,
    mse_loss,
    mse_loss_backward,
    nll_loss,
    nll_loss_backward,
)
from .network import Graph, Model, Totals
from .optimizers import adam_update, rmsprop_update, sgd_update
from .pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from .probabilities import log_softmax, log_softmax_backward, softmax, softmax_backward
from .randomness import dropout, dropout_backward, dropout_mask, philox4x32
from .smooth_activations import (
    elu,
    elu_backward,
    gelu,
    gelu_backward,
    mish,
    mish_backward,
    selu,
    selu_backward,
    silu,
    silu_backward,
    softplus,
    softplus_backward,
    softsign,
    softsign_backward,
)

__all__ = [
    "Graph",
    "Model",
    "Totals",
    "adam_update",
    "avg_pool2d",
    "avg_pool2d_backward",
    "conv2d",
    "conv2d_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "dropout",
    "dropout_backward",
    "dropout_mask",
    "elu",
    "elu_backward",
    "gelu",
    "gelu_backward",
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "matmul",
    "matmul_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "mish",
    "mish_backward",
    "mse_loss",
    "mse_loss_backward",
    "nll_loss",
    "nll_loss_backward",
    "philox4x32",
    "prelu",
    "prelu_backward",
    "relu",
    "relu6",
    "relu6_backward",
    "relu_backward",
    "rmsprop_update",
    "selu",
    "selu_backward",
    "sgd_update",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_backward",
    "softsign",
    "softsign_backward",
    "step",
    "step_backward",
    "tanh",
    "tanh_backward",
]
