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


# ---------------------------------------------------------------- a loss for each output


TASKS = {
    "towers": (["cross_entropy", "mse_loss"], [["accuracy"], ["mae", "rmse"]], [1.0, 0.25]),
    "middle": (["mse", "cross_entropy"], ["mse", "accuracy"], None),
}


def all_targets(name, rng, n):
    if name == "towers":
        return [rng.integers(0, 3, n), rng.standard_normal(n)]
    return [rng.standard_normal((n, 3)), rng.integers(0, 3, n)]


def compiled(name, backend="native", dtype="float64", reduction="mean"):
    loss, metrics, weights = TASKS[name]
    loss = [nf.losses.get(one) for one in loss]
    for one in loss:
        one.reduction = reduction
    model = CASES[name][0](dtype=dtype)
    model.compile(nf.Adam(lr=0.01), loss, metrics, backend, loss_weights=weights)
    return model


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_several_outputs_train_like_the_reference(name, dtype, reduction, rng):
    x, y = samples(name, rng, 40), all_targets(name, rng, 40)
    found = []
    for backend in ("native", "reference"):
        model = compiled(name, backend, dtype, reduction)
        history = model.fit(x, y, batch_size=16, epochs=3, validation_split=0.25, verbose=0)
        found.append((history.history, model.evaluate(x, y), model.predict(x)))
    # Six steps of Adam, which makes of a gradient's rounding a step's, at most a hundred times larger here.
    bound = 1000 * float(np.finfo(dtype).eps)
    tolerance = {"rtol": bound, "atol": bound}
    (history, logs, outputs), (twin_history, twin_logs, twin_outputs) = found
    assert list(history) == list(twin_history) and list(logs) == list(twin_logs)
    for key, values in history.items():
        np.testing.assert_allclose(values, twin_history[key], **tolerance)
        assert logs.get(key, 0) == pytest.approx(twin_logs.get(key, 0), rel=bound)
    for one, other in zip(outputs, twin_outputs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=20 * bound)


def test_names_and_values_of_what_is_reported(rng):
    (image, table), (label, value) = samples("towers", rng, 30), all_targets("towers", rng, 30)
    model = compiled("towers")
    logs = model.evaluate([image, table], [label, value])
    assert list(logs) == ["loss", "label_loss", "label_accuracy", "value_loss", "value_mae", "value_rmse"]
    logits, guess = model.predict([image, table])
    assert logs["label_loss"] == pytest.approx(float(nf.cross_entropy(logits, label)), rel=1e-12)
    assert logs["value_loss"] == pytest.approx(float(np.mean((guess[:, 0] - value) ** 2)), rel=1e-12)
    assert logs["label_accuracy"] == nf.metrics.accuracy(label, logits)
    assert logs["value_mae"] == pytest.approx(nf.metrics.mae(value, guess), rel=1e-12)
    assert logs["loss"] == pytest.approx(logs["label_loss"] + 0.25 * logs["value_loss"], rel=1e-12)
    again = model.evaluate(nf.data.Batches([image, table], [label, value], 7))
    assert again == pytest.approx(logs, rel=1e-12)
    # train_batch reports the loss before its step.
    assert model.train_batch([image, table], [label, value]) == pytest.approx(logs, rel=1e-12)
    unnamed = compiled("middle").evaluate(samples("middle", rng, 9), all_targets("middle", rng, 9))
    assert list(unnamed) == ["loss", "2_loss", "2_mse", "0_loss", "0_accuracy"]


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_penalties_count_once_beside_all_outputs(backend, rng):
    x = nf.Input(4)
    h = nf.Linear(4, 3, l2=0.5)(x)
    model = nf.Model(x, [nf.Linear(3, 2)(h), h], dtype="float64", seed=0)
    model.compile(nf.SGD(0.1), "mse_loss", backend=backend, loss_weights=[2.0, 0.0])
    data = rng.standard_normal((10, 4)), [rng.standard_normal((10, 2)), rng.standard_normal((10, 3))]
    penalty = 0.5 * (model.layers[0].weight ** 2).sum()
    for logs in (model.evaluate(*data, batch_size=3), model.train_batch(*data)):
        assert logs["loss"] == pytest.approx(2 * logs["1_loss"] + penalty, rel=1e-12)
    model.compile(nf.SGD(0.1), nf.MSELoss(reduction="sum"), backend=backend)
    logs = model.evaluate(*data, batch_size=3)
    penalty = 0.5 * (model.layers[0].weight ** 2).sum()
    assert logs["loss"] == pytest.approx(logs["1_loss"] + logs["0_loss"] + penalty, rel=1e-12)


def worst(y_true, y_pred):
    assert not y_true.flags.writeable
    return float(np.abs(y_pred - y_true).max())


