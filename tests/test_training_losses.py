"""Networks trained with every loss: the engine against the reference, weights, metrics.

The kernels' values are checked in test_functional_losses_options.py; here the engine's use of them.
"""

import pickle

import numpy as np
import pytest

import nnfast as nf

N, FEATURES, OUTPUTS = 37, 5, 3  # batches of 8: the last one has 5 samples
LOSSES = {
    "mse": (nf.MSELoss(), "plain", ()),
    "mse sum": (nf.MSELoss("sum"), "plain", ()),
    "quadratic": (nf.QuadraticCost(), "plain", ()),
    "l1": (nf.L1Loss(), "plain", ()),
    "smooth_l1": (nf.SmoothL1Loss(beta=0.3), "plain", ()),
    "huber": (nf.HuberLoss(delta=0.4), "plain", ()),
    "hinge": (nf.HingeLoss(), "signs", ()),
    "perceptron": (nf.PerceptronLoss(), "binary", ()),
    "bce": (nf.BCELoss([1.0, 0.5, 2.0]), "binary", (nf.Sigmoid,)),
    "bce logits": (nf.BCEWithLogitsLoss([1.0, 0.5, 2.0], pos_weight=[2.0, 1.0, 0.25]), "binary", ()),
    "bce logits sum": (nf.BCEWithLogitsLoss(reduction="sum"), "binary", ()),
    "cross_entropy": (nf.CrossEntropyLoss([1.0, 3.0, 0.5]), "labels", ()),
    "cross_entropy all": (
        nf.CrossEntropyLoss([1.0, 3.0, 0.5], ignore_index=-1, label_smoothing=0.2),
        "ignored",
        (),
    ),
    "cross_entropy probabilities": (nf.CrossEntropyLoss([1.0, 3.0, 0.5], label_smoothing=0.1), "rows", ()),
    "nll": (nf.NLLLoss([1.0, 3.0, 0.5], ignore_index=-1), "ignored", (nf.LogSoftmax,)),
    "kl_div": (nf.KLDivLoss(), "rows", (nf.LogSoftmax,)),
    "kl_div batchmean": (nf.KLDivLoss("batchmean"), "rows", (nf.LogSoftmax,)),
    "poisson": (nf.PoissonNLLLoss(full=True), "counts", ()),
}


def data(kind, dtype=np.float64):
    draws = np.random.default_rng(3)
    x = draws.standard_normal((N, FEATURES))
    numbers = draws.standard_normal((N, OUTPUTS))
    labels = draws.integers(0, OUTPUTS, N)
    targets = {
        "plain": numbers,
        "signs": np.sign(numbers),
        "binary": (numbers > 0).astype(float),
        "labels": labels,
        "ignored": np.where(np.arange(N) % 5 == 0, -1, labels),
        "rows": np.abs(numbers) / np.abs(numbers).sum(axis=1, keepdims=True),
        "counts": np.floor(np.abs(3 * numbers)),
    }
    return x.astype(dtype), targets[kind], draws.random(N) + 0.25


