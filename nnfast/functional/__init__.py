"""The public functions: NumPy arrays in, NumPy arrays out, computed by the compiled core.

Every function has a plain NumPy twin of the same name and signature in `nnfast.reference`. What all share:

Inputs
    float32 or float64, one dtype a call (TypeError otherwise). float16 arrays are converted to float32;
    numbers, sequences, integer and boolean arrays to float64; other kinds are refused with a TypeError. Any
    strided view will do; what the kernels cannot read as it lies is copied first.
Results
    New C-contiguous arrays of the inputs' dtype, or `out`, which must have exactly the result's shape and
    dtype, be C-contiguous and writable, and share no memory with the inputs unless its docstring allows in
    place.
Errors
    ValueError or TypeError naming the function and the argument, raised before anything is written.
Threads
    The GIL is released while the core works, and results never depend on the number of threads.

What this is: docstrings, defaults and the normalising of options such as ``padding="same"``. What it is not:
checks of arrays, which the compiled module does, or anything that computes.
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
    clip_grad_norm_,
    clip_grad_value_,
    nadam_update,
    perceptron_update,
    rmsprop_update,
    sgd_update,
)
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
from .randomness import dropout, dropout_backward
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
