"""Normalising layers and Embedding in networks: engine against reference, state, errors."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import nnfast as nf
from nnfast import _core
from nnfast.reference import network

from .arrays import normal

BATCH = 6
# input shape, operations: together every layout that the engine knows
NETS = {
    "features": ((5,), [("linear", {"out_features": 8}), ("batch_norm", {}), ("relu", {})]),
    "cumulative": ((5,), [("batch_norm", {"cumulative": 1, "eps": 0.01})]),
    "untracked": ((5,), [("linear", {"out_features": 4}), ("batch_norm", {"track_running_stats": 0})]),
    "sequences": (
        (4, 7),
        [("batch_norm", {"momentum": 0.3}), ("tanh", {}), ("group_norm", {"num_groups": 2})],
    ),
    "images": (
        (3, 6, 5),
        [
            ("normalize", {}),
            ("conv2d", {"out_channels": 6, "kernel_size": 3, "bias": 0}),
            ("batch_norm", {}),
            ("relu", {}),
            ("conv2d", {"out_channels": 4, "kernel_size": 2}),
            ("group_norm", {"num_groups": 2, "eps": 0.01}),
            ("batch_norm", {"affine": 0}),
            ("layer_norm", {"axes": 3}),
            ("flatten", {}),
        ],
    ),
    "last axes": (
        (3, 8),
        [
            ("layer_norm", {}),
            ("linear", {"out_features": 5}),
            ("layer_norm", {"axes": 2, "bias": 0}),
            ("layer_norm", {"elementwise_affine": 0}),
        ],
    ),
    "groups": ((6,), [("group_norm", {"num_groups": 3, "affine": 0}), ("linear", {"out_features": 3})]),
}


def models(shape, ops, dtype):
    made = []
    for module in (_core, network):
        graph = module.Graph()
        node = graph.input(shape)
        for op, options in ops:
            node = graph.node(op, [node], **options)
        model = module.Model(graph, dtype)
        arrays = model.params() + model.buffers()
        for i, (_, name, array) in enumerate(arrays):
            array[...] = normal(array.shape, dtype, i)
            if name in ("running_var", "std"):
                array[...] = np.abs(array) + 1
            if name == "num_batches_tracked":
                array[...] = 0
        made.append(model)
    return made


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_engine_against_reference(isa, name, dtype):
    shape, ops = NETS[name]
    engine, twin = models(shape, ops, dtype)
    x = normal((BATCH, *shape), dtype, 50)
    tolerance = {"rtol": 0, "atol": 2e-11 if dtype == "float64" else 5e-3}
    for step in range(3):
        assert_allclose(engine.predict(x), twin.predict(x), **tolerance)
        y = engine.forward(x, training=True)
        assert_allclose(y, twin.forward(x, training=True), **tolerance)
        g = normal(y.shape, dtype, 60 + step)
        gx = engine.backward(g, accumulate=step == 2, need_input_grad=True)
        assert_allclose(gx, twin.backward(g, accumulate=step == 2, need_input_grad=True), **tolerance)
        for a, b in zip(engine.gradients(), twin.gradients(), strict=True):
            assert_allclose(a, b, **tolerance)
        for (node, key, a), (twin_node, twin_key, b) in zip(engine.buffers(), twin.buffers(), strict=True):
            assert (node, key) == (twin_node, twin_key)
            assert_allclose(a, b, **tolerance)
        x = x[:-1]  # another batch size in the same plan


@pytest.mark.parametrize("name", NETS)
def test_gradients_by_differences(name):
    shape, ops = NETS[name]
    engine, _ = models(shape, ops, "float64")
    x = normal((BATCH, *shape), "float64", 50)
    g = normal(engine.forward(x, training=True).shape, "float64", 60)
    gx = engine.backward(g, need_input_grad=True)
    arrays = [x, *(array for _, _, array in engine.params())]
    for array, gradient in zip(arrays, [gx, *(a.copy() for a in engine.gradients())], strict=True):
        for index in list(np.ndindex(array.shape))[:: max(1, array.size // 12)]:
            kept, sides = array[index], []
            for step in (1e-6, -1e-6):
                array[index] = kept + step
                sides.append((engine.forward(x, training=True) * g).sum())
            array[index] = kept
            assert gradient[index] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-4, abs=1e-5)


# ---------------------------------------------------------------- state


def small(**options):
    return nf.Sequential(
        nf.Conv2d(1, 4, 3), nf.BatchNorm2d(**options), nf.ReLU(), nf.Flatten(), nf.Linear(144, 3), seed=0
    )


def images(n=32):
    return normal((n, 1, 8, 8), np.float32, 1), np.arange(n) % 3


def test_state_dict_has_the_names_of_pytorch():
    model = small()
    model.compile("adam", "cross_entropy")
    x, y = images()
    model.fit(x, y, batch_size=16, epochs=2, verbose=0)
    state = model.state_dict()
    assert list(state) == [
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
        "4.weight",
        "4.bias",
    ]
    assert state["1.num_batches_tracked"] == 4
    assert (state["1.running_var"] != 1).all()
    other = small()
    other.predict(x)
    other.load_state_dict(state)
    assert_array_equal(other.predict(x), model.predict(x))
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert_array_equal(twin.predict(x), model.predict(x))
        assert twin.layers[1].num_batches_tracked == 4
    assert set(model.gradients()) == {name for name in state if "running" not in name and "num_" not in name}


def test_optimizers_and_weight_decay_leave_statistics_alone():
    model = nf.Sequential(nf.Normalize([1.0, 2.0], 3.0), nf.Linear(2, 2), seed=0)
    model.compile(nf.SGD(lr=0.1, weight_decay=0.5), "cross_entropy")
    model.fit(normal((8, 2), np.float32, 1), np.arange(8) % 2, batch_size=4, epochs=2, verbose=0)
    assert_array_equal(model.layers[0].mean, [1, 2])
    assert_array_equal(model.layers[0].std, [3, 3])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_backends_agree(dtype):
    x, y = images()
    trained = []
    for backend in ("native", "reference"):
        model = nf.Sequential(
            nf.Normalize(0.5, 2.0), nf.Conv2d(1, 4, 3), nf.BatchNorm2d(), nf.ReLU(), nf.Flatten(),
            nf.Linear(144, 6), nf.BatchNorm1d(), nf.LayerNorm(6), nf.GroupNorm(2), nf.Linear(6, 3),
            seed=0, dtype=dtype,
        )  # fmt: skip
        model.compile(nf.SGD(lr=0.05, momentum=0.9), "cross_entropy", backend=backend)
        model.fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False)
        trained.append(model.state_dict())
    for name in trained[0]:
        atol = 1e-9 if dtype == "float64" else 2e-3
        assert_allclose(trained[0][name], trained[1][name], rtol=0, atol=atol, err_msg=name)


def test_uint8_images_are_scaled_on_the_fly():
    pixels = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4)
    mean, std = [10.0, 20.0, 30.0], [2.0, 4.0, 8.0]
    got = nf.Sequential(nf.Normalize(mean, std), input_shape=(3, 4, 4)).predict(pixels)
    expected = (pixels - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_batch_of_one_value_a_channel_is_refused_before_anything_is_trained(backend):
    x, y = normal((5, 3), np.float32, 1), np.arange(5) % 2
    model = nf.Sequential(nf.Linear(3, 3), nf.BatchNorm1d(3), nf.Linear(3, 2), seed=0)
    model.compile("sgd", "cross_entropy", backend=backend)
    before = {name: array.copy() for name, array in model.state_dict().items()}
    for size, options in [(4, {}), (1, {}), (2, {}), (3, {"validation_split": 0.2})]:
        with pytest.raises(
            ValueError,
            match=r"^fit: batch_size: layer 1, BatchNorm1d\(.*\), needs at least 2 samples .* 1: choose",
        ):
            model.fit(x, y, batch_size=size, epochs=2, verbose=0, **options)
    with pytest.raises(ValueError, match="more than 1 value per channel when training"):
        model.train_batch(x[:1], y[:1])
    for name, array in model.state_dict().items():
        assert_array_equal(array, before[name])
    assert np.isfinite(model.predict(x[:1])).all()
    assert np.isfinite(model.fit(x, y, batch_size=3, verbose=0)["loss"]).all()


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_pixels_make_up_for_a_batch_of_one(backend):
    x, y = normal((3, 2, 4, 4), np.float32, 1), np.arange(3) % 2
    for pooled in (False, True):
        between = [nf.AvgPool2d(4)] if pooled else []
        model = nf.Sequential(*between, nf.BatchNorm2d(2), nf.Flatten(), nf.Linear(out_features=2), seed=0)
        model.compile("sgd", "cross_entropy", backend=backend)
        if pooled:
            with pytest.raises(ValueError, match=r"^fit: batch_size: layer 1, BatchNorm2d"):
                model.fit(x, y, batch_size=2, verbose=0)
        else:
            assert np.isfinite(model.fit(x, y, batch_size=2, verbose=0)["loss"]).all()


def test_summary_counts_what_is_trained(capsys):
    nf.Sequential(nf.BatchNorm1d(3), nf.Linear(3, 2), seed=0, input_shape=3).summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split()[-1] == "6" and lines[-1].split() == ["total", "14"]


# ---------------------------------------------------------------- embedding


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_embedding_learns_and_leaves_padding(backend):
    x = np.arange(60).reshape(20, 3) % 7
    y = (x.sum(1) % 2).astype(np.int64)
    model = nf.Sequential(nf.Embedding(7, 8, padding_idx=0), nf.Flatten(), nf.Linear(24, 2), seed=0)
    model.compile(nf.Adam(lr=0.05), "cross_entropy", metrics=["accuracy"], backend=backend)
    model.fit(x, y, batch_size=5, epochs=60, verbose=0)
    assert (model.predict(x).argmax(1) == y).all()
    assert_array_equal(model.layers[0].weight[0], 0)
    before = model.state_dict()
    for bad in (7, -1):
        wrong = x.copy()
        wrong[0, 0] = bad
        with pytest.raises(ValueError, match=r"embedding: x: expected integers 0\.\.6, got"):
            model.fit(wrong, y, batch_size=20, epochs=1, verbose=0)
    with pytest.raises(ValueError, match=r"embedding: x: expected integers 0\.\.6, got 0.5"):
        model.predict(x + 0.5)
    for name, array in model.state_dict().items():
        assert_array_equal(array, before[name])


def test_embedding_against_the_twin():
    for dtype in ("float32", "float64"):
        engine, twin = models((4,), [("embedding", {"num_embeddings": 9, "embedding_dim": 5})], dtype)
        x = np.arange(24).reshape(6, 4) * 5 % 9
        y = engine.forward(x, training=True)
        assert_array_equal(y, twin.forward(x, training=True))
        assert y.shape == (6, 4, 5)
        g = normal(y.shape, dtype, 3)
        assert_array_equal(engine.backward(g, need_input_grad=True), 0)
        twin.backward(g)
        assert_allclose(engine.gradients()[0], twin.gradients()[0], rtol=1e-6)


def test_embedding_too_large_for_float32():
    model = nf.Sequential(nf.Embedding(2**24 + 1, 1), input_shape=1, seed=0)
    with pytest.raises(ValueError, match="num_embeddings: expected at most 16777216 in a float32 model"):
        model.predict(np.zeros((1, 1), int))


# ---------------------------------------------------------------- descriptions and errors


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nf.BatchNorm1d(3), "BatchNorm1d(num_features=3)"),
        (nf.BatchNorm2d(momentum=None, affine=False), "BatchNorm2d(momentum=None, affine=False)"),
        (nf.LayerNorm((3, 4), bias=False), "LayerNorm(normalized_shape=(3, 4), bias=False)"),
        (nf.GroupNorm(2, eps=0.1), "GroupNorm(num_groups=2, eps=0.1)"),
        (nf.Normalize([0, 1], 2), "Normalize(mean=[0.0, 1.0], std=2.0)"),
        (nf.Embedding(5, 2, -1), "Embedding(num_embeddings=5, embedding_dim=2, padding_idx=4)"),
    ],
)
def test_repr(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nf.BatchNorm1d(0), ValueError, "BatchNorm1d: num_features: expected at least 1"),
        (lambda: nf.BatchNorm1d(3, momentum=2), ValueError, "BatchNorm1d: momentum: expected"),
        (lambda: nf.BatchNorm2d(3, eps=-1), ValueError, "BatchNorm2d: eps: expected"),
        (lambda: nf.BatchNorm2d(3, affine=1), TypeError, "BatchNorm2d: affine: expected True or False"),
        (lambda: nf.LayerNorm(0), ValueError, "LayerNorm: normalized_shape: expected at least 1"),
        (lambda: nf.GroupNorm(2, 5), ValueError, "GroupNorm: num_groups: expected a divisor of the 5"),
        (lambda: nf.Normalize(0, 0), ValueError, "Normalize: std: expected numbers above 0"),
        (lambda: nf.Normalize([1, 2], [1, 2, 3]), ValueError, "Normalize: std: expected 2 numbers"),
        (lambda: nf.Normalize("x"), TypeError, "Normalize: mean: expected numbers"),
        (lambda: nf.Embedding(3, 2, 3), ValueError, "Embedding: padding_idx: expected -3..2, got 3"),
        (
            lambda: nf.Sequential(nf.BatchNorm2d(), input_shape=3),
            ValueError,
            r"BatchNorm2d\(\): input: expected samples \(channels, height, width\)",
        ),
        (
            lambda: nf.Sequential(nf.BatchNorm1d(4), input_shape=3),
            ValueError,
            "num_features: expected 3, the channels",
        ),
        (
            lambda: nf.Sequential(nf.LayerNorm(4), input_shape=3),
            ValueError,
            "normalized_shape: expected the last axes",
        ),
        (
            lambda: nf.Sequential(nf.GroupNorm(2), input_shape=3),
            ValueError,
            "group_norm: num_groups: expected a divisor of the 3",
        ),
        (
            lambda: nf.Sequential(nf.Normalize([1, 2]), input_shape=3),
            ValueError,
            "mean: expected 1 or 3 numbers",
        ),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_running_statistics_of_a_refused_step_are_put_back(backend, rng):
    model = nf.Sequential(nf.Linear(4, 3), nf.BatchNorm1d(3), nf.Linear(3, 2), seed=0)
    model.compile(nf.SGD(0.1), "mse", backend=backend)
    x, y = rng.normal(size=(8, 4)), rng.normal(size=(8, 2))
    model.train_batch(x, y)
    before = {name: value.copy() for name, value in model.state_dict().items()}
    x[3, 1] = np.nan
    with pytest.raises(FloatingPointError, match="not applied"):
        model.train_batch(x, y)
    with pytest.raises(FloatingPointError, match="not applied"):
        model.fit(x, y, epochs=1, verbose=0)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda **k: nf.BatchNorm1d(3, **k), (3,)),
        (lambda **k: nf.BatchNorm2d(3, **k), (3, 2, 2)),
        (lambda **k: nf.LayerNorm((3,), **k), (3,)),
        (lambda **k: nf.GroupNorm(1, 3, **k), (3, 2)),
        (lambda **k: nf.PReLU(3, init=1.0, **k), (3,)),
    ],
)
def test_penalties_on_the_weights_of_normalisation_and_prelu(backend, make, shape, rng):
    """All weights are 1: the loss grows by 3 l1 + 3 l2, each weight shrinks by lr * (l1 + 2 l2) more."""
    x = rng.normal(size=(8, *shape))
    losses, weights = [], []
    for penalties in ({}, {"l1": 0.25, "l2": 0.5}):
        model = nf.Sequential(make(**penalties), input_shape=shape, dtype="float64", seed=0)
        model.compile(nf.SGD(0.1), "mse", backend=backend)
        losses.append(model.evaluate(x, x)["loss"])
        model.train_batch(x, x)
        weights.append(model.layers[0].weight.copy())
    # Sums of fewer than 100 numbers below 10: 1e-12 is more than their rounding.
    np.testing.assert_allclose(losses[1] - losses[0], 3 * 0.25 + 3 * 0.5, atol=1e-12)
    np.testing.assert_allclose(weights[0] - weights[1], 0.1 * (0.25 + 2 * 0.5), atol=1e-12)
    assert "l1=0.25, l2=0.5" in repr(make(l1=0.25, l2=0.5))
