"""The rectifier whose slopes are trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnfast import _checks
from nnfast.layers.base import ParameterLayer


class PReLU(ParameterLayer):
    """x where x > 0, weight x elsewhere, with a trained weight (He, Zhang, Ren & Sun 2015).

    Parameters
    ----------
    num_parameters : int
        1, or the number of the input's channels: the first axis of a sample.
    init : float
        Every slope's initial value.
    l1, l2 : float >= 0
        l1 * sum |w| + l2 * sum w^2 over the slopes is added to the loss.
    name : str, optional
        Stands for the layer's number in `state_dict`.

    Attributes
    ----------
    weight : array (num_parameters,)

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range; when the model is built also if the number does not
        fit the input.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.PReLU(), input_shape=2)
    >>> model.predict([[-1.0, 2.0]])
    array([[-0.25,  2.  ]], dtype=float32)
    >>> model.layers[0].weight
    array([0.25], dtype=float32)
    """

    _op = "prelu"

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        *,
        l1: float = 0.0,
        l2: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(False, None, None, name, l1, l2)
        self.num_parameters = _checks.integer("PReLU", "num_parameters", num_parameters, 1)
        self.init = _checks.real("PReLU", "init", init)

    def _initialize(self, params: dict[str, NDArray[Any]], rng: np.random.Generator) -> None:
        params["weight"][...] = self.init

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"num_parameters": self.num_parameters}

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [
            ("num_parameters", self.num_parameters, 1),
            ("init", self.init, 0.25),
            ("l1", self.l1, 0.0),
            ("l2", self.l2, 0.0),
        ]
