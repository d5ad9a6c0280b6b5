"""SGD, momentum, RMSprop and Adam on the same valley, with their paths.

    python -m nnfast.examples.optimizers_valley

The valley is Rosenbrock's, f(x, y) = (1 - x)^2 + 10 (y - x^2)^2: steep walls, a curved and nearly flat
floor, the minimum at (1, 1). No network here: the optimizers are functions of arrays,
`nnfast.sgd_update(param, grad, ...)` and its relatives, which change the parameter in place.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import nnfast as nf
from nnfast.examples import _common
from nnfast.plot import new_figure

START = (-1.4, 1.6)
NEAR = 1e-3  # of the minimum's value 0


def valley(x: Any, y: Any) -> Any:
    """The height at (x, y)."""
    return (1 - x) ** 2 + 10 * (y - x**2) ** 2


def slope(point: Any) -> Any:
    """The gradient there."""
    x, y = point
    return np.array([-2 * (1 - x) - 40 * x * (y - x**2), 20 * (y - x**2)])


def descend(update: Callable[[Any, Any, int], None], steps: int) -> Any:
    """The points visited: (steps + 1, 2)."""
    point = np.array(START)
    path = [point.copy()]
    for step in range(1, steps + 1):
        update(point, slope(point), step)
        path.append(point.copy())
    return np.array(path)


def optimizers() -> dict[str, Callable[[Any, Any, int], None]]:
    """Each with a state of its own, and the learning rate that suits it."""
    velocity, square, m, v = np.zeros((4, 2))

    def sgd(w: Any, g: Any, step: int) -> None:
        nf.sgd_update(w, g, lr=0.015)

    def momentum(w: Any, g: Any, step: int) -> None:
        nf.sgd_update(w, g, velocity, lr=0.005, momentum=0.9, first_step=step == 1)

    def rmsprop(w: Any, g: Any, step: int) -> None:
        nf.rmsprop_update(w, g, square, lr=0.015, alpha=0.99)

    def adam(w: Any, g: Any, step: int) -> None:
        nf.adam_update(w, g, m, v, step=step, lr=0.1)

    return {"SGD": sgd, "momentum": momentum, "RMSprop": rmsprop, "Adam": adam}


def draw(paths: dict[str, Any], heights: dict[str, Any]) -> Any:
    """The paths on the map of the valley, and the heights over the steps."""
    figure = new_figure(11.0, 4.4)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    x, y = np.meshgrid(np.linspace(-1.9, 1.7, 200), np.linspace(-0.8, 2.6, 200))
    left.contour(x, y, valley(x, y), np.geomspace(0.05, 100, 14), colors="0.75", linewidths=0.8)
    for i, (name, path) in enumerate(paths.items()):
        left.plot(*path.T, ".-", color=f"C{i}", markersize=3, linewidth=1, label=name)
        right.semilogy(heights[name], color=f"C{i}", label=name)
    left.plot(*START, "ko", markersize=6)
    left.plot(1, 1, "k*", markersize=12)
    left.set(xlabel="x", ylabel="y", xlim=(-1.9, 1.7), ylim=(-0.8, 2.6), title="from the dot to the star")
    left.legend(loc="lower left")
    right.set(xlabel="step", ylabel="height", title="height over the steps")
    right.grid(alpha=0.3)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse("optimizers_valley", __doc__, arguments, steps=(300, "steps of each"))
    paths = {name: descend(update, options.steps) for name, update in optimizers().items()}
    heights = {name: valley(*path.T) for name, path in paths.items()}
    for name, height in heights.items():
        took = next((step for step, value in enumerate(height) if value < NEAR), None)
        when = f"below {NEAR:g} after {took} steps" if took is not None else f"not below {NEAR:g}"
        print(f"{name:9} {height[0]:.2f} -> {height[-1]:.1e}, {when}")
    _common.picture("optimizers_valley", options, draw, paths, heights)
    return 0


if __name__ == "__main__":
    sys.exit(main())
