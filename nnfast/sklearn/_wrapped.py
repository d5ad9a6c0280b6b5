"""Estimators around networks of the user's: `NetworkClassifier` and `NetworkRegressor`.

What this is: the copy of the network that is trained, its shapes, and the two classes' parameters.
What this is not: targets, predictions or training, which they share with the multilayer perceptrons.
"""

from __future__ import annotations

import copy
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import validate_data

import nnfast as nf
from nnfast import _core
from nnfast.model import Model
from nnfast.sequential import Sequential
from nnfast.sklearn._base import NetworkEstimator
from nnfast.sklearn._classification import Classifier
from nnfast.sklearn._machine import Machine
from nnfast.sklearn._regression import Regressor

Array = NDArray[Any]


class Wrapped(NetworkEstimator):
    """A network given as such; a subclass adds targets and predictions."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "network": [Model, callable],
        "head": ["boolean"],
        "alpha": [Interval(Real, 0, None, closed="left")],
    }
    network: Any
    head: bool
    alpha: float
    _sample_shape: tuple[int, ...]
    _pair: bool = False  # two classes with an output each

    # Images may come as they are, and numbers of any type: the engine converts them batch by batch.
    _shapes_taken: ClassVar[dict[str, Any]] = {"allow_nd": True, "dtype": "numeric"}

    def _copy(self, X: Any) -> Model:
        """The network as it is to be trained, with the sizes that follow from the data."""
        if isinstance(self.network, Model):
            model = copy.deepcopy(self.network)
        else:
            model = self.network(int(np.prod(X.shape[1:])), self.n_outputs_)
            if not isinstance(model, Model):
                raise TypeError(f"network: expected a function that returns a nf.Model, got {model!r}")
        if not self.head:
            return model
        if not isinstance(model, Sequential):
            raise ValueError("head: expected False for a network that is no Sequential")
        layers = [copy.deepcopy(layer) for layer in model.layers]
        head = nf.Linear(out_features=self.n_outputs_)
        whole = nf.Sequential(
            *layers, head, input_shape=model.input_shape, dtype=model.dtype, seed=model.seed, name=model.name
        )
        if model._core is not None:
            whole._ensure_model("fit")
            whole.load_state_dict(model.state_dict(), strict=False)
        return whole

    def _build(self, X: Any, random_state: Any) -> Machine:
        model = self._copy(X)
        if model._core is None:
            model.seed = int(random_state.randint(2**31 - 1))
        if model.input_shape is None or model._graph is None:
            model._set_input_shape(model.input_shape or X.shape[1:], "fit")
        self._sample_shape = X.shape[1:]
        shape, output = model.input_shape, model.output_shape
        assert shape is not None
        if np.prod(X.shape[1:]) != np.prod(shape):
            raise ValueError(f"X: expected samples of the network's input shape {shape}, got {X.shape[1:]}")
        if output != (self.n_outputs_,) and not self._takes(output):
            raise ValueError(
                f"network: expected outputs of shape ({self.n_outputs_},), for each value, label or class, "
                f"one for two classes, got {output}; head=True adds a layer that has them"
            )
        return Machine(model, self._objective(), float(self.alpha) if self.alpha > 0 else None)

    def _takes(self, output: tuple[int, ...]) -> bool:
        """Whether targets can be made to fit outputs of another shape."""
        return False

    def _is_built(self) -> bool:
        return "_machine" in self.__dict__

    def _ensure_machine(self) -> Machine:
        return self._machine

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        incremental: bool,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> Any:
        if self._is_built() and not (incremental or self.warm_start):
            del self._machine
        return super()._fit(X, y, sample_weight, incremental, validation)

    def _validated(self, X: Any) -> Any:
        flat = len(self._sample_shape) == 1
        if flat and _core.finite_samples(X, self.n_features_in_) and not hasattr(self, "feature_names_in_"):
            return X
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False, allow_nd=True)
        if X.shape[1:] != self._sample_shape:
            raise ValueError(f"X: expected samples of shape {self._sample_shape}, got {X.shape[1:]}")
        return X


class NetworkClassifier(Classifier, Wrapped):
    """Any network of nnfast as a classifier of scikit-learn.

    Parameters
    ----------
    network : Sequential, Model or callable
        A network, of which a copy is trained, or a function network(n_features, n_outputs) that makes one;
        n_features is the product of a sample's shape. Its output are logits, one for each class; for two
        classes one may do, for several labels there is one each. A network that has weights already, because
        it was trained or loaded, starts from these; otherwise they follow from `random_state`.
    head : bool, default=False
        Whether a linear layer with the outputs that are needed is added at the end.
    solver : str or Optimizer, default="adam"
        As for `MLPClassifier`.
    alpha : float, default=0.0
        As for `MLPClassifier`; it takes the place of the penalties of the layers, which count while it is 0.
    batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, random_state, tol, verbose, \
warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon, \
n_iter_no_change, max_fun, loss, class_weight, callbacks, progress, n_threads
        As for `MLPClassifier`.

    Attributes
    ----------
    model_ : nnfast.Sequential or nnfast.Model
        The trained network.
    classes_, loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_, n_iter_, t_, \
n_features_in_, n_outputs_
        As for `MLPClassifier`.

    Notes
    -----
    The network's dtype counts, whatever that of X is; integers and images of uint8 are converted batch by
    batch, never all of them. X may have any number of dimensions, or two of which the network's input shape
    is made. In float32 weights and repetitions of samples agree up to its rounding alone.

    Examples
    --------
    >>> import nnfast as nf
    >>> from sklearn.datasets import load_digits
    >>> from nnfast.sklearn import NetworkClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> network = nf.Sequential(
    ...     nf.Conv2d(1, 8, 3), nf.ReLU(), nf.MaxPool2d(2), nf.Flatten(), nf.Linear(72, 10),
    ...     input_shape=(1, 8, 8),
    ... )
    >>> clf = NetworkClassifier(network, batch_size=20, max_iter=10, random_state=0)
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # ten epochs end before convergence
    ...     clf = clf.fit(X[:1000], y[:1000])
    >>> clf.score(X[1000:], y[1000:]) > 0.8
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **Wrapped._parameter_constraints,
        **Classifier._parameter_constraints,
    }

    def __init__(
        self,
        network: Any,
        *,
        head: bool = False,
        solver: Any = "adam",
        alpha: float = 0.0,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        class_weight: Any = None,
        callbacks: Any = None,
        progress: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        if reset:
            self._pair = False
        return super()._validate_input(X, y, incremental, reset)

    @property
    def _multiclass(self) -> bool:
        return super()._multiclass or self._pair

    def _takes(self, output: tuple[int, ...]) -> bool:
        if output != (2,) or self._multilabel or len(self.classes_) > 2:
            return False
        self._pair, self.n_outputs_ = True, 2
        return True

    def _as_trained(self, y: Array) -> Array:
        return y[:, 0].astype(np.int64) if self._pair and y.ndim == 2 else y


class NetworkRegressor(Regressor, Wrapped):
    """Any network of nnfast as a regressor of scikit-learn.

    Parameters
    ----------
    network : Sequential, Model or callable
        A network, of which a copy is trained, or a function network(n_features, n_outputs) that makes one;
        n_features is the product of a sample's shape. A network that has weights already, because it was
        trained or loaded, starts from these; otherwise they follow from `random_state`.
    head : bool, default=False
        Whether a linear layer with the outputs that are needed is added at the end.
    solver : str or Optimizer, default="adam"
        As for `MLPClassifier`.
    alpha : float, default=0.0
        As for `MLPRegressor`; it takes the place of the penalties of the layers, which count while it is 0.
    batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, random_state, tol, verbose, \
warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon, \
n_iter_no_change, max_fun, loss, callbacks, progress, n_threads
        As for `MLPRegressor`.

    Attributes
    ----------
    model_ : nnfast.Sequential or nnfast.Model
        The trained network.
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_, n_iter_, t_, n_features_in_, \
n_outputs_
        As for `MLPRegressor`.

    Notes
    -----
    As for `NetworkClassifier`.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> from nnfast.sklearn import NetworkRegressor
    >>> X = np.linspace(0, 1, 50).reshape(-1, 1)
    >>> y = np.sin(6 * X[:, 0])
    >>> network = nf.Sequential(nf.Linear(1, 20), nf.Tanh(), nf.Linear(20, 1), dtype="float64")
    >>> NetworkRegressor(network, solver="lbfgs", random_state=0).fit(X, y).score(X, y) > 0.99
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **Wrapped._parameter_constraints,
        **Regressor._parameter_constraints,
    }

    def __init__(
        self,
        network: Any,
        *,
        head: bool = False,
        solver: Any = "adam",
        alpha: float = 0.0,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Any = "squared_error",
        callbacks: Any = None,
        progress: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())
