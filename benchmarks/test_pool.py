"""Max and average pooling, forward and backward, on NCHW arrays; PyTorch also on its channels-last layout."""

import numpy as np
import pytest
from peers import jax_call, jax_pool2d, onnx_node

import nnfast as nf

# n, c, h, kernel, stride, padding
SHAPES = [
    (64, 32, 28, 2, 2, 0),
    (64, 20, 24, 2, 2, 0),
    (64, 6, 28, 2, 2, 0),
    (64, 16, 10, 2, 2, 0),
    (1, 16, 10, 2, 2, 0),
    (32, 64, 32, 3, 2, 1),
    (1, 64, 112, 3, 2, 1),
    (8, 128, 14, 3, 2, 1),
]
LAYOUTS = {"torch": "contiguous_format", "torch_channels_last": "channels_last"}
kinds = pytest.mark.parametrize("kind", ["max", "avg"])
shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))


def images(n, c, h):
    return np.random.default_rng(0).standard_normal((n, c, h, h)).astype("f4")


@shapes
@kinds
def test_forward(versus, threads, kind, shape):
    *size, kernel, stride, padding = shape
    x, name = images(*size), f"{kind}_pool2d"

    def torch(layout):
        import torch

        f = getattr(torch.nn.functional, name)
        tx = torch.from_numpy(x).to(memory_format=getattr(torch, LAYOUTS[layout]))
        return lambda: f(tx, kernel, stride, padding)

    def onnxruntime():
        window = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [padding] * 4}
        if kind == "max":
            return onnx_node(threads, "MaxPool", x, **window)
        return onnx_node(threads, "AveragePool", x, count_include_pad=1, **window)

    makers = {
        "nnfast": lambda: lambda: getattr(nf, name)(x, kernel, stride, padding),
        **{layout: lambda layout=layout: torch(layout) for layout in LAYOUTS},
        "onnxruntime": onnxruntime,
        "jax": lambda: jax_call(lambda x: jax_pool2d(kind, x, kernel, stride, padding), x),
    }
    out = getattr(nf, name)(x, kernel, stride, padding)
    versus(f"{name} {'x'.join(map(str, shape))}", makers, moved=x.nbytes + out.nbytes)


@shapes
@kinds
def test_backward(versus, kind, shape):
    *size, kernel, stride, padding = shape
    x, name = images(*size), f"{kind}_pool2d"
    y = getattr(nf, name)(x, kernel, stride, padding)
    g = np.random.default_rng(1).standard_normal(y.shape).astype("f4")

    def torch(layout):
        import torch

        form = getattr(torch, LAYOUTS[layout])
        tx, tg = (torch.from_numpy(a).to(memory_format=form) for a in (x, g))
        pairs = [kernel] * 2, [stride] * 2, [padding] * 2
        if kind == "avg":
            return lambda: torch.ops.aten.avg_pool2d_backward(tg, tx, *pairs, False, True, None)
        _, places = torch.ops.aten.max_pool2d_with_indices(tx, *pairs)
        return lambda: torch.ops.aten.max_pool2d_with_indices_backward(tg, tx, *pairs, [1, 1], False, places)

    def nnfast():
        if kind == "avg":
            return lambda: nf.avg_pool2d_backward(g, x, kernel, stride, padding)
        return lambda: nf.max_pool2d_backward(g, x, kernel, stride, padding)

    makers = {"nnfast": nnfast, **{layout: lambda layout=layout: torch(layout) for layout in LAYOUTS}}
    moved = g.nbytes + x.nbytes * (2 if kind == "max" else 1)
    versus(f"{name} backward {'x'.join(map(str, shape))}", makers, moved=moved)
