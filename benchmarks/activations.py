"""What the peers of the activation functions do: NumPy by hand, PyTorch's own, all into an array at hand.

What this is: a table of makers for test_elementwise.py. What it is not: a reference; nothing compares values
here. PyTorch's gradients are reached through `torch.ops.aten`, whose call costs about a microsecond more than
a method's: to be kept in mind at 10 elements.
"""

import numpy as np

import nnfast as nf

NAMES = ("relu", "leaky_relu", "relu6", "hard_sigmoid", "softsign", "sigmoid", "tanh", "silu", "elu", "selu",
         "mish", "softplus", "gelu", "gelu_tanh")  # fmt: skip
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
GELU_TANH = {"approximate": "tanh"}


def ours(name):
    """nnfast's forward and backward function of that name, and their options."""
    function = name.removesuffix("_tanh") if name == "gelu_tanh" else name
    options = GELU_TANH if name == "gelu_tanh" else {}
    return getattr(nf, function), getattr(nf, function + "_backward"), options


def numpy_forward(name, x, out):
    """The shortest good NumPy, without temporaries where it can; None where NumPy has no function for it."""
    z, one = np.empty_like(x), x.dtype.type(1)

    def leaky_relu():
        np.multiply(x, x.dtype.type(0.01), out=z)
        np.maximum(x, z, out=out)

    def hard_sigmoid():
        np.add(x, 3, out=out)
        np.clip(out, 0, 6, out=out)
        np.divide(out, 6, out=out)

    def softsign():
        np.absolute(x, out=z)
        np.add(z, 1, out=z)
        np.divide(x, z, out=out)

    def sigmoid(to=out):
        np.negative(x, out=z)
        np.exp(z, out=z)
        np.add(z, 1, out=z)
        np.divide(one, z, out=to)

    def silu():
        sigmoid(z)
        np.multiply(x, z, out=out)

    def elu(scale=1.0, alpha=1.0):
        np.minimum(x, 0, out=z)
        np.expm1(z, out=z)
        np.multiply(z, x.dtype.type(scale * alpha), out=z)
        np.maximum(x, 0, out=out)
        if scale != 1:
            np.multiply(out, x.dtype.type(scale), out=out)
        np.add(out, z, out=out)

    def softplus():
        np.absolute(x, out=z)
        np.negative(z, out=z)
        np.exp(z, out=z)
        np.log1p(z, out=z)
        np.maximum(x, 0, out=out)
        np.add(out, z, out=out)

    def gelu_tanh():
        np.multiply(x, x, out=z)
        np.multiply(z, x.dtype.type(0.044715 * 0.7978845608028654), out=z)
        np.add(z, x.dtype.type(0.7978845608028654), out=z)
        np.multiply(z, x, out=z)
        np.tanh(z, out=z)
        np.add(z, 1, out=z)
        np.multiply(z, x, out=out)
        np.multiply(out, x.dtype.type(0.5), out=out)

    return {
        "relu": lambda: np.maximum(x, 0, out=out),
        "leaky_relu": leaky_relu,
        "relu6": lambda: np.clip(x, 0, 6, out=out),
        "hard_sigmoid": hard_sigmoid,
        "softsign": softsign,
        "sigmoid": sigmoid,
        "tanh": lambda: np.tanh(x, out=out),
        "silu": silu,
        "elu": elu,
        "selu": lambda: elu(SELU_SCALE, SELU_ALPHA),
        "softplus": softplus,
        "gelu_tanh": gelu_tanh,
    }.get(name)


def torch_forward(name, x, out):
    import torch

    nn = torch._C._nn
    x, out = torch.from_numpy(x), torch.from_numpy(out)
    return {
        "relu": lambda: torch.clamp_min(x, 0, out=out),
        "leaky_relu": lambda: nn.leaky_relu(x, 0.01, out=out),
        "relu6": lambda: nn.hardtanh(x, 0.0, 6.0, out=out),
        "hard_sigmoid": lambda: nn.hardsigmoid(x, out=out),
        "softsign": lambda: torch.nn.functional.softsign(x),
        "sigmoid": lambda: torch.sigmoid(x, out=out),
        "tanh": lambda: torch.tanh(x, out=out),
        "silu": lambda: nn.silu(x, out=out),
        "elu": lambda: nn.elu(x, 1.0, out=out),
        "selu": lambda: nn.elu(x, SELU_ALPHA, SELU_SCALE, out=out),
        "mish": lambda: nn.mish(x, out=out),
        "softplus": lambda: nn.softplus(x, out=out),
        "gelu": lambda: nn.gelu(x, out=out),
        "gelu_tanh": lambda: nn.gelu(x, approximate="tanh", out=out),
    }[name]


def torch_backward(name, g, x, out):
    """Of sigmoid and tanh from their outputs, as PyTorch's autograd does; None for softsign: no kernel."""
    import torch

    aten = torch.ops.aten
    g, x, out = (torch.from_numpy(a) for a in (g, x, out))
    y = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}.get(name, lambda x: x)(x)
    elu = aten.elu_backward.grad_input
    return {
        "relu": lambda: aten.threshold_backward.grad_input(g, x, 0, grad_input=out),
        "leaky_relu": lambda: aten.leaky_relu_backward.grad_input(g, x, 0.01, False, grad_input=out),
        "relu6": lambda: aten.hardtanh_backward.grad_input(g, x, 0, 6, grad_input=out),
        "hard_sigmoid": lambda: aten.hardsigmoid_backward.grad_input(g, x, grad_input=out),
        "sigmoid": lambda: aten.sigmoid_backward.grad_input(g, y, grad_input=out),
        "tanh": lambda: aten.tanh_backward.grad_input(g, y, grad_input=out),
        "silu": lambda: aten.silu_backward.grad_input(g, x, grad_input=out),
        "elu": lambda: elu(g, 1.0, 1.0, 1.0, False, x, grad_input=out),
        "selu": lambda: elu(g, SELU_ALPHA, SELU_SCALE, 1.0, False, x, grad_input=out),
        "mish": lambda: aten.mish_backward(g, x),
        "softplus": lambda: aten.softplus_backward.grad_input(g, x, 1.0, 20.0, grad_input=out),
        "gelu": lambda: aten.gelu_backward.grad_input(g, x, grad_input=out),
        "gelu_tanh": lambda: aten.gelu_backward.grad_input(g, x, approximate="tanh", grad_input=out),
    }.get(name)
