"""Convolution forward and backward: on NCHW arrays, conversions included, and on channels-last ones, which is
how images lie inside a network.

PyTorch runs on both of its layouts, as two contenders; what is asked is the ratio to the faster.
"""

import numpy as np
import pytest
from peers import jax_call, jax_conv2d, onnx_node

import nnfast as nf

# n, c, h, oc, kernel, stride, padding: the shapes of CNNs from LeNet's to ResNet's and VGG's
SHAPES = [
    (64, 1, 28, 6, 5, 1, 2),
    (64, 6, 14, 16, 5, 1, 0),
    (64, 1, 28, 32, 3, 1, 1),
    (64, 32, 14, 64, 3, 1, 1),
    (10, 1, 28, 20, 5, 1, 0),
    (10, 20, 12, 40, 5, 1, 0),
    (32, 3, 32, 6, 5, 1, 0),
    (32, 3, 32, 16, 3, 1, 1),
    (32, 3, 32, 64, 3, 1, 1),
    (128, 16, 32, 16, 3, 1, 1),
    (32, 16, 32, 32, 3, 2, 1),
    (32, 32, 16, 32, 3, 1, 1),
    (32, 64, 32, 64, 3, 1, 1),
    (32, 64, 8, 64, 3, 1, 1),
    (32, 128, 16, 128, 3, 1, 1),
    (1, 3, 224, 64, 7, 2, 3),
    (1, 3, 224, 64, 3, 1, 1),
    (1, 64, 56, 64, 3, 1, 1),
    (1, 64, 56, 128, 3, 2, 1),
    (1, 128, 28, 128, 3, 1, 1),
    (1, 256, 14, 256, 3, 1, 1),
    (1, 512, 7, 512, 3, 1, 1),
    (8, 48, 14, 48, 7, 1, 3),
    (1, 256, 56, 64, 1, 1, 0),
    (16, 64, 14, 256, 1, 1, 0),
    (1, 512, 7, 512, 1, 1, 0),
    (1, 256, 28, 512, 1, 2, 0),
    (1, 32, 112, 16, 1, 1, 0),
    (4, 20, 24, 20, 3, 1, 1),
    (1, 1, 28, 32, 3, 1, 1),
    (128, 32, 7, 64, 3, 2, 1),
    (16, 48, 28, 48, 5, 2, 2),
    (4, 3, 112, 32, 3, 2, 1),
    (2, 128, 56, 128, 3, 1, 1),
]
# n, channels, h, kernel, stride, groups
GROUPED = [(8, 64, 28, 3, 1, 64), (1, 32, 112, 3, 1, 32), (8, 144, 28, 3, 2, 144), (8, 128, 28, 3, 1, 32)]
# n, c, length, oc, kernel
SIGNALS = [(64, 16, 256, 32, 3), (64, 64, 256, 64, 5), (64, 128, 256, 128, 9), (64, 1, 256, 16, 9)]

LAYOUTS = {"torch": "contiguous_format", "torch_channels_last": "channels_last"}


def named(shape):
    return "x".join(map(str, shape))


