"""Layers as a user writes them: options, shapes, initial values, refusals, and their gradients."""

import copy
import functools
import math

import numpy as np
import pytest

import nnfast as nf
from nnfast import initializers

# Central differences in float64: truncation h^2 |f'''| / 6 and rounding u |f| / h are both near
# 4e-11 |f| for this h.
STEP = np.finfo(np.float64).eps ** (1 / 3)
# Times the terms that f sums (at most a few hundred of size 1) and the growth of f''' in deeper chains.
GRADIENT_TOLERANCE = 2e-8


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


def built(*layers, input_shape, backend="native", dtype="float32", seed=0):
    model = nf.Sequential(*layers, input_shape=input_shape, dtype=dtype, seed=seed)
    model.compile(nf.SGD(lr=0.1), backend=backend)
    return model


# ---------------------------------------------------------------- shapes


@pytest.mark.parametrize(
    ("layer", "input_shape", "output_shape"),
    [
        (nf.Linear(4, 3), 4, (3,)),
        (nf.Linear(out_features=3), (5, 4), (5, 3)),
        (nf.Conv2d(2, 4, 3), (2, 7, 6), (4, 5, 4)),
        (nf.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0)), (2, 7, 6), (4, 4, 5)),
        (nf.Conv2d(2, 4, (4, 3), padding="same", dilation=(1, 2)), (2, 7, 6), (4, 7, 6)),
        (nf.Conv2d(2, 4, 3, padding="valid"), (2, 7, 6), (4, 5, 4)),
        (nf.Conv2d(4, 4, 3, groups=4, bias=False), (4, 5, 5), (4, 3, 3)),
        (nf.Conv2d(out_channels=4, kernel_size=1), (3, 5, 5), (4, 5, 5)),
        (nf.MaxPool2d(2), (3, 7, 6), (3, 3, 3)),
        (nf.MaxPool2d(2, ceil_mode=True), (3, 7, 6), (3, 4, 3)),
        (nf.MaxPool2d((3, 2), 1, (1, 1), (2, 1)), (3, 7, 6), (3, 5, 7)),
        (nf.AvgPool2d(3, 2, 1), (3, 7, 6), (3, 4, 3)),
        (nf.Flatten(), (3, 7, 6), (126,)),
        (nf.Dropout(0.5), (3, 7, 6), (3, 7, 6)),
        (nf.Sigmoid(), 5, (5,)),
        (nf.Softmax(axis=1), (3, 4), (3, 4)),
    ],
    ids=repr,
)
def test_output_shape_and_prediction(layer, input_shape, output_shape, backend):
    model = built(copy.copy(layer), input_shape=input_shape, backend=backend)
    assert model.output_shape == output_shape
    x = np.ones((3, *model.input_shape), np.float32)
    assert model.predict(x).shape == (3, *output_shape)


def test_sizes_left_out_are_inferred():
    model = nf.Sequential(
        nf.Conv2d(out_channels=4, kernel_size=3),
        nf.Flatten(),
        nf.Linear(out_features=5),
        nf.Linear(None, 2),
        input_shape=(3, 6, 6),
    )
    conv, _, first, second = model.layers
    assert (conv.in_channels, first.in_features, second.in_features) == (3, 64, 5)
    assert conv.weight.shape == (4, 3, 3, 3)
    assert first.weight.shape == (5, 64)


def test_same_padding_puts_the_odd_row_at_the_end():
    """PyTorch's rule: a kernel of 2 sees the pixel itself and the one after it."""
    model = built(nf.Conv2d(1, 1, (1, 2), padding="same", bias=False), input_shape=(1, 1, 3))
    model.layers[0].weight = np.array([[[[10.0, 1.0]]]])
    assert model.predict(np.array([[[[1.0, 2.0, 3.0]]]])).ravel().tolist() == [12.0, 23.0, 30.0]


