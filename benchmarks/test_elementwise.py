"""Activations, softmax, cross-entropy, normalisation, dropout, forward and backward: in cache and out of it.

The sizes of the activations: 10 elements are the call, 1 K and 16 K the first- and second-level cache, 256 K
the cache behind, 16 M the memory. The backward functions take the forward's input, and those of sigmoid,
tanh and softmax its output, as PyTorch's do: it spares them the exponential.
"""

import activations
import numpy as np
import pytest

import nnfast as nf

SIZES = [10, 1_000, 16_384, 1 << 18, 1 << 24]
ROWS = [(64, 10), (256, 1000), (4096, 1000)]
BUDGET = 0.1  # seconds a contender: there are many rows


def normal(*shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).standard_normal(shape, dtype=dtype)


def of_torch(make):
    """make(torch), called once PyTorch is known to be installed."""

    def maker():
        import torch

        return make(torch)

    return maker


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", activations.NAMES)
def test_forward(versus, name, size, dtype):
    x = normal(size, dtype=dtype)
    out = np.empty_like(x)
    function, _, options = activations.ours(name)
    makers = {
        "nnfast": lambda: lambda: function(x, out=out, **options),
        "numpy": lambda: activations.numpy_forward(name, x, out),
        "torch": lambda: activations.torch_forward(name, x, out),
    }
    title = f"{name} {size} {dtype}"
    versus(title, makers, moved=2 * x.nbytes, elements=size, dtype=dtype, budget=BUDGET)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", activations.NAMES)
def test_backward(versus, name, size, dtype):
    x, g = normal(size, dtype=dtype), normal(size, seed=1, dtype=dtype)
    out = np.empty_like(x)
    forward, function, options = activations.ours(name)
    if name in ("sigmoid", "tanh"):
        options = {**options, "output": forward(x)}
    makers = {
        "nnfast": lambda: lambda: function(g, x, out=out, **options),
        "torch": lambda: activations.torch_backward(name, g, x, out),
    }
    title = f"{name} backward {size} {dtype}"
    versus(title, makers, moved=3 * x.nbytes, elements=size, dtype=dtype, budget=BUDGET)


def numpy_softmax(x, out, log):
    largest, total = np.empty((len(x), 1), x.dtype), np.empty((len(x), 1), x.dtype)
    e = np.empty_like(x)

    def run():
        np.max(x, axis=1, keepdims=True, out=largest)
        np.subtract(x, largest, out=out)
        np.exp(out, out=e if log else out)
        np.sum(e if log else out, axis=1, keepdims=True, out=total)
        if log:
            np.subtract(out, np.log(total, out=total), out=out)
        else:
            np.divide(out, total, out=out)

    return run


