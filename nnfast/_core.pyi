"""The compiled module: checked entry points over the C interface. Private; use the names of `nnfast` itself.

Inputs are float32 or float64 arrays, one dtype a call, of any strides; float16 is converted to float32, other
numbers, sequences, integers and booleans to float64. `out` must have the exact shape and dtype, be
C-contiguous and writable. ValueError / TypeError name the argument.
"""

from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Arrays = Array | Sequence[Array]

__version__: str
MAX_THREADS: int

# ---- configuration
def isa() -> str: ...
def set_isa(name: str) -> None: ...
def isa_supported(name: str) -> bool: ...
def cpu_name() -> str: ...
def cpu_features() -> str: ...
def cache_size(level: int) -> int: ...
def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
def set_local_num_threads(n: int) -> int: ...
def library_path() -> str: ...
def allocation_count() -> int: ...
def fma_rounds(dtype: str, rounds: int) -> int:
    """Runs FMAs in registers on this thread; returns how many floating-point operations that was."""

# ---- dense algebra
def matmul(a: ArrayLike, b: ArrayLike, out: Array | None = None) -> Array: ...
def matmul_backward(grad_output: ArrayLike, a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]: ...
def linear(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    activation: str | None = None,
    out: Array | None = None,
) -> Array: ...
def linear_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | EllipsisType | None = ...,
    activation: str | None = None,
    output: ArrayLike | None = None,
) -> tuple[Array, Array, Array]: ...

# ---- sparse samples: x has data, indices, indptr and shape of a matrix in compressed rows
def sparse_linear(
    x: Any,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    activation: str | None = None,
    out: Array | None = None,
) -> Array: ...
def sparse_linear_backward(
    grad_output: ArrayLike,
    x: Any,
    weight: ArrayLike,
    bias: ArrayLike | EllipsisType | None = ...,
    activation: str | None = None,
    output: ArrayLike | None = None,
    sparse_grad: bool = False,
) -> tuple[Array, Any, Array]: ...

# ---- elementwise, softmax, dropout
def sigmoid(x: ArrayLike, out: Array | None = None) -> Array: ...
def sigmoid_backward(
    grad_output: ArrayLike, x: ArrayLike, output: ArrayLike | None = None, out: Array | None = None
) -> Array: ...
def tanh(x: ArrayLike, out: Array | None = None) -> Array: ...
def tanh_backward(
    grad_output: ArrayLike, x: ArrayLike, output: ArrayLike | None = None, out: Array | None = None
) -> Array: ...
def relu(x: ArrayLike, out: Array | None = None) -> Array: ...
def relu_backward(grad_output: ArrayLike, x: ArrayLike, out: Array | None = None) -> Array: ...
def leaky_relu(x: ArrayLike, negative_slope: float = 0.01, out: Array | None = None) -> Array: ...
def leaky_relu_backward(
    grad_output: ArrayLike, x: ArrayLike, negative_slope: float = 0.01, out: Array | None = None
) -> Array: ...
def elu(x: ArrayLike, alpha: float = 1.0, out: Array | None = None) -> Array: ...
def elu_backward(
    grad_output: ArrayLike, x: ArrayLike, alpha: float = 1.0, out: Array | None = None
) -> Array: ...
def gelu(x: ArrayLike, approximate: str = "none", out: Array | None = None) -> Array: ...
def gelu_backward(
    grad_output: ArrayLike, x: ArrayLike, approximate: str = "none", out: Array | None = None
) -> Array: ...
def hard_sigmoid(x: ArrayLike, out: Array | None = None) -> Array: ...
def hard_sigmoid_backward(grad_output: ArrayLike, x: ArrayLike, out: Array | None = None) -> Array: ...
def mish(x: ArrayLike, out: Array | None = None) -> Array: ...
def mish_backward(grad_output: ArrayLike, x: ArrayLike, out: Array | None = None) -> Array: ...
def prelu(x: ArrayLike, weight: ArrayLike, out: Array | None = None) -> Array: ...
def prelu_backward(grad_output: ArrayLike, x: ArrayLike, weight: ArrayLike) -> tuple[Array, Array]: ...
def relu6(x: ArrayLike, out: Array | None = None) -> Array: ...
def relu6_backward(grad_output: ArrayLike, x: ArrayLike, out: Array | None = None) -> Array: ...
def selu(x: ArrayLike, out: Array | None = None) -> Array: ...
def selu_backward(grad_output: ArrayLike, x: ArrayLike, out: Array | None = None) -> Array: ...
def silu(x: ArrayLike, out: Array | None = None) -> Array: ...
def silu_backward(grad_output: ArrayLike, x: ArrayLike, out: Array | None = None) -> Array: ...
def softplus(x: ArrayLike, beta: float = 1.0, threshold: float = 20.0, out: Array | None = None) -> Array: ...
def softplus_backward(
    grad_output: ArrayLike, x: ArrayLike, beta: float = 1.0, threshold: float = 20.0, out: Array | None = None
) -> Array: ...
def softsign(x: ArrayLike, out: Array | None = None) -> Array: ...
def softsign_backward(grad_output: ArrayLike, x: ArrayLike, out: Array | None = None) -> Array: ...
def step(x: ArrayLike, out: Array | None = None) -> Array: ...
def step_backward(grad_output: ArrayLike, x: ArrayLike, out: Array | None = None) -> Array: ...
def softmax(x: ArrayLike, axis: int = -1, out: Array | None = None) -> Array: ...
def softmax_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    axis: int = -1,
    output: ArrayLike | None = None,
    out: Array | None = None,
) -> Array: ...
def log_softmax(x: ArrayLike, axis: int = -1, out: Array | None = None) -> Array: ...
def log_softmax_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    axis: int = -1,
    output: ArrayLike | None = None,
    out: Array | None = None,
) -> Array: ...
def dropout(
    x: ArrayLike, p: float, training: bool, seed: int, step: int, layer: int, out: Array | None = None
) -> Array: ...
def dropout_backward(
    grad_output: ArrayLike,
    p: float,
    training: bool,
    seed: int,
    step: int,
    layer: int,
    out: Array | None = None,
) -> Array: ...

