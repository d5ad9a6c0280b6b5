"""Running and training a network batch by batch, with a loss of one's own: forward, backward, step.

What this is: the part of `nnfast.Model` for loops written by its users, and the check of samples that all
parts share. What this is not: training with a compiled loss, which is in `nnfast.model`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast import _arrays, _checks
from nnfast._csr import Csr, is_sparse
from nnfast._transfer import Transfer

Array = NDArray[Any]


class ByHand(Transfer):
    """Base of `nnfast.Model`, which documents the attributes."""

    # ---------------------------------------------------------------- checks

    def _samples(self, owner: str, x: Any, name: str = "x") -> Any:
        """`x`, or each of its arrays, checked; it decides the input shape when nothing else has."""
        if self._num_inputs > 1:
            assert self._input_shape is not None
            keys: list[Any] = list(range(self._num_inputs))
            if isinstance(x, Mapping):
                keys, x = self._input_names, _arrays.by_name(owner, name, x, self._input_names)
            given = _arrays.as_list(owner, name, x, self._num_inputs, "an input")
            arrays = []
            for key, array, shape in zip(keys, given, self._input_shape, strict=True):
                arrays.append(_arrays.as_numbers(owner, f"{name}[{key!r}]", array))
                _arrays.check_samples(owner, f"{name}[{key!r}]", arrays[-1], shape)
                if len(arrays[-1]) != len(arrays[0]):
                    raise ValueError(
                        f"{owner}: {name}[{key!r}]: expected {len(arrays[0])} samples like "
                        f"{name}[{keys[0]!r}], got {len(arrays[-1])}"
                    )
            return arrays
        if isinstance(x, Mapping):
            x = _arrays.by_name(owner, name, x, self._input_names)
        samples: Any = Csr(owner, name, x) if is_sparse(x) else _arrays.as_numbers(owner, name, x)
        if self._input_shape is None:
            implied = self._implied_shape()
            if samples.ndim < 2 or 0 in samples.shape[1:]:
                shape = implied or ("...",)
                wanted = "(n, " + ", ".join(map(str, shape)) + ")"
                raise ValueError(f"{owner}: {name}: expected shape {wanted}, got {samples.shape}")
            if implied is not None and samples.shape[-1] != implied[-1]:
                _arrays.check_samples(owner, name, samples, implied)
            self._set_input_shape(samples.shape[1:], owner)
        assert self._input_shape is not None
        _arrays.check_samples(owner, name, samples, self._input_shape)
        return samples

    def _need_optimizer(self, owner: str) -> None:
        if self.optimizer is None:
            raise ValueError(f"{owner}: the model has no optimizer: call compile(optimizer) first")

    # ---------------------------------------------------------------- the loop's parts

    def forward(self, x: ArrayLike | Sequence[ArrayLike], training: bool = False) -> Any:
        """Outputs for one batch; with `training`, dropout acts and what `backward` needs is kept.

        Takes and gives lists of arrays as `predict` does.

        Examples
        --------
        >>> import nnfast as nf
        >>> model = nf.Sequential(nf.Linear(2, 1), seed=0)
        >>> model.compile(nf.SGD(lr=0.1))
        >>> out = model.forward([[1.0, 2.0]], training=True)
        >>> model.backward(out - 3.0)
        >>> model.step()
        """
        training = _checks.flag("forward", "training", training)
        samples = _arrays.dense(self._samples("forward", x))
        return self._ensure_model("forward").forward(samples, training)

    def backward(
        self,
        grad_output: ArrayLike | Sequence[ArrayLike | None],
        accumulate: bool = False,
        need_input_grad: bool = False,
    ) -> Any:
        """Gradients of the last `forward(x, training=True)`.

        Parameters
        ----------
        grad_output : array (n, *output_shape)
            Gradient of what is minimised with respect to that forward's output; converted to the model's
            dtype. A list of them for several outputs, where None stands for zeros.
        accumulate : bool
            Add to the gradients that are there instead of replacing them.
        need_input_grad : bool
            Whether the gradient with respect to x is returned.

        Returns
        -------
        array (n, *input_shape) or None
            A list of arrays for several inputs.

        Raises
        ------
        TypeError, ValueError
            If there was no such forward or the shape does not fit.
        """
        several = len(self._outputs) > 1
        given: list[Any] = [grad_output]
        if several:
            given = _arrays.as_list("backward", "grad_output", grad_output, len(self._outputs), "an output")
        accumulate = _checks.flag("backward", "accumulate", accumulate)
        need_input_grad = _checks.flag("backward", "need_input_grad", need_input_grad)
        core = self._ensure_model("backward")
        gradients: list[Array | None] = []
        for i, (value, shape) in enumerate(zip(given, self._output_shapes, strict=True)):
            if value is None and several:
                gradients.append(None)
                continue
            name = f"grad_output[{i}]" if several else "grad_output"
            gradient = _arrays.as_numbers("backward", name, value)
            _arrays.check_samples("backward", name, gradient, shape)
            gradients.append(np.ascontiguousarray(gradient, self.dtype))
        return core.backward(gradients if several else gradients[0], accumulate, need_input_grad)

    def step(self) -> None:
        """Let the optimizer apply the gradients.

        Raises
        ------
        ValueError
            If the model was not compiled.
        """
        self._need_optimizer("step")
        core = self._ensure_model("step")
        self._sync_optimizer(core)
        core.step()

    def gradients(self) -> dict[str, Array]:
        """The gradients by the parameters' names: live views, which may be changed before `step`.

        Frozen layers have none.
        """
        core = self._ensure_model("gradients")
        trained = {f"{key}." for key, layer in zip(self._keys, self.layers, strict=True) if layer.trainable}
        named = zip(self._param_names(core), core.gradients(), strict=True)
        return {name: array for name, array in named if name[: name.rindex(".") + 1] in trained}

    def gradient_norms(self) -> dict[str, float]:
        """The Euclidean norm of the gradients of each layer, its weight and bias together.

        Returns
        -------
        dict of str to float
            For layers that are trained, in order, by their keys in `state_dict`: "0", "2", or their names.
            The gradients are those of the last step or `backward`: of what is minimised, penalties included;
            what `fit` and `step` clipped is measured as it was clipped. Zeros before any step.

        Raises
        ------
        ValueError
            If the input shape is not known yet.

        Notes
        -----
        `nnfast.callbacks.GradientNorms` keeps them in the history.

        Examples
        --------
        >>> import nnfast as nf
        >>> model = nf.Sequential(nf.Linear(2, 1, bias=False), seed=0)
        >>> _ = model.forward([[3.0, 4.0]], training=True)
        >>> model.backward([[1.0]])
        >>> model.gradient_norms()
        {'0': 5.0}
        """
        squares: dict[str, float] = {}
        for name, gradient in self.gradients().items():
            key = name.rpartition(".")[0]
            squares[key] = squares.get(key, 0.0) + float(np.square(gradient, dtype=np.float64).sum())
        return {key: math.sqrt(square) for key, square in squares.items()}
