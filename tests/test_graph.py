"""Networks that are no row: shortcuts, branches, sums and concatenations, as a user builds them."""

import copy
import pickle

import numpy as np
import pytest

import nnfast as nf


def branched(dtype="float64", seed=3):
    """Images through two branches, joined twice, one of them read by three layers."""
    x = nf.Input((2, 6, 6))
    a = nf.ReLU()(nf.Conv2d(2, 4, 3, padding=1)(x))
    b = nf.Tanh()(nf.Conv2d(2, 3, 1)(x))
    both = nf.Concat()(a, b, a)
    h = nf.Conv2d(11, 4, 3, padding=1)(both)
    h = nf.MaxPool2d(2)(nf.ReLU()(nf.Add()(h, a)))
    return nf.Model(x, nf.Linear(out_features=3)(nf.Flatten()(h)), dtype=dtype, seed=seed)


def residual_mlp(dtype="float64", seed=3):
    block = nf.Residual(nf.Linear(8, 6), nf.Sigmoid(), nf.Linear(6, 5), shortcut=nf.Linear(8, 5, bias=False))
    inner = nf.Residual([nf.Linear(5, 5), nf.Residual(nf.Linear(5, 5), nf.Tanh())])
    return nf.Sequential(nf.Linear(4, 8), nf.ReLU(), block, inner, nf.Linear(5, 3), dtype=dtype, seed=seed)


CASES = {"branched": (branched, (2, 6, 6)), "residual": (residual_mlp, (4,))}


def samples(shape, n, rng):
    return rng.standard_normal((n, *shape)), rng.integers(0, 3, n)


@pytest.mark.parametrize("name", CASES)
def test_gradients_by_central_differences(name, rng, isa):
    make, shape = CASES[name]
    model, (x, y) = make(), samples(shape, 5, rng)
    model.compile("sgd", "cross_entropy")
    out = model.forward(x, training=True)
    p = np.exp(out - out.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(5), y] -= 1
    model.backward(p / 5)

    def loss():
        return model.evaluate(x, y)["loss"]

    state = model.state_dict()
    for key, gradient in model.gradients().items():
        gradient = gradient.copy()
        direction = rng.standard_normal(gradient.shape)
        # A step of 1e-6: truncation of order 1e-12, rounding of order 1e-16 / 1e-6.
        moved = [{**state, key: state[key] + s * 1e-6 * direction} for s in (1, -1)]
        values = []
        for other in moved:
            model.load_state_dict(other)
            values.append(loss())
        model.load_state_dict(state)
        slope = (values[0] - values[1]) / 2e-6
        assert slope == pytest.approx(float((gradient * direction).sum()), rel=1e-6, abs=1e-8), key


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_the_engine_trains_like_the_reference(name, dtype, rng):
    make, shape = CASES[name]
    x, y = samples(shape, 40, rng)
    found = {}
    for backend in ("native", "reference"):
        model = make(dtype)
        model.compile(nf.Adam(lr=1e-3), "cross_entropy", backend=backend)
        history = model.fit(x, y, batch_size=16, epochs=5, verbose=0)
        found[backend] = history.history["loss"], model.predict(x)
    # Fifteen small steps: rounding grows by far less than 100 times.
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(found["native"][0], found["reference"][0], rtol=tolerance)
    np.testing.assert_allclose(found["native"][1], found["reference"][1], rtol=0, atol=20 * tolerance)


@pytest.mark.parametrize("name", CASES)
def test_same_bits_at_any_number_of_threads(name, rng, threads):
    make, shape = CASES[name]
    x, y = samples(shape, 40, rng)
    states = []
    for n in (1, threads):
        with nf.num_threads(n):
            model = make("float32")
            model.compile("adam", "cross_entropy")
            model.fit(x, y, batch_size=16, epochs=2, verbose=0)
            states.append(model.state_dict())
    for key in states[0]:
        np.testing.assert_array_equal(states[0][key], states[1][key])


def test_a_block_is_its_layers_plus_the_shortcut(rng):
    x = rng.standard_normal((7, 4))
    plain = nf.Sequential(nf.Linear(4, 4), nf.Tanh(), dtype="float64", seed=1)
    block = nf.Sequential(nf.Residual(nf.Linear(4, 4), nf.Tanh()), dtype="float64", seed=1)
    assert list(block.state_dict()) == ["0.0.weight", "0.0.bias"]
    np.testing.assert_allclose(block.predict(x), plain.predict(x) + x, rtol=1e-15)


both_backends = pytest.mark.parametrize("backend", ["native", "reference"])


@both_backends
@pytest.mark.parametrize("shape", [(6,), (3, 5), (3, 4, 5), (2, 3, 4, 5)], ids=str)
def test_concat_is_numpys(rng, shape, backend):
    """Along every axis but the batch's, counted from either end."""
    x = rng.standard_normal((4, *shape))
    for axis in [*range(1, x.ndim), *range(-len(shape), 0)]:
        node = nf.Input(shape)
        model = nf.Model(node, nf.Concat(axis)(node, nf.ReLU()(node), node), dtype="float64")
        model.compile("sgd", backend=backend)
        expected = np.concatenate([x, np.maximum(x, 0), x], axis=axis)
        assert model.output_shape == expected.shape[1:]
        np.testing.assert_array_equal(model.predict(x), expected)
    node = nf.Input(shape)
    np.testing.assert_array_equal(
        nf.Model(node, nf.Concat()(node, nf.ReLU()(node)), dtype="float64").predict(x),
        np.concatenate([x, np.maximum(x, 0)], axis=1),
    )


