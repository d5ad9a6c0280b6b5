"""Normalising layers: over the batch, groups of channels or last axes, and of the inputs by constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast import _checks
from nnfast.layers.base import ParameterLayer

Array = NDArray[Any]


class _Norm(ParameterLayer):
    """Weight 1 and bias 0 where there are any; views of the arrays that are not trained."""

    def __init__(
        self,
        eps: float,
        affine: str,
        has_affine: bool,
        has_bias: bool,
        name: str | None,
        l1: float,
        l2: float,
    ) -> None:
        super().__init__(has_bias, None, None, name, l1, l2)
        self.eps = _checks.real(self._kind, "eps", eps, low=0.0)
        self.has_weight = _checks.flag(self._kind, affine, has_affine)
        self.has_bias = self.has_bias and self.has_weight

    def _initialize(self, params: dict[str, Array], rng: np.random.Generator) -> None:
        for name, view in params.items():
            view[...] = 1 if name in ("weight", "running_var") else 0

    @property
    def weight(self) -> Array:
        """The weight: a live, writable view."""
        if not self.has_weight:
            raise AttributeError(f"{self._kind}: weight: the layer was made without one")
        return self._view("weight")

    @weight.setter
    def weight(self, value: ArrayLike) -> None:
        if not self.has_weight:
            raise AttributeError(f"{self._kind}: weight: the layer was made without one")
        self._assign("weight", value)


def _take_channels(given: int | None, option: str, shape: tuple[int, ...]) -> int:
    if given is not None and given != shape[0]:
        raise ValueError(f"{option}: expected {shape[0]}, the channels of its input {shape}, got {given}")
    return shape[0]


class _BatchNorm(_Norm):
    """What BatchNorm1d and BatchNorm2d share."""

    _op = "batch_norm"
    _dims: tuple[int, ...]  # of a sample

    def __init__(
        self,
        num_features: int | None = None,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        l1: float = 0.0,
        l2: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(eps, "affine", affine, True, name, l1, l2)
        kind = self._kind
        self.num_features = (
            None if num_features is None else _checks.integer(kind, "num_features", num_features, 1)
        )
        self.momentum = (
            None if momentum is None else _checks.real(kind, "momentum", momentum, low=0.0, high=1.0)
        )
        self.track_running_stats = _checks.flag(kind, "track_running_stats", track_running_stats)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {
            "eps": self.eps,
            "momentum": 0.0 if self.momentum is None else self.momentum,
            "cumulative": int(self.momentum is None),
            "affine": int(self.has_weight),
            "track_running_stats": int(self.track_running_stats),
        }

    def _check_input(self, shape: tuple[int, ...]) -> None:
        if len(shape) not in self._dims:
            wanted = {(1, 2): "(features,) or (channels, length)", (3,): "(channels, height, width)"}[
                self._dims
            ]
            raise ValueError(f"input: expected samples {wanted}, got samples of shape {shape}")
        self.num_features = _take_channels(self.num_features, "num_features", shape)

    def _least_batch(self, shape: tuple[int, ...]) -> int:
        return 2 if math.prod(shape[1:]) == 1 else 1  # one value has no variance

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [
            ("num_features", self.num_features, None),
            ("eps", self.eps, 1e-5),
            ("momentum", self.momentum, 0.1),
            ("affine", self.has_weight, True),
            ("track_running_stats", self.track_running_stats, True),
            ("l1", self.l1, 0.0),
            ("l2", self.l2, 0.0),
        ]

    def _statistic(self, which: str) -> Array | None:
        return self._view(which) if self.track_running_stats else None

    @property
    def running_mean(self) -> Array | None:
        """The running mean: a live, writable view; None with track_running_stats=False."""
        return self._statistic("running_mean")

    @property
    def running_var(self) -> Array | None:
        """The running, unbiased variance: a live, writable view; None with track_running_stats=False."""
        return self._statistic("running_var")

    @property
    def num_batches_tracked(self) -> Array | None:
        """Training batches seen, in the model's dtype; None with track_running_stats=False."""
        return self._statistic("num_batches_tracked")


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of features (n, c) or sequences (n, c, length) (Ioffe, Szegedy 2015).

    y = (x - mean) / sqrt(variance + eps) * weight + bias, with the batch's own moments of each channel
    while training and the running ones otherwise.

    Parameters
    ----------
    num_features : int, optional
        c; left out, taken from the layer before or from the data.
    eps : float
        Added to the variance.
    momentum : float in [0, 1] or None
        Weight of a batch in the running statistics; None: the plain mean over all batches.
    affine : bool
        Whether weight and bias are there; they start at 1 and 0.
    track_running_stats : bool
        Without it the batch's own moments are used outside training, too.
    l1, l2 : float >= 0
        l1 * sum |w| + l2 * sum w^2 over the weight is added to the loss.
    name : str, optional
        Stands for the layer's number in `state_dict`.

    Attributes
    ----------
    weight, bias : arrays (c,)
    running_mean, running_var, num_batches_tracked : arrays (c,), (c,), ()
        Not trained, but part of `state_dict`. They move at every training step, but for one that is
        refused because its loss is not finite.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range; while training, for a batch with one value a channel.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.Linear(4, 8, bias=False), nf.BatchNorm1d(8), nf.ReLU(), seed=0)
    >>> [name for name in model.state_dict() if name.startswith("1")]
    ['1.weight', '1.bias', '1.running_mean', '1.running_var', '1.num_batches_tracked']
    """

    _dims = (1, 2)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images (n, channels, height, width) (Ioffe, Szegedy 2015).

    Parameters
    ----------
    num_features : int, optional
        Channels; left out, taken from the layer before or from the data.
    eps, momentum, affine, track_running_stats, l1, l2, name
        As for `BatchNorm1d`.

    Attributes
    ----------
    weight, bias : arrays (channels,)
    running_mean, running_var, num_batches_tracked : arrays (channels,), (channels,), ()

    Raises
    ------
    TypeError, ValueError
        As for `BatchNorm1d`.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.Conv2d(1, 4, 3), nf.BatchNorm2d(), input_shape=(1, 8, 8))
    >>> model.layers[1]
    BatchNorm2d(num_features=4)
    """

    _dims = (3,)


