"""Why initial weights are drawn with variance 1/n.

    python -m nnfast.examples.initialisation

A unit sums n inputs: with weights of variance v, the sum's variance is n v times that of an input. With
v = 1 the sums of a wide layer are huge and tanh is saturated everywhere; with a v that is too small, what the
layers pass on shrinks by a factor a layer until nothing is left; with v = 1/n the sums are about as large as
the inputs, layer after layer (LeCun et al. 1998, "Efficient BackProp").
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

import nnfast as nf
from nnfast.examples import _common
from nnfast.plot import new_figure

WIDTH, DEPTH = 100, 8
DRAWS: dict[str, Any] = {
    "variance 1": partial(nf.initializers.normal, std=1.0),
    "variance 1/n": "lecun_normal",
    "variance 0.0001": partial(nf.initializers.normal, std=0.01),
}


def network(init: Any, seed: int) -> nf.Model:
    """64 pixels, tanh layers, ten digits: every hidden layer is an output, too, to be looked at."""
    signal = start = nf.Input(64)
    hidden = []
    for i in range(DEPTH):
        linear = nf.Linear(WIDTH if i else 64, WIDTH, weight_init=init, bias_init="zeros")
        signal = nf.Tanh()(linear(signal))
        hidden.append(signal)
    logits = nf.Linear(WIDTH, 10, weight_init=init, bias_init="zeros")(signal)
    return nf.Model(start, [logits, *hidden], seed=seed)


def train(model: nf.Model, x: Any, y: Any, epochs: int, held_out: tuple[Any, Any]) -> list[float]:
    """The held-out accuracy after every epoch; the loss is by hand, since only the logits have one."""
    model.compile(nf.SGD(lr=0.02, momentum=0.9))
    rng = np.random.default_rng(model.seed)
    right = []
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for batch in np.array_split(order, len(x) // 32):
            logits = model.forward(x[batch], training=True)[0]
            gradient = nf.cross_entropy_backward(logits.dtype.type(1), logits, y[batch])
            model.backward([gradient, *[None] * DEPTH])
            model.step()
        right.append(nf.metrics.accuracy(held_out[1], model.predict(held_out[0])[0]))
    return right


def draw(sizes: dict[str, Any], last: dict[str, Any], curves: dict[str, Any]) -> Any:
    """The layers' outputs before training, and the accuracy."""
    figure = new_figure(13.0, 3.9)
    left, middle, right = figure.subplots(1, 3)
    for name in DRAWS:
        left.semilogy(range(1, DEPTH + 1), sizes[name], "o-", label=name)
        middle.hist(last[name].ravel(), bins=60, range=(-1, 1), density=True, histtype="step", linewidth=1.5)
        right.plot(range(1, len(curves[name]) + 1), curves[name], label=name)
    left.set(xlabel="hidden layer", ylabel="standard deviation of its outputs", title="before training")
    left.legend()
    middle.set(xlabel=f"output of layer {DEPTH}", ylabel="density", yscale="log", title="before training")
    right.set(xlabel="epoch", ylabel="held-out accuracy", ylim=(0, 1.02), title="training")
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse("initialisation", __doc__, arguments, epochs=(15, "epochs"))
    (x, y), held_out = _common.digits(options.seed)
    mean, std = x.mean(), x.std()
    x, held_out = (x - mean) / std, ((held_out[0] - mean) / std, held_out[1])

    sizes, curves, last = {}, {}, {}
    for name, init in DRAWS.items():
        model = network(init, options.seed)
        hidden = model.predict(x)[1:]
        sizes[name], last[name] = [float(h.std()) for h in hidden], hidden[-1]
        curves[name] = train(model, x, y, options.epochs, held_out)
        print(
            f"{name:15}  standard deviation of layer 1: {sizes[name][0]:.1e}, of layer {DEPTH}: "
            f"{sizes[name][-1]:.1e};  {curves[name][-1]:.3f} of the held-out digits right"
        )
    _common.picture("initialisation", options, draw, sizes, last, curves)
    return 0


if __name__ == "__main__":
    sys.exit(main())