@both_backends
def test_concat_of_different_sizes_along_its_axis(rng, backend):
    x = rng.standard_normal((4, 3, 5, 6))
    node = nf.Input((3, 5, 6))
    low = nf.AvgPool2d((5, 1), stride=(5, 1))(node)
    model = nf.Model(node, nf.Concat(axis=2)(node, low), dtype="float64")
    model.compile("sgd", backend=backend)
    expected = np.concatenate([x, x.mean(axis=2, keepdims=True)], axis=2)
    np.testing.assert_allclose(model.predict(x), expected, rtol=0, atol=1e-14)


def test_a_block_is_called_in_a_graph(rng):
    x = rng.standard_normal((7, 4))
    inner = nf.Residual(nf.Linear(5, 5, name="deep"), nf.Tanh())
    node = nf.Input(4)
    h = nf.Residual(nf.Linear(4, 5), inner, shortcut=nf.Linear(4, 5, name="short"))(node)
    model = nf.Model(node, nf.ReLU()(h), dtype="float64", seed=1)
    first, deep, short = model.layers[0], *(k for k in model.layers if k.name in ("deep", "short"))
    a = x @ first.weight.T + first.bias
    a = a + np.tanh(a @ deep.weight.T + deep.bias)
    expected = np.maximum(a + x @ short.weight.T + short.bias, 0)
    np.testing.assert_allclose(model.predict(x), expected, rtol=0, atol=1e-13)
    for bad, error, message in [
        ((), ValueError, r"^Residual: layers: expected at least one layer, got none"),
        ((nf.ReLU,), TypeError, r"^Residual: layers\[0\]: expected an object, got the class: write nf.ReLU"),
        ((nf.ReLU(), 3), TypeError, r"^Residual: layers\[1\]: expected a layer, got 3"),
    ]:
        with pytest.raises(error, match=message):
            nf.Residual(*bad)(node)


@pytest.mark.parametrize("name", CASES)
def test_copies_keep_the_wiring(name, rng):
    make, shape = CASES[name]
    model, (x, _) = make(), samples(shape, 3, rng)
    expected = model.predict(x)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(x), expected)
        assert list(other.state_dict()) == list(model.state_dict())


def test_summary_names_the_parts_of_a_block(capsys):
    residual_mlp().summary()
    text = capsys.readouterr().out
    assert "2.shortcut.0" in text and "3.1.add" in text and "Add" in text


def test_what_is_refused():
    x, other = nf.Input((4,)), nf.Input((4,))
    layer = nf.Linear(4, 4)
    with pytest.raises(ValueError, match=r"Model: outputs: expected at least one layer"):
        nf.Model(x, x)
    with pytest.raises(ValueError, match=r"Model: outputs: depends on Input\(\(4,\)\), which is not among"):
        nf.Model(x, nf.Add()(nf.ReLU()(x), other))
    with pytest.raises(ValueError, match=r"Model: layers\[.*listed twice"):
        nf.Model(x, layer(layer(x)))
    with pytest.raises(TypeError, match=r"Model: inputs: expected what nf.Input"):
        nf.Model(np.zeros(4), layer(x))
    with pytest.raises(TypeError, match=r"Linear: inputs\[0\]: .*got ndarray"):
        layer(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"Linear: inputs: expected 1 node, got 2"):
        nf.Model(x, nf.Linear(4, 4)(x, x))
    with pytest.raises(ValueError, match=r"Add: inputs: expected at least 2 nodes, got 1"):
        nf.Model(x, nf.Add()(x))
    with pytest.raises(ValueError, match=r"Add.*expected equal shapes, got \(4,\) and \(5,\)"):
        nf.Model(x, nf.Add()(x, nf.Linear(4, 5)(x)))
    image = nf.Input((3, 4, 4))
    with pytest.raises(ValueError, match=r"Concat.*expected equal shapes but along axis 1 \(0 is"):
        nf.Model(image, nf.Concat()(image, nf.MaxPool2d(2)(image)))
    with pytest.raises(
        ValueError, match=r"Concat.*axis: expected 1\.\.3 or -3\.\.-1 \(0 is the batch\), got 4"
    ):
        nf.Model(image, nf.Concat(4)(image, image))
    with pytest.raises(ValueError, match=r"^Concat: axis: 0 is the batch"):
        nf.Concat(axis=0)
    with pytest.raises(TypeError, match=r"^Concat: axis: expected an integer"):
        nf.Concat(nf.ReLU()(image))
    with pytest.raises(ValueError, match=r"layers\[0\]: expected a Residual of at least one layer"):
        nf.Sequential(nf.Residual(), input_shape=4)
    end = nf.Add()(x, other)
    with pytest.raises(ValueError, match=r"Model: inputs: expected different nodes"):
        nf.Model([x, other, x], end)
    with pytest.raises(ValueError, match=r"Model: outputs: expected different nodes"):
        nf.Model([x, other], [end, end])
    with pytest.raises(ValueError, match=r"Model: outputs: expected at least one node, got none"):
        nf.Model([x, other], [])
    with pytest.raises(ValueError, match=r"Model: inputs: expected what nf.Input gave, got Node"):
        nf.Model([x, end], end)
    with pytest.raises(ValueError, match=r"Model: outputs: expected at least one layer between"):
        nf.Model([x, other], [end, other])
