"""The demonstration behind `python -m nnfast`: handwritten digits, three ways.

What this is: scikit-learn's 1,797 digits of 8x8 pixels, a quarter of them held out, learned by a fully
connected and by a convolutional network; the accuracy on what was held out; the time beside the same training
in plain NumPy (`nnfast.reference`) and in scikit-learn; a picture of the learning curves and of the digits
that were missed.
What this is not: a benchmark. One run of a small problem on a machine that may be busy.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import nnfast as nf
from nnfast.plot._curves import draw_curves
from nnfast.plot._figure import new_figure, save
from nnfast.plot._images import draw_image, wrong_ones

Array = NDArray[Any]
Pair = tuple[Array, Array]

# The split does not follow --seed: runs with different seeds are judged on the same held-out digits.
SPLIT_SEED = 0
HIDDEN = 100
BATCH = 32
LEARNING_RATE = 1e-3


@dataclass
class Row:
    """A line of the table."""

    network: str
    engine: str
    accuracy: float
    epochs: int
    seconds: float  # of all the epochs the network is trained for
    note: str = ""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m nnfast",
        description="Train a fully connected and a convolutional network on scikit-learn's handwritten "
        "digits, and compare accuracy and time with plain NumPy and scikit-learn. Takes less than a minute.",
        epilog='Needs scikit-learn and matplotlib: pip install "nnfast[demo]"',
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of weights, shuffles and dropout (default: %(default)s)"
    )
    parser.add_argument(
        "--epochs", type=int, default=None, help="epochs of both networks (default: 40 and 25)"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=None,
        help="threads for nnfast (default: all it may use)",
    )
    parser.add_argument(
        "--output",
        default="nnfast_demo.png",
        metavar="PNG",
        help="where to save the learning curves and the missed digits (default: %(default)s)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="2 epochs, and no comparison: only shows that everything works"
    )
    options = parser.parse_args(arguments)
    for name in ("epochs", "threads"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name}: expected at least 1, got {value}")
    if options.seed < 0:
        parser.error(f"--seed: expected at least 0, got {options.seed}")
    return options


def load() -> tuple[Pair, Pair]:
    """(images, labels) to train on and held out; pixels in 0..1, shape (n, 1, 8, 8)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit('the demonstration needs scikit-learn: pip install "nnfast[demo]"') from None
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    train, held_out = nf.data.split(images, digits.target, (0.75, 0.25), seed=SPLIT_SEED, stratify=True)
    return train, held_out


def make_mlp(seed: int) -> nf.Sequential:
    """64-100-10, fully connected."""
    return nf.Sequential(
        nf.Flatten(),
        nf.Linear(out_features=HIDDEN),
        nf.ReLU(),
        nf.Linear(out_features=10),
        input_shape=(1, 8, 8),
        seed=seed,
        name="MLP",
    )


def make_cnn(seed: int) -> nf.Sequential:
    """Two 3x3 convolutions, pooling, dropout and two fully connected layers."""
    return nf.Sequential(
        nf.Conv2d(out_channels=16, kernel_size=3, padding="same"),
        nf.ReLU(),
        nf.Conv2d(out_channels=32, kernel_size=3, padding="same"),
        nf.ReLU(),
        nf.MaxPool2d(2),
        nf.Flatten(),
        nf.Dropout(0.25),
        nf.Linear(out_features=HIDDEN),
        nf.ReLU(),
        nf.Dropout(0.5),
        nf.Linear(out_features=10),
        input_shape=(1, 8, 8),
        seed=seed,
        name="CNN",
    )


def train(
    model: nf.Sequential, data: Pair, held_out: Pair | None, epochs: int, backend: str, verbose: int
) -> tuple[nf.History, float]:
    """History, and the seconds the fit took."""
    model.compile(nf.Adam(lr=LEARNING_RATE), "cross_entropy", ["accuracy"], backend=backend)
    began = time.perf_counter()
    history = model.fit(*data, batch_size=BATCH, epochs=epochs, validation_data=held_out, verbose=verbose)
    return history, time.perf_counter() - began


