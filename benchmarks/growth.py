"""How time grows with work: ``python benchmarks/growth.py [--out FOLDER] [--threads N]``.

Training steps (Adam, float32) over growing batches, widths and depths, and epochs of `fit` over growing data,
from what fits the first-level cache to main memory. A line's last number is by how much time grows for twice
the work, since the line before; with a folder, the picture growth.png shows them all.
"""

import argparse
import os
import time

import numpy as np
from test_training import mlp_flops, mlp_layers, nnfast_step

import nnfast as nf

BATCHES = [2**i for i in range(14)]
WIDTHS = [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
DEPTHS = [2**i for i in range(8)]
SAMPLES = [2**i for i in range(8, 18)]
LARGEST = 2.4  # times as long for twice the work


def samples(count, sizes):
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, sizes[0]), np.float32), rng.integers(0, sizes[-1], count)


def least_time(run, budget=0.25):
    run()
    times, end = [], time.perf_counter() + budget
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def step(sizes, batch):
    layers = mlp_layers(sizes, nf.Linear, nf.ReLU)
    return mlp_flops(sizes, batch), least_time(nnfast_step(layers, *samples(batch, sizes)))


def epoch(sizes, count):
    x, y = samples(count, sizes)
    model = nf.Sequential(*mlp_layers(sizes, nf.Linear, nf.ReLU))
    model.compile(nf.Adam(lr=1e-3), "cross_entropy")
    return mlp_flops(sizes, count), least_time(lambda: model.fit(x, y, epochs=1, batch_size=128, verbose=0))


SERIES = {
    "batch of 784-100-10": (BATCHES, lambda n: step((784, 100, 10), n)),
    "width of 256-n-n-10, batch 64": (WIDTHS, lambda n: step((256, n, n, 10), 64)),
    "depth of 128-wide layers, batch 64": (DEPTHS, lambda n: step((128,) * (n + 1) + (10,), 64)),
    "samples of an epoch, 784-100-10, batch 128": (SAMPLES, lambda n: epoch((784, 100, 10), n)),
}


def draw(measured, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.6))
    for name, points in measured.items():
        axes.loglog(*zip(*points, strict=True), marker="o", markersize=3.5, label=name)
    axes.set_xlabel("floating-point operations of the products")
    axes.set_ylabel("seconds")
    axes.grid(True, alpha=0.3)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", metavar="FOLDER", help="where the picture is written (default: none is)")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    nf.set_num_threads(options.threads)
    measured, worst = {}, (0.0, "")
    for name, (places, measure) in SERIES.items():
        print(f"{name}, {options.threads} thread(s)")
        points = measured[name] = []
        for n in places:
            points.append(measure(n))
            work, seconds = points[-1]
            line = f"{n:9,} {1e6 * seconds:12.1f} us {1e-9 * work / seconds:8.1f} GFLOPS"
            if len(points) > 1:
                doublings = np.log2(work / points[-2][0])
                factor = (seconds / points[-2][1]) ** (1 / doublings)
                worst = max(worst, (factor, f"{name}: {n:,}"))
                line += f" {factor:6.2f}" + ("  a cliff" if factor > LARGEST else "")
            print(line)
    print(f"twice the work took at most {worst[0]:.2f} times as long ({worst[1]})")
    if options.out:
        draw(measured, os.path.join(options.out, "growth.png"))


if __name__ == "__main__":
    main()
