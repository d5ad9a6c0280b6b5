"""Optimizers, clipping, penalties and max-norm in a network: engine, reference, central differences."""

import pickle

import numpy as np
import pytest

import nnfast as nf

from .test_optimizer_family import GRADIENTS, STORED

CLASSES = {
    "adagrad": nf.Adagrad,
    "adadelta": nf.Adadelta,
    "rmsprop": nf.RMSprop,
    "adam": nf.Adam,
    "adamw": nf.AdamW,
    "nadam": nf.NAdam,
}
BACKENDS = pytest.mark.parametrize("backend", ["native", "reference"])


def data(n=24):
    g = np.random.default_rng(2)
    return g.normal(size=(n, 2, 5, 5)), g.integers(0, 3, n)


def network(optimizer, backend="native", dtype="float64", loss="cross_entropy", **options):
    model = nf.Sequential(
        nf.Conv2d(2, 4, 3, **options),
        nf.Tanh(),
        nf.Flatten(),
        nf.Linear(36, 3, **options),
        input_shape=(2, 5, 5),
        dtype=dtype,
        seed=3,
    )
    model.compile(optimizer, loss, backend=backend)
    return model


@BACKENDS
@pytest.mark.parametrize(("name", "options", "stored"), STORED, ids=lambda v: str(v)[:40])
def test_stored_values_in_a_network(name, options, stored, backend):
    """The same five steps as of the functions, on the weights of a layer; pickled in between."""
    model = nf.Sequential(nf.Linear(3, 1, bias=False), dtype="float64", seed=0)
    model.compile(CLASSES[name](**options), backend=backend)
    model.layers[0].weight = [[0.5, -1.0, 2.0]]
    for step, gradient in enumerate(GRADIENTS):
        model.forward([gradient], training=True)
        model.backward([[1.0]])  # the weight's gradient is the input
        model.step()
        if step == 2:
            model = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(model.layers[0].weight[0], stored, rtol=1e-12)
    # Compiled anew, the memory of gradients is gone.
    model.compile(CLASSES[name](**options), backend=backend)
    model.layers[0].weight = [[0.5, -1.0, 2.0]]
    for gradient in GRADIENTS:
        model.forward([gradient], training=True)
        model.backward([[1.0]])
        model.step()
    np.testing.assert_allclose(model.layers[0].weight[0], stored, rtol=1e-12)


