"""Layers on signals and images beyond Conv2d and MaxPool2d: the engine beside its twin on every instruction
set, in both dtypes; gradients by central differences; shapes, defaults, refusals; a network that learns.
"""

import copy
import math

import numpy as np
import pytest

import nnfast as nf

from .arrays import both_floats

# Central differences in float64: truncation and rounding are both near 4e-11 |f| for this step, f a sum of at
# most a few hundred terms of size 1.
STEP = np.finfo(np.float64).eps ** (1 / 3)
TOLERANCE = 2e-8

CASES = {
    "conv1d": ([nf.Conv1d(3, 4, 3, 2, 1)], (3, 9)),
    "conv1d grouped, dilated": ([nf.Conv1d(4, 6, 2, dilation=2, groups=2, bias=False)], (4, 7)),
    "conv1d same": ([nf.Conv1d(2, 17, 4, padding="same")], (2, 6)),
    "conv1d fused": ([nf.Conv1d(2, 3, 3), nf.Tanh(), nf.Conv1d(3, 2, 2), nf.Sigmoid()], (2, 8)),
    "signals between dense layers": (
        [nf.Linear(6, 8), nf.Conv1d(3, 4, 3), nf.Dropout(0.3), nf.Linear(6, 2), nf.Softmax(1)],
        (3, 6),
    ),
    "signals and softmax": ([nf.Conv1d(2, 3, 2), nf.Softmax(1), nf.MaxPool1d(2), nf.Flatten()], (2, 7)),
    "max_pool1d": ([nf.MaxPool1d(3, 2, 1, ceil_mode=True)], (3, 8)),
    "max_pool1d dilated": ([nf.MaxPool1d(2, 1, dilation=2)], (3, 8)),
    "avg_pool1d": ([nf.AvgPool1d(3, 2, 1, count_include_pad=False)], (3, 8)),
    "conv_transpose2d": ([nf.ConvTranspose2d(2, 3, 3, 2, 1, 1)], (2, 4, 3)),
    "conv_transpose2d grouped": (
        [nf.ConvTranspose2d(4, 6, (3, 2), groups=2, bias=False, dilation=2)],
        (4, 3, 3),
    ),
    "conv_transpose2d depthwise": ([nf.ConvTranspose2d(3, 3, 2, 2, groups=3), nf.Tanh()], (3, 3, 3)),
    "adaptive_avg_pool2d": ([nf.AdaptiveAvgPool2d((3, 2))], (2, 5, 4)),
    "adaptive_avg_pool2d tiling": ([nf.AdaptiveAvgPool2d((None, 2))], (3, 3, 4)),
    "global_avg_pool2d": ([nf.GlobalAvgPool2d(), nf.Linear(3, 2)], (3, 4, 3)),
    "global_max_pool2d": ([nf.GlobalMaxPool2d(keepdims=True)], (3, 4, 3)),
    "global_avg_pool1d": ([nf.Conv1d(3, 4, 2), nf.GlobalAvgPool1d(), nf.Linear(4, 2)], (3, 5)),
    "global_max_pool1d": ([nf.GlobalMaxPool1d(keepdims=True)], (3, 4)),
    "constant_pad2d": ([nf.ConstantPad2d((1, -1, 2, 0), 0.5), nf.Conv2d(2, 2, 2)], (2, 4, 3)),
    "zero_pad2d": ([nf.ZeroPad2d(1)], (2, 4, 3)),
    "upsample": ([nf.Upsample(scale_factor=(2, 3))], (2, 3, 2)),
    "upsample by parts": ([nf.Conv2d(2, 3, 2), nf.Upsample(scale_factor=(1.5, 0.7))], (2, 4, 5)),
    "upsample to any size": ([nf.Upsample((7, 3)), nf.Conv2d(2, 3, 2)], (2, 3, 4)),
    "upsample to a size": ([nf.Upsample((6, 4)), nf.Conv2d(2, 3, 2)], (2, 3, 2)),
    "reshape": ([nf.Linear(12, 12), nf.Reshape((3, -1, 2)), nf.Conv2d(3, 2, 2), nf.Reshape(-1)], (12,)),
    "flatten the last axes": ([nf.Flatten(2), nf.Conv1d(3, 2, 2)], (3, 2, 2)),
    "flatten the first axes": ([nf.Conv2d(2, 3, 2), nf.Flatten(end_dim=2), nf.Linear(2, 3)], (2, 3, 3)),
    "reshape to signals": ([nf.Reshape((3, -1)), nf.Conv1d(3, 2, 2)], (2, 3, 2)),
}
every_case = pytest.mark.parametrize("case", CASES)


