"""Plain NumPy twins of nnfast's functions and networks: same names, same signatures, written to be read.

Nothing here is fast and nothing here depends on compiled code; every file is one subject, to be read beside a
textbook:

- `dense`: matrix products and the linear layer
- `activations`: sigmoid, tanh, ReLU, leaky ReLU
- `probabilities`: softmax and log-softmax
- `normalization`: batch, group and layer normalisation
- `embeddings`: rows of a table by their numbers
- `randomness`: Philox and dropout
- `losses`: squared error, cross-entropy, negative log-likelihood
- `windows`, `convolution`, `convolution_transpose`, `pooling`, `pooling_adaptive`, `resizing`: images
- `convolution1d`, `pooling1d`: signals
- `optimizers`: SGD, RMSprop, Adam
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
from .convolution import conv2d, conv2d_backward
from .convolution1d import (
    conv1d,
    conv1d_backward,
)
from .convolution_transpose import (
    conv_transpose2d,
    conv_transpose2d_backward,
)
from .dense import linear, linear_backward, matmul, matmul_backward
from .embeddings import embedding, embedding_backward
from .losses import (
    cross_entropy,
    cross_entropy_backward,
    mse_loss,
    mse_loss_backward,
    nll_loss,
    nll_loss_backward,
)
from .network import Graph, Model, Totals
from .normalization import (
    batch_norm,
    batch_norm_backward,
    group_norm,
    group_norm_backward,
    layer_norm,
    layer_norm_backward,
)
from .optimizers import adam_update, rmsprop_update, sgd_update
from .pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from .pooling1d import (
    avg_pool1d,
    avg_pool1d_backward,
    max_pool1d,
    max_pool1d_backward,
)
from .pooling_adaptive import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    global_avg_pool2d,
    global_avg_pool2d_backward,
    global_max_pool2d,
    global_max_pool2d_backward,
)
from .probabilities import log_softmax, log_softmax_backward, softmax, softmax_backward
from .randomness import dropout, dropout_backward, dropout_mask, philox4x32
from .resizing import (
    pad,
    pad_backward,
    upsample_nearest,
    upsample_nearest_backward,
)

__all__ = [
    "Graph",
    "Model",
    "Totals",
    "adam_update",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "avg_pool1d",
    "avg_pool1d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "conv1d",
    "conv1d_backward",
    "conv2d",
    "conv2d_backward",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "dropout",
    "dropout_backward",
    "dropout_mask",
    "embedding",
    "embedding_backward",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "global_max_pool2d",
    "global_max_pool2d_backward",
    "group_norm",
    "group_norm_backward",
    "layer_norm",
    "layer_norm_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "matmul",
    "matmul_backward",
    "max_pool1d",
    "max_pool1d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "mse_loss",
    "mse_loss_backward",
    "nll_loss",
    "nll_loss_backward",
    "pad",
    "pad_backward",
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
    "upsample_nearest",
    "upsample_nearest_backward",
]
