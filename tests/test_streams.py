"""Data that are not arrays in memory: mini-batches, generators, mapped files, through fit and evaluate."""

import doctest
import pickle
import tracemalloc

import numpy as np
import pytest

import nnfast as nf
from nnfast import _mapped, data


def classifier(seed=4, backend="native", **options):
    model = nf.Sequential(nf.Linear(6, 8), nf.Tanh(), nf.Linear(8, 3), seed=seed, **options)
    model.compile(nf.Adam(lr=0.01), "cross_entropy", metrics=["accuracy"], backend=backend)
    return model


def arrays(n=50, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 6)), rng.integers(0, 3, n)


def same_weights(a, b):
    for key, value in a.state_dict().items():
        np.testing.assert_array_equal(value, b.state_dict()[key])


def test_the_examples_of_the_module_run():
    assert doctest.testmod(data).failed == 0


# ---------------------------------------------------------------- Batches


def test_batches_hold_every_sample_once_in_a_new_order_each_pass():
    x, y = np.arange(23) * 2, np.arange(23)
    batches = data.Batches(x, y, 5, seed=1)
    passes = [[np.concatenate(part) for part in zip(*batches, strict=True)] for _ in range(2)]
    for px, py in passes:
        np.testing.assert_array_equal(px, 2 * py)
        assert sorted(py.tolist()) == y.tolist()
    assert (passes[0][1] != passes[1][1]).any()
    again = data.Batches(x, y, 5, seed=1)
    np.testing.assert_array_equal(np.concatenate([py for _, py in again]), passes[0][1])
    assert len(batches) == 5 and [len(py) for _, py in batches] == [5, 5, 5, 5, 3]


def test_options_of_batches():
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6)
    batches = data.Batches(x, y, 4, shuffle=False, drop_last=True)
    assert len(batches) == 1 and [py.tolist() for _, py in batches] == [[0, 1, 2, 3]]
    batches = data.Batches(x, y, 4, shuffle=False, indices=[5, 1, 1])
    assert [py.tolist() for _, py in batches] == [[5, 1, 1]]
    batches = data.Batches([x, y], [y], 4, shuffle=False)
    (a, b), (c,) = next(iter(batches))
    assert a.shape == (4, 2) and b.shape == c.shape == (4,)
    noisy = data.Batches(x, y, 3, seed=2, transform=lambda x, y, rng: (x + rng.random(x.shape), y))
    first, second = (np.concatenate([px for px, _ in noisy]) for _ in range(2))
    np.testing.assert_array_equal(
        np.concatenate([p for p, _ in data.Batches(x, y, 3, seed=2, transform=noisy.transform)]), first
    )
    assert (first % 1 > 0).all() and (first != second).all()
    x[:] = -1  # what a transform changes in place is the batch, not the data
    for px, _ in data.Batches(x, y, 3, shuffle=False):
        px[:] = 0
    assert (x == -1).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"y": np.zeros(3)}, ValueError, r"y: expected as many samples in all arrays, got \[4, 3\]"),
        ({"x": np.zeros((0, 2)), "y": np.zeros(0)}, ValueError, "x: expected at least one sample, got none"),
        ({"x": 3.0}, ValueError, "x: expected samples along the first axis, got a number"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"batch_size": 5, "drop_last": True}, ValueError, "batch_size: expected at most 4"),
        ({"shuffle": 1}, TypeError, "shuffle"),
        ({"indices": [4]}, ValueError, r"indices: expected 0\.\.3, got 4\.\.4"),
        ({"indices": [0.5]}, TypeError, "indices: expected integers"),
        ({"indices": []}, ValueError, "x: expected at least one sample, got none"),
        ({"transform": 1}, TypeError, "transform: expected a callable"),
    ],
)
def test_bad_batches_are_refused(arguments, error, message):
    with pytest.raises(error, match=f"Batches: {message}"):
        data.Batches(**{"x": np.zeros((4, 2)), "y": np.zeros(4), **arguments})


# ---------------------------------------------------------------- fit and evaluate


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_batches_train_as_the_arrays_do(backend):
    x, y = arrays()
    plain, streamed = classifier(backend=backend), classifier(backend=backend)
    expected = plain.fit(x, y, batch_size=8, epochs=3, validation_data=(x, y), verbose=0)
    found = streamed.fit(
        data.Batches(x, y, 8, seed=4), epochs=3, validation_data=data.Batches(x, y, 256), verbose=0
    )
    # The same seed gives the same order, and so the same bits.
    same_weights(plain, streamed)
    for name in expected.history:
        assert found[name] == pytest.approx(expected[name], rel=1e-6), name
    assert streamed.evaluate(data.Batches(x, y, 7)) == pytest.approx(plain.evaluate(x, y), rel=1e-6)