def test_callables_and_assigned_losses(rng):
    x, y = samples("towers", rng, 20), all_targets("towers", rng, 20)

    model = two_towers()
    model.compile("sgd", ["cross_entropy", "mse"], [[], worst])
    history = model.fit(x, y, epochs=2, validation_data=(x, y), verbose=2)
    assert history["value_worst"] == history["val_value_worst"]
    streamed = model.evaluate(nf.data.Batches(x, y, 6, shuffle=False))
    assert streamed["value_worst"] == pytest.approx(model.evaluate(x, y)["value_worst"], rel=1e-12)
    assert [loss.kind for loss in model.loss] == ["cross_entropy", "mse_loss"]
    model.loss = ["cross_entropy", nf.MSELoss()]
    assert model.train_batch(x, y).keys() == {"loss", "label_loss", "value_loss"}
    other = pickle.loads(pickle.dumps(model))
    assert other.train_batch(x, y) == model.train_batch(x, y)


def test_wrong_tasks_are_refused(rng):
    x, y = samples("towers", rng, 6), all_targets("towers", rng, 6)
    model = two_towers()
    for options, error, message in [
        ({"loss": ["mse"]}, ValueError, "loss: expected 2 entries, one an output, got 1"),
        ({"loss": ["mse", "nothing"]}, ValueError, "loss: expected one of"),
        ({"loss": "cross_entropy"}, ValueError, r"loss: cross_entropy needs outputs of shape"),
        (
            {"loss": ["cross_entropy", nf.MSELoss(reduction="sum")]},
            ValueError,
            "loss: expected the same reduction for all outputs",
        ),
        ({"loss": "mse", "loss_weights": [1.0]}, ValueError, "loss_weights: expected 2 entries"),
        ({"loss": "mse", "loss_weights": [1.0, -1.0]}, ValueError, "loss_weights: expected a finite"),
        ({"loss_weights": [1.0, 1.0]}, ValueError, "loss_weights: expected None without a loss"),
        ({"loss": "mse", "metrics": ["mae"]}, ValueError, "metrics: expected 2 entries"),
        ({"loss": "mse", "metrics": [["mae"], "accuracy"]}, ValueError, "metrics: 'accuracy' compares"),
    ]:
        with pytest.raises(error, match=f"compile: {message}"):
            model.compile("sgd", **options)
    single = joined()
    with pytest.raises(ValueError, match="loss_weights: expected None for a model of one output"):
        single.compile("sgd", "mse", loss_weights=[1.0])
    model.compile("sgd", ["cross_entropy", "mse"])
    for bad, error, message in [
        (y[0], TypeError, "y: expected a list of 2 arrays, one an output, got ndarray"),
        (y[:1], ValueError, "y: expected a list of 2 arrays"),
        ([y[0], y[1][:5]], ValueError, r"y\[1\]: expected 6 samples like x, got 5"),
        ([y[0] + 3, y[1]], ValueError, r"y\[0\]: expected labels in 0\.\.2"),
        ([y[0], np.zeros((6, 2))], ValueError, r"y\[1\]: expected shape \(n, 1\)"),
    ]:
        for method in ("fit", "evaluate", "train_batch"):
            with pytest.raises(error, match=f"^{method}: {message}"):
                getattr(model, method)(x, bad)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_weights_of_samples_with_several_outputs(backend, rng):
    x, y = samples("towers", rng, 12), all_targets("towers", rng, 12)
    w = rng.integers(0, 3, 12).astype(float)
    w[0] = 2
    twice = np.repeat(np.arange(12), w.astype(int))
    model = compiled("towers", backend)
    # A weight of 2 is the sample twice, in all outputs ...
    whole = model.evaluate(x, y, sample_weight=w)
    repeated = model.evaluate([a[twice] for a in x], [a[twice] for a in y])
    assert whole == pytest.approx(repeated, rel=1e-12)
    # ... or in one of them.
    found = model.evaluate(x, y, sample_weight=[None, w])
    plain = model.evaluate(x, y)
    assert found["label_loss"] == pytest.approx(plain["label_loss"], rel=1e-12)
    assert found["value_loss"] == pytest.approx(repeated["value_loss"], rel=1e-12)
    assert model.train_batch(x, y, sample_weight=[None, w]) == pytest.approx(found, rel=1e-12)
    history = model.fit(
        x, y, sample_weight=[w, None], epochs=2, batch_size=5, validation_split=0.25, verbose=0
    )
    assert len(history) == 2
    for bad, message in [
        ([w], r"sample_weight: expected 2 arrays, one an output, got 1 values"),
        ([w, w[:3]], r"sample_weight\[1\]: expected shape \(12,\)"),
        (-w, "sample_weight: expected finite numbers >= 0"),
    ]:
        with pytest.raises(ValueError, match=f"^fit: {message}"):
            model.fit(x, y, sample_weight=bad, verbose=0)
    with pytest.raises(ValueError, match=r"^fit: class_weight: expected None for a model of several outputs"):
        model.fit(x, y, class_weight={0: 2.0}, verbose=0)
