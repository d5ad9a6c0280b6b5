"""Plain NumPy twins of nnfast's functions and networks: same names, same signatures, written to be read.

Nothing here is fast and nothing here depends on compiled code; every file is one subject, to be read beside a
textbook:

- `dense`, `sparse`: matrix products and the linear layer; that layer on sparse matrices
- `activations`, `smooth_activations`: sigmoid, tanh, step and the ReLU family; those made of exponentials
- `probabilities`: softmax and log-softmax
- `normalization`: batch, group and layer normalisation
- `embeddings`: rows of a table by their numbers
- `randomness`: Philox and dropout
- `losses`, `losses_binary`, `losses_class`, `losses_distribution`, `reductions`: losses of numbers, of two
  and of many classes, of distributions; what reductions and weights make of them
- `windows`, `convolution`, `convolution_transpose`, `pooling`, `pooling_adaptive`, `resizing`: images
- `convolution1d`, `pooling1d`: signals
- `reshaping`: the same elements under another shape
- `optimizers`, `clipping`, `perceptron`: SGD and its adaptive relatives, limits of gradients, the first rule
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
from .clipping import clip_grad_norm_, clip_grad_value_
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
    huber_loss,
    huber_loss_backward,
    l1_loss,
    l1_loss_backward,
    mse_loss,
    mse_loss_backward,
    quadratic_cost,
    quadratic_cost_backward,
    smooth_l1_loss,
    smooth_l1_loss_backward,
)
from .losses_binary import (
    binary_cross_entropy,
    binary_cross_entropy_backward,
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_backward,
    hinge_loss,
    hinge_loss_backward,
    perceptron_loss,
    perceptron_loss_backward,
)
from .losses_class import (
    cross_entropy,
    cross_entropy_backward,
    nll_loss,
    nll_loss_backward,
)
from .losses_distribution import (
    kl_div,
    kl_div_backward,
    poisson_nll_loss,
    poisson_nll_loss_backward,
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
from .pooling1d import (
    avg_pool1d,
    avg_pool1d_backward,
    global_avg_pool1d,
    global_avg_pool1d_backward,
    global_max_pool1d,
    global_max_pool1d_backward,
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
from .reshaping import flatten, flatten_backward, reshape, reshape_backward
from .resizing import (
    pad,
    pad_backward,
    upsample_nearest,
    upsample_nearest_backward,
)
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
from .sparse import sparse_linear, sparse_linear_backward

__all__ = [
    "Graph",
    "Model",
    "Totals",
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "adamw_update",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "avg_pool1d",
    "avg_pool1d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "binary_cross_entropy",
    "binary_cross_entropy_backward",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "clip_grad_norm_",
    "clip_grad_value_",
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
    "elu",
    "elu_backward",
    "embedding",
    "embedding_backward",
    "flatten",
    "flatten_backward",
    "gelu",
    "gelu_backward",
    "global_avg_pool1d",
    "global_avg_pool1d_backward",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "global_max_pool1d",
    "global_max_pool1d_backward",
    "global_max_pool2d",
    "global_max_pool2d_backward",
    "group_norm",
    "group_norm_backward",
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "hinge_loss",
    "hinge_loss_backward",
    "huber_loss",
    "huber_loss_backward",
    "kl_div",
    "kl_div_backward",
    "l1_loss",
    "l1_loss_backward",
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
    "mish",
    "mish_backward",
    "mse_loss",
    "mse_loss_backward",
    "nadam_update",
    "nll_loss",
    "nll_loss_backward",
    "pad",
    "pad_backward",
    "perceptron_loss",
    "perceptron_loss_backward",
    "perceptron_update",
    "philox4x32",
    "poisson_nll_loss",
    "poisson_nll_loss_backward",
    "prelu",
    "prelu_backward",
    "quadratic_cost",
    "quadratic_cost_backward",
    "relu",
    "relu6",
    "relu6_backward",
    "relu_backward",
    "reshape",
    "reshape_backward",
    "rmsprop_update",
    "selu",
    "selu_backward",
    "sgd_update",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "smooth_l1_loss",
    "smooth_l1_loss_backward",
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_backward",
    "softsign",
    "softsign_backward",
    "sparse_linear",
    "sparse_linear_backward",
    "step",
    "step_backward",
    "tanh",
    "tanh_backward",
    "upsample_nearest",
    "upsample_nearest_backward",
]