def test_a_generator_goes_on_where_the_epoch_before_stopped():
    x, y = arrays()
    taken = []

    def forever():
        while True:
            for i in range(5):
                taken.append(i)
                yield x[10 * i : 10 * i + 10], y[10 * i : 10 * i + 10]

    model = classifier()
    history = model.fit(forever(), epochs=3, steps_per_epoch=4, verbose=0)
    assert taken == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1] and len(history) == 3
    plain = classifier()
    for i in taken:
        plain.train_batch(x[10 * i : 10 * i + 10], y[10 * i : 10 * i + 10])
    same_weights(model, plain)
    # One pass of an iterator is an epoch without being told; a list that begins anew wraps around.
    assert len(classifier().fit(iter([(x, y)]), verbose=0)) == 1
    batches = data.Batches(x, y, 25)
    assert len(classifier().fit(batches, epochs=2, steps_per_epoch=3, verbose=2)) == 2


def test_the_first_batch_decides_the_input_shape():
    x, y = arrays()
    model = nf.Sequential(nf.Linear(out_features=3), seed=0)
    model.compile("sgd", "cross_entropy")
    model.fit(data.Batches(x, y), verbose=0)
    assert model.input_shape == (6,)


def test_an_iterator_that_ends_early_ends_the_training():
    x, y = arrays()
    model = classifier()
    with pytest.warns(UserWarning, match="the iterator ended after 1 of 2 batches"):
        history = model.fit(iter([(x, y)] * 3), epochs=9, steps_per_epoch=2, verbose=0)
    assert len(history) == 2 and not history.interrupted
    with pytest.warns(UserWarning, match="the iterator ended after 0 of 2 batches"):
        assert len(model.fit(iter([(x, y)] * 4), epochs=9, steps_per_epoch=2, verbose=0)) == 2


def test_metrics_of_the_users_see_the_validation_stream():
    x, y = arrays()
    model = classifier()
    model.compile("sgd", "cross_entropy", metrics=[nf.metrics.accuracy])
    history = model.fit(data.Batches(x, y, 20), validation_data=data.Batches(x, y, 20), verbose=0)
    assert set(history.history) == {"loss", "val_loss", "val_accuracy"}
    assert model.evaluate(data.Batches(x, y, 20))["accuracy"] == model.evaluate(x, y)["accuracy"]


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_penalty_counts_once_in_a_sum_over_batches(backend):
    x, y = arrays()
    model = nf.Sequential(nf.Linear(6, 3, l2=0.5), seed=1, dtype="float64")
    model.compile("sgd", nf.CrossEntropyLoss(reduction="sum"), backend=backend)
    found = model.evaluate(data.Batches(x, y, 9, shuffle=False))["loss"]
    # Fifty terms and a penalty, in another order.
    assert found == pytest.approx(model.evaluate(x, y)["loss"], rel=100 * np.finfo(float).eps)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_steps_per_epoch_of_arrays(backend):
    """Shorter epochs, each in an order of its own."""
    x, y = arrays()
    model, twin = classifier(backend=backend), classifier(backend=backend)
    history = model.fit(x, y, batch_size=8, epochs=3, steps_per_epoch=2, verbose=0)
    losses = []
    for epoch in range(3):
        order = np.random.default_rng([4, 1, epoch]).permutation(50)
        losses.append(np.mean([twin.train_batch(x[o], y[o])["loss"] for o in (order[:8], order[8:16])]))
    same_weights(model, twin)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-6)


def test_a_list_of_batches_is_an_iterable():
    x, y = arrays()
    batches = [(x[:20], y[:20]), (x[20:], y[20:], np.ones(30))]
    listed, streamed = classifier(), classifier()
    listed.fit(batches, epochs=2, validation_data=batches, verbose=0)
    streamed.fit(nf.data.Batches(x, y), epochs=0, verbose=0)

    class Source:
        def __iter__(self):
            return iter(batches)

    streamed.fit(Source(), epochs=2, verbose=0)
    same_weights(listed, streamed)
    assert listed.evaluate(batches) == listed.evaluate(iter(batches))


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_predictions_of_batches(backend):
    x, y = arrays()
    model = classifier(backend=backend)
    whole = model.predict(x, batch_size=10)
    parts = [x[i : i + 10] for i in range(0, 50, 10)]
    pairs = [(part, y[:10]) for part in parts]
    for batches in (iter(parts), iter(pairs), data.Batches(x, y, 10, shuffle=False)):
        np.testing.assert_array_equal(model.predict(batches), whole)
    both = two_by_two(backend)
    rng = np.random.default_rng(0)
    given = {"image": rng.random((9, 1, 4, 4)), "place": rng.random((9, 2))}
    found = both.predict(data.Batches(given, np.zeros(9), 4, shuffle=False))
    for mine, theirs in zip(found, both.predict(given), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)
    with pytest.raises(ValueError, match="predict: x: expected at least one batch, got none"):
        model.predict(iter(()))
    with pytest.raises(ValueError, match=r"predict: x: expected shape \(n, 6\)"):
        model.predict(iter([x[:, :5]]))


