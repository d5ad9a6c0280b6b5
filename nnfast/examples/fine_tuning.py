"""Fine-tuning: a network that knows the digits 0 to 4 learns 5 to 9 from 200 images.

    python -m nnfast.examples.fine_tuning --data FOLDER

The folder holds MNIST's training files, as for the example `mnist`. A convolutional network is trained on the
images of 0 to 4. Its convolutions have learned strokes and curves, which other digits are made of as well:
they are kept and frozen, the layers above them are replaced, and these learn 5 to 9 from 40 images of each.
The same network trained from scratch on the same images is the comparison. Frozen layers cost no backward
pass, so fine-tuning takes less time, too. All of it is done for several draws of the 200 images.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

import nnfast as nf
from nnfast import datasets
from nnfast.examples import _common
from nnfast.plot import new_figure

HELD_OUT = 10_000
EACH = 40  # images of each new digit
STRIDE = 2  # epochs from one look at the test images to the next, which takes longer than they do


def make_network(seed: int) -> nf.Sequential:
    """Two convolutions with pooling, the trunk; 100 hidden units and five digits, the head."""
    return nf.Sequential(
        nf.Conv2d(1, 16, 5),
        nf.ReLU(),
        nf.MaxPool2d(2),
        nf.Conv2d(16, 32, 5),
        nf.ReLU(),
        nf.MaxPool2d(2),
        nf.Flatten(),
        nf.Linear(512, 100, name="hidden"),
        nf.ReLU(),
        nf.Dropout(0.5),
        nf.Linear(100, 5, name="digits"),
        input_shape=(1, 28, 28),
        seed=seed,
    )


def replace_head(trained: nf.Model, seed: int) -> nf.Model:
    """The trained trunk, frozen, below a new head."""
    tuned = trained.replace("hidden", nf.Linear(512, 100, name="hidden"), seed=seed)
    tuned = tuned.replace("digits", nf.Linear(100, 5, name="digits"), seed=seed)
    tuned.freeze(until="hidden")
    return tuned


def train(model: nf.Model, few: Any, test: Any, epochs: int) -> tuple[list[float], float]:
    """The test accuracy after every STRIDE epochs, and the seconds of training alone."""
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    right, seconds = [], 0.0
    for done in range(0, epochs, STRIDE):
        began = time.perf_counter()
        model.fit(*few, batch_size=20, epochs=min(STRIDE, epochs - done), verbose=0)
        seconds += time.perf_counter() - began
        right.append(model.evaluate(*test)["accuracy"])
    return right, seconds


def some_of_each(labels: Any, rng: np.random.Generator) -> Any:
    """The places of EACH samples of every label, drawn at random."""
    places = [rng.permutation(np.flatnonzero(labels == label))[:EACH] for label in np.unique(labels)]
    return np.concatenate(places)


def draw(curves: dict[str, list[list[float]]], trained: nf.Model) -> Any:
    """The accuracies over the epochs, and the filters that were kept."""
    figure = new_figure(10.5, 4.2)
    parts: Any = figure.subfigures(1, 2, width_ratios=(3, 2))
    axes = parts[0].subplots()
    for i, (name, runs) in enumerate(curves.items()):
        for run in runs:
            label = name if run is runs[0] else None
            epochs = STRIDE * np.arange(1, len(run) + 1)
            axes.plot(epochs, run, color=f"C{i}", linewidth=1, label=label)
    axes.set(xlabel="epoch", ylabel="accuracy on new images of 5 to 9")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    filters = trained.state_dict()["0.weight"][:, 0]
    parts[1].suptitle("first filters, learned from 0 to 4", fontsize=11)
    for place, image in zip(parts[1].subplots(4, 4).flat, filters, strict=True):
        place.imshow(image, cmap="RdBu_r", vmin=-abs(filters).max(), vmax=abs(filters).max())
        place.set_axis_off()
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse(
        "fine_tuning",
        __doc__,
        arguments,
        data=True,
        draws=(3, "draws of the 200 images"),
        epochs=(40, "epochs on them"),
    )
    pixels, digits = _common.load("mnist", datasets.mnist, options)
    images, labels = pixels[:, None].astype(np.float32) / np.float32(255), digits.astype(np.int64)
    training = np.arange(len(labels)) < len(labels) - HELD_OUT
    known, new, unseen = training & (labels < 5), training & (labels >= 5), ~training & (labels >= 5)
    test = images[unseen], labels[unseen] - 5

    trained = make_network(options.seed)
    trained.compile("adam", "cross_entropy")
    history = trained.fit(images[known], labels[known], batch_size=64, epochs=4, verbose=0)
    print(f"trunk: trained on {known.sum()} images of 0 to 4 in {sum(history.time):.1f} s")

    curves: dict[str, list[list[float]]] = {"frozen trunk": [], "from scratch": []}
    seconds = dict.fromkeys(curves, 0.0)
    for seed in range(options.seed, options.seed + options.draws):
        some = some_of_each(labels[new], np.random.default_rng(seed))
        few = images[new][some], labels[new][some] - 5
        for name, make in (("frozen trunk", partial(replace_head, trained)), ("from scratch", make_network)):
            curve, took = train(make(seed + 1), few, test, options.epochs)
            curves[name].append(curve)
            seconds[name] += took / options.draws
    print(f"5 to 9: {len(some)} images to learn from, {unseen.sum()} to test on")
    for name, runs in curves.items():
        last = [run[-1] for run in runs]
        each = ", ".join(f"{accuracy:.4f}" for accuracy in last)
        print(f"{name}: accuracy {np.mean(last):.4f} ({each}) after {seconds[name]:.2f} s")
    _common.picture("fine_tuning", options, draw, curves, trained)
    return 0


if __name__ == "__main__":
    sys.exit(main())
