"""Networks whose first convolution has few channels and is pooled: the engine does both in one pass.

Whether it does depends on channels, windows and CPU; the results must not, so every case is held to the twin.
"""

import numpy as np
import pytest

import nnfast as nf

# input shape; layers up to the pooling, and what stands behind it
CASES = {
    "means": ((1, 12, 12), lambda: [nf.Conv2d(1, 4, 5, padding=2), nf.Tanh(), nf.AvgPool2d(2)]),
    "odd sizes": ((3, 13, 11), lambda: [nf.Conv2d(3, 3, 3), nf.ReLU(), nf.MaxPool2d(2)]),
    "no activation": (
        (2, 10, 9),
        lambda: [nf.Conv2d(2, 4, 3, padding=1, bias=False), nf.AvgPool2d(2)],
    ),
    "maximum only": ((1, 9, 10), lambda: [nf.Conv2d(1, 2, 3), nf.MaxPool2d(2)]),
    "triples": (
        (1, 24, 26),
        lambda: [nf.Conv2d(1, 4, 3, padding=1), nf.LeakyReLU(0.1), nf.MaxPool2d(3, 2, padding=1)],
    ),
    "means of triples": (
        (1, 25, 24),
        lambda: [nf.Conv2d(1, 3, 3), nf.Sigmoid(), nf.AvgPool2d(3, 2, padding=1)],
    ),
    "padding not counted": (
        (2, 9, 9),
        lambda: [nf.Conv2d(2, 3, 2), nf.Tanh(), nf.AvgPool2d(3, 3, padding=1, count_include_pad=False)],
    ),
    "one output": ((1, 8, 8), lambda: [nf.Conv2d(1, 1, 3, padding=1), nf.Tanh(), nf.MaxPool2d(2)]),
    "windows that overlap": (
        (1, 10, 10),
        lambda: [nf.Conv2d(1, 3, 3, stride=(2, 1)), nf.ReLU(), nf.MaxPool2d(3, 1)],
    ),
    "the whole image": ((1, 8, 9), lambda: [nf.Conv2d(1, 3, 3), nf.ReLU(), nf.GlobalAvgPool2d()]),
    "signals": ((2, 40), lambda: [nf.Conv1d(2, 3, 5, padding=2), nf.ReLU(), nf.MaxPool1d(2)]),
    "activation behind": ((1, 12, 12), lambda: [nf.Conv2d(1, 4, 3), nf.MaxPool2d(2), nf.Tanh()]),
    "pooled twice": (
        (1, 16, 16),
        lambda: [nf.Conv2d(1, 4, 3), nf.ReLU(), nf.MaxPool2d(2), nf.AvgPool2d(2)],
    ),
    "convolution behind": (
        (1, 14, 14),
        lambda: [
            nf.Conv2d(1, 3, 3),
            nf.ReLU(),
            nf.MaxPool2d(2),
            nf.Conv2d(3, 4, 3),
            nf.Tanh(),
            nf.AvgPool2d(2),
        ],
    ),
    "convolution before": (
        (2, 12, 12),
        lambda: [nf.Conv2d(2, 3, 3, padding=1), nf.Tanh(), nf.Conv2d(3, 4, 3), nf.ReLU(), nf.MaxPool2d(2)],
    ),
    "more channels than a strip": (
        (1, 12, 14),
        lambda: [nf.Conv2d(1, 7, 3), nf.ReLU(), nf.MaxPool2d(2)],
    ),
    "eight channels, means": ((2, 11, 12), lambda: [nf.Conv2d(2, 8, 3, padding=1), nf.AvgPool2d(2)]),
    "windows beyond the edge": (
        (1, 12, 13),
        lambda: [nf.Conv2d(1, 4, 3), nf.ReLU(), nf.MaxPool2d(3, 2, ceil_mode=True)],
    ),
    "the maximum of all": ((1, 8, 9), lambda: [nf.Conv2d(1, 3, 3), nf.Tanh(), nf.GlobalMaxPool2d()]),
    "large": ((1, 64, 64), lambda: [nf.Conv2d(1, 4, 3, padding=1), nf.ReLU(), nf.MaxPool2d(2)]),
}
EACH = pytest.mark.parametrize("name", CASES)


