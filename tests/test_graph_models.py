"""`nf.Model` with several inputs and outputs, as a user builds, runs and trains it."""

import copy
import pickle

import numpy as np
import pytest

import nnfast as nf


def two_towers(seed=3, dtype="float64"):
    """Two inputs; two outputs from a trunk that both towers feed."""
    image, table = nf.Input((2, 5, 5)), nf.Input(3)
    seen = nf.Flatten()(nf.ReLU()(nf.Conv2d(2, 3, 3)(image)))
    known = nf.Tanh()(nf.Linear(3, 4)(table))
    trunk = nf.Tanh()(nf.Linear(out_features=6)(nf.Concat()(seen, known)))
    label = nf.Linear(6, 3, name="label")(trunk)
    value = nf.Linear(6, 1, name="value")(trunk)
    return nf.Model([image, table], [label, value], seed=seed, dtype=dtype)


def middle(seed=3, dtype="float64"):
    """One input; the second output is read again on the way to the first."""
    x = nf.Input(4)
    early = nf.Linear(4, 3)(x)
    return nf.Model(x, [nf.Linear(3, 3)(nf.ReLU()(early)), early], seed=seed, dtype=dtype)


def joined(seed=3, dtype="float64"):
    """Two inputs, one output."""
    a, b = nf.Input(4), nf.Input(4)
    h = nf.Add()(nf.Linear(4, 5)(a), nf.Linear(4, 5)(b))
    return nf.Model([a, b], nf.Linear(5, 3)(nf.Tanh()(h)), seed=seed, dtype=dtype)


CASES = {
    "towers": (two_towers, [(2, 5, 5), (3,)]),
    "middle": (middle, [(4,)]),
    "joined": (joined, [(4,), (4,)]),
}
EACH = pytest.mark.parametrize("name", CASES)


def samples(name, rng, n=11):
    x = [rng.standard_normal((n, *shape)) for shape in CASES[name][1]]
    return x if len(x) > 1 else x[0]


def as_list(value):
    return value if isinstance(value, list) else [value]


@EACH
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_lists_go_in_and_come_out(name, backend, rng):
    model, x = CASES[name][0](), samples(name, rng)
    model.compile("sgd", backend=backend)
    outputs = model.predict(x, batch_size=4)
    several = name != "joined"
    assert isinstance(outputs, list) == several
    shapes = model.output_shape if several else (model.output_shape,)
    assert [a.shape for a in as_list(outputs)] == [(11, *shape) for shape in shapes]
    found = model.forward(x, training=True)
    for a, b in zip(as_list(found), as_list(outputs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    gx = model.backward([2 * a for a in found] if several else 2 * found, need_input_grad=True)
    assert [a.shape for a in as_list(gx)] == [a.shape for a in as_list(x)]
    model.step()
    # A step down the gradient of the sum of squares makes it smaller.
    after = sum((a**2).sum() for a in as_list(model.predict(x)))
    assert after < sum((a**2).sum() for a in as_list(outputs))


@EACH
def test_copies_keep_inputs_and_outputs(name, rng):
    model, x = CASES[name][0](), samples(name, rng)
    expected = as_list(model.predict(x))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        for a, b in zip(as_list(other.predict(x)), expected, strict=True):
            np.testing.assert_array_equal(a, b)
        assert list(other.state_dict()) == list(model.state_dict())
        assert other.input_shape == model.input_shape and other.output_shape == model.output_shape


def test_an_output_without_a_gradient_of_its_own(rng):
    model, x = middle(), samples("middle", rng)
    first, early = model.forward(x, training=True)
    model.backward([None, np.ones_like(early)])
    without = {key: g.copy() for key, g in model.gradients().items()}
    model.forward(x, training=True)
    model.backward([np.zeros_like(first), np.ones_like(early)])
    for key, g in model.gradients().items():
        np.testing.assert_array_equal(g, without[key])


def test_shapes_and_summary(capsys):
    model = two_towers()
    assert model.input_shape == ((2, 5, 5), (3,)) and model.output_shape == ((3,), (1,))
    model.summary()
    text = capsys.readouterr().out
    assert "input ((2, 5, 5), (3,)), float64" in text and "label" in text and "value" in text


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_several_inputs_train_with_fit(backend, rng):
    a, b = samples("joined", rng, 60)
    y = ((a * b).sum(axis=1) > 0).astype(int) + (a[:, 0] > 1)
    model = joined()
    model.compile(nf.Adam(lr=0.02), "cross_entropy", metrics=["accuracy"], backend=backend)
    history = model.fit([a, b], y, batch_size=16, epochs=40, validation_split=0.2, verbose=0)
    assert history["loss"][-1] < 0.5 * history["loss"][0] and "val_accuracy" in history
    other = joined()
    other.compile(nf.Adam(lr=0.02), "cross_entropy", metrics=["accuracy"], backend=backend)
    batches = nf.data.Batches([a, b], y, 16, seed=3, indices=np.arange(48))
    other.fit(batches, epochs=40, verbose=0)
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value, other.state_dict()[key])
    assert model.train_batch([a, b], y)["loss"] > 0
    assert model.evaluate([a, b], y).keys() == {"loss", "accuracy"}


def test_wrong_lists_are_refused(rng):
    model, (image, table) = two_towers(), samples("towers", rng)
    for bad, error, message in [
        (image, TypeError, r"x: expected a list of 2 arrays, one an input, got ndarray"),
        ([image], ValueError, r"x: expected a list of 2 arrays, one an input, got 1 values"),
        ([image, table[:3]], ValueError, r"x\[1\]: expected 11 samples like x\[0\], got 3"),
        ([table, image], ValueError, r"x\[0\]: expected shape \(n, 2, 5, 5\)"),
        ([image, "ab"], TypeError, r"x\[1\]: expected float"),
    ]:
        with pytest.raises(error, match=f"^predict: {message}"):
            model.predict(bad)
    label, value = model.forward([image, table], training=True)
    for bad, error, message in [
        (label, TypeError, r"grad_output: expected a list of 2 arrays, one an output, got ndarray"),
        ([label], ValueError, r"grad_output: expected a list of 2 arrays"),
        ([label, value[:2]], ValueError, r"grad_output: expected shape"),
        ([label, label], ValueError, r"grad_output\[1\]: expected shape \(n, 1\)"),
    ]:
        with pytest.raises(error, match=f"^backward: {message}"):
            model.backward(bad)
    model.backward([label, value])