# ---------------------------------------------------------------- descriptions


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nf.Linear(4, 3), "Linear(in_features=4, out_features=3)"),
        (nf.Linear(out_features=3, bias=False), "Linear(out_features=3, bias=False)"),
        (
            nf.Conv2d(1, 2, 3, padding=1),
            "Conv2d(in_channels=1, out_channels=2, kernel_size=(3, 3), padding=(1, 1))",
        ),
        (nf.MaxPool2d(2), "MaxPool2d(kernel_size=(2, 2))"),
        (nf.AvgPool2d(2, count_include_pad=False), "AvgPool2d(kernel_size=(2, 2), count_include_pad=False)"),
        (nf.Dropout(), "Dropout(p=0.5)"),
        (nf.LeakyReLU(0.2, name="act"), "LeakyReLU(negative_slope=0.2, name='act')"),
        (nf.ELU(0.5), "ELU(alpha=0.5)"),
        (nf.GELU("tanh"), "GELU(approximate='tanh')"),
        (nf.Softplus(2.0), "Softplus(beta=2.0)"),
        (nf.PReLU(3, 0.1), "PReLU(num_parameters=3, init=0.1)"),
        (nf.Softmax(), "Softmax()"),
        (nf.LogSoftmax(1), "LogSoftmax(axis=1)"),
        (nf.ReLU(), "ReLU()"),
    ],
)
def test_repr(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nf.Linear(4), TypeError, r"Linear: out_features: is required"),
        (lambda: nf.Linear(0, 3), ValueError, r"Linear: in_features: expected at least 1, got 0"),
        (lambda: nf.Linear(4, 2.5), TypeError, r"Linear: out_features: expected an integer, got 2.5"),
        (lambda: nf.Linear(4, True), TypeError, r"Linear: out_features: expected an integer, got True"),
        (lambda: nf.Linear(4, 3, bias=1), TypeError, r"Linear: bias: expected True or False, got 1"),
        (
            lambda: nf.Linear(4, 3, weight_init="glorot"),
            ValueError,
            r"Linear: weight_init: expected one of .*'glorot'",
        ),
        (
            lambda: nf.Linear(4, 3, bias_init=0.0),
            TypeError,
            r"Linear: bias_init: expected a name or a callable",
        ),
        (lambda: nf.Linear(4, 3, name="a.b"), ValueError, r"Linear: name: .*without dots, got 'a.b'"),
        (lambda: nf.Linear(4, 3, name=7), TypeError, r"Linear: name: expected a string, got 7"),
        (lambda: nf.Conv2d(1, 2), TypeError, r"Conv2d: kernel_size: is required"),
        (lambda: nf.Conv2d(1, kernel_size=3), TypeError, r"Conv2d: out_channels: is required"),
        (lambda: nf.Conv2d(1, 2, (3, 3, 3)), ValueError, r"Conv2d: kernel_size: .*pair.*got 3 values"),
        (lambda: nf.Conv2d(1, 2, 3, stride=0), ValueError, r"Conv2d: stride: expected at least 1, got 0"),
        (lambda: nf.Conv2d(1, 2, 3, padding=-1), ValueError, r"Conv2d: padding: expected at least 0, got -1"),
        (
            lambda: nf.Conv2d(1, 2, 3, padding="full"),
            ValueError,
            r"padding: expected one of 'same', 'valid', got 'full'",
        ),
        (lambda: nf.Conv2d(1, 2, 3, 2, "same"), ValueError, r"Conv2d: padding: 'same' needs stride 1"),
        (
            lambda: nf.Conv2d(3, 4, 3, groups=2),
            ValueError,
            r"Conv2d: groups: expected a divisor of in_channels=3, got 2",
        ),
        (
            lambda: nf.Conv2d(4, 3, 3, groups=2),
            ValueError,
            r"Conv2d: groups: expected a divisor of out_channels=3",
        ),
        (
            lambda: nf.MaxPool2d(2, padding=2),
            ValueError,
            r"MaxPool2d: padding: expected at most half .*got \(2, 2\)",
        ),
        (lambda: nf.MaxPool2d("2"), TypeError, r"MaxPool2d: kernel_size: expected an integer, got '2'"),
        (lambda: nf.AvgPool2d(2, count_include_pad=0), TypeError, r"AvgPool2d: count_include_pad"),
        (lambda: nf.AvgPool2d(2, ceil_mode=None), TypeError, r"AvgPool2d: ceil_mode"),
        (lambda: nf.Dropout(1.1), ValueError, r"Dropout: p: expected a finite number >= 0 and <= 1, got 1.1"),
        (lambda: nf.Dropout(-0.1), ValueError, r"Dropout: p: "),
        (lambda: nf.Dropout("half"), TypeError, r"Dropout: p: expected a number, got 'half'"),
        (lambda: nf.ELU(-1.0), ValueError, "ELU: alpha: expected"),
        (lambda: nf.ELU("steep"), TypeError, "ELU: alpha: expected a number"),
        (lambda: nf.GELU("erf"), ValueError, "GELU: approximate: expected 'none' or 'tanh', got 'erf'"),
        (lambda: nf.Softplus(0.0), ValueError, "Softplus: beta: expected a finite number > 0"),
        (lambda: nf.Softplus(1.0, math.inf), ValueError, "Softplus: threshold: expected a finite number"),
        (lambda: nf.PReLU(0), ValueError, "PReLU: num_parameters: expected"),
        (lambda: nf.PReLU(1, math.nan), ValueError, "PReLU: init: expected a finite number"),
        (lambda: nf.LeakyReLU(math.nan), ValueError, r"LeakyReLU: negative_slope: expected a finite number"),
        (lambda: nf.Softmax(0), ValueError, r"Softmax: axis: 0 is the batch"),
        (lambda: nf.LogSoftmax(1.0), TypeError, r"LogSoftmax: axis: expected an integer"),
    ],
)
def test_bad_options_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("layers", "input_shape", "message"),
    [
        ([nf.Linear(4, 3)], 5, r"layer 0, Linear\(.*\): in_features: expected 5, .* got 4"),
        ([nf.Linear(16, 3)], (1, 4, 4), r"layer 0, .*got 16; add Flatten\(\) before it"),
        ([nf.Conv2d(1, 2, 3)], (4, 4), r"expected images \(channels, height, width\), .*x\[:, None\]"),
        (
            [nf.Conv2d(3, 2, 3)],
            (1, 4, 4),
            r"in_channels: expected 1, the channels of its input \(1, 4, 4\), got 3",
        ),
        (
            [nf.Conv2d(None, 4, 3, groups=2)],
            (3, 4, 4),
            r"groups: expected a divisor of the input's 3 channels",
        ),
        ([nf.Conv2d(1, 2, 9)], (1, 4, 4), r"layer 0, Conv2d.*kernel"),
        ([nf.MaxPool2d(2)], 8, r"layer 0, MaxPool2d.*expected images"),
        ([nf.ReLU(), nf.Softmax(2)], 8, r"layer 1, Softmax\(axis=2\): axis: expected 1..1 or -1..-1"),
        ([nf.Softmax(-2)], 8, r"axis: expected 1..1 or -1..-1 \(0 is the batch\), got -2"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers, input_shape, message):
    with pytest.raises(ValueError, match=message):
        nf.Sequential(layers, input_shape=input_shape)


def test_nothing_is_inferred_by_a_model_that_is_refused():
    first, second = nf.Linear(out_features=3), nf.Linear(4, 2)
    with pytest.raises(ValueError, match="in_features"):
        nf.Sequential(first, second, input_shape=7)
    assert first.in_features is None
    assert nf.Sequential(first, nf.Linear(3, 2), input_shape=5).output_shape == (2,)


# ---------------------------------------------------------------- initial values


def test_default_initial_values_are_pytorchs(backend):
    model = built(nf.Linear(100, 50), nf.Linear(50, 10), input_shape=100, backend=backend, seed=5)
    first, second = model.layers
    rng = np.random.default_rng([5, 0])
    for layer, fan_in in ((first, 100), (second, 50)):
        bound = 1 / math.sqrt(fan_in)
        np.testing.assert_array_equal(
            layer.weight, rng.uniform(-bound, bound, layer.weight.shape).astype("f4")
        )
        np.testing.assert_array_equal(layer.bias, rng.uniform(-bound, bound, layer.bias.shape).astype("f4"))


def test_convolutions_count_the_kernel_in_fan_in():
    model = built(nf.Conv2d(4, 8, 5, groups=2), input_shape=(4, 9, 9))
    bound = 1 / math.sqrt(2 * 25)
    weight = model.layers[0].weight
    assert weight.shape == (8, 2, 5, 5)
    assert 0.9 * bound < np.abs(weight).max() <= bound


@pytest.mark.parametrize(
    "name", ["xavier_uniform", "kaiming_uniform", "xavier_normal", "kaiming_normal", "lecun_normal"]
)
def test_initializers_have_their_standard_deviation(name):
    shape = (400, 300)
    fan_in, fan_out = 300, 400
    variance = {"xavier": 2 / (fan_in + fan_out), "kaiming": 2 / fan_in, "lecun": 1 / fan_in}[
        name.split("_")[0]
    ]
    values = initializers.get(name)(shape, np.random.default_rng(1), np.float64)
    # The sample variance of n numbers has a relative standard error of at most sqrt(2 / n): five of them.
    assert values.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / values.size))
    assert abs(values.mean()) < 5 * math.sqrt(variance / values.size)


