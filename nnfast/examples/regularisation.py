"""Regularisation on a small sample: L1, L2, dropout, early stopping.

    python -m nnfast.examples.regularisation

200 digits to learn from, a fifth of them labelled at random: a network of 26,000 weights learns them all by
heart, the wrong ones too, and pays for it on others. Penalties of the weights' squares (L2) or absolute
values (L1), dropout (Srivastava et al. 2014), and stopping at the best loss on validation data each hold
that back.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import nnfast as nf
from nnfast.examples import _common
from nnfast.plot import new_figure

SAMPLE, MISLABELLED, VALIDATION = 200, 40, 100
KINDS = ("nothing", "L2", "L1", "dropout", "early stopping")


def cross_entropy(y_true: Any, y_pred: Any) -> float:
    """The loss alone: what `fit` calls the loss holds the penalties, too."""
    return float(nf.cross_entropy(y_pred, y_true))


def network(kind: str, seed: int) -> nf.Sequential:
    """64-128-128-10."""
    l1, l2 = {"L1": (1e-3, 0.0), "L2": (0.0, 1e-2)}.get(kind, (0.0, 0.0))
    layers: list[nf.Layer] = []
    for inputs in (64, 128):
        layers += [nf.Linear(inputs, 128, l1=l1, l2=l2), nf.ReLU()]
        layers += [nf.Dropout(0.5)] if kind == "dropout" else []
    model = nf.Sequential(*layers, nf.Linear(128, 10, l1=l1, l2=l2), seed=seed)
    model.compile(nf.Adam(lr=1e-3), "cross_entropy", metrics=["accuracy", cross_entropy])
    return model


def draw(histories: dict[str, nf.History], models: dict[str, nf.Sequential]) -> Any:
    """The loss over the epochs, and the weights it leads to."""
    figure = new_figure(12.0, 4.4)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for kind, history in histories.items():
        left.plot(history.epochs, history["val_cross_entropy"], label=kind)
    left.set(xlabel="epoch", ylabel="cross-entropy", ylim=(0, 2.5), title="validation data")
    left.grid(alpha=0.3)
    left.legend(ncols=2)
    bins = np.linspace(-0.3, 0.3, 81)
    for i, kind in enumerate(KINDS[:4]):
        weight = models[kind].state_dict()["0.weight"]
        right.hist(weight.ravel(), bins, histtype="step", color=f"C{i}", linewidth=1.3)
    right.set(xlabel="weight of the first layer", ylabel="number", yscale="log", title="at the end")
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse("regularisation", __doc__, arguments, epochs=(100, "epochs"))
    (few, labels), (x, y) = _common.digits(options.seed, train=SAMPLE / 1797)
    rng = np.random.default_rng(options.seed)
    labels[rng.permutation(len(labels))[:MISLABELLED]] = rng.integers(0, 10, MISLABELLED)
    validation, test = (x[:VALIDATION], y[:VALIDATION]), (x[VALIDATION:], y[VALIDATION:])

    histories, models = {}, {}
    print(f"{len(few)} digits, {MISLABELLED} labels of them drawn; {len(test[0])} digits to test on")
    print("                 epochs   accuracy   cross-entropy   mean |weight|")
    for kind in KINDS:
        model = models[kind] = network(kind, options.seed)
        stop = nf.callbacks.EarlyStopping(monitor="val_loss", patience=20, restore_best=True)
        histories[kind] = model.fit(
            few,
            labels,
            batch_size=20,
            epochs=options.epochs,
            validation_data=validation,
            callbacks=stop if kind == "early stopping" else None,
            verbose=0,
        )
        found = model.evaluate(*test)
        weights = [w.ravel() for name, w in model.state_dict().items() if name.endswith("weight")]
        size = np.abs(np.concatenate(weights)).mean()
        print(
            f"{kind:14} {len(histories[kind]):8} {found['accuracy']:10.4f} {found['cross_entropy']:15.3f} "
            f"{size:15.4f}"
        )
    _common.picture("regularisation", options, draw, histories, models)
    return 0


if __name__ == "__main__":
    sys.exit(main())