OPTIMIZERS = [
    nf.Adagrad(0.05, initial_accumulator_value=0.1),
    nf.Adadelta(),
    nf.RMSprop(0.01, momentum=0.5, centered=True),
    nf.Adam(0.01, amsgrad=True),
    nf.AdamW(0.01),
    nf.Adam(0.01, eps=1e-3, eps_hat=True),
    nf.NAdam(0.01),
    nf.SparseAdam(0.01),
    nf.SGD(0.5, clipnorm=0.1),
    nf.SGD(0.5, momentum=0.9, clipvalue=0.01),
    nf.Adam(nf.CosineAnnealingLR(0.01, 3), clipnorm=0.5),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("regularized", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_engine_is_the_reference(isa, optimizer, regularized, reduction):
    x, y = data()
    options = {"l1": 0.01, "l2": 0.02, "max_norm": 0.6} if regularized else {}
    models = []
    for backend in ("native", "reference"):
        loss = nf.CrossEntropyLoss(reduction=reduction)
        model = network(optimizer, backend, loss=loss, **options)
        history = model.fit(x, y, batch_size=7, epochs=3, verbose=0)
        models.append((model, history["loss"], model.evaluate(x, y, batch_size=5)["loss"]))
    (one, losses, value), (two, twin_losses, twin_value) = models
    np.testing.assert_allclose(losses, twin_losses, rtol=1e-9)
    np.testing.assert_allclose(value, twin_value, rtol=1e-9)
    for name, array in one.state_dict().items():
        np.testing.assert_allclose(array, two.state_dict()[name], rtol=1e-7, atol=1e-9)


@BACKENDS
@pytest.mark.parametrize("options", [{"l1": 0.3}, {"l2": 0.2}, {"l1": 0.1, "l2": 0.4}], ids=str)
def test_penalty_by_central_differences(backend, options):
    """The gradient of backward is that of the loss evaluate reports; h^2 and u / h errors stay below 1e-8."""
    x, y = data(6)
    model = network(nf.SGD(0.0), backend, **options)
    plain = network(nf.SGD(0.0), backend)
    weights = [model.layers[i].weight for i in (0, 3)]
    expected = sum(
        options.get("l1", 0) * np.abs(w).sum() + options.get("l2", 0) * (w**2).sum() for w in weights
    )
    difference = model.evaluate(x, y)["loss"] - plain.evaluate(x, y)["loss"]
    np.testing.assert_allclose(difference, expected, rtol=1e-12)
    assert model.evaluate(x, y, batch_size=1)["loss"] == pytest.approx(
        model.evaluate(x, y)["loss"], rel=1e-12
    )

    logits = model.forward(x, training=True)
    probabilities = nf.softmax(logits) - nf.one_hot(y, 3)
    model.backward(probabilities / len(x))
    gradients = {name: g.copy() for name, g in model.gradients().items()}
    for layer, name in (
        (model.layers[0], "0.weight"),
        (model.layers[3], "3.weight"),
        (model.layers[3], "3.bias"),
    ):
        view = layer.weight if name.endswith("weight") else layer.bias
        for index in [(0,) * view.ndim, tuple(s - 1 for s in view.shape)]:
            kept, h = view[index], 1e-5
            view[index] = kept + h
            above = model.evaluate(x, y)["loss"]
            view[index] = kept - h
            below = model.evaluate(x, y)["loss"]
            view[index] = kept
            np.testing.assert_allclose(gradients[name][index], (above - below) / (2 * h), atol=1e-8)
    # A second backward that accumulates adds the data's gradient, not the penalty's.
    plain.forward(x, training=True)
    plain.backward(probabilities / len(x))
    model.forward(x, training=True)
    model.backward(probabilities / len(x), accumulate=True)
    for name, g in model.gradients().items():
        np.testing.assert_allclose(g, gradients[name] + plain.gradients()[name], rtol=1e-9, atol=1e-12)


@BACKENDS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_max_norm(backend, dtype):
    x, y = data()
    model = network(nf.SGD(0.5), backend, dtype, max_norm=0.3)
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    for i in (0, 3):
        norms = np.sqrt(
            (model.layers[i].weight.astype(float).reshape(len(model.layers[i].weight), -1) ** 2).sum(1)
        )
        assert (norms <= 0.3 * (1 + 4 * np.finfo(dtype).eps)).all()
        assert norms.max() >= 0.3 * (1 - 1e-5)  # reached where the data pull beyond it
    one = nf.Sequential(nf.Linear(2, 2, bias=False, max_norm=1.0), dtype=dtype, seed=0)
    one.compile(nf.SGD(0.0), backend=backend)
    one.layers[0].weight = [[3.0, 4.0], [0.3, 0.4]]
    one.forward(np.zeros((1, 2)), training=True)
    one.backward(np.zeros((1, 2)))
    one.step()
    np.testing.assert_allclose(one.layers[0].weight, [[0.6, 0.8], [0.3, 0.4]], rtol=1e-6)


@BACKENDS
def test_clipping(backend):
    x, y = data()
    for optimizer, limit in ((nf.SGD(1.0, clipnorm=0.01), 0.01), (nf.SGD(1.0, clipvalue=0.01), None)):
        model = network(optimizer, backend)
        before = model.state_dict()
        model.train_batch(x, y)
        change = np.concatenate([(model.state_dict()[k] - v).ravel() for k, v in before.items()])
        if limit is not None:  # the factor is limit / (norm + 1e-6)
            assert 0.99 * limit <= np.linalg.norm(change) <= limit
        else:
            np.testing.assert_allclose(np.abs(change).max(), 0.01, rtol=1e-9)


def test_settings():
    assert repr(nf.SGD(lr=0.1, clipnorm=1.0)) == "SGD(lr=0.1, clipnorm=1)"
    assert "momentum=0.5" in repr(nf.RMSprop(momentum=0.5))
    assert repr(nf.AdamW()) == "AdamW(lr=0.001, weight_decay=0.01, beta1=0.9, beta2=0.999, eps=1e-08)"
    assert "StepLR(" in repr(nf.Adam(nf.StepLR(0.1, 2)))
    for name, kind in [
        ("adamw", nf.AdamW),
        ("nadam", nf.NAdam),
        ("adagrad", nf.Adagrad),
        ("adadelta", nf.Adadelta),
    ]:
        assert type(nf.optimizers.get(name)) is kind
    for make, match in [
        (lambda: nf.Adam(clipnorm=1.0, clipvalue=1.0), "Adam: clipvalue: give either"),
        (lambda: nf.Adam(clipnorm=0.0), "Adam: clipnorm"),
        (lambda: nf.Adagrad(lr_decay=-1.0), "Adagrad: lr_decay"),
        (lambda: nf.Adadelta(rho=1.5), "Adadelta: rho"),
        (lambda: nf.NAdam(momentum_decay=-1.0), "NAdam: momentum_decay"),
        (lambda: nf.AdamW(betas=(1.0, 0.5)), "AdamW: betas"),
        (lambda: nf.RMSprop(momentum=-1.0), "RMSprop: momentum"),
        (lambda: nf.Linear(2, 2, l1=-1.0), "Linear: l1"),
        (lambda: nf.Linear(2, 2, max_norm=0.0), "Linear: max_norm"),
        (lambda: nf.Conv2d(2, 2, 3, l2=float("nan")), "Conv2d: l2"),
    ]:
        with pytest.raises(ValueError, match=match):
            make()


# ---------------------------------------------------------------- every layer with a weight


def text_network(optimizer, backend, dtype="float64", **options):
    """Symbols to vectors to a signal."""
    model = nf.Sequential(
        nf.Embedding(7, 4, **options),
        nf.Conv1d(10, 4, 3, groups=2, **options),
        nf.Flatten(),
        nf.Linear(8, 3, **options),
        input_shape=(10,),
        dtype=dtype,
        seed=1,
    )
    model.compile(optimizer, "cross_entropy", backend=backend)
    g = np.random.default_rng(5)
    return model, g.integers(0, 7, (20, 10)), g.integers(0, 3, 20)


def enlarging_network(optimizer, backend, dtype="float64", **options):
    model = nf.Sequential(
        nf.ConvTranspose2d(4, 6, (3, 2), stride=2, groups=2, **options),
        nf.Tanh(),
        nf.ConvTranspose2d(6, 2, 2, **options),
        nf.Flatten(),
        nf.Linear(2 * 8 * 7, 3),
        input_shape=(4, 3, 3),
        dtype=dtype,
        seed=1,
    )
    model.compile(optimizer, "cross_entropy", backend=backend)
    g = np.random.default_rng(5)
    return model, g.normal(size=(20, 4, 3, 3)), g.integers(0, 3, 20)


NETWORKS = pytest.mark.parametrize("make", [text_network, enlarging_network])


@NETWORKS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_engine_is_the_reference_on_every_layer(isa, make, dtype):
    found = []
    for backend in ("native", "reference"):
        model, x, y = make(nf.SGD(0.2), backend, dtype, l1=0.01, l2=0.02, max_norm=0.5)
        history = model.fit(x, y, batch_size=7, epochs=3, verbose=0)
        found.append((history["loss"], model.state_dict()))
    # Nine steps of sums over at most 112 numbers, whose rounding SGD carries on without magnifying it.
    tolerance = 9 * 112 * np.finfo(dtype).eps
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=tolerance)
    for name, array in found[0][1].items():
        np.testing.assert_allclose(array, found[1][1][name], rtol=tolerance, atol=tolerance)


@NETWORKS
@BACKENDS
def test_penalties_of_every_layer_by_central_differences(make, backend):
    model, x, y = make(nf.SGD(0.0), backend, l1=0.1, l2=0.4)
    plain, _, _ = make(nf.SGD(0.0), backend)
    regularized = [layer.weight for layer in model.layers if getattr(layer, "l1", 0)]
    assert len(regularized) >= 2
    expected = sum(0.1 * np.abs(w).sum() + 0.4 * (w**2).sum() for w in regularized)
    assert model.evaluate(x, y)["loss"] - plain.evaluate(x, y)["loss"] == pytest.approx(expected, rel=1e-12)
    logits = model.forward(x, training=True)
    model.backward((nf.softmax(logits) - nf.one_hot(y, 3)) / len(x))
    gradients = list(model.gradients().values())
    places = [i for i, name in enumerate(model.gradients()) if name.endswith("weight")]
    for place, view in zip(places, regularized, strict=False):
        index = tuple(s // 2 for s in view.shape)
        kept, h = view[index], 1e-5
        losses = []
        for moved in (kept + h, kept - h):
            view[index] = moved
            losses.append(model.evaluate(x, y)["loss"])
        view[index] = kept
        # Truncation h^2 = 1e-10 times third derivatives near 1, rounding 1e-16 / h = 1e-11.
        assert gradients[place][index] == pytest.approx((losses[0] - losses[1]) / (2 * h), abs=1e-8)


@BACKENDS
@pytest.mark.parametrize("groups", [1, 2])
def test_max_norm_of_a_transposed_convolution_is_by_output(backend, groups):
    layer = nf.ConvTranspose2d(4, 6, 3, groups=groups, bias=False, max_norm=0.2)
    model = nf.Sequential(layer, input_shape=(4, 2, 2), dtype="float64", seed=0)
    model.compile(nf.SGD(0.0), backend=backend)
    before = layer.weight.copy()
    before[:, 0] *= 1e-3  # outputs within their limit stay as they are
    layer.weight = before
    model.forward(np.zeros((1, 4, 2, 2)), training=True)
    model.backward(np.zeros((1, 6, 4, 4)))
    model.step()
    per_group = 6 // groups
    for output in range(6):
        group, column = divmod(output, per_group)
        rows = slice(group * 4 // groups, (group + 1) * 4 // groups)
        old, new = before[rows, column], layer.weight[rows, column]
        norm = np.sqrt((old**2).sum())
        np.testing.assert_allclose(new, old * min(1.0, 0.2 / norm), rtol=1e-14)
        assert (norm > 0.2) == (column != 0)


@pytest.mark.parametrize(
    "layer",
    [
        nf.Conv1d(2, 4, 3, l1=0.5, l2=0.25, max_norm=2.0),
        nf.ConvTranspose2d(2, 4, 3, l1=0.5, l2=0.25, max_norm=2.0),
        nf.Embedding(5, 2, l1=0.5, l2=0.25, max_norm=2.0),
    ],
    ids=repr,
)
def test_the_options_are_shown_and_checked(layer):
    assert repr(layer).endswith("l1=0.5, l2=0.25, max_norm=2.0)")
    sizes = (5, 2) if isinstance(layer, nf.Embedding) else (2, 4, 3)
    for options in ({"l1": -1.0}, {"l2": float("inf")}, {"max_norm": 0.0}):
        with pytest.raises(ValueError, match=f"{type(layer).__name__}: {next(iter(options))}"):
            type(layer)(*sizes, **options)


@BACKENDS
def test_adams_other_epsilon(backend):
    """Keras's and scikit-learn's form, step by step in NumPy."""
    model = nf.Sequential(nf.Linear(3, 1, bias=False), dtype="float64", seed=0)
    model.compile(nf.Adam(0.1, eps=0.3, eps_hat=True), backend=backend)
    w = np.array([0.5, -1.0, 2.0])
    model.layers[0].weight = [w]
    m, v = np.zeros(3), np.zeros(3)
    for t, gradient in enumerate(GRADIENTS, start=1):
        model.forward([gradient], training=True)
        model.backward([[1.0]])
        model.step()
        g = np.asarray(gradient)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 0.3)
    np.testing.assert_allclose(model.layers[0].weight[0], w, rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_penalty_in_the_mean(reduction, weighted):
    """Divided by what the batch weighs, as the loss is: engine, reference, and by hand for one batch."""
    x, y = data(20)
    weights = np.linspace(0.5, 2.0, 20) if weighted else None
    found = []
    for backend in ("native", "reference"):
        model = network(nf.SGD(0.1), backend, loss=nf.CrossEntropyLoss(reduction=reduction), l1=0.3, l2=0.2)
        plain = network(nf.SGD(0.1), backend, loss=nf.CrossEntropyLoss(reduction=reduction))
        core, penalty = model._ensure_model("test"), 0.0
        for i in (0, 3):
            w = model.layers[i].weight
            penalty += 0.3 * np.abs(w).sum() + 0.2 * (w**2).sum()
        core.set_penalty_in_mean(True)
        total = weights.sum() if weighted else 20.0
        difference = (
            model.evaluate(x, y, batch_size=6, sample_weight=weights)["loss"]
            - plain.evaluate(x, y, sample_weight=weights)["loss"]
        )
        expected = penalty / total if reduction == "mean" else penalty
        np.testing.assert_allclose(difference, expected, rtol=1e-10)
        history = model.fit(x, y, batch_size=8, epochs=2, verbose=0, sample_weight=weights)
        model._sync_optimizer(core)
        totals = model._new_totals()
        core.train(x, y, None, 8, 0, 3, 0.0, totals, weights)
        found.append((history["loss"], model.state_dict(), totals.loss, totals.objective))
        if not weighted and reduction == "mean":  # sample for sample the same sum
            np.testing.assert_allclose(totals.loss, totals.objective, rtol=1e-12)
    (losses, state, *sums), (twin_losses, twin, *twin_sums) = found
    np.testing.assert_allclose(losses, twin_losses, rtol=1e-9)
    np.testing.assert_allclose(sums, twin_sums, rtol=1e-9)
    for name, array in state.items():
        np.testing.assert_allclose(array, twin[name], rtol=1e-7, atol=1e-9)
