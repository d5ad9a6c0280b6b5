"""Norms of gradients by layer."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nnfast.history import History
from nnfast.plot._figure import Path, panel, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnfast.model import Model

PREFIX = "gradient_norm_"  # of the names under which nnfast.callbacks.GradientNorms keeps them


def gradient_norms(
    model: Model | History,
    x: ArrayLike | None = None,
    y: Any = None,
    path: Path | None = None,
    *,
    relative: bool = False,
    label: str | None = None,
    ax: Any = None,
) -> Figure:
    """The size of the loss's gradient in each layer, from the first to the last, on a logarithmic axis.

    Norms that fall towards the first layer by a factor a layer are gradients that vanish: the first layers
    learn next to nothing. Norms that grow are gradients that explode.

    Parameters
    ----------
    model : Model or History
        A compiled model, which is left as it was; or the history of a fit with the callback
        `nnfast.callbacks.GradientNorms`, whose norms are drawn over the epochs, a line a layer.
    x, y : arrays, optional
        One batch, as for `train_batch`. Left out, the gradients of the model's last step are shown.
    path : path, optional
        Where to save the figure.
    relative : bool, default False
        Whether each norm is divided by that of the layer's parameters: how much of a layer one step of
        learning rate 1 would change.
    label : str, optional
        The line's name, for several models drawn into the same `ax`.
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
        If the samples do not fit, there is no loss, or the history holds no norms.

    Examples
    --------
    >>> import nnfast as nf
    >>> layers = [layer for _ in range(6) for layer in (nf.Linear(8, 8), nf.Sigmoid())]
    >>> model = nf.Sequential(*layers, seed=0)
    >>> model.compile("sgd", "mse")
    >>> line = gradient_norms(model, np.eye(8), np.zeros((8, 8))).axes[0].lines[0]
    >>> bool(line.get_ydata()[0] < 1e-3 * line.get_ydata()[-1])
    True
    """
    if isinstance(model, History):
        return save(_over_epochs(model, ax), path)
    keys, norms = norms_by_layer(model, x, y, relative)
    figure, axes = panel("gradient_norms", ax, max(4.5, min(12.0, 1.5 + 0.5 * len(keys))), 3.6)
    kinds = dict(zip(model._keys, (type(layer).__name__ for layer in model.layers), strict=True))
    names = [f"{key} {kinds[key]}" if kinds[key] != key else key for key in keys]
    # A gradient of zero has no place on a logarithmic axis: the line is open there.
    axes.plot(range(len(keys)), np.where(norms > 0, norms, np.nan), "o-", label=label)
    axes.set_yscale("log")
    if len(keys) > 5:
        axes.set_xticks(range(len(keys)), names, rotation=60, ha="right", rotation_mode="anchor", fontsize=7)
    else:
        axes.set_xticks(range(len(keys)), names, fontsize=9)
    axes.set_ylabel("|gradient| / |parameters|" if relative else "norm of the gradient")
    axes.grid(alpha=0.3)
    if label is not None:
        axes.legend()
    return save(figure, path)


def norms_by_layer(model: Model, x: Any, y: Any, relative: bool) -> tuple[list[str], Any]:
    """The keys of the layers that are trained, and the norm of each one's gradient."""
    if (x is None) != (y is None):
        raise ValueError("gradient_norms: y: expected with x, and only with it")
    parameters: dict[str, Any] = {}
    if x is not None:
        model = copy.deepcopy(model)
        model.optimizer = "sgd"  # no clipping; its step is the copy's
        model._samples("gradient_norms", x)  # which may decide the input shape
        parameters = model.state_dict()
        model.train_batch(x, y)
    parameters = parameters or model.state_dict()
    found = model.gradient_norms()
    keys, norms = list(found), np.array(list(found.values()))
    if relative:
        sizes = dict.fromkeys(keys, 0.0)
        for name in model.gradients():
            sizes[name.rpartition(".")[0]] += float(np.square(parameters[name], dtype=np.float64).sum())
        norms = norms / np.maximum(np.sqrt(list(sizes.values())), np.finfo(np.float64).tiny)
    return keys, norms


def _over_epochs(history: History, ax: Any) -> Figure:
    names = [name for name in history.history if name.startswith(PREFIX)]
    if not names:
        raise ValueError(
            "gradient_norms: history: expected that of a fit with nnfast.callbacks.GradientNorms, got "
            + (", ".join(history.history) or "no epochs")
        )
    figure, axes = panel("gradient_norms", ax, 6.0, 3.6)
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    colors = colormaps["viridis"](np.linspace(0, 0.9, len(names)))
    for name, color in zip(names, colors, strict=True):
        norms = np.array(history[name])
        layer = name.removeprefix(PREFIX)
        axes.plot(history.epochs, np.where(norms > 0, norms, np.nan), ".-", color=color, label=layer)
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("norm of the gradient")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(
        title="layer", fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), ncols=1 + len(names) // 14
    )
    return figure
