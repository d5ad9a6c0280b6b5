"""`Sequential`: a network of layers in a row.

What this is: how it is put together. What it can do is in `nnfast.model`.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import DTypeLike

from nnfast._network import Network
from nnfast._wiring import Residual, in_a_row
from nnfast.layers import Layer
from nnfast.model import Model


class Sequential(Model):
    """Layers in a row: the output of each is the input of the next.

    Parameters
    ----------
    *layers : Layer or Residual
        In order; one list of them is taken, too.
    input_shape : int or tuple of int, optional
        Shape of one sample, images (channels, height, width). Left out, it follows from the first layer's
        `in_features` or from the first data seen.
    dtype : {"float32", "float64"}
        Of the parameters and all arithmetic.
    seed : int, optional
        0 <= seed < 2**64. Decides the initial weights, the shuffles and the dropout masks; drawn at random
        when None.
    name : str, optional
        Shown in `summary`.

    Attributes
    ----------
    layers : tuple of Layer
    dtype : numpy.dtype
    seed : int
    optimizer : Optimizer or None
        The compiled optimizer; assigning to its settings takes effect at the next batch.
    loss : Loss or None

    Raises
    ------
    TypeError, ValueError
        If something is no layer, is listed twice or belongs to another model, or if shapes do not fit.

    Notes
    -----
    The same seed gives the same weights bit for bit on every run and with any number of threads.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([0, 1, 1, 0])
    >>> model = nf.Sequential(nf.Linear(2, 16), nf.Tanh(), nf.Linear(16, 2), seed=0)
    >>> model.compile(nf.Adam(lr=0.05), "cross_entropy", metrics=["accuracy"])
    >>> history = model.fit(x, y, batch_size=4, epochs=200, verbose=0)
    >>> model.predict(x).argmax(axis=1)
    array([0, 1, 1, 0])
    """

    def __init__(
        self,
        *layers: Layer | Residual | Sequence[Layer | Residual],
        input_shape: int | Sequence[int] | None = None,
        dtype: DTypeLike = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        # Not Model's: that one starts from nodes.
        shapes = None if input_shape is None else [input_shape]
        Network.__init__(self, in_a_row("Sequential", layers), shapes, dtype, seed, name)
