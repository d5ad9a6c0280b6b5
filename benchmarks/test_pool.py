"""Max and average pooling, forward and backward: on NCHW arrays, and as the only layer of a network.

PyTorch runs on both of its layouts, as two contenders, by the operators that autograd would call: maxima
with their indices, which its backward reads. nnfast's function finds the maxima again from x (`backward`),
or is given their indices, too (`indices`: forward and backward with them, as PyTorch's pair). `inside` is
forward and backward of images that lie channels-last, as they do inside a network, which keeps the maxima's
places in bytes. What is moved: the arrays that the caller sees, each once, without indices. `into` is the
forward with out=: the other rows' results are new arrays, as PyTorch's are.
"""

import numpy as np
import pytest
from peers import jax_call, jax_pool2d, onnx_node
from test_conv import channels_last

import nnfast as nf

# n, c, h, kernel, stride, padding
SHAPES = [
    (64, 32, 28, 2, 2, 0),
    (64, 20, 24, 2, 2, 0),
    (64, 6, 28, 2, 2, 0),
    (64, 16, 10, 2, 2, 0),
    (1, 16, 10, 2, 2, 0),
    (8, 64, 112, 2, 2, 0),
    (32, 64, 32, 3, 2, 1),
    (1, 64, 112, 3, 2, 1),
    (8, 128, 14, 3, 2, 1),
    (32, 16, 55, 3, 2, 0),
    (8, 64, 28, 3, 1, 1),
]
LAYOUTS = {"torch": "contiguous_format", "torch_channels_last": "channels_last"}
kinds = pytest.mark.parametrize("kind", ["max", "avg"])
shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))


def images(n, c, h):
    return np.random.default_rng(0).standard_normal((n, c, h, h)).astype("f4")


def title(kind, what, shape):
    return f"{kind}_pool2d {what}{'x'.join(map(str, shape))}"


def torch_forward(layout, kind, x, kernel, stride, padding):
    import torch

    tx = torch.from_numpy(x).to(memory_format=getattr(torch, LAYOUTS[layout]))
    window = [kernel] * 2, [stride] * 2, [padding] * 2
    if kind == "max":
        return lambda: torch.ops.aten.max_pool2d_with_indices(tx, *window)
    return lambda: torch.ops.aten.avg_pool2d(tx, *window)


def torch_backward(layout, kind, g, x, kernel, stride, padding):
    import torch

    form = getattr(torch, LAYOUTS[layout])
    tx, tg = (torch.from_numpy(a).to(memory_format=form) for a in (x, g))
    window = [kernel] * 2, [stride] * 2, [padding] * 2
    if kind == "avg":
        return lambda: torch.ops.aten.avg_pool2d_backward(tg, tx, *window, False, True, None)
    _, places = torch.ops.aten.max_pool2d_with_indices(tx, *window)
    return lambda: torch.ops.aten.max_pool2d_with_indices_backward(tg, tx, *window, [1, 1], False, places)


def each_layout(make):
    """{layout: a maker of make(layout)}: torch's contenders."""
    return {layout: lambda layout=layout: make(layout) for layout in LAYOUTS}


def gradient_for(x, kind, window):
    y = getattr(nf, f"{kind}_pool2d")(x, *window)
    return y, np.random.default_rng(1).standard_normal(y.shape).astype("f4")


@shapes
@kinds
def test_forward(versus, threads, kind, shape):
    *size, kernel, stride, padding = shape
    x, pool = images(*size), getattr(nf, f"{kind}_pool2d")

    def onnxruntime():
        window = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [padding] * 4}
        if kind == "max":
            return onnx_node(threads, "MaxPool", x, **window)
        return onnx_node(threads, "AveragePool", x, count_include_pad=1, **window)

    makers = {
        "nnfast": lambda: lambda: pool(x, kernel, stride, padding),
        **each_layout(lambda layout: torch_forward(layout, kind, x, kernel, stride, padding)),
        "onnxruntime": onnxruntime,
        "jax": lambda: jax_call(lambda x: jax_pool2d(kind, x, kernel, stride, padding), x),
    }
    out = pool(x, kernel, stride, padding)
    versus(title(kind, "", shape), makers, moved=x.nbytes + out.nbytes)


