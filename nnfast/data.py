"""Getting data ready: splits, one-hot targets, standardization, mini-batches. NumPy alone.

What this is: functions of arrays, in memory or mapped from a file, before a model sees them.
What this is not: reading files (`nnfast.datasets`) or the loop that trains on batches (`nnfast.Model.fit`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nnfast import _checks
from nnfast._order import shuffled

__all__ = ["Batches", "Standardizer", "one_hot", "split"]

ROWS = 2**20  # numbers of a memory-mapped array that are looked at together


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
    if array.size and array.min() < 0:
        raise ValueError(f"one_hot: labels: expected labels of 0 and more, got {array.min()}")
    if classes is None:
        count = int(array.max(initial=-1)) + 1
    else:
        count = _checks.integer("one_hot", "classes", classes, 1)
    if array.size and array.max() >= count:
        raise ValueError(f"one_hot: labels: expected 0..{count - 1}, got {array[array >= count][0]}")
    rows = np.zeros((len(array), count), dtype)
    rows[np.arange(len(array)), array] = 1
    return rows


def split(
    x: ArrayLike,
    y: ArrayLike,
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
    *,
    seed: int | None = None,
    stratify: bool | ArrayLike | None = False,
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Shuffle samples and cut them into parts, for training, validation and test.

    Parameters
    ----------
    x, y : arrays of n samples
    fractions : sequence of float
        Share of each part; positive, of sum 1.
    seed : int, optional
        Decides the shuffle; drawn at random when None.
    stratify : bool or array (n,), optional
        Keep the shares of the classes in every part: of `y`'s labels when True, of the labels given
        otherwise. A class needs two samples, and labels are no fractions. None is False.

    Returns
    -------
    list of (x, y)
        A pair a part. The parts' sizes are the fractions of n, rounded such that they add up to n. They are
        copies: what does not fit in memory is split by its indices, ``split(np.arange(n), y)``, which
        `Batches` takes.

    Raises
    ------
    TypeError, ValueError
        If the lengths differ, the fractions are no shares, a part would be empty, or there is nothing to
        stratify by.

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
    if not isinstance(fractions, (tuple, list, np.ndarray)):
        raise TypeError(f"split: fractions: expected a share for each part, as (0.8, 0.2), got {fractions!r}")
    shares = np.array([_checks.real("split", "fractions", f, low=0.0, high=1.0) for f in fractions])
    if len(shares) == 0 or (shares <= 0).any() or abs(shares.sum() - 1) > 1e-9:
        raise ValueError(f"split: fractions: expected positive shares of sum 1, got {tuple(fractions)}")
    rng = np.random.default_rng(_checks.seed("split", seed))
    order = rng.permutation(len(xs))
    stratify = False if stratify is None else stratify
    if stratify is not False:
        strata = ys if stratify is True else np.asarray(stratify)
        if strata.shape != (len(xs),):
            raise ValueError(f"split: stratify: expected one label a sample ({len(xs)},), got {strata.shape}")
        # Each sample's place within its class, as a share of the class: a cut of this order takes the same
        # share of every class. The permutation above decides who comes first in a class and breaks ties.
        if strata.dtype.kind == "f" and not (strata == np.floor(strata)).all():
            raise ValueError("split: stratify: expected a class of each sample, got continuous numbers")
        found, inverse, counts = np.unique(strata[order], return_inverse=True, return_counts=True)
        if len(counts) and counts.min() < 2:
            single = found[counts.argmin()]
            raise ValueError(
                f"split: stratify: expected at least 2 samples of each class, got 1 of {single!r}"
            )
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
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        if any(not -array.ndim <= axis < array.ndim for axis in axes):
            raise ValueError(
                f"Standardizer.fit: axis: expected axes of an array of shape {array.shape}, got {self.axis}"
            )
        if 0 in (axis % array.ndim for axis in axes):
            # In slices of samples: float64 copies of a whole data set may not fit in memory.
            rows = max(1, ROWS * len(array) // max(array.size, 1))
            slices = [array[i : i + rows] for i in range(0, len(array), rows)]
        else:
            slices = [array]
        total = sum(part.sum(axis=self.axis, dtype=np.float64, keepdims=True) for part in slices)
        count = math.prod(array.shape[axis] for axis in axes)
        # The mean of equal numbers need not round to them: a constant feature is known by its extremes.
        low, high = (
            extreme([extreme(part, axis=self.axis, keepdims=True) for part in slices], axis=0)
            for extreme in (np.min, np.max)
        )
        constant = low == high
        self.mean = np.where(constant, low.astype(np.float64), total / count)
        squares = sum(np.square(part - self.mean).sum(axis=self.axis, keepdims=True) for part in slices)
        std = np.sqrt(np.asarray(squares) / count)
        self.std = np.where(constant | (std == 0), 1.0, std)
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


def several(given: Any) -> bool:
    """Whether this is a list of arrays, one an input or output, and not one array written as a list."""
    return isinstance(given, (list, tuple)) and bool(given) and all(isinstance(a, np.ndarray) for a in given)


def _form(given: Any) -> list[Any] | None:
    """How `given` holds its arrays: by these keys of a dict, in a list ([]), or as the only one (None)."""
    if isinstance(given, Mapping):
        return list(given)
    return [] if several(given) else None


def _put_together(arrays: list[NDArray[Any]], form: list[Any] | None) -> Any:
    if form is None:
        return arrays[0]
    return dict(zip(form, arrays, strict=True)) if form else arrays


class Batches:
    """Mini-batches of arrays, in a new order each time they are gone through: what `Model.fit` takes as `x`.

    Parameters
    ----------
    x : array (n, ...), or list or dict of such arrays
        Samples. A `numpy.memmap` is read a batch at a time.
    y : array (n, ...), or list or dict of such arrays
        Targets.
    batch_size : int
    shuffle : bool
        Whether each pass takes the samples in a new order; the orders are those of `fit` with the same seed.
    drop_last : bool
        Leave out a last batch that is not full.
    seed : int, optional
        Decides the orders and what `transform` draws; drawn at random when None.
    indices : integer array, optional
        Samples to take, such as a part of `split`; all when None.
    transform : callable (x, y, rng) -> (x, y), optional
        Applied to each batch, which it may change in place: augmentation, scaling. `rng` is a
        `numpy.random.Generator` that follows from the seed and the number of the pass.

    Raises
    ------
    TypeError, ValueError
        If the arrays hold different numbers of samples or none, or an option does not fit.

    Attributes
    ----------
    passes : int
        The number of the next pass, which its order and what `transform` draws follow from. A `fit` that is
        continued (`initial_epoch`) sets it.

    Notes
    -----
    Goodfellow, Bengio, Courville: "Deep Learning", 2016, section 8.1.3.

    Examples
    --------
    >>> import numpy as np
    >>> batches = Batches(np.arange(5), np.arange(5) * 2, batch_size=2, shuffle=False)
    >>> [x.tolist() for x, y in batches]
    [[0, 1], [2, 3], [4]]
    >>> len(batches)
    3
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        batch_size: int = 32,
        *,
        shuffle: bool = True,
        drop_last: bool = False,
        seed: int | None = None,
        indices: ArrayLike | None = None,
        transform: Callable[[Any, Any, np.random.Generator], tuple[Any, Any]] | None = None,
    ) -> None:
        self.batch_size = _checks.integer("Batches", "batch_size", batch_size, 1)
        self.shuffle = _checks.flag("Batches", "shuffle", shuffle)
        self.drop_last = _checks.flag("Batches", "drop_last", drop_last)
        self.seed = _checks.seed("Batches", seed)
        if transform is not None and not callable(transform):
            raise TypeError(f"Batches: transform: expected a callable or None, got {transform!r}")
        self.transform = transform
        self._forms = _form(x), _form(y)
        self._x, self._y = self._arrays("x", x), self._arrays("y", y)
        everything = [*self._x, *self._y]
        count = len(everything[0])
        for array in everything:
            if len(array) != count:
                sizes = [len(array) for array in everything]
                raise ValueError(f"Batches: y: expected as many samples in all arrays, got {sizes}")
        self._indices = None if indices is None else np.asarray(indices)
        if self._indices is not None:
            chosen = self._indices
            if chosen.ndim != 1 or (chosen.dtype.kind not in "iu" and chosen.size):
                raise TypeError(
                    f"Batches: indices: expected integers (m,), got {chosen.dtype} of shape {chosen.shape}"
                )
            if chosen.size and (chosen.min() < 0 or chosen.max() >= count):
                raise ValueError(
                    f"Batches: indices: expected 0..{count - 1}, got {chosen.min()}..{chosen.max()}"
                )
            count = len(chosen)
        if count == 0:
            raise ValueError("Batches: x: expected at least one sample, got none")
        self._count = count
        if len(self) == 0:
            raise ValueError(
                f"Batches: batch_size: expected at most {count}, the number of samples, with drop_last, "
                f"got {batch_size}"
            )
        self.passes = 0

    @staticmethod
    def _arrays(name: str, given: Any) -> list[NDArray[Any]]:
        listed = given.values() if isinstance(given, Mapping) else given if several(given) else [given]
        arrays = [np.asarray(part) for part in listed]
        for array in arrays:
            if array.ndim == 0:
                raise ValueError(f"Batches: {name}: expected samples along the first axis, got a number")
        return arrays

    def __len__(self) -> int:
        """Batches in a pass."""
        return self._count // self.batch_size if self.drop_last else -(-self._count // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return self._pass()

    def _pass(self, begin: int = 0) -> Iterator[tuple[Any, Any]]:
        """A pass from batch `begin` on. What `transform` draws for those before is drawn all the same."""
        number, self.passes = self.passes, self.passes + 1
        order = shuffled(self.seed, number, self._count) if self.shuffle else None
        rng = np.random.default_rng([self.seed, 2, number])
        for step in range(begin if self.transform is None else 0, len(self)):
            first, end = step * self.batch_size, min((step + 1) * self.batch_size, self._count)
            rows = np.arange(first, end) if order is None else order[first:end]
            if self._indices is not None:
                rows = self._indices[rows]
            parts = [[array[rows] for array in arrays] for arrays in (self._x, self._y)]
            x, y = (_put_together(part, form) for part, form in zip(parts, self._forms, strict=True))
            made = (x, y) if self.transform is None else self.transform(x, y, rng)
            if step >= begin:
                yield made

    def __repr__(self) -> str:
        return f"Batches({self._count} samples, batch_size={self.batch_size})"