def test_initializers_by_name_and_by_callable():
    model = built(
        nf.Linear(3, 2, weight_init="ones", bias_init="zeros"),
        nf.Linear(2, 2, weight_init=functools.partial(initializers.uniform, a=2.0, b=2.5)),
        nf.Linear(2, 1, weight_init=lambda shape, rng, dtype: np.full(shape, 7, dtype)),
        input_shape=3,
    )
    one, two, three = model.layers
    assert (one.weight == 1).all() and (one.bias == 0).all()
    assert (two.weight >= 2).all() and (two.weight < 2.5).all()
    assert (three.weight == 7).all()


def test_an_initializer_of_the_wrong_shape_is_refused():
    model = nf.Sequential(nf.Linear(3, 2, weight_init=lambda shape, rng, dtype: np.zeros(5)))
    with pytest.raises(
        ValueError, match=r"Linear: weight_init: expected an array of shape \(2, 3\), got \(5,\)"
    ):
        model.state_dict()


def test_fans_of_a_bias_do_not_exist():
    with pytest.raises(ValueError, match="2 or more dimensions"):
        initializers.fans((3,))


# ---------------------------------------------------------------- weights as views


def test_weights_are_live_views(backend):
    layer = nf.Linear(2, 1)
    with pytest.raises(AttributeError, match="Linear: weight: the layer is not part of a model yet"):
        _ = layer.weight
    model = built(layer, input_shape=2, backend=backend)
    layer.weight = [[2.0, 3.0]]
    layer.bias[...] = 1.0
    assert model.predict(np.array([[10.0, 100.0]])).item() == 321.0
    assert nf.Linear(2, 1, bias=False).bias is None
    with pytest.raises(ValueError, match=r"Linear: weight: expected shape \(1, 2\), got \(2,\)"):
        layer.weight = [1.0, 2.0]
    with pytest.raises(TypeError, match="Linear: bias: expected numbers"):
        layer.bias = ["a"]


