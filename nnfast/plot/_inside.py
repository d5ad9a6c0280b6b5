"""What is inside a network: weights and filters as images, activations of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast import _checks, _wiring
from nnfast._wiring import INPUT
from nnfast.layers import Layer
from nnfast.plot._figure import Path, dims, grid, new_figure, save, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnfast.model import Model

Array = NDArray[Any]


def _title(model: Model, place: int) -> str:
    key, kind = model._keys[place], type(model.layers[place]).__name__
    return f"{key} {kind}"


def _tiles(images: Sequence[Array], columns: int, title: str, signed: bool) -> Figure:
    """Images side by side in colours of one scale; with `signed`, zero is white."""
    figure, axes = grid(len(images), columns)
    figure.suptitle(title, fontsize=11)
    low, high = min(float(np.min(i)) for i in images), max(float(np.max(i)) for i in images)
    reach = max(abs(low), abs(high)) or 1.0
    if signed:
        options = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
    else:
        options = {"cmap": "viridis", "vmin": low, "vmax": high if high > low else low + 1.0}
    drawn = [
        ax.imshow(image, interpolation="nearest", **options) for ax, image in zip(axes, images, strict=False)
    ]
    if images[0].ndim == 2:  # numbers, not colours
        rows = -(-len(images) // columns)
        figure.colorbar(drawn[0], ax=axes, shrink=min(0.9, 3 / rows), aspect=min(30, 10 * rows))
    return figure


def weights(
    model: Model,
    layer: int | str | Layer | None = None,
    path: Path | None = None,
    *,
    image_shape: Sequence[int] | None = None,
    limit: int = 64,
) -> Figure:
    """What a layer looks for: convolution filters, or the weights of each unit, as images.

    Filters over one or three channels are shown as they are, others channel by channel: a row a filter.
    A linear layer's units are shown as images where its inputs are the pixels of one; otherwise the whole
    weight matrix is, a row a unit. Red is positive, blue negative, the same scale in all of them; filters
    over three channels are shown in colours, grey standing for 0.

    Parameters
    ----------
    model : Model
    layer : int, str or Layer, optional
        Its index, its key in `state_dict`, or itself; the first that has a weight when left out.
    path : path, optional
        Where to save the figure.
    image_shape : (height, width) or (channels, height, width), optional
        Of a linear layer's inputs. Left out: the model's input shape where the layer sees a flattened image,
        a square of at least 5 x 5 where their number is one.
    limit : int, default 64
        At most so many images, or rows.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    TypeError, ValueError
        If there is no such layer, it has no weight of such a shape, or the shape does not fit.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.Conv2d(1, 4, 5), nf.ReLU(), input_shape=(1, 28, 28), seed=0)
    >>> len([axes for axes in weights(model).axes if axes.images])
    4
    """
    limit = _checks.integer("weights", "limit", limit, 1)
    model._ensure_model("weights")
    if layer is None:
        having = [i for i, own in enumerate(model.layers) if own._views.get("weight", np.empty(0)).ndim > 1]
        if not having:
            raise ValueError("weights: model: expected a layer with a weight, got none")
        place = having[0]
    else:
        place = model._place("weights", "layer", layer)
    weight = model.layers[place]._views.get("weight", np.empty(0))
    if weight.ndim not in (2, 3, 4):
        raise ValueError(
            f"weights: layer: expected one with filters or a weight matrix, got {_title(model, place)}"
        )
    title = f"{_title(model, place)}: weight {dims(weight.shape)}"
    by_channel = weight.ndim == 4 and weight.shape[1] not in (1, 3)
    count = max(1, limit // weight.shape[1]) if by_channel else limit
    if count < len(weight):
        title += f", the first {count}"
    weight = weight[:count]
    if by_channel:
        images = [channel for one in weight for channel in one[:limit]]
        return save(_tiles(images, min(limit, weight.shape[1]), title, True), path)
    if weight.ndim == 2:
        shape = _image_shape(model, place, weight.shape[1], image_shape)
        if shape is None:
            return save(_matrix(weight, title, "input", "unit", True), path)
        weight = weight.reshape(len(weight), *shape)
    if weight.ndim == 4 and weight.shape[1] == 3:
        reach = float(np.abs(weight).max()) or 1.0
        weight = 0.5 + 0.5 * weight / reach
    images = [shown(one) if weight.ndim == 4 else one for one in weight]
    return save(_tiles(images, 8, title, True), path)


def _image_shape(
    model: Model, place: int, inputs: int, given: Sequence[int] | None
) -> tuple[int, ...] | None:
    """The shape in which so many inputs of a linear layer are an image; None when they are none."""
    if given is not None:
        shape = _checks.shape("weights", "image_shape", given)
        image = len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3))
        if not image or int(np.prod(shape)) != inputs:
            raise ValueError(
                "weights: image_shape: expected (height, width) or (1 or 3, height, width) of "
                f"{inputs} inputs, got {shape}"
            )
        return shape
    sample = model.input_shape
    if sample is not None and len(sample) == 3 and sample[0] in (1, 3) and int(np.prod(sample)) == inputs:
        return sample
    side = round(inputs**0.5)
    first = model._sources[place][0] <= INPUT
    return (side, side) if side * side == inputs and side >= 5 and first else None


def _matrix(values: Array, title: str, columns: str, rows: str, signed: bool) -> Figure:
    """A matrix as one image."""
    height = float(np.clip(0.12 * len(values) + 1.4, 2.4, 8.0))
    figure = new_figure(float(np.clip(0.12 * values.shape[1] + 2.0, 4.5, 10.0)), height)
    axes = figure.add_subplot()
    from matplotlib.ticker import MaxNLocator  # after new_figure, which says what to do where there is none

    low, high = float(values.min()), float(values.max())
    reach = max(abs(low), abs(high)) or 1.0
    options = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach} if signed else {"cmap": "viridis"}
    image = axes.imshow(values, aspect="auto", interpolation="nearest", **options)
    figure.colorbar(image, ax=axes)
    axes.set(xlabel=columns, ylabel=rows)
    axes.set_title(title, fontsize=11)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    return figure


def activations(
    model: Model,
    x: ArrayLike,
    layer: int | str | Layer,
    path: Path | None = None,
    *,
    limit: int = 64,
) -> Figure:
    """What a layer makes of samples, dropout off.

    Of images the channels of the first sample, side by side; of signals a row a channel; of anything else a
    matrix, a row a sample.

    Parameters
    ----------
    model : Model
    x : array (n, *input_shape)
        A list of arrays for several inputs.
    layer : int, str or Layer
        Its index, its key in `state_dict`, or itself.
    path : path, optional
        Where to save the figure.
    limit : int, default 64
        At most so many channels, or samples.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    TypeError, ValueError
        If the samples do not fit, or there is no such layer.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.Conv2d(1, 6, 3), nf.ReLU(), input_shape=(1, 8, 8), seed=0)
    >>> figure = activations(model, np.ones((1, 1, 8, 8)), layer=1)
    >>> len([axes for axes in figure.axes if axes.images])
    6
    """
    limit = _checks.integer("activations", "limit", limit, 1)
    place = model._place("activations", "layer", layer)
    samples = model._samples("activations", x)
    first = samples[0] if isinstance(samples, list) else samples
    if len(first) == 0:
        raise ValueError("activations: x: expected at least one sample, got none")
    output = np.asarray(outputs_of(model, place, samples))
    title = f"{_title(model, place)}: output {dims(output.shape[1:])}"
    signed = bool((output < 0).any())
    if output.ndim == 4:
        count = min(limit, output.shape[1])
        title += f", the first {count}" if count < output.shape[1] else ""
        return save(_tiles(list(output[0, :count]), 8, title, signed), path)
    if output.ndim == 3:
        return save(_matrix(output[0, :limit], title, "position", "channel", signed), path)
    return save(
        _matrix(output[:limit].reshape(min(limit, len(output)), -1), title, "unit", "sample", signed), path
    )


def outputs_of(model: Model, place: int, samples: Any) -> Array:
    """The output of that layer, by a network of the layers it depends on."""
    wired, ends = _wiring.leading_to(model._wired(), [place])
    output: Array = model._made_of(wired, ends, None, "activations").predict(samples)
    return output