def network(name, dtype="float64", backend="native"):
    shape, layers = CASES[name]
    model = nf.Sequential(*layers(), nf.Flatten(), nf.Linear(None, 3), input_shape=shape, dtype=dtype, seed=4)
    model.compile(nf.SGD(lr=0.1), "cross_entropy", backend=backend)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@EACH
def test_values_and_gradients_are_the_twins(name, dtype, isa, rng):
    native, twin = network(name, dtype), network(name, "float64", "reference")
    # Few digits: the same numbers in both dtypes, so that maxima are found in the same places.
    twin.load_state_dict({k: np.round(256 * v) / 256 for k, v in twin.state_dict().items()})
    native.load_state_dict({k: v.astype(dtype) for k, v in twin.state_dict().items()})
    x = np.round(8 * rng.normal(size=(7, *CASES[name][0]))) / 8
    g = np.round(8 * rng.normal(size=(7, 3))) / 8
    results = []
    for model in (native, twin):
        predicted, y = model.predict(x), model.forward(x, training=True)
        np.testing.assert_array_equal(predicted, y)
        gx = model.backward(g, need_input_grad=True)
        results.append({"y": y, "gx": gx} | {k: v.copy() for k, v in model.gradients().items()})
        model.forward(x, training=True)
        model.backward(g, accumulate=True)
        for key, value in model.gradients().items():  # x + x is 2 x, but sums are cut otherwise
            np.testing.assert_allclose(value, 2 * results[-1][key], rtol=1e-4, atol=1e-4)
    for key, expected in results[1].items():
        scale = np.abs(expected).max()
        assert scale > 1e-3  # so that the comparison says something
        # Sums of at most 7 * 64 * 64 products, whose roundings are of either sign.
        bound = 64 * np.finfo(dtype).eps * scale
        np.testing.assert_allclose(results[0][key], expected, rtol=0, atol=bound, err_msg=key)


@EACH
def test_same_bits_at_any_number_of_threads(name, threads, rng):
    x, y = rng.normal(size=(150, *CASES[name][0])).astype(np.float32), rng.integers(0, 3, 150)
    states = []
    for n in (1, threads):
        with nf.num_threads(n):
            model = network(name, "float32")
            model.fit(x, y, batch_size=64, epochs=1, verbose=0)
            states.append(model.state_dict() | {"y": model.predict(x)})
    for key, value in states[0].items():
        np.testing.assert_array_equal(states[1][key], value)


@pytest.mark.parametrize("name", ["means", "odd sizes", "convolution before"])
def test_a_frozen_convolution(name, rng):
    """Its own gradients are left out, those of its input are not."""
    x, g = rng.normal(size=(5, *CASES[name][0])), rng.normal(size=(5, 3))
    gradients = []
    for frozen in (False, True):
        model = network(name)
        for layer in model.layers:
            if frozen and isinstance(layer, nf.Conv2d):
                layer.trainable = False
        model.forward(x, training=True)
        gradients.append(model.backward(g, need_input_grad=True))
        assert frozen == all(not v.any() for k, v in model.gradients().items() if k.startswith("0."))
    np.testing.assert_array_equal(*gradients)


def test_a_convolution_that_others_read_too(rng):
    """The pooling is not its only reader: both see its output."""
    x, found = rng.normal(size=(6, 1, 12, 12)), []
    for backend in ("native", "reference"):
        image = nf.Input((1, 12, 12))
        h = nf.Tanh()(nf.Conv2d(1, 4, 3, padding=1)(image))
        both = nf.Concat()(nf.Flatten()(nf.AvgPool2d(2)(h)), nf.Flatten()(h))
        model = nf.Model(image, nf.Linear(out_features=3)(both), dtype="float64", seed=3)
        model.compile("sgd", "cross_entropy", backend=backend)
        y = model.forward(x, training=True)
        found.append([y, model.backward(np.ones_like(y), need_input_grad=True)])
    for native, twin in zip(*found, strict=True):
        np.testing.assert_allclose(native, twin, rtol=1e-12, atol=1e-12)
