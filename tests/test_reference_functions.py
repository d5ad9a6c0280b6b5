"""Functions of the pure-NumPy reference but convolution and pooling.

Against definitions in loops, known values and central differences.
"""

import itertools
import math

import numpy as np
import pytest
from differences import check_gradients
from numpy.testing import assert_allclose, assert_array_equal

from nnfast import reference as ref

FLOATS = [np.float32, np.float64]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ---------------------------------------------------------------- dense


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 4), (4, 2)),
        ((4,), (4, 2)),
        ((3, 4), (4,)),
        ((4,), (4,)),
        ((5, 3, 4), (4, 2)),
        ((5, 1, 3, 4), (6, 4, 2)),
        ((1, 3, 4), (5, 4, 2)),
        ((4,), (5, 4, 2)),
        ((2, 5, 3, 4), (4,)),
        ((0, 4), (4, 2)),
        ((3, 0), (0, 2)),
    ],
)
def test_matmul(rng, a, b):
    a, b = rng.normal(size=a), rng.normal(size=b)
    c = ref.matmul(a, b)
    assert_array_equal(c, a @ b)
    assert type(c) is type(a @ b)
    g = np.asarray(rng.normal(size=c.shape))
    check_gradients(ref.matmul, [a, b], ref.matmul_backward(g, a, b), g)


@pytest.mark.parametrize("activation", [None, "sigmoid", "tanh", "relu", "leaky_relu"])
def test_linear(rng, activation):
    x, weight, bias = rng.normal(size=(3, 4)), rng.normal(size=(2, 4)), rng.normal(size=2)
    z = np.array(
        [[sum(x[i, k] * weight[j, k] for k in range(4)) + bias[j] for j in range(2)] for i in range(3)]
    )
    expected = z if activation is None else getattr(ref, activation)(z)
    assert_allclose(ref.linear(x, weight, bias, activation=activation), expected, rtol=1e-14)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
def test_linear_backward(rng, batch):
    x, weight, bias = rng.normal(size=(*batch, 4)), rng.normal(size=(2, 4)), rng.normal(size=2)
    g = rng.normal(size=(*batch, 2))
    check_gradients(ref.linear, [x, weight, bias], ref.linear_backward(g, x, weight), g)


# ---------------------------------------------------------------- elementwise, softmax

ELEMENTWISE = ["sigmoid", "tanh", "relu", "leaky_relu"]


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3, 4)])
def test_elementwise_gradient(rng, name, shape):
    x, g = np.asarray(rng.normal(size=shape)), np.asarray(rng.normal(size=shape))
    check_gradients(getattr(ref, name), [x], [getattr(ref, name + "_backward")(g, x)], g)


def test_sigmoid_and_tanh_values():
    x = np.array([-800.0, -1.0, 0.0, 1.0, 800.0])
    assert_allclose(ref.sigmoid(x), [0, 1 / (1 + math.e), 0.5, 1 / (1 + 1 / math.e), 1], rtol=1e-15)
    assert_allclose(ref.tanh(x), [-1, math.tanh(-1), 0, math.tanh(1), 1], rtol=1e-15)
    assert ref.sigmoid(np.array([-80.0], np.float32))[0] == pytest.approx(math.exp(-80), rel=1e-5)


def test_kinks_follow_the_stated_rule():
    x, g = np.array([-1.0, -0.0, 0.0, 1.0, np.nan, np.inf, -np.inf]), np.full(7, 3.0)
    assert_array_equal(ref.relu(x), [0, 0, 0, 1, np.nan, np.inf, 0])
    assert_array_equal(ref.relu_backward(g, x), [0, 0, 0, 3, 3, 3, 0])
    assert_array_equal(ref.leaky_relu(x, 0.5), [-0.5, 0, 0, 1, np.nan, np.inf, -np.inf])
    assert_array_equal(ref.leaky_relu_backward(g, x, 0.5), [1.5, 1.5, 1.5, 3, 1.5, 3, 1.5])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(
    ("shape", "axis"), [((5,), -1), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), 1), ((3, 1), -1)]
)
def test_softmax_gradient(rng, name, shape, axis):
    x, g = rng.normal(size=shape), rng.normal(size=shape)
    backward = getattr(ref, name + "_backward")(g, x, axis)
    check_gradients(lambda x: getattr(ref, name)(x, axis), [x], [backward], g)


