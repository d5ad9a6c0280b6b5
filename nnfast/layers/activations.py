"""Activation layers: functions of each element, and softmax along an axis. They keep the shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.layers.base import Layer


class Sigmoid(Layer):
    """1 / (1 + exp(-x)), element by element.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Sigmoid(), input_shape=1).predict([[0.0]])
    array([[0.5]], dtype=float32)
    """

    _op = "sigmoid"


class Tanh(Layer):
    """tanh(x), element by element.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Tanh(), input_shape=1).predict([[0.0]])
    array([[0.]], dtype=float32)
    """

    _op = "tanh"


class ReLU(Layer):
    """max(x, 0), element by element.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.ReLU(), input_shape=2).predict([[-1.0, 2.0]])
    array([[0., 2.]], dtype=float32)
    """

    _op = "relu"


class LeakyReLU(Layer):
    """x where x > 0, negative_slope * x elsewhere (Maas, Hannun & Ng 2013).

    Parameters
    ----------
    negative_slope : float
        Slope for negative inputs, at least 0.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the slope is no number, or negative or not finite.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.LeakyReLU(0.5), input_shape=2).predict([[-1.0, 2.0]])
    array([[-0.5,  2. ]], dtype=float32)
    """

    _op = "leaky_relu"

    def __init__(self, negative_slope: float = 0.01, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.negative_slope = _checks.real("LeakyReLU", "negative_slope", negative_slope, low=0.0)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"negative_slope": self.negative_slope}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("negative_slope", self.negative_slope, ...)]


class _AxisLayer(Layer):
    """Softmax and its logarithm share their one option."""

    def __init__(self, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = _checks.integer(self._kind, "axis", axis)
        if self.axis == 0:
            raise ValueError(f"{self._kind}: axis: 0 is the batch; expected another axis, got 0")

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"axis": self.axis}

    def _check_input(self, shape: tuple[int, ...]) -> None:
        ndim = len(shape) + 1
        if self.axis >= ndim or self.axis <= -ndim:
            raise ValueError(
                f"axis: expected 1..{ndim - 1} or -{ndim - 1}..-1 (0 is the batch), got {self.axis}"
            )

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("axis", self.axis, -1)]


class Softmax(_AxisLayer):
    """exp(x) / sum(exp(x)) along an axis: positive numbers of sum 1.

    Parameters
    ----------
    axis : int
        Axis of the batch's array (0 is the batch itself and refused).
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the axis is no integer or 0; when the model is built also if it does not exist.

    Notes
    -----
    The cross-entropy loss takes logits: end a classifier with Linear and use `nf.softmax(model.predict(x))`
    for probabilities.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Softmax(), input_shape=2).predict([[1.0, 1.0]])
    array([[0.5, 0.5]], dtype=float32)
    """

    _op = "softmax"


class LogSoftmax(_AxisLayer):
    """x - log(sum(exp(x))) along an axis; goes with the NLL loss.

    Parameters
    ----------
    axis : int
        Axis of the batch's array (0 is the batch itself and refused).
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the axis is no integer or 0; when the model is built also if it does not exist.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.LogSoftmax(), input_shape=2).predict([[1.0, 1.0]]).round(4)
    array([[-0.6931, -0.6931]], dtype=float32)
    """

    _op = "log_softmax"