# ---------------------------------------------------------------- gradients

GRADIENT_CASES = {
    "linear": (lambda: [nf.Linear(4, 3)], (4,)),
    "linear without bias": (lambda: [nf.Linear(4, 3, bias=False)], (4,)),
    "linear on the last axis": (lambda: [nf.Linear(4, 3)], (5, 4)),
    "sigmoid": (lambda: [nf.Sigmoid()], (6,)),
    "tanh": (lambda: [nf.Tanh()], (6,)),
    "relu": (lambda: [nf.ReLU()], (6,)),
    "leaky_relu": (lambda: [nf.LeakyReLU(0.3)], (6,)),
    "step": (lambda: [nf.Step()], (6,)),
    "hard_sigmoid": (lambda: [nf.Hardsigmoid()], (6,)),
    "relu6": (lambda: [nf.ReLU6()], (6,)),
    "elu": (lambda: [nf.ELU(0.7)], (6,)),
    "selu": (lambda: [nf.SELU()], (6,)),
    "gelu": (lambda: [nf.GELU()], (6,)),
    "gelu by tanh": (lambda: [nf.GELU("tanh")], (6,)),
    "silu": (lambda: [nf.SiLU()], (6,)),
    "mish": (lambda: [nf.Mish()], (6,)),
    "softplus": (lambda: [nf.Softplus()], (6,)),
    "softplus with options": (lambda: [nf.Linear(4, 3), nf.Softplus(2.0, 3.0 - 1e-3)], (4,)),
    "softsign": (lambda: [nf.Softsign()], (6,)),
    "prelu": (lambda: [nf.PReLU()], (6,)),
    "prelu of features": (lambda: [nf.PReLU(6, 0.1)], (6,)),
    "prelu of sequences": (lambda: [nf.PReLU(4)], (4, 5)),
    "prelu of images": (lambda: [nf.Conv2d(2, 3, 2), nf.PReLU(3), nf.Flatten(), nf.Linear(27, 2)], (2, 4, 4)),
    "fused new activations": (
        lambda: [
            nf.Conv2d(1, 2, 3),
            nf.ELU(0.6),
            nf.Conv2d(2, 2, 2),
            nf.Softplus(1.5),
            nf.Flatten(),
            nf.Linear(8, 6),
            nf.SELU(),
            nf.Linear(6, 6),
            nf.Softsign(),
            nf.Linear(6, 6),
            nf.Hardsigmoid(),
            nf.Linear(6, 6),
            nf.ReLU6(),
            nf.Linear(6, 6),
            nf.GELU(),
            nf.Linear(6, 6),
            nf.SiLU(),
            nf.Linear(6, 6),
            nf.Mish(),
            nf.Linear(6, 2),
        ],
        (1, 5, 5),
    ),
    "softmax": (lambda: [nf.Softmax()], (6,)),
    "softmax along channels": (lambda: [nf.Softmax(1)], (3, 2, 2)),
    "log_softmax": (lambda: [nf.LogSoftmax()], (6,)),
    "conv2d": (lambda: [nf.Conv2d(2, 3, 3, padding=1)], (2, 5, 4)),
    "conv2d strided, dilated": (lambda: [nf.Conv2d(2, 3, (3, 2), (2, 1), (2, 0), (2, 1))], (2, 7, 5)),
    "conv2d grouped": (lambda: [nf.Conv2d(4, 6, 3, groups=2, bias=False)], (4, 5, 5)),
    "conv2d same": (lambda: [nf.Conv2d(1, 2, (2, 4), padding="same")], (1, 5, 6)),
    "max_pool2d": (lambda: [nf.MaxPool2d(2)], (2, 5, 4)),
    "max_pool2d overlapping": (lambda: [nf.MaxPool2d(3, 2, 1, ceil_mode=True)], (2, 6, 5)),
    "avg_pool2d": (lambda: [nf.AvgPool2d(2)], (2, 5, 4)),
    "avg_pool2d padded": (lambda: [nf.AvgPool2d(3, 2, 1, count_include_pad=False)], (2, 6, 5)),
    "flatten": (lambda: [nf.Flatten(), nf.Linear(12, 2)], (3, 2, 2)),
    "dropout": (lambda: [nf.Linear(4, 9), nf.Dropout(0.4), nf.Linear(9, 2)], (4,)),
    "dropout on images": (lambda: [nf.Conv2d(1, 3, 2), nf.Dropout(0.4)], (1, 4, 4)),
    "fused activations": (
        lambda: [
            nf.Conv2d(1, 2, 3),
            nf.Tanh(),
            nf.Flatten(),
            nf.Linear(18, 4),
            nf.Sigmoid(),
            nf.Linear(4, 2),
        ],
        (1, 5, 5),
    ),
    "deep": (
        lambda: [
            nf.Conv2d(2, 4, 3, padding="same"),
            nf.ReLU(),
            nf.AvgPool2d(2),
            nf.Conv2d(4, 3, 2),
            nf.LeakyReLU(0.1),
            nf.MaxPool2d(2),
            nf.Flatten(),
            nf.Linear(3, 5),
            nf.Tanh(),
            nf.Linear(5, 3),
            nf.LogSoftmax(),
        ],
        (2, 6, 6),
    ),
}


