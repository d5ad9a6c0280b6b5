"""Activations, softmax, cross-entropy and dropout: in cache and out of it."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

SIZES = [10, 1_000, 16_384, 1 << 22]


def torch_of(x):
    import torch

    return torch, torch.from_numpy(x), torch.empty_like(torch.from_numpy(x))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "tanh"])
def test_activation(bench, choose, name, size):
    x = np.random.default_rng(0).standard_normal(size).astype("f4")
    out = np.empty_like(x)
    numpy = {
        "relu": lambda: np.maximum(x, 0, out=out),
        "leaky_relu": lambda: np.where(x > 0, x, np.float32(0.01) * x),
        "sigmoid": lambda: 1 / (1 + np.exp(-x)),
        "tanh": lambda: np.tanh(x, out=out),
    }[name]

    def torch():
        t, tx, to = torch_of(x)
        return {
            "relu": lambda: t.clamp_min(tx, 0, out=to),
            "leaky_relu": lambda: t._C._nn.leaky_relu(tx, 0.01, out=to),
            "sigmoid": lambda: t.sigmoid(tx, out=to),
            "tanh": lambda: t.tanh(tx, out=to),
        }[name]

    ours, twin = getattr(nf, name), getattr(ref, name)
    f = choose(
        {
            "nnfast": lambda: lambda: ours(x, out=out),
            "reference": lambda: lambda: twin(x, out=out),
            "numpy": lambda: numpy,
            "torch": torch,
        }
    )
    bench(f"{name} {size}", f, moved=2 * x.nbytes)


@pytest.mark.parametrize(("rows", "classes"), [(64, 10), (256, 1000)])
def test_cross_entropy_forward_backward(bench, choose, rows, classes):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((rows, classes)).astype("f4"), rng.integers(0, classes, rows)

    def both(module):
        def run():
            module.cross_entropy(x, y)
            module.cross_entropy_backward(1.0, x, y)

        return run

    def torch():
        import torch

        tx, ty = torch.from_numpy(x).requires_grad_(), torch.from_numpy(y)

        def run():
            tx.grad = None
            torch.nn.functional.cross_entropy(tx, ty).backward()

        return run

    f = choose({"nnfast": lambda: both(nf), "reference": lambda: both(ref), "torch": torch})
    bench(f"cross_entropy fwd+bwd {rows}x{classes}", f, moved=3 * x.nbytes)


@pytest.mark.parametrize(("rows", "classes"), [(64, 10), (256, 1000), (4096, 1000)])
def test_softmax(bench, choose, rows, classes):
    x = np.random.default_rng(0).standard_normal((rows, classes)).astype("f4")
    out = np.empty_like(x)

    def torch():
        t, tx, to = torch_of(x)
        return lambda: t.softmax(tx, 1, out=to)

    f = choose(
        {
            "nnfast": lambda: lambda: nf.softmax(x, out=out),
            "reference": lambda: lambda: ref.softmax(x, out=out),
            "torch": torch,
        }
    )
    bench(f"softmax {rows}x{classes}", f, moved=2 * x.nbytes)


@pytest.mark.parametrize("size", [16_384, 1 << 22])
def test_dropout(bench, choose, size):
    x = np.random.default_rng(0).standard_normal(size).astype("f4")

    def torch():
        t, tx, _ = torch_of(x)
        return lambda: t.nn.functional.dropout(tx, 0.5)

    f = choose(
        {
            "nnfast": lambda: lambda: nf.dropout(x, 0.5, seed=1),
            "reference": lambda: lambda: ref.dropout(x, 0.5, seed=1),
            "torch": torch,
        }
    )
    bench(f"dropout {size}", f, moved=2 * x.nbytes)
