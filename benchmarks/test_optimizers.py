"""Optimizer updates over one array: the bytes they must move against the copy bandwidth."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

BYTES = {"sgd": 20, "rmsprop": 20, "adam": 28}  # a float32 parameter, SGD with momentum


@pytest.mark.parametrize("size", [10_000, 100_000, 10_000_000])
@pytest.mark.parametrize("name", list(BYTES))
def test_update(bench, choose, name, size):
    rng = np.random.default_rng(0)
    p, g = (rng.standard_normal(size).astype("f4") for _ in range(2))
    m, v = np.zeros(size, "f4"), np.zeros(size, "f4")

    def ours(module):
        return {
            "sgd": lambda: module.sgd_update(p, g, m, lr=1e-3, momentum=0.9),
            "rmsprop": lambda: module.rmsprop_update(p, g, v, lr=1e-3),
            "adam": lambda: module.adam_update(p, g, m, v, step=10, lr=1e-3),
        }[name]

    def torch():
        import torch

        tp = torch.nn.Parameter(torch.from_numpy(p.copy()))
        tp.grad = torch.from_numpy(g)
        opt = {
            "sgd": lambda: torch.optim.SGD([tp], 1e-3, momentum=0.9, fused=True),
            "rmsprop": lambda: torch.optim.RMSprop([tp], 1e-3, foreach=False),
            "adam": lambda: torch.optim.Adam([tp], 1e-3, fused=True),
        }[name]()
        return opt.step

    f = choose({"nnfast": lambda: ours(nf), "reference": lambda: ours(ref), "torch": torch})
    bench(f"{name} {size}", f, moved=BYTES[name] * size)
