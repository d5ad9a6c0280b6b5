"""Optimizer updates: the bytes they must move against the copy bandwidth; in cache; over many small arrays.

A peer beside PyTorch's fused updates is NumPy by hand, without temporaries. PyTorch's RMSprop has no fused
form for CPUs and runs array by array (foreach=False, the faster of its two).
"""

import numpy as np
import pytest

import nnfast as nf

BYTES = {"sgd": 20, "rmsprop": 20, "adam": 28, "adamw": 28}  # a float32 parameter, SGD with momentum
SIZES = {"10 K": (1, 10_000), "100 K": (1, 100_000), "10 M": (1, 10_000_000), "200 x 1 K": (200, 1_000)}


def ours(name, p, g, m, v):
    return {
        "sgd": lambda: nf.sgd_update(p, g, m, lr=1e-3, momentum=0.9),
        "rmsprop": lambda: nf.rmsprop_update(p, g, v, lr=1e-3),
        "adam": lambda: nf.adam_update(p, g, m, v, step=10, lr=1e-3),
        "adamw": lambda: nf.adamw_update(p, g, m, v, step=10, lr=1e-3),
    }[name]


def by_hand(name, p, g, m, v):
    """The update of one array in NumPy with two arrays of scratch."""
    f, a, b = np.float32, np.empty_like(p), np.empty_like(p)

    def moment():
        np.subtract(g, m, out=a)
        np.multiply(a, f(0.1), out=a)
        np.add(m, a, out=m)

    def square(beta):
        np.multiply(g, g, out=a)
        np.multiply(a, f(1 - beta), out=a)
        np.multiply(v, f(beta), out=v)
        np.add(v, a, out=v)
        np.sqrt(v, out=a)

    def sgd():
        np.multiply(m, f(0.9), out=m)
        np.add(m, g, out=m)
        np.multiply(m, f(1e-3), out=a)
        np.subtract(p, a, out=p)

    def rmsprop():
        square(0.99)
        np.add(a, f(1e-8), out=a)
        np.divide(g, a, out=a)
        np.multiply(a, f(1e-3), out=a)
        np.subtract(p, a, out=p)

    def adam(shrink=1.0):
        if shrink != 1:
            np.multiply(p, f(shrink), out=p)
        moment()
        square(0.999)
        np.multiply(a, f(1 / (1 - 0.999**10) ** 0.5), out=a)
        np.add(a, f(1e-8), out=a)
        np.divide(m, a, out=b)
        np.multiply(b, f(1e-3 / (1 - 0.9**10)), out=b)
        np.subtract(p, b, out=p)

    return {"sgd": sgd, "rmsprop": rmsprop, "adam": adam, "adamw": lambda: adam(1 - 1e-5)}[name]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", list(BYTES))
def test_update(versus, name, size):
    arrays, n = SIZES[size]
    rng = np.random.default_rng(0)

    def fresh():
        return (
            [rng.standard_normal(n, dtype="f4") for _ in range(arrays)],
            [rng.standard_normal(n, dtype="f4") for _ in range(arrays)],
            [np.zeros(n, "f4") for _ in range(arrays)],
            [np.ones(n, "f4") for _ in range(arrays)],
        )

    def nnfast():
        lists = fresh()
        return ours(name, *(lists if arrays > 1 else [part[0] for part in lists]))

    def numpy():
        updates = [by_hand(name, *each) for each in zip(*fresh())]

        def run():
            for update in updates:
                update()

        return run

    def torch():
        import torch

        params, grads, _, _ = fresh()
        tensors = [torch.nn.Parameter(torch.from_numpy(p)) for p in params]
        for t, g in zip(tensors, grads):
            t.grad = torch.from_numpy(g)
        return {
            "sgd": lambda: torch.optim.SGD(tensors, 1e-3, momentum=0.9, fused=True),
            "rmsprop": lambda: torch.optim.RMSprop(tensors, 1e-3, foreach=False),
            "adam": lambda: torch.optim.Adam(tensors, 1e-3, fused=True),
            "adamw": lambda: torch.optim.AdamW(tensors, 1e-3, fused=True),
        }[name]().step

    makers = {"nnfast": nnfast, "numpy": numpy, "torch": torch}
    versus(f"{name} {size}", makers, moved=BYTES[name] * n * arrays, elements=n * arrays)