# ---- normalisation, embedding
def batch_norm(
    x: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    out: Array | None = None,
) -> Array:
    """While training, the running arrays are exactly float32 or float64, writable and changed in place."""

def batch_norm_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None = None,
    training: bool = False,
    eps: float = 1e-5,
) -> tuple[Array, Array, Array]: ...
def group_norm(
    x: ArrayLike,
    num_groups: int,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
    out: Array | None = None,
) -> Array: ...
def group_norm_backward(
    grad_output: ArrayLike, x: ArrayLike, num_groups: int, weight: ArrayLike | None = None, eps: float = 1e-5
) -> tuple[Array, Array, Array]: ...
def layer_norm(
    x: ArrayLike,
    normalized_shape: Sequence[int],
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
    out: Array | None = None,
) -> Array: ...
def layer_norm_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    normalized_shape: Sequence[int],
    weight: ArrayLike | None = None,
    eps: float = 1e-5,
) -> tuple[Array, Array, Array]: ...
def embedding(
    indices: ArrayLike, weight: ArrayLike, padding_idx: int | None = None, out: Array | None = None
) -> Array: ...
def embedding_backward(
    grad_output: ArrayLike, indices: ArrayLike, weight: ArrayLike, padding_idx: int | None = None
) -> Array: ...

# ---- losses: reduction "none" gives an array, "mean" and "sum" a NumPy scalar of the inputs' dtype
def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def mse_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def quadratic_cost(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def quadratic_cost_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def l1_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def smooth_l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    beta: float = 1.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def smooth_l1_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    beta: float = 1.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    delta: float = 1.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def huber_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    delta: float = 1.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def hinge_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def perceptron_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def perceptron_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def binary_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def binary_cross_entropy_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def binary_cross_entropy_with_logits_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    log_target: bool = False,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def kl_div_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    log_target: bool = False,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def poisson_nll_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def cross_entropy_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...
def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Any: ...
def nll_loss_backward(
    grad_output: ArrayLike,
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    sample_weight: ArrayLike | None = None,
) -> Array: ...

# ---- convolution and pooling; pairs are (height, width), conv padding (top, bottom, left, right)
def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    out: Array | None = None,
) -> Array: ...
def conv2d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> tuple[Array, Array, Array]: ...
def max_pool2d(
    x: ArrayLike,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
    return_indices: bool = False,
    out: Array | None = None,
) -> Any: ...
def max_pool2d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
    indices: ArrayLike | None = None,
) -> Array: ...
def avg_pool2d(
    x: ArrayLike,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    out: Array | None = None,
) -> Array: ...
def avg_pool2d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
) -> Array: ...
def conv1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    out: Array | None = None,
) -> Array: ...
def conv1d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> tuple[Array, Array, Array]: ...
def max_pool1d(
    x: ArrayLike,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
    return_indices: bool = False,
    out: Array | None = None,
) -> Any: ...
def max_pool1d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
    indices: ArrayLike | None = None,
) -> Array: ...
def avg_pool1d(
    x: ArrayLike,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    out: Array | None = None,
) -> Array: ...
def avg_pool1d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
) -> Array: ...
def conv_transpose2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    groups: int,
    dilation: Sequence[int],
    out: Array | None = None,
) -> Array: ...
def conv_transpose2d_backward(
    grad_output: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    groups: int,
    dilation: Sequence[int],
) -> tuple[Array, Array, Array]: ...
def adaptive_avg_pool2d(x: ArrayLike, output_size: Sequence[int], out: Array | None = None) -> Array: ...
def adaptive_avg_pool2d_backward(
    grad_output: ArrayLike, x: ArrayLike, output_size: Sequence[int]
) -> Array: ...
def global_avg_pool1d(x: ArrayLike, keepdims: bool, out: Array | None = None) -> Array: ...
def global_avg_pool1d_backward(grad_output: ArrayLike, x: ArrayLike, keepdims: bool) -> Array: ...
def global_max_pool1d(x: ArrayLike, keepdims: bool, out: Array | None = None) -> Array: ...
def global_max_pool1d_backward(grad_output: ArrayLike, x: ArrayLike, keepdims: bool) -> Array: ...
def global_avg_pool2d(x: ArrayLike, keepdims: bool, out: Array | None = None) -> Array: ...
def global_avg_pool2d_backward(grad_output: ArrayLike, x: ArrayLike, keepdims: bool) -> Array: ...
def global_max_pool2d(x: ArrayLike, keepdims: bool, out: Array | None = None) -> Array: ...
def global_max_pool2d_backward(grad_output: ArrayLike, x: ArrayLike, keepdims: bool) -> Array: ...
def upsample_nearest(
    x: ArrayLike, size: Sequence[int], scale_h: float, scale_w: float, out: Array | None = None
) -> Array: ...
def upsample_nearest_backward(
    grad_output: ArrayLike, x: ArrayLike, size: Sequence[int], scale_h: float, scale_w: float
) -> Array: ...
def reshape(x: ArrayLike, shape: Sequence[int], out: Array | None = None) -> Array: ...
def reshape_backward(grad_output: ArrayLike, x: ArrayLike, shape: Sequence[int]) -> Array: ...
def flatten(x: ArrayLike, start_dim: int, end_dim: int, out: Array | None = None) -> Array: ...
def flatten_backward(grad_output: ArrayLike, x: ArrayLike, start_dim: int, end_dim: int) -> Array: ...
def pad(x: ArrayLike, pad: Sequence[int], mode: str, value: float, out: Array | None = None) -> Array: ...
def pad_backward(
    grad_output: ArrayLike, x: ArrayLike, pad: Sequence[int], mode: str, value: float
) -> Array: ...

