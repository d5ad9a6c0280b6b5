"""Why cross-entropy learns faster than the quadratic cost from a bad start.

    python -m nnfast.examples.cross_entropy

One sigmoid unit is to answer 0 to the input 1. Started at weight and bias 2 it answers 0.98: badly wrong. The
gradient of the quadratic cost (a - y)^2 / 2 has the sigmoid's slope as a factor, a (1 - a) (a - y), and the
slope is next to nothing where the unit is saturated: the worse the start, the slower it learns. The
cross-entropy's gradient is a - y: the worse, the faster. (After Nielsen, "Neural networks and deep learning",
chapter 3.)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import nnfast as nf
from nnfast.examples import _common
from nnfast.plot import new_figure

STARTS = {"near": (0.6, 0.9), "far": (2.0, 2.0)}  # weight and bias
COSTS = {"quadratic cost": nf.QuadraticCost(), "cross-entropy": nf.BCELoss()}
LEARNED = 0.1


def answers(start: tuple[float, float], cost: Any, rate: float, epochs: int) -> list[float]:
    """What the unit answers before each step and after the last."""
    unit = nf.Sequential(nf.Linear(1, 1), nf.Sigmoid())
    layer: Any = unit.layers[0]
    layer.weight, layer.bias = [[start[0]]], [start[1]]
    unit.compile(nf.SGD(lr=rate), cost)
    given = [unit.predict([[1.0]]).item()]
    for _ in range(epochs):
        unit.train_batch([[1.0]], [[0.0]])
        given.append(unit.predict([[1.0]]).item())
    return given


def draw(curves: dict[tuple[str, str], list[float]]) -> Any:
    """The answers over the steps, a panel a start."""
    figure = new_figure(10.0, 3.8)
    for axes, start in zip(figure.subplots(1, 2, sharey=True), STARTS, strict=True):
        for name in COSTS:
            axes.plot(curves[name, start], label=name)
        axes.axhline(0, color="black", linewidth=0.8)
        weight, bias = STARTS[start]
        axes.set(xlabel="step", ylim=(-0.03, 1.03), title=f"{start} start: weight {weight}, bias {bias}")
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("answer (wanted: 0)")
    figure.axes[0].legend()
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse(
        "cross_entropy",
        __doc__,
        arguments,
        epochs=(300, "steps of gradient descent"),
        rate=(0.15, "learning rate"),
    )
    curves = {
        (name, start): answers(STARTS[start], cost, options.rate, options.epochs)
        for name, cost in COSTS.items()
        for start in STARTS
    }
    for (name, start), curve in curves.items():
        took = next((step for step, answer in enumerate(curve) if answer < LEARNED), None)
        when = f"after {took} steps" if took is not None else f"not within {options.epochs} steps"
        print(f"{name:14} {start:4} start: {curve[0]:.2f} -> {curve[-1]:.3f}, below {LEARNED} {when}")
    _common.picture("cross_entropy", options, draw, curves)
    return 0


if __name__ == "__main__":
    sys.exit(main())
