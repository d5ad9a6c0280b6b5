"""Initial values: moments against the formulas, orthogonality, names.

Bounds: of n independent draws the mean is off by s / sqrt(n) in the standard deviation and the variance by
s^2 sqrt((k - 1) / n), k the kurtosis (3 for a normal, 9/5 for a uniform distribution); six of
them are allowed.
"""

import functools
import math

import numpy as np
import pytest

import nnfast as nf
from nnfast import initializers as init

SHAPES = [(400, 300), (50, 40, 5, 3)]

VARIANCES = {
    "fan_in_uniform": lambda i, o: 1 / (3 * i),
    "lecun_uniform": lambda i, o: 1 / i,
    "lecun_normal": lambda i, o: 1 / i,
    "xavier_uniform": lambda i, o: 2 / (i + o),
    "xavier_normal": lambda i, o: 2 / (i + o),
    "glorot_uniform": lambda i, o: 2 / (i + o),
    "glorot_normal": lambda i, o: 2 / (i + o),
    "kaiming_uniform": lambda i, o: 2 / i,
    "kaiming_normal": lambda i, o: 2 / i,
    "he_uniform": lambda i, o: 2 / i,
    "he_normal": lambda i, o: 2 / i,
    "normal": lambda i, o: 1.0,
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", VARIANCES)
def test_moments(name, shape):
    values = init.get(name)(shape, np.random.default_rng(3), "float64")
    fan_in, fan_out = init.fans(shape)
    assert fan_in == math.prod(shape[1:])
    variance = VARIANCES[name](fan_in, fan_out)
    n, kurtosis = values.size, 3.0 if name.endswith("normal") else 1.8
    assert values.shape == shape
    assert abs(values.mean()) <= 6 * math.sqrt(variance / n)
    assert abs(values.var() - variance) <= 6 * variance * math.sqrt((kurtosis - 1) / n)
    if not name.endswith("normal"):
        assert np.abs(values).max() <= math.sqrt(3 * variance)
    # A normal distribution has 32% of its mass beyond one standard deviation, a uniform one 42%.
    share = (np.abs(values) > math.sqrt(variance)).mean()
    expected = 0.3173 if name.endswith("normal") else 1 - 1 / math.sqrt(3)
    assert abs(share - expected) <= 6 * math.sqrt(expected * (1 - expected) / n) + 1e-4
    rounded = init.get(name)(shape, np.random.default_rng(3), "float32")
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded, values.astype(np.float32))