def test_softmax_values():
    x = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 4.0, 4.0]]))
    expected = np.array([[1 / 8, 2 / 8, 5 / 8], [1 / 3, 1 / 3, 1 / 3]])
    for shift in (0.0, 1e4, -1e4):  # adding a number changes nothing; rounding of x + shift costs 1e4 * eps
        assert_allclose(ref.softmax(x + shift), expected, rtol=1e-11)
        assert_allclose(ref.log_softmax(x + shift), np.log(expected), rtol=1e-11)


@pytest.mark.parametrize("f", [ref.softmax, ref.log_softmax])
def test_softmax_edges(f):
    one = 0.0 if f is ref.log_softmax else 1.0
    assert_array_equal(f(np.array([[7.0], [-3.0]])), [[one], [one]])
    assert f(np.empty((0, 3))).shape == (0, 3) and f(np.empty((3, 0))).shape == (3, 0)
    assert np.isnan(f(np.array([0.0, np.nan]))).all()
    assert np.isnan(f(np.array([0.0, np.inf]))).all()
    assert np.isnan(f(np.array([-np.inf, -np.inf]))).all()
    assert f(np.array([-np.inf, 0.0]))[1] == one


# ---------------------------------------------------------------- dropout


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_known_answers(counter, key, expected):
    assert " ".join(f"{word:08x}" for word in ref.philox4x32(counter, key)) == expected


def philox_in_plain_integers(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def test_philox_broadcasts_and_agrees_with_plain_integers(rng):
    counter = rng.integers(0, 2**32, size=(3, 1, 4), dtype=np.uint64)
    key = rng.integers(0, 2**32, size=(2, 2), dtype=np.uint64)
    words = ref.philox4x32(counter, key)
    assert words.shape == (3, 2, 4) and words.dtype == np.uint32
    for i, j in itertools.product(range(3), range(2)):
        expected = philox_in_plain_integers([int(v) for v in counter[i, 0]], [int(v) for v in key[j]])
        assert words[i, j].tolist() == expected


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_dropout_mask_is_the_documented_one(p):
    seed, step, layer = 0x123456789ABCDEF0, 7, 2
    mask = ref.dropout_mask(37, p, seed=seed, step=step, layer=layer)
    for e in range(37):
        words = philox_in_plain_integers([e // 8, 0, layer, step], [seed & 0xFFFFFFFF, seed >> 32])
        bits = (words[e % 8 // 2] >> (16 * (e % 2))) & 0xFFFF
        assert mask[e] == (bits >= round(p * 65536))


def test_dropout_mask_depends_on_all_its_keys_and_on_nothing_else():
    base = ref.dropout_mask(1000, 0.5, seed=1)
    assert_array_equal(ref.dropout_mask((10, 10), 0.5, seed=1).ravel(), base[:100])
    for other in ({"seed": 2}, {"seed": 1 + 2**32}, {"seed": 1, "step": 1}, {"seed": 1, "layer": 1}):
        assert 400 < (ref.dropout_mask(1000, 0.5, **other) == base).sum() < 600
    # kept: binomial(1e5, 0.7), standard deviation 145; five of them
    assert abs(ref.dropout_mask(100_000, 0.3, seed=3).sum() - 70_000) < 5 * 145
    assert ref.dropout_mask((0, 3), 0.5, seed=0).shape == (0, 3)


@pytest.mark.parametrize("dtype", FLOATS)
def test_dropout(rng, dtype):
    x = rng.normal(size=(5, 7)).astype(dtype)
    mask = ref.dropout_mask(x.shape, 0.3, seed=9, step=4, layer=1)
    y = ref.dropout(x, 0.3, seed=9, step=4, layer=1)
    assert y.dtype == dtype
    assert_array_equal(y, np.where(mask, x * dtype(1 / 0.7), dtype(0)))
    assert_array_equal(ref.dropout_backward(x, 0.3, seed=9, step=4, layer=1), y)
    evaluated = ref.dropout(x, 0.3, training=False, seed=9)
    assert_array_equal(evaluated, x)
    assert not np.shares_memory(evaluated, x)
    assert_array_equal(ref.dropout(x, 1.0, seed=0), np.zeros_like(x))
    assert_array_equal(ref.dropout(x, 0.0, seed=0), x)
    assert np.isfinite(ref.dropout(np.full(100, np.nan), 1.0, seed=0)).all()


# ---------------------------------------------------------------- losses


def test_mse_values():
    x, t = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 0.0], [0.0, 4.0]])
    assert_array_equal(ref.mse_loss(x, t, reduction="none"), [[0, 4], [9, 1]])
    assert ref.mse_loss(x, t) == 3.5 and ref.mse_loss(x, t, reduction="sum") == 14
    assert isinstance(ref.mse_loss(x.astype(np.float32), t.astype(np.float32)), np.float32)


def test_cross_entropy_values():
    logits = np.log(np.array([[1.0, 2.0, 5.0], [1.0, 1.0, 2.0]]))
    losses = -np.log([5 / 8, 1 / 4])
    assert_allclose(ref.cross_entropy(logits, np.array([2, 0]), reduction="none"), losses, rtol=1e-14)
    assert ref.cross_entropy(logits, np.array([2, 0], np.uint8)) == pytest.approx(losses.mean(), rel=1e-14)
    one_hot = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    assert_allclose(ref.cross_entropy(logits, one_hot, reduction="none"), losses, rtol=1e-14)
    soft = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 2.0]])
    expected = [-0.5 * math.log(1 / 8) - 0.5 * math.log(2 / 8), -2 * math.log(1 / 2)]
    assert_allclose(ref.cross_entropy(logits, soft, reduction="none"), expected, rtol=1e-14)


