"""Training on all samples at once by SciPy's L-BFGS-B, as scikit-learn's solver "lbfgs".

What this is: the weights as one vector, the loss and its gradient as the function SciPy minimises.
What this is not: the arithmetic of either, which is the engine's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from sklearn.utils.optimize import _check_optimize_result

import nnfast as nf
from nnfast.sklearn._machine import Machine
from nnfast.sklearn._stochastic import Samples

Array = NDArray[Any]


class Flat:
    """The parameters of a model as one vector."""

    def __init__(self, machine: Machine) -> None:
        params = machine.core.params()
        # Transposed, the engine's weights are dense: their copies are, too.
        self.views = [view.T for _, _, view in params]
        ends = np.cumsum([0] + [view.size for view in self.views])
        self.slices = [slice(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]
        self.penalized = np.zeros(int(ends[-1]))
        if machine.penalty:
            for place, (_, name, view) in zip(self.slices, params, strict=True):
                if name == "weight" and view.ndim > 1:
                    self.penalized[place] = machine.penalty

    def read(self) -> NDArray[np.float64]:
        """The weights."""
        return np.concatenate([view.ravel() for view in self.views]).astype(np.float64, copy=False)

    def write(self, vector: Array) -> None:
        """Set the weights."""
        for view, place in zip(self.views, self.slices, strict=True):
            view[...] = vector[place].reshape(view.shape)

    def gradients(self, arrays: list[Array]) -> NDArray[np.float64]:
        """Gradients in the order of the parameters."""
        return np.concatenate([array.T.ravel() for array in arrays]).astype(np.float64, copy=False)


def run_lbfgs(estimator: Any, machine: Machine, data: Samples) -> None:
    """Minimise; sets the estimator's `n_iter_` and `loss_`.

    With several outputs the squared error is their sum, whose gradient this is; scikit-learn hands SciPy
    their mean beside the gradient of the sum.
    """
    e = estimator
    machine.compile(nf.SGD(0.0))
    flat = Flat(machine)
    # Weight decay is added here, once for all samples.
    penalty, machine.penalty = machine.penalty, None
    machine.set_penalty(0.0)
    total = float(data.X.shape[0] if data.weight is None else data.weight.sum())
    constants = machine.objective.constants(data.y)
    constant = 0.0 if constants is None else float(np.average(constants, weights=data.weight))

    def loss(vector: Array) -> tuple[float, Array]:
        flat.write(vector)
        try:
            value, gradients = machine.loss_and_gradients(data.X, data.y, data.weight)
        except FloatingPointError:
            return float("inf"), np.zeros_like(vector)
        decayed = flat.penalized * vector
        value += 0.5 * float(decayed.dot(vector)) / total + constant
        return value, flat.gradients(gradients) + decayed / total

    try:
        found = scipy.optimize.minimize(
            loss,
            flat.read(),
            method="L-BFGS-B",
            jac=True,
            options={"maxfun": e.max_fun, "maxiter": e.max_iter, "gtol": e.tol},
        )
    finally:
        machine.set_penalty(penalty)
    e.n_iter_ = _check_optimize_result("lbfgs", found, e.max_iter)
    e.loss_ = float(found.fun)
    flat.write(found.x)
    if e.verbose:
        print(f"{found.nit} iterations, {found.nfev} evaluations, loss = {e.loss_:.8f}")
