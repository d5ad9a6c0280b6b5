"""Images a classifier got wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nnfast import _checks
from nnfast.plot._figure import Path, grid, save, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def misclassified(
    images: ArrayLike,
    labels: ArrayLike,
    predictions: ArrayLike,
    path: Path | None = None,
    *,
    limit: int = 24,
) -> Figure:
    """The images a classifier got wrong, with the class it took them for and the right one.

    Parameters
    ----------
    images : array (n, height, width) or (n, channels, height, width)
        One channel, or three with values in 0..1 or 0..255.
    labels : integer array (n,)
    predictions : array (n,) of classes, or (n, classes) of outputs
    path : path, optional
        Where to save the figure.
    limit : int
        At most so many images.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If the shapes do not fit together.
    """
    limit = _checks.integer("misclassified", "limit", limit, 1)
    wrong, true, guess = wrong_ones(images, labels, predictions)
    count = min(len(wrong), limit)
    figure, places = grid(count, 8, 1.4)
    title = f"{len(wrong)} of {len(np.asarray(labels))} wrong"
    figure.suptitle(title + (f", the first {count}" if count < len(wrong) else ""))
    for axes, image, label, seen in zip(places, wrong[:count], true, guess, strict=False):
        draw_image(axes, image, label, seen)
    return save(figure, path)


def wrong_ones(images: ArrayLike, labels: ArrayLike, predictions: ArrayLike) -> tuple[Any, Any, Any]:
    """(images, labels, predicted classes) of the samples where the last two differ."""
    given, true, guess = np.asarray(images), np.asarray(labels), np.asarray(predictions)
    if given.ndim not in (3, 4) or (given.ndim == 4 and given.shape[1] not in (1, 3)):
        raise ValueError(
            f"misclassified: images: expected (n, height, width) or (n, 1 or 3, height, width), "
            f"got {given.shape}"
        )
    if guess.ndim == 2:
        guess = guess.argmax(axis=1)
    if true.shape != (len(given),) or guess.shape != true.shape:
        raise ValueError(
            f"misclassified: labels and predictions: expected {len(given)} of each like images, "
            f"got {true.shape} and {guess.shape}"
        )
    wrong = np.flatnonzero(guess != true)
    return given[wrong], true[wrong], guess[wrong]


def draw_image(axes: Any, image: Any, label: Any, guess: Any) -> None:
    """One image with its title."""
    axes.set_axis_off()
    axes.imshow(shown(image), cmap="gray_r")
    axes.set_title(f"{guess}, not {label}", fontsize=8)