def test_cross_entropy_edges():
    equal = np.zeros((3, 10))
    assert ref.cross_entropy(equal, np.array([0, 4, 9])) == pytest.approx(math.log(10), rel=1e-15)
    huge = np.array([[1e30, -1e30, 0.0]])
    assert ref.cross_entropy(huge, np.array([0])) == 0 and ref.cross_entropy(huge, np.array([1])) == 2e30
    assert_array_equal(ref.cross_entropy_backward(1.0, huge, np.array([1])), [[1, -1, 0]])
    one_class = np.array([[3.0], [-700.0]])
    assert ref.cross_entropy(one_class, np.array([0, 0])) == 0
    assert_array_equal(ref.cross_entropy_backward(1.0, one_class, np.array([0, 0])), [[0], [0]])
    assert np.isnan(ref.cross_entropy(np.array([[0.0, np.nan]]), np.array([0])))


@pytest.mark.parametrize("loss", [ref.cross_entropy, ref.nll_loss])
def test_empty_batches_of_class_losses(loss):
    backward = getattr(ref, loss.__name__ + "_backward")
    x, labels = np.empty((0, 4), np.float32), np.empty(0, np.int64)
    assert np.isnan(loss(x, labels)) and loss(x, labels, reduction="sum") == 0
    assert loss(x, labels, reduction="none").shape == (0,)
    for reduction in ("mean", "sum"):
        assert backward(1.0, x, labels, reduction=reduction).shape == (0, 4)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", ["mse_loss", "labels", "probabilities", "nll_loss"])
def test_loss_gradients(rng, name, reduction):
    x = rng.normal(size=(4, 3))
    target = rng.random((4, 3)) if name in ("mse_loss", "probabilities") else np.array([2, 0, 1, 1])
    name = "cross_entropy" if name in ("labels", "probabilities") else name
    forward, backward = getattr(ref, name), getattr(ref, name + "_backward")
    shape = forward(x, target, reduction="none").shape
    g = rng.normal(size=shape) if reduction == "none" else np.float64(1.7)
    gradient = backward(g, x, target, reduction=reduction)
    check_gradients(lambda x: forward(x, target, reduction=reduction), [x], [gradient], g)


def test_class_losses_of_one_sample():
    x = np.array([0.5, -1.0, 2.0], np.float32)
    for name, target in (("cross_entropy", np.array(2)), ("cross_entropy", x), ("nll_loss", 1)):
        forward, backward = getattr(ref, name), getattr(ref, name + "_backward")
        many = np.asarray(target)[np.newaxis]
        for reduction in ("none", "mean", "sum"):
            loss = forward(x, target, reduction=reduction)
            assert isinstance(loss, np.float32) and loss == forward(x[np.newaxis], many, reduction="sum")
            expected = backward(2.0, x[np.newaxis], many, reduction="sum")[0]
            assert_array_equal(backward(2.0, x, target, reduction=reduction), expected)


def test_nll_of_log_softmax_is_cross_entropy(rng):
    x, labels = rng.normal(size=(5, 4)), np.array([0, 3, 3, 1, 2])
    assert ref.nll_loss(ref.log_softmax(x), labels) == pytest.approx(ref.cross_entropy(x, labels), rel=1e-15)
