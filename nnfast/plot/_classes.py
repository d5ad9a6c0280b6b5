"""What a classifier takes for what: the confusion matrix, and the decision boundary of two features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast import _checks
from nnfast.plot._figure import Path, panel, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]

WRITTEN = 25  # classes up to which the cells show numbers


def _classes(owner: str, name: str, given: ArrayLike) -> Array:
    """(n,) classes: as they are, or the largest of (n, classes) outputs."""
    array = np.asarray(given)
    if array.ndim == 2 and array.shape[1] > 1:
        return array.argmax(axis=1)
    if array.ndim == 2:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"{owner}: {name}: expected (n,) classes or (n, classes), got shape {array.shape}")
    if array.dtype.kind == "f" and (array == np.floor(array)).all():
        array = array.astype(np.int64)
    if array.dtype.kind not in "iub":
        raise TypeError(f"{owner}: {name}: expected integer classes, got {array.dtype}")
    if len(array) and array.min() < 0:
        raise ValueError(f"{owner}: {name}: expected classes from 0, got {array.min()}")
    return array.astype(np.int64)


def confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    path: Path | None = None,
    *,
    normalize: str | None = None,
    display_labels: Sequence[Any] | None = None,
    ax: Any = None,
) -> Figure:
    """How many samples of each class (rows) were taken for each (columns).

    Parameters
    ----------
    y_true : integer array (n,)
        Classes from 0.
    y_pred : array (n,) of classes, or (n, classes) of outputs
    path : path, optional
        Where to save the figure.
    normalize : {"true", "pred", "all"}, optional
        Shares of the row, the column or all samples instead of numbers.
    display_labels : list, optional
        The classes' names.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    TypeError, ValueError
        If the arguments are no classes, or do not fit together.

    Examples
    --------
    >>> figure = confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1', '1', '0', '2']
    """
    owner = "confusion_matrix"
    if normalize is not None:
        _checks.choice(owner, "normalize", normalize, ("true", "pred", "all"))
    true, guess = _classes(owner, "y_true", y_true), _classes(owner, "y_pred", y_pred)
    if len(true) != len(guess) or len(true) == 0:
        raise ValueError(
            f"{owner}: y_pred: expected as many samples as y_true and at least one, got {len(guess)} "
            f"and {len(true)}"
        )
    outputs = np.asarray(y_pred)
    count = 1 + max(int(true.max()), int(guess.max()), (outputs.shape[1] if outputs.ndim == 2 else 0) - 1)
    names = [str(i) for i in range(count)] if display_labels is None else [str(n) for n in display_labels]
    if len(names) < count:
        raise ValueError(f"{owner}: display_labels: expected {count} names, got {len(names)}")
    count = len(names)
    numbers = np.zeros((count, count))
    np.add.at(numbers, (true, guess), 1)
    if normalize is not None:
        axis = {"true": 1, "pred": 0, "all": None}[normalize]
        total = numbers.sum(axis=axis, keepdims=True)
        numbers = numbers / np.where(total == 0, 1, total)
    size = min(12.0, 2.4 + 0.42 * count)
    figure, axes = panel(owner, ax, size + 0.6, size)
    _draw_matrix(axes, numbers, names, "d" if normalize is None else ".2f")
    return save(figure, path)


def _draw_matrix(axes: Any, numbers: Array, names: list[str], form: str) -> None:
    count = len(names)
    box = axes.get_window_extent()
    # In points; the colour bar takes some.
    cell = 0.8 * min(box.width, box.height) * 72 / axes.figure.dpi / count
    image = axes.imshow(numbers, cmap="Blues", vmin=0)
    axes.figure.colorbar(image, ax=axes, shrink=0.8)
    size = float(np.clip(cell / 2.6, 4.0, 9.0))  # four figures fit into a cell
    tilt = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 3 else {}
    axes.set_xticks(range(count), names, fontsize=size, **tilt)
    axes.set_yticks(range(count), names, fontsize=size)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if count > WRITTEN:
        return
    dark = numbers.max() / 2
    for (row, column), value in np.ndenumerate(numbers):
        text = f"{int(value)}" if form == "d" else f"{value:{form}}"
        color = "white" if value > dark else "black"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=size)


def decision_boundary(
    model: Any,
    x: ArrayLike,
    y: ArrayLike | None = None,
    path: Path | None = None,
    *,
    threshold: float | None = None,
    resolution: int = 200,
    margin: float = 0.08,
    ax: Any = None,
) -> Figure:
    """What a model of two features says over the plane, and the samples.

    Parameters
    ----------
    model : Model
        Of input shape (2,), and one output (above and below the threshold; the line is where it is reached)
        or one a class (the regions where each is the largest). Anything else with `predict` does, too.
    x : array (n, 2)
        The samples, around which the plane is drawn.
    y : integer array (n,), optional
        Their classes.
    path : path, optional
        Where to save the figure.
    threshold : float, optional
        For one output; left out, 1/2 where the last layer's outputs are in 0..1 (Sigmoid, Hardsigmoid, Step),
        else 0.
    resolution : int, default 200
        Points along each axis.
    margin : float >= 0, default 0.08
        How far the plane reaches beyond the samples, as a share of their range.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    TypeError, ValueError
        If the samples, the classes or the model's outputs have other shapes.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.Linear(2, 1), seed=0)
    >>> axes = decision_boundary(model, [[0, 0], [1, 1]], [0, 1], resolution=10).axes[0]
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('feature 0', 'feature 1')
    """
    owner = "decision_boundary"
    samples = np.asarray(x, np.float64)
    if samples.ndim != 2 or samples.shape[1] != 2 or len(samples) == 0:
        raise ValueError(f"{owner}: x: expected shape (n, 2) with n at least 1, got {samples.shape}")
    resolution = _checks.integer(owner, "resolution", resolution, 2)
    margin = _checks.real(owner, "margin", margin, low=0.0)
    labels = None if y is None else _classes(owner, "y", y)
    if labels is not None and len(labels) != len(samples):
        raise ValueError(f"{owner}: y: expected {len(samples)} classes like x, got {len(labels)}")
    low, high = samples.min(axis=0), samples.max(axis=0)
    free = np.where(high > low, margin * (high - low), 1.0)
    u, v = (np.linspace(low[i] - free[i], high[i] + free[i], resolution) for i in range(2))
    plane = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    outputs = np.asarray(model.predict(plane))
    if outputs.ndim == 1:
        outputs = outputs[:, None]
    if outputs.ndim != 2 or len(outputs) != len(plane):
        raise ValueError(f"{owner}: model: expected outputs (n,) or (n, classes), got {outputs.shape}")

    figure, axes = panel(owner, ax, 5.0, 4.4)
    if outputs.shape[1] == 1 and outputs.dtype.kind == "f":
        count = 2
        level = _threshold(model) if threshold is None else threshold
        _draw_values(axes, u, v, outputs.reshape(resolution, resolution), level)
    else:
        if outputs.shape[1] == 1:  # classes already
            outputs = np.eye(1 + max(1, int(outputs.max())))[outputs[:, 0].astype(np.int64)]
        count = outputs.shape[1]
        _draw_regions(axes, u, v, outputs.reshape(resolution, resolution, count))
    _draw_samples(axes, samples, labels, count)
    axes.set(xlim=(u[0], u[-1]), ylim=(v[0], v[-1]), xlabel="feature 0", ylabel="feature 1")
    return save(figure, path)


def _threshold(model: Any) -> float:
    from nnfast.layers import Hardsigmoid, Sigmoid, Step

    layers = getattr(model, "layers", ())
    return 0.5 if layers and isinstance(layers[-1], (Hardsigmoid, Sigmoid, Step)) else 0.0


def _colors(count: int) -> list[str]:
    return [f"C{i % 10}" for i in range(count)]


def _draw_values(axes: Any, u: Array, v: Array, values: Array, level: float) -> None:
    """Blue below the threshold, orange above, the colours of classes 0 and 1; a line between."""
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("two", ["C0", "white", "C1"])
    reach = float(np.abs(values - level).max()) or 1.0
    # Colours by equal steps of the value: strong where the model is sure.
    axes.contourf(u, v, values, np.linspace(level - reach, level + reach, 22), cmap=colors, alpha=0.6)
    if values.min() < level < values.max():
        axes.contour(u, v, values, [level], colors="black", linewidths=1.5)


def _draw_regions(axes: Any, u: Array, v: Array, outputs: Array) -> None:
    """Each class's colour where its output is the largest, and lines between."""
    for i, color in enumerate(_colors(outputs.shape[-1])):
        ahead = outputs[..., i] - np.delete(outputs, i, axis=-1).max(axis=-1)
        if ahead.max() > 0:
            axes.contourf(u, v, ahead, [0, np.inf], colors=[color], alpha=0.3)
            if ahead.min() < 0:
                axes.contour(u, v, ahead, [0], colors="black", linewidths=0.8)


def _draw_samples(axes: Any, samples: Array, labels: Array | None, count: int) -> None:
    size = float(np.clip(6000 / len(samples), 6, 36))
    style = {"s": size, "edgecolors": "black", "linewidths": 0.5}
    if labels is None:
        axes.scatter(*samples.T, color="white", **style)
        return
    present = np.unique(labels)
    colors = _colors(max(count, int(present.max()) + 1))
    for label in present:
        axes.scatter(*samples[labels == label].T, color=colors[label], label=f"class {label}", **style)
    if len(present) <= 10:
        axes.legend(fontsize=8, framealpha=0.9)
