"""Getting data ready: splits, one-hot targets, standardization. NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nnfast import _checks

__all__ = ["Standardizer", "one_hot", "split"]


def one_hot(labels: ArrayLike, classes: int | None = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Rows of zeros with a one at each label.

    Parameters
    ----------
    labels : integer array (n,)
    classes : int, optional
        Length of a row; one more than the largest label when None.
    dtype : dtype
        Of the result.

    Returns
    -------
    array (n, classes)

    Raises
    ------
    TypeError
        If the labels are no integers.
    ValueError
        If there is a label outside 0..classes-1, or more than one axis.

    Examples
    --------
    >>> one_hot([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    array = np.asarray(labels)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"one_hot: labels: expected integers, got dtype {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"one_hot: labels: expected shape (n,), got {array.shape}")
    array = array.astype(np.int64, copy=False)
    if classes is None:
        count = int(array.max(initial=-1)) + 1
    else:
        count = _checks.integer("one_hot", "classes", classes, 1)
    if array.size and (array.min() < 0 or array.max() >= count):
        bad = array[(array < 0) | (array >= count)][0]
        raise ValueError(f"one_hot: labels: expected 0..{count - 1}, got {bad}")
    rows = np.zeros((len(array), count), dtype)
    rows[np.arange(len(array)), array] = 1
    return rows


def split(
    x: ArrayLike,
    y: ArrayLike,
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
    *,
    seed: int | None = None,
    stratify: bool | ArrayLike = False,
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Shuffle samples and cut them into parts, for training, validation and test.

    Parameters
    ----------
    x, y : arrays of n samples
    fractions : sequence of float
        Share of each part; positive, of sum 1.
    seed : int, optional
        Decides the shuffle; drawn at random when None.
    stratify : bool or array (n,)
        Keep the shares of the classes in every part: of `y`'s labels when True, of the labels given
        otherwise.

    Returns
    -------
    list of (x, y)
        A pair a part. The parts' sizes are the fractions of n, rounded such that they add up to n.

    Raises
    ------
    TypeError, ValueError
        If the lengths differ, the fractions are no shares, or a part would be empty.

    Examples
    --------
    >>> import numpy as np
    >>> train, test = split(np.arange(8), np.arange(8) % 2, (0.75, 0.25), seed=0, stratify=True)
    >>> sorted(test[1].tolist())
    [0, 1]
    """
    xs, ys = np.asarray(x), np.asarray(y)
    if xs.ndim == 0 or ys.ndim == 0 or len(xs) != len(ys):
        raise ValueError(f"split: y: expected as many samples as x, got shapes {xs.shape} and {ys.shape}")
    shares = np.array([_checks.real("split", "fractions", f, low=0.0, high=1.0) for f in fractions])
    if len(shares) == 0 or (shares <= 0).any() or abs(shares.sum() - 1) > 1e-9:
        raise ValueError(f"split: fractions: expected positive shares of sum 1, got {tuple(fractions)}")
    rng = np.random.default_rng(_checks.seed("split", seed))
    order = rng.permutation(len(xs))
    if stratify is not False:
        strata = ys if stratify is True else np.asarray(stratify)
        if strata.shape != (len(xs),):
            raise ValueError(f"split: stratify: expected one label a sample ({len(xs)},), got {strata.shape}")
        # Each sample's place within its class, as a share of the class: a cut of this order takes the same
        # share of every class. The permutation above decides who comes first in a class and breaks ties.
        _, inverse, counts = np.unique(strata[order], return_inverse=True, return_counts=True)
        inverse = inverse.reshape(-1)
        place = np.empty(len(order))
        for label, count in enumerate(counts):
            place[inverse == label] = (np.arange(count) + 0.5) / count
        parts_order = order[np.argsort(place, kind="stable")]
    else:
        parts_order = order
    cuts = np.rint(np.cumsum(shares)[:-1] * len(xs)).astype(int)
    parts = np.split(parts_order, cuts)
    if any(len(part) == 0 for part in parts):
        sizes = ", ".join(str(len(part)) for part in parts)
        raise ValueError(f"split: fractions: expected parts with samples in them, got sizes {sizes}")
    if stratify is not False:
        parts = [rng.permutation(part) for part in parts]
    return [(xs[part], ys[part]) for part in parts]