def test_missing_targets_are_named():
    x, y = arrays()
    for bad in (x, (x, y), [x, y], x.tolist(), {"0": x}, lambda: iter([(x, y)])):
        for method in ("fit", "evaluate"):
            with pytest.raises(TypeError, match=f"{method}: y: expected targets beside the samples x, or as"):
                getattr(classifier(), method)(bad)


def test_bad_streams_are_refused():
    x, y = arrays()
    model = classifier()
    before = model.state_dict()

    def no_batches():
        return iter(())

    for bad, error, message in [
        (no_batches(), ValueError, r"x: expected at least one batch \(x, y\), got none"),
        (iter([x]), TypeError, r"x: expected batches \(x, y\) or .*, got ndarray"),
        (iter([(x, y, y, y)]), TypeError, r"x: expected batches \(x, y\) or .*, got 4 values"),
        (iter([(x[:, :5], y)]), ValueError, r"x: batch\[0\]: expected shape \(n, 6\)"),
        (iter([(x, y[:9])]), ValueError, r"x: batch\[1\]: expected 50 samples like"),
    ]:
        with pytest.raises(error, match=f"^fit: {message}"):
            model.fit(bad, verbose=0)
    batches = data.Batches(x, y)
    for options, message in [
        ({"epochs": 2, "x": iter(batches)}, "x: expected what can be gone through 2 times"),
        ({"steps_per_epoch": 0}, "steps_per_epoch"),
        ({"validation_split": 0.5}, "validation_split: expected arrays to split"),
        ({"x": x, "y": y, "steps_per_epoch": 3}, "steps_per_epoch: expected .*1.*2.*, got 3"),
        ({"epochs": 2, "validation_data": iter(batches)}, "validation_data: expected what can be gone"),
    ]:
        with pytest.raises(ValueError, match=f"^fit: {message}"):
            model.fit(**{"x": batches, "verbose": 0, **options})
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