def network(loss, last, backend="native", dtype="float64", metrics=(), dropout=0.25, optimizer=None):
    layers = [nf.Linear(FEATURES, 6), nf.Tanh(), nf.Dropout(dropout), nf.Linear(6, OUTPUTS, l2=0.01)]
    model = nf.Sequential(*layers, *(make() for make in last), dtype=dtype, seed=4)
    model.compile(optimizer or nf.SGD(lr=0.05, momentum=0.5), loss, metrics=metrics, backend=backend)
    return model


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("name", LOSSES)
def test_engine_trains_as_the_reference(isa, name, weighted):
    loss, kind, last = LOSSES[name]
    x, y, w = data(kind)
    w = w if weighted else None
    classes = loss.kind in ("cross_entropy", "nll_loss")
    metrics = ["accuracy"] if classes else ["accuracy", "mae", "mse"]
    found = []
    for backend in ("native", "reference"):
        model = network(loss, last, backend, metrics=metrics)
        history = model.fit(x, y, batch_size=8, epochs=3, verbose=0, sample_weight=w)
        logs = [model.evaluate(x, y, 16, sample_weight=w), model.train_batch(x, y, sample_weight=w)]
        found.append((history, logs, model.state_dict()))
    (a, logs_a, weights_a), (b, logs_b, weights_b) = found
    # 16 steps of some hundred roundings each, of float64; no loss here amplifies differences.
    for key in a.history:
        np.testing.assert_allclose(a[key], b[key], rtol=1e-9)
    for one, other in zip(logs_a, logs_b, strict=True):
        assert one == pytest.approx(other, rel=1e-9)
    for key, value in weights_a.items():
        np.testing.assert_allclose(value, weights_b[key], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_by_central_differences(name):
    """One step of plain SGD is -lr times the gradient of what evaluate reports."""
    loss, kind, last = LOSSES[name]
    x, y, w = data(kind)
    model = network(loss, last, dropout=0.0, optimizer=nf.SGD(lr=1e-3))
    weight = model.layers[0].weight
    before, step = model.state_dict(), 1e-6
    gradient = np.zeros(4)
    for i in range(4):
        values = []
        for sign in (1, -1):
            model.load_state_dict(before)
            weight[i, 1] += sign * step
            values.append(model.evaluate(x, y, N, sample_weight=w)["loss"])
        gradient[i] = (values[0] - values[1]) / (2 * step)
    model.load_state_dict(before)
    model.train_batch(x, y, sample_weight=w)
    taken = (before["0.weight"][:4, 1] - weight[:4, 1]) / 1e-3
    scale = max(1.0, np.abs(gradient).max())
    # Differences err by eps * loss / step, with losses below 100: 1e-8.
    np.testing.assert_allclose(taken, gradient, rtol=1e-5, atol=1e-7 * scale)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("name", ["mse", "bce logits", "cross_entropy", "kl_div batchmean"])
def test_a_weight_of_two_is_the_sample_twice(name, backend):
    loss, kind, last = LOSSES[name]
    x, y, _ = data(kind)
    times = np.arange(N) % 3
    one, other = (network(loss, last, backend, dropout=0.0) for _ in range(2))
    a = one.train_batch(x, y, sample_weight=times)
    b = other.train_batch(np.repeat(x, times, axis=0), np.repeat(y, times, axis=0))
    assert a == pytest.approx(b, rel=1e-12)
    for key, value in one.state_dict().items():
        np.testing.assert_allclose(value, other.state_dict()[key], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_class_weight(backend):
    x, y, w = data("labels")
    counts = np.bincount(y, minlength=3)
    balanced = N / (3 * counts)

    def trained(**weights):
        model = network("cross_entropy", (), backend)
        model.fit(x, y, batch_size=8, epochs=2, verbose=0, **weights)
        return model.state_dict()["0.weight"]

    by_sample = trained(sample_weight=balanced[y])
    np.testing.assert_array_equal(trained(class_weight="balanced"), by_sample)
    np.testing.assert_array_equal(trained(class_weight=dict(enumerate(balanced))), by_sample)
    np.testing.assert_array_equal(trained(class_weight=balanced), by_sample)
    np.testing.assert_array_equal(
        trained(class_weight=balanced, sample_weight=w), trained(sample_weight=balanced[y] * w)
    )
    np.testing.assert_array_equal(
        trained(class_weight={1: 2.0}), trained(sample_weight=np.where(y == 1, 2.0, 1.0))
    )


def test_class_weight_of_two_classes():
    x, y, _ = data("binary")
    y = y[:, 0]
    models = []
    for weights in ({"class_weight": {1: 3}}, {"sample_weight": np.where(y > 0, 3, 1)}):
        model = nf.Sequential(nf.Linear(FEATURES, 1), seed=1)
        model.compile("sgd", "bce_with_logits", metrics=["accuracy"])
        history = model.fit(x, y, epochs=2, verbose=0, **weights)
        models.append((model.layers[0].weight.copy(), history["accuracy"]))
    np.testing.assert_array_equal(models[0][0], models[1][0])
    assert models[0][1] == models[1][1]


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_batch_that_weighs_nothing_changes_nothing(backend):
    x, y, w = data("labels")
    w[8:16] = 0
    y[16:24] = -100
    model = network("cross_entropy", (), backend, metrics=["accuracy"], dropout=0.0, optimizer=nf.SGD(lr=0.1))
    model.layers[3].l2 = 0.0
    history = model.fit(x, y, batch_size=8, verbose=0, shuffle=False, sample_weight=w)
    assert np.isfinite(history["loss"]).all()
    keep = np.r_[:8, 24:N]
    twin = network("cross_entropy", (), backend, metrics=["accuracy"], dropout=0.0, optimizer=nf.SGD(lr=0.1))
    twin.layers[3].l2 = 0.0
    counted = twin.fit(x[keep], y[keep], batch_size=8, verbose=0, shuffle=False, sample_weight=w[keep])
    assert history["accuracy"] == pytest.approx(counted["accuracy"])


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_metrics_count_the_weights(backend):
    x, y, w = data("binary")
    model = network("bce_with_logits", (), backend, metrics=["accuracy", "mae"])
    logs = model.evaluate(x, y, 8, sample_weight=w)
    out = model.predict(x)
    right = ((out > 0) == (y > 0.5)).mean(axis=1)
    assert logs["accuracy"] == pytest.approx(np.average(right, weights=w))
    assert logs["mae"] == pytest.approx(np.average(np.abs(out - y).mean(axis=1), weights=w))
    each = nf.binary_cross_entropy_with_logits(out, y, reduction="none").mean(axis=1)
    penalty = 0.01 * (model.layers[3].weight ** 2).sum()
    assert logs["loss"] == pytest.approx(np.average(each, weights=w) + penalty)


def test_weights_in_validation_and_streams():
    x, y, w = data("labels")
    model = network("cross_entropy", (), dropout=0.0)
    history = model.fit(x, y, epochs=2, verbose=0, sample_weight=w, validation_data=(x, y, w))
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(x, y, sample_weight=w)["loss"])
    batches = [(x[:20], y[:20], w[:20]), (x[20:], y[20:], w[20:])]
    assert model.evaluate(iter(batches))["loss"] == pytest.approx(
        model.evaluate(x, y, sample_weight=w)["loss"]
    )
    split = network("cross_entropy", (), dropout=0.0)
    history = split.fit(x, y, epochs=1, verbose=0, sample_weight=w, validation_split=0.5)
    half = N - round(N * 0.5)
    after = split.evaluate(x[half:], y[half:], sample_weight=w[half:])
    assert history["val_loss"][-1] == pytest.approx(after["loss"])


@pytest.mark.filterwarnings("ignore:compile. the model ends with LogSoftmax")
def test_every_name_and_pickle():
    x, _, _ = data("labels")
    for name in nf.losses._NAMED:
        model = nf.Sequential(nf.Linear(FEATURES, OUTPUTS), nf.LogSoftmax(), seed=0)
        model.compile("sgd", name)
        y = np.full((N, OUTPUTS), 0.5 if model.loss._sides is None else 1.0)
        if model.loss.kind in ("cross_entropy", "nll_loss"):
            y = np.zeros(N, int)
        if model.loss.kind != "binary_cross_entropy":
            model.fit(x, y, verbose=0)
    loss = nf.CrossEntropyLoss([1, 2, 3], label_smoothing=0.1)
    assert repr(pickle.loads(pickle.dumps(loss))) == repr(loss)
    assert repr(loss) == "CrossEntropyLoss(weight=[1.0, 2.0, 3.0], label_smoothing=0.1)"


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_outputs_that_are_no_probabilities(backend):
    x, y, _ = data("binary")
    model = network("bce", (), backend)
    with pytest.raises(ValueError, match="expected probabilities"):
        model.fit(10 * x, y, verbose=0)


BAD = [
    ({"sample_weight": np.ones(3)}, ValueError, r"fit: sample_weight: expected shape \(37,\)"),
    ({"sample_weight": -np.ones(N)}, ValueError, "fit: sample_weight: expected finite numbers >= 0"),
    ({"sample_weight": np.zeros(N)}, ValueError, "fit: sample_weight: expected a weight above 0"),
    ({"sample_weight": ["a"] * N}, TypeError, "fit: sample_weight: expected numbers"),
    ({"class_weight": "even"}, ValueError, "fit: class_weight: expected 'balanced'"),
    ({"class_weight": {3: 1.0}}, ValueError, r"fit: class_weight: expected classes in 0..2"),
    ({"class_weight": [1.0, 2.0]}, ValueError, r"fit: class_weight: expected shape \(3,\)"),
]


@pytest.mark.parametrize(("weights", "error", "message"), BAD)
def test_bad_weights(weights, error, message):
    x, y, _ = data("labels")
    model = network("cross_entropy", ())
    before = model.state_dict()
    with pytest.raises(error, match=message):
        model.fit(x, y, verbose=0, **weights)
    np.testing.assert_array_equal(model.state_dict()["0.weight"], before["0.weight"])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nf.HuberLoss(delta=0.0), ValueError, "HuberLoss: delta: expected"),
        (lambda: nf.SmoothL1Loss(beta=-1), ValueError, "SmoothL1Loss: beta: expected"),
        (
            lambda: nf.CrossEntropyLoss(label_smoothing=2),
            ValueError,
            "CrossEntropyLoss: label_smoothing: exp",
        ),
        (lambda: nf.CrossEntropyLoss("sum"), TypeError, "CrossEntropyLoss: weight: expected numbers"),
        (lambda: nf.NLLLoss([1.0, -1.0]), ValueError, "NLLLoss: weight: expected finite numbers >= 0"),
        (lambda: nf.KLDivLoss("none"), ValueError, "KLDivLoss: reduction: expected one of"),
        (
            lambda: network(nf.NLLLoss([1.0, 2.0]), (nf.LogSoftmax,)).predict(np.ones((1, 5))),
            ValueError,
            "weight",
        ),
    ],
)
def test_bad_losses(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_warns_about_a_sigmoid_too_many():
    with pytest.warns(UserWarning, match="ends with Sigmoid"):
        network("bce_with_logits", (nf.Sigmoid,))


def test_training_allocates_nothing():
    from nnfast import _core

    x, y, w = data("ignored", np.float32)
    for loss, target in (
        (LOSSES["cross_entropy all"][0], y),
        (LOSSES["bce logits"][0], data("binary")[1]),
    ):
        model = network(loss, (), dtype="float32")
        model.fit(x, target, batch_size=8, epochs=2, verbose=0, sample_weight=w)
        before = _core.allocation_count()
        model.fit(x, target, batch_size=8, epochs=2, verbose=0, sample_weight=w)
        assert _core.allocation_count() == before


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_number_weighs_every_output(backend):
    x, y, _ = data("binary")
    for loss, number, several in [
        (nf.BCEWithLogitsLoss, {"pos_weight": 2.5}, {"pos_weight": [2.5] * OUTPUTS}),
        (nf.BCEWithLogitsLoss, {"weight": np.float32(0.5)}, {"weight": [0.5] * OUTPUTS}),
    ]:
        histories = []
        for options in (number, several):
            model = network(loss(**options), (), backend)
            histories.append(model.fit(x, y, epochs=2, verbose=0).history)
        assert histories[0] == histories[1]
        plain = network(loss(), (), backend)
        assert plain.fit(x, y, epochs=2, verbose=0).history != histories[0]
    assert repr(nf.BCEWithLogitsLoss(pos_weight=2.0)) == "BCEWithLogitsLoss(pos_weight=2.0)"
    model.loss = nf.BCEWithLogitsLoss(pos_weight=2.0)
    model.fit(x, y, verbose=0)
    for bad in (-1.0, np.nan, [[1.0]]):
        with pytest.raises(ValueError, match=r"^BCEWithLogitsLoss: pos_weight: expected finite numbers >= 0"):
            nf.BCEWithLogitsLoss(pos_weight=bad)
    with pytest.raises(ValueError, match="CrossEntropyLoss: weight"):
        nf.CrossEntropyLoss(2.0)
