"""Fine-tuning: what of a trained network is trained on, and new networks made of its parts.

What this is: freezing up to a layer, replacing and adding layers, and weights loaded by name.
What this is not: `trainable` and `lr_scale` of a single layer (`nnfast.layers.base`), or the files
(`nnfast._io`).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnfast import _checks, _wiring
from nnfast._network import Network
from nnfast._wiring import INPUT, Residual, Wired
from nnfast.layers import Layer

if TYPE_CHECKING:
    from nnfast._io import WeightsReport
    from nnfast.model import Model


class Transfer(Network):
    """Base of `nnfast.Model`, which documents the attributes."""

    # ---------------------------------------------------------------- which layer

    def _place(self, owner: str, name: str, which: Layer | str | int) -> int:
        """The index of a layer that is named by itself, by its key, or by its index."""
        if isinstance(which, Layer):
            for i, layer in enumerate(self.layers):
                if layer is which:
                    return i
            raise ValueError(f"{owner}: {name}: expected a layer of this model, got {which!r}")
        if isinstance(which, str):
            if which not in self._keys:
                raise ValueError(f"{owner}: {name}: expected one of {', '.join(self._keys)}, got {which!r}")
            return self._keys.index(which)
        count = len(self.layers)
        return _checks.integer(owner, name, which, -count, count - 1) % count

    # ---------------------------------------------------------------- what is trained

    def freeze(self, until: Layer | str | int | None = None) -> None:
        """Freeze the layers before `until`, or all: training leaves them as they are, at no backward's cost.

        Parameters
        ----------
        until : Layer, str or int, optional
            The first layer, in the order of `layers`, that is not frozen by this: itself, its key in
            `state_dict`, or its index; -1 freezes all but the last. All are frozen when left out.

        Raises
        ------
        TypeError, ValueError
            If there is no such layer.

        See Also
        --------
        Layer : `trainable`, which this sets, says what a frozen layer does.

        Examples
        --------
        >>> import nnfast as nf
        >>> model = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 3, name="head"), seed=0)
        >>> model.freeze(until="head")
        >>> [layer.trainable for layer in model.layers]
        [False, False, True]
        """
        end = len(self.layers) if until is None else self._place("freeze", "until", until)
        for layer in self.layers[:end]:
            layer.trainable = False

    def unfreeze(self, since: Layer | str | int | None = None) -> None:
        """Train the layers from `since` on again, or all of them.

        Parameters
        ----------
        since : Layer, str or int, optional
            The first layer that is trained again, named as in `freeze`; those before it stay as they are.
            -2 is the last two: step by step this is gradual unfreezing (Howard, Ruder, "Universal language
            model fine-tuning for text classification", ACL 2018).

        Raises
        ------
        TypeError, ValueError
            If there is no such layer.

        Examples
        --------
        >>> import nnfast as nf
        >>> model = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 3), seed=0)
        >>> model.freeze()
        >>> model.unfreeze(since=-1)
        >>> [layer.trainable for layer in model.layers]
        [False, False, True]
        """
        first = 0 if since is None else self._place("unfreeze", "since", since)
        for layer in self.layers[first:]:
            layer.trainable = True

    def _warn_if_all_frozen(self, owner: str) -> None:
        with_arrays = [layer for layer in self.layers if layer._views]
        if with_arrays and not any(layer.trainable for layer in with_arrays):
            warnings.warn(f"{owner}: all layers are frozen: nothing is trained", UserWarning, stacklevel=3)

    # ---------------------------------------------------------------- networks made of this one

    def _made_of(self, wired: Sequence[Wired], outputs: Sequence[int], seed: int | None, owner: str) -> Model:
        """A network of these layers with this one's inputs, dtype and, unless another is given, seed."""
        from nnfast.model import Model
        from nnfast.sequential import Sequential

        kind: type[Model] = Sequential if isinstance(self, Sequential) else Model
        shape = self._input_shape
        shapes = shape if shape is not None and self._num_inputs > 1 else None if shape is None else (shape,)
        made = kind.__new__(kind)
        Network.__init__(
            made,
            wired,
            shapes,
            self.dtype,
            self.seed if seed is None else _checks.seed(owner, seed),
            self.name,
            outputs,
        )
        made._input_names = list(self._input_names)
        return made

    def _wired(self) -> list[Wired]:
        return [
            Wired(key, layer, tuple(sources))
            for key, layer, sources in zip(self._keys, self.layers, self._sources, strict=True)
        ]

    def _output_places(self) -> list[int]:
        return [i % len(self.layers) for i in self._outputs]

    def replace(self, layer: Layer | str | int, *layers: Layer | Residual, seed: int | None = None) -> Model:
        """A new model with other layers in the place of one; all others come with their weights.

        Parameters
        ----------
        layer : Layer, str or int
            The one to be replaced: itself, its key in `state_dict`, or its index.
        *layers : Layer or Residual
            In order what stands in its place; nothing at all removes it. A single one has the old one's key
            unless it has a name; several have keys below it: "4.0", "4.1".
        seed : int, optional
            Of the new model: decides the new layers' initial weights. This model's when left out.

        Returns
        -------
        Model or Sequential
            Of the same dtype, not compiled. This model stays as it is: the new one has copies
            (`Layer.copy`), also of `trainable` and `lr_scale`.

        Raises
        ------
        TypeError, ValueError
            If there is no such layer, or the shapes do not fit.

        Notes
        -----
        The same by hand, for any combination of trained and new layers, in `Sequential` or as a graph:
        ``nf.Sequential(*[layer.copy() for layer in model.layers[:-1]], nf.Linear(out_features=5))``.

        Examples
        --------
        >>> import nnfast as nf
        >>> model = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 3), seed=0)
        >>> other = model.replace(-1, nf.Linear(8, 5))
        >>> other.freeze(until=-1)
        >>> other.compile("adam", "cross_entropy")
        >>> other.output_shape
        (5,)
        """
        at = self._place("replace", "layer", layer)
        given = _wiring.as_list(layers)
        made, outputs = _wiring.replaced("replace", self._wired(), at, given, self._output_places())
        return self._made_of(made, outputs, seed, "replace")

    def append(self, *layers: Layer | Residual, seed: int | None = None) -> Model:
        """A new model with more layers after the output; this one's layers come with their weights.

        Parameters
        ----------
        *layers : Layer or Residual
        seed : int, optional
            As for `replace`.

        Returns
        -------
        Model or Sequential
            As for `replace`.

        Raises
        ------
        TypeError, ValueError
            If the model has several outputs, or the shapes do not fit.

        Examples
        --------
        >>> import nnfast as nf
        >>> model = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 3), seed=0)
        >>> list(model.append(nf.Tanh(), nf.Linear(3, 2)).state_dict())[-1]
        '4.bias'
        """
        places = self._output_places()
        if len(places) > 1:
            raise ValueError(f"append: layers: expected a model of one output, this one has {len(places)}")
        given = _wiring.as_list(layers)
        if not given:
            raise ValueError("append: layers: expected at least one layer, got none")
        made, outputs = _wiring.appended("append", self._wired(), given, places[0])
        return self._made_of(made, outputs, seed, "append")

    def truncate(self, until: Layer | str | int) -> Model:
        """A new model of the layers before `until`, with their weights: a trunk, or the features it computes.

        Parameters
        ----------
        until : Layer, str or int
            The first layer that is cut off, named as in `freeze`. What it reads is the new model's output;
            what that does not depend on is cut off, too.

        Returns
        -------
        Model or Sequential
            As for `replace`.

        Raises
        ------
        TypeError, ValueError
            If there is no such layer, or nothing is left.

        Examples
        --------
        >>> import numpy as np, nnfast as nf
        >>> model = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 3), seed=0)
        >>> model.truncate(until=-1).predict(np.ones((2, 4))).shape
        (2, 8)
        """
        at = self._place("truncate", "until", until)
        ends = list(dict.fromkeys(self._sources[at]))
        if any(i <= INPUT for i in ends):
            raise ValueError(
                f"truncate: until: expected a layer to remain before {self._keys[at]!r}, got none"
            )
        made, outputs = _wiring.leading_to(self._wired(), ends)
        return self._made_of(made, outputs, None, "truncate")

    # ---------------------------------------------------------------- weights by name

    def load_weights(self, path: str | os.PathLike[str], strict: bool = True) -> WeightsReport:
        """Set parameters from a file, by name.

        Parameters
        ----------
        path : str or path
            Of `save`, or any other safetensors file: PyTorch's ``save_file(model.state_dict(), path)`` too.
        strict : bool
            Whether all names and shapes have to be those of `state_dict`. If not, what fits is loaded, and
            everything else stays as it is.

        Returns
        -------
        WeightsReport
            What was `loaded`; what is `missing` in the file, `unexpected` in it, or of another shape
            (`mismatched`).

        Raises
        ------
        ValueError
            If the file is damaged or none of this format, or with `strict` if not everything fits; nothing
            is changed then.
        OSError
            If it cannot be read.

        Notes
        -----
        Weights alone: a file's layers, optimizer and counters are for `nnfast.load`.

        Examples
        --------
        >>> import os, tempfile, nnfast as nf
        >>> trained = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 3), seed=0)
        >>> model = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 5), seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     trained.save(os.path.join(folder, "trained.safetensors"))
        ...     report = model.load_weights(os.path.join(folder, "trained.safetensors"), strict=False)
        >>> report
        WeightsReport(loaded=2 of 4)
          loaded: 0.weight, 0.bias
          another shape: 2.weight (5, 8), file (3, 8); 2.bias (5,), file (3,)
        """
        from nnfast import _io  # it makes models, so it comes after them

        return _io.load_weights(self, path, _checks.flag("load_weights", "strict", strict))
