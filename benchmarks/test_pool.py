"""Max and average pooling on NCHW arrays."""

import numpy as np
import pytest
from peers import jax_call, jax_pool2d, onnx_node

import nnfast as nf
from nnfast import reference as ref

SHAPES = [(64, 32, 28, 2, 2, 0), (64, 20, 24, 2, 2, 0), (32, 64, 32, 3, 2, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_forward(bench, choose, threads, kind, shape):
    n, c, h, kernel, stride, padding = shape
    x = np.random.default_rng(0).standard_normal((n, c, h, h)).astype("f4")
    name = f"{kind}_pool2d"

    def torch():
        import torch

        f, tx = getattr(torch.nn.functional, name), torch.from_numpy(x)
        return lambda: f(tx, kernel, stride, padding)

    def onnxruntime():
        window = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [padding] * 4}
        if kind == "max":
            return onnx_node(threads, "MaxPool", x, **window)
        return onnx_node(threads, "AveragePool", x, count_include_pad=1, **window)

    f = choose(
        {
            "nnfast": lambda: lambda: getattr(nf, name)(x, kernel, stride, padding),
            "reference": lambda: lambda: getattr(ref, name)(x, kernel, stride, padding),
            "torch": torch,
            "onnxruntime": onnxruntime,
            "jax": lambda: jax_call(lambda x: jax_pool2d(kind, x, kernel, stride, padding), x),
        }
    )
    out = nf.max_pool2d(x, kernel, stride, padding)
    bench(f"{name} {shape}", f, moved=x.nbytes + out.nbytes)
