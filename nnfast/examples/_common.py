"""What the examples share: their command line, where data are found, where pictures go."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def parse(
    name: str, about: str | None, arguments: Sequence[str] | None, *, data: bool = False, **numbers: Any
) -> argparse.Namespace:
    """The command line of `python -m nnfast.examples.NAME`.

    `about` is the module's documentation, whose first line is shown; `data` adds the options that lead to a
    data set; each of `numbers` is an option with a default and a line of help: epochs=(10, "passes").
    """
    first = (about or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog=f"python -m nnfast.examples.{name}", description=first)
    if data:
        add_data(parser)
    for option, (default, text) in numbers.items():
        flag = f"--{option.replace('_', '-')}"
        parser.add_argument(flag, type=type(default), default=default, help=f"{text} (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the run (default: %(default)s)")
    add_out(parser)
    options = parser.parse_args(arguments)
    for option in numbers:
        value = getattr(options, option)
        if isinstance(value, (int, float)) and value <= 0:
            parser.error(f"--{option.replace('_', '-')}: expected a number above 0, got {value}")
    if options.seed < 0:
        parser.error(f"--seed: expected at least 0, got {options.seed}")
    return options


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data and --download."""
    parser.add_argument(
        "--data", metavar="FOLDER", help="folder with the files (default: the one in $NNFAST_DATA)"
    )
    parser.add_argument("--download", action="store_true", help="fetch files that are not there")


def add_out(parser: argparse.ArgumentParser) -> None:
    """--out."""
    parser.add_argument(
        "--out", default=".", metavar="FOLDER", help="where pictures are written (default: here)"
    )


def folder(name: str, given: str | None) -> str:
    """Where the data set of this name is: as given, or its folder in that of NNFAST_DATA."""
    if given is not None:
        return given
    root = os.environ.get("NNFAST_DATA")
    if not root:
        raise FileNotFoundError(f"--data: expected the folder of {name}'s files, or NNFAST_DATA to be set")
    return os.path.join(root, name)


def load(name: str, read: Callable[..., Any], options: argparse.Namespace) -> Any:
    """What `read(folder, download=...)` of `nnfast.datasets` gives; where it fails, the program ends."""
    try:
        return read(folder(name, options.data), download=options.download)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from None


def digits(seed: int, train: float = 0.75) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """scikit-learn's 1,797 digits: (images (n, 64) in 0..1, labels) to train on and held out."""
    from nnfast.data import split

    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit('this example needs scikit-learn: pip install "nnfast[demo]"') from None
    images, labels = load_digits(return_X_y=True)
    x = (images / 16).astype(np.float32)
    learned, held_out = split(x, labels, (train, 1 - train), seed=seed, stratify=True)
    return learned, held_out


def picture(name: str, options: argparse.Namespace, draw: Callable[..., Any], *given: Any) -> None:
    """Write the figure that `draw(*given)` returns into the folder of --out; a hint without matplotlib."""
    try:
        figure = draw(*given)
    except ImportError as error:
        print(f"no picture: {error}")
        return
    os.makedirs(options.out, exist_ok=True)
    path = os.path.join(options.out, f"{name}.png")
    figure.savefig(path, dpi=120)
    print(f"picture: {path}")
