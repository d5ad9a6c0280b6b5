"""Matrix products: squares, the shapes small networks consist of, stacks."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

SQUARES = [32, 64, 128, 256, 512, 1024]
# (m, n, k, transposes): a forward product of a layer is nt, a gradient to the input nn, to the weight tn.
NETWORK = [
    (1, 100, 784, "nt"),
    (32, 100, 784, "nt"),
    (200, 100, 784, "nt"),
    (200, 784, 100, "nn"),
    (784, 100, 200, "tn"),
    (200, 10, 100, "nt"),
    (128, 512, 784, "nt"),
    (64, 4, 64, "nn"),
    (4096, 16, 27, "nn"),
    (3136, 64, 576, "nn"),
]


def operands(m, n, k, transposes, dtype):
    rng = np.random.default_rng(0)
    a = rng.standard_normal((m, k) if transposes[0] == "n" else (k, m)).astype(dtype)
    b = rng.standard_normal((k, n) if transposes[1] == "n" else (n, k)).astype(dtype)
    return a if transposes[0] == "n" else a.T, b if transposes[1] == "n" else b.T


def makers(a, b):
    out = np.matmul(a, b)

    def torch():
        import torch

        ta, tb, to = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(out)
        return lambda: torch.matmul(ta, tb, out=to)

    def jax():
        import jax

        ja, jb, f = jax.numpy.asarray(a), jax.numpy.asarray(b), jax.jit(jax.numpy.matmul)
        return lambda: f(ja, jb).block_until_ready()

    return {
        "nnfast": lambda: lambda: nf.matmul(a, b, out=out),
        "numpy": lambda: lambda: np.matmul(a, b, out=out),
        "torch": torch,
        **({"jax": jax} if a.dtype == np.float32 else {}),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SQUARES)
def test_square(bench, choose, size, dtype):
    a, b = operands(size, size, size, "nn", dtype)
    bench(f"matmul {size}^3 {dtype}", choose(makers(a, b)), flops=2 * size**3, dtype=dtype)


@pytest.mark.parametrize(("m", "n", "k", "transposes"), NETWORK)
def test_network_shape(bench, choose, m, n, k, transposes):
    a, b = operands(m, n, k, transposes, "float32")
    bench(f"matmul {m}x{n}x{k} {transposes}", choose(makers(a, b)), flops=2 * m * n * k)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((1024, 8, 8), (1024, 8, 8)),
        ((64, 32, 32), (64, 32, 32)),
        ((64, 32, 32), (32, 32)),
        ((8, 1, 32, 32), (8, 32, 32)),
        ((16, 128, 128), (16, 128, 128)),
    ],
)
def test_stack(bench, choose, a, b, dtype):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(a).astype(dtype), rng.standard_normal(b).astype(dtype)
    bench(
        f"matmul {a} {b} {dtype}",
        choose(makers(x, y)),
        flops=2 * np.matmul(x, y).size * a[-1],
        dtype=dtype,
    )


@pytest.mark.parametrize(("m", "out", "in_"), [(32, 100, 784), (200, 100, 784), (128, 512, 784)])
def test_linear_relu(bench, choose, m, out, in_):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((m, in_)).astype("f4"), rng.standard_normal((out, in_)).astype("f4")
    b = rng.standard_normal(out).astype("f4")

    def torch():
        import torch

        tx, tw, tb = torch.from_numpy(x), torch.from_numpy(w), torch.from_numpy(b)
        return lambda: torch.relu_(torch.nn.functional.linear(tx, tw, tb))

    f = choose(
        {
            "nnfast": lambda: lambda: nf.linear(x, w, b, activation="relu"),
            "reference": lambda: lambda: ref.linear(x, w, b, activation="relu"),
            "numpy": lambda: lambda: np.maximum(x @ w.T + b, 0),
            "torch": torch,
        }
    )
    bench(f"linear+relu {m}x{out}x{in_}", f, flops=2 * m * out * in_)