def reference_row(make: Any, data: Pair, held_out: Pair, epochs: int, seed: int, budget: float) -> Row:
    """The same training in plain NumPy; epochs that do not fit into `budget` seconds are counted, not run."""
    model = make(seed)
    _, seconds = train(model, data, None, 1, "reference", 0)
    run = max(1, min(epochs, int(budget / seconds)))
    if run > 1:
        history = model.fit(*data, batch_size=BATCH, epochs=run - 1, verbose=0)
        if history.interrupted:
            raise KeyboardInterrupt
        seconds += sum(history.time)
    accuracy = model.evaluate(*held_out)["accuracy"] if run == epochs else float("nan")
    note = "" if run == epochs else f"time of {run} epoch{'s' if run > 1 else ''} x {epochs / run:g}"
    return Row(model.name or "", "plain NumPy", accuracy, epochs, seconds * epochs / run, note)


def sklearn_row(data: Pair, held_out: Pair, epochs: int, seed: int) -> Row:
    """scikit-learn's MLPClassifier with the same network, optimizer, batches and epochs."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    x, y = data[0].reshape(len(data[0]), -1), data[1]
    peer = MLPClassifier(
        (HIDDEN,),
        solver="adam",
        alpha=0.0,
        batch_size=BATCH,
        learning_rate_init=LEARNING_RATE,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs + 1,
        random_state=seed,
    )
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.fit(x, y)
    seconds = time.perf_counter() - began
    accuracy = float(peer.score(held_out[0].reshape(len(held_out[0]), -1), held_out[1]))
    return Row("MLP", "scikit-learn", accuracy, epochs, seconds)


def table(rows: Sequence[Row]) -> str:
    """The rows as text; times also as multiples of nnfast's."""
    own = {row.network: row.seconds for row in rows if row.engine == "nnfast"}
    lines = [f"{'network':8} {'engine':13} {'accuracy':>8} {'epochs':>7} {'seconds':>9} {'times nnfast':>13}"]
    lines.append("-" * len(lines[0]))
    for row in rows:
        accuracy = "-" if np.isnan(row.accuracy) else f"{row.accuracy:.4f}"
        ratio = f"{row.seconds / own[row.network]:.1f}"
        lines.append(
            f"{row.network:8} {row.engine:13} {accuracy:>8} {row.epochs:>7} {row.seconds:>9.2f} {ratio:>13}"
            + (f"   {row.note}" if row.note else "")
        )
    return "\n".join(lines)


def picture(path: str, histories: dict[str, nf.History], held_out: Pair, outputs: Array) -> None:
    """Learning curves above, the digits the CNN missed below."""
    images, labels = held_out
    shown, true, guess = wrong_ones(images, labels, outputs)
    figure = new_figure(10.0, 6.0)
    parts: Any = figure.subfigures(2, 1, height_ratios=(2, 1))
    above, below = parts
    for axes, metric in zip(above.subplots(1, 2), ("loss", "accuracy"), strict=True):
        draw_curves(axes, histories, metric)
    count = min(len(shown), 12)
    title = f"digits the CNN missed: {len(shown)} of {len(labels)}"
    below.suptitle(title + (f", the first {count}" if count < len(shown) else ""))
    for i, axes in enumerate(below.subplots(1, count, squeeze=False)[0] if count else []):
        draw_image(axes, shown[i], true[i], guess[i])
    save(figure, path)


def run(options: argparse.Namespace) -> None:
    """Train, compare, print, draw."""
    data, held_out = load()
    nf.show_config()
    print(
        f"\n{len(data[0])} digits to train on, {len(held_out[0])} held out; "
        f"Adam, learning rate {LEARNING_RATE:g}, batches of {BATCH}, seed {options.seed}\n"
    )
    rows: list[Row] = []
    histories: dict[str, nf.History] = {}
    outputs = np.empty(0)
    for make, usual in ((make_mlp, 40), (make_cnn, 25)):
        epochs = 2 if options.quick else (options.epochs or usual)
        model = make(options.seed)
        model.summary()
        history, seconds = train(model, data, held_out, epochs, "native", 1)
        if history.interrupted:
            raise KeyboardInterrupt
        outputs = model.predict(held_out[0])
        name = model.name or ""
        histories[name] = history
        rows.append(Row(name, "nnfast", history["val_accuracy"][-1], epochs, seconds))
        print()
        if not options.quick:
            rows.append(reference_row(make, data, held_out, epochs, options.seed, 10.0))
            if make is make_mlp:
                rows.append(sklearn_row(data, held_out, epochs, options.seed))
    print(table(rows))
    try:
        picture(options.output, histories, held_out, outputs)
    except ImportError as error:
        print(f"\nno picture: {error}")
    else:
        print(f"\nlearning curves and missed digits: {options.output}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; returns the exit status."""
    options = parse(arguments)
    try:
        with nf.num_threads(options.threads or nf.get_num_threads()):
            run(options)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    return 0
