"""Logistic regression with its decision boundary, beside the best that is possible.

    python -m nnfast.examples.logistic_regression

Two classes are drawn from two normal distributions of one covariance C. For these the best classifier is
known, w = C^-1 (m1 - m0) with the bias -w (m0 + m1) / 2, and is a logistic regression: one linear layer,
trained with the cross-entropy of its sigmoid, finds nearly the same line from the samples alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import nnfast as nf
from nnfast.examples import _common
from nnfast.plot import new_figure

MEANS = np.array([[-0.8, -0.6], [0.9, 0.7]])
COVARIANCE = np.array([[1.0, 0.6], [0.6, 1.2]])


def sample(n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """n samples and their classes."""
    y = rng.integers(0, 2, n)
    return MEANS[y] + rng.multivariate_normal(np.zeros(2), COVARIANCE, n), y


def best() -> nf.Sequential:
    """The classifier that follows from the distributions."""
    weight = np.linalg.solve(COVARIANCE, MEANS[1] - MEANS[0])
    model = nf.Sequential(nf.Linear(2, 1))
    layer: Any = model.layers[0]
    layer.weight, layer.bias = weight[None], [-weight @ MEANS.mean(axis=0)]
    return model


def draw(model: nf.Sequential, history: nf.History, x: Any, y: Any) -> Any:
    """The samples with both lines, and the loss."""
    figure = new_figure(10.0, 4.2)
    left, right = figure.subplots(1, 2)
    nf.plot.decision_boundary(model, x, y, ax=left)
    low, high = left.get_xlim()
    layer: Any = best().layers[0]
    (w0, w1), bias = layer.weight[0], layer.bias[0]
    plane = np.array([low, high])
    left.plot(plane, -(w0 * plane + bias) / w1, "k:", label="best possible")
    left.legend(fontsize=8, loc="lower right")
    left.set_title("samples, and where the learned odds are even")
    history.plot(metrics="loss", ax=right)
    right.set_title("cross-entropy while learning")
    right.get_legend().remove()
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse(
        "logistic_regression",
        __doc__,
        arguments,
        samples=(400, "samples to train on"),
        epochs=(200, "steps of gradient descent"),
    )
    rng = np.random.default_rng(options.seed)
    x, y = sample(options.samples, rng)
    held_out = sample(20_000, rng)

    model = nf.Sequential(nf.Linear(2, 1), seed=options.seed)
    model.compile(nf.SGD(lr=0.5), "bce_with_logits", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=options.samples, epochs=options.epochs, verbose=0)

    for name, each in (("learned", model), ("best possible", best())):
        each.compile("sgd", "bce_with_logits", metrics=["accuracy"])
        found = each.evaluate(*held_out)
        (w0, w1), bias = each.layers[0].weight[0], each.layers[0].bias[0]  # type: ignore[attr-defined]
        print(
            f"{name:13}  w = ({w0:.2f}, {w1:.2f})  b = {bias:5.2f}  "
            f"loss {found['loss']:.4f}  accuracy {found['accuracy']:.4f}"
        )
    _common.picture("logistic_regression", options, draw, model, history, x, y)
    return 0


if __name__ == "__main__":
    sys.exit(main())
