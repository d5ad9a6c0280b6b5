"""Plain NumPy twins of nnfast's functions and networks: same names, same signatures, written to be read.

Nothing here is fast and nothing here depends on compiled code; every file is one subject, to be read beside a
textbook:

- `dense`: matrix products and the linear layer
- `activations`: sigmoid, tanh, ReLU, leaky ReLU
- `probabilities`: softmax and log-softmax
- `randomness`: Philox and dropout
- `losses`: squared error, cross-entropy, negative log-likelihood
- `windows`, `convolution`, `pooling`: images
- `optimizers`, `clipping`, `perceptron`: SGD and its adaptive relatives, limits of gradients, the first rule
- `network`: graphs and their training
"""

from .activations import (
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    tanh,
    tanh_backward,
)
from .clipping import clip_grad_norm_, clip_grad_value_
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
from .optimizers import (
    adadelta_update,
    adagrad_update,
    adam_update,
    adamw_update,
    nadam_update,
    rmsprop_update,
    sgd_update,
)
from .perceptron import perceptron_update
from .pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from .probabilities import log_softmax, log_softmax_backward, softmax, softmax_backward
from .randomness import dropout, dropout_backward, dropout_mask, philox4x32

__all__ = [
    "Graph",
    "Model",
    "Totals",
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "adamw_update",
    "avg_pool2d",
    "avg_pool2d_backward",
    "clip_grad_norm_",
    "clip_grad_value_",
    "conv2d",
    "conv2d_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "dropout",
    "dropout_backward",
    "dropout_mask",
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
    "mse_loss",
    "mse_loss_backward",
    "nadam_update",
    "nll_loss",
    "nll_loss_backward",
    "perceptron_update",
    "philox4x32",
    "relu",
    "relu_backward",
    "rmsprop_update",
    "sgd_update",
    "sigmoid",
    "sigmoid_backward",
    "softmax",
    "softmax_backward",
    "tanh",
    "tanh_backward",
]
