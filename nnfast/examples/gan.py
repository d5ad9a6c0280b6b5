"""A generative adversarial network draws digits: two networks, trained by hand.

    python -m nnfast.examples.gan

The generator turns noise into images of 8x8 pixels; the discriminator tells them from scikit-learn's digits.
The discriminator learns to, and the generator learns from the gradient of the discriminator's judgement with
respect to its input (Goodfellow et al. 2014), so that neither has a loss `fit` could know: `forward`,
`backward` and `step` are called here. How good the drawings are is measured by a third network, which was
trained to read real digits: a generator that has learned draws all ten of them, and legibly.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import nnfast as nf
from nnfast.examples import _common
from nnfast.plot import new_figure

NOISE = 16
BATCH = 64
SMOOTH = 0.9  # the discriminator is to be 90 % sure of real digits: one that is certain teaches nothing


def make_generator(seed: int) -> nf.Sequential:
    """Noise to pixels in 0..1."""
    return nf.Sequential(
        nf.Linear(NOISE, 128, bias=False),
        nf.BatchNorm1d(128),
        nf.ReLU(),
        nf.Linear(128, 128, bias=False),
        nf.BatchNorm1d(128),
        nf.ReLU(),
        nf.Linear(128, 64),
        nf.Sigmoid(),
        seed=seed,
    )


def make_discriminator(seed: int) -> nf.Sequential:
    """Pixels to a logit: above 0, real."""
    return nf.Sequential(
        nf.Linear(64, 128),
        nf.LeakyReLU(0.2),
        nf.Dropout(0.3),
        nf.Linear(128, 128),
        nf.LeakyReLU(0.2),
        nf.Dropout(0.3),
        nf.Linear(128, 1),
        seed=seed + 1,
    )


def gradient(logits: Any, target: Any) -> Any:
    """Of the mean binary cross-entropy, with respect to the logits."""
    return nf.binary_cross_entropy_with_logits_backward(np.float32(1), logits, target)


def train_step(generator: nf.Sequential, discriminator: nf.Sequential, real: Any, noise: Any) -> None:
    """One step of each."""
    drawn = generator.predict(noise)
    logits = discriminator.forward(np.concatenate([real, drawn]), training=True)
    target = np.zeros_like(logits)
    target[: len(real)] = SMOOTH
    discriminator.backward(gradient(logits, target))
    discriminator.step()

    drawn = generator.forward(noise, training=True)
    logits = discriminator.forward(drawn, training=True)
    by_pixel = discriminator.backward(gradient(logits, np.ones_like(logits)), need_input_grad=True)
    generator.backward(by_pixel)
    generator.step()


def reader(x: Any, y: Any, seed: int) -> nf.Sequential:
    """A network that reads digits."""
    model = nf.Sequential(nf.Linear(64, 100), nf.ReLU(), nf.Dropout(0.3), nf.Linear(100, 10), seed=seed)
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    model.fit(x, y, epochs=40, verbose=0)
    return model


def draw(strips: dict[int, Any], real: Any) -> Any:
    """A row of drawings for each stage, and one of real digits."""
    figure = new_figure(9.0, 0.9 * len(strips) + 1.3)
    rows = figure.subplots(len(strips) + 1, 12)
    names = [*(f"epoch {epoch}" for epoch in strips), "real"]
    for name, row, images in zip(names, rows, [*strips.values(), real], strict=True):
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for axes, image in zip(row, images, strict=False):
            axes.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
    figure.suptitle("the same noise, drawn by the generator as it learns")
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse("gan", __doc__, arguments, epochs=(400, "passes over the digits"))
    (x, y), held_out = _common.digits(options.seed)
    generator, discriminator = make_generator(options.seed), make_discriminator(options.seed)
    for model in (generator, discriminator):
        model.compile(nf.Adam(lr=5e-4, betas=(0.5, 0.999)))

    rng = np.random.default_rng(options.seed)
    stages = {0, options.epochs // 20, options.epochs // 5, options.epochs}
    always = rng.normal(size=(12, NOISE)).astype(np.float32)  # the same noise, to see it become digits
    strips = {}
    for epoch in range(options.epochs + 1):
        if epoch in stages:
            strips[epoch] = generator.predict(always)
        if epoch == options.epochs:
            break
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            noise = rng.normal(size=(BATCH, NOISE)).astype(np.float32)
            train_step(generator, discriminator, x[order[start : start + BATCH]], noise)

    judge = reader(x, y, options.seed)
    drawn = generator.predict(rng.normal(size=(2000, NOISE)).astype(np.float32))
    for name, images in (("real, held out", held_out[0]), ("drawn", drawn)):
        sure = nf.softmax(judge.predict(images))
        shares = np.bincount(sure.argmax(axis=1), minlength=10) / len(images)
        taken = (discriminator.predict(images) > 0).mean()
        print(
            f"{name:15} read with a mean certainty of {sure.max(axis=1).mean():.3f}, the rarest digit "
            f"{shares.min():.3f} of all, {taken:.2f} taken for real"
        )
    _common.picture("gan", options, draw, strips, held_out[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
