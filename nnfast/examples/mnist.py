"""MNIST from its files: a fully connected and a convolutional network.

    python -m nnfast.examples.mnist --data FOLDER

The folder holds train-images-idx3-ubyte and train-labels-idx1-ubyte, compressed or not; --download fetches
them. The last 10,000 of the 60,000 images are held out, as is the custom. Expect about 0.975 from the first
network and 0.99 from the second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import nnfast as nf
from nnfast import datasets
from nnfast.examples import _common
from nnfast.plot import new_figure

Array = NDArray[Any]
HELD_OUT = 10_000


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m nnfast.examples.mnist",
        description="Train networks on MNIST, the last 10,000 of the training images held out.",
    )
    _common.add_data(parser)
    parser.add_argument(
        "--model", choices=("mlp", "cnn", "both"), default="both", help="which network (default: %(default)s)"
    )
    parser.add_argument("--epochs", type=int, default=None, help="epochs (default: 10 for mlp, 5 for cnn)")
    parser.add_argument("--batch-size", type=int, default=64, help="samples a step (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the run (default: %(default)s)")
    _common.add_out(parser)
    options = parser.parse_args(arguments)
    for name in ("epochs", "batch_size"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name.replace('_', '-')}: expected at least 1, got {value}")
    if options.seed < 0:
        parser.error(f"--seed: expected at least 0, got {options.seed}")
    return options


def load(folder: str, download: bool = False) -> tuple[Array, Array]:
    """Images (n, 1, 28, 28) as float32 in 0..1, and labels."""
    images, labels = datasets.mnist(folder, download=download)
    if len(images) <= HELD_OUT:
        raise ValueError(f"--data: expected more than {HELD_OUT} images, got {len(images)}")
    return images[:, None].astype(np.float32) / np.float32(255), labels.astype(np.int64)


def make_mlp(seed: int) -> nf.Sequential:
    """784-100-10."""
    return nf.Sequential(
        nf.Flatten(),
        nf.Linear(784, 100),
        nf.ReLU(),
        nf.Linear(100, 10),
        input_shape=(1, 28, 28),
        seed=seed,
        name="mlp",
    )


def make_cnn(seed: int) -> nf.Sequential:
    """Two 5x5 convolutions with pooling, dropout, 500 hidden units."""
    return nf.Sequential(
        nf.Conv2d(1, 20, 5),
        nf.ReLU(),
        nf.MaxPool2d(2),
        nf.Conv2d(20, 40, 5),
        nf.ReLU(),
        nf.MaxPool2d(2),
        nf.Flatten(),
        nf.Dropout(0.25),
        nf.Linear(640, 500),
        nf.ReLU(),
        nf.Dropout(0.5),
        nf.Linear(500, 10),
        input_shape=(1, 28, 28),
        seed=seed,
        name="cnn",
    )


def run(name: str, images: Array, labels: Array, options: argparse.Namespace) -> float:
    """Train one network, print what came of it, and return its accuracy on the held-out images."""
    make, epochs = {"mlp": (make_mlp, 10), "cnn": (make_cnn, 5)}[name]
    model = make(options.seed)
    model.compile(nf.Adam(lr=1e-3), "cross_entropy", metrics=["accuracy"])
    model.summary()
    held_out = (images[-HELD_OUT:], labels[-HELD_OUT:])
    history = model.fit(
        images[:-HELD_OUT],
        labels[:-HELD_OUT],
        batch_size=options.batch_size,
        epochs=options.epochs or epochs,
        validation_data=held_out,
    )
    accuracy = model.evaluate(*held_out)["accuracy"]
    if history.interrupted:
        print(f"{name}: interrupted after {len(history)} epochs")
    each = np.mean(history.time) if history.time else float("nan")
    print(f"{name}: {accuracy:.4f} of the held-out images right, {each:.2f} s an epoch")
    _common.picture(f"mnist_{name}", options, draw, model, history, held_out)
    _common.picture(f"mnist_{name}_weights", options, nf.plot.weights, model)
    print()
    return accuracy


def draw(model: nf.Sequential, history: nf.History, held_out: tuple[Array, Array]) -> Any:
    """The learning curves, and which digits are taken for which."""
    figure = new_figure(14.0, 4.2)
    for axes, metric in zip(figure.subplots(1, 3), ("loss", "accuracy", None), strict=True):
        if metric is not None:
            history.plot(metrics=metric, ax=axes)
        else:
            nf.plot.confusion_matrix(held_out[1], model.predict(held_out[0]), ax=axes)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = parse(arguments)
    try:
        images, labels = load(_common.folder("mnist", options.data), options.download)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for name in ("mlp", "cnn") if options.model == "both" else (options.model,):
        run(name, images, labels, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
