"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnfast import _checks
from nnfast.initializers import Initializer
from nnfast.layers.base import ParameterLayer


class Linear(ParameterLayer):
    """y = x W^T + b over the last axis.

    Parameters
    ----------
    in_features : int, optional
        Length of the input's last axis; left out, it is taken from the layer before or from the data.
    out_features : int
        Length of the output's last axis.
    bias : bool
        Whether b is there.
    weight_init, bias_init : str or callable, optional
        See `nnfast.initializers`; by default both are drawn from U(-1/sqrt(in_features),
        1/sqrt(in_features)).
    l1, l2 : float >= 0
        l1 * sum |w| + l2 * sum w^2 over the weight is added to the loss.
    max_norm : float > 0, optional
        After every update each output's weights are scaled down to this Euclidean norm.
    name : str, optional
        Stands for the layer's number in `state_dict`.

    Attributes
    ----------
    weight : array (out_features, in_features)
    bias : array (out_features,) or None

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or range.

    Notes
    -----
    Inputs of more than two dimensions (n, ..., in_features) give (n, ..., out_features), as in PyTorch.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.Linear(out_features=3), input_shape=4, seed=0)
    >>> model.layers[0].weight.shape
    (3, 4)
    """

    _op = "linear"

    def __init__(
        self,
        in_features: int | None = None,
        out_features: int | None = None,
        bias: bool = True,
        *,
        weight_init: str | Initializer | None = None,
        bias_init: str | Initializer | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        max_norm: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(bias, weight_init, bias_init, name, l1, l2, max_norm)
        if out_features is None:
            raise TypeError(
                "Linear: out_features: is required: Linear(in_features, out_features), or "
                "Linear(out_features=...) to take the input's size from the layer before"
            )
        self.in_features = (
            None if in_features is None else _checks.integer("Linear", "in_features", in_features, 1)
        )
        self.out_features = _checks.integer("Linear", "out_features", out_features, 1)

    def _attrs(self) -> dict[str, float | Sequence[float]]:
        return {"out_features": self.out_features, "bias": int(self.has_bias)}

    def _check_input(self, shape: tuple[int, ...]) -> None:
        if self.in_features is None:
            self.in_features = shape[-1]
        elif self.in_features != shape[-1]:
            hint = "; add Flatten() before it" if len(shape) > 1 else ""
            raise ValueError(
                f"in_features: expected {shape[-1]}, the last axis of its input {shape}, "
                f"got {self.in_features}{hint}"
            )

    def _options(self) -> list[tuple[str, Any, Any]]:
        return [
            ("in_features", self.in_features, None),
            ("out_features", self.out_features, ...),
            ("bias", self.has_bias, True),
            ("l1", self.l1, 0.0),
            ("l2", self.l2, 0.0),
            ("max_norm", self.max_norm, None),
        ]
