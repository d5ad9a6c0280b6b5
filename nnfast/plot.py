"""Pictures: learning curves and misclassified images.

Needs matplotlib (`pip install "nnfast[plot]"`), which is imported by the first call. Every function returns a
`matplotlib.figure.Figure` of its own; pyplot and its global state, windows and backends are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nnfast import _checks
from nnfast.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["learning_curves", "misclassified"]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches; ImportError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError('nnfast.plot needs matplotlib: pip install "nnfast[plot]"') from None
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """Write the figure where a path is given; its ending decides the format."""
    if path is not None:
        figure.savefig(os.fspath(path), dpi=120)
    return figure


def draw_curves(axes: Any, histories: Mapping[str, History], metric: str) -> None:
    """One metric over the epochs, training dashed and validation solid."""
    for i, (label, history) in enumerate(histories.items()):
        color = f"C{i}"
        prefix = f"{label}: " if label else ""
        if metric in history:
            axes.plot(history.epochs, history[metric], "--", color=color, label=f"{prefix}training")
        if f"val_{metric}" in history:
            axes.plot(history.epochs, history[f"val_{metric}"], color=color, label=f"{prefix}held out")
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric)
    axes.grid(alpha=0.3)
    axes.legend()


def learning_curves(
    history: History | Mapping[str, History], path: str | os.PathLike[str] | None = None
) -> Figure:
    """Loss and metrics over the epochs, a panel each.

    Parameters
    ----------
    history : History, or dict of names to History
        Several runs are drawn into the same panels.
    path : path, optional
        Where to save the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If there are no epochs to draw.
    """
    histories = {"": history} if isinstance(history, History) else dict(history)
    metrics = list(dict.fromkeys(n.removeprefix("val_") for h in histories.values() for n in h.history))
    if not metrics:
        raise ValueError("learning_curves: history: expected at least one epoch, got none")
    figure = new_figure(5.0 * len(metrics), 3.6)
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        draw_curves(axes, histories, metric)
    return save(figure, path)


def misclassified(
    images: ArrayLike,
    labels: ArrayLike,
    predictions: ArrayLike,
    path: str | os.PathLike[str] | None = None,
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
    shown, true, guess = wrong_ones(images, labels, predictions)
    count = min(len(shown), limit)
    columns = min(max(count, 1), 8)
    rows = -(-max(count, 1) // columns)
    figure = new_figure(1.3 * max(columns, 4), 1.5 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False)
    title = f"{len(shown)} of {len(np.asarray(labels))} wrong"
    figure.suptitle(title + (f", the first {count}" if count < len(shown) else ""))
    for i, axes in enumerate(grid.flat):
        draw_image(axes, *(shown[i], true[i], guess[i]) if i < count else (None, 0, 0))
    return save(figure, path)


def wrong_ones(images: ArrayLike, labels: ArrayLike, predictions: ArrayLike) -> tuple[Any, Any, Any]:
    """(images, labels, predicted classes) of the samples where the last two differ."""
    shown, true, guess = np.asarray(images), np.asarray(labels), np.asarray(predictions)
    if shown.ndim not in (3, 4) or (shown.ndim == 4 and shown.shape[1] not in (1, 3)):
        raise ValueError(
            f"misclassified: images: expected (n, height, width) or (n, 1 or 3, height, width), "
            f"got {shown.shape}"
        )
    if guess.ndim == 2:
        guess = guess.argmax(axis=1)
    if true.shape != (len(shown),) or guess.shape != true.shape:
        raise ValueError(
            f"misclassified: labels and predictions: expected {len(shown)} of each like images, "
            f"got {true.shape} and {guess.shape}"
        )
    wrong = np.flatnonzero(guess != true)
    return shown[wrong], true[wrong], guess[wrong]


def draw_image(axes: Any, image: Any, label: int, guess: int) -> None:
    """One image with its title; an empty place for None."""
    axes.set_axis_off()
    if image is None:
        return
    if image.ndim == 3:
        image = image[0] if image.shape[0] == 1 else image.transpose(1, 2, 0)
    axes.imshow(image, cmap="gray_r")
    axes.set_title(f"{guess}, not {label}", fontsize=8)
