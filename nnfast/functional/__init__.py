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
from .dense import linear, linear_backward, matmul, matmul_backward
from .losses import (
    cross_entropy,
    cross_entropy_backward,
    mse_loss,
    mse_loss_backward,
    nll_loss,
    nll_loss_backward,
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
from .probabilities import log_softmax, log_softmax_backward, softmax, softmax_backward
from .randomness import dropout, dropout_backward

__all__ = [
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