class LayerNorm(_Norm):
    """Layer normalisation over the last axes of each sample (Ba, Kiros, Hinton 2016).

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The sizes of those axes.
    eps : float
        Added to the variance.
    elementwise_affine : bool
        Whether weight and bias are there; they start at 1 and 0.
    bias : bool
        Whether the bias is.
    l1, l2 : float >= 0
        l1 * sum |w| + l2 * sum w^2 over the weight is added to the loss.
    name : str, optional
        Stands for the layer's number in `state_dict`.

    Attributes
    ----------
    weight, bias : arrays of normalized_shape

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range, and for inputs of another shape.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.LayerNorm(2, eps=0), input_shape=2).predict([[1.0, 3.0]])
    array([[-1.,  1.]], dtype=float32)
    """

    _op = "layer_norm"

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        l1: float = 0.0,
        l2: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(eps, "elementwise_affine", elementwise_affine, bias, name, l1, l2)
        self.normalized_shape = _checks.shape("LayerNorm", "normalized_shape", normalized_shape)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {
            "axes": len(self.normalized_shape),
            "eps": self.eps,
            "elementwise_affine": int(self.has_weight),
            "bias": int(self.has_bias),
        }

    def _check_input(self, shape: tuple[int, ...]) -> None:
        if shape[-len(self.normalized_shape) :] != self.normalized_shape:
            raise ValueError(
                f"normalized_shape: expected the last axes of its input {shape}, got {self.normalized_shape}"
            )

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [
            ("normalized_shape", self.normalized_shape, ...),
            ("eps", self.eps, 1e-5),
            ("elementwise_affine", self.has_weight, True),
            ("bias", self.has_bias or not self.has_weight, True),
            ("l1", self.l1, 0.0),
            ("l2", self.l2, 0.0),
        ]