def central_difference(f, array):
    """df/darray, element by element; f looks at `array` itself."""
    gradient = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        middle = array[index]
        array[index] = middle + STEP
        above = f()
        array[index] = middle - STEP
        below = f()
        array[index] = middle
        gradient[index] = (above - below) / (2 * STEP)
    return gradient


@pytest.mark.parametrize("case", GRADIENT_CASES)
def test_gradients_against_central_differences(case, isa, rng):
    make, shape = GRADIENT_CASES[case]
    model = built(*make(), input_shape=shape, dtype="float64")
    # Elements are more than 2 h apart, so that no difference steps over a kink of a maximum or of ReLU.
    n = 3
    x = (rng.permutation(n * math.prod(shape)).reshape(n, *shape) + 0.5) / (n * math.prod(shape)) * 4 - 2
    weights = rng.normal(size=(n, *model.output_shape))

    def scalar():
        # The step count stands still, so every forward draws the same dropout mask.
        return float((model.forward(x, training=True) * weights).sum())

    scalar()
    gx = model.backward(weights, need_input_grad=True)
    analytic = {name: g.copy() for name, g in model.gradients().items()}
    np.testing.assert_allclose(gx, central_difference(scalar, x), rtol=0, atol=GRADIENT_TOLERANCE)
    for index, layer in enumerate(model.layers):
        for name, view in layer._views.items():
            expected = central_difference(scalar, view)
            np.testing.assert_allclose(analytic[f"{index}.{name}"], expected, rtol=0, atol=GRADIENT_TOLERANCE)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "cross_entropy probabilities", "nll"])