def built(case, dtype="float64", backend="native"):
    layers, shape = CASES[case]
    model = nf.Sequential(*copy.deepcopy(layers), input_shape=shape, dtype=dtype, seed=3)
    model.compile(nf.SGD(lr=0.1), backend=backend)
    return model


def spread_out(rng, model, n=3):
    """Elements more than two steps apart, so that no difference steps over a kink of a maximum."""
    size = n * math.prod(model.input_shape)
    return (rng.permutation(size).reshape(n, *model.input_shape) + 0.5) / size * 4 - 2


@both_floats
@every_case
def test_the_engine_computes_what_the_reference_does(isa, case, dtype, rng):
    results = []
    for backend in ("native", "reference"):
        model = built(case, dtype, backend)
        x = spread_out(np.random.default_rng(1), model).astype(dtype)
        weights = np.random.default_rng(2).normal(size=(len(x), *model.output_shape)).astype(dtype)
        y = model.forward(x, training=True).copy()
        gx = model.backward(weights, need_input_grad=True).copy()
        results.append([y, gx, *(g.copy() for g in model.gradients().values()), model.predict(x)])
    # Values are of size 1, sums and chains of at most a few hundred of them, on both sides.
    for got, twin in zip(*results, strict=True):
        assert got.dtype == dtype
        bound = 500 * np.finfo(dtype).eps * max(1.0, float(np.abs(twin).max()))
        np.testing.assert_allclose(got, twin, rtol=0, atol=bound)


@every_case
def test_gradients_against_central_differences(case, rng):
    model = built(case)
    x = spread_out(rng, model, 2)
    weights = rng.normal(size=(2, *model.output_shape))

    def scalar():
        return float((model.forward(x, training=True) * weights).sum())

    scalar()
    gradients = [model.backward(weights, need_input_grad=True).copy()]
    gradients += [g.copy() for g in model.gradients().values()]
    arrays = [x, *(view for layer in model.layers for view in layer._views.values())]
    for array, gradient in zip(arrays, gradients, strict=True):
        expected = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            middle = array[index]
            array[index] = middle + STEP
            above = scalar()
            array[index] = middle - STEP
            expected[index] = (above - scalar()) / (2 * STEP)
            array[index] = middle
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=TOLERANCE)


def test_layers_compute_what_the_functions_do(rng):
    x, signal = rng.normal(size=(2, 4, 6, 5)), rng.normal(size=(2, 4, 9))
    up, one = nf.ConvTranspose2d(4, 6, 3, 2, 1, 1, 2), nf.Conv1d(4, 6, 3, 2, 1, 1, 2)

    def run(layer, samples):
        return nf.Sequential(layer, input_shape=samples.shape[1:], dtype="float64", seed=1).predict(samples)

    pairs = [
        (run(up, x), nf.conv_transpose2d(x, up.weight, up.bias, 2, 1, 1, 2)),
        (run(one, signal), nf.conv1d(signal, one.weight, one.bias, 2, 1, 1, 2)),
        (run(nf.MaxPool1d(2), signal), nf.max_pool1d(signal, 2)),
        (run(nf.AvgPool1d(2), signal), nf.avg_pool1d(signal, 2)),
        (run(nf.AdaptiveAvgPool2d(4), x), nf.adaptive_avg_pool2d(x, 4)),
        (run(nf.GlobalAvgPool2d(), x), nf.global_avg_pool2d(x)),
        (run(nf.GlobalMaxPool2d(), x), nf.global_max_pool2d(x)),
        (run(nf.GlobalAvgPool1d(), signal), nf.global_avg_pool1d(signal)),
        (run(nf.GlobalMaxPool1d(), signal), nf.global_max_pool1d(signal)),
        (run(nf.ConstantPad2d((1, 2, 3, 0), 7.0), x), nf.pad(x, (1, 2, 3, 0), value=7.0)),
        (run(nf.Upsample(scale_factor=2.0), x), nf.upsample_nearest(x, scale_factor=2)),
        (run(nf.Reshape((-1, 5)), x), x.reshape(2, 24, 5)),
    ]
    for layer, function in pairs:
        np.testing.assert_allclose(layer, function, rtol=1e-12, atol=1e-12)