class GroupNorm(_Norm):
    """Group normalisation: moments of each sample's groups of channels (Wu, He 2018).

    Parameters
    ----------
    num_groups : int
        A divisor of the channels: 1 normalises a sample as a whole, num_channels each channel alone.
    num_channels : int, optional
        Left out, taken from the layer before or from the data.
    eps : float
        Added to the variance.
    affine : bool
        Whether weight and bias are there; they start at 1 and 0.
    l1, l2 : float >= 0
        l1 * sum |w| + l2 * sum w^2 over the weight is added to the loss.
    name : str, optional
        Stands for the layer's number in `state_dict`.

    Attributes
    ----------
    weight, bias : arrays (num_channels,)

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.GroupNorm(2, 4, eps=0), input_shape=4).predict([[1.0, 3.0, 10.0, 30.0]])
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    _op = "group_norm"

    def __init__(
        self,
        num_groups: int,
        num_channels: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        l1: float = 0.0,
        l2: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(eps, "affine", affine, True, name, l1, l2)
        self.num_groups = _checks.integer("GroupNorm", "num_groups", num_groups, 1)
        self.num_channels = (
            None if num_channels is None else _checks.integer("GroupNorm", "num_channels", num_channels, 1)
        )
        if self.num_channels is not None and self.num_channels % self.num_groups:
            raise ValueError(
                f"GroupNorm: num_groups: expected a divisor of the {num_channels} channels, got {num_groups}"
            )

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"num_groups": self.num_groups, "eps": self.eps, "affine": int(self.has_weight)}

    def _check_input(self, shape: tuple[int, ...]) -> None:
        self.num_channels = _take_channels(self.num_channels, "num_channels", shape)

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [
            ("num_groups", self.num_groups, ...),
            ("num_channels", self.num_channels, None),
            ("eps", self.eps, 1e-5),
            ("affine", self.has_weight, True),
            ("l1", self.l1, 0.0),
            ("l2", self.l2, 0.0),
        ]


class Normalize(ParameterLayer):
    """(x - mean) / std with constants a feature or channel: for the inputs, on the fly.

    As the first layer it scales images of uint8 batch by batch: no float copy of the data set is made.

    Parameters
    ----------
    mean : float or sequence of float
        One number for all, or one a feature (features,) or channel (channels, ...).
    std : float or sequence of float
        Above 0.
    name : str, optional
        Stands for the layer's number in `state_dict`.

    Attributes
    ----------
    mean, std : arrays (features or channels,)
        Not trained, but part of `state_dict`.

    Raises
    ------
    TypeError, ValueError
        For numbers that are not finite, a std not above 0, and lengths that do not fit.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> pixels = np.array([[[[0, 255]]]], np.uint8)
    >>> nf.Sequential(nf.Normalize(127.5, 127.5), input_shape=(1, 1, 2)).predict(pixels)
    array([[[[-1.,  1.]]]], dtype=float32)
    """

    _op = "normalize"

    def __init__(self, mean: ArrayLike = 0.0, std: ArrayLike = 1.0, *, name: str | None = None) -> None:
        super().__init__(False, None, None, name)
        self._mean, self._std = self._constants("mean", mean), self._constants("std", std)
        if not (self._std > 0).all():
            raise ValueError(f"Normalize: std: expected numbers above 0, got {self._std.min()}")
        if self._mean.ndim and self._std.ndim and len(self._mean) != len(self._std):
            raise ValueError(
                f"Normalize: std: expected {len(self._mean)} numbers like mean, got {len(self._std)}"
            )

    @staticmethod
    def _constants(option: str, value: ArrayLike) -> NDArray[np.float64]:
        array = np.asarray(value)
        if array.dtype.kind not in "fiu":
            raise TypeError(f"Normalize: {option}: expected numbers, got dtype {array.dtype}")
        if array.ndim > 1 or array.size == 0:
            raise ValueError(
                f"Normalize: {option}: expected one number or a sequence, got shape {array.shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"Normalize: {option}: expected finite numbers, got {array}")
        return array.astype(np.float64)

    def _check_input(self, shape: tuple[int, ...]) -> None:
        for option, array in (("mean", self._mean), ("std", self._std)):
            if array.ndim and len(array) != shape[0]:
                raise ValueError(
                    f"{option}: expected 1 or {shape[0]} numbers for samples {shape}, got {len(array)}"
                )

    def _initialize(self, params: dict[str, Array], rng: np.random.Generator) -> None:
        params["mean"][...] = self._mean
        params["std"][...] = self._std

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("mean", self._mean.tolist(), ...), ("std", self._std.tolist(), ...)]

    @property
    def mean(self) -> Array:
        """The means: a live view once the model is built."""
        return self._view("mean")

    @property
    def std(self) -> Array:
        """The standard deviations: a live view once the model is built."""
        return self._view("std")
