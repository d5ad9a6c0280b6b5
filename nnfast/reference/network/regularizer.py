"""L1 and L2 penalties on one parameter array, and the limit of the norms of the weights into each output.

Source: Goodfellow, Bengio, Courville: "Deep Learning", 2016, section 7.1; Srivastava et al.: "Dropout", JMLR
15, 2014, section 5.1.
"""

import numpy as np

from ..checks import Array, at_least


class Regularizer:
    """Penalty l1 * sum |w| + l2 * sum w^2; norms of at most `max_norm` where that is not 0.

    The weights into an output are a slice along the first axis; with `groups`, those of a transposed
    convolution, (inputs, outputs / groups, ...), of which each group of inputs has outputs of its own.
    """

    def __init__(self, l1: float, l2: float, max_norm: float, groups: int = 0) -> None:
        for name, value in {"l1": l1, "l2": l2, "max_norm": max_norm}.items():
            at_least("set_regularizer", name, value, 0)
        self.l1, self.l2, self.max_norm, self.groups = float(l1), float(l2), float(max_norm), groups

    def penalty(self, w: Array) -> float:
        """What is added to the loss."""
        w = w.astype(float)
        # An option that is off must not turn an infinite weight into NaN.
        total = self.l1 * float(np.abs(w).sum()) if self.l1 else 0.0
        return total + (self.l2 * float((w * w).sum()) if self.l2 else 0.0)

    def penalty_gradient(self, w: Array) -> Array | float:
        """What is added to the gradient."""
        return self.l1 * np.sign(w) + 2 * self.l2 * w if self.l1 or self.l2 else 0.0

    def limit(self, w: Array) -> None:
        """Scale down, in place, the weights into each output whose norm is too large."""
        if not self.max_norm:
            return
        inputs: tuple[int, ...] = tuple(range(1, w.ndim))
        if self.groups:
            w, inputs = w.reshape(self.groups, -1, *w.shape[1:]), (1, 3, 4)
        norms = np.sqrt((w.astype(float) ** 2).sum(axis=inputs, keepdims=True))
        factors = np.where(norms > self.max_norm, self.max_norm / np.maximum(norms, self.max_norm), 1.0)
        w *= factors.astype(w.dtype)
