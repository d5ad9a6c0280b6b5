"""The short way of predict and train_batch, for arrays that need no conversion: results of the long way."""

import numpy as np
import pytest

import nnfast as nf

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 5)).astype(np.float32)
LABELS = RNG.integers(0, 3, 12)
NUMBERS = RNG.standard_normal((12, 3)).astype(np.float32)


def model(loss="cross_entropy", optimizer=None, seed=3):
    made = nf.Sequential(nf.Linear(5, 8), nf.Tanh(), nf.Dropout(0.3), nf.Linear(8, 3), seed=seed)
    made.compile(optimizer=optimizer or nf.Adam(0.01), loss=loss)
    made.predict(X)  # makes the engine's model: the short way is for those that are there
    return made


def same_weights(a, b):
    for one, other in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("loss", "y"), [("cross_entropy", LABELS), ("mse", NUMBERS)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_train_batch_gives_the_same_bits_both_ways(loss, y, dtype):
    short, long = model(loss), model(loss)
    x = X.astype(dtype)
    for _ in range(3):
        a = short.train_batch(x, y)
        b = long.train_batch(x.tolist() if dtype == "float64" else list(x), y.tolist())
        assert a == b
    same_weights(short, long)


def test_predict_gives_the_same_bits_both_ways():
    net = model()
    np.testing.assert_array_equal(net.predict(X), net.predict(X[::1].tolist()))
    np.testing.assert_array_equal(
        net.predict(X[:1].astype(np.float64)), net.predict(X[:1].astype(object)[:1].tolist())
    )
    np.testing.assert_array_equal(net.predict(X[::2]), net.predict(X)[::2])


def test_settings_changed_between_batches_are_heeded():
    net, other = model(), model()
    net.train_batch(X, LABELS)
    other.train_batch(X, LABELS)
    net.optimizer.lr = 0.0
    before = net.state_dict()
    net.train_batch(X, LABELS)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    net.optimizer.lr = 0.01
    net.optimizer.weight_decay = 0.5
    net.train_batch(X, LABELS)
    other.optimizer = nf.Adam(0.0)
    other.train_batch(X, LABELS)
    assert any(
        (a != b).any() for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, LABELS + 3, "y: expected labels in 0..2 for 3 outputs"),
        (X, LABELS[:-1], "y: expected 12 samples like x, got 11"),
        (X[:, :4], LABELS, r"x: expected shape \(n, 5\), got \(12, 4\)"),
        (X[:0], LABELS[:0], "x: expected at least one sample"),
    ],
)
def test_errors_are_those_of_the_long_way(x, y, message):
    net = model()
    before = net.state_dict()
    with pytest.raises(ValueError, match=f"^train_batch: {message}"):
        net.train_batch(x, y)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_without_loss_or_optimizer_the_message_says_so():
    net = nf.Sequential(nf.Linear(5, 3))
    net.predict(X)
    with pytest.raises(ValueError, match="train_batch: the model has no loss"):
        net.train_batch(X, LABELS)