def test_default_initial_values_are_pytorchs():
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)); PyTorch takes fan_in from any weight's second axis."""
    for layer, shape, fan in (
        (nf.Conv1d(8, 50, 5), (8, 9), 40),
        (nf.ConvTranspose2d(50, 8, 3), (50, 4, 4), 72),
    ):
        model = nf.Sequential(layer, input_shape=shape, seed=0)
        assert model.layers[0] is layer
        bound = 1 / math.sqrt(fan)
        assert 0.95 * bound < np.abs(layer.weight).max() <= bound
        assert np.abs(layer.bias).max() <= bound


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nf.Conv1d(3), TypeError, "Conv1d: out_channels: is required"),
        (lambda: nf.Conv1d(3, 4, (1, 2)), TypeError, "Conv1d: kernel_size: "),
        (lambda: nf.Conv1d(3, 4, 2, groups=2), ValueError, "Conv1d: groups: "),
        (lambda: nf.Conv1d(3, 4, 2, 2, "same"), ValueError, "Conv1d: padding: 'same' needs stride 1"),
        (lambda: nf.ConvTranspose2d(3, 4), TypeError, "ConvTranspose2d: kernel_size: is required"),
        (
            lambda: nf.ConvTranspose2d(3, 4, 2, output_padding=1),
            ValueError,
            "ConvTranspose2d: output_padding: ",
        ),
        (lambda: nf.ConvTranspose2d(3, 4, 2, groups=2), ValueError, "ConvTranspose2d: groups: "),
        (lambda: nf.MaxPool1d(2, padding=2), ValueError, "MaxPool1d: padding: "),
        (lambda: nf.AvgPool1d(0), ValueError, "AvgPool1d: kernel_size: "),
        (lambda: nf.AdaptiveAvgPool2d(0), ValueError, "AdaptiveAvgPool2d: output_size: "),
        (lambda: nf.AdaptiveAvgPool2d((1, 2, 3)), ValueError, "AdaptiveAvgPool2d: output_size: "),
        (lambda: nf.GlobalAvgPool2d(1), TypeError, "GlobalAvgPool2d: keepdims: "),
        (lambda: nf.ZeroPad2d((1, 2)), ValueError, "ZeroPad2d: padding: "),
        (lambda: nf.ConstantPad2d(1, None), TypeError, "ConstantPad2d: value: "),
        (lambda: nf.Upsample(), ValueError, "Upsample: scale_factor: "),
        (lambda: nf.Upsample(scale_factor=0.0), ValueError, "Upsample: scale_factor: "),
        (lambda: nf.Upsample(scale_factor="2"), TypeError, "Upsample: scale_factor: "),
        (lambda: nf.Upsample(scale_factor=(1, 2, 3)), ValueError, "Upsample: scale_factor: "),
        (lambda: nf.Upsample(2, mode="bilinear"), ValueError, "Upsample: mode: "),
        (lambda: nf.Reshape((-1, -1)), ValueError, "Reshape: shape: "),
        (lambda: nf.Reshape(()), ValueError, "Reshape: shape: "),
    ],
)
def test_bad_options_are_refused(make, error, message):
    with pytest.raises(error, match=f"^{message}"):
        make()


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nf.Conv1d(3, 4, 2), (3, 4, 4), "signals"),
        (nf.Conv1d(3, 4, 5), (3, 4), "padded"),
        (nf.Conv1d(2, 4, 2), (3, 4), "in_channels"),
        (nf.MaxPool1d(2), (4,), "signals"),
        (nf.ConvTranspose2d(2, 4, 1, padding=3), (2, 4, 4), "padding"),
        (nf.GlobalAvgPool2d(), (4,), "images"),
        (nf.ZeroPad2d(-2), (1, 4, 4), "padding"),
        (nf.Upsample(scale_factor=0.2), (1, 4, 4), "scale_factor"),
        (nf.GlobalAvgPool1d(), (1, 4, 4), "signals"),
        (nf.Reshape((3, -1)), (4,), "shape"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layer, shape, message, backend):
    with pytest.raises(ValueError, match=message):
        model = nf.Sequential(copy.copy(layer), input_shape=shape)
        model.compile(nf.SGD(lr=0.1), backend=backend)
        model.predict(np.ones((1, *shape)))


def test_an_autoencoder_learns(rng):
    """Down by pooling, up by a transposed convolution; images that are sums of two patterns."""
    patterns = rng.normal(size=(2, 64))
    x = (rng.normal(size=(200, 2)) @ patterns / 2).reshape(200, 1, 8, 8)
    model = nf.Sequential(
        nf.Conv2d(1, 8, 3, padding=1),
        nf.Tanh(),
        nf.AvgPool2d(2),
        nf.Flatten(),
        nf.Linear(128, 4),
        nf.Linear(4, 128),
        nf.Tanh(),
        nf.Reshape((8, 4, 4)),
        nf.ConvTranspose2d(8, 1, 4, stride=2, padding=1),
        input_shape=(1, 8, 8),
        seed=1,
    )
    model.compile(nf.Adam(lr=0.01), nf.MSELoss())
    before = model.evaluate(x, x)["loss"]
    model.fit(x, x, epochs=20, batch_size=20, verbose=0)
    assert model.evaluate(x, x)["loss"] < 0.2 * before
