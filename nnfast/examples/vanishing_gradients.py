"""Vanishing gradients: sigmoid against ReLU, by depth.

    python -m nnfast.examples.vanishing_gradients

The error reaches the first layer through every layer above it, and each multiplies it by the slope of its
activation: at most 1/4 for the sigmoid, 1 or 0 for ReLU. So the first layers of deep sigmoid networks learn
next to nothing (Hochreiter 1991), while ReLU networks with He's initial weights (He et al. 2015) of any depth
here get gradients of about the same size everywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import nnfast as nf
from nnfast.examples import _common
from nnfast.plot import new_figure

WIDTH = 50
ACTIVATIONS = {"sigmoid": (nf.Sigmoid, "xavier_normal"), "ReLU": (nf.ReLU, "kaiming_normal")}
DEPTHS = (1, 2, 4, 8, 12)  # hidden layers


def network(name: str, depth: int, seed: int) -> nf.Sequential:
    """64 pixels, so many hidden layers, ten digits; the initial weights that suit the activation."""
    activation, init = ACTIVATIONS[name]
    layers: list[nf.Layer] = []
    for i in range(depth):
        layers += [nf.Linear(WIDTH if i else 64, WIDTH, weight_init=init, bias_init="zeros"), activation()]
    model = nf.Sequential(*layers, nf.Linear(WIDTH, 10, weight_init=init, bias_init="zeros"), seed=seed)
    model.compile(nf.SGD(lr=0.02, momentum=0.9), "cross_entropy", metrics=["accuracy"])
    return model


def first_layer_gradient(model: nf.Sequential, x: _common.Array, y: _common.Array) -> float:
    """The norm of the loss's gradient by the first layer's weight, by hand: forward, loss, backward."""
    logits = model.forward(x, training=True)
    model.backward(nf.cross_entropy_backward(logits.dtype.type(1), logits, y))
    return float((model.gradients()["0.weight"] ** 2).sum() ** 0.5)


def draw(norms: dict[str, list[float]], right: dict[str, list[float]], x: Any, y: Any, seed: int) -> Any:
    """Gradients by layer and by depth, and what comes of them."""
    figure = new_figure(13.5, 4.2)
    left, middle, last = figure.subplots(1, 3)
    for name in ACTIVATIONS:
        fresh = network(name, DEPTHS[-1], seed)
        nf.plot.gradient_norms(fresh, x, y, label=name, ax=left)
        middle.semilogy(DEPTHS, norms[name], "o-", label=name)
        last.plot(DEPTHS, right[name], "o-", label=name)
    left.set_title(f"{DEPTHS[-1]} hidden layers, before training")
    middle.set(xlabel="hidden layers", ylabel="norm of the gradient", title="the first layer's gradient")
    last.set(xlabel="hidden layers", ylabel="held-out accuracy", ylim=(0, 1.02), title="after training")
    for axes in (middle, last):
        axes.grid(alpha=0.3)
        axes.legend(loc="lower left")
    left.legend(loc="lower right")
    last.legend(loc="center right")
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse(
        "vanishing_gradients", __doc__, arguments, epochs=(20, "epochs each network is trained for")
    )
    (x, y), held_out = _common.digits(options.seed)
    x, held_out = x - x.mean(), (held_out[0] - x.mean(), held_out[1])
    print("hidden layers      gradient of the first layer      digits right after training")
    norms: dict[str, list[float]] = {name: [] for name in ACTIVATIONS}
    right: dict[str, list[float]] = {name: [] for name in ACTIVATIONS}
    for depth in DEPTHS:
        for name in ACTIVATIONS:
            model = network(name, depth, options.seed)
            norms[name].append(first_layer_gradient(model, x, y))
            model.fit(x, y, batch_size=32, epochs=options.epochs, verbose=0)
            right[name].append(model.evaluate(*held_out)["accuracy"])
            print(f"{depth:7}  {name:8} {norms[name][-1]:18.1e} {right[name][-1]:32.3f}")
    _common.picture("vanishing_gradients", options, draw, norms, right, x, y, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