# ---- optimizer updates, in place: an array each, or lists of them, checked whole first; param and states
# are exactly float32 or float64, writable, C-contiguous, and share no memory
def sgd_update(
    param: Arrays,
    grad: Arrays,
    momentum_buffer: Arrays | None,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    first_step: bool,
) -> None: ...
def rmsprop_update(
    param: Arrays,
    grad: Arrays,
    square_avg: Arrays,
    grad_avg: Arrays | None,
    momentum_buffer: Arrays | None,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
) -> None: ...
def adagrad_update(
    param: Arrays,
    grad: Arrays,
    sum: Arrays,
    step: int,
    lr: float,
    lr_decay: float,
    weight_decay: float,
    eps: float,
) -> None: ...
def adadelta_update(
    param: Arrays,
    grad: Arrays,
    square_avg: Arrays,
    acc_delta: Arrays,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float,
) -> None: ...
def adam_update(
    param: Arrays,
    grad: Arrays,
    m: Arrays,
    v: Arrays,
    max_v: Arrays | None,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    amsgrad: bool,
) -> None: ...
def adamw_update(
    param: Arrays,
    grad: Arrays,
    m: Arrays,
    v: Arrays,
    max_v: Arrays | None,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    amsgrad: bool,
) -> None: ...
def nadam_update(
    param: Arrays,
    grad: Arrays,
    m: Arrays,
    v: Arrays,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    momentum_decay: float,
    decoupled_weight_decay: bool,
) -> None: ...
def perceptron_update(weight: Array, bias: Array, x: ArrayLike, target: ArrayLike, lr: float) -> int: ...
def clip_grad_value_(grads: Arrays, clip_value: float) -> None: ...
def clip_grad_norm_(grads: Arrays, max_norm: float, norm_type: float, error_if_nonfinite: bool) -> float: ...

# ---- networks
class Graph:
    """A network under construction; nodes are numbered in the order they are added."""

    def __init__(self) -> None: ...
    def input(self, shape: Sequence[int]) -> int: ...
    def node(self, op: str, inputs: Sequence[int], **attrs: float | Sequence[float]) -> int: ...
    def shape(self, node: int) -> tuple[int, ...]: ...
    def output(self, node: int) -> None: ...
    def outputs(self, nodes: Sequence[int]) -> None: ...

def finite_samples(x: Any, features: int) -> bool:
    """Whether x is a dense float32 or float64 array (n, features), n > 0, without NaN and infinity."""

