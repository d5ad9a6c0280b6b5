"""The multilayer perceptrons' network: its layers, and `coefs_` and `intercepts_` as its weights.

What this is: `Perceptron`, the half that `MLPClassifier` and `MLPRegressor` share.
What this is not: targets, or training.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from numbers import Integral, Real
from operator import is_
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

import nnfast as nf
from nnfast.layers import Layer, Linear
from nnfast.sklearn._base import NetworkEstimator
from nnfast.sklearn._machine import Machine

Array = NDArray[Any]

ACTIVATIONS: dict[str, Callable[[], Layer]] = {
    "logistic": nf.Sigmoid,
    "sigmoid": nf.Sigmoid,
    "tanh": nf.Tanh,
    "relu": nf.ReLU,
    "leaky_relu": nf.LeakyReLU,
    "prelu": nf.PReLU,
    "relu6": nf.ReLU6,
    "elu": nf.ELU,
    "selu": nf.SELU,
    "gelu": nf.GELU,
    "silu": nf.SiLU,
    "mish": nf.Mish,
    "softplus": nf.Softplus,
    "softsign": nf.Softsign,
    "hard_sigmoid": nf.Hardsigmoid,
    "step": nf.Step,
}
NAMES = {"identity", *ACTIVATIONS}

DRAWN = 4096  # rows of initial weights at a time


def activation_layers(activation: Any) -> list[Layer]:
    """[] for "identity", otherwise the layer of that name, or a copy of the layer itself."""
    if isinstance(activation, Layer):
        return [copy.deepcopy(activation)]
    return [] if activation == "identity" else [ACTIVATIONS[activation]()]


def per_layer(name: str, value: Any, count: int, single: type | tuple[type, ...]) -> list[Any]:
    """One value for each hidden layer; a single one stands for all."""
    if isinstance(value, single):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise ValueError(f"{name}: expected {count} entries, one a hidden layer, got {len(values)}")
    return values


def _linear(size: int) -> Linear:
    """A layer without initial weights: `_draw` makes these."""
    return nf.Linear(out_features=size, weight_init="zeros", bias_init="zeros")


class Perceptron(NetworkEstimator):
    """Layers from parameters; a subclass adds targets and predictions.

    `coefs_` and `intercepts_` are views of the engine's weights: writing to them changes the network. Other
    arrays may be assigned, too, whole or one by one.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(NAMES), Layer, "array-like"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "batch_norm": ["boolean"],
    }
    hidden_layer_sizes: Any
    activation: Any
    alpha: float
    dropout: Any
    batch_norm: bool
    _shapes_taken: ClassVar[dict[str, Any]] = {"dtype": (np.float64, np.float32)}

    # ---------------------------------------------------------------- architecture

    def _hidden(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        return [int(size) for size in (sizes if hasattr(sizes, "__iter__") else [sizes])]

    def _check_architecture(self) -> None:
        hidden = self._hidden()
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        for one in self._activations():
            if not isinstance(one, Layer) and one not in NAMES:
                raise ValueError(f"activation: expected one of {sorted(NAMES)} or a layer, got {one!r}")
        for p in self._dropouts():
            if not 0 <= p < 1:
                raise ValueError(f"dropout: expected numbers in [0, 1), got {p!r}")

    def _activations(self) -> list[Any]:
        return per_layer("activation", self.activation, len(self._hidden()), (str, Layer))

    def _dropouts(self) -> list[float]:
        return per_layer("dropout", self.dropout, len(self._hidden()), Real)

    def _layers(self, n_outputs: int) -> list[Layer]:
        layers: list[Layer] = []
        for size, activation, p in zip(self._hidden(), self._activations(), self._dropouts(), strict=True):
            layers.append(_linear(size))
            if self.batch_norm:
                layers.append(nf.BatchNorm1d())
            layers += activation_layers(activation)
            if p > 0:
                layers.append(nf.Dropout(float(p)))
        layers.append(_linear(n_outputs))
        return layers + self._output_layers()

    def _output_layers(self) -> list[Layer]:
        """What comes after the last linear layer."""
        return []

    def _make(self, n_features: int, dtype: Any, seed: int) -> Machine:
        """A network with weights of 0, and the attributes that are its."""
        model = nf.Sequential(*self._layers(self.n_outputs_), input_shape=n_features, dtype=dtype, seed=seed)
        objective = self._objective()
        self.n_layers_ = len(self._hidden()) + 2
        self.out_activation_ = self._out_activation(objective.link)
        return Machine(model, objective, float(self.alpha))

    def _out_activation(self, link: str) -> str:
        return link

    # ---------------------------------------------------------------- weights

    def _build(self, X: Any, random_state: Any) -> Machine:
        dtype = "float64" if self.solver == "lbfgs" else X.dtype.name
        # Only dropout needs a seed: without it the random numbers are used as scikit-learn uses them.
        seed = int(random_state.randint(2**31 - 1)) if any(self._dropouts()) else 0
        machine = self._make(X.shape[1], dtype, seed)
        self._link(machine)
        self._draw(random_state)
        return machine

    def _draw(self, random_state: Any) -> None:
        """Initial weights (Glorot & Bengio 2010, equation 16; for the logistic function a third of it)."""
        activations = self._activations()
        following = [*activations, activations[-1] if activations else "relu"]
        for coef, intercept, activation in zip(self.coefs_, self.intercepts_, following, strict=True):
            factor = 2.0 if isinstance(activation, str) and activation == "logistic" else 6.0
            bound = math.sqrt(factor / sum(coef.shape))
            # Some rows at a time: the same numbers, which come as float64.
            for first in range(0, len(coef), DRAWN):
                rows = coef[first : first + DRAWN]
                rows[...] = random_state.uniform(-bound, bound, rows.shape)
            intercept[...] = random_state.uniform(-bound, bound, intercept.shape)

    def _link(self, machine: Machine) -> None:
        """Make the attributes views of the network's weights."""
        linear = [layer for layer in machine.model.layers if isinstance(layer, Linear)]
        # The engine keeps weights as (inputs, outputs); nnfast shows them transposed.
        self.coefs_ = [layer._views["weight"].T for layer in linear]
        self.intercepts_ = [layer._views["bias"] for layer in linear]
        self._linked = (*self.coefs_, *self.intercepts_)

    def _is_current(self) -> bool:
        state = self.__dict__  # its entries take half the time of attributes: every prediction asks
        if "_machine" not in state:
            return False
        return all(map(is_, (*state["coefs_"], *state["intercepts_"]), state["_linked"]))

    def _is_built(self) -> bool:
        return "coefs_" in self.__dict__

    def _ensure_machine(self) -> Machine:
        if "_machine" not in self.__dict__:
            return self._from_arrays()
        if not self._is_current():
            self._assign(self._machine)
        return self._machine

    def _from_arrays(self) -> Machine:
        """A network for weights that were assigned to an estimator without one."""
        dtype = np.result_type(*self.coefs_, np.float32)
        self._machine = self._make(np.shape(self.coefs_[0])[0], dtype.name, 0)
        self._assign(self._machine)
        return self._machine

    def _assign(self, machine: Machine) -> None:
        """Take over arrays that were assigned to `coefs_` and `intercepts_`."""
        given = [*self.coefs_, *self.intercepts_]
        self._link(machine)
        for view, array in zip([*self.coefs_, *self.intercepts_], given, strict=True):
            if view is not array:
                if np.shape(array) != view.shape:
                    raise ValueError(
                        f"coefs_, intercepts_: expected an array of shape {view.shape}, got {np.shape(array)}"
                    )
                view[...] = array

    def __getstate__(self) -> dict[str, Any]:
        if "_machine" in self.__dict__:
            self._ensure_machine()
        state: dict[str, Any] = dict(super().__getstate__())
        if "_machine" in state:  # which holds the weights
            for name in ("coefs_", "intercepts_", "_linked"):
                state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_machine" in self.__dict__:
            self._link(self._machine)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        incremental: bool,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> Any:
        if "_machine" in self.__dict__ and (incremental or self.warm_start):
            self._machine.set_penalty(float(self.alpha))  # it may have been changed since
        return super()._fit(X, y, sample_weight, incremental, validation)
