"""What users give `fit`, `evaluate` and `train_batch`: made `Data` or a `Stream`, or refused by name.

What this is: the part of `nnfast.Model` between their arguments and the loops.
What this is not: the checks of single arrays (`nnfast._arrays`), or the loops (`nnfast._fit`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from nnfast import _arrays, _weights
from nnfast._by_hand import ByHand
from nnfast._samples import Data, check_batches, split_off
from nnfast._stream import Place, Stream, is_stream


class Given(ByHand):
    """Base of `nnfast.Model`, which documents the attributes."""

    def _data(
        self,
        owner: str,
        x: Any,
        y: Any,
        names: tuple[str, str] = ("x", "y"),
        sample_weight: Any = None,
        class_weight: Any = None,
    ) -> Data:
        """Checked samples, targets and weights."""
        if not self._task.losses:
            raise ValueError(f"{owner}: the model has no loss: call compile(loss=...) first")
        with self._all_or_nothing():
            samples = self._samples(owner, x, names[0])
            if isinstance(y, Mapping):
                y = _arrays.by_name(owner, names[1], y, self._output_names)
            first = samples[0] if self._num_inputs > 1 else samples
            if not self._task.several:
                loss, shape = self._task.losses[0], self._output_shapes[0]
                targets = _arrays.as_targets(owner, names[1], y, loss, shape, self.dtype)
                _arrays.check_lengths(owner, names[0], first, names[1], targets)
                weights = _weights.combined(owner, sample_weight, class_weight, targets, loss, shape)
                return Data(samples, targets, weights)
            if class_weight is not None:
                raise ValueError(f"{owner}: class_weight: expected None for a model of several outputs")
            if isinstance(sample_weight, Mapping):
                sample_weight = _arrays.by_name(owner, "sample_weight", sample_weight, self._output_names)
            given, each = _arrays.as_list(owner, names[1], y, len(self._outputs), "an output"), []
            for i, (loss, shape) in enumerate(zip(self._task.losses, self._output_shapes, strict=True)):
                name = f"{names[1]}[{i}]"
                each.append(_arrays.as_targets(owner, name, given[i], loss, shape, self.dtype))
                _arrays.check_lengths(owner, names[0], first, name, each[i])
            return Data(samples, each, _weights.of_outputs(owner, sample_weight, len(first), len(each)))

    def _data_or_stream(
        self,
        owner: str,
        x: Any,
        y: Any,
        steps: int | None,
        epochs: int,
        sample_weight: ArrayLike | None = None,
        class_weight: Any = None,
        prefetch: int | None = None,
        place: Place | None = None,
        begun: int = 0,
    ) -> Data | Stream:
        """Checked arrays, or the iterable that yields batches, its first one checked."""
        if is_stream(x, y):
            for name, value in (("sample_weight", sample_weight), ("class_weight", class_weight)):
                if value is not None:
                    raise ValueError(
                        f"{owner}: {name}: expected None with an iterable, whose batches may be "
                        "(x, y, sample_weight)"
                    )
            stream = Stream(self, owner, "x", x, steps, epochs, prefetch)
            if not self._task.losses:
                raise ValueError(f"{owner}: the model has no loss: call compile(loss=...) first")
            stream.start(place, begun)
            return stream
        if y is None and isinstance(x, list) and x and all(isinstance(batch, tuple) for batch in x):
            sizes = sorted({len(batch) for batch in x})
            raise TypeError(
                f"{owner}: x: expected batches (x, y) or (x, y, sample_weight), got tuples of "
                f"{' and '.join(map(str, sizes))} values"
            )
        if y is None:
            raise TypeError(
                f"{owner}: y: expected targets beside the samples x, or as x alone an iterable of batches "
                f"(x, y), got None and {type(x).__name__}"
            )
        return self._data(owner, x, y, ("x", "y"), sample_weight, class_weight)

    def _fit_data(
        self,
        training: tuple[Any, Any, Any, Any],
        held_out: tuple[Any, float],
        batch: int,
        steps: int | None,
        epochs: int,
        prefetch: int | None,
        places: Sequence[Place | None],
        begun: int,
    ) -> tuple[Data | Stream, Data | Stream | None]:
        """The data to train on (x, y, sample_weight, class_weight), and those held out: given or a share.

        `places` are where iterables stand, and `begun` how many batches of the epoch are done.
        """
        x, y, sample_weight, class_weight = training
        given, share = held_out
        validation: Data | Stream | None = None
        with self._all_or_nothing():
            weights = sample_weight, class_weight
            data = self._data_or_stream("fit", x, y, steps, epochs, *weights, prefetch, places[0], begun)
            self._need_optimizer("fit")
            if given is not None:
                validation = self._validation_data(given, epochs, prefetch, places[1])
            elif share > 0:
                if isinstance(data, Stream):
                    raise ValueError("fit: validation_split: expected arrays to split, got an iterable")
                data, validation = split_off(data, share)
            if isinstance(data, Data) and epochs > 0:
                check_batches(self, len(data), batch, steps)
        return data, validation

    def _validation_data(
        self, given: Any, epochs: int, prefetch: int | None, place: Place | None
    ) -> Data | Stream:
        batches = is_stream(given, None) and not (isinstance(given, list) and self._num_inputs > 1)
        if isinstance(given, (tuple, list)) and len(given) in (2, 3) and not batches:
            weights = given[2] if len(given) == 3 else None
            return self._data(
                "fit", given[0], given[1], ("validation_data[0]", "validation_data[1]"), weights
            )
        if not is_stream(given, None):
            got = type(given).__name__
            got += f" of {len(given)} values" if isinstance(given, (tuple, list)) else ""
            raise TypeError(
                "fit: validation_data: expected (x, y), (x, y, sample_weight) or an iterable of batches, "
                f"got {got}"
            )
        stream = Stream(self, "fit", "validation_data", given, None, epochs, prefetch)
        stream.start(place)
        return stream