def test_loss_gradients_against_central_differences(loss, reduction, isa, rng):
    """SGD with a learning rate of 1 moves the weights by exactly the gradient."""
    layers = [nf.Linear(4, 5), nf.Tanh(), nf.Linear(5, 3)]
    if loss == "nll":
        layers.append(nf.LogSoftmax())
    model = nf.Sequential(layers, dtype="float64", seed=1)
    objective = {"mse": nf.MSELoss, "nll": nf.NLLLoss}.get(loss, nf.CrossEntropyLoss)(reduction=reduction)
    model.compile(nf.SGD(lr=1.0), objective)
    x = rng.normal(size=(7, 4))
    y = rng.integers(0, 3, 7)
    if loss == "mse":
        y = rng.normal(size=(7, 3))
    elif "probabilities" in loss:
        y = rng.dirichlet(np.ones(3), 7)

    def scalar():
        return model.evaluate(x, y)["loss"]

    before = model.state_dict()
    expected = {
        f"{i}.{name}": central_difference(scalar, view)
        for i, layer in enumerate(model.layers)
        for name, view in layer._views.items()
    }
    assert expected.keys() == before.keys()
    reported = model.train_batch(x, y)["loss"]
    after = model.state_dict()
    model.load_state_dict(before)
    assert reported == pytest.approx(scalar(), rel=1e-12)
    for name, gradient in expected.items():
        np.testing.assert_allclose(before[name] - after[name], gradient, rtol=0, atol=GRADIENT_TOLERANCE)


def test_dropout_of_everything(backend):
    """p = 1, which PyTorch allows: zeros while training, with gradients of zero, and the input otherwise."""
    model = built(nf.Linear(3, 4), nf.Dropout(1.0), input_shape=3)
    model.compile("sgd", "mse_loss", backend=backend)
    x = np.ones((5, 3), np.float32)
    assert not model.forward(x, training=True).any()
    assert not model.backward(np.ones((5, 4)), need_input_grad=True).any()
    assert not any(gradient.any() for gradient in model.gradients().values())
    assert model.predict(x).all()
