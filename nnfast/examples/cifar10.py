"""CIFAR-10 from its binary files: a residual network that trains in minutes on a processor.

    python -m nnfast.examples.cifar10 --data FOLDER

The folder holds data_batch_1.bin, compressed or not; --download fetches it. Of its 10,000 images the last
2,000 are held out.
Expect about 0.65 of them to be right after a minute or so. What is shown is how the pieces go together:
`Residual` blocks with batch normalisation, global average pooling, inputs standardised inside the network by
the training images' moments, batches that are shifted and mirrored as they are made (`nnfast.data.Batches`),
and a learning rate that rises once and falls.

Architecture after He, Zhang, Ren, Sun: "Deep residual learning for image recognition", CVPR 2016; schedule
after Smith and Topin: "Super-convergence", 2018.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import nnfast as nf
from nnfast import data, datasets
from nnfast.examples import _common
from nnfast.plot import new_figure

Array = NDArray[Any]
SHIFT = 3  # pixels an image moves at most
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m nnfast.examples.cifar10",
        description="Train a residual network on CIFAR-10, a fifth of the training images held out.",
    )
    _common.add_data(parser)
    parser.add_argument("--epochs", type=int, default=6, help="epochs (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=64, help="samples a step (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=10_000, help="images to use (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the run (default: %(default)s)")
    _common.add_out(parser)
    options = parser.parse_args(arguments)
    for name in ("epochs", "batch_size"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')}: expected at least 1, got {getattr(options, name)}")
    if options.limit < 10:
        parser.error(f"--limit: expected at least 10, got {options.limit}")
    if options.seed < 0:
        parser.error(f"--seed: expected at least 0, got {options.seed}")
    return options


def block(channels: int, out: int, stride: int = 1) -> nf.Residual:
    """Two convolutions around which the input goes, through a 1x1 convolution where its shape changes."""
    shortcut: list[nf.Layer] | None = None
    if stride != 1 or channels != out:
        shortcut = [nf.Conv2d(channels, out, 1, stride=stride, bias=False), nf.BatchNorm2d(out)]
    return nf.Residual(
        nf.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False),
        nf.BatchNorm2d(out),
        nf.ReLU(),
        nf.Conv2d(out, out, 3, padding=1, bias=False),
        nf.BatchNorm2d(out),
        shortcut=shortcut,
    )


def make_model(images: Array, seed: int) -> nf.Sequential:
    """The network, its first layer set to the moments of the training images."""
    pixels = images.transpose(1, 0, 2, 3).reshape(3, -1)
    return nf.Sequential(
        nf.Normalize(pixels.mean(axis=1, dtype=np.float64), pixels.std(axis=1, dtype=np.float64)),
        nf.Conv2d(3, 32, 3, padding=1, bias=False),
        nf.BatchNorm2d(32),
        nf.ReLU(),
        block(32, 32, stride=2),
        nf.ReLU(),
        block(32, 64, stride=2),
        nf.ReLU(),
        block(64, 128, stride=2),
        nf.ReLU(),
        nf.GlobalAvgPool2d(),
        nf.Linear(128, 10),
        input_shape=images.shape[1:],
        seed=seed,
        name="resnet",
    )


def augment(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Each image moved by up to SHIFT pixels each way, its edge repeated, and mirrored every other time."""
    n, _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)), mode="edge")
    moves = rng.integers(0, 2 * SHIFT + 1, (n, 2))
    mirrored = np.asarray(rng.random(n)) < 0.5
    for i, (down, right) in enumerate(moves):
        image = padded[i, :, down : down + height, right : right + width]
        x[i] = image[:, :, ::-1] if mirrored[i] else image
    return x, y


def run(images: Array, labels: Array, options: argparse.Namespace) -> float:
    """Train, print what came of it, and return the accuracy on the held-out images."""
    training = len(images) * 4 // 5
    model = make_model(images[:training], options.seed)
    batches = data.Batches(
        images[:training],
        labels[:training],
        options.batch_size,
        drop_last=training >= options.batch_size,
        seed=options.seed,
        transform=augment,
    )
    schedule = nf.OneCycleLR(0.1, total_steps=options.epochs * len(batches), pct_start=0.25)
    optimizer = nf.SGD(lr=schedule, momentum=0.9, nesterov=True, weight_decay=5e-4)
    model.compile(optimizer, "cross_entropy", metrics=["accuracy"])
    model.summary()
    held_out = images[training:], labels[training:]
    history = model.fit(batches, epochs=options.epochs, validation_data=held_out, verbose=2)
    accuracy = model.evaluate(*held_out)["accuracy"]
    if history.interrupted:
        print(f"interrupted after {len(history)} epochs")
    _common.picture("cifar10", options, draw, history, held_out[1], model.predict(held_out[0]))
    print(f"{accuracy:.4f} of the held-out images right, {sum(history.time):.1f} s of training")
    return accuracy


def draw(history: nf.History, labels: Array, guesses: Array) -> Any:
    """The learning curves, and what is taken for what."""
    figure = new_figure(15.0, 5.0)
    left, middle, right = figure.subplots(1, 3)
    history.plot(metrics="loss", ax=left)
    history.plot(metrics="accuracy", ax=middle)
    nf.plot.confusion_matrix(labels, guesses, normalize="true", display_labels=CLASSES, ax=right)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = parse(arguments)
    try:
        where = _common.folder("cifar10", options.data)
        images, labels = datasets.cifar10(where, download=options.download)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    run(images[: options.limit], labels[: options.limit].astype(np.int64), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
