"""Dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.layers.base import Layer


class Dropout(Layer):
    """While training, each element is set to 0 with probability p and multiplied by 1 / (1 - p) otherwise.

    Outside training it changes nothing (Srivastava et al. 2014, with the scale applied while training).

    Parameters
    ----------
    p : float
        Probability of 0, in [0, 1]; 1 leaves nothing.
    name : str, optional
        Stands for the layer's number in `summary`.

    Raises
    ------
    TypeError, ValueError
        If p is no number or not in [0, 1].

    Notes
    -----
    The masks follow from the model's seed, the training step, the layer and the element alone: the same run
    gives the same masks with any number of threads. p is kept to 16 bits: steps of 1/65536.

    Examples
    --------
    >>> import nnfast as nf
    >>> nf.Sequential(nf.Dropout(0.5), input_shape=2).predict([[1.0, 2.0]])
    array([[1., 2.]], dtype=float32)
    """

    _op = "dropout"

    def __init__(self, p: float = 0.5, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.p = _checks.real("Dropout", "p", p, low=0.0, high=1.0)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"p": self.p}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [("p", self.p, ...)]