class Totals:
    """Sums over the samples so far: the mean loss is loss / loss_weight, a metric its sum / weight."""

    def __init__(self) -> None: ...
    loss: float
    loss_weight: float
    correct: float
    abs_error: float
    squared_error: float
    weight: float
    samples: int
    outputs: int
    steps: int
    objective: float

class Model:
    """A compiled network: parameters, optimizer state, plans. x and y are any numeric arrays (n, ...).

    For a network with several inputs x is a list of arrays, for several outputs so are results. One thread at
    a time: RuntimeError otherwise.
    """

    def __init__(self, graph: Graph, dtype: str) -> None: ...
    def params(self) -> list[tuple[int, str, Array]]:
        """(node, name, view) of every trained array: PyTorch's shape, writable, any strides."""
    def buffers(self) -> list[tuple[int, str, Array]]:
        """(node, name, view) of every array that is not trained, such as running statistics."""
    def gradients(self) -> list[Array]: ...
    def states(self, which: int) -> list[Array]:
        """Views of optimizer state 0, 1 or 2 in the order and shapes of params(); [] when there is none."""
    def set_loss(
        self,
        loss: str,
        reduction: str = "mean",
        *,
        weight: ArrayLike | None = None,
        pos_weight: ArrayLike | None = None,
        beta: float = 1.0,
        delta: float = 1.0,
        eps: float = 1e-8,
        log_input: bool = True,
        log_target: bool = False,
        full: bool = False,
        label_smoothing: float = 0.0,
        ignore_index: int = -100,
        output: int = 0,
        share: float = 1.0,
    ) -> None: ...
    def set_optimizer(
        self,
        kind: str,
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        alpha: float = 0.99,
        centered: bool = False,
        beta1: float = 0.9,
        beta2: float = 0.999,
        amsgrad: bool = False,
        decoupled: bool = False,
        momentum_decay: float = 4e-3,
        rho: float = 0.9,
        lr_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-8,
        clip_value: float = 0.0,
        clip_norm: float = 0.0,
        eps_hat: bool = False,
    ) -> None: ...
    def reset_optimizer(self) -> None: ...
    def set_learning_rates(self, first: int, lr: Sequence[float]) -> None:
        """Learning rates of the steps from `first` on, which stand for the optimizer's own."""
    def set_regularizer(
        self, index: int, *, l1: float = 0.0, l2: float = 0.0, max_norm: float = 0.0
    ) -> None: ...
    def set_trainable(self, node: int, trainable: bool) -> None: ...
    def set_lr_scale(self, node: int, scale: float) -> None: ...
    def updates(self, node: int) -> int: ...
    def set_updates(self, node: int, count: int) -> None: ...
    def set_penalty_in_mean(self, on: bool) -> None:
        """Whether a step's penalties are divided by what its batch weighs, as its losses are."""
    def set_seed(self, seed: int) -> None: ...
    step_count: int
    optimizer_step_count: int
    def train(
        self,
        x: Any,
        y: Any,
        order: NDArray[np.int64] | None,
        batch: int,
        first: int,
        last: int,
        seconds: float,
        totals: Totals | list[Totals],
        sample_weight: Any = None,
    ) -> int:
        """Steps first..last-1 of the epoch over `order`; returns how many were done before time ran out.

        For several outputs y and, if it likes, sample_weight are lists of arrays, and totals a list: one an
        output and, at the end, one for the penalties.
        """
    def evaluate(
        self,
        x: Any,
        y: Any,
        batch: int,
        first: int,
        last: int,
        seconds: float,
        totals: Totals | list[Totals],
        sample_weight: Any = None,
    ) -> int: ...
    def predict(self, x: Any, batch: int = 256, out: Any = None) -> Any: ...
    def train_now(self, x: Any, y: Any, totals: Totals) -> bool:
        """One step of `train` on all of x and y, if they need no conversion; False, nothing done, if not."""
    def predict_now(self, x: Any, batch: int, finite: bool = False) -> Array | None:
        """`predict` of few rows that need no conversion, in the shortest time; None for everything else.

        And, with `finite`, for numbers that are not.
        """
    def forward(self, x: Any, training: bool = False) -> Any: ...
    def backward(self, grad_output: Any, accumulate: bool = False, need_input_grad: bool = False) -> Any:
        """Gradients to the parameters; an entry None in a list for several outputs stands for zeros."""
    num_inputs: int
    num_outputs: int
    def step(self) -> None: ...
    def stays_sparse(self, x: Any) -> bool:
        """Whether the first layer works on these samples as they are; otherwise batches are made dense."""
    def plan(self, batch: int, training: bool) -> tuple[int, int]:
        """(arena bytes, bytes without sharing) for this batch size."""
    def plan_backward(self, batch: int) -> list[int]:
        """The nodes whose gradients a training step computes, last first."""
    def _capsule(self) -> Any:
        """The C handle, for nnfast.cython_api."""