@shapes
@kinds
def test_forward_into(versus, kind, shape):
    *size, kernel, stride, padding = shape
    x, pool = images(*size), getattr(nf, f"{kind}_pool2d")
    out = pool(x, kernel, stride, padding)
    makers = {
        "nnfast": lambda: lambda: pool(x, kernel, stride, padding, out=out),
        **each_layout(lambda layout: torch_forward(layout, kind, x, kernel, stride, padding)),
    }
    versus(title(kind, "into ", shape), makers, moved=x.nbytes + out.nbytes)


@shapes
@kinds
def test_backward(versus, kind, shape):
    *size, kernel, stride, padding = shape
    x = images(*size)
    _, g = gradient_for(x, kind, (kernel, stride, padding))
    backward = getattr(nf, f"{kind}_pool2d_backward")
    makers = {
        "nnfast": lambda: lambda: backward(g, x, kernel, stride, padding),
        **each_layout(lambda layout: torch_backward(layout, kind, g, x, kernel, stride, padding)),
    }
    moved = g.nbytes + x.nbytes * (2 if kind == "max" else 1)
    versus(title(kind, "backward ", shape), makers, moved=moved)


def both_ways(kind, x, g, kernel, stride, padding):
    """Forward and backward by nnfast's functions, of the maxima with their indices."""
    window = kernel, stride, padding
    if kind == "avg":
        return lambda: (nf.avg_pool2d(x, *window), nf.avg_pool2d_backward(g, x, *window))

    def step():
        _, indices = nf.max_pool2d(x, *window, return_indices=True)
        return nf.max_pool2d_backward(g, x, *window, indices=indices)

    return step


def torch_both_ways(layout, kind, x, g, window):
    forward = torch_forward(layout, kind, x, *window)
    backward = torch_backward(layout, kind, g, x, *window)
    return lambda: (forward(), backward())


@shapes
def test_indices(versus, shape):
    *size, kernel, stride, padding = shape
    x, window = images(*size), (kernel, stride, padding)
    y, g = gradient_for(x, "max", window)
    makers = {
        "nnfast": lambda: both_ways("max", x, g, *window),
        **each_layout(lambda layout: torch_both_ways(layout, "max", x, g, window)),
    }
    versus(title("max", "indices ", shape), makers, moved=2 * (x.nbytes + y.nbytes))


@shapes
@kinds
def test_inside(versus, kind, shape):
    *size, kernel, stride, padding = shape
    x, window = images(*size), (kernel, stride, padding)
    y, g = gradient_for(x, kind, window)
    own_x, own_g = channels_last(x, g)
    makers = {
        "nnfast": lambda: both_ways(kind, own_x, own_g, *window),
        **each_layout(lambda layout: torch_both_ways(layout, kind, x, g, window)),
    }
    versus(title(kind, "inside ", shape), makers, moved=2 * (x.nbytes + y.nbytes))


@shapes
@kinds
def test_network(versus, kind, shape):
    """Forward and backward of a network of this one layer, conversions to its layout and back included."""
    *size, kernel, stride, padding = shape
    x = images(*size)
    y, g = gradient_for(x, kind, (kernel, stride, padding))

    def nnfast():
        layer = nf.MaxPool2d if kind == "max" else nf.AvgPool2d
        model = nf.Sequential(layer(kernel, stride, padding), input_shape=x.shape[1:])

        def step():
            model.forward(x, training=True)
            return model.backward(g, need_input_grad=True)

        return step

    window = kernel, stride, padding
    makers = {
        "nnfast": nnfast,
        **each_layout(lambda layout: torch_both_ways(layout, kind, x, g, window)),
    }
    versus(title(kind, "network ", shape), makers, moved=2 * (x.nbytes + y.nbytes))