@pytest.mark.parametrize("shape", [(3, 3), (4, 9), (9, 4), (6, 2, 3, 3), (30, 2, 3, 3), (1, 5)], ids=str)
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal(shape, gain):
    w = init.orthogonal(shape, np.random.default_rng(1), "float64", gain=gain).reshape(shape[0], -1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    # Householder's Q is orthogonal up to a small multiple of n u (Higham, theorem 19.4); 100 n u is ample.
    bound = 100 * max(w.shape) * 2.0**-53 * gain**2
    np.testing.assert_allclose(gram, gain**2 * np.eye(len(gram)), atol=bound, rtol=0)


def test_orthogonal_is_uniform_over_the_rotations():
    """The first entry of a 2 x 2 orthogonal matrix is the cosine of a uniform angle: mean 0, variance 1/2."""
    rng = np.random.default_rng(0)
    first = np.array([init.orthogonal((2, 2), rng, "float64")[0, 0] for _ in range(4000)])
    assert abs(first.mean()) <= 6 * math.sqrt(0.5 / 4000)
    assert abs((first**2).mean() - 0.5) <= 6 * math.sqrt(0.125 / 4000)


def test_constants():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(init.zeros((2, 3), rng, "float32"), np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(init.constant((2,), rng, "float64", val=1.5), [1.5, 1.5])
    assert init.constant((2,), rng, "float32").dtype == np.float32


def test_gains():
    """The table of torch.nn.init.calculate_gain."""
    stored = {"linear": 1, "conv2d": 1, "sigmoid": 1, "tanh": 1.6666666666666667, "relu": 1.4142135623730951}
    stored |= {"selu": 0.75, "leaky_relu": 1.4141428569978354}
    for name, gain in stored.items():
        assert init.calculate_gain(name) == pytest.approx(gain, rel=1e-15)
    assert init.calculate_gain("leaky_relu", 0.2) == pytest.approx(1.3867504905630728, rel=1e-15)
    with pytest.raises(ValueError, match=r"^calculate_gain: nonlinearity: expected one of .*'leaky_relu'"):
        init.calculate_gain("swish")
    with pytest.raises(TypeError, match=r"^calculate_gain: param: expected a number"):
        init.calculate_gain("leaky_relu", "0.2")


SETTINGS = [
    ("kaiming_normal", {"mode": "fan_out"}, lambda i, o: 2 / o),
    ("kaiming_uniform", {"mode": "fan_out", "nonlinearity": "relu"}, lambda i, o: 2 / o),
    ("he_normal", {"a": 2.0}, lambda i, o: 2 / 5 / i),
    ("he_uniform", {"a": 0.5, "nonlinearity": "tanh"}, lambda i, o: 25 / 9 / i),  # PyTorch ignores a there
    ("kaiming_normal", {"nonlinearity": "linear"}, lambda i, o: 1 / i),
    ("xavier_normal", {"gain": 3.0}, lambda i, o: 18 / (i + o)),
    ("glorot_uniform", {"gain": 0.5}, lambda i, o: 0.5 / (i + o)),
    ("uniform", {"a": -2.0, "b": 2.0}, lambda i, o: 4 / 3),
    ("normal", {"std": 0.1}, lambda i, o: 0.01),
]


@pytest.mark.parametrize(("name", "settings", "variance"), SETTINGS)
def test_settings(name, settings, variance):
    shape = (400, 300)
    values = init.get(name)(shape, np.random.default_rng(5), "float64", **settings)
    expected = variance(300, 400)
    assert abs(values.mean()) <= 6 * math.sqrt(expected / values.size)
    assert abs(values.var() - expected) <= 6 * expected * math.sqrt(2 / values.size)


def test_uniform_is_of_0_to_1():
    values = init.uniform((100, 100), np.random.default_rng(0), "float64")
    assert values.min() >= 0 and values.max() < 1
    assert abs(values.mean() - 0.5) <= 6 * math.sqrt(1 / 12 / values.size)


WRONG = [
    ("constant", "val", "one", TypeError),
    ("constant", "val", math.inf, ValueError),
    ("uniform", "a", None, TypeError),
    ("uniform", "b", -1.0, ValueError),
    ("normal", "mean", math.nan, ValueError),
    ("normal", "std", -0.1, ValueError),
    ("xavier_uniform", "gain", "high", TypeError),
    ("xavier_normal", "gain", -1.0, ValueError),
    ("kaiming_uniform", "mode", "fan_avg", ValueError),
    ("kaiming_normal", "mode", 1, TypeError),
    ("kaiming_normal", "nonlinearity", "swish", ValueError),
    ("kaiming_uniform", "a", True, TypeError),
    ("kaiming_normal", "a", math.nan, ValueError),
    ("orthogonal", "gain", math.inf, ValueError),
]


@pytest.mark.parametrize(("name", "setting", "value", "error"), WRONG)
def test_settings_are_checked_before_anything_is_drawn(name, setting, value, error):
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    with pytest.raises(error, match=rf"^{name}: {setting}: expected .*, got "):
        init.get(name)((3, 4), rng, "float64", **{setting: value})
    assert rng.bit_generator.state == before


def test_a_bias_takes_no_initializer_of_weights():
    for bad in ("kaiming_normal", init.xavier_uniform, functools.partial(init.he_normal, a=1.0)):
        with pytest.raises(
            ValueError, match=r"^Linear: bias_init: expected what needs no fans, .*: constant, "
        ):
            nf.Linear(3, 4, bias_init=bad)
        nf.Linear(3, 4, weight_init=bad)
    with pytest.raises(ValueError, match=r"^Conv2d: bias_init: .*; got 'orthogonal'$"):
        nf.Conv2d(3, 4, 3, bias_init="orthogonal")
    nf.Conv2d(3, 4, 3, bias_init=functools.partial(init.normal, std=0.1))


def test_weights_without_elements():
    for name in VARIANCES:
        for shape in ((0, 3), (3, 0), (0, 0)):
            assert init.get(name)(shape, np.random.default_rng(0), "float32").shape == shape


def test_no_fans_for_a_bias():
    for name in ("orthogonal", "lecun_uniform", "xavier_normal"):
        with pytest.raises(ValueError, match="initializers: shape: expected a weight"):
            init.get(name)((3,), np.random.default_rng(0), "float32")


def test_layers_take_them_by_name_and_default_to_pytorchs():
    model = nf.Sequential(
        nf.Linear(300, 200, weight_init="orthogonal"), nf.ReLU(), nf.Linear(200, 100), dtype="float64", seed=0
    )
    w = model.layers[0].weight
    np.testing.assert_allclose(w @ w.T, np.eye(200), atol=1e-12)
    bound = 1 / math.sqrt(200)  # torch.nn.Linear: U(-1/sqrt(in), 1/sqrt(in)) for both
    for values in (model.layers[2].weight, model.layers[2].bias):
        assert np.abs(values).max() <= bound
        assert abs(values.var() - bound**2 / 3) <= 6 * bound**2 / 3 * math.sqrt(0.8 / values.size)


@pytest.mark.parametrize("draw", ["uniform", "normal"])
def test_large_layers_are_drawn_in_pieces_of_the_same_numbers(draw):
    """So that Ctrl-C is answered between them."""
    shape = (1 << 11, 1 << 10)
    linear = nf.Sequential(nf.Linear(shape[1], shape[0], weight_init=f"xavier_{draw}"), seed=5)
    rng, n_in, n_out = np.random.default_rng([5, 0]), shape[1], shape[0]
    if draw == "uniform":
        bound = np.sqrt(6 / (n_in + n_out))
        expected = rng.uniform(-bound, bound, shape)
    else:
        expected = rng.normal(0, np.sqrt(2 / (n_in + n_out)), shape)
    np.testing.assert_allclose(linear.layers[0].weight, expected, rtol=1e-6)
