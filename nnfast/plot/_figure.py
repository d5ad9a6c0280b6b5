"""What all pictures share: a figure without pyplot, saving, images as matplotlib wants them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Path = str | os.PathLike[str]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure without pyplot, to be divided by `subplots` into axes for this module's functions.

    Parameters
    ----------
    width, height : float
        In inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> figure = new_figure(8, 4)
    >>> left, right = figure.subplots(1, 2)
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError('nnfast.plot needs matplotlib: pip install "nnfast[plot]"') from None
    return Figure(figsize=(width, height), layout="constrained")


def panel(owner: str, ax: Any, width: float, height: float) -> tuple[Figure, Any]:
    """(figure, axes): those of `ax` when it is given, otherwise new ones of this size."""
    if ax is None:
        figure = new_figure(width, height)
        return figure, figure.add_subplot()
    if not (hasattr(ax, "plot") and hasattr(ax, "figure")):
        raise TypeError(f"{owner}: ax: expected a matplotlib Axes, got {type(ax).__name__}")
    return ax.figure, ax


def save(figure: Figure, path: Path | None) -> Figure:
    """Write the figure where a path is given; its ending decides the format."""
    if path is not None:
        figure.savefig(os.fspath(path), dpi=120)
    return figure


def grid(count: int, columns: int, size: float = 1.2) -> tuple[Figure, list[Any]]:
    """A figure and its axes without frames, at least `count` of them in rows of at most `columns`."""
    columns = max(1, min(count, columns))
    rows = max(1, -(-count // columns))
    figure = new_figure(max(4.0, size * columns), size * rows + 0.6)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax in axes:
        ax.set_axis_off()
    return figure, axes


def shown(image: NDArray[Any]) -> NDArray[Any]:
    """(h, w), (1, h, w) or (3, h, w) as `imshow` takes it: (h, w) or (h, w, 3)."""
    if image.ndim == 3:
        return image[0] if image.shape[0] == 1 else np.moveaxis(image, 0, -1)
    return image


def dims(shape: Sequence[int]) -> str:
    """A shape as text: 3 × 32 × 32."""
    return " × ".join(map(str, shape))