@pytest.mark.parametrize(("rows", "classes"), ROWS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(versus, name, rows, classes):
    x = normal(rows, classes)
    out, function = np.empty_like(x), getattr(nf, name)

    def torch(torch):
        tx, to = torch.from_numpy(x), torch.from_numpy(out)
        run = getattr(torch, name)
        return lambda: run(tx, 1, out=to)

    makers = {
        "nnfast": lambda: lambda: function(x, out=out),
        "numpy": lambda: numpy_softmax(x, out, name == "log_softmax"),
        "torch": of_torch(torch),
    }
    versus(f"{name} {rows}x{classes}", makers, moved=2 * x.nbytes, elements=x.size)


@pytest.mark.parametrize(("rows", "classes"), ROWS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_both(versus, name, rows, classes):
    """Forward and backward, with new arrays for both: PyTorch's autograd has no other way."""
    x, g = normal(rows, classes), normal(rows, classes, seed=1)
    forward, backward = getattr(nf, name), getattr(nf, name + "_backward")

    def torch(torch):
        tx, tg = torch.from_numpy(x).requires_grad_(), torch.from_numpy(g)
        run = getattr(torch, name)
        return lambda: torch.autograd.grad(run(tx, 1), tx, tg)

    makers = {"nnfast": lambda: lambda: backward(g, x, output=forward(x)), "torch": of_torch(torch)}
    versus(f"{name} fwd+bwd {rows}x{classes}", makers, moved=5 * x.nbytes, elements=x.size)


@pytest.mark.parametrize(("rows", "classes"), ROWS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_both_out(versus, name, rows, classes):
    """The same into arrays at hand, which PyTorch's operators can, its autograd cannot."""
    x, g = normal(rows, classes), normal(rows, classes, seed=1)
    y, gx = np.empty_like(x), np.empty_like(x)
    forward, backward = getattr(nf, name), getattr(nf, name + "_backward")

    def ours():
        forward(x, out=y)
        backward(g, x, output=y, out=gx)

    def torch(torch):
        tx, tg, ty, tgx = (torch.from_numpy(a) for a in (x, g, y, gx))
        run, back = getattr(torch, name), getattr(torch.ops.aten, f"_{name}_backward_data").out
        into = "grad_input" if name == "softmax" else "out"

        def both():
            run(tx, 1, out=ty)
            back(tg, ty, 1, torch.float32, **{into: tgx})

        return both

    makers = {"nnfast": lambda: ours, "torch": of_torch(torch)}
    versus(f"{name} fwd+bwd, out given {rows}x{classes}", makers, moved=5 * x.nbytes, elements=x.size)


@pytest.mark.parametrize(("rows", "classes"), ROWS)
def test_cross_entropy_both(versus, rows, classes):
    x, y = normal(rows, classes), np.random.default_rng(0).integers(0, classes, rows)

    def ours():
        nf.cross_entropy(x, y)
        nf.cross_entropy_backward(1.0, x, y)

    def torch(torch):
        tx, ty = torch.from_numpy(x).requires_grad_(), torch.from_numpy(y)
        return lambda: torch.autograd.grad(torch.nn.functional.cross_entropy(tx, ty), tx)

    makers = {"nnfast": lambda: ours, "torch": of_torch(torch)}
    versus(f"cross_entropy fwd+bwd {rows}x{classes}", makers, moved=3 * x.nbytes, elements=x.size)


@pytest.mark.parametrize(("rows", "n"), [(64, 128), (256, 768), (4096, 1024)])
def test_layer_norm_both(versus, rows, n):
    x, g, w, b = normal(rows, n), normal(rows, n, seed=1), normal(n, seed=2), normal(n, seed=3)

    def ours():
        nf.layer_norm(x, n, w, b)
        nf.layer_norm_backward(g, x, n, w)

    def torch(torch):
        tx, tw, tb = (torch.from_numpy(a).requires_grad_() for a in (x, w, b))
        tg, norm = torch.from_numpy(g), torch.nn.functional.layer_norm
        return lambda: torch.autograd.grad(norm(tx, (n,), tw, tb), (tx, tw, tb), tg)

    makers = {"nnfast": lambda: ours, "torch": of_torch(torch)}
    versus(f"layer_norm fwd+bwd {rows}x{n}", makers, moved=5 * x.nbytes, elements=x.size)


@pytest.mark.parametrize("shape", [(64, 128), (4096, 256), (32, 16, 28, 28), (32, 64, 56, 56)])
def test_batch_norm_both(versus, shape):
    x, g, channels = normal(*shape), normal(*shape, seed=1), shape[1]
    w, b = normal(channels, seed=2), normal(channels, seed=3)
    mean, variance = np.zeros(channels, "f4"), np.ones(channels, "f4")

    def ours():
        nf.batch_norm(x, mean, variance, w, b, training=True)
        nf.batch_norm_backward(g, x, mean, variance, w, training=True)

    def torch(torch):
        tx, tw, tb = (torch.from_numpy(a).requires_grad_() for a in (x, w, b))
        tm, tv, tg = (torch.from_numpy(a.copy()) for a in (mean, variance, g))
        norm = torch.nn.functional.batch_norm
        return lambda: torch.autograd.grad(norm(tx, tm, tv, tw, tb, True), (tx, tw, tb), tg)

    makers = {"nnfast": lambda: ours, "torch": of_torch(torch)}
    title = "batch_norm fwd+bwd " + "x".join(map(str, shape))
    versus(title, makers, moved=5 * x.nbytes, elements=x.size)


@pytest.mark.parametrize("size", [1_000, 16_384, 1 << 18, 1 << 22])
def test_dropout(versus, size):
    """Forward and backward; PyTorch stores the mask, nnfast makes it again."""
    x, g = normal(size), normal(size, seed=1)
    out = np.empty_like(x)

    def ours():
        nf.dropout(x, 0.5, seed=1, out=out)
        nf.dropout_backward(g, 0.5, seed=1, out=out)

    def numpy():
        rng, mask = np.random.default_rng(0), np.empty(size, np.float32)

        def run():
            rng.random(dtype=np.float32, out=mask)
            keep = mask >= 0.5
            np.multiply(x, keep, out=out)
            np.multiply(out, np.float32(2), out=out)
            np.multiply(g, keep, out=out)
            np.multiply(out, np.float32(2), out=out)

        return run

    def torch(torch):
        tx, tg = torch.from_numpy(x).requires_grad_(), torch.from_numpy(g)
        return lambda: torch.autograd.grad(torch.nn.functional.dropout(tx, 0.5), tx, tg)

    makers = {"nnfast": lambda: ours, "numpy": numpy, "torch": of_torch(torch)}
    versus(f"dropout fwd+bwd {size}", makers, moved=4 * x.nbytes, elements=size)