class Standardizer:
    """Scales features to mean 0 and standard deviation 1, as measured on the training data.

    Parameters
    ----------
    axis : int or tuple of int
        Axes to take the statistics over: 0 for one mean a feature, (0, 2, 3) for one a channel of images.

    Attributes
    ----------
    mean, std : arrays, kept with dimensions of 1
        Set by `fit`. A feature that never changes has its std set to 1.

    Raises
    ------
    TypeError, ValueError
        By the methods, not when it is made: for data that are no numbers, or do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> s = Standardizer().fit(np.array([[0.0, 5.0], [2.0, 5.0]]))
    >>> s.transform(np.array([[1.0, 5.0], [3.0, 6.0]]))
    array([[0., 0.],
           [2., 1.]])
    """

    def __init__(self, axis: int | tuple[int, ...] = 0) -> None:
        self.axis = axis
        self.mean: NDArray[Any] | None = None
        self.std: NDArray[Any] | None = None

    def fit(self, x: ArrayLike) -> Standardizer:
        """Measure mean and standard deviation (in float64); returns self.

        Raises
        ------
        TypeError, ValueError
            If x holds no numbers, or no samples.
        """
        array = self._numbers("fit", x)
        if array.ndim == 0 or array.shape[0] == 0:
            raise ValueError(f"Standardizer.fit: x: expected at least one sample, got shape {array.shape}")
        self.mean = np.asarray(array.mean(axis=self.axis, dtype=np.float64, keepdims=True))
        std = np.asarray(array.std(axis=self.axis, dtype=np.float64, keepdims=True))
        self.std = np.where(std > 0, std, 1.0)
        return self

    def transform(self, x: ArrayLike) -> NDArray[Any]:
        """(x - mean) / std; float32 stays float32, all else becomes float64.

        Raises
        ------
        ValueError
            If `fit` was not called, or the shape does not fit the statistics.
        """
        mean, std = self._statistics()
        array = self._numbers("transform", x)
        fits = array.ndim == mean.ndim and all(
            m in (1, s) for m, s in zip(mean.shape, array.shape, strict=True)
        )
        if not fits:
            raise ValueError(
                f"Standardizer.transform: x: expected a shape that fits the statistics {mean.shape}, "
                f"got {array.shape}"
            )
        dtype = np.float32 if array.dtype == np.float32 else np.float64
        return ((array - mean) / std).astype(dtype, copy=False)

    def fit_transform(self, x: ArrayLike) -> NDArray[Any]:
        """`fit` and `transform` the same data."""
        return self.fit(x).transform(x)

    def inverse_transform(self, x: ArrayLike) -> NDArray[Any]:
        """x * std + mean: back to the units of the data.

        Raises
        ------
        ValueError
            If `fit` was not called.
        """
        mean, std = self._statistics()
        array = self._numbers("inverse_transform", x)
        dtype = np.float32 if array.dtype == np.float32 else np.float64
        return (array * std + mean).astype(dtype, copy=False)

    def _statistics(self) -> tuple[NDArray[Any], NDArray[Any]]:
        if self.mean is None or self.std is None:
            raise ValueError("Standardizer: call fit on the training data first")
        return self.mean, self.std

    @staticmethod
    def _numbers(method: str, x: ArrayLike) -> NDArray[Any]:
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"Standardizer.{method}: x: expected numbers, got dtype {array.dtype}")
        return array

    def __repr__(self) -> str:
        return f"Standardizer(axis={self.axis})"