def arrays(n, c, h, oc, kernel, stride, padding, groups=1):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, c, h, h)).astype("f4")
    w = rng.standard_normal((oc, c // groups, kernel, kernel)).astype("f4")
    b = rng.standard_normal(oc).astype("f4")
    oh = (h + 2 * padding - kernel) // stride + 1
    g = rng.standard_normal((n, oc, oh, oh)).astype("f4")
    return x, w, b, g, 2 * g.size * w[0].size


def torch_tensors(layout, *given):
    """The arrays as tensors, those of four dimensions in the layout."""
    import torch

    form = getattr(torch, LAYOUTS[layout])
    tensors = (torch.from_numpy(a) for a in given)
    return [t.to(memory_format=form) if t.ndim == 4 else t for t in tensors]


def torch_forward(layout, x, w, b, **options):
    import torch

    tx, tw, tb = torch_tensors(layout, x, w, b)
    f = torch.nn.functional.conv2d if x.ndim == 4 else torch.nn.functional.conv1d
    return lambda: f(tx, tw, tb, **options)


def torch_backward(layout, g, x, w, stride, padding, groups=1):
    import torch

    tg, tx, tw = torch_tensors(layout, g, x, w)
    dims = x.ndim - 2
    options = [[w.shape[0]], [stride] * dims, [padding] * dims, [1] * dims, False, [0] * dims, groups]
    return lambda: torch.ops.aten.convolution_backward(tg, tx, tw, *options, [True, True, True])


def each_layout(make, layouts=LAYOUTS):
    """{layout: a maker of make(layout)}: torch's contenders."""
    return {layout: lambda layout=layout: make(layout) for layout in layouts}


@pytest.mark.parametrize("shape", SHAPES, ids=named)
def test_forward(versus, threads, shape):
    *_, stride, padding = shape
    x, w, b, _, flops = arrays(*shape)
    onnx = {"strides": [stride] * 2, "pads": [padding] * 4, "kernel_shape": w.shape[2:]}
    makers = {
        "nnfast": lambda: lambda: nf.conv2d(x, w, b, stride, padding),
        **each_layout(lambda layout: torch_forward(layout, x, w, b, stride=stride, padding=padding)),
        "onnxruntime": lambda: onnx_node(threads, "Conv", x, (w, b), **onnx),
        "jax": lambda: jax_call(lambda x, w, b: jax_conv2d(x, w, b, stride, padding), x, w, b),
    }
    versus(f"conv2d {named(shape)}", makers, flops=flops)


@pytest.mark.parametrize("shape", SHAPES, ids=named)
def test_backward(versus, shape):
    *_, stride, padding = shape
    x, w, b, g, flops = arrays(*shape)

    def jax():
        import jax

        def gradients(x, w, b, g):
            _, pull = jax.vjp(lambda x, w, b: jax_conv2d(x, w, b, stride, padding), x, w, b)
            return pull(g)

        return jax_call(gradients, x, w, b, g)

    makers = {
        "nnfast": lambda: lambda: nf.conv2d_backward(g, x, w, stride, padding),
        **each_layout(lambda layout: torch_backward(layout, g, x, w, stride, padding)),
        "jax": jax,
    }
    versus(f"conv2d backward {named(shape)}", makers, flops=2 * flops)


def channels_last(*images):
    """The same images, (n, h, w, c) in memory."""
    return (np.ascontiguousarray(i.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) for i in images)


def as_in_networks(weight):
    """The same weight, (kh, kw, in, out) in memory."""
    return np.ascontiguousarray(weight.transpose(2, 3, 1, 0)).transpose(3, 2, 0, 1)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("shape", SHAPES, ids=named)
def test_inside(versus, shape, backward):
    """Images and weights as they lie inside a network, of either library."""
    *_, stride, padding = shape
    x, w, b, g, flops = arrays(*shape)
    (own_x, own_g), own_w = channels_last(x, g), as_in_networks(w)
    if backward:
        makers = {
            "nnfast": lambda: lambda: nf.conv2d_backward(own_g, own_x, own_w, stride, padding),
            **each_layout(lambda layout: torch_backward(layout, g, x, w, stride, padding)),
        }
    else:
        makers = {
            "nnfast": lambda: lambda: nf.conv2d(own_x, own_w, b, stride, padding),
            **each_layout(lambda layout: torch_forward(layout, x, w, b, stride=stride, padding=padding)),
        }
    versus(f"inside {'backward ' if backward else ''}{named(shape)}", makers, flops=flops * (1 + backward))


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("shape", GROUPED, ids=named)
def test_grouped(versus, shape, backward):
    n, c, h, kernel, stride, groups = shape
    padding = kernel // 2
    x, w, b, g, flops = arrays(n, c, h, c, kernel, stride, padding, groups)
    options = {"stride": stride, "padding": padding, "groups": groups}
    if backward:
        makers = {
            "nnfast": lambda: lambda: nf.conv2d_backward(g, x, w, **options),
            **each_layout(lambda layout: torch_backward(layout, g, x, w, **options)),
        }
    else:
        makers = {
            "nnfast": lambda: lambda: nf.conv2d(x, w, b, **options),
            **each_layout(lambda layout: torch_forward(layout, x, w, b, **options)),
        }
    title = f"conv2d {'backward ' if backward else ''}{named(shape[:-1])} groups {groups}"
    versus(title, makers, flops=flops * (1 + backward))


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("shape", SIGNALS, ids=named)
def test_conv1d(versus, shape, backward):
    n, c, length, oc, kernel = shape
    rng, padding = np.random.default_rng(0), kernel // 2
    x = rng.standard_normal((n, c, length)).astype("f4")
    w = rng.standard_normal((oc, c, kernel)).astype("f4")
    b = rng.standard_normal(oc).astype("f4")
    g = rng.standard_normal((n, oc, length)).astype("f4")
    if backward:
        makers = {
            "nnfast": lambda: lambda: nf.conv1d_backward(g, x, w, padding=padding),
            "torch": lambda: torch_backward("torch", g, x, w, 1, padding),
        }
    else:
        makers = {
            "nnfast": lambda: lambda: nf.conv1d(x, w, b, padding=padding),
            "torch": lambda: torch_forward("torch", x, w, b, padding=padding),
        }
    flops = 2 * g.size * w[0].size * (1 + backward)
    versus(f"conv1d {'backward ' if backward else ''}{named(shape)}", makers, flops=flops)
