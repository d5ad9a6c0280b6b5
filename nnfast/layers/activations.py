"""Activation layers: functions of each element, and softmax along an axis. They keep the shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.layers.base import Layer


class Activation(Layer):
    """Base of the activations without weights."""


class Sigmoid(Activation):
    """1 / (1 + exp(-x)), element by element.

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Sigmoid(), input_shape=1).predict([[0.0]])
    array([[0.5]], dtype=float32)
    """

    _op = "sigmoid"


class Tanh(Activation):
    """tanh(x), element by element.

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Tanh(), input_shape=1).predict([[0.0]])
    array([[0.]], dtype=float32)
    """

    _op = "tanh"


class ReLU(Activation):
    """max(x, 0), element by element.

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.ReLU(), input_shape=2).predict([[-1.0, 2.0]])
    array([[0., 2.]], dtype=float32)
    """

    _op = "relu"


class LeakyReLU(Activation):
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


class Step(Activation):
    """1 where x > 0, 0 elsewhere: the perceptron's output (Rosenblatt 1958). Its gradient is 0.

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Step(), input_shape=2).predict([[0.0, 2.0]]).round(4)
    array([[0., 1.]], dtype=float32)
    """

    _op = "step"


class Hardsigmoid(Activation):
    """min(max(x + 3, 0), 6) / 6, element by element (Howard et al. 2019).

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Hardsigmoid(), input_shape=2).predict([[0.0, 1.5]]).round(4)
    array([[0.5 , 0.75]], dtype=float32)
    """

    _op = "hard_sigmoid"


class ReLU6(Activation):
    """min(max(x, 0), 6), element by element (Krizhevsky 2010).

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.ReLU6(), input_shape=2).predict([[-1.0, 8.0]]).round(4)
    array([[0., 6.]], dtype=float32)
    """

    _op = "relu6"


class ELU(Activation):
    """x where x > 0, alpha (exp(x) - 1) elsewhere (Clevert, Unterthiner & Hochreiter 2016).

    Parameters
    ----------
    alpha : float
        The limit at -inf is -alpha; at least 0.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If alpha is no number, or negative or not finite.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.ELU(0.5), input_shape=2).predict([[-100.0, 2.0]])
    array([[-0.5,  2. ]], dtype=float32)
    """

    _op = "elu"

    def __init__(self, alpha: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.alpha = _checks.real("ELU", "alpha", alpha, low=0.0)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"alpha": self.alpha}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("alpha", self.alpha, 1.0)]


class SELU(Activation):
    """ELU scaled so that outputs tend to mean 0 and variance 1 (Klambauer et al. 2017).

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.SELU(), input_shape=2).predict([[-100.0, 1.0]]).round(4)
    array([[-1.7581,  1.0507]], dtype=float32)
    """

    _op = "selu"


class GELU(Activation):
    """x Phi(x), Phi the normal distribution function (Hendrycks & Gimpel 2016).

    Parameters
    ----------
    approximate : {"none", "tanh"}
        "tanh" replaces Phi(x) by (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    ValueError
        If `approximate` is neither of the two.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.GELU(), input_shape=2).predict([[0.0, 1.0]]).round(4)
    array([[0.    , 0.8413]], dtype=float32)
    """

    _op = "gelu"

    def __init__(self, approximate: str = "none", *, name: str | None = None) -> None:
        super().__init__(name=name)
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate: expected 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate
        if approximate == "tanh":
            self._op = "gelu_tanh"

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("approximate", self.approximate, "none")]


class SiLU(Activation):
    """x sigmoid(x), also called swish (Elfwing, Uchibe & Doya 2018).

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.SiLU(), input_shape=2).predict([[0.0, 1.0]]).round(4)
    array([[0.    , 0.7311]], dtype=float32)
    """

    _op = "silu"


class Mish(Activation):
    """x tanh(softplus(x)), element by element (Misra 2020).

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Mish(), input_shape=2).predict([[0.0, 1.0]]).round(4)
    array([[0.    , 0.8651]], dtype=float32)
    """

    _op = "mish"


class Softplus(Activation):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold (Dugas et al. 2001).

    Parameters
    ----------
    beta : float
        How sharp the bend is; above 0.
    threshold : float
        Where the function becomes the identity.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If an option is no number or not finite, or beta is not above 0.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Softplus(), input_shape=2).predict([[0.0, 30.0]]).round(4)
    array([[ 0.6931, 30.    ]], dtype=float32)
    """

    _op = "softplus"

    def __init__(self, beta: float = 1.0, threshold: float = 20.0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.beta = _checks.real("Softplus", "beta", beta)
        if self.beta <= 0:
            raise ValueError(f"Softplus: beta: expected a finite number > 0, got {self.beta}")
        self.threshold = _checks.real("Softplus", "threshold", threshold)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"beta": self.beta, "threshold": self.threshold}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("beta", self.beta, 1.0), ("threshold", self.threshold, 20.0)]


class Softsign(Activation):
    """x / (1 + abs(x)), element by element.

    Parameters
    ----------
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If the name is no text, empty, or has a dot.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Softsign(), input_shape=2).predict([[0.0, 3.0]]).round(4)
    array([[0.  , 0.75]], dtype=float32)
    """

    _op = "softsign"


class _AxisLayer(Activation):
    """Softmax and its logarithm share their one option."""

    def __init__(self, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = _checks.axis(self._kind, axis)

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
