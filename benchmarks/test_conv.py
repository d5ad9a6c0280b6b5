"""Convolution forward and backward on NCHW arrays, conversions included."""

import numpy as np
import pytest
from peers import jax_call, jax_conv2d, onnx_node

import nnfast as nf
from nnfast import reference as ref

# n, c, h, oc, kernel, stride, padding
SHAPES = [
    (64, 1, 28, 32, 3, 1, 1),
    (64, 32, 14, 64, 3, 1, 1),
    (64, 1, 28, 6, 5, 1, 2),
    (64, 6, 14, 16, 5, 1, 0),
    (32, 3, 32, 64, 3, 1, 1),
    (32, 64, 32, 64, 3, 1, 1),
    (1, 512, 7, 512, 3, 1, 1),
    (1, 3, 224, 64, 7, 2, 3),
    (1, 256, 56, 64, 1, 1, 0),
]


def arrays(n, c, h, oc, kernel, stride, padding):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, c, h, h)).astype("f4")
    w = rng.standard_normal((oc, c, kernel, kernel)).astype("f4")
    b = rng.standard_normal(oc).astype("f4")
    oh = (h + 2 * padding - kernel) // stride + 1
    g = rng.standard_normal((n, oc, oh, oh)).astype("f4")
    return x, w, b, g, 2 * g.size * c * kernel * kernel


def torch_forward(x, w, b, stride, padding, channels_last):
    import torch

    form = torch.channels_last if channels_last else torch.contiguous_format
    tx, tw = (torch.from_numpy(a).to(memory_format=form) for a in (x, w))
    tb = torch.from_numpy(b)
    return lambda: torch.nn.functional.conv2d(tx, tw, tb, stride, padding)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
def test_forward(bench, choose, threads, shape):
    *_, stride, padding = shape
    x, w, b, _, flops = arrays(*shape)
    makers = {
        "nnfast": lambda: lambda: nf.conv2d(x, w, b, stride, padding),
        "torch": lambda: torch_forward(x, w, b, stride, padding, False),
        "onnxruntime": lambda: onnx_node(
            threads, "Conv", x, (w, b), strides=[stride] * 2, pads=[padding] * 4, kernel_shape=w.shape[2:]
        ),
        "jax": lambda: jax_call(lambda x, w, b: jax_conv2d(x, w, b, stride, padding), x, w, b),
    }
    if flops < 2e8:
        makers["reference"] = lambda: lambda: ref.conv2d(x, w, b, stride, padding)
    bench(f"conv2d {shape}", choose(makers), flops=flops)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
def test_backward(bench, choose, shape):
    *_, stride, padding = shape
    x, w, b, g, flops = arrays(*shape)

    def torch():
        import torch

        tx, tw, tg = map(torch.from_numpy, (x, w, g))
        bias_sizes, pair = [w.shape[0]], lambda v: [v, v]
        return lambda: torch.ops.aten.convolution_backward(
            tg, tx, tw, bias_sizes, pair(stride), pair(padding), [1, 1], False, [0, 0], 1, [True, True, True]
        )

    def jax():
        import jax

        def gradients(x, w, b, g):
            _, pull = jax.vjp(lambda x, w, b: jax_conv2d(x, w, b, stride, padding), x, w, b)
            return pull(g)

        return jax_call(gradients, x, w, b, g)

    makers = {
        "nnfast": lambda: lambda: nf.conv2d_backward(g, x, w, stride, padding),
        "torch": torch,
        "jax": jax,
    }
    if flops < 2e8:
        makers["reference"] = lambda: lambda: ref.conv2d_backward(g, x, w, stride, padding)
    bench(f"conv2d backward {shape}", choose(makers), flops=2 * flops)
