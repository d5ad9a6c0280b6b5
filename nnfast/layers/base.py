"""What every layer is: a description of one node of a network's graph.

What this is: `Layer` (a name, the operation and its options, a check of what it is given) and
`ParameterLayer` (weight and bias: their initial values and, once the model is built, live views of them).
What this is not: computation. A layer holds no arrays of its own; the model that owns it does the work.
"""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnfast import _checks, initializers
from nnfast._wiring import Node
from nnfast.initializers import Initializer

if TYPE_CHECKING:
    from nnfast._network import Network

Kind = TypeVar("Kind", bound="Layer")


class Layer:
    """Base of all layers; use its subclasses.

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `state_dict` and `summary`. Must not hold a dot.

    Attributes
    ----------
    trainable : bool
        False freezes the layer: training computes no gradients of its weights, and none at all below the
        lowest layer that is trained; no update, weight decay, penalty or `max_norm` touches it. As in Keras,
        batch normalisation that is frozen normalises by its running statistics, in training too, and leaves
        them as they are; dropout stays. True at first; may be set at any time, also by a callback, and
        counts from the next batch. Assign before `compile` or after, nothing has to be compiled again.
    lr_scale : float >= 0
        The layer is updated with the optimizer's learning rate, be it a number or a schedule, times this; 1
        at first. What decoupled weight decay takes from the weights follows the learning rate, as in PyTorch.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Notes
    -----
    `lr_scale` stands for PyTorch's parameter groups of different `lr`. It is a factor and not a rate of its
    own, so schedules, warm-up and callbacks move all layers together, and belongs to the layer, as
    `trainable` does in Keras, so it is saved, loaded and copied with it. Unlike `trainable = False`, a factor
    of 0 saves no work.

    Examples
    --------
    >>> import nnfast as nf
    >>> isinstance(nf.ReLU(), nf.Layer)
    True
    >>> model = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 3), seed=0)
    >>> model.layers[0].trainable = False
    >>> model.layers[2].lr_scale = 0.1
    """

    _op: str  # the graph operation's name

    def __init__(self, *, name: str | None = None) -> None:
        if name is not None:
            if not isinstance(name, str):
                raise TypeError(f"{self._kind}: name: expected a string, got {name!r}")
            if not name or "." in name:
                raise ValueError(
                    f"{self._kind}: name: expected a non-empty string without dots, got {name!r}"
                )
        self.name = name
        self._owner: weakref.ref[Network] | None = None
        self._views: dict[str, NDArray[Any]] = {}
        self._carried: dict[str, NDArray[Any]] = {}  # a copy's weights, until a model takes them
        self._trainable = True
        self._lr_scale = 1.0

    @property
    def _kind(self) -> str:
        return type(self).__name__

    @property
    def trainable(self) -> bool:
        """Whether training changes the layer's arrays."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = _checks.flag(self._kind, "trainable", value)
        self._tell(value, self._lr_scale)
        self._trainable = value

    @property
    def lr_scale(self) -> float:
        """What the optimizer's learning rate is multiplied by for this layer."""
        return self._lr_scale

    @lr_scale.setter
    def lr_scale(self, value: float) -> None:
        value = _checks.real(self._kind, "lr_scale", value, low=0.0)
        self._tell(self._trainable, value)
        self._lr_scale = value

    def _tell(self, trainable: bool, lr_scale: float) -> None:
        """The engine's model, if there is one, hears of it."""
        owner = self._owner() if self._owner is not None else None
        if owner is not None:
            owner._set_layer(self, trainable, lr_scale)

    def copy(self: Kind) -> Kind:
        """The layer once more, with its weights, `trainable` and `lr_scale`: for another model.

        Two models never share a layer or its weights. What a model is made of such copies begins with these
        weights, and goes its own way from there.

        Examples
        --------
        >>> import nnfast as nf
        >>> model = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 3), seed=0)
        >>> trunk = [layer.copy() for layer in model.layers[:-1]]
        >>> other = nf.Sequential(*trunk, nf.Linear(8, 5), seed=1)
        >>> bool((other.layers[0].weight == model.layers[0].weight).all())
        True
        """
        owner = self._owner() if self._owner is not None else None
        if owner is not None and owner.input_shape is not None:
            owner._ensure_model(f"{self._kind}.copy")
        made = copy.copy(self)
        made._carried = {name: array.copy() for name, array in (self._views or self._carried).items()}
        return made

    def _begin(self, params: dict[str, NDArray[Any]], rng: np.random.Generator) -> None:
        """The first values of the views `params`: those that are carried, or initial ones."""
        if not self._carried:
            self._initialize(params, rng)
            return
        for name, view in params.items():
            array = self._carried.get(name)
            if array is None or array.shape != view.shape:
                got = "none" if array is None else str(array.shape)
                raise ValueError(
                    f"{self._kind}: {name}: expected a copied layer to hold an array of shape {view.shape}, "
                    f"got {got}"
                )
            view[...] = array

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        """The node's options, by the names of the C interface."""
        return {}

    def __call__(self, *inputs: Node) -> Node:
        """The node of a graph that this layer makes of others; see `nnfast.Model`."""
        for i, node in enumerate(inputs):
            if not isinstance(node, Node):
                raise TypeError(
                    f"{self._kind}: inputs[{i}]: expected what nf.Input or a layer's call gave, got "
                    f"{type(node).__name__}; to run a layer on an array, put it into a model"
                )
        return Node(self, inputs, None)

    def _check_inputs(self, shapes: list[tuple[int, ...]]) -> None:
        """Raise ValueError when samples of these shapes do not fit; takes over sizes that were left out."""
        if len(shapes) != 1:
            raise ValueError(f"{self._kind}: inputs: expected 1 node, got {len(shapes)}")
        self._check_input(shapes[0])

    def _check_input(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError when a sample of this shape does not fit; takes over sizes that were left out."""

    def _least_batch(self, shape: tuple[int, ...]) -> int:
        """How many samples of this output shape a batch must hold for a training step."""
        return 1

    def _initialize(self, params: dict[str, NDArray[Any]], rng: np.random.Generator) -> None:
        """Write initial values into the views `params`."""

    def _regularizer(self, name: str) -> dict[str, float]:
        """The penalties on the parameter `name` and its limit: the engine's l1, l2, max_norm."""
        return {}

    def _options(self) -> list[tuple[str, Any, Any]]:
        """(name, value, default) of the arguments, in order, for repr; no default: `...`."""
        return []

    def __repr__(self) -> str:
        parts = [
            f"{name}={value!r}"
            for name, value, default in self._options()
            if default is ... or value != default
        ]
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        return f"{self._kind}({', '.join(parts)})"

    def __getstate__(self) -> dict[str, Any]:
        # The views and the owner belong to a built model; a copy is a description again.
        return {**self.__dict__, "_owner": None, "_views": {}}


class ParameterLayer(Layer):
    """A layer with a weight and, unless `bias=False`, a bias.

    `l1 * sum |w| + l2 * sum w^2` over the weight is part of the loss; after every update the weights into
    each output (a slice along the first axis, but for transposed convolution) are scaled down to the
    Euclidean norm `max_norm`
    (Srivastava et al. 2014, "Dropout", section 5.1).
    """

    def __init__(
        self,
        bias: bool,
        weight_init: str | Initializer | None,
        bias_init: str | Initializer | None,
        name: str | None,
        l1: float = 0.0,
        l2: float = 0.0,
        max_norm: float | None = None,
    ) -> None:
        super().__init__(name=name)
        self.l1 = _checks.real(self._kind, "l1", l1, low=0.0)
        self.l2 = _checks.real(self._kind, "l2", l2, low=0.0)
        self.max_norm = None if max_norm is None else _checks.real(self._kind, "max_norm", max_norm, low=0.0)
        if self.max_norm == 0.0:
            raise ValueError(f"{self._kind}: max_norm: expected a number above 0, got {max_norm!r}")
        self.has_bias = _checks.flag(self._kind, "bias", bias)
        for option, init in (("weight_init", weight_init), ("bias_init", bias_init)):
            if init is not None:
                initializers.get(init, self._kind, option, bias=option == "bias_init")
        self.weight_init = weight_init
        self.bias_init = bias_init

    def _regularizer(self, name: str) -> dict[str, float]:
        if name != "weight":
            return {}
        return {"l1": self.l1, "l2": self.l2, "max_norm": self.max_norm or 0.0}

    def _initialize(self, params: dict[str, NDArray[Any]], rng: np.random.Generator) -> None:
        weight = params["weight"]
        self._fill(weight, "weight_init", self.weight_init or initializers.fan_in_uniform, rng)
        if "bias" in params:
            bound = 1.0 / math.sqrt(initializers.fans(weight.shape)[0])

            def like_weight(shape: tuple[int, ...], rng: np.random.Generator, dtype: Any) -> NDArray[Any]:
                return initializers.uniform(shape, rng, dtype, a=-bound, b=bound)

            self._fill(params["bias"], "bias_init", self.bias_init or like_weight, rng)

    def _fill(
        self, view: NDArray[Any], option: str, init: str | Initializer, rng: np.random.Generator
    ) -> None:
        values = np.asarray(initializers.get(init, self._kind, option)(view.shape, rng, view.dtype))
        if values.shape != view.shape:
            raise ValueError(
                f"{self._kind}: {option}: expected an array of shape {view.shape}, got {values.shape}"
            )
        view[...] = values

    def _view(self, which: str) -> NDArray[Any]:
        if not self._views and which in self._carried:
            return self._carried[which]
        if not self._views:
            owner = self._owner() if self._owner is not None else None
            if owner is None:
                state = "is not part of a model yet" if self._owner is None else "outlived its model"
                raise AttributeError(f"{self._kind}: {which}: the layer {state}")
            owner._ensure_model(f"{self._kind}.{which}")
        return self._views[which]

    def _assign(self, which: str, value: ArrayLike) -> None:
        view = self._view(which)
        array = np.asarray(value)
        if array.shape != view.shape:
            raise ValueError(f"{self._kind}: {which}: expected shape {view.shape}, got {array.shape}")
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{self._kind}: {which}: expected numbers, got dtype {array.dtype}")
        view[...] = array

    @property
    def weight(self) -> NDArray[Any]:
        """The weight: a live, writable view in PyTorch's shape (not necessarily contiguous)."""
        return self._view("weight")

    @weight.setter
    def weight(self, value: ArrayLike) -> None:
        self._assign("weight", value)

    @property
    def bias(self) -> NDArray[Any] | None:
        """The bias: a live, writable view; None for a layer without one."""
        return self._view("bias") if self.has_bias else None

    @bias.setter
    def bias(self, value: ArrayLike) -> None:
        if not self.has_bias:
            raise AttributeError(f"{self._kind}: bias: the layer was made with bias=False")
        self._assign("bias", value)
