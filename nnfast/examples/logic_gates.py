"""Logic gates by perceptrons, and XOR, which takes a hidden layer.

    python -m nnfast.examples.logic_gates

A perceptron draws one line through the plane and answers 1 beyond it, 0 on it and before it. The perceptron
rule (Rosenblatt 1958) finds the line for AND, OR and NAND after a few passes over the four inputs. None
separates XOR (Minsky and Papert 1969), so the rule goes on making mistakes for ever; three of the gates put
together give it, and so does a small network that is trained as a whole.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import nnfast as nf
from nnfast.examples import _common
from nnfast.plot import new_figure

INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0], "XOR": [0, 1, 1, 0]}


def train_perceptron(targets: Sequence[int], passes: int) -> tuple[nf.Sequential, int | None]:
    """The gate as a network of one unit, and the number of passes it took; None if mistakes never ended."""
    weight, bias = np.zeros(2), np.zeros(1)
    took = None
    for done in range(1, passes + 1):
        if nf.perceptron_update(weight, bias, INPUTS, np.array(targets, float)) == 0:
            took = done
            break
    gate = nf.Sequential(nf.Linear(2, 1), nf.Step(), dtype="float64")
    gate.layers[0].weight, gate.layers[0].bias = weight[None], bias  # type: ignore[attr-defined]
    return gate, took


def train_network(epochs: int, seed: int) -> nf.Sequential:
    """Two inputs, four hidden units, one output."""
    network = nf.Sequential(nf.Linear(2, 4), nf.Tanh(), nf.Linear(4, 1), seed=seed)
    network.compile(nf.Adam(lr=0.05), "bce_with_logits")
    network.fit(INPUTS, GATES["XOR"], batch_size=4, epochs=epochs, verbose=0)
    return network


def draw(gates: dict[str, nf.Sequential], network: nf.Sequential) -> Any:
    """Where each answers 0 (blue) and 1 (orange)."""
    figure = new_figure(12.5, 2.9)
    panels = figure.subplots(1, 5)
    for axes, (name, gate) in zip(panels, gates.items(), strict=False):
        nf.plot.decision_boundary(gate, INPUTS, GATES[name], margin=0.3, ax=axes)
        axes.set_title(f"{name}: perceptron")
    nf.plot.decision_boundary(network, INPUTS, GATES["XOR"], margin=0.3, ax=panels[-1])
    panels[-1].set_title("XOR: 4 hidden units")
    for axes in panels:
        axes.set(xlabel="", ylabel="", xticks=[0, 1], yticks=[0, 1], aspect="equal")
        axes.get_legend().remove()
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse(
        "logic_gates",
        __doc__,
        arguments,
        passes=(100, "passes of a perceptron at most"),
        epochs=(300, "epochs of the network"),
    )
    gates = {}
    for name, targets in GATES.items():
        gates[name], took = train_perceptron(targets, options.passes)
        outcome = f"learned after {took} passes" if took else f"still wrong after {options.passes} passes"
        print(f"{name:5} by a perceptron: {outcome}")

    either, not_both = gates["OR"].predict(INPUTS), gates["NAND"].predict(INPUTS)
    together = gates["AND"].predict(np.hstack([either, not_both]))[:, 0].astype(int)
    print(f"XOR   as AND(OR, NAND): {together.tolist()}")

    network = train_network(options.epochs, options.seed)
    answers = (network.predict(INPUTS)[:, 0] > 0).astype(int)
    print(f"XOR   by a network:     {answers.tolist()}")
    _common.picture("logic_gates", options, draw, gates, network)
    return 0


if __name__ == "__main__":
    sys.exit(main())
