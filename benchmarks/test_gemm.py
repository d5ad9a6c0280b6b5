"""Matrix products: squares, and the shapes networks consist of, in all three orders of operands."""

import os
import statistics
import time

import numpy as np
import peers
import pytest
from versus import ROUND, interleave, timed

import nnfast as nf

SQUARES = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048]
# (m, n, k): samples, outputs and inputs of layers, convolutions as products, and odd sizes between.
NETWORK = [
    (1, 100, 784),
    (1, 1024, 1024),
    (8, 512, 512),
    (32, 100, 784),
    (64, 128, 784),
    (200, 100, 784),
    (200, 10, 100),
    (784, 100, 200),
    (128, 512, 784),
    (64, 4, 64),
    (10, 200, 100),
    (4096, 16, 27),
    (12544, 64, 147),
    (3136, 64, 576),
    (196, 256, 2304),
    (512, 1024, 4096),
    (3, 5, 7),
    (17, 31, 63),
    (33, 65, 129),
    (100, 100, 100),
    (257, 255, 253),
    (65, 10, 300),
    (500, 3, 50),
    (1, 10, 30),
    (7, 1000, 33),
    (1000, 1, 1000),
    (2, 300, 300),
    (48, 48, 48),
    (150, 37, 211),
    (511, 129, 65),
    (1023, 17, 333),
    (90, 700, 20),
    (1200, 1200, 5),
    (5, 1200, 1200),
    (64, 64, 1000),
    (1000, 1000, 9),
    (31, 800, 31),
    (640, 40, 640),
    (20, 30, 10),
    (128, 10, 512),
]
BATCHES = [(64, 32, 32, 32), (1024, 8, 8, 8), (16, 128, 128, 128), (256, 1, 64, 64)]


