"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnfast.history import History
from nnfast.plot._figure import Path, new_figure, panel, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def learning_curves(
    history: History | Mapping[str, History],
    path: Path | None = None,
    *,
    metrics: str | Sequence[str] | None = None,
    ax: Any = None,
) -> Figure:
    """Loss and metrics over the epochs, a panel each: training dashed, held out solid.

    Parameters
    ----------
    history : History, or dict of names to History
        Several runs are drawn into the same panels.
    path : path, optional
        Where to save the figure.
    metrics : str or list of str, optional
        Which to draw ("loss", "accuracy", ...). Left out, all but the norms of gradients, for which there is
        `nnfast.plot.gradient_norms`.
    ax : matplotlib Axes, optional
        For a single metric ("loss" when `metrics` is left out): where to draw it.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    TypeError, ValueError
        If there are no epochs to draw, or no such metric.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.Linear(1, 1), seed=0)
    >>> model.compile("sgd", "mse")
    >>> history = model.fit([[0.0], [1.0]], [1.0, 3.0], epochs=3, verbose=0)
    >>> [axes.get_ylabel() for axes in learning_curves(history).axes]
    ['loss']
    """
    histories = {"": history} if isinstance(history, History) else dict(history)
    for value in histories.values():
        if not isinstance(value, History):
            raise TypeError(f"learning_curves: history: expected a History, got {type(value).__name__}")
    known = list(dict.fromkeys(n.removeprefix("val_") for h in histories.values() for n in h.history))
    if not known:
        raise ValueError("learning_curves: history: expected at least one epoch, got none")
    wanted = [metrics] if isinstance(metrics, str) else list(metrics or [])
    for name in wanted:
        if name not in known:
            raise ValueError(f"learning_curves: metrics: expected some of {', '.join(known)}, got {name!r}")
    if ax is not None:
        wanted = wanted or ["loss"]
        if len(wanted) > 1:
            raise ValueError(f"learning_curves: ax: expected a single metric with it, got {len(wanted)}")
        figure, axes = panel("learning_curves", ax, 0, 0)
        draw_curves(axes, histories, wanted[0])
        return save(figure, path)
    wanted = wanted or [name for name in known if not name.startswith("gradient_norm_")]
    columns = min(len(wanted), 3)
    rows = -(-len(wanted) // columns)
    figure = new_figure(4.6 * columns, 3.4 * rows)
    places = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, metric in zip(places, wanted, strict=False):
        draw_curves(axes, histories, metric)
    for axes in places[len(wanted) :]:
        axes.remove()
    return save(figure, path)


def draw_curves(axes: Any, histories: Mapping[str, History], metric: str) -> None:
    """One metric over the epochs, training dashed and validation solid."""
    from matplotlib.ticker import MaxNLocator

    marker = "o" if all(len(history) == 1 for history in histories.values()) else None
    for i, (label, history) in enumerate(histories.items()):
        prefix = f"{label}: " if label else ""
        for name, style, kind in ((metric, "--", "training"), (f"val_{metric}", "-", "held out")):
            if name in history:
                # A value that a callback added later than the first epoch belongs to the last ones.
                values = history[name]
                epochs = history.epochs[len(history.epochs) - len(values) :]
                axes.plot(epochs, values, style, color=f"C{i}", marker=marker, label=prefix + kind)
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