# ---------------------------------------------------------------- files mapped into memory


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "f2", "f4", "f8"])
def test_a_mapped_file_is_never_loaded_whole(tmp_path, dtype, monkeypatch):
    n, features = 2**14, 256
    mapped = np.memmap(tmp_path / "x", dtype, "w+", shape=(n, features))
    mapped[:] = np.random.default_rng(0).integers(0, 4, mapped.shape)
    mapped.flush()
    x = np.memmap(tmp_path / "x", dtype, "r", shape=(n, features))
    y = np.arange(n) % 2
    model = nf.Sequential(nf.Linear(features, 2), seed=0)
    model.compile(nf.SGD(lr=1e-3), "cross_entropy")
    monkeypatch.setattr(data, "ROWS", 2**13)
    monkeypatch.setattr(_mapped, "PIECE", 2**14)  # a batch at a time
    tracemalloc.start()
    try:
        model.fit(x, y, batch_size=64, verbose=0)
        model.evaluate(x, y)
        model.fit(data.Batches(x, y, 64, seed=0), verbose=0)
        model.predict(x)
        scaler = nf.Standardizer().fit(x[: n // 2])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # What NumPy holds at once: an order, labels and an epoch's indices (2^17 bytes each), three batches of
    # an evaluation (one in use, one ready, one being made: 2^18 bytes each, and twice that while it is
    # converted from float64), and float64 slices of 2^13 numbers. The smallest file has 2^22 bytes.
    assert peak < 2**21
    np.testing.assert_allclose(scaler.mean[0], x[: n // 2].astype(float).mean(axis=0), rtol=1e-12)
    same = nf.Sequential(nf.Linear(features, 2), seed=0)
    same.compile(nf.SGD(lr=1e-3), "cross_entropy")
    same.fit(np.array(x), y, batch_size=64, verbose=0)
    same.fit(data.Batches(np.array(x), y, 64, seed=0), verbose=0)
    same_weights(model, same)


# ---------------------------------------------------------------- dicts of inputs and outputs


def two_by_two(backend="native"):
    image, place = nf.Input((1, 4, 4), name="image"), nf.Input(2, name="place")
    both = nf.Tanh()(nf.Linear(18, 8)(nf.Concat()(nf.Flatten()(image), place)))
    model = nf.Model(
        [image, place],
        [nf.Linear(8, 3, name="kind")(both), nf.Linear(8, 1, name="value")(both)],
        seed=2,
    )
    model.compile("adam", ["cross_entropy", "mse"], backend=backend)
    return model


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_dicts_stand_for_lists(backend, tmp_path):
    rng = np.random.default_rng(0)
    image, place = rng.integers(0, 255, (30, 1, 4, 4)).astype(np.uint8), rng.random((30, 2))
    kind, value = rng.integers(0, 3, 30), rng.random(30)
    x, y = {"place": place, "image": image}, {"value": value, "kind": kind}
    weights = {"value": rng.random(30), "kind": rng.random(30)}
    listed, named, streamed = two_by_two(backend), two_by_two(backend), two_by_two(backend)
    listed.fit([image, place], [kind, value], verbose=0, sample_weight=[weights["kind"], weights["value"]])
    named.fit(x, y, verbose=0, sample_weight=weights, validation_data=(x, y))
    same_weights(listed, named)
    assert named.evaluate(x, y) == listed.evaluate([image, place], [kind, value])
    for mine, theirs in zip(named.predict(x), listed.predict([image, place]), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    named.train_batch(x, y)
    listed.train_batch([image, place], [kind, value])
    same_weights(listed, named)
    streamed.fit(pickle.loads(pickle.dumps(data.Batches(x, y, 32, seed=2))), verbose=0)
    plain = two_by_two(backend)
    plain.fit([image, place], [kind, value], verbose=0)
    same_weights(plain, streamed)
    named.save(tmp_path / "m")
    assert nf.load(tmp_path / "m").evaluate(x, y) == named.evaluate(x, y)

    for bad, message in [
        ({"image": image}, r"x: expected the keys \['image', 'place'\], got no \['place'\]"),
        ({**x, "more": place}, r"x: expected the keys .* got unexpected \['more'\]"),
        ({"image": image, "place": place[:, :1]}, r"x\['place'\]: expected shape \(n, 2\)"),
        ({"image": image, "place": place[:9]}, r"x\['place'\]: expected 30 samples like x\['image'\]"),
    ]:
        with pytest.raises(ValueError, match=f"fit: {message}"):
            named.fit(bad, y, verbose=0)
    with pytest.raises(ValueError, match=r"fit: y: expected the keys \['kind', 'value'\]"):
        named.fit(x, {"kind": kind}, verbose=0)
    one = nf.Sequential(nf.Linear(2, 1), seed=0)
    np.testing.assert_array_equal(one.predict({"0": place}), one.predict(place))
    with pytest.raises(ValueError, match="the name 'a' occurs more than once"):
        a, b = nf.Input(1, name="a"), nf.Input(1, name="a")
        nf.Model([a, b], nf.Concat()(a, b))
    with pytest.raises(TypeError, match="Input: name"):
        nf.Input(1, name=1)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_uint8_images_are_scaled_on_the_fly(backend):
    rng = np.random.default_rng(1)
    images, y = rng.integers(0, 256, (40, 3, 6, 6)).astype(np.uint8), rng.integers(0, 2, 40)
    found = []
    for x, first in ((images, [nf.Normalize(0.0, 255.0)]), (images / 255.0, [])):
        layers = [*first, nf.Conv2d(3, 4, 3), nf.ReLU(), nf.Flatten(), nf.Linear(64, 2)]
        model = nf.Sequential(*layers, input_shape=(3, 6, 6), seed=0, dtype="float64")
        model.compile("adam", "cross_entropy", backend=backend)
        found.append(model.fit(x, y, batch_size=8, epochs=3, verbose=0)["loss"])
        found[-1] += model.fit(data.Batches(x, y, 8, seed=0), epochs=2, verbose=0)["loss"]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9)


def test_messages_blame_what_is_wrong():
    model = nf.Sequential(nf.Linear(4, 3), seed=0)
    model.compile("sgd", "cross_entropy")
    x, y = np.ones((6, 4)), np.arange(6) % 3
    with pytest.raises(TypeError, match=r"fit: x: expected batches \(x, y\) or .*, got tuples of 4 values"):
        model.fit([(1, 2, 3, 4)])
    with pytest.raises(
        ValueError, match=r"fit: validation_data: .*, got an iterator: give arrays, a list of"
    ):
        model.fit(x, y, epochs=3, validation_data=iter([(x, y)]), verbose=0)
    with pytest.raises(
        TypeError, match=r"fit: validation_data: .* an iterable of batches, got tuple of 4 values"
    ):
        model.fit(x, y, validation_data=(x, y, y, y), verbose=0)