def operands(m, n, k, order, dtype):
    """A (m, k) and B (k, n); "t" in `order` is an operand whose memory lies transposed."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((m, k) if order[0] == "n" else (k, m)).astype(dtype)
    b = rng.standard_normal((k, n) if order[1] == "n" else (n, k)).astype(dtype)
    return a if order[0] == "n" else a.T, b if order[1] == "n" else b.T


def makers(a, b, threads):
    def of(function):
        out = np.empty((*a.shape[:-1], b.shape[-1]), a.dtype)
        return lambda: function(a, b, out=out)

    def torch():
        import torch

        ta, tb = torch.from_numpy(a), torch.from_numpy(b)
        out = torch.empty(*a.shape[:-1], b.shape[-1], dtype=ta.dtype)
        return lambda: torch.matmul(ta, tb, out=out)

    return {
        "nnfast": lambda: of(nf.matmul),
        "numpy": lambda: of(np.matmul),
        "torch": torch,
        "onnxruntime": lambda: peers.onnx_matmul(threads, a, b),
    }


@pytest.fixture(scope="module")
def squares(request):
    """What test_square measured: GFLOPS by contender and size, plotted in the end when asked for."""
    rates = {}
    yield rates
    folder = request.config.getoption("--plot")
    if folder and rates:
        plot(rates, os.path.join(folder, "gemm.png"), request.config.getoption("--threads"))


def plot(rates, path, threads):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.2))
    for name, points in rates.items():
        if name == "peak":
            axes.plot(*zip(*sorted(points)), color="0.4", linestyle=":", label="FMA peak")
        else:
            axes.plot(
                *zip(*sorted(points)), marker="o", markersize=4, label=name, zorder=2 + (name == "nnfast")
            )
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted(size for size, _ in rates["nnfast"]))
    axes.get_xaxis().set_major_formatter(matplotlib.ticker.ScalarFormatter())
    axes.tick_params(axis="x", labelrotation=45)
    axes.set_ylim(bottom=0)
    core = os.environ.get("OPENBLAS_CORETYPE")
    axes.set_title(
        f"float32 matrix products, {threads} thread{'s' * (threads > 1)}"
        + (f" (NumPy's OpenBLAS told {core})" if core else "")
    )
    axes.set_xlabel("size of the square matrices")
    axes.set_ylabel("GFLOPS, the Python call included")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SQUARES)
def test_square(versus, squares, threads, size, dtype):
    a, b = operands(size, size, size, "nn", dtype)
    flops = 2 * size**3
    medians = versus(f"matmul {size}^3 {dtype}", makers(a, b, threads), flops=flops, dtype=dtype)
    if dtype == "float32":
        for name, seconds in medians.items():
            squares.setdefault(name, []).append((size, flops / seconds / 1e9))


@pytest.mark.parametrize("order", ["nn", "nt", "tn"])
@pytest.mark.parametrize(("m", "n", "k"), NETWORK)
def test_network_shape(versus, threads, m, n, k, order):
    a, b = operands(m, n, k, order, "float32")
    versus(f"matmul {m}x{n}x{k} {order}", makers(a, b, threads), flops=2 * m * n * k)


@pytest.mark.parametrize("shape", BATCHES, ids=lambda s: "x".join(map(str, s)))
def test_batched(versus, threads, shape):
    batch, m, n, k = shape
    rng = np.random.default_rng(0)
    a = rng.standard_normal((batch, m, k)).astype("f4")
    b = rng.standard_normal((batch, k, n)).astype("f4")
    versus(f"matmul {batch} x {m}x{n}x{k}", makers(a, b, threads), flops=2 * batch * m * n * k)


LAYERS = [(32, 100, 784), (200, 100, 784), (128, 512, 784), (64, 64, 64), (256, 256, 256), (512, 512, 512)]


def layer(m, out, in_):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((m, in_)).astype("f4"), rng.standard_normal((out, in_)).astype("f4")
    return x, w, rng.standard_normal(out).astype("f4")


@pytest.mark.parametrize(("m", "out", "in_"), LAYERS)
def test_linear_relu(versus, m, out, in_):
    x, w, b = layer(m, out, in_)
    y = np.empty((m, out), np.float32)

    def torch():
        import torch

        tx, tw, tb = torch.from_numpy(x), torch.from_numpy(w), torch.from_numpy(b)
        return lambda: torch.relu_(torch.nn.functional.linear(tx, tw, tb))

    def numpy():
        def f():
            np.maximum(np.add(np.matmul(x, w.T, out=z), b, out=z), 0, out=z)

        z = np.empty_like(y)
        return f

    versus(
        f"linear + relu {m}x{out}x{in_}",
        {
            "nnfast": lambda: lambda: nf.linear(x, w, b, activation="relu", out=y),
            "numpy": numpy,
            "torch": torch,
        },
        flops=2 * m * out * in_,
    )


@pytest.mark.parametrize(("m", "out", "in_"), LAYERS)
def test_linear_backward(versus, m, out, in_):
    x, w, _ = layer(m, out, in_)
    g = np.random.default_rng(1).standard_normal((m, out)).astype("f4")

    def torch():
        import torch

        tg, tx, tw = torch.from_numpy(g), torch.from_numpy(x), torch.from_numpy(w)
        return lambda: (tg @ tw, tg.T @ tx, tg.sum(0))

    versus(
        f"linear backward {m}x{out}x{in_}",
        {
            "nnfast": lambda: lambda: nf.linear_backward(g, x, w),
            "numpy": lambda: lambda: (g @ w, g.T @ x, g.sum(0)),
            "torch": torch,
        },
        flops=4 * m * out * in_,
    )


@pytest.mark.parametrize(
    ("m", "out", "in_"), [(64, 64, 64), (200, 100, 784), (256, 256, 256), (512, 512, 512)]
)
def test_linear_beside_its_product(capsys, threads, m, out, in_):
    """What bias and activation add to the bare product, and the backward pass over the forward's time."""
    x, w, b = layer(m, out, in_)
    g = np.random.default_rng(1).standard_normal((m, out)).astype("f4")
    y = np.empty((m, out), np.float32)
    works = {
        "product": lambda: nf.linear(x, w, out=y),
        "fused": lambda: nf.linear(x, w, b, activation="relu", out=y),
        "backward": lambda: nf.linear_backward(g, x, w),
    }
    medians, _ = interleave(works, budget=0.4, least=25)
    fused = medians["fused"] / medians["product"] - 1
    backward = medians["backward"] / medians["product"]
    with capsys.disabled():
        print(
            f"\nlinear {m}x{out}x{in_}: bias and relu {100 * fused:+.1f} %, backward {backward:.2f}x forward"
        )


@pytest.mark.parametrize("order", ["nn", "tn"])
@pytest.mark.parametrize(
    ("m", "n", "k"),
    [(size,) * 3 for size in (32, 64, 96, 128, 192, 256, 300, 512, 1024)]
    + [(200, 100, 784), (784, 100, 200)],
)
def test_threads_over_one(capsys, threads, m, n, k, order):
    """How much faster all threads asked for are than one; for `--threads 2` and more."""
    if threads == 1:
        pytest.skip("one thread")
    a, b = operands(m, n, k, order, "float32")
    out = np.empty((m, n), np.float32)

    def work():
        nf.matmul(a, b, out=out)

    work()
    repeat, ratios = max(1, int(ROUND / timed(work, 3))), []
    end = time.perf_counter() + 1.0
    while time.perf_counter() < end:
        nf.set_num_threads(1)
        work()
        one = timed(work, repeat)
        nf.set_num_threads(threads)
        work()
        ratios.append(one / timed(work, repeat))
    with capsys.disabled():
        print(f"\nmatmul {m}x{n}x{k} {order}: {threads} threads {statistics.median(ratios):.2f}x one")
